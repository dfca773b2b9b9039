package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// errLost is what an unreliable storage says.
var errLost = errors.New("storagetest: the answer is lost")

// unreliable is a storage behind a network: requests are lost, or their answers, or
// they arrive twice, the second time late. It is for one client.
type unreliable struct {
	fleet.Storage
	random *rand.Rand
	late   sync.WaitGroup // requests on their second way
}

// send lets request happen as often as it does, and says whether the answer arrives.
func (u *unreliable) send(request func()) bool {
	fate := u.random.IntN(10)
	if fate == 0 {
		return false
	}
	request()
	if fate <= 2 {
		delay := time.Duration(u.random.IntN(2000)) * time.Microsecond
		u.late.Go(func() {
			time.Sleep(delay)
			request()
		})
	}
	return fate != 3 && fate != 1
}

func (u *unreliable) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	answer := make(chan map[string]fleet.View, 2)
	failure := make(chan error, 2)
	if !u.send(func() {
		views, err := u.Storage.Exchange(ctx, instance, reports)
		answer <- views
		failure <- err
	}) {
		return nil, errLost
	}
	return <-answer, <-failure
}

func (u *unreliable) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	answer := make(chan fleet.Row, 2)
	failure := make(chan error, 2)
	if !u.send(func() {
		is, err := u.Storage.Change(ctx, key, from, row)
		answer <- is
		failure <- err
	}) {
		return fleet.Row{}, errLost
	}
	return <-answer, <-failure
}

var faults = []test{
	{"a change whose answer is lost is made once, however often it is asked", func(s *store) {
		c := s.countdown(time.Hour)
		row, from := open(time.Hour), s.row("k").Identity
		one := s.mustChange("k", from, row) // nobody hears the answer
		s.pass(s.while())
		for range 3 {
			is := s.change("k", from, row)
			if is.Identity != one.Identity {
				s.Fatalf("asked again: %+v after %+v", is, one)
			}
			c.check("asked again", is.Remaining)
		}
		// Others have gone on since.
		two := s.mustChange("k", one.Identity, after(one, 1, fleet.HalfOpen))
		if is := s.change("k", from, row); !reflect.DeepEqual(is, two) {
			s.Errorf("asked again, late: %+v", is)
		}
	}},
	{"a report whose answer is lost is stored once, however often it is sent", func(s *store) {
		r := fleet.Report{Number: 1, Suspicion: 1, Testimony: fleet.Testimony{Sum: 2, Calls: 3}}
		one := s.report(s.exchange("a", "k", r), "a")
		s.exchange("b", "k", fleet.Report{Number: 1, Suspicion: 1})
		for range 3 {
			if is := s.report(s.exchange("a", "k", r), "a"); !same(is, one) {
				s.Errorf("sent again: %+v after %+v", is, one)
			}
		}
	}},
	{"over an unreliable network every client gets its changes in, and each epoch is one change", func(s *store) {
		const clients, changes = 3, 8
		storages := []fleet.Storage{s.Storage, s.other()}
		s.make("k", fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 1}})
		var seen sightings
		var wg sync.WaitGroup
		for client := range clients {
			u := &unreliable{Storage: storages[client%2], random: rand.New(rand.NewPCG(uint64(client), 1))}
			wg.Go(func() {
				defer u.late.Wait()
				u.add(s, &seen, fmt.Sprint("c", client), changes)
			})
		}
		wg.Wait()
		row := s.row("k")
		seen.add(s, row)
		if row.Epoch < 1+clients*changes {
			s.Errorf("%d changes, and the epoch is %d", clients*changes, row.Epoch)
		}
	}},
}

// add begins so many epochs that it knows of. In between there may be others, whose
// answers are lost.
func (u *unreliable) add(s *store, seen *sightings, name string, changes int) {
	for number := uint64(1); changes > 0; number++ {
		if s.ctx.Err() != nil {
			s.Error("it takes too long")
			return
		}
		views, err := u.Exchange(s.ctx, name, map[string]fleet.Report{"k": {Instance: name, Number: number}})
		if err != nil {
			continue
		}
		row := views["k"].Row
		seen.add(s, row)
		next := after(row, 1, fleet.Closed)
		next.By, next.Nonce = name, u.random.Uint64()
		for try := 0; try < 5; try++ {
			is, err := u.Change(s.ctx, "k", row.Identity, next)
			if err != nil {
				continue
			}
			seen.add(s, is)
			if is.Identity == next.Identity {
				changes--
			}
			break
		}
	}
}

// sightings are the rows that clients have seen, by epoch.
type sightings struct {
	mu   sync.Mutex
	rows map[uint64]fleet.Row
}

func (g *sightings) add(s *store, row fleet.Row) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rows == nil {
		g.rows = map[uint64]fleet.Row{}
	}
	if was, ok := g.rows[row.Epoch]; ok && (was.Identity != row.Identity || was.By != row.By) {
		s.Errorf("an epoch has been two: %+v and %+v", was, row)
	}
	g.rows[row.Epoch] = row
}
