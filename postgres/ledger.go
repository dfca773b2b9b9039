package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/names"
)

// ask asks what people ask. It is not noted as reached: that it can be read does not say
// that it can be written.
func ask[T any](ctx context.Context, s *Storage, read pgx.RowToFunc[T], statement string, args ...any) ([]T, error) {
	if s.ctx.Err() != nil {
		return nil, fleet.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	bounded, cancel := s.until(ctx)
	defer cancel()
	rows, err := s.pool.Query(bounded, statement, append([]any{mode, s.namespace}, args...)...)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	all, err := pgx.CollectRows(rows, read)
	if err != nil || s.ctx.Err() != nil {
		return nil, s.answer(ctx, err)
	}
	return all, nil
}

// page is how many entries a page has.
func page(asked int) int {
	if asked <= 0 || asked > fleet.LargestPage {
		return fleet.LargestPage
	}
	return asked
}

// ago is a time that the database has counted.
func ago(microseconds int64) time.Duration { return time.Duration(microseconds) * time.Microsecond }

// List implements [fleet.Ledger].
func (s *Storage) List(ctx context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	if !storable(q.Prefix) {
		return nil, nil // no key begins like this
	}
	if !storable(q.After) {
		return nil, s.check(q.After)
	}
	after := s.prefix + q.After
	if q.After == "" {
		after = ""
	}
	filter := func(n int, word func(int) string) []string {
		words := make([]string, n) // not nil, which is NULL
		for i := range words {
			words[i] = word(i)
		}
		return words
	}
	return ask(ctx, s, func(row pgx.CollectableRow) (c fleet.Circuit, err error) {
		var text []byte
		var changed int64
		if err := row.Scan(&c.Key, &text, &changed, &c.Failures, &c.Outcomes, &c.Active, &c.Suspects, &c.Disagree); err != nil {
			return c, err
		}
		c.Key, c.Changed = strings.TrimPrefix(c.Key, s.prefix), ago(changed)
		c.Row = shownRow(text)
		return c, nil
	}, s.functions.list, after, s.prefix+q.Prefix,
		filter(len(q.States), func(i int) string { return name(names.States, q.States[i]) }),
		filter(len(q.Holds), func(i int) string { return name(names.Holds, q.Holds[i]) }), q.Busy, page(q.Limit))
}

// Look implements [fleet.Ledger].
func (s *Storage) Look(ctx context.Context, key string) (fleet.Detail, error) {
	if err := s.check(key); err != nil {
		return fleet.Detail{}, err
	}
	all, err := ask(ctx, s, func(row pgx.CollectableRow) (d fleet.Detail, err error) {
		var text, reports []byte
		var changed int64
		d.Key = key
		if err := row.Scan(&text, &changed, &reports, &d.Live); err != nil || text == nil {
			return d, err
		}
		d.Changed, d.Row = ago(changed), shownRow(text)
		told, _ := receivedReports(reports) // the row shows without them
		for _, t := range told {
			d.Reports = append(d.Reports, fleet.Told{Report: t.Report, Ago: ago(t.told)})
		}
		d.Sum()
		return d, nil
	}, s.functions.look, s.prefix+key)
	if err != nil {
		return fleet.Detail{}, err
	}
	return all[0], nil
}

// History implements [fleet.Ledger]. How long it is kept the setup has said. What is pruned
// because nobody uses it shows as a deletion.
func (s *Storage) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	var key *string // NULL is all
	if q.Key != "" {
		if err := s.check(q.Key); err != nil {
			return nil, err
		}
		stored := s.prefix + q.Key
		key = &stored
	}
	before := int64(math.MaxInt64)
	if 0 < q.Before && q.Before < math.MaxInt64 {
		before = int64(q.Before)
	}
	return ask(ctx, s, s.receivedTransition, s.functions.history, key, before, page(q.Limit))
}

// An evidenceText is what hw_record has put together.
type evidenceText struct {
	Instances int      `json:"instances"`
	Refusing  int      `json:"refusing"`
	Suspects  []string `json:"suspects"`
	Witnesses int      `json:"witnesses"`
	Calls     int      `json:"calls"`
	Testimony float64  `json:"testimony"`
	Failures  int      `json:"failures"`
	Outcomes  int      `json:"outcomes"`
	Succeeded int      `json:"probes_succeeded"`
	Failed    int      `json:"probes_failed"`
	Pending   int      `json:"probes_pending"`
	Lost      int      `json:"leases_lost"`
}

// deleted is the reason of a transition that has removed a row.
const deleted = "deleted"

func (s *Storage) receivedTransition(row pgx.CollectableRow) (t fleet.Transition, err error) {
	var id, incarnation, epoch, since int64
	var from, to *string
	var hold, reason string
	var evidence []byte
	if err := row.Scan(&id, &t.At, &since, &t.Key, &incarnation, &epoch, &from, &to, &hold, &reason, &t.By, &t.Note, &evidence); err != nil {
		return t, err
	}
	t.ID, t.Ago, t.Key = uint64(id), ago(since), strings.TrimPrefix(t.Key, s.prefix)
	t.Incarnation, t.Epoch = uint64(incarnation), uint64(epoch)
	t.Made, t.Deleted = from == nil, to == nil
	// What somebody has written there that nobody knows, as in the row that was mended, is
	// the first of its kind.
	if from != nil {
		t.From, _ = constant[fleet.State](names.States, *from)
	}
	if to != nil {
		t.To, _ = constant[fleet.State](names.States, *to)
	}
	t.Hold, _ = constant[fleet.Hold](names.Holds, hold)
	if reason == deleted {
		t.Reason = fleet.Commanded
	} else {
		t.Reason, _ = constant[fleet.Reason](names.Reasons, reason)
	}
	var e evidenceText
	if err := json.Unmarshal(evidence, &e); err != nil {
		return t, fmt.Errorf("evidence: %w", err)
	}
	if len(e.Suspects) == 0 {
		e.Suspects = nil
	}
	t.Evidence = fleet.Evidence(e)
	return t, nil
}

// Instances implements [fleet.Ledger].
func (s *Storage) Instances(ctx context.Context) ([]fleet.Instance, error) {
	return ask(ctx, s, func(row pgx.CollectableRow) (i fleet.Instance, err error) {
		var seen int64
		err = row.Scan(&i.Name, &seen)
		i.Seen = ago(seen)
		return i, err
	}, s.functions.seen)
}

// Remove implements [fleet.Ledger]. It waits half a second for a row that somebody else
// keeps locked.
func (s *Storage) Remove(ctx context.Context, key string, from fleet.Identity, by, note string) (is fleet.Row, removed bool, err error) {
	if s.ctx.Err() != nil {
		return is, false, fleet.ErrClosed
	}
	if err := s.check(key); err != nil {
		return is, false, err
	}
	if err := fleet.CheckNote(note); err != nil {
		return is, false, err
	}
	bounded, cancel := s.until(ctx)
	defer cancel()
	var there []byte
	err = s.answer(ctx, s.pool.QueryRow(bounded, s.functions.remove, mode, s.namespace, s.prefix+key,
		int64(from.Incarnation), int64(from.Epoch), int64(from.Nonce), printable(by), note).Scan(&there))
	if err != nil || there == nil {
		return is, false, err
	}
	if string(there) == `"removed"` {
		return is, true, nil
	}
	is, err = receivedRow(there)
	return is, false, err
}
