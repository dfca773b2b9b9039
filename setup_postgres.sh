#!/bin/sh
# Sets up the PostgreSQL database of a fleet: "highway setup" with the same flags, as in
#   ./setup_postgres.sh -p your_password
#   ./setup_postgres.sh --help
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# The clone that this stands in comes first: another highway may be of another version.
if [ -f "$here/cmd/highway/main.go" ] && command -v go >/dev/null 2>&1; then
	# A program of its own, as "go run" hides the exit code. It runs in the folder of
	# whoever called, where .env may be.
	built=$(mktemp -d)
	trap 'rm -rf "$built"' EXIT
	(cd "$here/cmd/highway" && go build -o "$built/highway" .)
	code=0
	"$built/highway" setup "$@" || code=$?
	exit "$code"
fi
if command -v highway >/dev/null 2>&1; then
	exec highway setup "$@"
fi
cat >&2 <<'END'
setup_postgres.sh: this takes Go 1.25 or newer and a clone of the repository, in which it
stands, or the command highway in the PATH; "go install ./cmd/highway" in a clone makes it.
END
exit 1
