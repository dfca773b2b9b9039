package main

import (
	"context"
	"encoding/json"
)

// A follower reads the history while it is written, so that it is known what a failover
// has lost. Its methods are not safe for concurrent use.
type follower struct {
	database *database
	seen     map[int64]transition
	last     int64
	lost     int
}

// again is how far back the follower reads once more: what is committed later may have a
// lower number.
const again = 200

// read gives what there is from an id on. It fails while the database is away.
func (f *follower) read(ctx context.Context, from int64) (map[int64]transition, error) {
	conn, err := f.database.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `SELECT id, happened_at, resource_key, incarnation, epoch, coalesce(from_state, ''),
		coalesce(to_state, ''), hold, reason, decided_by, evidence FROM hw_transitions WHERE id > $1`, from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64]transition{}
	for rows.Next() {
		var t transition
		var text []byte
		if err := rows.Scan(&t.id, &t.at, &t.key, &t.incarnation, &t.epoch, &t.from, &t.to, &t.hold, &t.reason, &t.by, &text); err != nil {
			return nil, err
		}
		_ = json.Unmarshal(text, &t.evidence) // it explains, and decides nothing
		t.at = f.database.trueTime(t.at)
		all[t.id] = t
	}
	return all, rows.Err()
}

// follow reads what is new.
func (f *follower) follow(ctx context.Context) error {
	all, err := f.read(ctx, f.last-again)
	if err != nil {
		return err
	}
	for id, t := range all {
		f.seen[id] = t
		f.last = max(f.last, id)
	}
	return nil
}

// compare reads everything, and returns what had been seen and is there no more.
func (f *follower) compare(ctx context.Context) (gone []transition, err error) {
	all, err := f.read(ctx, 0)
	if err != nil {
		return nil, err
	}
	for id, was := range f.seen {
		if is, ok := all[id]; !ok || is.incarnation != was.incarnation || is.epoch != was.epoch || is.to != was.to {
			gone = append(gone, was)
		}
	}
	f.seen, f.last = all, 0
	for id := range all {
		f.last = max(f.last, id)
	}
	return gone, nil
}
