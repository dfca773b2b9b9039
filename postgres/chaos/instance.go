package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres"
)

// asInstance is the variable that makes this program an instance of the fleet.
const asInstance = "HW_CHAOS_INSTANCE"

// What every instance works with.
const (
	cooldown     = 2 * time.Second
	probeTimeout = 2 * time.Second
	probes       = 3
)

// The keys, and what happens to each.
const (
	outages = "outages" // fails for all now and then
	sick    = "sick"    // fails for one instance only
	healthy = "healthy" // never fails
	orders  = "orders"  // never fails, but people and others write it
)

var keys = []string{outages, sick, healthy, orders}

// A role is what an instance is told about itself.
type role struct {
	Name     string
	DSN      string
	Resource string // its address
	Pause    time.Duration
}

// actsAsInstance runs an instance if this process is to be one.
func actsAsInstance() bool {
	text := os.Getenv(asInstance)
	if text == "" {
		return false
	}
	os.Unsetenv(asInstance)
	var r role
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = r.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return true
}

// run makes calls until nobody gives commands any more: the parent is gone then.
func (r role) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := newTeller(os.Stdout)
	slog.SetDefault(slog.New(slog.NewTextHandler(lines{out}, nil)))
	storage, err := postgres.Open(ctx, r.DSN, postgres.WithStatus(func(s postgres.Status) {
		out.tell(event{Kind: stood, Text: fmt.Sprintf("reachable=%t notified=%t %v", s.Reachable, s.Notified, s.Err)})
	}))
	if err != nil {
		return err
	}
	protectors := map[string]*highway.CircuitProtector{}
	for _, key := range keys {
		p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			ResourceKey: key, Storage: storage,
			FailureLimit: highway.Fraction(5, 10), SuccessLimit: highway.Fraction(2, probes),
			Cooldown: cooldown, ProbeTimeout: probeTimeout,
			OnStatusChange: func(c highway.StatusChange) { out.tell(ofChange(c)) },
		})
		if err != nil {
			return err
		}
		protectors[key] = p
		for range callers {
			go (&caller{role: r, protector: p, out: out}).run(ctx)
		}
	}
	go measureStalls(out)
	go look4ever(protectors, out)
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		go obey(protectors, commands.Text(), out)
	}
	return nil
}

func ofChange(c highway.StatusChange) event {
	e := event{At: c.At, Kind: changed, Key: c.Protector.ResourceKey(), From: c.From.String(), To: c.To.String(), Reason: c.Reason.String()}
	s := c.Protector.Snapshot()
	if s.State == highway.Open && s.Since.Equal(c.At) && s.RetryAfter != highway.UntilReleased {
		e.Until = time.Now().Add(s.RetryAfter)
	}
	return e
}

// look4ever tells how things are, several times a second.
func look4ever(protectors map[string]*highway.CircuitProtector, out *teller) {
	for ; ; time.Sleep(200 * time.Millisecond) {
		e := event{Kind: looked, At: time.Now()}
		for _, key := range keys {
			s := protectors[key].Snapshot()
			l := look{Key: key, State: s.State.String(), Live: s.Fleet.Live}
			if s.Fleet.Err != nil {
				l.Why = s.Fleet.Err.Error()
			}
			e.Looks = append(e.Looks, l)
		}
		out.tell(e)
	}
}

// measureStalls tells when the process did not get to run, so that nobody takes that for
// a call that was kept waiting.
func measureStalls(out *teller) {
	const nap = 5 * time.Millisecond
	for {
		began := time.Now()
		time.Sleep(nap)
		if over := time.Since(began) - nap; over > 2*time.Millisecond {
			out.tell(event{Kind: stalled, At: began, Took: over})
		}
	}
}

// obey carries out a person's command: its name, a key and perhaps a time.
func obey(protectors map[string]*highway.CircuitProtector, line string, out *teller) {
	words := strings.Fields(line)
	p := protectors[words[1]]
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	var err error
	switch words[0] {
	case "open":
		d, _ := time.ParseDuration(words[2])
		err = p.Open(ctx, d)
	case "isolate":
		err = p.Isolate(ctx)
	case "disable":
		err = p.Disable(ctx)
	case "close":
		err = p.Close(ctx)
	case "half-open":
		err = p.HalfOpen(ctx)
	case "release":
		err = p.Release(ctx)
	}
	e := event{Kind: commanded, Key: words[1], To: words[0], Took: time.Since(began), Text: "done"}
	if err != nil {
		e.Text = err.Error()
	}
	out.tell(e)
}

// commandTime is how long a person waits for a command.
const commandTime = 3 * time.Second

// lines makes events of what is logged.
type lines struct{ out *teller }

func (l lines) Write(line []byte) (int, error) {
	l.out.tell(event{Kind: logged, Text: strings.TrimSpace(string(line))})
	return len(line), nil
}
