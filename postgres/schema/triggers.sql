-- The triggers run with the rights of whoever has set this up, so that programs on the
-- Python library need no more rights than they had. So they name every type: where
-- anybody may create functions in the schema, one for varchar would else be preferred to
-- ours, or the server's, for text.

-- How long somebody else's OPEN lasts: as long as the instances' own.
CREATE OR REPLACE FUNCTION hw_cooldown(p_key text) RETURNS interval
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp
AS $$
    SELECT coalesce((SELECT max((settings->>'cooldown')::bigint) * interval '1 microsecond'
                     FROM hw_reports WHERE resource_key = p_key AND settings->>'cooldown' ~ '^[1-9][0-9]{0,14}$'),
                    interval '30 seconds')
$$;

-- hw_foreign looks at what others write. Programs on the Python library know but the
-- document's columns: their OPEN begins an epoch, at most once per cooldown, and their
-- CLOSED or HALF_OPEN does if no OPEN is live and no person holds the row. A person may
-- also write the hold, which is an order, and a note with it. All else leaves the row as
-- it is.
CREATE OR REPLACE FUNCTION hw_foreign() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = @schema@, pg_temp
AS $$
DECLARE
    n        timestamptz := hw_now();
    cooldown interval;
    key      text := OLD.resource_key;
    state    text := OLD.state;
    wanted   text := NEW.state;
    live     boolean := state = 'OPEN' AND OLD.deadline > n;
    hold     text := NEW.hold;
    note     text := NEW.note;
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
    NEW.note := OLD.note;
    NEW.changed_at := OLD.changed_at;
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
    NEW.note := CASE WHEN ordered AND note <> OLD.note::text THEN note ELSE '' END;
    NEW.changed_at := n;
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

-- hw_foreign_first does the same for a row that somebody else makes: of the columns that are
-- not the document's, only a hold is an order, and a note with it. It also runs when the
-- insert ends in an update, and must do nothing but to fill the row.
CREATE OR REPLACE FUNCTION hw_foreign_first() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = @schema@, pg_temp
AS $$
DECLARE
    n       timestamptz := hw_now();
    ordered boolean := NEW.hold IN ('isolated'::text, 'disabled'::text);
BEGIN
    NEW.incarnation := hw_random();
    NEW.epoch := 0;
    NEW.nonce := 0;
    NEW.reason := '';
    NEW.decided_by := '';
    NEW.deadline := NULL;
    NEW.period := NULL;
    NEW.probes := '[]';
    NEW.lost := 0;
    NEW.timeline := 0;
    NEW.foreign_at := NULL;
    NEW.changed_at := n;
    IF NOT ordered THEN
        NEW.hold := '';
        NEW.note := '';
    END IF;
    IF NOT ordered AND NEW.state::text <> 'OPEN'::text THEN
        RETURN NEW;
    END IF;
    NEW.epoch := 1;
    NEW.nonce := hw_random();
    NEW.reason := CASE WHEN ordered THEN 'commanded' ELSE 'foreign' END;
    NEW.decided_by := session_user;
    IF ordered THEN
        NEW.state := CASE NEW.hold WHEN 'isolated'::text THEN 'OPEN' ELSE 'CLOSED' END;
        NEW.open_until := NULL;
    ELSE
        NEW.period := hw_cooldown(NEW.resource_key::text);
        NEW.deadline := n + NEW.period;
        NEW.foreign_at := n;
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
    key      text;
    evidence jsonb;
    oldest   bigint;
    by_hand  boolean := false; -- deleted, and not by hw_remove
BEGIN
    IF TG_OP = 'DELETE' THEN
        b := OLD;
        by_hand := OLD.reason::text <> 'deleted'::text;
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
        from_state, to_state, hold, reason, decided_by, note, evidence)
    VALUES (hw_now(), key, b.namespace, b.incarnation, b.epoch,
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.state::text END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.state::text END,
        b.hold, CASE WHEN TG_OP = 'DELETE' THEN 'deleted' ELSE b.reason END,
        CASE WHEN by_hand THEN session_user::text ELSE b.decided_by END,
        CASE WHEN by_hand THEN ''::text ELSE b.note END, coalesce(evidence, '{}'));
    -- What people have done stays until it is too old, whatever programs write after it.
    -- The sum keeps the plan from walking through the history of all keys by the primary key.
    SELECT id INTO oldest FROM hw_transitions t
        WHERE t.resource_key = key AND t.reason NOT IN ('commanded'::text, 'deleted'::text) AND t.note = ''::text
        ORDER BY id + 0 DESC OFFSET coalesce((SELECT history_rows FROM hw_schema), 1000) LIMIT 1;
    IF FOUND THEN
        DELETE FROM hw_transitions t
        WHERE t.resource_key = key AND t.reason NOT IN ('commanded'::text, 'deleted'::text) AND t.note = ''::text
            AND id + 0 <= oldest;
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
    FOR EACH ROW WHEN (NEW.state <> 'CLOSED' OR NEW.hold <> '') EXECUTE FUNCTION hw_record();
CREATE OR REPLACE TRIGGER hw_record_deletion AFTER DELETE ON hw_circuit_breakers
    FOR EACH ROW WHEN (OLD.epoch <> 0 OR OLD.reason = 'deleted') EXECUTE FUNCTION hw_record();
