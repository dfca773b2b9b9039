module github.com/highway-engine/highway/modelcheck

go 1.25

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/highway-engine/highway v0.0.0
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)

replace github.com/highway-engine/highway => ../
