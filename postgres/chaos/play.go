package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/internal/pooler"
	"github.com/highway-engine/highway/postgres/internal/faultproxy"
	"github.com/highway-engine/highway/postgres/postgrestest"
)

// options are what a run is to be like.
type options struct {
	lasts     time.Duration
	instances int
	seed      uint64
	only      []string   // faults; none: all
	rounds    [][]string // the faults of each round; none: each once, then two at once until the time is over
	pause     time.Duration
	logf      func(format string, arguments ...any)
}

// A run is a fleet, its storage and its resource, and all that is done to them.
type run struct {
	options
	random   *rand.Rand
	record   *record
	resource *resource
	database *database
	follower *follower
	front    *faultproxy.Proxy // before the server, for the pooler
	pooler   *pooler.Pooler
	places   []*place
	made     map[string]int // faults

	noClock, noStandby, noDisk, noPooler string
}

// pooled is how many instances go through the pooler.
const pooled = 2

// play lets a fleet live through faults, and checks the promises on what has happened.
func play(ctx context.Context, o options) (*result, error) {
	if o.pause == 0 {
		o.pause = 100 * time.Millisecond
	}
	r := &run{options: o, random: rand.New(rand.NewPCG(o.seed, 0)), record: &record{began: time.Now()}, made: map[string]int{}}
	defer r.close()
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	if missing := r.missing(); o.only == nil && o.rounds == nil && len(missing) > 0 {
		var all []error
		for _, m := range missing {
			all = append(all, errors.New(m))
		}
		return nil, errors.Join(all...)
	}
	err := r.all(ctx)
	return r.finish(context.WithoutCancel(ctx)), err
}

// start makes everything, and waits until the fleet is one.
func (r *run) start(ctx context.Context) (err error) {
	if r.resource, err = newResource(); err != nil {
		return err
	}
	dir := newDisk()
	if dir != "" {
		os.Setenv("TMPDIR", dir)
		defer os.Unsetenv("TMPDIR")
	} else {
		r.noDisk = "only root may mount a small disk, on Linux"
	}
	r.database, err = newDatabase(ctx, dir, true)
	if errors.Is(err, postgrestest.ErrMissing) {
		r.noClock = err.Error()
		r.database, err = newDatabase(ctx, dir, false)
	}
	if err != nil {
		return err
	}
	r.logf("PostgreSQL from %s", r.database.server().From())
	if u, err := url.Parse(r.database.server().DSN()); err == nil {
		r.record.password, _ = u.User.Password()
	}
	r.follower = &follower{database: r.database, seen: map[int64]transition{}}
	if r.front, err = faultproxy.Start(r.database.address()); err != nil {
		return err
	}
	if r.pooler, err = pooler.Start(ctx, r.database.server().DSN(), r.front.Addr()); errors.Is(err, pooler.ErrMissing) {
		r.noPooler = fmt.Sprintf("no instance goes through PgBouncer: %v", err)
	} else if err != nil {
		return err
	}
	for i := range r.instances {
		p := &place{record: r.record, name: fmt.Sprint(i), pooled: r.pooler != nil && i >= r.instances-pooled}
		target := r.database.address()
		if p.pooled {
			target = r.pooler.Addr()
		}
		if p.proxy, err = faultproxy.Start(target); err != nil {
			return err
		}
		r.places = append(r.places, p)
		p.role = role{DSN: p.proxy.Through(r.database.server().DSN()), Resource: r.resource.address(), Pause: r.pause}
		if i%2 == 1 {
			p.role.Pause *= 5 // who calls seldom hears of an outage before it trips
		}
		if p.pooled {
			r.record.pooled = append(r.record.pooled, p.name)
		}
		if err := p.start(); err != nil {
			return err
		}
	}
	return r.settle(ctx, "the start")
}

func (r *run) close() {
	for _, p := range r.places {
		p.kill()
		p.proxy.Close()
	}
	if r.pooler != nil {
		if err := r.pooler.Close(); err != nil {
			r.logf("closing the pooler: %v", err)
		}
	}
	if r.front != nil {
		r.front.Close()
	}
	if r.database != nil {
		if err := r.database.close(); err != nil {
			r.logf("closing the server: %v", err)
		}
	}
	if r.resource != nil {
		r.resource.listener.Close()
	}
}

// all makes the rounds that are asked for.
func (r *run) all(ctx context.Context) error {
	var there []fault
	for _, f := range r.faults() {
		if r.only != nil && !slices.Contains(r.only, f.name) {
			continue
		}
		if f.needs != "" {
			r.logf("left out: %s: %s", f.name, f.needs)
			continue
		}
		there = append(there, f)
	}
	for i := 0; ; i++ {
		var together []fault
		switch {
		case r.rounds != nil && i == len(r.rounds), r.rounds == nil && time.Since(r.record.began) > r.lasts:
			return nil
		case r.rounds != nil:
			for _, f := range there {
				if slices.Contains(r.rounds[i], f.name) {
					together = append(together, f)
				}
			}
		case i < len(there):
			together = there[i : i+1]
		default:
			together = r.pair(there)
		}
		if len(together) == 0 {
			continue // what it needs is not there
		}
		if err := r.round(ctx, i, together); err != nil {
			return err
		}
	}
}

// pair chooses two faults that can be made at once: of those which take the storage away
// there is one at most.
func (r *run) pair(all []fault) []fault {
	for range 100 {
		a, b := all[r.random.IntN(len(all))], all[r.random.IntN(len(all))]
		if a.name != b.name && !(a.apart && b.apart) {
			if a.apart {
				a, b = b, a // what needs the storage comes first
			}
			return []fault{a, b}
		}
	}
	return all[:1] // they are too few
}

// round lets the resource fail before, during or after faults, and waits until all is
// well again.
func (r *run) round(ctx context.Context, i int, faults []fault) error {
	var each []string
	for _, f := range faults {
		each = append(each, f.name)
	}
	names := strings.Join(each, " and ")
	began := time.Now()
	const before, during, after = 0, 1, 2
	when := (i + 1) % 3
	victim := r.places[r.random.IntN(len(r.places))].name
	late := i%2 == 1 // it falls sick shortly before all is over
	if !late {
		r.resource.set(sick, health{victim: victim})
	}
	r.resource.set(healthy, health{slow: time.Duration(i%2) * 50 * time.Millisecond})
	if when == before {
		if err := r.outage(ctx); err != nil {
			return err
		}
	}
	ends := make([]func(context.Context) error, 0, len(faults))
	var marks []func()
	for _, f := range faults {
		if f.apart {
			marks = append(marks, r.record.span(apart, f.name))
		}
		r.made[f.name]++
		end, err := f.begin(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		ends = append(ends, end)
	}
	if when == during {
		if err := r.outage(ctx); err != nil {
			return err
		}
	}
	rest(ctx, slices.MaxFunc(faults, func(a, b fault) int { return cmp.Compare(a.lasts, b.lasts) }).lasts)
	if when != after && !late {
		r.resource.set(outages, health{})
	}
	if late {
		r.resource.set(sick, health{victim: victim})
		rest(ctx, time.Second)
	}
	for j := len(ends) - 1; j >= 0; j-- {
		if err := ends[j](ctx); err != nil {
			return fmt.Errorf("%s: %w", faults[j].name, err)
		}
	}
	if when == after {
		if err := r.outage(ctx); err != nil {
			return err
		}
		rest(ctx, time.Second)
	}
	r.resource.set(outages, health{})
	r.resource.set(sick, health{})
	r.resource.set(healthy, health{})
	if err := r.settle(ctx, names); err != nil {
		return err
	}
	for _, mark := range marks {
		mark()
	}
	r.logf("%-40s outage %s, %.1f s", names, []string{"before", "during", "after"}[when], time.Since(began).Seconds())
	return ctx.Err()
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// How soon something must have happened. Looks are 0.2 s old, and two cores are shared by
// the fleet and its server.
const (
	mayNotice  = 5 * time.Second                                                  // L4
	mayRejoin  = 2*time.Second + time.Second + 6*time.Second + 2*time.Second      // poll, sweep, backoff with its jitter, round trips (L1, L5)
	mayRecover = mayRejoin + 3*cooldown + (probes+1)*probeTimeout + 2*time.Second // a lost lease is granted again (L2, L3)
)

// outage lets the resource fail for all, and waits until all refuse (L4).
func (r *run) outage(ctx context.Context) error {
	r.resource.set(outages, health{fails: true})
	began := time.Now()
	for {
		var closed []string
		for _, p := range r.places {
			if _, at, refused, running := p.sees(outages); running && p.alive() && (refused.Before(began) || at.Before(began)) {
				closed = append(closed, p.instance)
			}
		}
		if !r.apart() {
			reading, cancel := context.WithTimeout(ctx, time.Second)
			if rows, err := r.database.rows(reading); err == nil && rows[outages].state == "CLOSED" {
				closed = append(closed, "the fleet")
			}
			cancel()
		}
		switch {
		case len(closed) == 0:
			r.counts("L4")
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(began) > mayNotice:
			r.record.breaks(violation{"L4", time.Now(), closed[0], fmt.Sprintf("%v do not refuse though the resource has failed for %v", closed, mayNotice)})
			return nil
		}
		rest(ctx, 50*time.Millisecond)
	}
}

// apart says that the storage may be away for some.
func (r *run) apart() bool {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	return r.record.within(apart, "", time.Now(), time.Now())
}

func (r *run) counts(promise string) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.record.compares(promise)
}

// settle waits until all have joined the fleet again (L1, L5) and are closed (L3).
func (r *run) settle(ctx context.Context, after string) error {
	began := time.Now()
	rejoined := false
	for {
		apart, open := r.unsettled(ctx, began)
		switch took := time.Since(began); {
		case ctx.Err() != nil:
			return ctx.Err()
		case len(apart) == 0 && len(open) == 0:
			r.counts("L1")
			r.counts("L3")
			return r.follower.follow(ctx)
		case len(apart) == 0:
			rejoined = true
		case !rejoined && took > mayRejoin:
			r.record.breaks(violation{"L1", time.Now(), "", fmt.Sprintf("%v after %s: %v", took.Round(time.Millisecond), after, apart)})
			rejoined = true
		}
		if took := time.Since(began); took > mayRecover {
			who := ""
			if len(open) > 0 {
				who, _, _ = strings.Cut(open[0], " is ")
			}
			r.record.breaks(violation{"L3", time.Now(), who, fmt.Sprintf("%v after %s: %v", took.Round(time.Millisecond), after, open)})
			return nil
		}
		rest(ctx, 50*time.Millisecond)
	}
}

// unsettled says who does not hear of the storage, or does not agree with it, and what is
// not closed.
func (r *run) unsettled(ctx context.Context, since time.Time) (apart, open []string) {
	reading, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	rows, err := r.database.rows(reading)
	if err != nil {
		return nil, []string{"the storage: " + err.Error()}
	}
	for _, key := range keys {
		if row, ok := rows[key]; ok && (row.state != "CLOSED" || row.hold != "") {
			open = append(open, fmt.Sprintf("the row of %s is %s %s", key, row.state, row.hold))
		}
		for _, p := range r.places {
			switch l, at, _, _ := p.sees(key); {
			case at.Before(since.Add(300 * time.Millisecond)):
				apart = append(apart, fmt.Sprintf("%s has told nothing of %s", p.instance, key))
			case !l.Live:
				apart = append(apart, fmt.Sprintf("%s is not live at %s: %s", p.instance, key, l.Why))
			case l.State != "CLOSED":
				open = append(open, fmt.Sprintf("%s is %s at %s", p.instance, l.State, key))
			}
		}
	}
	return apart, open
}

// finish checks the promises.
func (r *run) finish(ctx context.Context) *result {
	reading, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	gone, err := r.follower.compare(reading)
	if err != nil {
		r.logf("the history cannot be read: %v", err)
	}
	for _, t := range gone {
		r.record.breaks(violation{"S1", t.at, "", fmt.Sprintf("%v was there, and is no more", t)})
	}
	for _, p := range r.places {
		p.kill()
	}
	for _, t := range r.follower.seen {
		r.record.transitions = append(r.record.transitions, t)
	}
	r.resource.mu.Lock()
	r.record.arrivals = slices.Clone(r.resource.arrivals)
	r.record.healths = r.resource.healths
	r.resource.mu.Unlock()
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.record.ended = time.Now()
	return r.result(r.record.check())
}
