package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// install is what to do when there is no PostgreSQL.
const install = "install PostgreSQL (apt-get install postgresql, dnf install postgresql-server, brew install postgresql)," +
	" name its folder of programs in HW_TEST_POSTGRES, or name a server in HW_TEST_DATABASE_URL"

// binaries is a folder with PostgreSQL's programs.
type binaries struct {
	dir    string
	origin string // how it got there
}

func (b binaries) String() string { return b.origin + ": " + b.dir }

// program is the path of one of them.
func (b binaries) program(name string) string { return filepath.Join(b.dir, executable(name)) }

// has says whether a program is there.
func (b binaries) has(name string) bool {
	info, err := os.Stat(b.program(name))
	return err == nil && info.Mode().IsRegular()
}

// complete says whether a server can be run with it.
func (b binaries) complete() bool { return b.has("initdb") && b.has("postgres") }

func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// find finds PostgreSQL: where the options say, installed, or by a download.
func find(ctx context.Context, options *Options, runs *account) (binaries, error) {
	from := options.Binaries
	if from == "" {
		from = os.Getenv("HW_TEST_POSTGRES")
	}
	switch from {
	case "":
		if b, ok := installed(ctx, runs); ok {
			return b, nil
		}
		fallthrough
	case Download:
		b, err := downloaded(ctx, options, runs)
		if err != nil {
			return binaries{}, fmt.Errorf("postgrestest: %w\n%s", err, install)
		}
		return b, nil
	}
	b := binaries{dir: from, origin: "the folder asked for"}
	if !b.complete() {
		return binaries{}, fmt.Errorf("postgrestest: no initdb and postgres in %s: %s", from, install)
	}
	return b, nil
}

// installed finds PostgreSQL where systems install it.
func installed(ctx context.Context, runs *account) (binaries, bool) {
	for _, dir := range folders(ctx) {
		b := binaries{dir: dir, origin: "installed"}
		if b.complete() && runs.reaches(dir) {
			return b, true
		}
	}
	return binaries{}, false
}

// folders are where PostgreSQL may be, the likeliest first.
func folders(ctx context.Context) []string {
	var dirs []string
	// A link in the PATH leads to one program; the others are beside what it links to.
	if path, err := exec.LookPath(executable("initdb")); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/usr/local/pgsql/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/opt/homebrew/opt/postgresql/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/opt/postgresql*/bin",
		"/opt/postgresql/*/bin",
		`C:\Program Files\PostgreSQL\*\bin`,
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
		dirs = append(dirs, found...)
	}
	if answer, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(answer)))
	}
	return dirs
}

// version is the number in the path of an installation, such as 17 in
// /usr/lib/postgresql/17/bin. 0 is none; 9.6 counts as 9.
func version(path string) int {
	digits := func(r rune) bool { return r < '0' || r > '9' }
	for _, part := range strings.FieldsFunc(path, digits) {
		if n, err := strconv.Atoi(part); err == nil {
			return n
		}
	}
	return 0
}

// missing says that a program is not among the binaries.
func (b binaries) missing(name string) error {
	if b.has(name) {
		return nil
	}
	return fmt.Errorf("%w: no %s in %s: %s", ErrMissing, name, b.dir, install)
}

// ErrMissing is in the error of what needs a program or library that is not there, as
// the download lacks pg_basebackup.
var ErrMissing = errors.New("postgrestest: something is missing")
