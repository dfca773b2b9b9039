# "make" lists what there is. Every target works on a fresh clone with Go, which fetches
# the modules; only check needs a C compiler too, for the race detector.

MODULES     := . benchmarks browsertest cmd/highway examples grafana grpc modelcheck otel postgres prometheus registry/config storagetest
PACKAGES    := $(foreach m,$(MODULES),./$(if $(filter .,$(m)),,$(m)/)...)
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: servers ## run every test and example
	go test $(PACKAGES)

.PHONY: servers
servers: ## install the servers that the tests run privately, where that needs no questions
	@.ci/servers

.PHONY: check
check: servers ## what a change must pass: format, vet, staticcheck, modules, tests with -race
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	go vet $(PACKAGES)
	$(STATICCHECK) $(PACKAGES)
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy -diff) || exit 1; done
	@others=$$(go list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' . | grep -v '^github.com/highway-engine/highway'); \
		test -z "$$others" || { echo "the root module imports $$others"; exit 1; }
	@! grep -q '^require' go.mod || { echo "the root module requires another"; exit 1; }
	go test -race $(PACKAGES)
	go test -run '^$$' -bench . -benchtime 1x ./benchmarks > /dev/null

.PHONY: fuzz
fuzz: ## fuzz the state machine, the delays and what is read from text, half a minute each
	go test -run '^$$' -fuzz FuzzMachine -fuzztime 30s ./modelcheck
	go test -run '^$$' -fuzz FuzzExponentialDelay -fuzztime 30s .
	go test -run '^$$' -fuzz FuzzLimit -fuzztime 30s .
	go test -run '^$$' -fuzz FuzzParse -fuzztime 30s ./internal/environment
	go test -run '^$$' -fuzz FuzzParse -fuzztime 30s ./registry
	go test -run '^$$' -fuzz FuzzYAML -fuzztime 30s ./registry/config
	go test -run '^$$' -fuzz FuzzSafe -fuzztime 30s ./cmd/highway/internal/output

.PHONY: scripts
scripts: ## rewrite the state machine's scripts with what it does now
	go test ./internal/circuit -run TestScripts -rewrite

.PHONY: simulate
simulate: ## run fleets in virtual time for a minute, explore a small one, break some on purpose
	go run ./internal/sim/simulate
	go run ./internal/sim/simulate -explore 2000000
	go run ./internal/sim/simulate -broken

.PHONY: chaos
chaos: ## ten minutes of faults on a fleet of ten processes and its PostgreSQL; prints a table
	go run ./postgres/chaos

.PHONY: bench
bench: ## compare with other libraries, in five processes; prints tables and targets
	cd benchmarks && go run ./report

.PHONY: bench-write
bench-write: ## the same, and write the figures and the chart into benchmarks/
	cd benchmarks && go run ./report -write

.PHONY: bench-fleet
bench-fleet: ## measure a fleet on PostgreSQL, beside one on Redis, some seven minutes
	cd benchmarks && go run ./fleet

.PHONY: bench-fleet-write
bench-fleet-write: ## the same, and write the figures into benchmarks/
	cd benchmarks && go run ./fleet -write

.PHONY: outages
outages: ## simulate fleets with each rule, some eight minutes; prints tables and targets
	cd benchmarks && go run ./outages

.PHONY: outages-write
outages-write: ## the same, and write the figures and the chart into docs/
	cd benchmarks && go run ./outages -write

.PHONY: demo
demo: ## watch breakers save a failing server
	go run ./cmd/highway demo

.PHONY: picture
picture: ## run the demo's dashboard in a browser and take the picture in the README, a minute and a half
	go run ./browsertest/screenshots -picture docs/dashboard.png

.PHONY: screenshots
screenshots: ## take pictures of the dashboard, light and dark, wide and narrow, into bin/
	go run ./browsertest/screenshots -into bin/screenshots

.PHONY: picture-terminal
picture-terminal: ## run the demo in a terminal and draw what it shows
	go run ./cmd/highway/internal/picture > docs/demo.svg
