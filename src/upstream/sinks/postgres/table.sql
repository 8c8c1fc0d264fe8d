-- One row a version of a record. Columns for what people ask for; the whole record is in body.
CREATE TABLE IF NOT EXISTS {table} (
    cdr_id             uuid        NOT NULL,
    version            integer     NOT NULL,
    site               text        NOT NULL,
    appliance_id       text        NOT NULL,
    seq                bigint      NOT NULL,
    call_id            uuid,
    final              boolean,
    direction          text,
    status             text,
    caller_number      text,
    caller_name        text,
    dialed_number      text,
    callee_number      text,
    outbound_caller_id text,
    started_at         timestamptz,
    ringing_at         timestamptz,
    answered_at        timestamptz,
    ended_at           timestamptz,
    clock_synced       boolean,
    duration_ms        bigint,
    talk_ms            bigint,
    ring_ms            bigint,
    wait_ms            bigint,
    hold_ms            bigint,
    sip_code           integer,
    q850               integer,
    hangup_by          text,
    cause              text,
    agent              text,
    group_name         text,
    flow               text,
    trunk              text,
    recording_path     text,
    origin_source      text,
    origin_id          text,
    body               jsonb       NOT NULL,
    received_at        timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cdr_id, version)
);
CREATE INDEX IF NOT EXISTS {site_index} ON {table} (site, started_at);
CREATE INDEX IF NOT EXISTS {start_index} ON {table} (started_at);
CREATE INDEX IF NOT EXISTS {caller_index} ON {table} (caller_number);
CREATE INDEX IF NOT EXISTS {dialed_index} ON {table} (dialed_number);
CREATE INDEX IF NOT EXISTS {received_index} ON {table} (appliance_id, received_at);
