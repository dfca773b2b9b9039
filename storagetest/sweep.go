package storagetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// swept is what a sweep in pages of limit finds.
func (s *store) swept(storage fleet.Storage, limit int) []string {
	s.Helper()
	var all []string
	for after := ""; len(all) < 10_000; {
		page, err := storage.Sweep(s.ctx, after, limit)
		if err != nil {
			s.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		if len(page) > limit {
			s.Fatalf("a page of %d, asked for %d", len(page), limit)
		}
		all = append(all, page...)
		after = page[len(page)-1]
	}
	s.Fatal("the sweep does not end")
	return nil
}

func (s *store) wantSweep(limit int, want ...string) {
	s.Helper()
	got := slices.Sorted(slices.Values(s.swept(s.Storage, limit)))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.Errorf("swept %q, want %q", got, want)
	}
}

// suspect lets an instance suspect something at key, about the row that is there.
func (s *store) suspect(instance, key string, number uint64) {
	s.Helper()
	s.exchange(instance, key, fleet.Report{Number: number, Suspicion: number, About: s.row(key).Identity})
}

var sweeps = []test{
	{"where nothing goes on there is nothing to sweep", func(s *store) {
		s.wantSweep(10)
		s.exchange("a", "used", fleet.Report{Number: 1, Active: true, Dismissed: []fleet.Accusation{{Suspect: "b", Number: 1}}})
		row := s.make("closed", open(time.Hour))
		s.mustChange("closed", row.Identity, after(row, 1, fleet.Closed))
		s.wantSweep(10)
	}},
	{"exactly what goes on is swept, whatever the size of the pages", func(s *store) {
		var want []string
		for i := range 40 {
			key := fmt.Sprintf("k%d", i*i*7919)
			switch i % 6 {
			case 0:
				s.make(key, open(time.Hour))
			case 1:
				s.make(key, fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 1}, State: fleet.HalfOpen})
			case 2:
				s.make(key, fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 1}, Hold: fleet.Disabled})
			case 3:
				s.suspect("a", key, 1)
			case 4:
				s.exchange("a", key, fleet.Report{Number: 1, Active: true})
				continue
			case 5:
				s.make(key, fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 1}})
				continue
			}
			want = append(want, key)
		}
		for _, limit := range []int{1, 7, len(want), 1000} {
			s.wantSweep(limit, want...)
		}
	}},
	{"what ends is swept no more", func(s *store) {
		row := s.make("row", open(time.Hour))
		s.suspect("a", "withdrawn", 1)
		s.suspect("a", "overtaken", 1)
		s.wantSweep(2, "row", "withdrawn", "overtaken")
		s.mustChange("row", row.Identity, after(row, 1, fleet.Closed))
		s.exchange("a", "withdrawn", fleet.Report{Number: 2})
		// A suspicion about an earlier epoch says nothing.
		s.make("overtaken", fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 1}})
		s.wantSweep(2)
	}},
	{"a page may begin at a key that is gone", func(s *store) {
		for _, key := range []string{"a", "b", "c", "d"} {
			s.make(key, open(time.Hour))
		}
		first, err := s.Sweep(s.ctx, "", 2)
		if err != nil || len(first) != 2 {
			s.Fatal(first, err)
		}
		row := s.row(first[1])
		s.mustChange(first[1], row.Identity, after(row, 1, fleet.Closed))
		second, err := s.Sweep(s.ctx, first[1], 10)
		if err != nil || len(second) != 2 || slices.Contains(second, first[0]) {
			s.Errorf("after %q: %q, %v", first, second, err)
		}
	}},
	{"a sweep misses nothing that goes on all the while", func(s *store) {
		var stays []string
		for i := range 10 {
			stays = append(stays, fmt.Sprintf("k%d5", i))
			s.make(stays[i], open(time.Hour))
		}
		var wg sync.WaitGroup
		stop := make(chan struct{})
		other := s.other()
		wg.Go(func() {
			for n := uint64(1); ; n++ {
				for i := range 10 {
					select {
					case <-stop:
						return
					default:
					}
					r := fleet.Report{Instance: "a", Number: n, Suspicion: n % 2}
					if _, err := other.Exchange(s.ctx, "a", map[string]fleet.Report{fmt.Sprintf("k%d", i): r}); err != nil {
						s.Error(err)
						return
					}
				}
			}
		})
		for range 20 {
			got := s.swept(s.Storage, 3)
			for _, key := range stays {
				if !slices.Contains(got, key) {
					s.Errorf("%q is not in %q", key, got)
				}
			}
		}
		close(stop)
		wg.Wait()
	}},
}
