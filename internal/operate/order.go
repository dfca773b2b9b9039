// Package operate acts on circuits from outside of a protector: what a command line, or a
// page with buttons, does for a person. Who and why are kept with the row and in the
// history.
package operate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

// Action is what to do with a circuit.
type Action string

// The actions.
const (
	Open     Action = "open"      // for Order.For, and then let it probe
	Close    Action = "close"     // with empty windows
	HalfOpen Action = "half-open" // let it probe
	Isolate  Action = "isolate"   // open until another order
	Disable  Action = "disable"   // closed until another order
	Release  Action = "release"   // end what Open, Isolate or Disable has set: let it probe
	Delete   Action = "delete"    // remove the row; instances that use it make another, closed
)

// Actions are all of them.
var Actions = []Action{Open, Close, HalfOpen, Isolate, Disable, Release, Delete}

// An Order is what a person wants to be done with one circuit.
type Order struct {
	Key    string
	Action Action
	For    time.Duration // of Open alone, up to LongestOpen
	By     string        // who: one line of up to LongestBy bytes
	Note   string        // why: one line of up to fleet.LongestNote bytes; may be empty

	// Seen, if it is not zero, is what the person was looking at: in another epoch
	// nothing is done, and the error is ErrOvertaken.
	Seen fleet.Identity

	// Create gives a circuit that nobody has used yet a row for the order. Otherwise it is
	// taken for a mistyped key, and the error is ErrNoCircuit.
	Create bool
}

const (
	// LongestOpen is how long Open opens at most. Who wants more wants Isolate.
	LongestOpen = 365 * 24 * time.Hour
	// LongestBy is how many bytes the name of a person has at most.
	LongestBy = 255
)

// An InvalidError says that one field of an order makes no sense.
type InvalidError struct {
	Field string // such as "For"
	Value any    // what it holds
	Rule  string // what it must be
}

// Error names the field, its value and the rule.
func (e *InvalidError) Error() string {
	value := fmt.Sprint(e.Value)
	if text, ok := e.Value.(string); ok {
		value = fmt.Sprintf("%.60q", text)
	}
	return fmt.Sprintf("highway: %s is %s: %s", e.Field, value, e.Rule)
}

// Check says what makes no sense: an [InvalidError] for each field, joined.
func (o Order) Check() error {
	var all []error
	check := func(ok bool, field string, value any, rule string, args ...any) {
		if !ok {
			all = append(all, &InvalidError{field, value, fmt.Sprintf(rule, args...)})
		}
	}
	check(o.Key != "" && len(o.Key) <= fleet.LongestKey, "Key", o.Key, "it must have 1 to %d bytes", fleet.LongestKey)
	check(slices.Contains(Actions, o.Action), "Action", string(o.Action), "it must be one of %v", Actions)
	if o.Action == Open {
		check(0 < o.For && o.For <= LongestOpen, "For", o.For, "it must be more than 0 and at most %v; what is open for longer is isolated", LongestOpen)
	} else {
		check(o.For == 0, "For", o.For, "only open lasts for a time")
	}
	check(strings.TrimSpace(o.By) != "" && len(o.By) <= LongestBy && line(o.By), "By", o.By,
		"it must say who, in one line of UTF-8 without control characters, of at most %d bytes", LongestBy)
	check(len(o.Note) <= fleet.LongestNote && line(o.Note), "Note", o.Note,
		"it must be one line of UTF-8 without control characters, of at most %d bytes", fleet.LongestNote)
	return errors.Join(all...)
}

// line says whether text can be shown in a line, and shows as what it is: what moves the
// cursor, or turns the direction of writing, could make it look like something else.
func line(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	})
}

// command is the order in the words of the protocol, if it is about a row's content.
func (o Order) command() protocol.Command {
	c := map[Action]protocol.Command{
		Open:     protocol.OpenFor(o.For),
		Close:    protocol.Close,
		HalfOpen: protocol.HalfOpen,
		Isolate:  protocol.Isolate,
		Disable:  protocol.Disable,
		Release:  protocol.Release,
	}[o.Action]
	c.Note = o.Note
	return c
}
