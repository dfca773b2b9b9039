package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres"
)

// TestACrowdGetsItsAnswers: instances that come back at once, with the same keys and
// changes in between, wait for each other and do not lock each other out.
func TestACrowdGetsItsAnswers(t *testing.T) {
	s := newStored(t)
	const instances, keys, rounds = 12, 100, 3
	var wg sync.WaitGroup
	began := time.Now()
	for i := range instances {
		storage, err := postgres.Open(t.Context(), dsn(t), postgres.WithSchema(s.schema))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { storage.Close(context.Background()) })
		wg.Go(func() {
			name := fmt.Sprint("instance", i)
			for round := range rounds {
				reports := map[string]fleet.Report{}
				for k := range keys {
					reports[fmt.Sprint("key", k)] = fleet.Report{Instance: name, Number: uint64(round) + 1, Active: true, Suspicion: uint64(i % 2)}
				}
				var views map[string]fleet.View
				for tries := 1; len(views) < keys; tries++ { // who has waited for too long asks again, as members do
					var err error
					if views, err = storage.Exchange(t.Context(), name, reports); len(views) < keys && tries == 20 {
						t.Errorf("%s: %d views, %v", name, len(views), err)
						return
					}
				}
				key := fmt.Sprint("key", rand.IntN(keys))
				from := views[key].Row.Identity
				if _, err := storage.Change(t.Context(), key, from, fleet.Row{
					Identity: fleet.Identity{Epoch: from.Epoch + 1, Nonce: rand.Uint64()}, State: fleet.Open, Remaining: time.Second,
				}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d exchanges about %d keys took %v", instances*rounds, keys, time.Since(began))
}
