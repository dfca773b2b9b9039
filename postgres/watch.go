package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
)

const (
	// pinging is how often it is looked whether the connection still is one: a
	// firewall may have forgotten it without a word.
	pinging = 20 * time.Second
	// answering is how long the server has to answer, and a notification to come.
	answering = 5 * time.Second
	// again is how long it takes until notifications are tried again where they do not
	// come although LISTEN succeeds, as behind a pooler in transaction mode.
	again = 5 * time.Minute
)

// marked is what the notifications of self-tests begin with, and hardly a key does.
const marked = "\x01highway "

// errDeaf is why there are no notifications where the server took LISTEN.
var errDeaf = errors.New("notifications do not come, as behind a pooler in transaction mode; looking once a second instead")

// errPollOnly is why there are none where none are wanted.
var errPollOnly = errors.New("notifications are switched off")

// Watch implements [fleet.Storage]. It listens on a connection of its own, which it tests
// by a notification to itself. Where that does not come it returns after some minutes
// only, as it would be in vain to ask at once again; with [WithPollOnly] it tells nothing.
func (s *Storage) Watch(ctx context.Context, changed func(key string)) error {
	if s.ctx.Err() != nil {
		return fleet.ErrClosed
	}
	bounded, cancel := s.until(ctx)
	defer cancel()
	var err error
	if s.listener == nil {
		s.status.notified(errPollOnly)
		<-bounded.Done()
	} else {
		err = s.listen(bounded, changed)
	}
	switch {
	case s.ctx.Err() != nil:
		return fleet.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	s.status.notified(err)
	if errors.Is(err, errDeaf) {
		slog.Warn("highway: " + errDeaf.Error())
		select {
		case <-bounded.Done():
		case <-time.After(again):
		}
	}
	return fmt.Errorf("highway/postgres: %w", err)
}

func (s *Storage) listen(ctx context.Context, changed func(key string)) error {
	connecting, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	config := s.listener.Copy()
	config.DefaultQueryExecMode = mode
	if prepare := s.pool.Config().BeforeConnect; prepare != nil { // it may know a password of today
		if err := prepare(connecting, config); err != nil {
			return err
		}
	}
	conn, err := pgx.ConnectConfig(connecting, config)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	var channel string
	if err := conn.QueryRow(connecting, s.functions.channel).Scan(&channel); err != nil {
		return err
	}
	if _, err := conn.Exec(connecting, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	hear := func(payload string) {
		if key, ok := strings.CutPrefix(payload, s.prefix); ok && !strings.HasPrefix(payload, marked) {
			changed(key)
		}
	}
	// With a time of its own: a server that took long to connect to is not deaf.
	proving, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	if err := s.selfTest(proving, conn, hear); err != nil {
		return err
	}
	s.status.notified(nil)
	for {
		waiting, cancel := context.WithTimeout(ctx, time.Duration(float64(pinging)*(0.8+0.4*mathrand.Float64())))
		n, err := conn.WaitForNotification(waiting)
		quiet := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			hear(n.Payload)
		case ctx.Err() != nil:
			return ctx.Err()
		case !quiet:
			return err
		default:
			pinged, cancel := context.WithTimeout(ctx, answering)
			err := conn.Ping(pinged)
			cancel()
			if err != nil {
				return err
			}
		}
	}
}

// selfTest sends a notification through the pool, by which all come, and waits for it.
func (s *Storage) selfTest(ctx context.Context, conn *pgx.Conn, hear func(payload string)) error {
	token := marked + rand.Text()
	if _, err := s.pool.Exec(ctx, s.functions.tell, mode, token); err != nil {
		return err
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return errDeaf
		case err != nil:
			return err
		case n.Payload == token:
			return nil
		}
		hear(n.Payload)
	}
}
