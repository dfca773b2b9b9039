package storagetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/highway-engine/highway/fleet"
)

// The clients of a history, what each does, and how many histories there are.
const (
	clients      = 3
	requests     = 7
	manySeeds    = 40
	fewSeeds     = 8 // in short mode
	checkingTime = 20 * time.Second
)

var histories = []test{
	{"what clients see could have happened one after the other", func(s *store) {
		seeds := uint64(manySeeds)
		if testing.Short() {
			seeds = fewSeeds
		}
		storages := []fleet.Storage{s.Storage, s.other()}
		for seed := range seeds {
			h := &history{store: s, key: fmt.Sprint("k", seed)}
			h.start = s.make(h.key, fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 1}, By: "start"})
			var wg sync.WaitGroup
			for number := range clients {
				wg.Go(func() { h.client(storages[number%2], number, seed) })
			}
			wg.Wait()
			if s.Failed() {
				return
			}
			h.check(seed)
		}
	}},
}

// What clients ask, and what they see.
type (
	changing struct {
		from, to fleet.Identity
		by       string
	}
	changed struct {
		identity fleet.Identity
		by       string
	}
	exchanging struct {
		client int
		report told
	}
	exchanged struct {
		changed
		reports [clients]told
	}
)

// told is what matters of a report.
type told struct{ number, suspicion uint64 }

// A history is what clients have done at one key.
type history struct {
	*store
	key   string
	start fleet.Row
	ticks atomic.Int64

	mu         sync.Mutex
	operations []porcupine.Operation
	orders     map[uint64]suspicion
}

type suspicion struct {
	instance string
	number   uint64
}

// client asks for changes and makes reports, some of them again or late, and all over
// an unreliable network. It is beneath that network that things are noted, so that what
// really was asked and answered is known.
func (h *history) client(storage fleet.Storage, number int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, uint64(number)))
	u := &unreliable{Storage: &noting{storage, h, number}, random: rand.New(rand.NewPCG(seed, uint64(number)+100))}
	defer u.late.Wait()
	name := fmt.Sprint("c", number)
	known, older := h.start.Identity, h.start.Identity
	last := told{}
	for range requests {
		if random.IntN(2) == 0 {
			r := told{last.number + 1, last.suspicion + uint64(random.IntN(2))}
			if random.IntN(4) == 0 && last.number > 0 {
				r = told{last.number, last.suspicion} // once more
			} else {
				last = r
			}
			views, err := u.Exchange(h.ctx, name, map[string]fleet.Report{
				h.key: {Instance: name, Number: r.number, Suspicion: r.suspicion},
			})
			if err == nil {
				older, known = known, views[h.key].Row.Identity
			}
			continue
		}
		from := known
		if random.IntN(4) == 0 {
			from = older
		}
		to := from
		to.Epoch += uint64(random.IntN(2))
		to.Nonce = random.Uint64()
		if is, err := u.Change(h.ctx, h.key, from, fleet.Row{Identity: to, By: name}); err == nil {
			older, known = known, is.Identity
		}
	}
}

// noting is a storage that notes what one client does.
type noting struct {
	fleet.Storage
	history *history
	client  int
}

func (n *noting) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	h := n.history
	r := reports[h.key]
	call := h.ticks.Add(1)
	views, err := n.Storage.Exchange(ctx, instance, reports)
	if err != nil {
		h.Errorf("exchange: %v", err)
		return views, err
	}
	out := exchanged{changed: changed{views[h.key].Row.Identity, views[h.key].Row.By}}
	for _, r := range views[h.key].Reports {
		if r.Instance == observer {
			continue // it has made the row
		}
		var client int
		if _, err := fmt.Sscanf(r.Instance, "c%d", &client); err != nil || client >= clients {
			h.Errorf("a report of nobody: %+v", r)
			continue
		}
		out.reports[client] = told{r.Number, r.Suspicion}
		h.order(r)
	}
	h.note(n.client, exchanging{n.client, told{r.Number, r.Suspicion}}, out, call)
	return views, nil
}

func (n *noting) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	h := n.history
	call := h.ticks.Add(1)
	is, err := n.Storage.Change(ctx, key, from, row)
	if err != nil {
		h.Errorf("change: %v", err)
		return is, err
	}
	h.note(n.client, changing{from, row.Identity, row.By}, changed{is.Identity, is.By}, call)
	return is, nil
}

func (h *history) note(client int, in, out any, call int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: in, Output: out, Call: call, Return: h.ticks.Add(1),
	})
}

// order checks that the order of a suspicion is its own.
func (h *history) order(r fleet.Report) {
	if r.Suspicion == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.orders == nil {
		h.orders = map[uint64]suspicion{}
	}
	is := suspicion{r.Instance, r.Suspicion}
	if was, ok := h.orders[r.Order]; r.Order == 0 || ok && was != is {
		h.Errorf("order %d is that of %+v and of %+v", r.Order, was, is)
	}
	h.orders[r.Order] = is
}

// known is the state of a key that operations happen to.
type known struct {
	changed
	reports [clients]told
}

func (h *history) check(seed uint64) {
	h.Helper()
	model := porcupine.Model{
		Init: func() any { return known{changed: changed{h.start.Identity, h.start.By}} },
		Step: step,
		DescribeOperation: func(in, out any) string {
			return fmt.Sprintf("%T%+v: %+v", in, in, out)
		},
	}
	switch result := porcupine.CheckOperationsTimeout(model, h.operations, checkingTime); result {
	case porcupine.Ok:
	case porcupine.Unknown:
		h.Logf("seed %d: not decided in %v", seed, checkingTime)
	default:
		for _, o := range h.operations {
			h.Logf("%3d–%3d client %d %s", o.Call, o.Return, o.ClientId, model.DescribeOperation(o.Input, o.Output))
		}
		h.Fatalf("seed %d: this cannot have happened one after the other", seed)
	}
}

// step is the whole of a storage, for one key and without time.
func step(state, in, out any) (bool, any) {
	s := state.(known)
	switch in := in.(type) {
	case changing:
		if s.identity == in.from {
			s.changed = changed{in.to, in.by}
		}
		return s.changed == out.(changed), s
	case exchanging:
		if in.report.number > s.reports[in.client].number {
			s.reports[in.client] = in.report
		}
		return exchanged(s) == out.(exchanged), s
	}
	panic("no such operation")
}
