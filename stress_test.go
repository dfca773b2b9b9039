package highway_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/highway-engine/highway"
)

// TestAFleetUnderConcurrentUse is for the race detector: calls by every way in, commands
// and looks, on protectors of one key, while the fleet opens and closes.
func TestAFleetUnderConcurrentUse(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	var protectors []*highway.CircuitProtector
	for range 4 {
		protectors = append(protectors, newProtector(t, highway.CircuitProtectorPolicy{
			ResourceKey: "shop", Storage: storage, Cooldown: 2 * time.Millisecond,
			OnStatusChange: func(c highway.StatusChange) { _ = c.Protector.Status() },
		}))
	}
	ctx := context.Background()
	end := time.Now().Add(500 * time.Millisecond)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for time.Now().Before(end) {
				p := protectors[random.IntN(len(protectors))]
				call := succeed
				if random.IntN(3) == 0 {
					call = fail
				}
				switch random.IntN(40) {
				case 0:
					_ = p.Close(ctx)
				case 1:
					_ = p.Open(ctx, time.Millisecond)
				case 2:
					_ = p.HalfOpen(ctx)
				case 3:
					_ = p.Snapshot()
				case 4:
					if permit, err := p.Acquire(ctx); err == nil {
						permit.Settle(call(ctx))
					}
				default:
					_ = p.Do(ctx, call)
				}
			}
		})
	}
	wg.Wait()
	if err := protectors[0].Close(ctx); err != nil {
		t.Fatal(err)
	}
	for i, p := range protectors {
		for deadline := time.Now().Add(5 * time.Second); p.Status() != highway.Closed; {
			if time.Now().After(deadline) {
				t.Fatalf("protector %d is still %v", i, p.Status())
			}
			time.Sleep(time.Millisecond)
		}
	}
	if err := storage.Close(ctx); err != nil {
		t.Fatal(err)
	}
}
