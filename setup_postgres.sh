#!/bin/sh
# Sets up the PostgreSQL database of a fleet: "highway setup" with the same flags, as in
#   ./setup_postgres.sh -p your_password
#   ./setup_postgres.sh --help
set -eu

if command -v highway >/dev/null 2>&1; then
	exec highway setup "$@"
fi
if ! command -v go >/dev/null 2>&1; then
	echo 'setup_postgres.sh: neither highway nor go is in the PATH' >&2
	exit 1
fi
here=$(cd "$(dirname "$0")" && pwd)
if [ -f "$here/cmd/highway/main.go" ]; then
	# A program of its own, as "go run" hides the exit code. It runs in the folder of
	# whoever called, where .env may be.
	built=$(mktemp -d)
	trap 'rm -rf "$built"' EXIT
	(cd "$here/cmd/highway" && go build -o "$built/highway" .)
	code=0
	"$built/highway" setup "$@" || code=$?
	exit "$code"
fi
exec go run github.com/highway-engine/highway/cmd/highway@latest setup "$@"
