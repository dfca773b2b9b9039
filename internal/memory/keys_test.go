package memory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestKeysAreASortedSet holds keys against a map, with runs long enough to be cut.
func TestKeysAreASortedSet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var k keys
	want := map[string]bool{}
	for range 20_000 {
		key := fmt.Sprint(random.IntN(3000))
		if random.IntN(3) > 0 {
			k.insert(key)
			want[key] = true
		} else {
			k.remove(key)
			delete(want, key)
		}
		if random.IntN(500) > 0 {
			continue
		}
		var all []string
		for key := range want {
			all = append(all, key)
		}
		slices.Sort(all)
		if got := k.after("", len(all)+1); !slices.Equal(got, all) {
			t.Fatalf("got %d keys, want %d", len(got), len(all))
		}
		after := fmt.Sprint(random.IntN(3000))
		at, found := slices.BinarySearch(all, after)
		if found {
			at++
		}
		rest := all[at:]
		if got := k.after(after, 100); !slices.Equal(got, rest[:min(100, len(rest))]) {
			t.Fatalf("after %q: got %q, want %q", after, got, rest[:min(100, len(rest))])
		}
		if got := slices.Collect(k.from(after)); !slices.Equal(got, all[slices.IndexFunc(append(all, "~"), func(key string) bool { return key >= after }):]) {
			t.Fatalf("from %q: got %d keys", after, len(got))
		}
	}
	for key := range want {
		k.remove(key)
	}
	if len(k.runs) != 0 {
		t.Errorf("%d runs are left of nothing", len(k.runs))
	}
}
