package protocol

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// suspect is "s", with its first suspicion.
var suspect = fleet.Report{Instance: "s", Active: true, Refuses: true, Suspicion: 1, Order: 1, Age: 10 * time.Second}

var aboutSuspect = fleet.Accusation{Suspect: "s", Number: 1}

// witness is a report that testifies about the suspect.
func witness(name string, sum float64) fleet.Report {
	return fleet.Report{Instance: name, Active: true, Testimony: fleet.Testimony{About: aboutSuspect, Sum: sum, Calls: 5}}
}

// tripped is a report of another suspicion, so long after that of the suspect.
func tripped(name string, later time.Duration) fleet.Report {
	return fleet.Report{Instance: name, Active: true, Refuses: true, Suspicion: 1, Order: 2, Age: suspect.Age - later}
}

func idle(name string) fleet.Report { return fleet.Report{Instance: name} }

func active(name string) fleet.Report { return fleet.Report{Instance: name, Active: true} }

func viewOf(reports ...fleet.Report) *fleet.View {
	return &fleet.View{Reports: reports, Live: len(reports)}
}

// TestTestimoniesAddUpWithinBounds (S7).
func TestTestimoniesAddUpWithinBounds(t *testing.T) {
	third := math.Log(30_000*5) / 3
	half := math.Log(30_000*4) / 2
	other := witness("x", 100)
	other.Testimony.About.Number = 2
	earlier := witness("x", 100)
	earlier.About.Epoch = 7
	for _, c := range []struct {
		name    string
		view    *fleet.View
		sum     float64
		active  int
		against bool
	}{
		{"nobody else", viewOf(suspect), 0, 1, false},
		{"the suspect's own word", viewOf(witness("s", 100), active("a")), 0, 2, false},
		{"one says little", viewOf(suspect, witness("a", 1.5), active("b"), active("c"), active("d")), 1.5, 5, false},
		{"one says much, and counts a third", viewOf(suspect, witness("a", 100), active("b"), active("c"), active("d")), third, 5, false},
		{"three say much", viewOf(suspect, witness("a", 100), witness("b", 100), witness("c", 100), active("d")), 3 * third, 5, false},
		{"of four, one counts half", viewOf(suspect, witness("a", 100), active("b"), active("c")), half, 4, false},
		{"one denies, and counts half", viewOf(suspect, witness("a", -100), active("b"), active("c"), active("d")), -2.3, 5, false},
		{"the only one that can denies, and counts whole", viewOf(suspect, witness("a", -100), tripped("b", -time.Minute)), -4.6 + math.Log(30_000*3)/2, 3, true},
		{"all deny", viewOf(suspect, witness("a", -100), witness("b", -100), witness("c", -100)), -6.9, 4, true},
		{"who is not active is not counted", viewOf(suspect, witness("a", 1), idle("b"), idle("c")), 1, 2, false},
		{"about another suspicion", viewOf(suspect, other, active("b")), 0, 3, false},
		{"about another epoch", viewOf(suspect, earlier, active("b")), 0, 2, false},
	} {
		got := pool(c.view, nil, suspect, fleet.SequentialTest{})
		if math.Abs(got.sum-c.sum) > 1e-9 || got.active != c.active || got.against != c.against {
			t.Errorf("%s: sum %.3f, %d active, against %v; want %.3f, %d, %v", c.name, got.sum, got.active, got.against, c.sum, c.active, c.against)
		}
	}
}

// TestTheFirstSuspicionIsJudged (S7): that was not dismissed and is about this epoch.
func TestTheFirstSuspicionIsJudged(t *testing.T) {
	second := tripped("a", time.Second)
	stale := tripped("z", 0)
	stale.Order, stale.About.Epoch = 0, 3
	for _, c := range []struct {
		name      string
		view      *fleet.View
		dismissed []fleet.Accusation
		want      string
	}{
		{"none", viewOf(active("a")), nil, ""},
		{"by order", viewOf(second, suspect), nil, "s"},
		{"not a dismissed one", viewOf(second, suspect), []fleet.Accusation{aboutSuspect}, "a"},
		{"not one about another epoch", viewOf(stale, second, suspect), nil, "s"},
		{"all dismissed", viewOf(suspect), []fleet.Accusation{aboutSuspect}, ""},
		{"another trip of the same", viewOf(suspect), []fleet.Accusation{{Suspect: "s", Number: 2}}, "s"},
	} {
		got, ok := suspicion(c.view, c.dismissed)
		if got.Instance != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q %v", c.name, got.Instance, ok)
		}
	}
}

func TestDismissalsCountInTheirEpoch(t *testing.T) {
	here := fleet.Report{Instance: "a", Dismissed: []fleet.Accusation{aboutSuspect}}
	before := here
	before.About.Epoch = 9
	if got := dismissals(viewOf(here, active("b"))); len(got) != 1 || got[0] != aboutSuspect {
		t.Errorf("%v", got)
	}
	if got := dismissals(viewOf(before)); len(got) != 0 {
		t.Errorf("of another epoch: %v", got)
	}
}

// TestTripsStandInForWitnesses only where there are too few left, and only if they are
// about the same trouble (S7).
func TestTripsStandInForWitnesses(t *testing.T) {
	three, five := math.Log(30_000*3)/2, math.Log(30_000*5)/3
	for _, c := range []struct {
		name      string
		view      *fleet.View
		dismissed []fleet.Accusation
		sum       float64
	}{
		{"both others of three", viewOf(suspect, tripped("a", 0), tripped("b", 0)), nil, 2 * three},
		{"one of three: the other cannot open alone", viewOf(suspect, tripped("a", 0), active("b")), nil, three},
		{"of five all but one", viewOf(suspect, tripped("a", 0), tripped("b", 0), tripped("c", 0), active("d")), nil, 3 * five},
		{"of five one, three can testify", viewOf(suspect, tripped("a", 0), active("b"), active("c"), active("d")), nil, 0},
		{"within together", viewOf(suspect, tripped("a", together), tripped("b", together)), nil, 2 * three},
		{"later than together", viewOf(suspect, tripped("a", together+1), tripped("b", together+1)), nil, 0},
		{"dismissed", viewOf(suspect, tripped("a", 0), tripped("b", 0)), []fleet.Accusation{{Suspect: "a", Number: 1}}, three},
	} {
		got := pool(c.view, c.dismissed, suspect, fleet.SequentialTest{})
		if math.Abs(got.sum-c.sum) > 1e-9 {
			t.Errorf("%s: %.3f, want %.3f", c.name, got.sum, c.sum)
		}
	}
}

// TestTheRollCall: who has not answered yet counts as active, for a while.
func TestTheRollCall(t *testing.T) {
	v := viewOf(suspect, active("a"))
	v.Live = 6
	for age, want := range map[time.Duration]int{0: 6, rollCall - 1: 6, rollCall: 2} {
		s := suspect
		s.Age = age
		if got := pool(v, nil, s, fleet.SequentialTest{}).active; got != want {
			t.Errorf("after %v: %d active, want %d", age, got, want)
		}
	}
}

// TestATripOfAWitnessCountsForWhatItMayBeByChance (S7): at once for less, the more others
// there are, and later for no more than the calls that led to it.
func TestATripOfAWitnessCountsForWhatItMayBeByChance(t *testing.T) {
	for _, others := range []int{3, 9, 49} {
		for _, late := range []time.Duration{0, together + time.Millisecond} {
			m := newMember()
			call(m, after(-time.Second), circuit.Success)
			v := fleet.View{Row: rowOf(id(1, 1, 1), fleet.Closed), Live: others + 1}
			v.Reports = []fleet.Report{suspect, active("me")}
			for i := range others - 1 {
				v.Reports = append(v.Reports, active(fmt.Sprint("other", i)))
			}
			for i := range v.Reports {
				v.Reports[i].About = v.Row.Identity
			}
			tell(t, m, start, v)
			call(m, after(late), circuit.Failure)
			call(m, after(late), circuit.Failure)
			rule := fleet.SequentialTest{}
			lowest, highest := rule.Bounds(others+1, others)
			m.witness.Sum = lowest
			call(m, after(late), circuit.Failure)
			if m.local.State() != circuit.Open {
				t.Fatal("it has not tripped")
			}
			want := lowest + rule.Weight(0.5, true)
			if late == 0 {
				want += highest - math.Log(float64(others))
			}
			if got := m.witness.Sum; math.Abs(got-want) > 1e-9 {
				t.Errorf("%d others, %v later: %v, want %v", others, late, got, want)
			}
		}
	}
}
