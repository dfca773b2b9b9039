// Package standin stands in for the registry while that is being written.
package standin

import (
	"sync"

	"github.com/highway-engine/highway"
)

// Config is the template.
type Config struct {
	Policy highway.CircuitProtectorPolicy
}

// Registry keeps protectors by key.
type Registry struct {
	mu     sync.Mutex
	policy highway.CircuitProtectorPolicy
	all    map[string]*highway.CircuitProtector
}

// New makes one.
func New(c Config) (*Registry, error) {
	return &Registry{policy: c.Policy, all: map[string]*highway.CircuitProtector{}}, nil
}

// Get makes it on first use.
func (r *Registry) Get(key string) (*highway.CircuitProtector, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.all[key]; p != nil {
		return p, nil
	}
	policy := r.policy
	policy.ResourceKey = key
	p, err := highway.NewCircuitProtector(policy)
	if err == nil {
		r.all[key] = p
	}
	return p, err
}
