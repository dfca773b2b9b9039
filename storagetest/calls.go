package storagetest

import (
	"context"
	"errors"
	"time"

	"github.com/highway-engine/highway/fleet"
)

var calls = []test{
	{"a context that has ended is an error, at once", func(s *store) {
		row := s.make("k", open(time.Hour))
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		began := time.Now()
		for what, err := range map[string]error{
			"exchange": second(s.Exchange(ctx, "a", map[string]fleet.Report{"k": {Instance: "a", Number: 1}})),
			"change":   second(s.Change(ctx, "k", row.Identity, after(row, 1, fleet.Closed))),
			"sweep":    second(s.Sweep(ctx, "", 1)),
			"watch":    s.Watch(ctx, func(string) {}),
		} {
			if !errors.Is(err, context.Canceled) {
				s.Errorf("%s: %v", what, err)
			}
		}
		if took := time.Since(began); took > patience/2 {
			s.Errorf("it took %v", took)
		}
		// Asking again is safe, whatever has happened.
		next := after(row, 1, fleet.Closed)
		if is := s.change("k", row.Identity, next); is.Epoch != next.Epoch || is.Nonce != next.Nonce {
			s.Errorf("%+v", is)
		}
		s.report(s.exchange("a", "k", fleet.Report{Number: 1}), "a")
	}},
	{"a context that ends later ends nothing that was done", func(s *store) {
		ctx, cancel := context.WithCancel(s.ctx)
		row, err := s.Change(ctx, "k", s.row("k").Identity, open(time.Hour))
		if err != nil {
			s.Fatal(err)
		}
		if _, err := s.Exchange(ctx, "a", map[string]fleet.Report{"k": {Instance: "a", Number: 1}}); err != nil {
			s.Fatal(err)
		}
		cancel()
		if view := s.view("k"); view.Row.Identity != row.Identity || !has(view, "a") {
			s.Errorf("%+v", view)
		}
	}},
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }
