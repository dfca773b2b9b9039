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
    ADD COLUMN IF NOT EXISTS foreign_at  timestamptz,
    -- What the person said who gave the command, and when the row came into its epoch.
    ADD COLUMN IF NOT EXISTS note        text     NOT NULL DEFAULT '' CHECK (octet_length(note) <= 1000),
    ADD COLUMN IF NOT EXISTS changed_at  timestamptz;

-- An OPEN of before gets an end; programs on the Python library write none that is of use.
UPDATE hw_circuit_breakers
    SET deadline = clock_timestamp() + interval '30 seconds', period = interval '30 seconds'
    WHERE state = 'OPEN' AND deadline IS NULL AND revision = 0;

-- Updates of a row find room beside it, and no index is on what changes often (HOT).
ALTER TABLE hw_circuit_breakers SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- For hw_sweep alone.
CREATE INDEX IF NOT EXISTS hw_circuit_breakers_busy
    ON hw_circuit_breakers((resource_key || '')) WHERE state <> 'CLOSED' OR hold <> '';

-- For hw_list, in the order that all storages have.
CREATE INDEX IF NOT EXISTS hw_circuit_breakers_keys
    ON hw_circuit_breakers(namespace, resource_key COLLATE "C");

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

-- A report that nobody can read would be in the way of the others.
ALTER TABLE hw_reports
    DROP CONSTRAINT IF EXISTS hw_reports_readable,
    ADD CONSTRAINT hw_reports_readable CHECK (isfinite(stored) AND json_array_length(said::json) > 0) NOT VALID;

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

ALTER TABLE hw_transitions ADD COLUMN IF NOT EXISTS note text NOT NULL DEFAULT '';

CREATE INDEX IF NOT EXISTS hw_transitions_by_key ON hw_transitions(resource_key, id);
CREATE INDEX IF NOT EXISTS hw_transitions_by_time ON hw_transitions(happened_at);

-- One row: what the setup has decided.
CREATE TABLE IF NOT EXISTS hw_schema (
    only_row     boolean  PRIMARY KEY DEFAULT true CHECK (only_row),
    version      integer  NOT NULL,
    -- The zone of the timestamps without one. It is the server's, whatever zone a
    -- session may be in.
    time_zone    text     NOT NULL,
    -- How long transitions are kept, and how many of each key, besides those of people.
    history_age  interval NOT NULL DEFAULT '90 days' CHECK (history_age BETWEEN interval '0' AND interval '1000 years'),
    history_rows integer  NOT NULL DEFAULT 1000 CHECK (history_rows > 0)
);
