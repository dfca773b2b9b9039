package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

const (
	// pageOfHistory is how many transitions the page of a circuit gets at once.
	pageOfHistory = 50
	// mostDetails is how many answers are kept.
	mostDetails = 64
)

// details answers for the pages of circuits, which ask again and again: however many browsers
// look at one circuit, the ledger is asked as often as for one.
type details struct {
	ledger fleet.Ledger
	fresh  time.Duration // how long an answer is good

	mu    sync.Mutex
	known map[string]*lookup
}

// A lookup is there when ready is closed.
type lookup struct {
	at    time.Time
	ready chan struct{}
	text  []byte
	err   error
}

func newDetails(ledger fleet.Ledger, fresh time.Duration) *details {
	return &details{ledger: ledger, fresh: fresh, known: map[string]*lookup{}}
}

// forget has the next one look again.
func (d *details) forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, key)
}

func (d *details) get(ctx context.Context, key string) ([]byte, error) {
	now := time.Now()
	d.mu.Lock()
	a := d.known[key]
	if a == nil || now.Sub(a.at) > d.fresh {
		if len(d.known) >= mostDetails {
			clear(d.known)
		}
		a = &lookup{at: now, ready: make(chan struct{})}
		d.known[key] = a
		// It is for others too, who may wait longer than the one who came first.
		go a.fill(context.WithoutCancel(ctx), d.ledger, key)
	}
	d.mu.Unlock()
	select {
	case <-a.ready:
		return a.text, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *lookup) fill(ctx context.Context, ledger fleet.Ledger, key string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer close(a.ready)
	defer func() {
		if r := recover(); r != nil {
			a.err = errors.New("the ledger panicked")
		}
	}()
	detail, err := ledger.Look(ctx, key)
	if err != nil {
		a.err = err
		return
	}
	past, err := ledger.History(ctx, fleet.HistoryQuery{Key: key, Limit: pageOfHistory})
	if err != nil {
		a.err = err
		return
	}
	a.text, a.err = json.Marshal(wireDetail(&detail, past, time.Now()))
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
	text, err := d.details.get(r.Context(), key)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "the storage does not answer: "+short(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
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
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	past, err := d.config.Ledger.History(ctx, fleet.HistoryQuery{Key: key, Before: before, Limit: pageOfHistory})
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "the storage does not answer: "+short(err))
		return
	}
	answer(w, http.StatusOK, wireTransitions(past, time.Now()))
}
