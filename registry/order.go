package registry

import (
	"iter"
	"slices"
	"strings"

	"github.com/highway-engine/highway"
)

// All gives every protector there is, in the order of the keys, those included that the
// registry has let go of and somebody still holds. Each range begins with what is there
// then. No lock is held while it runs, and it is no use that keeps a protector from being
// let go.
func (r *Registry) All() iter.Seq[*highway.CircuitProtector] {
	return func(yield func(*highway.CircuitProtector) bool) {
		for _, e := range r.sorted() {
			if p := e.protector(); p != nil && !yield(p) {
				return
			}
		}
	}
}

// sorted gives all entries by key. It sorts again only when the keys have changed, and
// without the lock.
func (r *Registry) sorted() []*entry {
	r.mu.Lock()
	if order := r.order; order != nil {
		r.mu.Unlock()
		return order
	}
	all := r.all()
	changes := r.changes
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes == changes {
		r.order = all
	}
	return all
}

// all gives every entry, in no order. The lock is held.
func (r *Registry) all() []*entry {
	all := make([]*entry, 0, len(r.kept)+len(r.retired))
	all = append(all, r.kept...)
	for e := range r.retired {
		all = append(all, e)
	}
	return all
}

// rekey notes that there is a key more or less. The lock is held.
func (r *Registry) rekey() {
	r.order = nil
	r.changes++
}
