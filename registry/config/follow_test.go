package config_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/logtest"
	"github.com/highway-engine/highway/registry"
	"github.com/highway-engine/highway/registry/config"
)

// every is how often the files in these tests are looked at. It is as long as a change is
// looked at before it counts, so that all looks are at multiples of it.
const every = 100 * time.Millisecond

// A followed file, in virtual time.
type followed struct {
	t    *testing.T
	p    *highway.CircuitProtector
	log  logtest.Buffer
	stop context.CancelCauseFunc
	err  error
	over sync.WaitGroup
}

// follow begins to follow the file.
func follow(t *testing.T, path string) *followed {
	t.Helper()
	r, err := registry.New(registry.Config{Policy: highway.CircuitProtectorPolicy{Cooldown: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Get("payments")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	f := &followed{t: t, p: p, stop: stop}
	f.over.Go(func() {
		f.err = config.Follow(ctx, path, r, config.Options{Every: every, Logger: slog.New(slog.NewTextHandler(&f.log, nil))})
	})
	return f
}

// wants lets time pass, and compares the cooldown that is in force and the line that was
// logged meanwhile; none if that is empty.
func (f *followed) wants(cooldown time.Duration, line string) {
	f.t.Helper()
	time.Sleep(3 * every)
	synctest.Wait()
	if got := f.p.Settings().Cooldown; got != cooldown {
		f.t.Errorf("the cooldown is %v, want %v", got, cooldown)
	}
	lines := 1
	if line == "" {
		lines = 0
	}
	if got := f.log.Take(); strings.Count(got, "\n") != lines || !strings.Contains(got, line) {
		f.t.Errorf("logged was %q, want one line with %q", got, line)
	}
}

// ends stops, and wants nothing to be left.
func (f *followed) ends() {
	f.t.Helper()
	reason := errors.New("enough")
	f.stop(reason)
	f.over.Wait()
	if f.err != reason {
		f.t.Errorf("it returned %v", f.err)
	}
}

func cooldown(d string) string { return "template: {cooldown: " + d + "}\n" }

const (
	taken   = `level=INFO msg="highway: new settings are in force"`
	refused = `level=WARN msg="highway: the settings in the file are not taken, those in force stay"`
)

func TestAFileIsFollowed(t *testing.T) {
	path := file(t, "a.yaml", cooldown("1s"))
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, path)
		defer f.ends()
		f.wants(time.Second, taken)
		f.wants(time.Second, "")
		put(t, path, cooldown("2s")) // in place
		f.wants(2*time.Second, taken)
		put(t, path+".new", cooldown("3s")) // replaced
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		f.wants(3*time.Second, taken)
		put(t, path, cooldown("3s")) // written, but the same
		f.wants(3*time.Second, "")
		put(t, path, "overrides: {payments: {cooldown: 4s}}\n")
		f.wants(4*time.Second, "overrides=1")
		put(t, path, "{}")
		f.wants(time.Minute, taken) // as the program says
	})
}

func TestAFileThatIsBadChangesNothing(t *testing.T) {
	path := file(t, "a.yaml", cooldown("-1s"))
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, path)
		defer f.ends()
		f.wants(time.Minute, refused)
		f.wants(time.Minute, "") // it is logged once
		put(t, path, cooldown("1s"))
		f.wants(time.Second, taken)
		put(t, path, cooldown("soon"))
		f.wants(time.Second, `template.cooldown is \"soon\"`)
		put(t, path, "")
		f.wants(time.Second, refused)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		f.wants(time.Second, "no such file or directory")
		f.wants(time.Second, "")
		put(t, path, strings.Repeat("#", config.MaxSize+1))
		f.wants(time.Second, "it must have at most")
		put(t, path, cooldown("1s"))
		f.wants(time.Second, taken)
		put(t, path, strings.Repeat("overrides: {}\n", 5000)) // many mistakes are one line of some length
		f.wants(time.Second, refused)
	})
}

// TestAMomentIsNoChange: what is seen while a file is being written is not taken.
func TestAMomentIsNoChange(t *testing.T) {
	path := file(t, "a.yaml", cooldown("1s"))
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, path)
		defer f.ends()
		f.wants(time.Second, taken)
		put(t, path, "template: {}\n") // sensible as it is, but half of what is to come
		time.Sleep(every + every/100)
		put(t, path, cooldown("2s"))
		f.wants(2*time.Second, taken)
		put(t, path, cooldown("-1s"))
		time.Sleep(every + every/100)
		put(t, path, cooldown("2s"))
		f.wants(2*time.Second, "")
	})
}

// TestAConfigMapIsFollowed: there the file is a link by way of a folder that is a link, and
// only that is replaced.
func TestAConfigMapIsFollowed(t *testing.T) {
	mount := t.TempDir()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	publish := func(version, text string) {
		must(os.Mkdir(filepath.Join(mount, version), 0o700))
		put(t, filepath.Join(mount, version, "a.yaml"), text)
		must(os.Symlink(version, filepath.Join(mount, "..data_tmp")))
		must(os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")))
	}
	publish("..v1", cooldown("1s"))
	path := filepath.Join(mount, "a.yaml")
	must(os.Symlink(filepath.Join("..data", "a.yaml"), path))
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, path)
		defer f.ends()
		f.wants(time.Second, taken)
		publish("..v2", cooldown("2s"))
		must(os.RemoveAll(filepath.Join(mount, "..v1")))
		f.wants(2*time.Second, taken)
	})
}

func TestAMistakeInTheProgramIsReturned(t *testing.T) {
	r, err := registry.New(registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Follow(t.Context(), "a.toml", r, config.Options{}); err == nil || !strings.Contains(err.Error(), "a.toml: the name must end in") {
		t.Errorf("got %v", err)
	}
	var invalid *highway.InvalidPolicyError
	if err := config.Follow(t.Context(), "a.yaml", r, config.Options{Every: -1}); !errors.As(err, &invalid) || invalid.Field != "Every" {
		t.Errorf("got %v", err)
	}
}

// TestTheDefaultsWork, and what was there already is in force before anybody waits.
func TestTheDefaultsWork(t *testing.T) {
	path := file(t, "a.json", `{"template":{"cooldown":"1s"}}`)
	synctest.Test(t, func(t *testing.T) {
		r, err := registry.New(registry.Config{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var over sync.WaitGroup
		over.Go(func() {
			if err := config.Follow(ctx, path, r, config.Options{}); err != context.Canceled {
				t.Errorf("it returned %v", err)
			}
		})
		synctest.Wait()
		if got := r.Settings().Template.Cooldown; got != time.Second {
			t.Errorf("the cooldown is %v", got)
		}
		stop()
		over.Wait()
	})
}
