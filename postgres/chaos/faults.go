package main

import (
	"context"
	"fmt"
	"time"

	"github.com/highway-engine/highway/postgres/internal/faultproxy"
	"github.com/highway-engine/highway/postgres/postgrestest"
)

// A fault is something that is done to the fleet or its storage for a while.
type fault struct {
	name  string
	lasts time.Duration
	apart bool   // it keeps some from the storage
	needs string // what is missing on this machine, and where to get it
	spare bool   // another fault does much the same, should this one be impossible here

	// begin does it, and returns what undoes it. Both may be given up by ctx.
	begin func(ctx context.Context) (end func(ctx context.Context) error, err error)
}

// faults are all that there are, in the order in which each is first made.
func (r *run) faults() []fault {
	const short, long = 2 * time.Second, 4 * time.Second
	all := []fault{
		{name: "none", lasts: short, begin: func(context.Context) (func(context.Context) error, error) { return nothing, nil }},
		r.network("cut", long, func(p *faultproxy.Proxy, on bool) { p.Cut() }),
		r.network("refuse", long, func(p *faultproxy.Proxy, on bool) {
			p.Refuse(on)
			if on {
				p.Cut()
			}
		}),
		r.network("lose answers", short, func(p *faultproxy.Proxy, on bool) {
			p.LoseAnswer(nil)
			if on {
				p.LoseAnswer(faultproxy.Containing("hw_change"))
			}
		}),
		r.network("lose requests", short, func(p *faultproxy.Proxy, on bool) {
			p.LoseAsked(nil)
			if on {
				p.LoseAsked(faultproxy.Containing("hw_"))
			}
		}),
		r.network("delay", long, func(p *faultproxy.Proxy, on bool) {
			p.Delay(0, 0)
			if on {
				p.Delay(300*time.Millisecond, 500*time.Millisecond)
			}
		}),
		r.network("trickle", long, func(p *faultproxy.Proxy, on bool) {
			p.Trickle(0, 0)
			if on {
				p.Trickle(40, 50*time.Millisecond)
			}
		}),
		r.network("freeze", long, func(p *faultproxy.Proxy, on bool) { p.Freeze(on) }),
		{name: "kill an instance", lasts: short, begin: r.killInstance},
		{name: "stop an instance", lasts: long, begin: r.stopInstance},
		{name: "kill the server", lasts: short, apart: true, begin: r.restart(func(_ context.Context, s *postgrestest.Server) error { return s.Kill() })},
		{name: "immediate stop", lasts: short, apart: true, begin: r.restart(func(ctx context.Context, s *postgrestest.Server) error {
			return s.Stop(ctx, postgrestest.Immediate)
		})},
		// So long that all have fallen silent: who comes back first finds nobody.
		{name: "long stop", lasts: 12 * time.Second, apart: true, begin: r.restart(func(ctx context.Context, s *postgrestest.Server) error {
			return s.Stop(ctx, postgrestest.Fast)
		})},
		{name: "stop the server's processes", lasts: long, apart: true, begin: r.pauseServer},
		{name: "read-only", lasts: long, apart: true, begin: r.readOnly},
		{name: "no connection left", lasts: long, apart: true, begin: r.takeConnections},
		{name: "lock", lasts: short, apart: true, begin: r.lock},
		{name: "delete rows", lasts: short, begin: r.deleteRows},
		{name: "people", lasts: long, begin: r.people},
		{name: "Python programs", lasts: long, begin: r.python},
		{name: "clock ahead", lasts: short, needs: r.noClock, begin: r.clock(3 * time.Hour)},
		{name: "clock back", lasts: short, needs: r.noClock, begin: r.clock(-2 * time.Hour)},
		{name: "failover", lasts: short, apart: true, needs: r.noStandby, begin: r.failover},
		{name: "full disk", lasts: long, apart: true, needs: r.noDisk, spare: true, begin: r.fillDisk},
	}
	return all
}

func nothing(context.Context) error { return nil }

// network is a fault of the ways to the storage: of all, or by chance of some only. It is
// made again and again.
func (r *run) network(name string, lasts time.Duration, make func(p *faultproxy.Proxy, on bool)) fault {
	return fault{name: name, lasts: lasts, apart: true, begin: func(ctx context.Context) (func(context.Context) error, error) {
		var hit []*place
		some := r.random.IntN(3) == 0
		for _, p := range r.places {
			if !some || r.random.IntN(2) == 0 {
				hit = append(hit, p)
			}
		}
		stop, stopped := ctx.Done(), chan0()
		over := chan0()
		go func() {
			defer close(stopped)
			for {
				for _, p := range hit {
					make(p.proxy, true)
				}
				select {
				case <-stop:
					return
				case <-over:
					return
				case <-time.After(700 * time.Millisecond):
				}
			}
		}()
		return func(context.Context) error {
			close(over)
			<-stopped
			for _, p := range hit {
				make(p.proxy, false)
			}
			return nil
		}, nil
	}}
}

func chan0() chan struct{} { return make(chan struct{}) }

func (r *run) anyPlace() *place { return r.places[r.random.IntN(len(r.places)-1)+1] } // the first is never ill

func (r *run) killInstance(context.Context) (func(context.Context) error, error) {
	p := r.anyPlace()
	p.kill()
	return func(context.Context) error { return p.start() }, nil
}

func (r *run) stopInstance(context.Context) (func(context.Context) error, error) {
	p := r.anyPlace()
	if err := p.pause(); err != nil {
		return nil, err
	}
	return func(context.Context) error { return p.resume() }, nil
}

// restart ends the server, and starts it again.
func (r *run) restart(stop func(context.Context, *postgrestest.Server) error) func(context.Context) (func(context.Context) error, error) {
	return func(ctx context.Context) (func(context.Context) error, error) {
		if err := stop(ctx, r.database.server()); err != nil {
			return nil, err
		}
		return r.database.server().StartAgain, nil
	}
}

func (r *run) pauseServer(context.Context) (func(context.Context) error, error) {
	server := r.database.server()
	if err := server.Pause(); err != nil {
		return nil, err
	}
	return func(context.Context) error { return server.Resume() }, nil
}

func (r *run) readOnly(ctx context.Context) (func(context.Context) error, error) {
	set := func(to string) func(context.Context) error {
		return func(ctx context.Context) error {
			return r.database.do(ctx, "ALTER SYSTEM SET default_transaction_read_only = "+to, "SELECT pg_reload_conf()")
		}
	}
	return set("off"), set("on")(ctx)
}

// takeConnections takes every connection that the server has, and those of the fleet.
func (r *run) takeConnections(ctx context.Context) (func(context.Context) error, error) {
	taking, stop := context.WithCancel(ctx)
	done := chan0()
	go func() {
		defer close(done)
		var taken []interface{ Close(context.Context) error }
		for taking.Err() == nil {
			conn, err := r.database.connect(taking)
			if err == nil {
				taken = append(taken, conn)
				continue
			}
			for _, p := range r.places {
				if !p.pooled {
					p.proxy.Cut()
				}
			}
			r.front.Cut()
			time.Sleep(20 * time.Millisecond)
		}
		for _, conn := range taken {
			_ = conn.Close(ctx)
		}
	}()
	return func(ctx context.Context) error {
		stop()
		<-done
		return r.database.await(ctx)
	}, nil
}

// lock is another session that has locked rows and does nothing.
func (r *run) lock(ctx context.Context) (func(context.Context) error, error) {
	conn, err := r.database.connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "BEGIN; SELECT FROM hw_circuit_breakers FOR UPDATE"); err != nil {
		return nil, err
	}
	return conn.Close, nil
}

func (r *run) deleteRows(ctx context.Context) (func(context.Context) error, error) {
	for range 3 {
		for _, key := range []string{outages, orders} {
			end := r.record.span(deleting, key)
			err := r.database.do(ctx, "DELETE FROM hw_circuit_breakers WHERE resource_key = '"+key+"'")
			end()
			if err != nil {
				return nil, err
			}
		}
		time.Sleep(300 * time.Millisecond)
	}
	return nothing, nil
}

// people give orders at several instances, and contradict each other.
func (r *run) people(ctx context.Context) (func(context.Context) error, error) {
	for _, order := range []string{"open " + orders + " 1s", "isolate " + orders, "disable " + orders, "half-open " + orders,
		"isolate " + orders, "release " + orders, "disable " + orders} {
		r.anyPlace().order(orders, order)
		r.anyPlace().order(orders, order)
		time.Sleep(300 * time.Millisecond)
	}
	return r.closeOrders, nil
}

// closeOrders is somebody who ends what people did, and tries until it is done.
func (r *run) closeOrders(ctx context.Context) error {
	for end := time.Now().Add(mayRecover); ; {
		r.places[0].order(orders, "close "+orders)
		rest(ctx, 500*time.Millisecond)
		reading, cancel := context.WithTimeout(ctx, time.Second)
		rows, err := r.database.rows(reading)
		cancel()
		switch {
		case err == nil && rows[orders].hold == "":
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(end):
			r.record.breaks(violation{"orders", time.Now(), r.places[0].instance, fmt.Sprintf("nobody can end a hold: %v, %v", rows[orders], err)})
			return nil
		}
	}
}

// python is a program on the Python library, which writes what it likes with its very
// statements.
func (r *run) python(ctx context.Context) (func(context.Context) error, error) {
	end := r.record.span(foreign, orders)
	defer end()
	conn, err := r.database.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, state := range []string{"CLOSED", "OPEN", "CLOSED", "OPEN", "HALF_OPEN"} {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `SELECT state, failure_count, open_until FROM hw_circuit_breakers WHERE resource_key = $1 FOR UPDATE`, orders); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO hw_circuit_breakers (resource_key, state, failure_count, open_until) VALUES ($1,$2,$3,$4)
			ON CONFLICT (resource_key) DO UPDATE SET state = EXCLUDED.state,
			failure_count = EXCLUDED.failure_count, open_until = EXCLUDED.open_until,
			updated_at = CURRENT_TIMESTAMP`, orders, state, 3, nil); err != nil {
			return nil, err
		}
		if err := tx.Commit(ctx); err != nil {
			return nil, err
		}
		time.Sleep(400 * time.Millisecond)
	}
	return nothing, nil
}

// clock sets the server's clock, and back again.
func (r *run) clock(offset time.Duration) func(context.Context) (func(context.Context) error, error) {
	return func(context.Context) (func(context.Context) error, error) {
		end := r.record.span(clockSet, "")
		return func(context.Context) error {
			defer end()
			return r.database.setClock(0)
		}, r.database.setClock(offset)
	}
}

// failover kills the server after its standby has ceased to follow it, so that what was
// committed in between is lost, and promotes that.
func (r *run) failover(ctx context.Context) (func(context.Context) error, error) {
	old := r.database.server()
	standby, err := old.Standby(ctx)
	if err != nil {
		return nil, err
	}
	deaf := database{now: standby}
	if err := deaf.do(ctx, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"); err != nil {
		return nil, err
	}
	// Something happens that it does not hear of.
	for _, order := range []string{"half-open", "close", "half-open", "close"} {
		r.places[0].order(orders, order+" "+orders)
		time.Sleep(200 * time.Millisecond)
	}
	if err := r.follower.follow(ctx); err != nil {
		return nil, err
	}
	end := r.record.span(promoted, "")
	if err := old.Kill(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		defer end()
		if err := standby.Promote(ctx); err != nil {
			return err
		}
		r.database.mu.Lock()
		r.database.now = standby
		r.database.mu.Unlock()
		r.lead()
		gone, err := r.follower.compare(ctx)
		r.follower.lost += len(gone)
		return err
	}, nil
}

// fillDisk fills the server's disk and makes it write, until it cannot any more.
func (r *run) fillDisk(ctx context.Context) (func(context.Context) error, error) {
	if err := r.database.do(ctx, "CREATE TABLE IF NOT EXISTS filler (text text)"); err != nil {
		return nil, err
	}
	free, err := fill(r.database.dir)
	if err != nil {
		return nil, err
	}
	// It is meant to fail.
	for range 20 {
		if r.database.do(ctx, "INSERT INTO filler SELECT repeat(md5(i::text), 200) FROM generate_series(1, 3000) i") != nil {
			break
		}
	}
	return func(ctx context.Context) error {
		if err := free(); err != nil {
			return err
		}
		// It may have ended, or be about to start again by itself.
		_ = r.database.server().StartAgain(ctx)
		if err := r.database.await(ctx); err != nil {
			return err
		}
		return r.database.do(ctx, "TRUNCATE filler", "CHECKPOINT")
	}, nil
}

// lead makes every way lead to the present server.
func (r *run) lead() {
	address := r.database.address()
	r.front.Lead(address)
	r.front.Cut()
	for _, p := range r.places {
		if !p.pooled {
			p.proxy.Lead(address)
			p.proxy.Cut()
		}
	}
}

// missing are the programs that a run with all faults lacks.
func (r *run) missing() (all []string) {
	for _, f := range r.faults() {
		if f.needs != "" && !f.spare {
			all = append(all, fmt.Sprintf("%q cannot be made: %s", f.name, f.needs))
		}
	}
	if r.noPooler != "" {
		all = append(all, r.noPooler)
	}
	return all
}
