package postgrestest

import (
	"cmp"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// largest is more than any of the packages has, in bytes.
const largest = 200 << 20

// downloaded is PostgreSQL in the user's cache folder, downloaded if it is not there.
func downloaded(ctx context.Context, options *Options, runs *account) (binaries, error) {
	cache, err := cacheFolder(runs)
	if err != nil {
		return binaries{}, err
	}
	home := filepath.Join(cache, "postgresql-"+release)
	b := binaries{dir: filepath.Join(home, "bin"), origin: "a download of PostgreSQL " + postgresVersion}
	if b.complete() {
		return b, nil
	}
	// Tests of several packages run at once: one of them downloads for all.
	unlock, err := lock(filepath.Join(cache, "lock"))
	if err != nil {
		return binaries{}, err
	}
	defer unlock()
	if b.complete() {
		return b, nil
	}
	began := time.Now()
	options.logf("downloading PostgreSQL %s, once", postgresVersion)
	if err := fetch(ctx, cache, home); err != nil {
		return binaries{}, fmt.Errorf("downloading PostgreSQL: %w", err)
	}
	options.logf("downloaded to %s in %v", home, time.Since(began).Round(time.Millisecond))
	if !b.complete() {
		return binaries{}, fmt.Errorf("no initdb and postgres in the download at %s", home)
	}
	return b, nil
}

// cacheFolder is the user's, unless who runs the server cannot reach it.
func cacheFolder(runs *account) (string, error) {
	var candidates []string
	if dir, err := os.UserCacheDir(); err == nil {
		candidates = append(candidates, dir)
	}
	if runs != nil {
		candidates = append(candidates, "/var/cache")
	}
	for _, dir := range candidates {
		// A home may be new and have no cache folder yet.
		if err := os.MkdirAll(dir, 0o755); err != nil || !runs.reaches(dir) {
			continue
		}
		dir = filepath.Join(dir, "highway")
		return dir, os.MkdirAll(dir, 0o755)
	}
	return "", fmt.Errorf("no cache folder that %s can reach among %q", runs, candidates)
}

// fetch downloads the package of this platform, checks it, and unpacks it to home. Home
// is there with all that belongs to it, or not at all.
func fetch(ctx context.Context, cache, home string) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	pack, ok := packages[platform]
	if !ok {
		return fmt.Errorf("there is none for %s", platform)
	}
	work, err := os.MkdirTemp(cache, "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)

	archive, err := os.Create(filepath.Join(work, "archive.tgz"))
	if err != nil {
		return err
	}
	defer archive.Close()
	address := fmt.Sprintf("%s/@embedded-postgres/%s/-/%s-%s.tgz", registry(), pack.name, pack.name, release)
	if err := get(ctx, address, archive, pack.integrity); err != nil {
		return err
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	part := filepath.Join(work, "postgresql")
	if err := unpack(archive, part); err != nil {
		return err
	}
	if err := os.Rename(part, home); err != nil {
		// Where there is no lock another process may have been faster.
		if (binaries{dir: filepath.Join(home, "bin")}).complete() {
			return nil
		}
		return err
	}
	return nil
}

// registry is the npm registry, or the mirror that npm itself is told of.
func registry() string {
	address := cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY"), "https://registry.npmjs.org")
	return strings.TrimSuffix(address, "/")
}

// get writes what is at the address to a file and checks its SHA-512. The proxies of the
// environment are used.
func get(ctx context.Context, address string, to io.Writer, integrity string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", request.URL.Redacted(), answer.Status)
	}
	sum := sha512.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(answer.Body, largest)); err != nil {
		return fmt.Errorf("%s: %w", request.URL.Redacted(), err)
	}
	if got := base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != integrity {
		return fmt.Errorf("%s: %w: its SHA-512 is %s, not %s", request.URL.Redacted(), errNotThePackage, got, integrity)
	}
	return nil
}

var errNotThePackage = errors.New("not the package that was pinned")
