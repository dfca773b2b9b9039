package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

// What is said of a storage that has not returned from an earlier request, and of one
// that has ended the goroutine of a request.
var (
	errHung     = errors.New("the storage hangs")
	errVanished = errors.New("the storage has ended the goroutine that asked it")
)

// ask makes one request. It returns after answerTime at the latest, whatever the storage
// does; and while an earlier request has not returned it makes none, so that a storage
// which hangs costs one goroutine.
func (e *Engine) ask(ctx context.Context, request func(ctx context.Context) error) error {
	select {
	case e.places <- struct{}{}:
	default:
		e.reached(errHung)
		return errHung
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		err := errVanished
		defer func() {
			<-e.places
			answered <- err
		}()
		err = guarded(ctx, request)
	}()
	var err error
	select {
	case err = <-answered:
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.reached(err)
	return err
}

// guarded turns a panic of the storage into an error.
func guarded(ctx context.Context, request func(ctx context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the storage panicked: %v", r)
		}
	}()
	return request(ctx)
}

// A letter is a message of one entry.
type letter struct {
	entry   *Entry
	message protocol.Message
}

// send sends what is due, and says when there will be more.
func (e *Engine) send(ctx context.Context) time.Time {
	due, next := e.take()
	exchanges := map[string][]letter{} // by instance
	var changes []letter
	for _, entry := range due {
		var message protocol.Message
		var ok bool
		var wake time.Time
		there := entry.part.With(func(m *protocol.Member, now time.Time) {
			message, ok = m.Send(now)
			wake = m.Wake()
		})
		switch l := (letter{entry, message}); {
		case !there:
			e.remove(entry)
		case !ok:
			entry.Due(wake)
		case message.Change:
			changes = append(changes, l)
		default:
			exchanges[entry.instance] = append(exchanges[entry.instance], l)
		}
	}
	for instance, letters := range exchanges {
		e.exchange(ctx, instance, letters)
	}
	for _, l := range changes {
		e.change(ctx, l)
	}
	if len(due) > 0 {
		return time.Now() // there may be more at once
	}
	return next
}

func (e *Engine) exchange(ctx context.Context, instance string, letters []letter) {
	reports := make(map[string]fleet.Report, len(letters))
	for _, l := range letters {
		reports[l.entry.key] = l.message.Report
	}
	answers, _ := e.views(ctx, instance, reports)
	for _, l := range letters {
		view, ok := answers[l.entry.key]
		l.answer(func(m *protocol.Member, now time.Time) {
			if ok {
				m.HearView(l.message.Number, view, now)
			} else {
				m.Failed(l.message.Number, now)
			}
		})
	}
}

// views is Exchange, asked as everything is asked. What comes late is not read.
func (e *Engine) views(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	answer := make(chan map[string]fleet.View, 1)
	err := e.ask(ctx, func(ctx context.Context) error {
		views, err := e.storage.Exchange(ctx, instance, reports)
		answer <- views
		if len(views) > 0 {
			return nil // it was reached; the keys that are missing have failed
		}
		return err
	})
	select {
	case views := <-answer: // beside an error they may be those of some keys
		return views, err
	default:
		return nil, err
	}
}

func (e *Engine) change(ctx context.Context, l letter) {
	answer := make(chan fleet.Row, 1)
	err := e.ask(ctx, func(ctx context.Context) error {
		row, err := e.storage.Change(ctx, l.entry.key, l.message.From, l.message.Row)
		answer <- row
		return err
	})
	l.answer(func(m *protocol.Member, now time.Time) {
		if err != nil {
			m.Failed(l.message.Number, now)
		} else {
			m.HearRow(l.message.Number, <-answer, now)
		}
	})
}

// answer lets the member hear, and asks when it has more to say.
func (l letter) answer(hear func(m *protocol.Member, now time.Time)) {
	var wake time.Time
	if l.entry.part.With(func(m *protocol.Member, now time.Time) { hear(m, now); wake = m.Wake() }) {
		l.entry.Due(wake)
	}
}

// heartbeat says that the instances live which this process is.
func (e *Engine) heartbeat(ctx context.Context) {
	for _, instance := range e.instances() {
		if _, err := e.views(ctx, instance, nil); err != nil {
			return
		}
	}
}

// instances are the names that the members go by.
func (e *Engine) instances() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := []string{e.name}
	for name, members := range e.named {
		if name > 0 && members > 0 {
			names = append(names, e.called(name))
		}
	}
	return names
}

// sweep looks where something goes on, and hints at it.
func (e *Engine) sweep(ctx context.Context) {
	after := ""
	for range pages {
		answer := make(chan []string, 1)
		err := e.ask(ctx, func(ctx context.Context) error {
			keys, err := e.storage.Sweep(ctx, after, batch)
			answer <- keys
			return err
		})
		if err != nil {
			return
		}
		keys := <-answer
		if len(keys) == 0 || keys[len(keys)-1] == after {
			return
		}
		for _, key := range keys {
			e.hint(key)
			after = key
		}
	}
}

// watch lets the storage tell of changes, and begins again when that ends.
func (e *Engine) watch(ctx context.Context) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		func() {
			defer func() { _ = recover() }() // ask reports it; here it costs time only
			_ = e.storage.Watch(ctx, e.hint)
		}()
		timer := time.NewTimer(jittered(wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}
