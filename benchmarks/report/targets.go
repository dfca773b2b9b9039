package main

import "fmt"

// A target is a figure that Highway has set itself.
type target struct {
	what     string
	required string
	judge    func(processes) (measured string, met, ok bool)
}

// The verdicts on a target.
const (
	met         = "met"
	missed      = "**missed**"
	notMeasured = "not measured"
)

// verdict says what was measured, and whether that meets the target. The median
// decides, for allocations the worst process.
func (t target) verdict(ps processes) (measured, verdict string) {
	measured, good, ok := t.judge(ps)
	switch {
	case !ok:
		return "–", notMeasured
	case good:
		return measured, met
	}
	return measured, missed
}

// targets are all of them, in the order of the table.
func targets() []target {
	var ts []target
	for _, window := range []string{"/window=10", "/window=1000"} {
		do, call := "highway.Do"+window, "highway.Call"+window
		ts = append(ts,
			faster("Healthy", do, "gobreaker", "serial", 15),
			faster("Healthy", do, "gobreaker", "parallel", 30),
			faster("Healthy", do, "eapache", "serial", 1),
			faster("Healthy", do, "eapache", "parallel", 1),
			allocations("Healthy", do, 0),
			faster("Healthy", call, "gobreaker", "serial", 12),
			faster("Healthy", call, "gobreaker", "parallel", 30),
			allocations("Healthy", call, 0),
			allocations("Healthy", "highway.Call-closure"+window, 1),
			allocations("Healthy", "highway.Do-closure"+window, 0),
			allocations("Healthy", "highway.Protect-closure"+window, 0),
			allocations("Healthy", "highway.Decorate"+window, 0),
		)
	}
	ts = append(ts,
		within("Healthy", "highway.Do/window=1000", "highway.Do/window=10", "serial", 1.15),
		within("Healthy", "highway.Do/window=1000", "highway.Do/window=10", "parallel", 1.15),
	)
	for _, do := range []string{"highway.Do/window=10", "highway.Do/window=1000"} {
		ts = append(ts,
			faster("Tenth", do, "failsafe-permit", "serial", 1),
			faster("Tenth", do, "failsafe-permit", "parallel", 1),
			allocations("Tenth", do, 0),
		)
	}
	for _, call := range []string{"highway.Do", "highway.Call"} {
		ts = append(ts,
			faster("Refused", call, "gobreaker", "serial", 8),
			faster("Refused", call, "gobreaker", "parallel", 8),
			allocations("Refused", call, 0),
		)
	}
	for _, state := range []string{"healthy", "failing", "open"} {
		for _, mode := range []string{"serial", "parallel"} {
			ts = append(ts, within("Shared", "shared/"+state, "alone/"+state, mode, 1.1))
		}
	}
	ts = append(ts, target{
		what:     "Fleet, adoption of a remote OPEN to the first refusal",
		required: "under 100 µs",
		judge: func(ps processes) (string, bool, bool) {
			s, ok := ps.figure(line{"Fleet", adoption, "once"}, nsPerOp)
			return whole(s.median/1000) + " µs", s.median < 100_000, ok
		},
	})
	return append(ts,
		faster("Net", "highway.Call", "failsafe", "serial", 20),
		faster("Net", "highway.Call", "failsafe", "parallel", 20),
		allocations("Net", "highway.Call", 0),
		adds("HTTP", "highway.Transport", "bare", nsPerOp, 500),
		adds("HTTP", "highway.Transport", "bare", allocsPerOp, 2),
		adds("HTTP", "highway.Transport-CountCalls", "bare", nsPerOp, 500),
		adds("HTTP", "highway.Transport-CountCalls", "bare", allocsPerOp, 2),
		adds("HTTP", "highway.Transport-Retry", "bare", nsPerOp, 1000),
		adds("HTTP", "highway.Transport-Retry", "bare", allocsPerOp, 4),
		faster("HTTP", "highway.Transport", "failsafe", "serial", 2),
		faster("HTTP", "highway.Transport", "failsafe", "parallel", 2),
	)
}

// adds wants subject to take at most so much more than bare, serial and parallel.
func adds(scenario, subject, bare, unit string, most float64) target {
	t := target{what: scenario + ", " + subject, required: fmt.Sprintf("adds ≤ %g ns", most)}
	show := func(v float64) string { return whole(v) + " ns" }
	if unit == allocsPerOp {
		t.required = fmt.Sprintf("adds ≤ %g allocs/op", most)
		most += background
		show = allocs
	}
	t.judge = func(ps processes) (string, bool, bool) {
		serial, ok1 := ps.added(scenario, subject, bare, "serial", unit)
		parallel, ok2 := ps.added(scenario, subject, bare, "parallel", unit)
		worst := max(serial.median, parallel.median)
		return show(worst), worst <= most, ok1 && ok2
	}
	return t
}

// faster wants subject at least times as fast as peer.
func faster(scenario, subject, peer, mode string, times float64) target {
	required := fmt.Sprintf("≥ %g× as fast as %s", times, peer)
	if times == 1 {
		required = "no slower than " + peer
	}
	return target{
		what:     fmt.Sprintf("%s, %s, %s", scenario, subject, mode),
		required: required,
		judge: func(ps processes) (string, bool, bool) {
			s, ok := ps.ratio(line{scenario, peer, mode}, line{scenario, subject, mode}, nsPerOp)
			return ranged(s), s.median >= times, ok
		},
	}
}

// within wants subject to take no more than times as long as base.
func within(scenario, subject, base, mode string, times float64) target {
	return target{
		what:     fmt.Sprintf("%s, %s, %s", scenario, subject, mode),
		required: fmt.Sprintf("≤ %g× the time of %s", times, base),
		judge: func(ps processes) (string, bool, bool) {
			s, ok := ps.ratio(line{scenario, subject, mode}, line{scenario, base, mode}, nsPerOp)
			return ranged(s), s.median <= times, ok
		},
	}
}

// background is how many allocations per call the testing package and the runtime
// may make beside the subject's own.
const background = 0.005

// allocations wants at most so many per call, serial and parallel.
func allocations(scenario, subject string, most int) target {
	return target{
		what:     fmt.Sprintf("%s, %s", scenario, subject),
		required: fmt.Sprintf("≤ %d allocs/op", most),
		judge: func(ps processes) (string, bool, bool) {
			serial, ok1 := ps.figure(line{scenario, subject, "serial"}, allocsPerOp)
			parallel, ok2 := ps.figure(line{scenario, subject, "parallel"}, allocsPerOp)
			worst := max(serial.max, parallel.max)
			return allocs(worst), worst <= float64(most)+background, ok1 && ok2
		},
	}
}
