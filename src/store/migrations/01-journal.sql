-- The journal: calls that have not ended, call records, what still has to go upstream, registrations, recordings.

-- Facts about this database itself: its epoch (a wiped box has another one) and when it was created.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- The run of the daemon that wrote the open calls, and how long it is known to have lived.
CREATE TABLE boot (
    only                 INTEGER PRIMARY KEY CHECK (only = 1),
    id                   TEXT    NOT NULL,
    started_ms           INTEGER NOT NULL,
    heartbeat_elapsed_ms INTEGER NOT NULL,
    heartbeat_ms         INTEGER NOT NULL
);

-- Calls that have not ended: the record as it would be if the power went now.
CREATE TABLE open_calls (
    call_id           TEXT PRIMARY KEY,
    boot              TEXT    NOT NULL,
    opened_elapsed_ms INTEGER NOT NULL,
    body              TEXT    NOT NULL
);

-- Call records. Only ever appended to; a later change is a new row with the next version.
CREATE TABLE cdrs (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    cdr_id     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    final      INTEGER NOT NULL,
    filed_ms   INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    direction  TEXT    NOT NULL,
    caller     TEXT    NOT NULL,
    dialed     TEXT    NOT NULL,
    callee     TEXT,
    agent      TEXT,
    ring_group TEXT,
    body       TEXT    NOT NULL
);
CREATE UNIQUE INDEX cdrs_by_id ON cdrs (cdr_id, version);
CREATE INDEX cdrs_by_start ON cdrs (started_ms);
CREATE INDEX cdrs_by_status ON cdrs (status);
CREATE INDEX cdrs_by_direction ON cdrs (direction);
CREATE INDEX cdrs_by_caller ON cdrs (caller);
CREATE INDEX cdrs_by_dialed ON cdrs (dialed);
CREATE INDEX cdrs_by_callee ON cdrs (callee) WHERE callee IS NOT NULL;

-- Details of calls, in the order they were noted.
CREATE TABLE call_events (
    id        INTEGER PRIMARY KEY,
    call_id   TEXT    NOT NULL,
    offset_ms INTEGER NOT NULL,
    body      TEXT    NOT NULL
);
CREATE INDEX call_events_by_call ON call_events (call_id);

-- Destinations, with the counts a status page asks for, kept in step by the writer so that nobody has to count rows.
CREATE TABLE upstreams (
    id                 INTEGER PRIMARY KEY,
    name               TEXT    NOT NULL UNIQUE,
    pending            INTEGER NOT NULL DEFAULT 0,
    parked             INTEGER NOT NULL DEFAULT 0,
    delivered          INTEGER NOT NULL DEFAULT 0,
    last_delivered_seq INTEGER,
    last_delivered_ms  INTEGER,
    last_error         TEXT,
    last_error_ms      INTEGER
);

-- Records that a destination has not acknowledged. A delivered record's row is deleted.
CREATE TABLE outbox (
    upstream   INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'in_flight')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at_ms INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (upstream, seq)
) WITHOUT ROWID;
CREATE INDEX outbox_in_flight ON outbox (upstream, seq) WHERE state = 'in_flight';

-- Records that a destination will not take, apart from the outbox so that they never stand in its way.
CREATE TABLE parked (
    upstream  INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    parked_ms INTEGER NOT NULL,
    error     TEXT    NOT NULL,
    PRIMARY KEY (upstream, seq)
) WITHOUT ROWID;

-- Where registered phones are, so that they can be rung right after a restart.
CREATE TABLE registrations (
    extension  TEXT    NOT NULL,
    contact    TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (extension, contact)
) WITHOUT ROWID;

-- Recording files: `open` while being written, then `done` with the file's facts, or `failed` with the reason.
CREATE TABLE recordings (
    id      TEXT PRIMARY KEY,
    call_id TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed')),
    body    TEXT NOT NULL,
    facts   TEXT,
    failure TEXT
);
CREATE INDEX recordings_by_call ON recordings (call_id);
CREATE INDEX recordings_open ON recordings (state) WHERE state = 'open';
