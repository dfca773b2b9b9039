// Package doctor is what "highway doctor" does: it looks at everything between this machine
// and a healthy fleet, and says what is wrong and what to do. It changes no row.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Status is what became of a check.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Warning Status = "warning" // the fleet works, and something about it should be better
	Fault   Status = "fault"   // the fleet does not work, or not as it is meant to
	Skipped Status = "skipped" // it could not be looked at
)

// A Finding is what one check has seen.
type Finding struct {
	Check  string   `json:"check"`
	Status Status   `json:"status"`
	Saw    string   `json:"saw"`
	Advice string   `json:"advice"` // what to do; empty if there is nothing to do
	Notes  []string `json:"notes"`  // what is good to know
	MS     *float64 `json:"ms"`     // what was measured, in milliseconds; nil if nothing was
}

// A check looks at one thing.
type check struct {
	name  string
	about string // what it looks at, as in docs/doctor.md
	// needs are the checks that must have been done without a fault, in the order in which
	// they are named as the reason if not.
	needs []string
	look  func(context.Context, *visit) Finding
}

// checks are in such an order that the first fault is the cause of those that follow.
var checks = []check{
	{"environment", "which variables say where the database is, and where they are set", nil, lookEnvironment},
	{"network", "whether the servers have an address, and something answers there", []string{"environment"}, lookNetwork},
	{"tls", "whether the connection is encrypted, what of the certificate is verified, and when it ends", []string{"network"}, lookTLS},
	{"login", "whether the server lets this user into this database", []string{"network", "tls"}, lookLogin},
	{"pooler", "whether a pooler stands before the server, and in which mode", []string{"login"}, lookPooler},
	{"server", "the server's version, and its isolation level", []string{"login"}, lookServer},
	{"writes", "whether the server takes writes, or is a standby", []string{"login"}, lookWrites},
	{"schema", "whether the tables and functions are there, and of which version", []string{"server"}, lookSchema},
	{"rights", "what the user may do: run the functions, set up, change the history", []string{"schema"}, lookRights},
	{"clock", "how far this machine's clock is from the server's, and whether that was set back", []string{"login"}, lookClock},
	{"exchange", "how long an exchange takes, by one that is rolled back", []string{"writes", "rights"}, lookExchange},
	{"notifications", "whether a notification comes through, and how soon", []string{"writes"}, lookNotifications},
	{"connections", "how many connections the server has left", []string{"login"}, lookConnections},
	{"instances", "who lives, and in which namespace", []string{"rights"}, lookInstances},
	{"settings", "whether the live instances agree about the settings of each key", []string{"rights"}, lookSettings},
	{"rows", "holds that may have been forgotten, and rows of other programs", []string{"rights"}, lookRows},
}

// A Report is what all checks have seen.
type Report struct {
	Status   Status    `json:"status"`   // the worst: ok, warning or fault
	Cause    string    `json:"cause"`    // the check with the first fault; empty, and null in JSON, if there is none
	Faults   int       `json:"faults"`   // checks with one
	Warnings int       `json:"warnings"` // checks with one
	Checks   []Finding `json:"checks"`   // all of them, in order

	nobody string // says so, if nobody lives in the namespace
}

// Run does all checks, within the time of the options.
func Run(ctx context.Context, o Options) Report {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	v := &visit{options: o}
	defer v.close()
	report := Report{Status: OK}
	for _, c := range checks {
		f := v.done(ctx, c)
		f.Check = c.name
		if f.Notes == nil {
			f.Notes = []string{} // never null in JSON
		}
		v.findings = append(v.findings, f)
		switch f.Status {
		case Fault:
			if report.Status = Fault; report.Cause == "" {
				report.Cause = c.name
			}
			report.Faults++
		case Warning:
			if report.Warnings++; report.Status == OK {
				report.Status = Warning
			}
		}
	}
	report.Checks, report.nobody = v.findings, v.nobody
	return report
}

// done does one check, if it can be done.
func (v *visit) done(ctx context.Context, c check) Finding {
	for _, need := range c.needs {
		if !v.fine(need) {
			return v.blocked(c.name, need)
		}
	}
	if ctx.Err() == nil {
		return c.look(ctx, v)
	}
	if v.out == "" {
		v.out = c.name
		return fault("give it more time, with --timeout", "it was not looked at: the time was up, or somebody ended this")
	}
	return skipped("the time was up")
}

// blocked names the first in the row of those that keep a check from being done.
func (v *visit) blocked(name, need string) Finding {
	root := need
	if first, there := v.roots[need]; there {
		root = first
	}
	if v.roots == nil {
		v.roots = map[string]string{}
	}
	v.roots[name] = root
	return skipped("because of %s", root)
}

// fine says whether a check was done, without a fault.
func (v *visit) fine(name string) bool {
	return slices.ContainsFunc(v.findings, func(f Finding) bool {
		return f.Check == name && (f.Status == OK || f.Status == Warning)
	})
}

func ok(format string, args ...any) Finding {
	return Finding{Status: OK, Saw: fmt.Sprintf(format, args...)}
}

func warning(advice, format string, args ...any) Finding {
	return Finding{Status: Warning, Advice: advice, Saw: fmt.Sprintf(format, args...)}
}

func fault(advice, format string, args ...any) Finding {
	return Finding{Status: Fault, Advice: advice, Saw: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) Finding {
	return Finding{Status: Skipped, Saw: fmt.Sprintf(format, args...)}
}

// with adds what is good to know.
func (f Finding) with(notes ...string) Finding {
	f.Notes = append(f.Notes, notes...)
	return f
}

// measured adds a time.
func (f Finding) measured(d time.Duration) Finding {
	ms := float64(d.Microseconds()) / 1000
	f.MS = &ms
	return f
}

// late says that err is there because the time was up.
func late(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

// some lists things for people, and not too many of them.
func some(all []string, most int) string {
	if rest := len(all) - most; rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), rest)
	}
	return strings.Join(all, ", ")
}

// plural is a number of things.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// rough is a time as people say it.
func rough(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = d.Abs(); {
	case d >= 2*day:
		return plural(int(d/day), "day")
	case d >= 2*time.Hour:
		return plural(int(d.Round(time.Hour)/time.Hour), "hour")
	case d >= 2*time.Minute:
		return plural(int(d.Round(time.Minute)/time.Minute), "minute")
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
