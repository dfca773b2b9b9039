package dashboard

import (
	"errors"
	"net/http"
	"time"
)

const (
	// heartbeat is how often something is sent while nothing happens, so that what is between
	// us and the browser keeps the connection, and who has gone is noticed.
	heartbeat = 5 * time.Second
	// slowest is how long one event may take to be sent.
	slowest = 10 * time.Second
	// checked is how often it is asked again whether somebody may look.
	checked = time.Minute
)

// A fullJSON says to a page why it has no place any more. It does not come back by itself, as it
// would take that of another.
type fullJSON struct {
	Why string `json:"why"`
}

// events is the stream of what happens, from the whole state on.
func (d *Dashboard) events(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return
	}
	who, _ := d.config.Access.Read(r)
	listener, whole, err := d.sampler.join(who)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	defer d.sampler.leave(listener)
	control := http.NewResponseController(w)
	if r.Body == nil || r.Body == http.NoBody {
		// The server's limits for a request are not for this one, if it lets us say so.
		_ = control.SetReadDeadline(time.Time{})
	}
	send := func(told []byte) error {
		if err := control.SetWriteDeadline(time.Now().Add(slowest)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write(told); err != nil {
			return err
		}
		return control.Flush()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for a proxy that would collect it
	if send(whole) != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	asked := time.Now()
	for {
		var err error
		select {
		case told, more := <-listener.events:
			if !more {
				if listener.why != "" {
					_ = send(event("full", fullJSON{listener.why}))
				}
				return
			}
			err = send(told)
		case <-beat.C:
			err = send([]byte("event: beat\ndata: {}\n\n"))
			if time.Since(asked) >= checked {
				if asked = time.Now(); err == nil {
					_, err = d.config.Access.Read(r)
				}
			}
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}
