package postgrestest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// pack makes an npm package of files, and its links.
func pack(t *testing.T, files ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	for i := 0; i < len(files); i += 2 {
		name, content := files[i], files[i+1]
		if err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestUnpack(t *testing.T) {
	to := filepath.Join(t.TempDir(), "to")
	err := unpack(bytes.NewReader(pack(t,
		"package/README", "not wanted",
		"package/native/bin/postgres", "program",
		"package/native/lib/libpq.so.5.18", "library",
		"package/native/pg-symlinks.json", `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so"}]`,
	)), to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(to, "README")); err == nil {
		t.Error("more than PostgreSQL is unpacked")
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(filepath.Join(to, "bin/postgres")); err != nil || info.Mode().Perm()&0o555 != 0o555 {
			t.Errorf("the program: %v, %v", info.Mode(), err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(to, "lib/libpq.so")); err != nil || string(text) != "library" {
		t.Errorf("the link: %q, %v", text, err)
	}
}

func TestNothingIsWrittenElsewhere(t *testing.T) {
	for _, files := range [][]string{
		{"package/native/../../../escaped", "x"},
		{"package/native/pg-symlinks.json", `[{"source":"native/lib/x","target":"native/../../escaped"}]`},
		{"package/native/pg-symlinks.json", `[{"source":"native/../../x","target":"native/escaped"}]`},
		{"package/native/pg-symlinks.json", `[{"source":"/etc/passwd","target":"native/escaped"}]`},
	} {
		dir := t.TempDir()
		to := filepath.Join(dir, "a", "b")
		if err := os.Mkdir(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unpack(bytes.NewReader(pack(t, files...)), to); err == nil {
			t.Errorf("%q is unpacked", files)
		}
		filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if strings.Contains(path, "escaped") {
				t.Errorf("%q makes %s", files, path)
			}
			return err
		})
	}
}

// counted is a registry that has one package, and counts who asks for it.
func counted(t *testing.T, content []byte) (asked func() int) {
	t.Helper()
	var mu sync.Mutex
	count := 0
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		count++
		mu.Unlock()
		w.Write(content)
	}))
	t.Cleanup(registry.Close)
	t.Setenv("npm_config_registry", registry.URL+"/")
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

func TestAPackageThatIsNotThePinnedOneIsRefused(t *testing.T) {
	asked := counted(t, pack(t, "package/native/bin/initdb", "evil", "package/native/bin/postgres", "evil"))
	cache := t.TempDir()
	home := filepath.Join(cache, "home")
	if err := fetch(t.Context(), cache, home); !errors.Is(err, errNotThePackage) || asked() != 1 {
		t.Errorf("%v, asked %d times", err, asked())
	}
	if left, _ := os.ReadDir(cache); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestOneDownloadIsForAll(t *testing.T) {
	whole := pack(t, "package/native/bin/"+executable("initdb"), "x", "package/native/bin/"+executable("postgres"), "x")
	sum := sha512.Sum512(whole)
	was := packages
	t.Cleanup(func() { packages = was })
	packages = map[string]struct{ name, integrity string }{
		runtime.GOOS + "/" + runtime.GOARCH: {"none", base64.StdEncoding.EncodeToString(sum[:])},
	}
	asked := counted(t, whole)
	cache := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, cache)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			b, err := downloaded(t.Context(), &Options{}, nil)
			if err != nil || !strings.HasPrefix(b.dir, cache) {
				t.Errorf("%v, %v", b, err)
			}
		})
	}
	all.Wait()
	if asked() != 1 && runtime.GOOS != "windows" {
		t.Errorf("downloaded %d times", asked())
	}
}

func TestInstallationsAreTriedNewestFirst(t *testing.T) {
	paths := []string{"/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/15/bin"}
	slices.SortFunc(paths, func(a, b string) int { return version(b) - version(a) })
	if version(paths[0]) != 17 || version(paths[1]) != 15 {
		t.Errorf("%q", paths)
	}
}
