package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// mostListeners is how many browsers are told of everything at once.
	mostListeners = 200
	// mostOfOne is how many of them one person has, if it is known who that is.
	mostOfOne = 20
	// backlog is how many events wait for one that reads slowly. Then it is dropped: it comes
	// back and is told all anew, which is less than what it has missed.
	backlog = 16
)

// errFull is said to who gets no place, and movedOn to who has lost one.
var errFull = fmt.Errorf("%d browsers are connected already, and no more can be", mostListeners)

const movedOn = "this page is open in so many places that here it is no longer kept up to date; reload it if you need it"

// A hub gives events to those who listen. The sampler's lock guards it.
type hub struct {
	all    map[*listener]bool
	joined uint64
	closed bool
}

// A listener gets events. Its channel is closed when there will be no more for it.
type listener struct {
	events chan []byte
	who    string
	number uint64 // of those who have joined
	why    string // it ends, if it shall not come back by itself; there once the channel is closed
}

func (h *hub) empty() bool { return len(h.all) == 0 }

// full says why nobody else gets a place, if that is so.
func (h *hub) full() error {
	if len(h.all) >= mostListeners {
		return errFull
	}
	return nil
}

// join gives somebody a place. Nobody takes those of all others: who has too many loses the
// oldest, and if there are no more, so does who has the most of them.
func (h *hub) join(who string) (*listener, error) {
	if h.closed {
		return nil, errors.New("this dashboard is closed")
	}
	if h.all == nil {
		h.all = map[*listener]bool{}
	}
	of, oldest := map[string]int{}, map[string]*listener{}
	most := who
	for l := range h.all {
		of[l.who]++
		if o := oldest[l.who]; o == nil || l.number < o.number {
			oldest[l.who] = l
		}
	}
	for one, n := range of {
		if n > of[most] || n == of[most] && oldest[one].number < oldest[most].number {
			most = one
		}
	}
	switch {
	case who != "" && of[who] >= mostOfOne:
		h.moveOn(oldest[who])
	case h.full() != nil && of[most] <= of[who]+1:
		return nil, errFull
	case h.full() != nil:
		h.moveOn(oldest[most])
	}
	h.joined++
	l := &listener{events: make(chan []byte, backlog), who: who, number: h.joined}
	h.all[l] = true
	return l, nil
}

func (h *hub) moveOn(l *listener) {
	l.why = movedOn
	h.leave(l)
}

func (h *hub) leave(l *listener) {
	if h.all[l] {
		delete(h.all, l)
		close(l.events)
	}
}

// tell gives an event to everybody. It waits for nobody.
func (h *hub) tell(event []byte) {
	for l := range h.all {
		select {
		case l.events <- event:
		default:
			h.leave(l)
		}
	}
}

func (h *hub) close() {
	h.closed = true
	for l := range h.all {
		h.leave(l)
	}
}

// event is one as it is sent. JSON has no line breaks.
func event(kind string, body any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // there is nothing in it that cannot be written
	}
	return append(append([]byte("event: "+kind+"\ndata: "), text...), "\n\n"...)
}
