package dashboard

import (
	"encoding/json"
	"errors"
)

const (
	// mostListeners is how many browsers are told of everything at once.
	mostListeners = 200
	// backlog is how many events wait for one that reads slowly. Then it is dropped: it comes
	// back and is told all anew, which is less than what it has missed.
	backlog = 16
)

var errFull = errors.New("too many browsers are connected")

// A hub gives events to those who listen. The sampler's lock guards it.
type hub struct {
	all    map[*listener]bool
	closed bool
}

// A listener gets events. Its channel is closed when there will be no more for it.
type listener struct{ events chan []byte }

func (h *hub) empty() bool { return len(h.all) == 0 }

func (h *hub) join() (*listener, error) {
	switch {
	case h.closed:
		return nil, errors.New("this dashboard is closed")
	case len(h.all) >= mostListeners:
		return nil, errFull
	case h.all == nil:
		h.all = map[*listener]bool{}
	}
	l := &listener{make(chan []byte, backlog)}
	h.all[l] = true
	return l, nil
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
