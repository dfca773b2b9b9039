-- What people see. Nothing here writes or waits for a lock, so a standby answers as well,
-- and whoever may read the tables may call it.

-- The lives of the instances that were heard of lately.
CREATE OR REPLACE FUNCTION hw_lives_at(p_namespace text, n timestamptz) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp
AS $$
    SELECT coalesce(array_agg(life), '{}') FROM hw_instances
    WHERE namespace = p_namespace AND n - seen <= interval '10 seconds'
$$;

-- A row as hw_row has it, and one that makes no sense as what it will be mended to.
CREATE OR REPLACE FUNCTION hw_shown(b @schema@.hw_circuit_breakers, n timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
AS $$
BEGIN
    IF hw_sound(b) THEN
        RETURN hw_row(b, n);
    END IF;
    RETURN jsonb_build_object(
        'incarnation', CASE b.incarnation WHEN 0 THEN 1 ELSE b.incarnation END, 'epoch', b.epoch, 'nonce', b.nonce,
        'state', 'CLOSED', 'hold', '', 'reason', 'mended', 'by', '', 'note', '', 'lost', 0, 'remaining', 0, 'probes', '[]'::jsonb);
END
$$;

-- For how long a row has been in its epoch. Rows of before version 2 do not say themselves.
CREATE OR REPLACE FUNCTION hw_changed(b @schema@.hw_circuit_breakers, n timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
AS $$
DECLARE
    at timestamptz := b.changed_at;
BEGIN
    IF at IS NULL THEN
        -- The sum keeps the plan from walking through the history of all keys.
        SELECT happened_at INTO at FROM hw_transitions
            WHERE resource_key = b.resource_key ORDER BY id + 0 DESC LIMIT 1;
    END IF;
    IF at IS NULL THEN
        at := CASE WHEN b.created_at < timestamp '9999-12-31' AND b.created_at > timestamp '0001-01-01'
            THEN b.created_at AT TIME ZONE (SELECT time_zone FROM hw_schema) END;
    END IF;
    -- People write anything into created_at, and another program that counts as one of
    -- ours into changed_at. What is no time that can be, has just been.
    IF at < n - interval '200 years' OR at > n THEN
        at := n;
    END IF;
    RETURN hw_microseconds(n - coalesce(at, n));
END
$$;

-- hw_list gives the breakers after p_after, in the order of the bytes of their keys. An
-- empty filter lets all through.
CREATE OR REPLACE FUNCTION hw_list(p_namespace text, p_after text, p_prefix text,
    p_states text[], p_holds text[], p_busy boolean, p_limit integer)
RETURNS TABLE (o_key text, o_row jsonb, o_changed bigint, o_failures bigint, o_outcomes bigint,
    o_active bigint, o_suspects bigint, o_disagree boolean)
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    n     timestamptz := hw_now();
    lives bigint[] := hw_lives_at(p_namespace, n);
BEGIN
    RETURN QUERY
    SELECT b.resource_key::text, hw_shown(b, n), hw_changed(b, n), r.failures, r.outcomes, r.active, r.suspects, r.disagree
    FROM hw_circuit_breakers b
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.failures), 0)::bigint AS failures, coalesce(sum(x.outcomes), 0)::bigint AS outcomes,
            count(*) FILTER (WHERE x.active) AS active,
            count(*) FILTER (WHERE x.suspicion <> 0 AND x.about_incarnation = b.incarnation AND x.about_epoch = b.epoch) AS suspects,
            count(DISTINCT x.settings) FILTER (WHERE x.active) > 1 AS disagree
        FROM hw_reports x WHERE x.resource_key = b.resource_key AND x.life = ANY (lives)) r
    CROSS JOIN LATERAL (SELECT hw_sound(b) AS sound) s
    WHERE b.namespace = p_namespace
        AND b.resource_key COLLATE "C" > p_after AND b.resource_key COLLATE "C" >= p_prefix
        AND starts_with(b.resource_key, p_prefix)
        AND (p_states = '{}' OR CASE WHEN s.sound THEN b.state ELSE 'CLOSED' END = ANY (p_states))
        AND (p_holds = '{}' OR CASE WHEN s.sound THEN b.hold ELSE '' END = ANY (p_holds))
        AND (NOT p_busy OR r.suspects > 0 OR s.sound AND (b.state <> 'CLOSED' OR b.hold <> ''))
    ORDER BY b.resource_key COLLATE "C"
    LIMIT p_limit;
END
$$;

-- hw_look gives what there is about one breaker, without a row if there is none.
CREATE OR REPLACE FUNCTION hw_look(p_namespace text, p_key text)
RETURNS TABLE (o_row jsonb, o_changed bigint, o_reports text, o_live integer)
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    n     timestamptz := hw_now();
    lives bigint[] := hw_lives_at(p_namespace, n);
BEGIN
    RETURN QUERY
    SELECT hw_shown(b, n), hw_changed(b, n),
        (SELECT '[' || string_agg('[' || x.said || ',' || x.suspected || ',' ||
             CASE WHEN x.suspicion <> 0 THEN greatest(hw_microseconds(n - x.suspected_at), 0) ELSE 0 END || ',' ||
             CASE WHEN isfinite(x.stored) THEN greatest(hw_microseconds(n - x.stored), 0) ELSE 0 END || ']', ',' ORDER BY x.instance COLLATE "C") || ']'
         FROM hw_reports x WHERE x.resource_key = b.resource_key AND x.life = ANY (lives)),
        cardinality(lives)
    FROM hw_circuit_breakers b WHERE b.resource_key = p_key AND b.namespace = p_namespace;
    IF NOT FOUND THEN
        RETURN QUERY SELECT NULL::jsonb, 0::bigint, NULL::text, cardinality(lives);
    END IF;
END
$$;

-- hw_history gives transitions, the newest first: of one key, or of all if it is null.
CREATE OR REPLACE FUNCTION hw_history(p_namespace text, p_key text, p_before bigint, p_limit integer)
RETURNS TABLE (o_id bigint, o_at timestamptz, o_ago bigint, o_key text, o_incarnation bigint, o_epoch bigint,
    o_from text, o_to text, o_hold text, o_reason text, o_by text, o_note text, o_evidence jsonb)
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    n timestamptz := hw_now();
BEGIN
    IF p_key IS NULL THEN
        RETURN QUERY
        SELECT t.id, t.happened_at, greatest(hw_microseconds(n - t.happened_at), 0), t.resource_key, t.incarnation, t.epoch,
            t.from_state, t.to_state, t.hold, t.reason, t.decided_by, t.note, t.evidence
        FROM hw_transitions t WHERE t.namespace = p_namespace AND t.id < p_before
        ORDER BY t.id DESC LIMIT p_limit;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT t.id, t.happened_at, greatest(hw_microseconds(n - t.happened_at), 0), t.resource_key, t.incarnation, t.epoch,
        t.from_state, t.to_state, t.hold, t.reason, t.decided_by, t.note, t.evidence
    FROM hw_transitions t WHERE t.resource_key = p_key AND t.namespace = p_namespace AND t.id < p_before
    ORDER BY t.id + 0 DESC LIMIT p_limit; -- the sum: as in hw_changed
END
$$;

-- hw_seen gives the instances that were heard of lately, and how long ago.
CREATE OR REPLACE FUNCTION hw_seen(p_namespace text) RETURNS TABLE (o_instance text, o_ago bigint)
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp
AS $$
DECLARE
    n timestamptz := hw_now();
BEGIN
    RETURN QUERY
    SELECT instance, greatest(hw_microseconds(n - seen), 0) FROM hw_instances
    WHERE namespace = p_namespace AND n - seen <= interval '10 seconds' ORDER BY instance COLLATE "C";
END
$$;
