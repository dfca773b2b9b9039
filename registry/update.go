package registry

import (
	"errors"
	"maps"
)

// Settings are those in force. What was left zero in the template has the number of
// Config.Policy, or is zero if that is, which stands for highway's default. They are a copy.
func (r *Registry) Settings() Settings {
	s := *r.settings.Load()
	s.Overrides = maps.Clone(s.Overrides)
	return s
}

// Update puts settings in force, in place of all those that were: an override that is not
// among them is over, and what is zero in the template has the number of Config.Policy.
// If anything makes no sense nothing changes, and the error is that of [Settings.Validate].
//
// When it returns every protector that there is has the new settings, and keeps its state,
// its window and its calls: see [highway.CircuitProtector.Configure], which runs for each
// and may make listeners run. A protector that is made meanwhile has them too, and of
// updates at the same time one is in force in the end, for all.
func (r *Registry) Update(s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	r.mu.Lock()
	r.settings.Store(r.complete(s)) // what is made from here on has them,
	all := r.all()                  // and these are the others
	r.mu.Unlock()
	var errs []error
	for _, e := range all {
		errs = append(errs, r.configure(e))
	}
	return errors.Join(errs...)
}

// configure brings a protector to the settings in force. Whoever is the last to do so finds
// no others in force afterwards, or goes on: so no update can leave one behind that another
// has brought further.
func (r *Registry) configure(e *entry) error {
	p := e.protector()
	if p == nil {
		return nil
	}
	for {
		s := r.settings.Load()
		if err := p.Configure(s.of(e.key)); err != nil {
			return err
		}
		if r.settings.Load() == s {
			return nil
		}
	}
}

// complete gives a copy of s with what the program's policy says where the template is zero.
func (r *Registry) complete(s Settings) *Settings {
	return &Settings{Template: over(settingsOf(r.base), s.Template), Overrides: maps.Clone(s.Overrides)}
}
