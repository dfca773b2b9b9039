package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
)

// mode sends a statement and its arguments at once, and prepares nothing that a pooler
// would have to keep.
const mode = pgx.QueryExecModeExec

// Exchange implements [fleet.Storage], in one round trip. A row that somebody else keeps
// locked for half a second is missing from the views.
func (s *Storage) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	if s.ctx.Err() != nil {
		return nil, fleet.ErrClosed
	}
	s.warned.Do(s.warn)
	var failed []error
	said := make([]sentReport, 0, len(reports))
	for _, key := range slices.Sorted(maps.Keys(reports)) {
		if err := s.check(key); err != nil {
			failed = append(failed, err)
			continue
		}
		said = append(said, sent(s.prefix+key, reports[key]))
	}
	if len(said) == 0 && len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	body, err := json.Marshal(said)
	if err != nil {
		return nil, fmt.Errorf("highway/postgres: %w", err)
	}
	bounded, cancel := s.until(ctx)
	defer cancel()
	rows, err := s.pool.Query(bounded, s.functions.exchange, mode, s.namespace, printable(instance), string(body))
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	defer rows.Close()
	views := make(map[string]fleet.View, len(said))
	for rows.Next() {
		var stored string
		var row, others []byte
		var live int
		var problem *string
		if err := rows.Scan(&stored, &row, &others, &live, &problem); err != nil {
			return nil, s.answer(ctx, err)
		}
		key := strings.TrimPrefix(stored, s.prefix)
		switch {
		case problem == nil:
		case *problem == "mended":
			slog.Warn("highway: somebody had written a row that makes no sense; it is closed now", "resource_key", key)
		default:
			failed = append(failed, fmt.Errorf("highway/postgres: key %q: %s", key, *problem))
			continue
		}
		view := fleet.View{Live: live}
		if view.Row, err = receivedRow(row); err == nil {
			var told []receivedReport
			if told, err = receivedReports(others); len(told) > 0 {
				view.Reports = make([]fleet.Report, len(told))
				for i := range told {
					view.Reports[i] = told[i].Report
				}
			}
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("highway/postgres: key %q: %w", key, err))
			continue
		}
		views[key] = view
	}
	if err := s.answer(ctx, rows.Err()); err != nil {
		return nil, err
	}
	if missing := len(said) - len(views); missing > 0 && len(failed) == 0 {
		failed = append(failed, fmt.Errorf("highway/postgres: %d rows are locked by somebody else", missing))
	}
	return views, errors.Join(failed...)
}

// Change implements [fleet.Storage], in one round trip. It waits half a second for a row that
// somebody else keeps locked.
func (s *Storage) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if s.ctx.Err() != nil {
		return fleet.Row{}, fleet.ErrClosed
	}
	if err := s.check(key); err != nil {
		return fleet.Row{}, err
	}
	if err := fleet.CheckNote(row.Note); err != nil {
		return fleet.Row{}, err
	}
	body, err := json.Marshal(sentRow(row))
	if err != nil {
		return fleet.Row{}, fmt.Errorf("highway/postgres: %w", err)
	}
	bounded, cancel := s.until(ctx)
	defer cancel()
	var there []byte
	err = s.answer(ctx, s.pool.QueryRow(bounded, s.functions.change, mode, s.namespace, s.prefix+key,
		int64(from.Incarnation), int64(from.Epoch), int64(from.Nonce), string(body)).Scan(&there))
	if err != nil || there == nil {
		return fleet.Row{}, err
	}
	return receivedRow(there)
}

// Sweep implements [fleet.Storage]. The order is that of the database's collation.
func (s *Storage) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	if s.ctx.Err() != nil {
		return nil, fleet.ErrClosed
	}
	bounded, cancel := s.until(ctx)
	defer cancel()
	if after != "" {
		after = s.prefix + after
	}
	rows, err := s.pool.Query(bounded, s.functions.sweep, mode, s.namespace, after, limit)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || s.ctx.Err() != nil {
		return nil, s.answer(ctx, err)
	}
	// It is not noted as reached: that it can be read does not say that it can be written.
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], s.prefix)
	}
	return keys, nil
}

// check says whether key can be kept.
func (s *Storage) check(key string) error {
	switch longest := fleet.LongestKey - len(s.prefix); {
	case key == "" || len(key) > longest:
		return refusal{fmt.Errorf("highway/postgres: a key has 1 to %d bytes, this one has %d", longest, len(key))}
	case !storable(key):
		return refusal{fmt.Errorf("highway/postgres: key %q: it must be UTF-8 without zero bytes", key)}
	}
	return nil
}

// storable says whether the database can hold text.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }
