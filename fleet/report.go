package fleet

import "time"

// A Report is all that one instance has to say about one circuit at present. It is
// whole: it replaces the instance's earlier one. One whose Number is not higher than the
// stored one's comes late, or again, and changes nothing.
type Report struct {
	Instance string // who asks; the storage does not believe anything else
	Number   uint64 // from 1; an instance that starts again has another name

	// About is the version of the row that the report is about. In another epoch it
	// says nothing.
	About Identity

	// Active says that the instance uses the circuit: it has completed a call lately, or
	// would have if it did not refuse them.
	Active bool

	// Refuses says that the instance's own circuit is not closed, so that it has nothing
	// to testify.
	Refuses bool

	// Suspicion is the number of the instance's trip that has yet to be dismissed, or
	// zero. A trip has one number, and is one suspicion in one epoch: about another it
	// is a new one.
	Suspicion uint64

	// Testimony is the instance's answer to the suspicion of another.
	Testimony Testimony

	// Dismissed are the suspicions that the instance has seen refuted. The test of
	// each ends there, whatever later testimonies say; it never starts again.
	// Who reads it in a view may not change it.
	Dismissed []Accusation

	// Failures are in the instance's own window at present, of so many Outcomes: those
	// of its last calls, or those that tripped it. They are for people, who see how the
	// fleet fares; nothing is decided by them.
	Failures, Outcomes int

	// Settings are the terms that the instance works with, also for people: those of a
	// fleet should agree.
	Settings Settings

	// Order and Age are the storage's: which suspicion came first, and how long ago
	// this one came. No two suspicions at a key have the same Order. Repeating a
	// suspicion changes neither. On the way to the storage they say nothing.
	Order uint64
	Age   time.Duration // of the suspicion
}

// Settings are the terms that an instance works with.
type Settings struct {
	Failures, Window  int           // it trips at so many failures among so many calls
	Successes, Probes int           // the fleet closes at so many successes of so many probes
	Cooldown          time.Duration // how long a trip stays open
}

// An Accusation names one suspicion.
type Accusation struct {
	Suspect string // the instance
	Number  uint64 // of its trip
}

// A Testimony says how calls have fared since a suspicion was heard of.
type Testimony struct {
	About Accusation // zero for none
	Sum   float64    // of the weights of the calls, within the bounds of the rule
	Calls int        // that it sums up
}

// A View is what the storage knows of one circuit.
type View struct {
	Row     Row      // with the times that were left when it was read
	Reports []Report // of live instances, in any order
	Live    int      // how many instances have been heard of lately, about any circuit
}

// Concerns says whether r is about the present epoch of the row.
func (v *View) Concerns(r Report) bool {
	return r.About.Incarnation == v.Row.Incarnation && r.About.Epoch == v.Row.Epoch
}
