package metrics

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/highway-engine/highway"
)

// A Point is one value.
type Point struct {
	Metric *Metric
	Value  float64
	labels [3]string
}

// Labels are the values of the metric's labels, in their order.
func (p *Point) Labels() []string { return p.labels[:len(p.Metric.Labels)] }

// A Reader reads protectors into points. It is safe for concurrent use. It keeps no
// protector alive, and some memory for each that lives and for each label.
type Reader struct {
	all      iter.Seq[*highway.CircuitProtector]
	attempts attempts

	mu       sync.Mutex
	readings uint64 // so far
	known    map[weak.Pointer[highway.CircuitProtector]]*known
	keys     limited[series]
}

// A known protector has been read before.
type known struct {
	series *series
	last   totals // when it was last read
	at     uint64 // which reading that was
}

// NewReader reads what all gives at each reading, with maxKeys labels of resources and as
// many of retry policies; zero means [DefaultMaxKeys].
func NewReader(all iter.Seq[*highway.CircuitProtector], maxKeys int) (*Reader, error) {
	if all == nil {
		return nil, errors.New("there is no sequence of protectors")
	}
	if maxKeys < 0 {
		return nil, fmt.Errorf("MaxKeys is %d: it must not be negative", maxKeys)
	}
	if maxKeys == 0 {
		maxKeys = DefaultMaxKeys
	}
	return &Reader{
		all:      all,
		attempts: newAttempts(maxKeys),
		known:    map[weak.Pointer[highway.CircuitProtector]]*known{},
		keys:     newLimited(maxKeys, func(label string) *series { return &series{label: label} }),
	}, nil
}

// OnAttempt counts the attempts of a retry policy under a name.
func (r *Reader) OnAttempt(name string) func(context.Context, highway.Attempt) {
	return r.attempts.on(name)
}

// Read gives the points of the present instant. Counters never fall from one reading to
// the next, whichever protectors come and go.
func (r *Reader) Read() []Point {
	// The sequence is a user's code, which no lock may be held for.
	protectors := slices.Collect(r.all)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.readings++
	for _, s := range r.keys.ordered {
		s.now = present{}
	}
	read := 0
	for _, p := range protectors {
		if p != nil && r.read(p) {
			read++
		}
	}
	if read < len(r.known) {
		r.forget()
	}
	points := make([]Point, 0, 32*len(r.keys.ordered))
	now := time.Now()
	for _, s := range r.keys.ordered {
		points = s.points(points, now)
	}
	return r.attempts.points(points)
}

// read adds a protector to its series, and says whether this was its turn: a sequence may
// give it twice.
func (r *Reader) read(p *highway.CircuitProtector) bool {
	pointer := weak.Make(p)
	k := r.known[pointer]
	if k == nil {
		k = &known{series: r.keys.of(p.ResourceKey())}
		r.known[pointer] = k
	} else if k.at == r.readings {
		return false
	}
	k.at = r.readings
	snapshot := p.Snapshot()
	total := totalsOf(&snapshot)
	k.series.totals.add(&total, &k.last)
	k.series.now.add(&snapshot)
	k.series.counted = k.series.counted || snapshot.Totals.Counted
	k.series.shared = k.series.shared || snapshot.Fleet.Shared
	k.last = total
	return true
}

// forget drops the protectors that have been collected. One that only was not given this
// time stays: it may come back, and its calls must not count twice.
func (r *Reader) forget() {
	for pointer, k := range r.known {
		if k.at != r.readings && pointer.Value() == nil {
			delete(r.known, pointer)
		}
	}
}
