package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/memory"
	"github.com/highway-engine/highway/internal/protocol"
)

// An idlePart is one with a member that makes no calls.
type idlePart struct {
	mu     sync.Mutex
	member *protocol.Member
}

func newPlace(m Membership) Part {
	return &idlePart{member: protocol.New(protocol.Settings{
		Instance: m.Instance, First: m.First, Rule: fleet.SequentialTest{}, Poll: time.Hour,
		Circuit: circuit.Settings{Failures: 1, Window: 1, Successes: 1, Probes: 1, Cooldown: time.Second, Lease: time.Second},
	}, rand.New(rand.NewPCG(1, 1)), time.Now().Add(time.Hour))} // the first exchange is due then
}

func (p *idlePart) With(_ context.Context, use func(m *protocol.Member, now time.Time)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	use(p.member, time.Now())
	return true
}

func opened(t testing.TB) fleet.Storage {
	t.Helper()
	storage := memory.New(time.Now)
	t.Cleanup(func() { _ = Close(context.Background(), storage) })
	return storage
}

func TestMembersOfOneKeyHaveNamesOfTheirOwnAndNamesAreUsedAgain(t *testing.T) {
	storage := opened(t)
	join := func(key string) *Entry { return Join(storage, key, newPlace) }
	a, b, c, other := join("k"), join("k"), join("k"), join("other")
	e := a.engine
	if a.instance != e.name || b.instance != e.name+"#2" || c.instance != e.name+"#3" || other.instance != e.name {
		t.Errorf("%s, %s, %s, %s", a.instance, b.instance, c.instance, other.instance)
	}
	e.remove(a)
	e.remove(a) // which changes nothing
	// The others go on to live, under their names.
	if got := e.instances(); !slices.Equal(got, []string{e.name, b.instance, c.instance}) {
		t.Errorf("instances are %v", got)
	}
	e.remove(c)
	a.Due(time.Now()) // it comes too late
	names := []string{b.instance, join("k").instance, join("k").instance, join("k").instance}
	slices.Sort(names)
	if want := []string{e.name, e.name + "#2", e.name + "#3", e.name + "#4"}; !slices.Equal(names, want) {
		t.Errorf("names are %v", names)
	}
}

func BenchmarkJoinsOfOneKey(b *testing.B) {
	for b.Loop() {
		storage := memory.New(time.Now)
		for range 3000 {
			Join(storage, "k", newPlace)
		}
		_ = Close(context.Background(), storage)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/3000, "ns/join")
}
