package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// longestOrder is how many bytes an action may have: a key and a reason, escaped, and a little
// more.
const longestOrder = 16 << 10

// An orderJSON is what the page sends for an action. All but for is required.
type orderJSON struct {
	Key    string `json:"key"`
	Action string `json:"action"`
	For    string `json:"for"`    // of "open", such as "5m"
	Reason string `json:"reason"` // why
	Seen   string `json:"seen"`   // what the person was looking at
}

// A doneJSON is what became of an action.
type doneJSON struct {
	Changed bool         `json:"changed"` // false: there was nothing to do
	Deleted bool         `json:"deleted"`
	Is      *circuitJSON `json:"is,omitempty"`
}

// act carries out an action. The ledger keeps who and why.
func (d *Dashboard) act(w http.ResponseWriter, r *http.Request) {
	who, err := d.config.Access.act(r)
	if err != nil {
		fail(w, http.StatusForbidden, err.Error())
		return
	}
	asked, status, err := readOrder(w, r)
	if err != nil {
		fail(w, status, err.Error())
		return
	}
	order, problems := asked.order(who)
	if len(problems) > 0 {
		answer(w, http.StatusBadRequest, failure{Error: said(problems), Fields: problems})
		return
	}
	// Who leaves the page does not take back what was said.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	is, err := operate.Do(ctx, d.config.Ledger, order)
	d.details.forget(order.Key)
	d.sampler.soon()
	if err != nil {
		d.undone(w, order, is, err)
		return
	}
	answer(w, http.StatusOK, doneJSON{Changed: is.Changed, Deleted: is.After.Incarnation == 0, Is: row(order.Key, is.After)})
}

// readOrder reads the body, which must be what the page sends and nothing else.
func readOrder(w http.ResponseWriter, r *http.Request) (asked orderJSON, status int, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return asked, http.StatusUnsupportedMediaType, errors.New("the Content-Type must be application/json")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, longestOrder))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&asked)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return asked, http.StatusOK, nil
		} else if err == nil {
			err = errors.New("there is more than one object")
		}
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return asked, http.StatusRequestEntityTooLarge, fmt.Errorf("an action has at most %d bytes", longestOrder)
	}
	return asked, http.StatusBadRequest, fmt.Errorf("this is no action: %w", err)
}

// order is what was asked for, or what makes no sense in it.
func (a orderJSON) order(who string) (o operate.Order, problems []problem) {
	wrong := func(field, value, rule string) { problems = append(problems, problem{field, cut(value), rule}) }
	o = operate.Order{Action: operate.Action(a.Action), By: who, Note: a.Reason}
	var err error
	if o.Key, err = key(a.Key); err != nil {
		wrong("key", a.Key, "it must be a key as the page is sent it")
	}
	if a.For != "" {
		if o.For, err = time.ParseDuration(a.For); err != nil {
			wrong("for", a.For, `it must be a time such as "90s", "5m" or "2h"`)
			o.For = 0
			if o.Action == operate.Open {
				o.For = time.Second // one complaint is enough
			}
		}
	}
	var ok bool
	if o.Seen, ok = parseSeen(a.Seen); !ok {
		wrong("seen", a.Seen, "it must be the identity of what was looked at")
	}
	if strings.TrimSpace(a.Reason) == "" {
		wrong("reason", a.Reason, "whoever looks at this later must be told why")
	}
	return o, append(problems, fields(o.Check())...)
}

// fields are the problems in an error, in the words of the page.
func fields(err error) (all []problem) {
	var invalid *operate.InvalidError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, fields(one)...)
		}
	} else if errors.As(err, &invalid) {
		field := map[string]string{"Key": "key", "Action": "action", "For": "for", "By": "who", "Note": "reason"}[invalid.Field]
		all = append(all, problem{field, cut(fmt.Sprint(invalid.Value)), invalid.Rule})
	}
	return all
}

// said is all problems in one text.
func said(all []problem) string {
	var lines []string
	for _, p := range all {
		lines = append(lines, fmt.Sprintf("%s is %q: %s", p.Field, p.Value, p.Rule))
	}
	return strings.Join(lines, "; ")
}

// cut keeps an answer from being as long as what it complains about.
func cut(text string) string {
	if len(text) > 60 {
		return strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}

// undone says why an action has not been carried out, or that this is not known.
func (d *Dashboard) undone(w http.ResponseWriter, o operate.Order, is operate.Outcome, err error) {
	what := failure{Error: short(err)}
	status := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, operate.ErrOvertaken):
		status, what.Kind = http.StatusConflict, "overtaken"
		what.Is = row(o.Key, is.After)
	case errors.Is(err, operate.ErrNoCircuit):
		status, what.Kind = http.StatusNotFound, "no circuit"
	case errors.Is(err, highway.ErrUnknown):
		status, what.Kind = http.StatusBadGateway, "unknown"
	default:
		what.Kind = "not done"
	}
	answer(w, status, what)
}

// row is what the page is told of a row, of which the reports are not known here.
func row(key string, is fleet.Row) *circuitJSON {
	if is.Incarnation == 0 {
		return nil
	}
	c := wireCircuit(&fleet.Circuit{Key: key, Row: is}, time.Now())
	return &c
}
