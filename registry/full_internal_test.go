package registry

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestManyKeysThatComeOnceAreBounded, as when somebody makes them up, and what is in use
// stays, though no sweep tells old from new meanwhile.
func TestManyKeysThatComeOnceAreBounded(t *testing.T) {
	r := newRegistry(t, Config{Limit: 100})
	get(t, r, "in use")
	for i := range 10_000 {
		get(t, r, fmt.Sprint("made up ", i))
		if e := r.find("in use"); e == nil || e.kept.Load() == nil {
			t.Fatalf("what is in use went when %d had come", i)
		}
		get(t, r, "in use")
		if i%1000 == 0 {
			if runtime.GC(); r.Len() != min(100, i+2) {
				t.Fatalf("after %d there are %d", i, r.Len())
			}
		}
	}
}

// TestASearchInVainIsNotRepeatedAtOnce: when everything is open a Get must stay cheap.
func TestASearchInVainIsNotRepeatedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, Config{Limit: 2 * sample})
		for i := range r.limit {
			_ = get(t, r, fmt.Sprint(i)).Isolate(t.Context())
		}
		for _, wantSearch := range []bool{true, false, true} {
			if _, err := r.Get("one more"); err == nil {
				t.Fatal("there was place")
			}
			if r.searched.Equal(time.Now()) != wantSearch {
				t.Errorf("searched at %v, now it is %v", r.searched, time.Now())
			}
			time.Sleep(searchPause * sample) // half of it
		}
	})
}
