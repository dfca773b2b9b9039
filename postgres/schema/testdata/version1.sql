BEGIN;
SET LOCAL lock_timeout = 5000;
SET LOCAL standard_conforming_strings = on;
SELECT pg_advisory_xact_lock(hashtext('highway setup'));

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') THEN
        CREATE SCHEMA "public";
    END IF;
END $$;
SET LOCAL search_path = "public", pg_temp;

-- The document's table. What Go programs know beyond it stands in columns of their own,
-- so that programs on the Python library and the monitoring queries find what they know.
CREATE TABLE IF NOT EXISTS hw_circuit_breakers (
    resource_key VARCHAR(255) PRIMARY KEY,
    state VARCHAR(50) NOT NULL CHECK (state IN ('CLOSED', 'OPEN', 'HALF_OPEN')),
    failure_count INTEGER NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    open_until TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX IF NOT EXISTS idx_hw_circuit_breakers_state
    ON hw_circuit_breakers(state);
CREATE INDEX IF NOT EXISTS idx_hw_circuit_breakers_open_until
    ON hw_circuit_breakers(open_until) WHERE open_until IS NOT NULL;

ALTER TABLE hw_circuit_breakers
    ADD COLUMN IF NOT EXISTS namespace   text     NOT NULL DEFAULT '',
    -- 60 random bits, and never zero.
    ADD COLUMN IF NOT EXISTS incarnation bigint   NOT NULL
        DEFAULT (('x' || left(md5(gen_random_uuid()::text), 15))::bit(60)::bigint | 1),
    ADD COLUMN IF NOT EXISTS epoch       bigint   NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS nonce       bigint   NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS hold        text     NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS reason      text     NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS decided_by  text     NOT NULL DEFAULT '',
    -- When an OPEN or a hold ends, and how long it was to last: open_until with a zone.
    ADD COLUMN IF NOT EXISTS deadline    timestamptz,
    ADD COLUMN IF NOT EXISTS period      interval,
    ADD COLUMN IF NOT EXISTS probes      jsonb    NOT NULL DEFAULT '[]',
    ADD COLUMN IF NOT EXISTS lost        integer  NOT NULL DEFAULT 0,
    -- Counts the writes of the functions below. A write that leaves it as it was comes
    -- from somebody else.
    ADD COLUMN IF NOT EXISTS revision    bigint   NOT NULL DEFAULT 0,
    -- Of the server that wrote the row, which another one has after a promotion.
    ADD COLUMN IF NOT EXISTS timeline    bigint   NOT NULL DEFAULT 0,
    -- When somebody else's OPEN was last taken over.
    ADD COLUMN IF NOT EXISTS foreign_at  timestamptz;

-- An OPEN of before gets an end; programs on the Python library write none that is of use.
UPDATE hw_circuit_breakers
    SET deadline = clock_timestamp() + interval '30 seconds', period = interval '30 seconds'
    WHERE state = 'OPEN' AND deadline IS NULL AND revision = 0;

-- Updates of a row find room beside it, and no index is on what changes often (HOT).
ALTER TABLE hw_circuit_breakers SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- For hw_sweep alone.
CREATE INDEX IF NOT EXISTS hw_circuit_breakers_busy
    ON hw_circuit_breakers((resource_key || '')) WHERE state <> 'CLOSED' OR hold <> '';

-- One row for each process of a fleet, by the fleet's namespace.
CREATE TABLE IF NOT EXISTS hw_instances (
    namespace text        NOT NULL,
    instance  text        NOT NULL,
    seen      timestamptz NOT NULL CHECK (isfinite(seen)), -- when it was last heard of
    life      bigint      NOT NULL, -- another one each time it had fallen silent
    PRIMARY KEY (namespace, instance)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE SEQUENCE IF NOT EXISTS hw_lives;

-- What each instance last said of each circuit that it uses.
CREATE TABLE IF NOT EXISTS hw_reports (
    resource_key      text             NOT NULL,
    instance          text             NOT NULL,
    life              bigint           NOT NULL, -- of the instance when it said so
    stored            timestamptz      NOT NULL,
    number            numeric(20)      NOT NULL CHECK (number BETWEEN 0 AND 18446744073709551615),
    about_incarnation bigint           NOT NULL, -- the version of the row that it is about
    about_epoch       bigint           NOT NULL,
    about_nonce       bigint           NOT NULL,
    active            boolean          NOT NULL,
    refuses           boolean          NOT NULL,
    failures          integer          NOT NULL CHECK (failures >= 0), -- in its window
    outcomes          integer          NOT NULL,
    settings          jsonb            NOT NULL,
    suspicion         numeric(20)      NOT NULL, -- of its own; 0 for none
    suspected         bigint           NOT NULL, -- the order of suspicions
    suspected_at      timestamptz CHECK (isfinite(suspected_at)),
    suspect           text             NOT NULL, -- whom it testifies about
    suspect_number    numeric(20)      NOT NULL,
    testimony         double precision NOT NULL,
    calls             integer          NOT NULL,
    dismissed         jsonb            NOT NULL,
    -- What the other instances are told of all this. They read it far more often than it
    -- is written, all of them at once.
    said              text             NOT NULL,
    PRIMARY KEY (resource_key, instance)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX IF NOT EXISTS hw_reports_suspicions ON hw_reports((resource_key || '')) WHERE suspicion <> 0;

CREATE SEQUENCE IF NOT EXISTS hw_suspicions;

-- Every change of state, hold or incarnation, and what was known when it was made.
CREATE TABLE IF NOT EXISTS hw_transitions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened_at  timestamptz NOT NULL,
    resource_key text        NOT NULL,
    namespace    text        NOT NULL,
    incarnation  bigint      NOT NULL,
    epoch        bigint      NOT NULL,
    from_state   text, -- null: the row was not there
    to_state     text, -- null: the row was deleted
    hold         text        NOT NULL,
    reason       text        NOT NULL,
    decided_by   text        NOT NULL,
    evidence     jsonb       NOT NULL
);

CREATE INDEX IF NOT EXISTS hw_transitions_by_key ON hw_transitions(resource_key, id);
CREATE INDEX IF NOT EXISTS hw_transitions_by_time ON hw_transitions(happened_at);

-- One row: what the setup has decided.
CREATE TABLE IF NOT EXISTS hw_schema (
    only_row     boolean  PRIMARY KEY DEFAULT true CHECK (only_row),
    version      integer  NOT NULL,
    -- The zone of the timestamps without one. It is the server's, whatever zone a
    -- session may be in.
    time_zone    text     NOT NULL,
    -- How long transitions are kept, and how many of each key.
    history_age  interval NOT NULL DEFAULT '90 days' CHECK (history_age BETWEEN interval '0' AND interval '1000 years'),
    history_rows integer  NOT NULL DEFAULT 1000 CHECK (history_rows > 0)
);

-- The clock of everything here.
CREATE OR REPLACE FUNCTION hw_now() RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;

-- Notifications go through this channel, one for each table.
CREATE OR REPLACE FUNCTION hw_channel() RETURNS text
LANGUAGE sql STABLE SET search_path = "public", pg_temp
AS $$ SELECT 'hw_' || 'hw_circuit_breakers'::regclass::oid $$;

-- An instant as the document's columns without a zone have it.
CREATE OR REPLACE FUNCTION hw_local(t timestamptz) RETURNS timestamp
LANGUAGE sql STABLE SET search_path = "public", pg_temp
AS $$ SELECT t AT TIME ZONE (SELECT time_zone FROM hw_schema) $$;

CREATE OR REPLACE FUNCTION hw_microseconds(i interval) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT (extract(epoch FROM i) * 1000000)::bigint $$;

CREATE OR REPLACE FUNCTION hw_random() RETURNS bigint
LANGUAGE sql VOLATILE AS $$ SELECT ('x' || left(md5(gen_random_uuid()::text), 15))::bit(60)::bigint | 1 $$;

-- Whether a row makes sense. People write into tables.
CREATE OR REPLACE FUNCTION hw_sound(b "public".hw_circuit_breakers) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(b.state::text IN ('CLOSED', 'OPEN', 'HALF_OPEN')
        AND b.hold IN ('', 'held_open', 'isolated', 'disabled')
        AND b.reason IN ('', 'testified', 'cooldown_over', 'probes_succeeded', 'probes_failed',
                         'commanded', 'hold_over', 'foreign', 'mended')
        AND (b.deadline IS NULL) = (b.period IS NULL)
        AND coalesce(isfinite(b.deadline), true)
        AND coalesce(b.period BETWEEN interval '0' AND interval '200 years', true)
        AND b.incarnation <> 0 AND b.revision BETWEEN 0 AND 1000000000000000000
        AND CASE WHEN b.probes = '[]' THEN true
                 WHEN jsonb_typeof(b.probes) <> 'array' THEN false
                 ELSE (SELECT bool_and(coalesce(jsonb_typeof(p->'holder') = 'string'
                              AND p->>'number' ~ '^[0-9]{1,19}$|^1[0-8][0-9]{18}$'
                              AND p->>'result' IN ('', 'succeeded', 'failed')
                              AND p->>'ends' ~ '^[0-9]{1,18}$'
                              AND p->>'full' ~ '^-?[0-9]{1,18}$', false))
                       FROM jsonb_array_elements(b.probes) p)
            END, false);
END
$$;

-- What Go programs know of a row at instant n. What is left of a time is never more than
-- there was at first, should the clock have been set back.
CREATE OR REPLACE FUNCTION hw_row(b "public".hw_circuit_breakers, n timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = "public", pg_temp
AS $$
DECLARE
    probes jsonb := '[]';
BEGIN
    IF b.probes <> '[]' THEN
        SELECT jsonb_agg(jsonb_build_object(
            'holder', p->'holder', 'number', p->'number', 'result', p->'result',
            'remaining', CASE WHEN p->>'result' = ''
                THEN least((p->>'ends')::bigint - (extract(epoch FROM n) * 1000000)::bigint, (p->>'full')::bigint)
                ELSE 0 END) ORDER BY place)
        INTO probes FROM jsonb_array_elements(b.probes) WITH ORDINALITY AS x(p, place);
    END IF;
    RETURN jsonb_build_object(
        'incarnation', b.incarnation, 'epoch', b.epoch, 'nonce', b.nonce,
        'state', b.state, 'hold', b.hold, 'reason', b.reason, 'by', b.decided_by, 'lost', b.lost,
        'remaining', coalesce(hw_microseconds(least(b.deadline - n, b.period)), 0),
        'probes', probes);
END
$$;

-- Makes a closed row of one that makes no sense, in a new epoch. The caller has its lock.
CREATE OR REPLACE FUNCTION hw_mend(keys text[]) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SET search_path = "public", pg_temp
AS $$
BEGIN
    RETURN QUERY
    UPDATE hw_circuit_breakers b
    SET state = 'CLOSED', hold = '', reason = 'mended', decided_by = '', failure_count = 0,
        open_until = NULL, deadline = NULL, period = NULL, probes = '[]', lost = 0,
        incarnation = hw_random(), epoch = CASE WHEN epoch BETWEEN 0 AND 1000000000000000000 THEN epoch + 1 ELSE 1 END,
        nonce = hw_random(), revision = CASE WHEN revision BETWEEN 0 AND 1000000000000000000 THEN revision + 1 ELSE 1 END,
        updated_at = hw_local(hw_now())
    WHERE resource_key = ANY (keys) AND NOT hw_sound(b)
    RETURNING resource_key::text;
END
$$;

-- The timeline of this server: another one since it was promoted, or restored to some
-- point. Zero where the server does not say.
CREATE OR REPLACE FUNCTION hw_timeline() RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint;
EXCEPTION WHEN OTHERS THEN
    RETURN 0;
END
$$;

-- Gives rows that were written before a promotion a new incarnation: what has been
-- decided about them may be lost, and what was decided since may be about the same epoch
-- (S11). The caller has their locks.
CREATE OR REPLACE FUNCTION hw_succeed(keys text[], p_timeline bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = "public", pg_temp
AS $$
BEGIN
    UPDATE hw_circuit_breakers
    SET incarnation = CASE WHEN timeline = 0 THEN incarnation ELSE hw_random() END,
        timeline = p_timeline, revision = revision + 1
    WHERE resource_key = ANY (keys) AND timeline <> p_timeline AND p_timeline <> 0;
END
$$;

-- How many failures the windows of the live instances hold.
CREATE OR REPLACE FUNCTION hw_failures(p_namespace text, p_key text, n timestamptz) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = "public", pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(least(sum(x.failures), 2147483647), 0) FROM hw_reports x
        JOIN hw_instances i ON i.namespace = p_namespace AND i.instance = x.instance AND i.life = x.life
        WHERE x.resource_key = p_key AND n - i.seen <= interval '10 seconds');
END
$$;

-- The lives of the instances that were heard of lately. A life names its instance.
CREATE OR REPLACE FUNCTION hw_live(p_namespace text, n timestamptz) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = "public", pg_temp
AS $$
DECLARE
    lives bigint[];
    ahead boolean;
BEGIN
    SELECT coalesce(array_agg(life) FILTER (WHERE n - seen <= interval '10 seconds'), '{}'),
        bool_or(seen - n > interval '1 second')
        INTO lives, ahead FROM hw_instances WHERE namespace = p_namespace;
    IF ahead THEN
        -- The clock was set back. Nobody shall live on because of that.
        UPDATE hw_instances SET seen = n WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM hw_instances WHERE namespace = p_namespace AND seen > n FOR UPDATE SKIP LOCKED));
    END IF;
    RETURN lives;
END
$$;

-- The settings of plans below: each session plans a statement once and by indexes only,
-- because it may do so while the tables are empty. Then a scan of the whole table looks
-- cheap, and the plan stays when it is not. Without the compiler, which such plans would
-- wake: it takes longer than all the rest.

-- hw_exchange stores what an instance says of some circuits and then reads what there is
-- about them: lock, write, read, so that of two who complete the evidence at once one
-- sees it. A key that is missing from the answer has failed, with a problem if it is one
-- of the row's.
CREATE OR REPLACE FUNCTION hw_exchange(p_namespace text, p_instance text, p_reports jsonb)
RETURNS TABLE (o_key text, o_row jsonb, o_reports text, o_live integer, o_problem text)
LANGUAGE plpgsql VOLATILE SET search_path = "public", pg_temp SET lock_timeout = '600ms'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    n       timestamptz := hw_now();
    server  bigint := hw_timeline();
    own     bigint;
    lives   bigint[];
    keys    text[];
    others  text[];
    unsound boolean;
    older   boolean;
    mended  text[];
    said    record;
    -- Instances that were not heard of for so long are silent.
    silent CONSTANT interval := '10 seconds';
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'highway needs the isolation level READ COMMITTED, not %', current_setting('transaction_isolation');
    END IF;
    -- A report that a crash loses is said again.
    PERFORM set_config('synchronous_commit', 'off', true);

    INSERT INTO hw_instances AS i VALUES (p_namespace, p_instance, n, nextval('hw_lives'))
    ON CONFLICT (namespace, instance) DO UPDATE
        SET seen = n, life = CASE WHEN n - i.seen > silent THEN excluded.life ELSE i.life END
    RETURNING i.life INTO own;
    IF p_reports = '[]' THEN
        PERFORM hw_live(p_namespace, n);
        PERFORM hw_prune(n) WHERE random() < 0.01;
        RETURN;
    END IF;

    SELECT array_agg(r->>'key' ORDER BY r->>'key') INTO keys FROM jsonb_array_elements(p_reports) r;
    BEGIN
        INSERT INTO hw_circuit_breakers (resource_key, namespace, state, created_at, updated_at, revision, timeline)
            SELECT k, p_namespace, 'CLOSED', hw_local(n), hw_local(n), 1, server FROM unnest(keys) k
            WHERE NOT EXISTS (SELECT FROM hw_circuit_breakers WHERE resource_key = k)
            ORDER BY k
        ON CONFLICT DO NOTHING;
        PERFORM FROM hw_circuit_breakers WHERE resource_key = ANY (keys) ORDER BY resource_key FOR UPDATE;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        -- One key that somebody sits on shall not cost the others their answer.
        keys := ARRAY(SELECT resource_key::text FROM hw_circuit_breakers
                      WHERE resource_key = ANY (keys) ORDER BY resource_key FOR UPDATE SKIP LOCKED);
    END;
    n := hw_now();
    lives := hw_live(p_namespace, n); -- after the lock, so that nobody is missed who has spoken before
    SELECT coalesce(array_agg(resource_key) FILTER (WHERE namespace <> p_namespace), '{}'), bool_or(NOT hw_sound(b)), bool_or(timeline <> server)
        INTO others, unsound, older FROM hw_circuit_breakers b WHERE resource_key = ANY (keys);
    IF others <> '{}' THEN
        keys := ARRAY(SELECT unnest(keys) EXCEPT SELECT unnest(others));
    END IF;
    IF unsound THEN
        mended := ARRAY(SELECT hw_mend(keys));
    END IF;
    IF older THEN
        PERFORM hw_succeed(keys, server);
    END IF;

    FOR said IN
        INSERT INTO hw_reports AS old
        SELECT r.key, p_instance, own, n, r.number, r.about_incarnation, r.about_epoch, r.about_nonce,
               r.active, r.refuses, r.failures, r.outcomes, r.settings,
               r.suspicion, CASE WHEN r.suspicion <> 0 THEN nextval('hw_suspicions') ELSE 0 END,
               CASE WHEN r.suspicion <> 0 THEN n END,
               r.suspect, r.suspect_number, r.testimony, r.calls, r.dismissed,
               json_build_array(p_instance, r.number, r.about_incarnation, r.about_epoch, r.about_nonce,
                   r.active, r.refuses, r.failures, r.outcomes, r.settings, r.suspicion,
                   r.suspect, r.suspect_number, r.testimony, r.calls, r.dismissed)
        FROM jsonb_to_recordset(p_reports) AS r(key text, number numeric, about_incarnation bigint,
            about_epoch bigint, about_nonce bigint, active boolean, refuses boolean, failures integer,
            outcomes integer, settings jsonb, suspicion numeric, suspect text, suspect_number numeric,
            testimony double precision, calls integer, dismissed jsonb)
        WHERE r.number > 0 AND r.key = ANY (keys)
        ORDER BY r.key
        ON CONFLICT (resource_key, instance) DO UPDATE SET
            life = excluded.life, stored = excluded.stored, number = excluded.number,
            about_incarnation = excluded.about_incarnation, about_epoch = excluded.about_epoch,
            about_nonce = excluded.about_nonce, active = excluded.active, refuses = excluded.refuses,
            failures = excluded.failures, outcomes = excluded.outcomes, settings = excluded.settings,
            suspicion = excluded.suspicion,
            -- A suspicion that is repeated is not a new one.
            suspected = CASE WHEN old.life = excluded.life AND old.suspicion = excluded.suspicion
                AND old.about_incarnation = excluded.about_incarnation AND old.about_epoch = excluded.about_epoch
                THEN old.suspected ELSE excluded.suspected END,
            suspected_at = CASE WHEN old.life = excluded.life AND old.suspicion = excluded.suspicion
                AND old.about_incarnation = excluded.about_incarnation AND old.about_epoch = excluded.about_epoch
                THEN old.suspected_at ELSE excluded.suspected_at END,
            suspect = excluded.suspect, suspect_number = excluded.suspect_number,
            testimony = excluded.testimony, calls = excluded.calls, dismissed = excluded.dismissed, said = excluded.said
        WHERE old.number < excluded.number OR old.life <> excluded.life
        RETURNING old.resource_key, old.suspected_at
    LOOP
        IF said.suspected_at = n THEN
            PERFORM pg_notify(hw_channel(), said.resource_key);
        END IF;
    END LOOP;

    -- The document's columns follow the windows of the fleet.
    UPDATE hw_circuit_breakers b
    SET failure_count = fares.failures, updated_at = hw_local(n), revision = revision + 1
    FROM (SELECT c.resource_key, (
              SELECT coalesce(least(sum(x.failures), 2147483647), 0) FROM hw_reports x
              WHERE x.resource_key = c.resource_key AND x.life = ANY (lives)) AS failures
          FROM hw_circuit_breakers c
          WHERE c.resource_key = ANY (keys) AND c.state = 'CLOSED'
          OFFSET 0) fares -- added up once, not for each use
    WHERE b.resource_key = fares.resource_key AND b.failure_count <> fares.failures;

    RETURN QUERY
    SELECT b.resource_key::text, hw_row(b, n),
        (SELECT '[' || string_agg('[' || x.said || ',' || x.suspected || ',' ||
             CASE WHEN x.suspicion <> 0 THEN greatest(hw_microseconds(n - x.suspected_at), 0) ELSE 0 END || ']', ',') || ']'
         FROM hw_reports x WHERE x.resource_key = b.resource_key AND x.life = ANY (lives)),
        cardinality(lives),
        CASE WHEN b.resource_key = ANY (mended) THEN 'mended' END
    FROM hw_circuit_breakers b WHERE b.resource_key = ANY (keys)
    UNION ALL
    SELECT k, NULL, NULL, cardinality(lives), 'it belongs to another namespace' FROM unnest(others) k;
END
$$;

-- hw_change puts a row in the place of the one at p_key if that has exactly the identity
-- that is given, and returns the row that is there then.
CREATE OR REPLACE FUNCTION hw_change(p_namespace text, p_key text,
    p_incarnation bigint, p_epoch bigint, p_nonce bigint, p_row jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = "public", pg_temp SET lock_timeout = '600ms'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    b     hw_circuit_breakers;
    n     timestamptz;
    micro bigint;
    same  boolean;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'highway needs the isolation level READ COMMITTED, not %', current_setting('transaction_isolation');
    END IF;
    PERFORM FROM hw_circuit_breakers WHERE resource_key = p_key AND namespace = p_namespace FOR UPDATE;
    PERFORM hw_mend(ARRAY[p_key]);
    PERFORM hw_succeed(ARRAY[p_key], hw_timeline());
    SELECT * INTO b FROM hw_circuit_breakers WHERE resource_key = p_key AND namespace = p_namespace FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    n := hw_now(); -- after the lock, which may have taken its time
    IF b.incarnation <> p_incarnation OR b.epoch <> p_epoch OR b.nonce <> p_nonce THEN
        RETURN hw_row(b, n);
    END IF;
    micro := (extract(epoch FROM n) * 1000000)::bigint;
    same := b.epoch = (p_row->>'epoch')::bigint;
    IF NOT same THEN
        b.period := CASE WHEN (p_row->>'remaining')::bigint > 0
            THEN (p_row->>'remaining')::bigint * interval '1 microsecond' END;
        b.deadline := n + b.period;
    END IF;
    -- A lease that the epoch has already keeps its end.
    b.probes := coalesce((
        SELECT jsonb_agg(jsonb_build_object('holder', p->'holder', 'number', p->'number', 'result', p->'result') ||
            CASE WHEN p->>'result' <> '' THEN '{"ends": 0, "full": 0}' ELSE coalesce(
                (SELECT jsonb_build_object('ends', q->'ends', 'full', q->'full')
                 FROM jsonb_array_elements(b.probes) q
                 WHERE same AND q->'holder' = p->'holder' AND q->'number' = p->'number' AND q->>'result' = '' LIMIT 1),
                jsonb_build_object('ends', micro + (p->>'remaining')::bigint, 'full', p->'remaining')) END ORDER BY place)
        FROM jsonb_array_elements(p_row->'probes') WITH ORDINALITY AS x(p, place)), '[]');
    b.epoch := (p_row->>'epoch')::bigint;
    b.nonce := (p_row->>'nonce')::bigint;
    b.state := p_row->>'state';
    b.hold := p_row->>'hold';
    b.reason := p_row->>'reason';
    b.decided_by := p_row->>'by';
    b.lost := (p_row->>'lost')::integer;
    UPDATE hw_circuit_breakers SET
        state = b.state, hold = b.hold, reason = b.reason, decided_by = b.decided_by, lost = b.lost,
        epoch = b.epoch, nonce = b.nonce, deadline = b.deadline, period = b.period, probes = b.probes,
        open_until = CASE WHEN b.state = 'OPEN' THEN hw_local(b.deadline) END,
        failure_count = CASE b.state WHEN 'CLOSED' THEN 0 WHEN 'OPEN' THEN greatest(failure_count, hw_failures(p_namespace, p_key, n)) ELSE failure_count END,
        updated_at = hw_local(n), revision = revision + 1
    WHERE resource_key = p_key;
    RETURN hw_row(b, n);
END
$$;

-- hw_sweep gives the keys at which something goes on. It asks for resource_key || '' because
-- only the indexes of these keys have that, not the primary keys, which have all keys.
CREATE OR REPLACE FUNCTION hw_sweep(p_namespace text, p_after text, p_limit integer) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SET search_path = "public", pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    n timestamptz := hw_now();
BEGIN
    RETURN QUERY SELECT k FROM (
        (SELECT resource_key || '' AS k FROM hw_circuit_breakers
         WHERE (state <> 'CLOSED' OR hold <> '') AND namespace = p_namespace AND resource_key || '' > p_after
         ORDER BY resource_key || '' LIMIT p_limit)
        UNION
        SELECT x.resource_key
        FROM hw_reports x
        WHERE x.suspicion <> 0 AND x.resource_key || '' > p_after
            -- Scalars, so that nobody begins with all instances or all rows: suspicions are few.
            AND (SELECT n - i.seen <= interval '10 seconds' FROM hw_instances i
                 WHERE i.namespace = p_namespace AND i.instance = x.instance AND i.life = x.life)
            AND (SELECT x.about_incarnation = b.incarnation AND x.about_epoch = b.epoch FROM hw_circuit_breakers b
                 WHERE b.resource_key = x.resource_key AND b.namespace = p_namespace)
    ) busy ORDER BY k LIMIT p_limit;
END
$$;

-- hw_prune deletes some of what nobody needs any more. Rows that somebody else has made,
-- and all of which something is known, stay.
CREATE OR REPLACE FUNCTION hw_prune(n timestamptz) RETURNS void
LANGUAGE sql VOLATILE SET search_path = "public", pg_temp
AS $$
    DELETE FROM hw_instances WHERE n - seen > interval '1 hour';
    DELETE FROM hw_reports WHERE ctid = ANY (ARRAY(
        SELECT x.ctid FROM hw_reports x WHERE n - x.stored > interval '1 hour'
            AND NOT EXISTS (SELECT FROM hw_instances i WHERE i.instance = x.instance AND i.life = x.life)
        LIMIT 1000));
    DELETE FROM hw_circuit_breakers WHERE resource_key = ANY (ARRAY(
        SELECT resource_key FROM hw_circuit_breakers b
        WHERE state = 'CLOSED' AND hold = '' AND revision > 0 AND foreign_at IS NULL
            AND hw_local(n) - updated_at > interval '7 days'
            AND NOT EXISTS (SELECT FROM hw_reports x WHERE x.resource_key = b.resource_key)
        LIMIT 100 FOR UPDATE SKIP LOCKED));
    DELETE FROM hw_transitions WHERE id = ANY (ARRAY(
        SELECT id FROM hw_transitions
        WHERE happened_at < n - coalesce((SELECT history_age FROM hw_schema), '90 days') LIMIT 1000));
$$;

-- The triggers run with the rights of whoever has set this up, so that programs on the
-- Python library need no more rights than they had. So they name every type: where
-- anybody may create functions in the schema, one for varchar would else be preferred to
-- ours, or the server's, for text.

-- How long somebody else's OPEN lasts: as long as the instances' own.
CREATE OR REPLACE FUNCTION hw_cooldown(p_key text) RETURNS interval
LANGUAGE sql STABLE SET search_path = "public", pg_temp
AS $$
    SELECT coalesce((SELECT max((settings->>'cooldown')::bigint) * interval '1 microsecond'
                     FROM hw_reports WHERE resource_key = p_key AND settings->>'cooldown' ~ '^[1-9][0-9]*$'),
                    interval '30 seconds')
$$;

-- hw_foreign looks at what others write. Programs on the Python library know but the
-- document's columns: their OPEN begins an epoch, at most once per cooldown, and their
-- CLOSED or HALF_OPEN does if no OPEN is live and no person holds the row. A person may
-- also write the hold, which is an order. All else leaves the row as it is.
CREATE OR REPLACE FUNCTION hw_foreign() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "public", pg_temp
AS $$
DECLARE
    n        timestamptz := hw_now();
    cooldown interval;
    key      text := OLD.resource_key;
    state    text := OLD.state;
    wanted   text := NEW.state;
    live     boolean := state = 'OPEN' AND OLD.deadline > n;
    hold     text := NEW.hold;
    ordered  boolean; -- by a person, who has written the hold
    adopted  boolean;
BEGIN
    IF NOT hw_sound(OLD) THEN
        RETURN NEW; -- the next instance to look at it mends it
    END IF;
    NEW.incarnation := OLD.incarnation;
    NEW.epoch := OLD.epoch;
    NEW.nonce := OLD.nonce;
    NEW.hold := OLD.hold;
    NEW.reason := OLD.reason;
    NEW.decided_by := OLD.decided_by;
    NEW.deadline := OLD.deadline;
    NEW.period := OLD.period;
    NEW.probes := OLD.probes;
    NEW.lost := OLD.lost;
    NEW.timeline := OLD.timeline;
    NEW.foreign_at := OLD.foreign_at;
    IF wanted = 'OPEN' THEN
        cooldown := hw_cooldown(key);
    END IF;
    ordered := hold <> OLD.hold::text AND hold IN ('', 'isolated', 'disabled');
    adopted := OLD.hold = '' AND NOT live AND CASE
        WHEN wanted = 'OPEN' THEN OLD.foreign_at IS NULL OR OLD.foreign_at > n OR n - OLD.foreign_at >= cooldown
        ELSE wanted <> state END;
    IF wanted NOT IN ('CLOSED', 'OPEN', 'HALF_OPEN') THEN
        adopted := false;
    END IF;
    IF NOT ordered AND NOT adopted THEN
        NEW.state := OLD.state;
        NEW.open_until := OLD.open_until;
        RETURN NEW;
    END IF;
    NEW.epoch := OLD.epoch + 1;
    NEW.nonce := hw_random();
    NEW.revision := OLD.revision + 1;
    NEW.reason := CASE WHEN ordered THEN 'commanded' ELSE 'foreign' END;
    NEW.decided_by := session_user;
    NEW.probes := '[]';
    NEW.lost := 0;
    NEW.deadline := NULL;
    NEW.period := NULL;
    NEW.open_until := NULL;
    IF ordered THEN
        NEW.hold := hold;
        NEW.state := CASE hold WHEN 'isolated' THEN 'OPEN' WHEN 'disabled' THEN 'CLOSED' ELSE 'HALF_OPEN' END;
    ELSIF wanted = 'OPEN' THEN
        NEW.period := cooldown;
        NEW.deadline := n + cooldown;
        NEW.open_until := hw_local(NEW.deadline);
        NEW.foreign_at := n;
    END IF;
    RETURN NEW;
END
$$;

-- hw_foreign_first does the same for a row that somebody else makes. It also runs when the
-- insert ends in an update, and must do nothing but to fill the row.
CREATE OR REPLACE FUNCTION hw_foreign_first() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "public", pg_temp
AS $$
BEGIN
    IF NEW.state::text = 'OPEN'::text THEN
        NEW.epoch := 1;
        NEW.nonce := hw_random();
        NEW.reason := 'foreign';
        NEW.decided_by := session_user;
        NEW.period := hw_cooldown(NEW.resource_key::text);
        NEW.deadline := hw_now() + NEW.period;
        NEW.foreign_at := hw_now();
    END IF;
    RETURN NEW;
END
$$;

-- hw_record tells the instances of a change, and keeps what was decided, and on what.
CREATE OR REPLACE FUNCTION hw_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "public", pg_temp
AS $$
DECLARE
    b        hw_circuit_breakers;
    key      text;
    evidence jsonb;
    oldest   bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        b := OLD;
    ELSE
        b := NEW;
    END IF;
    key := b.resource_key;
    PERFORM pg_notify(hw_channel(), key);
    IF TG_OP = 'UPDATE' THEN
        IF OLD.incarnation = NEW.incarnation AND OLD.epoch = NEW.epoch THEN
            RETURN NULL; -- a probe was granted, or has ended
        END IF;
        SELECT jsonb_build_object(
            'instances', count(*),
            'refusing', count(*) FILTER (WHERE refuses),
            'suspects', coalesce(jsonb_agg(x.instance ORDER BY suspected) FILTER (WHERE suspicion <> 0), '[]'),
            'witnesses', count(*) FILTER (WHERE suspect <> ''),
            'calls', coalesce(sum(calls) FILTER (WHERE suspect <> ''), 0),
            'testimony', coalesce(round(sum(greatest(least(testimony, 1e6), -1e6)) FILTER (WHERE suspect <> '')::numeric, 2), 0),
            'failures', coalesce(sum(failures), 0),
            'outcomes', coalesce(sum(outcomes), 0))
        INTO evidence
        FROM hw_reports x
        JOIN hw_instances i ON i.instance = x.instance AND i.life = x.life AND i.namespace = OLD.namespace
        WHERE x.resource_key = key AND hw_now() - i.seen <= interval '10 seconds' AND active
            AND about_incarnation = OLD.incarnation AND about_epoch = OLD.epoch;
        IF OLD.state::text = 'HALF_OPEN'::text THEN
            evidence := evidence || (SELECT jsonb_build_object(
                'probes_succeeded', count(*) FILTER (WHERE p->>'result' = 'succeeded'),
                'probes_failed', count(*) FILTER (WHERE p->>'result' = 'failed'),
                'probes_pending', count(*) FILTER (WHERE p->>'result' = ''),
                'leases_lost', OLD.lost)
                FROM jsonb_array_elements(CASE WHEN jsonb_typeof(OLD.probes) = 'array' THEN OLD.probes ELSE '[]' END) p);
        END IF;
    END IF;
    INSERT INTO hw_transitions (happened_at, resource_key, namespace, incarnation, epoch,
        from_state, to_state, hold, reason, decided_by, evidence)
    VALUES (hw_now(), key, b.namespace, b.incarnation, b.epoch,
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.state::text END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.state::text END,
        b.hold, CASE WHEN TG_OP = 'DELETE' THEN 'deleted' ELSE b.reason END,
        CASE WHEN TG_OP = 'DELETE' THEN session_user::text ELSE b.decided_by END, coalesce(evidence, '{}'));
    -- The sum keeps the plan from walking through the history of all keys by the primary key.
    SELECT id INTO oldest FROM hw_transitions WHERE resource_key = key
        ORDER BY id + 0 DESC OFFSET coalesce((SELECT history_rows FROM hw_schema), 1000) LIMIT 1;
    IF FOUND THEN
        DELETE FROM hw_transitions WHERE resource_key = key AND id + 0 <= oldest;
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM hw_reports WHERE resource_key = key;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER hw_foreign BEFORE UPDATE ON hw_circuit_breakers
    FOR EACH ROW WHEN (OLD.revision = NEW.revision) EXECUTE FUNCTION hw_foreign();
CREATE OR REPLACE TRIGGER hw_foreign_first BEFORE INSERT ON hw_circuit_breakers
    FOR EACH ROW WHEN (NEW.revision = 0) EXECUTE FUNCTION hw_foreign_first();
CREATE OR REPLACE TRIGGER hw_record_change AFTER UPDATE ON hw_circuit_breakers
    FOR EACH ROW WHEN (OLD.epoch <> NEW.epoch OR OLD.nonce <> NEW.nonce OR OLD.incarnation <> NEW.incarnation)
    EXECUTE FUNCTION hw_record();
CREATE OR REPLACE TRIGGER hw_record_first AFTER INSERT ON hw_circuit_breakers
    FOR EACH ROW WHEN (NEW.state <> 'CLOSED') EXECUTE FUNCTION hw_record();
CREATE OR REPLACE TRIGGER hw_record_deletion AFTER DELETE ON hw_circuit_breakers
    FOR EACH ROW WHEN (OLD.epoch <> 0) EXECUTE FUNCTION hw_record();

INSERT INTO hw_schema (version, time_zone)
    -- As the session began; what it may have set since does not matter.
    SELECT 1, reset_val FROM pg_settings WHERE name = 'TimeZone'
ON CONFLICT (only_row) DO UPDATE SET version = greatest(hw_schema.version, excluded.version);
COMMIT;
