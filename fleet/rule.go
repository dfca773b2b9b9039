package fleet

import "math"

// A Rule decides when the testimonies about a suspicion suffice to open the fleet, or
// to dismiss it.
//
// It is given the sum of all testimonies and the number of active instances. A
// testimony is the sum of the weights of a witness's calls, kept within bounds so that
// no single instance carries or vetoes the fleet. Because weights are log-likelihood
// ratios under each witness's own limit, testimonies of witnesses with different limits
// can be added up.
//
// A rule is a pure function of its arguments, quick, and safe for concurrent use: it is
// asked while a protector is locked, and must not use one. A panic in it, or
// runtime.Goexit, is logged and counts as a weight of zero, or as Undecided.
type Rule interface {
	// Weight is what one completed call adds to a testimony, under a failure limit
	// that is the share limit of calls.
	Weight(limit float64, failed bool) float64
	// Bounds keep a testimony when so many instances are active, of which so many can
	// testify.
	Bounds(active, witnesses int) (lowest, highest float64)
	// Judge says what a sum of testimonies means when so many instances are active.
	Judge(sum float64, active int) Verdict
}

// Verdict is what a rule says about a suspicion.
type Verdict uint8

// The verdicts.
const (
	Undecided Verdict = iota
	Opens             // the resource fails for the fleet
	Refuted           // it fails for the suspect only
)

// SequentialTest is the recommended rule: Wald's sequential probability ratio test
// (A. Wald, "Sequential Tests of Statistical Hypotheses", Annals of Mathematical
// Statistics 16, 1945) of whether the witnesses' calls fail like those of a healthy
// resource or like those of a failing one.
//
// Healthy is an error rate of a fifth of the failure limit, failing one of 1.2 times
// the limit, at most 0.95. The test opens at a sum of ln(30,000·n), which a healthy
// resource reaches in about one of 30,000·n suspicions, and dismisses at −4.6, which a
// failing one reaches in about one of a hundred.
//
// One testimony counts at most a third of what it takes to open, so that three
// witnesses are needed (two, if there are no more than four instances), and at least half
// of what it takes to dismiss. With fewer than three active instances there is nobody to ask, or one
// witness against one suspect: then the first trip opens.
type SequentialTest struct{}

const (
	healthyShare = 0.2
	failingShare = 1.2
	mostFailing  = 0.95
	dismissal    = 4.6
)

// Weight implements [Rule].
func (SequentialTest) Weight(limit float64, failed bool) float64 {
	healthy, failing := healthyShare*limit, min(failingShare*limit, mostFailing)
	if failed {
		return math.Log(failing / healthy)
	}
	return math.Log((1 - failing) / (1 - healthy))
}

// Bounds implements [Rule].
func (SequentialTest) Bounds(active, witnesses int) (lowest, highest float64) {
	return -dismissal / float64(max(1, min(2, witnesses))), opening(active) / float64(max(1, min(3, max(2, active-2), active-1)))
}

// Judge implements [Rule].
func (t SequentialTest) Judge(sum float64, active int) Verdict {
	switch {
	case active < 3 || sum >= opening(active)-1e-9:
		return Opens
	case sum <= -dismissal+1e-9:
		return Refuted
	}
	return Undecided
}

// opening is the sum that opens a fleet of so many active instances.
func opening(active int) float64 { return math.Log(30_000 * float64(max(active, 1))) }

// FirstTrip is the rule by which the first instance that trips opens the fleet.
type FirstTrip struct{}

// Weight implements [Rule].
func (FirstTrip) Weight(float64, bool) float64 { return 0 }

// Bounds implements [Rule].
func (FirstTrip) Bounds(int, int) (float64, float64) { return 0, 0 }

// Judge implements [Rule].
func (FirstTrip) Judge(float64, int) Verdict { return Opens }

// Alone is the rule by which no trip opens the fleet: every instance is on its own, and
// only people open it for all.
type Alone struct{}

// Weight implements [Rule].
func (Alone) Weight(float64, bool) float64 { return 0 }

// Bounds implements [Rule].
func (Alone) Bounds(int, int) (float64, float64) { return 0, 0 }

// Judge implements [Rule].
func (Alone) Judge(float64, int) Verdict { return Undecided }
