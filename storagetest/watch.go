package storagetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// watching lets storage watch until the test or the returned function ends it.
func (s *store) watching(storage fleet.Storage, changed func(key string)) (end func() error) {
	ctx, cancel := context.WithCancel(s.ctx)
	result := make(chan error, 1)
	go func() { result <- storage.Watch(ctx, changed) }()
	end = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-result:
			return err
		case <-time.After(patience):
			s.Error("Watch does not end")
			return nil
		}
	})
	s.Cleanup(func() { _ = end() })
	return end
}

// eventually does something until another thing has happened: a watch may have yet to
// begin, and may lose.
func (s *store) eventually(what string, happened <-chan string, do func(n uint64)) {
	s.Helper()
	deadline := time.After(patience)
	for n := uint64(1); ; n++ {
		do(n)
		select {
		case <-happened:
			return
		case <-deadline:
			s.Fatalf("%s: not heard of", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// ear hears of key.
func ear(key string) (heard chan string, changed func(string)) {
	heard = make(chan string, 1)
	return heard, func(k string) {
		if k == key {
			select {
			case heard <- k:
			default:
			}
		}
	}
}

var watches = []test{
	{"a watch hears of changes, also of those through another storage", func(s *store) {
		for _, from := range []fleet.Storage{s.Storage, s.other()} {
			heard, changed := ear("k")
			end := s.watching(s.Storage, changed)
			s.eventually("a change", heard, func(uint64) {
				row := s.row("k")
				if _, err := from.Change(s.ctx, "k", row.Identity, after(row, 1, fleet.HalfOpen)); err != nil {
					s.Fatal(err)
				}
			})
			_ = end()
		}
	}},
	{"a watch hears of new suspicions", func(s *store) {
		heard, changed := ear("k")
		s.watching(s.other(), changed)
		s.eventually("a suspicion", heard, func(n uint64) {
			s.suspect("a", "k", n)
		})
	}},
	{"all watches hear", func(s *store) {
		one, changedOne := ear("k")
		two, changedTwo := ear("k")
		s.watching(s.Storage, changedOne)
		s.watching(s.other(), changedTwo)
		n := uint64(0)
		for _, heard := range []chan string{one, two} {
			s.eventually("a suspicion", heard, func(uint64) {
				n++
				s.suspect("a", "k", n)
			})
		}
	}},
	{"who hears may call the storage, and sees what it has heard of", func(s *store) {
		heard := make(chan string, 1)
		s.watching(s.Storage, func(key string) {
			views, err := s.Exchange(s.ctx, "watcher", map[string]fleet.Report{key: {Instance: "watcher", Number: 1}})
			if err != nil {
				return // asked again
			}
			row := views[key].Row
			if row.Epoch == 0 {
				return
			}
			if _, err := s.Change(s.ctx, key, row.Identity, after(row, 0, fleet.Open)); err == nil {
				if _, err := s.Sweep(s.ctx, "", 1); err == nil {
					select {
					case heard <- key:
					default:
					}
				}
			}
		})
		s.eventually("a change", heard, func(uint64) {
			row := s.row("k")
			s.change("k", row.Identity, after(row, 1, fleet.Open))
		})
	}},
	{"who hears slowly keeps nobody waiting", func(s *store) {
		block, heard := make(chan struct{}), make(chan string, 1)
		s.watching(s.Storage, func(string) {
			select {
			case heard <- "":
			default:
			}
			<-block
		})
		n := uint64(0)
		suspect := func(uint64) {
			n++
			s.suspect("a", "k", n)
		}
		s.eventually("a suspicion", heard, suspect)
		quick, changed := ear("k")
		s.watching(s.Storage, changed)
		s.eventually("a suspicion, beside a slow watch", quick, suspect)
		close(block)
	}},
	{"a watch ends with its context", func(s *store) {
		end := s.watching(s.Storage, func(string) {})
		if err := end(); !errors.Is(err, context.Canceled) {
			s.Errorf("got %v", err)
		}
	}},
	{"closing ends the watches, then everything fails, and closing again does nothing", func(s *store) {
		heard, changed := ear("k")
		result := make(chan error, 1)
		go func() { result <- s.Watch(s.ctx, changed) }()
		s.eventually("a suspicion", heard, func(n uint64) {
			s.suspect("a", "k", n)
		})
		if err := s.Close(s.ctx); err != nil {
			s.Fatal(err)
		}
		select {
		case err := <-result:
			if err == nil {
				s.Error("a watch ended without saying why")
			}
		case <-time.After(patience):
			s.Error("a watch does not end")
		}
		if _, err := s.Exchange(s.ctx, "a", map[string]fleet.Report{"k": {Number: 1}}); !errors.Is(err, fleet.ErrClosed) {
			s.Errorf("exchange: %v", err)
		}
		if _, err := s.Change(s.ctx, "k", fleet.Identity{}, open(0)); !errors.Is(err, fleet.ErrClosed) {
			s.Errorf("change: %v", err)
		}
		if _, err := s.Sweep(s.ctx, "", 1); !errors.Is(err, fleet.ErrClosed) {
			s.Errorf("sweep: %v", err)
		}
		if err := s.Watch(s.ctx, changed); !errors.Is(err, fleet.ErrClosed) {
			s.Errorf("watch: %v", err)
		}
		if err := s.Close(s.ctx); err != nil {
			s.Errorf("close: %v", err)
		}
	}},
}
