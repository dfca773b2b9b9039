-- The triggers run with the rights of whoever has set this up, so that programs on the
-- Python library need no more rights than they had.

-- How long somebody else's OPEN lasts: as long as the instances' own.
CREATE OR REPLACE FUNCTION hw_cooldown(p_key text) RETURNS interval
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp
AS $$
    SELECT coalesce((SELECT max((settings->>'cooldown')::bigint) * interval '1 microsecond'
                     FROM hw_reports WHERE resource_key = p_key AND settings->>'cooldown' ~ '^[1-9][0-9]*$'),
                    interval '30 seconds')
$$;

-- hw_foreign looks at what others write, which know but the document's columns: their
-- OPEN begins an epoch, at most once per cooldown, and their CLOSED or HALF_OPEN does if
-- no OPEN is live and no person holds the row. All else leaves state and deadline alone.
CREATE OR REPLACE FUNCTION hw_foreign() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = @schema@, pg_temp
AS $$
DECLARE
    n        timestamptz := hw_now();
    cooldown interval;
    live     boolean := OLD.state = 'OPEN' AND OLD.deadline > n;
    wanted   text := NEW.state;
    adopted  boolean;
BEGIN
    IF NOT hw_sound(OLD) THEN
        RETURN NEW; -- the next instance to look at it mends it
    END IF;
    cooldown := hw_cooldown(OLD.resource_key);
    adopted := OLD.hold = '' AND NOT live AND CASE
        WHEN wanted = 'OPEN' THEN OLD.foreign_at IS NULL OR OLD.foreign_at > n OR n - OLD.foreign_at >= cooldown
        ELSE wanted <> OLD.state END;
    IF wanted NOT IN ('CLOSED', 'OPEN', 'HALF_OPEN') THEN
        adopted := false;
    END IF;
    IF NOT adopted THEN
        NEW.state := OLD.state;
        NEW.open_until := OLD.open_until;
        RETURN NEW;
    END IF;
    NEW.epoch := OLD.epoch + 1;
    NEW.nonce := hw_random();
    NEW.revision := OLD.revision + 1;
    NEW.reason := 'foreign';
    NEW.decided_by := session_user;
    NEW.probes := '[]';
    NEW.lost := 0;
    NEW.deadline := NULL;
    NEW.period := NULL;
    NEW.open_until := NULL;
    IF wanted = 'OPEN' THEN
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = @schema@, pg_temp
AS $$
BEGIN
    IF NEW.state = 'OPEN' THEN
        NEW.epoch := 1;
        NEW.nonce := hw_random();
        NEW.reason := 'foreign';
        NEW.decided_by := session_user;
        NEW.period := hw_cooldown(NEW.resource_key);
        NEW.deadline := hw_now() + NEW.period;
        NEW.foreign_at := hw_now();
    END IF;
    RETURN NEW;
END
$$;

-- hw_record tells the instances of a change, and keeps what was decided, and on what.
CREATE OR REPLACE FUNCTION hw_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = @schema@, pg_temp
AS $$
DECLARE
    b        hw_circuit_breakers;
    evidence jsonb;
    oldest   bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        b := OLD;
    ELSE
        b := NEW;
    END IF;
    PERFORM pg_notify(hw_channel(), b.resource_key);
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
            'testimony', coalesce(round(sum(testimony) FILTER (WHERE suspect <> '')::numeric, 2), 0),
            'failures', coalesce(sum(failures), 0),
            'outcomes', coalesce(sum(outcomes), 0))
        INTO evidence
        FROM hw_reports x
        JOIN hw_instances i ON i.instance = x.instance AND i.life = x.life AND i.namespace = OLD.namespace
        WHERE x.resource_key = OLD.resource_key AND hw_now() - i.seen <= interval '10 seconds' AND active
            AND about_incarnation = OLD.incarnation AND about_epoch = OLD.epoch;
        IF OLD.state = 'HALF_OPEN' THEN
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
    VALUES (hw_now(), b.resource_key, b.namespace, b.incarnation, b.epoch,
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.state END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.state END,
        b.hold, CASE WHEN TG_OP = 'DELETE' THEN 'deleted' ELSE b.reason END,
        CASE WHEN TG_OP = 'DELETE' THEN session_user::text ELSE b.decided_by END, coalesce(evidence, '{}'));
    -- The sum keeps the plan from walking through the history of all keys by the primary key.
    SELECT id INTO oldest FROM hw_transitions WHERE resource_key = b.resource_key
        ORDER BY id + 0 DESC OFFSET (SELECT history_rows FROM hw_schema) LIMIT 1;
    IF FOUND THEN
        DELETE FROM hw_transitions WHERE resource_key = b.resource_key AND id + 0 <= oldest;
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM hw_reports WHERE resource_key = b.resource_key;
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
