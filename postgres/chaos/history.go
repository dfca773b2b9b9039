package main

import (
	"context"
	"encoding/json"
)

// keepDeadlines keeps each deadline that an OPEN ever has in storage, which the history
// does not say.
const keepDeadlines = `
CREATE TABLE chaos_deadlines (incarnation bigint, epoch bigint, deadline timestamptz, UNIQUE (incarnation, epoch, deadline));
CREATE FUNCTION chaos_deadline() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	INSERT INTO chaos_deadlines VALUES (NEW.incarnation, NEW.epoch, NEW.deadline) ON CONFLICT DO NOTHING;
	RETURN NULL;
END $$;
CREATE TRIGGER chaos_deadline AFTER INSERT OR UPDATE ON hw_circuit_breakers
	FOR EACH ROW WHEN (NEW.state = 'OPEN' AND NEW.deadline IS NOT NULL) EXECUTE FUNCTION chaos_deadline()`

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
		coalesce(to_state, ''), hold, reason, decided_by, evidence,
		ARRAY(SELECT deadline FROM chaos_deadlines d WHERE d.incarnation = t.incarnation AND d.epoch = t.epoch)
		FROM hw_transitions t WHERE id > $1`, from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64]transition{}
	for rows.Next() {
		var t transition
		var text []byte
		if err := rows.Scan(&t.id, &t.at, &t.key, &t.incarnation, &t.epoch, &t.from, &t.to, &t.hold, &t.reason, &t.by, &text, &t.deadlines); err != nil {
			return nil, err
		}
		_ = json.Unmarshal(text, &t.evidence) // it explains, and decides nothing
		t.at = f.database.trueTime(t.at)
		for i := range t.deadlines {
			t.deadlines[i] = f.database.trueTime(t.deadlines[i])
		}
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
