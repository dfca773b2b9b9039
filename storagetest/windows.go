package storagetest

import (
	"math"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// windows are the tests of what reports say to people: nothing is decided by it, so that
// nothing else would notice that it is lost.
var windows = []test{
	{"a report keeps the window and the settings of its instance", func(s *store) {
		first := fleet.Report{
			Instance: "a", Number: 1, Failures: 3, Outcomes: 17,
			Settings: fleet.Settings{Failures: 5, Window: 20, Successes: 2, Probes: 4, Cooldown: 1500 * time.Millisecond},
		}
		second := fleet.Report{
			Instance: "a", Number: 2, Failures: math.MaxInt32, Outcomes: math.MaxInt32,
			Settings: fleet.Settings{
				Failures: math.MaxInt32, Window: math.MaxInt32, Successes: math.MaxInt32, Probes: math.MaxInt32,
				Cooldown: 8760 * time.Hour,
			},
		}
		empty := fleet.Report{Instance: "a", Number: 3}
		for _, r := range []fleet.Report{first, second, empty} {
			for what, got := range map[string]fleet.Report{
				"at once": s.report(s.exchange("a", "k", r), "a"),
				"later":   s.report(s.view("k"), "a"),
			} {
				if !same(got, r) {
					s.Errorf("%s:\ngot  %+v\nwant %+v", what, got, r)
				}
			}
		}
	}},
	{"instances keep their settings apart", func(s *store) {
		s.exchange("a", "k", fleet.Report{Number: 1, Failures: 1, Settings: fleet.Settings{Window: 10}})
		s.exchange("b", "k", fleet.Report{Number: 1, Failures: 2, Settings: fleet.Settings{Window: 20}})
		view := s.view("k")
		if a, b := s.report(view, "a"), s.report(view, "b"); a.Failures != 1 || a.Settings.Window != 10 || b.Failures != 2 || b.Settings.Window != 20 {
			s.Errorf("%+v", view.Reports)
		}
	}},
}
