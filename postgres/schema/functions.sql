-- The clock of everything here.
CREATE OR REPLACE FUNCTION hw_now() RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;

-- Notifications go through this channel, one for each table.
CREATE OR REPLACE FUNCTION hw_channel() RETURNS text
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp
AS $$ SELECT 'hw_' || 'hw_circuit_breakers'::regclass::oid $$;

-- An instant as the document's columns without a zone have it.
CREATE OR REPLACE FUNCTION hw_local(t timestamptz) RETURNS timestamp
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp
AS $$ SELECT t AT TIME ZONE (SELECT time_zone FROM hw_schema) $$;

CREATE OR REPLACE FUNCTION hw_microseconds(i interval) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT (extract(epoch FROM i) * 1000000)::bigint $$;

CREATE OR REPLACE FUNCTION hw_random() RETURNS bigint
LANGUAGE sql VOLATILE AS $$ SELECT ('x' || left(md5(gen_random_uuid()::text), 15))::bit(60)::bigint | 1 $$;

-- Whether a row makes sense. People write into tables.
CREATE OR REPLACE FUNCTION hw_sound(b @schema@.hw_circuit_breakers) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(b.state::text IN ('CLOSED', 'OPEN', 'HALF_OPEN')
        AND b.hold IN ('', 'held_open', 'isolated', 'disabled')
        AND b.reason IN ('', 'testified', 'cooldown_over', 'probes_succeeded', 'probes_failed',
                         'commanded', 'hold_over', 'foreign', 'mended')
        AND (b.deadline IS NULL) = (b.period IS NULL)
        AND coalesce(isfinite(b.deadline), true)
        AND coalesce(b.period BETWEEN interval '0' AND interval '200 years', true)
        AND coalesce(isfinite(b.changed_at), true)
        AND b.incarnation <> 0 AND b.revision BETWEEN 0 AND 1000000000000000000
        AND CASE WHEN b.probes = '[]' THEN true
                 WHEN jsonb_typeof(b.probes) <> 'array' THEN false
                 ELSE (SELECT bool_and(coalesce(jsonb_typeof(p->'holder') = 'string'
                              AND jsonb_typeof(p->'number') = 'number' AND jsonb_typeof(p->'result') = 'string'
                              AND jsonb_typeof(p->'ends') = 'number' AND jsonb_typeof(p->'full') = 'number'
                              AND CASE WHEN p->>'number' ~ '^[0-9]{1,20}$' THEN (p->>'number')::numeric <= 18446744073709551615 END
                              AND p->>'result' IN ('', 'succeeded', 'failed')
                              AND p->>'ends' ~ '^[0-9]{1,18}$'
                              AND p->>'full' ~ '^-?[0-9]{1,18}$', false))
                       FROM jsonb_array_elements(b.probes) p)
            END, false);
END
$$;

-- What Go programs know of a row at instant n. What is left of a time is never more than
-- there was at first, should the clock have been set back.
CREATE OR REPLACE FUNCTION hw_row(b @schema@.hw_circuit_breakers, n timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
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
        'state', b.state, 'hold', b.hold, 'reason', b.reason, 'by', b.decided_by, 'note', b.note, 'lost', b.lost,
        'remaining', coalesce(hw_microseconds(least(b.deadline - n, b.period)), 0),
        'probes', probes);
END
$$;

-- Makes a closed row of one that makes no sense, in a new epoch. The caller has its lock.
CREATE OR REPLACE FUNCTION hw_mend(keys text[]) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp
AS $$
BEGIN
    RETURN QUERY
    UPDATE hw_circuit_breakers b
    SET state = 'CLOSED', hold = '', reason = 'mended', decided_by = '', note = '', failure_count = 0,
        open_until = NULL, deadline = NULL, period = NULL, probes = '[]', lost = 0,
        incarnation = hw_random(), epoch = CASE WHEN epoch BETWEEN 0 AND 1000000000000000000 THEN epoch + 1 ELSE 1 END,
        nonce = hw_random(), revision = CASE WHEN revision BETWEEN 0 AND 1000000000000000000 THEN revision + 1 ELSE 1 END,
        updated_at = hw_local(hw_now()), changed_at = hw_now()
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
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp
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
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(least(sum(x.failures), 2147483647), 0) FROM hw_reports x
        JOIN hw_instances i ON i.namespace = p_namespace AND i.instance = x.instance AND i.life = x.life
        WHERE x.resource_key = p_key AND n - i.seen <= interval '10 seconds');
END
$$;

-- The lives of the instances that were heard of lately. A life names its instance.
CREATE OR REPLACE FUNCTION hw_live(p_namespace text, n timestamptz) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp
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
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp SET lock_timeout = '600ms'
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
        INSERT INTO hw_circuit_breakers (resource_key, namespace, state, created_at, updated_at, changed_at, revision, timeline)
            SELECT k, p_namespace, 'CLOSED', hw_local(n), hw_local(n), n, 1, server FROM unnest(keys) k
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

-- hw_locked takes the lock of the row at p_key and returns it: one that makes sense, and that
-- this server has written. Where there is none every column is null.
CREATE OR REPLACE FUNCTION hw_locked(p_namespace text, p_key text) RETURNS @schema@.hw_circuit_breakers
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp
AS $$
DECLARE
    b hw_circuit_breakers;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'highway needs the isolation level READ COMMITTED, not %', current_setting('transaction_isolation');
    END IF;
    PERFORM FROM hw_circuit_breakers WHERE resource_key = p_key AND namespace = p_namespace FOR UPDATE;
    PERFORM hw_mend(ARRAY[p_key]);
    PERFORM hw_succeed(ARRAY[p_key], hw_timeline());
    SELECT * INTO b FROM hw_circuit_breakers WHERE resource_key = p_key AND namespace = p_namespace FOR UPDATE;
    RETURN b;
END
$$;

-- hw_change puts a row in the place of the one at p_key if that has exactly the identity
-- that is given, and returns the row that is there then.
CREATE OR REPLACE FUNCTION hw_change(p_namespace text, p_key text,
    p_incarnation bigint, p_epoch bigint, p_nonce bigint, p_row jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp SET lock_timeout = '600ms'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    b     hw_circuit_breakers;
    n     timestamptz;
    micro bigint;
    same  boolean;
BEGIN
    b := hw_locked(p_namespace, p_key);
    IF b.resource_key IS NULL THEN
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
        b.changed_at := n;
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
    -- A program of before version 2 says nothing, and shall not erase what a person said.
    b.note := coalesce(p_row->>'note', CASE WHEN same THEN b.note ELSE '' END);
    UPDATE hw_circuit_breakers SET
        state = b.state, hold = b.hold, reason = b.reason, decided_by = b.decided_by, lost = b.lost,
        note = b.note, changed_at = b.changed_at,
        epoch = b.epoch, nonce = b.nonce, deadline = b.deadline, period = b.period, probes = b.probes,
        open_until = CASE WHEN b.state = 'OPEN' THEN hw_local(b.deadline) END,
        failure_count = CASE b.state WHEN 'CLOSED' THEN 0 WHEN 'OPEN' THEN greatest(failure_count, hw_failures(p_namespace, p_key, n)) ELSE failure_count END,
        updated_at = hw_local(n), revision = revision + 1
    WHERE resource_key = p_key;
    RETURN hw_row(b, n);
END
$$;

-- hw_remove deletes the row at p_key if that has exactly the identity that is given, and
-- says so. Otherwise it returns the row that is there. Its last words are for the history.
CREATE OR REPLACE FUNCTION hw_remove(p_namespace text, p_key text,
    p_incarnation bigint, p_epoch bigint, p_nonce bigint, p_by text, p_note text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp SET lock_timeout = '600ms'
AS $$
DECLARE
    b hw_circuit_breakers;
BEGIN
    b := hw_locked(p_namespace, p_key);
    IF b.resource_key IS NULL THEN
        RETURN NULL;
    END IF;
    IF b.incarnation <> p_incarnation OR b.epoch <> p_epoch OR b.nonce <> p_nonce THEN
        RETURN hw_row(b, hw_now());
    END IF;
    UPDATE hw_circuit_breakers SET reason = 'deleted', decided_by = p_by, note = p_note, revision = revision + 1
        WHERE resource_key = p_key;
    DELETE FROM hw_circuit_breakers WHERE resource_key = p_key;
    RETURN '"removed"';
END
$$;

-- hw_sweep gives the keys at which something goes on. It asks for resource_key || '' because
-- only the indexes of these keys have that, not the primary keys, which have all keys.
CREATE OR REPLACE FUNCTION hw_sweep(p_namespace text, p_after text, p_limit integer) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_temp
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

-- hw_forget deletes transitions that are too old. Nobody else may delete any: so it runs
-- with the rights of the owner, and goes by no other clock than its own.
CREATE OR REPLACE FUNCTION hw_forget() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = @schema@, pg_temp
AS $$
    DELETE FROM hw_transitions WHERE id = ANY (ARRAY(
        SELECT id FROM hw_transitions
        WHERE happened_at < hw_now() - coalesce((SELECT history_age FROM hw_schema), '90 days'::interval) LIMIT 1000));
$$;

-- hw_prune deletes some of what nobody needs any more. Rows that somebody else has made,
-- and all of which something is known, stay.
CREATE OR REPLACE FUNCTION hw_prune(n timestamptz) RETURNS void
LANGUAGE sql VOLATILE SET search_path = @schema@, pg_temp
AS $$
    DELETE FROM hw_instances WHERE n - seen > interval '1 hour';
    DELETE FROM hw_reports WHERE ctid = ANY (ARRAY(
        SELECT x.ctid FROM hw_reports x WHERE x.stored < n - interval '1 hour'
            AND NOT EXISTS (SELECT FROM hw_instances i WHERE i.instance = x.instance AND i.life = x.life)
        LIMIT 1000));
    DELETE FROM hw_circuit_breakers WHERE resource_key = ANY (ARRAY(
        SELECT resource_key FROM hw_circuit_breakers b
        WHERE state = 'CLOSED' AND hold = '' AND revision > 0 AND foreign_at IS NULL
            AND updated_at < hw_local(n) - interval '7 days'
            AND NOT EXISTS (SELECT FROM hw_reports x WHERE x.resource_key = b.resource_key)
        LIMIT 100 FOR UPDATE SKIP LOCKED));
    SELECT hw_forget();
$$;
