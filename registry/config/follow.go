package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// DefaultEvery is what a zero [Options].Every stands for.
const DefaultEvery = 5 * time.Second

// settle is how long a change is looked at before it counts, if Every is not shorter: a
// file may be seen while it is being written.
const settle = 100 * time.Millisecond

// Options say how a file is followed. The zero Options work.
type Options struct {
	Every  time.Duration // between two looks at the file; zero means DefaultEvery
	Logger *slog.Logger  // nil means slog.Default
}

// Follow puts the settings in a file in force, and again whenever what the file says has
// changed, until ctx ends; then it returns the cause of that. Anything else that it returns
// is a mistake in the program: a name that [Read] does not take, or senseless options.
//
// It looks at the content, so that it does not matter how the file is changed: written in
// place, replaced, or by the links of a ConfigMap. A change counts when two looks have seen
// the same, a tenth of a second apart or Every, whichever is less.
//
// A file that cannot be read, or whose settings make no sense, changes nothing: the last good
// ones stay in force. Each change gives one line in the log, one of the settings at Info, a
// file that is refused at Warn. To know of mistakes before the program starts, call Read and
// [registry.Registry.Update] first.
func Follow(ctx context.Context, path string, r *registry.Registry, o Options) error {
	if _, err := format(path); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if r == nil {
		return &highway.InvalidPolicyError{Policy: "config.Follow", Field: "r", Value: "nil", Rule: "it must be a registry"}
	}
	if o.Every < 0 {
		return &highway.InvalidPolicyError{Policy: "config.Options", Field: "Every", Value: o.Every, Rule: "it must not be negative"}
	}
	if o.Every == 0 {
		o.Every = DefaultEvery
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	f := follower{path: path, registry: r, log: o.Logger}
	f.apply(look(path))
	timer := time.NewTimer(o.Every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		if f.changed() {
			timer.Reset(min(o.Every, settle))
		} else {
			timer.Reset(o.Every)
		}
	}
}

// A follower is what Follow knows.
type follower struct {
	path     string
	registry *registry.Registry
	log      *slog.Logger

	done    sight // what was put in force or refused
	last    sight // what was seen last
	refused bool  // the last one was
}

// A sight is what a look at the file has shown.
type sight struct {
	sum [sha256.Size]byte // of the content
	err string            // why there is none
}

// look reads the file.
func look(path string) (sight, []byte) {
	text, err := content(path)
	if err != nil {
		return sight{err: err.Error()}, nil
	}
	return sight{sum: sha256.Sum256(text)}, text
}

// changed looks at the file, and says whether a change has to be confirmed by another look.
func (f *follower) changed() bool {
	seen, text := look(f.path)
	confirmed := seen == f.last
	f.last = seen
	if seen == f.done {
		return false
	}
	if confirmed {
		f.apply(seen, text)
	}
	return !confirmed
}

// apply puts what the file says in force, if it makes sense.
func (f *follower) apply(seen sight, text []byte) {
	f.done, f.last = seen, seen
	if seen.err != "" {
		f.refuse(seen.err)
		return
	}
	parse, _ := format(f.path) // there is one, or Follow had returned
	before := f.registry.Settings()
	s, err := parse(text)
	if err == nil {
		err = f.registry.Update(s)
	}
	if err != nil {
		f.refuse(err.Error())
		return
	}
	if !f.refused && reflect.DeepEqual(before, f.registry.Settings()) {
		return // as at the start of a program that has read the file already
	}
	f.refused = false
	f.log.Info("highway: new settings are in force", "file", f.path, "overrides", len(s.Overrides))
}

// longestReason keeps a file full of mistakes from filling the log.
const longestReason = 4096

func (f *follower) refuse(why string) {
	f.refused = true
	if len(why) > longestReason {
		why = why[:longestReason] + "…"
	}
	f.log.Warn("highway: the settings in the file are not taken, those in force stay", "file", f.path, "error", why)
}
