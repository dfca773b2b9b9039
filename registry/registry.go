package registry

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
)

// What the zero fields of a [Config] stand for.
const (
	DefaultLimit     = 100_000
	DefaultIdleAfter = 10 * time.Minute
)

// Config describes a registry; [New] builds it. The zero Config works.
type Config struct {
	// Policy is the template that every protector is made from. Its ResourceKey must be
	// empty: each has the key that it is got by. Its Storage, listeners and everything
	// else is shared by all.
	Policy highway.CircuitProtectorPolicy

	// Overrides are other numbers for single keys. A zero field has what Policy says.
	Overrides map[string]highway.Settings

	// Limit is how many protectors the registry keeps alive at most. Beyond it the one
	// that was not used for the longest goes, about, if its circuit is plainly closed,
	// rather one without failures in its window; if none can go, Get returns a
	// [*FullError]. Zero means [DefaultLimit].
	//
	// A protector that went is no more once nobody holds it and it was collected. Until
	// then it is beyond the limit.
	Limit int

	// IdleAfter is how long nobody must have got a protector for the registry to let go
	// of it; it does so at most an eighth later. Whose circuit is not plainly closed, or
	// has failures in its window, stays. Zero means [DefaultIdleAfter]; less than 0.8 s is
	// taken as that.
	IdleAfter time.Duration
}

// A Registry keeps protectors by key. It is made by [New], is safe for concurrent use and
// must not be copied. It has no goroutine, needs no end, and one that is no longer
// referenced is collected.
type Registry struct {
	entries sync.Map      // of *entry by key; written with mu held
	mark    atomic.Uint64 // what an entry notes when it is used; it grows

	base     highway.CircuitProtectorPolicy
	limit    int
	settings atomic.Pointer[Settings] // in force; what it leads to is never written again

	// mu guards what follows. No code of a user runs while it is held.
	mu       sync.Mutex
	kept     []*entry                // that the registry keeps alive
	retired  map[*entry]struct{}     // that live as long as somebody else wants
	order    []*entry                // all by key; nil: to be made
	changes  uint64                  // of the keys
	sweeping bool                    // a timer runs
	every    time.Duration           // between two sweeps
	marks    [sweepsUntilIdle]uint64 // that began with the last sweeps; the oldest is next
	next     int                     // place in marks
	made     int                     // protectors made since the mark last grew
	searched time.Time               // when a search of everything found none to let go; zero: others may be there
}

// errUnmade is what a Registry returns that is none.
var errUnmade = errors.New("highway: a Registry must come from registry.New")

// New builds a registry, or says what makes no sense in the config, naming each field, its
// value and the rule in a [*highway.InvalidPolicyError].
func New(c Config) (*Registry, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.Limit = cmp.Or(c.Limit, DefaultLimit)
	c.IdleAfter = cmp.Or(c.IdleAfter, DefaultIdleAfter)
	r := &Registry{
		base:    c.Policy,
		limit:   c.Limit,
		retired: map[*entry]struct{}{},
		every:   max(c.IdleAfter/sweepsUntilIdle, shortestSweep),
	}
	r.settings.Store(r.complete(Settings{Overrides: c.Overrides}))
	return r, nil
}

func (c Config) validate() error {
	var errs []error
	check := func(ok bool, field string, value any, rule string) {
		if !ok {
			errs = append(errs, &highway.InvalidPolicyError{Policy: "registry.Config", Field: field, Value: value, Rule: rule})
		}
	}
	check(c.Policy.ResourceKey == "", "Policy.ResourceKey", fmt.Sprintf("%q", c.Policy.ResourceKey),
		"it must be empty, each protector has its own")
	check(c.Limit >= 0, "Limit", c.Limit, "it must not be negative")
	check(c.IdleAfter >= 0, "IdleAfter", c.IdleAfter, "it must not be negative")
	template := c.Policy
	template.ResourceKey = "any" // a storage wants one
	errs = append(errs, template.Validate(), Settings{Overrides: c.Overrides}.Validate())
	return errors.Join(errs...)
}

// Get returns the protector of a key, which has 1 to 255 bytes, and makes it on first use.
// As long as anybody holds it, everybody gets the same one, even after the registry has let
// go of it.
//
// The error is a [*FullError], or a [*highway.InvalidPolicyError] that says what is wrong
// with the key.
func (r *Registry) Get(key string) (*highway.CircuitProtector, error) {
	if v, ok := r.entries.Load(key); ok {
		e := v.(*entry)
		if p := e.kept.Load(); p != nil {
			r.use(e)
			return p, nil
		}
	}
	return r.add(key)
}

// use notes that an entry is used. It seldom writes: what is used at the same time on many
// processors stays in their caches.
func (r *Registry) use(e *entry) {
	if mark := r.mark.Load(); e.used.Load() != mark {
		e.used.Store(mark)
	}
}

// add is Get for a key that has no protector, or one that was let go.
func (r *Registry) add(key string) (*highway.CircuitProtector, error) {
	if r.limit == 0 {
		return nil, errUnmade
	}
	if !validKey(key) {
		return nil, &highway.InvalidPolicyError{Policy: "registry.Registry", Field: "Get", Value: quoted(key), Rule: keyRule}
	}
	if r.base.Storage == nil {
		highway.DefaultStorage() // looks it up, which may log, so not under the lock
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.find(key); e != nil {
		if p := e.protector(); p != nil {
			r.use(e)
			if e.kept.Load() == nil && r.room() {
				r.keep(e, p)
			}
			return p, nil
		}
		r.forget(e)
	}
	if !r.room() {
		return nil, &FullError{Key: key, Limit: r.limit}
	}
	policy := r.base
	policy.ResourceKey = key
	s := r.settings.Load().of(key)
	policy.Cooldown, policy.ProbeTimeout = s.Cooldown, s.ProbeTimeout
	policy.FailureLimit, policy.SuccessLimit = s.FailureLimit, s.SuccessLimit
	p, err := highway.NewCircuitProtector(policy)
	if err != nil {
		return nil, err
	}
	e := &entry{key: key}
	r.count()
	r.use(e)
	r.keep(e, p)
	r.entries.Store(key, e)
	r.rekey()
	return p, nil
}

// Find returns the protector of a key, or nil if there is none. It makes none, and is no
// use that keeps one from being let go.
func (r *Registry) Find(key string) *highway.CircuitProtector {
	if e := r.find(key); e != nil {
		return e.protector()
	}
	return nil
}

func (r *Registry) find(key string) *entry {
	if v, ok := r.entries.Load(key); ok {
		return v.(*entry)
	}
	return nil
}

// Remove forgets the protector of a key, whatever its state: the next Get makes a new one.
// Whoever holds the old one has one of its own from then on. If there is none, nothing
// happens.
func (r *Registry) Remove(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.find(key); e != nil {
		r.forget(e)
	}
}

// Len is how many protectors there are, those included that the registry has let go of
// and somebody still holds.
func (r *Registry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.kept)
	for e := range r.retired {
		if e.protector() != nil {
			n++
		}
	}
	return n
}
