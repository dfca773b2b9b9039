package highway

import (
	"sync"
	"testing"
)

// TestCallCountsLoseNothing: neither while stripes are added, nor however often.
func TestCallCountsLoseNothing(t *testing.T) {
	c := &callCounts{}
	const each, goroutines = 10_000, 8
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range each {
				if i%1000 == 0 {
					c.spread() // as if calls had met
				}
				c.add(succeeded)
				if i%2 == 0 {
					c.add(refused)
				}
			}
		})
	}
	wg.Wait()
	if s, r := c.sum(succeeded), c.sum(refused); s != goroutines*each || r != goroutines*each/2 {
		t.Errorf("counted %d successes and %d refusals", s, r)
	}
	if n := len(*c.more.Load()); n != mostStripes {
		t.Errorf("there are %d stripes, not %d", n, mostStripes)
	}
}

// TestGoroutinesAtOnceCountApart, mostly: chance puts some of them on one stripe.
func TestGoroutinesAtOnceCountApart(t *testing.T) {
	const goroutines = 64
	var mu sync.Mutex
	places := map[int]bool{}
	var wg, all sync.WaitGroup
	all.Add(goroutines)
	for range goroutines {
		wg.Go(func() {
			place := place()
			mu.Lock()
			places[place] = true
			mu.Unlock()
			all.Done()
			all.Wait() // nobody leaves its stack to another
		})
	}
	wg.Wait()
	if len(places) < goroutines/2 {
		t.Errorf("%d goroutines are in %d places", goroutines, len(places))
	}
}
