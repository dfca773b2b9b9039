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

// ask makes one request, and notes whether the storage was reached.
func (e *Engine) ask(ctx context.Context, operation string, request func(ctx context.Context) error) error {
	err := e.request(ctx, operation, request)
	e.reached(err)
	return err
}

// request makes one request. It returns after answerTime or little more, whatever the
// storage does; and while an earlier request has not returned it makes none, so that a
// storage which hangs costs one goroutine.
func (e *Engine) request(ctx context.Context, operation string, request func(ctx context.Context) error) error {
	select {
	case e.places <- struct{}{}:
	default:
		return errHung
	}
	return e.observed(operation, func() error { return e.placed(ctx, request) })
}

// placed is request for one that has its place.
func (e *Engine) placed(ctx context.Context, request func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answered := asked(ctx, func(ctx context.Context) error {
		defer func() { <-e.places }()
		return request(ctx)
	})
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
	}
	// A storage that obeys its context returns now, and is not one that hangs.
	timer := time.NewTimer(leaveTime)
	defer timer.Stop()
	select {
	case err := <-answered:
		return err
	case <-timer.C:
		return ctx.Err()
	}
}

// asked makes a request on a goroutine of its own, which the storage may hold up, end or
// panic on. What has come of it is an error to be had from the channel, or nil.
func asked(ctx context.Context, request func(ctx context.Context) error) <-chan error {
	answered := make(chan error, 1)
	go func() {
		err := errVanished
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the storage panicked: %v", r)
			}
			answered <- err
		}()
		err = request(ctx)
	}()
	return answered
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
		there := entry.part.With(context.Background(), func(m *protocol.Member, now time.Time) {
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
	answers, err := e.views(ctx, instance, reports)
	if len(answers) > 0 || err == nil || e.there(ctx, instance, err) {
		e.refusals(letters, err, func(key string) bool { _, ok := answers[key]; return !ok })
	}
	for _, l := range letters {
		view, ok := answers[l.entry.key]
		if ok {
			l.entry.told()
		}
		l.answer(func(m *protocol.Member, now time.Time) {
			if ok {
				m.HearView(l.message.Number, view, now)
			} else {
				m.Failed(l.message.Number, now)
			}
		})
	}
}

// views is Exchange. Beside an error the views may be those of some keys. What comes late
// is not read.
func (e *Engine) views(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	answer := make(chan map[string]fleet.View, 1)
	err := e.request(ctx, opExchange, func(ctx context.Context) error {
		views, err := e.storage.Exchange(ctx, instance, reports)
		answer <- views
		return err
	})
	var views map[string]fleet.View
	select {
	case views = <-answer:
	default:
	}
	if err == nil || len(views) > 0 {
		e.reached(nil)
	}
	return views, err
}

// there says whether the storage is there though a request about circuits has failed
// with err. It may be these circuits that it refuses, so it is asked about none.
func (e *Engine) there(ctx context.Context, instance string, err error) bool {
	if !e.live() {
		e.reached(err) // it was away before; the next sign of life will tell
		return false
	}
	return e.sign(ctx, instance) == nil
}

func (e *Engine) change(ctx context.Context, l letter) {
	answer := make(chan fleet.Row, 1)
	err := e.request(ctx, opChange, func(ctx context.Context) error {
		row, err := e.storage.Change(ctx, l.entry.key, l.message.From, l.message.Row)
		answer <- row
		return err
	})
	if err == nil {
		e.reached(nil)
		l.entry.told()
	}
	if err == nil || e.there(ctx, l.entry.instance, err) {
		e.changes(l.entry, err)
	}
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
	if l.entry.part.With(context.Background(), func(m *protocol.Member, now time.Time) { hear(m, now); wake = m.Wake() }) {
		l.entry.Due(wake)
	}
}

// heartbeat says that the instances live which this process is.
func (e *Engine) heartbeat(ctx context.Context) {
	for _, instance := range e.instances() {
		if e.sign(ctx, instance) != nil {
			return
		}
	}
}

// sign says that one instance lives.
func (e *Engine) sign(ctx context.Context, instance string) error {
	return e.ask(ctx, opExchange, func(ctx context.Context) error {
		_, err := e.storage.Exchange(ctx, instance, nil)
		return err
	})
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
		err := e.request(ctx, opSweep, func(ctx context.Context) error {
			keys, err := e.storage.Sweep(ctx, after, batch)
			answer <- keys
			return err
		})
		if err == nil && !e.live() {
			// A storage that only lets itself be read is away all the same.
			err = e.sign(ctx, e.name)
		} else if err == nil {
			e.reached(nil)
		}
		if err == nil || e.there(ctx, e.name, err) {
			e.swept(err)
		}
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
