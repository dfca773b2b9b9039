package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
)

// boardKeys are what the instances of a board call.
var boardKeys = []string{"payments", "search", "inventory", "recommendations", "mail", "currency rates", "fraud check"}

const (
	// boardCooldown is long enough for people to see it count down.
	boardCooldown = 8 * time.Second
	// noise is the share of requests that fail while all is well, as some always do.
	noise = 0.02
	// boardInterval is the mean time between two calls of an instance to one server, and
	// boardShare how much longer it is for each instance, so that the machine is not what is
	// too slow.
	boardInterval = 150 * time.Millisecond
	boardShare    = 7 * time.Millisecond
)

// A Board is a fleet that goes on until it is stopped, with servers that whoever looks at it
// breaks and heals. It is what "highway demo --dashboard" shows.
type Board struct {
	meeting   meeting
	ledger    fleet.Ledger
	transport *http.Transport
	servers   []*boardServer
	instances []*boardInstance
	stop      context.CancelFunc
	calls     sync.WaitGroup
}

// A boardServer is one of the servers that are called.
type boardServer struct {
	key    string
	phase  atomic.Uint32 // a phase
	server *server
}

// A boardInstance is one instance of the service that calls them.
type boardInstance struct {
	name string // in the fleet
	sick atomic.Bool
}

// StartBoard starts a board. Of config only Instances, Sick, Seed, Storage and Logf count.
func StartBoard(ctx context.Context, config Config) (b *Board, err error) {
	config.Duration = MinDuration // of which a board has none
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	b = &Board{transport: newTransport()}
	// What has been started ends with this, also if not all of it has.
	ctx, b.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	room := config
	room.Instances++ // for whoever looks
	if b.meeting, err = meet(ctx, room); err != nil {
		return b, err
	}
	storage, err := b.meeting.storage(ctx)
	if err != nil {
		return b, err
	}
	var ok bool
	if b.ledger, ok = storage.(fleet.Ledger); !ok {
		return b, fmt.Errorf("nobody can look into a %T", storage)
	}
	for _, key := range boardKeys {
		s := &boardServer{key: key}
		if s.server, err = startServer(func() phase { return phase(s.phase.Load()) }); err != nil {
			return b, err
		}
		b.servers = append(b.servers, s)
	}
	for number := range config.Instances {
		if err := b.join(ctx, number, config); err != nil {
			return b, err
		}
	}
	return b, nil
}

// join adds an instance, and lets it make calls.
func (b *Board) join(ctx context.Context, number int, config Config) error {
	storage, err := b.meeting.storage(ctx)
	if err != nil {
		return err
	}
	in := &boardInstance{name: fmt.Sprintf("instance-%d", number+1)}
	in.sick.Store(number < config.Sick)
	network := boardNetwork{b.transport, &in.sick}
	for i, s := range b.servers {
		protector, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			ResourceKey: s.key, Storage: storage, Cooldown: boardCooldown,
			FailureLimit: highway.Fraction(5, 10), SuccessLimit: highway.Fraction(2, 3), ProbeTimeout: 4 * clientTimeout,
		})
		if err != nil {
			return err
		}
		if i == 0 {
			in.name = protector.Snapshot().Fleet.Instance
		}
		c := newCaller(network, s.server.url, protector, func() phase { return phase(s.phase.Load()) })
		mean := boardInterval + time.Duration(config.Instances)*boardShare
		b.calls.Go(func() { call(ctx, c, config.Seed, number*len(b.servers)+i, mean) })
	}
	b.instances = append(b.instances, in)
	return nil
}

// call makes calls until ctx ends, and returns when all have ended.
func call(ctx context.Context, c *caller, seed uint64, number int, mean time.Duration) {
	clock := &clock{start: time.Now()}
	var calls sync.WaitGroup
	defer calls.Wait()
	for at := range arrivals(seed, number, mean, 1<<62) {
		if clock.wait(ctx, at) != nil {
			return
		}
		c.start(ctx, &calls)
	}
}

// A boardNetwork loses a few requests, and most while its instance is sick.
type boardNetwork struct {
	http.RoundTripper
	sick *atomic.Bool
}

func (n boardNetwork) RoundTrip(request *http.Request) (*http.Response, error) {
	share := noise
	if n.sick.Load() {
		share = sickness
	}
	if rand.Float64() < share {
		return nil, errNetwork
	}
	return n.RoundTripper.RoundTrip(request)
}

// Ledger is where the instances meet, for a dashboard.
func (b *Board) Ledger() fleet.Ledger { return b.ledger }

// Place says where that is, for people, and nothing if it is in this process.
func (b *Board) Place() string { return b.meeting.place() }

// Close ends everything.
func (b *Board) Close() error {
	b.stop()
	b.calls.Wait()
	b.transport.CloseIdleConnections()
	var failures []error
	if b.meeting != nil {
		failures = append(failures, b.meeting.close())
	}
	for _, s := range b.servers {
		failures = append(failures, s.server.close())
	}
	return errors.Join(failures...)
}
