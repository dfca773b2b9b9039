package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// A Ledger is a [Storage] that people can look into. Looking makes nobody an instance and
// makes no row, waits for no lock, and decides nothing. A storage need not be one.
//
// What is said of [Storage] holds for these methods too: keys that the storage cannot hold
// are errors, nothing is shared, and a row that makes no sense reads as a closed one.
type Ledger interface {
	Storage

	// List returns what there is about the circuits that q asks for, in the order of the
	// bytes of their keys. An empty answer is the end. A circuit that is there all the
	// while is missing from no page.
	List(ctx context.Context, q Query) ([]Circuit, error)

	// Look returns all that there is about one circuit. Where there is no row its Row is
	// the zero Row.
	Look(ctx context.Context, key string) (Detail, error)

	// History returns what has happened to rows, newest first. How long it is kept is the
	// storage's; what it forgets when nobody uses a key may show there as a deletion, or
	// not at all.
	History(ctx context.Context, q HistoryQuery) ([]Transition, error)

	// Instances returns those that have been heard of lately, about any circuit, in the
	// order of their names.
	Instances(ctx context.Context) ([]Instance, error)

	// Remove removes the row at key, with the reports about it, if it has exactly the
	// identity from, and says whether it has: of those who remove a row at once one is told
	// so. Otherwise it returns the row that is there, which is the zero Row if there is
	// none. The history keeps who said so, and the note. Instances that use the circuit
	// make its row again, closed, with another incarnation (S11).
	Remove(ctx context.Context, key string, from Identity, by, note string) (is Row, removed bool, err error)
}

// LargestPage is how many entries a page has at most, and how many it has if a query names
// no limit.
const LargestPage = 1000

// A Query says which circuits to list. The zero Query is the first page of all.
type Query struct {
	After  string  // only keys after this one: the last of the page before
	Limit  int     // of this page; zero, and more than LargestPage, is LargestPage
	Prefix string  // only keys that begin with it
	States []State // only rows in one of these; none is any
	Holds  []Hold  // only rows under one of these; none is any
	// Busy leaves out the circuits at which nothing goes on: those whose row is plainly
	// closed, without a hold and without a suspect.
	Busy bool
}

// A Circuit is what there is about one circuit, summed up over the reports of live
// instances.
type Circuit struct {
	Key string // of the circuit
	Row Row    // with the times that were left when it was read
	// Changed is how long ago the row came into its epoch: how long it has been in its
	// state, or under its hold.
	Changed time.Duration
	// Failures are in the windows of all instances, of so many Outcomes.
	Failures, Outcomes int
	Active             int // how many instances use it
	Suspects           int // how many of the instances suspect it, in the row's epoch
	// Disagree says that the settings of the active instances are not all the same, as in
	// the middle of a deployment.
	Disagree bool
}

// A Detail is all that there is about one circuit.
type Detail struct {
	Circuit
	Reports []Told // of live instances, in the order of their names
	Live    int    // how many instances have been heard of lately, about any circuit
}

// A Told report is one with its age.
type Told struct {
	Report
	Ago time.Duration // since it came
}

// View is what an instance is told of the circuit.
func (d *Detail) View() View {
	v := View{Row: d.Row, Live: d.Live, Reports: make([]Report, len(d.Reports))}
	for i := range d.Reports {
		v.Reports[i] = d.Reports[i].Report
	}
	return v
}

// Sum fills in what d says of the reports as a whole: a storage that has them need not
// count for itself.
func (d *Detail) Sum() {
	d.Failures, d.Outcomes, d.Active, d.Suspects, d.Disagree = 0, 0, 0, 0, false
	var settings *Settings
	for i := range d.Reports {
		r := &d.Reports[i]
		d.Failures += r.Failures
		d.Outcomes += r.Outcomes
		if r.Suspicion != 0 && r.About.Incarnation == d.Row.Incarnation && r.About.Epoch == d.Row.Epoch {
			d.Suspects++
		}
		if !r.Active {
			continue
		}
		d.Active++
		if settings == nil {
			settings = &r.Settings
		}
		d.Disagree = d.Disagree || *settings != r.Settings
	}
}

// A HistoryQuery says which transitions to return. The zero HistoryQuery is the latest of
// all keys.
type HistoryQuery struct {
	Key    string // only of this one; empty is all
	Before uint64 // only those with a lower ID: that of the last of the page before; zero is the latest
	Limit  int    // as in Query
}

// A Transition is a change of a row that began an epoch, or made or removed the row. What
// happens within an epoch, such as a probe, is none.
type Transition struct {
	ID       uint64        // higher for what came later at the same key; never zero
	At       time.Time     // by the storage's clock
	Ago      time.Duration // since then, by the same clock
	Key      string        // of the circuit
	Identity               // of the row that the change made, or removed; the nonce may be left out
	From     State         // if not Made
	To       State         // if not Deleted
	Made     bool          // there was no row before
	Deleted  bool          // there was none any more
	Hold     Hold          // in force from then on, or on the row that was deleted
	Reason   Reason        // Commanded if Deleted
	By       string        // the instance or the person that decided, or the program that wrote
	Note     string        // that of the row, or what was said at its deletion
	Evidence Evidence      // on which it was decided; of a row that was made or deleted none
}

// Evidence is what the storage knew when a row was changed, from the reports of active
// instances about the epoch that ended.
type Evidence struct {
	Instances int      // that were active
	Refusing  int      // whose own circuit was not closed
	Suspects  []string // those with a suspicion, the first first
	Witnesses int      // those that had testified
	Calls     int      // that they had summed up
	Testimony float64  // the sum of what they had said; positive for an outage
	// Failures were in the windows of all, of so many Outcomes.
	Failures, Outcomes int

	// Of a half-open circuit: what had come of its probes, and how many leases nobody had
	// settled.
	Succeeded, Failed, Pending, Lost int
}

// An Instance is one that has been heard of lately.
type Instance struct {
	Name string        // such as "web-7/4211/K3J9XQ2MAD"
	Seen time.Duration // how long ago it was heard of
}

// LongestNote is how many bytes a [Row.Note] has at most.
const LongestNote = 1000

// CheckNote says why a storage refuses a note: it must be UTF-8 without zero bytes, of
// [LongestNote] at most.
func CheckNote(note string) error {
	switch {
	case len(note) > LongestNote:
		return fmt.Errorf("%w: a note has at most %d bytes, not %d", ErrRefused, LongestNote, len(note))
	case !utf8.ValidString(note) || strings.ContainsRune(note, 0):
		return fmt.Errorf("%w: a note is UTF-8 without zero bytes, not %.40q", ErrRefused, note)
	}
	return nil
}

// ErrRefused is in the error of a storage that has answered and done nothing: what was
// asked for has not happened. An error without it leaves that open.
var ErrRefused = errors.New("fleet: the storage refuses")
