package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

const (
	// pageOfHistory is how many transitions the page of a circuit gets at once.
	pageOfHistory = 50
	// mostDetails is how many answers are kept, and how many may be waited for.
	mostDetails = 64
	// mostAtOnce is how many questions the ledger is asked at the same time.
	mostAtOnce = 4
)

var errBusy = errors.New("too many others are asking")

// details answers for the pages of circuits, which ask again and again: however many browsers
// look at one circuit, the ledger is asked as for one. Of many circuits it is asked a few at
// once.
type details struct {
	ledger fleet.Ledger
	fresh  time.Duration // how long an answer is good
	turns  chan struct{} // as many as may ask at once

	mu    sync.Mutex
	known map[question]*lookup
	under int // way
}

// A question is what a page asks: all about a circuit or, if before is not zero, what happened
// to it before a transition.
type question struct {
	key    string
	before uint64
}

// A lookup is there when ready is closed. Then nothing in it changes any more.
type lookup struct {
	ready chan struct{}
	came  time.Time
	text  []byte
	err   error
}

func newDetails(ledger fleet.Ledger, fresh time.Duration) *details {
	return &details{ledger: ledger, fresh: fresh, turns: make(chan struct{}, mostAtOnce), known: map[question]*lookup{}}
}

// good says whether an answer can be given to one who asks now: it is on its way, or has come
// lately.
func (d *details) good(a *lookup) bool {
	select {
	case <-a.ready:
		return time.Since(a.came) <= d.fresh
	default:
		return true
	}
}

// forget has the next one look again, and not wait for a look that has begun before.
func (d *details) forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, question{key: key})
}

func (d *details) get(ctx context.Context, q question) ([]byte, error) {
	a, err := d.lookup(ctx, q)
	if err != nil {
		return nil, err
	}
	select {
	case <-a.ready:
		return a.text, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lookup is one that has come lately or is under way, or else begins one.
func (d *details) lookup(ctx context.Context, q question) (*lookup, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.known[q]; a != nil && d.good(a) {
		return a, nil
	}
	if d.under >= mostDetails {
		return nil, errBusy
	}
	if len(d.known) >= mostDetails {
		maps.DeleteFunc(d.known, func(_ question, a *lookup) bool { return !d.good(a) })
	}
	for old, a := range d.known {
		if len(d.known) < mostDetails {
			break
		}
		select {
		case <-a.ready: // any of these: the ones under way are waited for
			delete(d.known, old)
		default:
		}
	}
	a := &lookup{ready: make(chan struct{})}
	d.known[q] = a
	d.under++
	// It is for others too, who may wait longer than the one who came first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	go func() {
		defer cancel()
		a.text, a.err = d.ask(ctx, q)
		d.mu.Lock()
		defer d.mu.Unlock()
		a.came = time.Now()
		d.under--
		close(a.ready)
	}()
	return a, nil
}

// ask waits for its turn and asks the ledger.
func (d *details) ask(ctx context.Context, q question) (text []byte, err error) {
	select {
	case d.turns <- struct{}{}:
		defer func() { <-d.turns }()
	case <-ctx.Done():
		return nil, errBusy
	}
	defer func() {
		if r := recover(); r != nil {
			text, err = nil, fmt.Errorf("the ledger panicked: %v", r)
		}
	}()
	var detail fleet.Detail
	if q.before == 0 {
		if detail, err = d.ledger.Look(ctx, q.key); err != nil {
			return nil, err
		}
	}
	past, err := d.ledger.History(ctx, fleet.HistoryQuery{Key: q.key, Before: q.before, Limit: pageOfHistory})
	if err != nil {
		return nil, err
	}
	if q.before != 0 {
		return json.Marshal(wireTransitions(past, time.Now()))
	}
	return json.Marshal(wireDetail(&detail, past, time.Now()))
}

// asked is the key that a request is about.
func asked(w http.ResponseWriter, r *http.Request) (string, bool) {
	is, err := key(r.URL.Query().Get("key"))
	if err != nil || is == "" || len(is) > fleet.LongestKey {
		answer(w, http.StatusBadRequest, failure{Error: "this is no key", Fields: []problem{
			{"key", cut(is), "it must have 1 to " + strconv.Itoa(fleet.LongestKey) + " bytes"},
		}})
		return "", false
	}
	return is, true
}

// circuit is all that there is about one circuit.
func (d *Dashboard) circuit(w http.ResponseWriter, r *http.Request) {
	key, ok := asked(w, r)
	if !ok {
		return
	}
	d.tell(w, r, question{key: key})
}

// history is what happened to a circuit before something.
func (d *Dashboard) history(w http.ResponseWriter, r *http.Request) {
	key, ok := asked(w, r)
	if !ok {
		return
	}
	before, err := strconv.ParseUint(r.URL.Query().Get("before"), 10, 64)
	if err != nil || before == 0 {
		answer(w, http.StatusBadRequest, failure{Error: "this is no transition", Fields: []problem{
			{"before", cut(r.URL.Query().Get("before")), "it must be the id of a transition"},
		}})
		return
	}
	d.tell(w, r, question{key, before})
}

// tell answers a question of a page.
func (d *Dashboard) tell(w http.ResponseWriter, r *http.Request, q question) {
	text, err := d.details.get(r.Context(), q)
	switch {
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, err.Error())
	case err != nil:
		fail(w, http.StatusServiceUnavailable, "the storage does not answer: "+short(err))
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}
}
