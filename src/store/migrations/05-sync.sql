-- Records of a PBX beside us: where they are fetched, what was fetched when, and what could not be taken over.

-- The PBXs. `settings` is JSON without the key. A removed source stays, so that one of the same name knows its records
-- again and nothing is filed twice.
CREATE TABLE pbx_sources (
    id              TEXT PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    from_file       INTEGER NOT NULL,
    removed         INTEGER NOT NULL DEFAULT 0,
    settings        TEXT    NOT NULL,
    api_key         TEXT    NOT NULL,
    created_ms      INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL,
    last_sync_ms    INTEGER,
    last_status     TEXT,
    last_error      TEXT,
    total_records   INTEGER NOT NULL DEFAULT 0,
    covered_from_ms INTEGER,
    covered_to_ms   INTEGER,
    last_slot_ms    INTEGER
) WITHOUT ROWID;

-- Who changed a source, when, and what.
CREATE TABLE pbx_source_changes (
    id     INTEGER PRIMARY KEY,
    source TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    author TEXT    NOT NULL,
    change TEXT    NOT NULL
);
CREATE INDEX pbx_source_changes_by_source ON pbx_source_changes (source, id);

-- Every fetch. `leg_from_ms`, `leg_to_ms` and `next_offset` say where it stands, so that an interrupted one goes on.
CREATE TABLE pbx_sync_logs (
    id           TEXT PRIMARY KEY,
    source       TEXT    NOT NULL,
    sync_type    TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    from_ms      INTEGER NOT NULL,
    to_ms        INTEGER NOT NULL,
    leg_from_ms  INTEGER NOT NULL,
    leg_to_ms    INTEGER NOT NULL,
    next_offset  INTEGER NOT NULL DEFAULT 0,
    fetched      INTEGER NOT NULL DEFAULT 0,
    created      INTEGER NOT NULL DEFAULT 0,
    updated      INTEGER NOT NULL DEFAULT 0,
    unchanged    INTEGER NOT NULL DEFAULT 0,
    linked       INTEGER NOT NULL DEFAULT 0,
    skipped      INTEGER NOT NULL DEFAULT 0,
    error        TEXT,
    details      TEXT,
    can_resume   INTEGER NOT NULL DEFAULT 0,
    started_ms   INTEGER NOT NULL,
    progress_ms  INTEGER NOT NULL,
    completed_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX pbx_sync_logs_by_source ON pbx_sync_logs (source, id);
CREATE INDEX pbx_sync_logs_running ON pbx_sync_logs (status) WHERE status = 'running';

-- What the PBX said of each call, once per call; `cdr_id` is the record of the journal that shows it. Lists narrow by
-- direction, status, numbers and start in the journal itself, so these columns stand there alone.
CREATE TABLE pbx_records (
    id          INTEGER PRIMARY KEY,
    source      TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    cdr_id      BLOB    NOT NULL,
    linked      INTEGER NOT NULL,
    digest      BLOB    NOT NULL,
    start_ms    INTEGER NOT NULL,
    raw         TEXT    NOT NULL,
    synced_ms   INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
);
CREATE UNIQUE INDEX pbx_records_by_external_id ON pbx_records (external_id, source);
CREATE INDEX pbx_records_by_cdr ON pbx_records (cdr_id);
CREATE INDEX pbx_records_by_start ON pbx_records (start_ms);
CREATE INDEX pbx_records_by_sync ON pbx_records (synced_ms);

-- Rows that could not be taken over, each kept once with how often it came.
CREATE TABLE pbx_quarantine (
    id          INTEGER PRIMARY KEY,
    source      TEXT    NOT NULL,
    log         TEXT    NOT NULL,
    external_id TEXT,
    reason      TEXT    NOT NULL,
    digest      BLOB    NOT NULL,
    raw         TEXT    NOT NULL,
    times       INTEGER NOT NULL DEFAULT 1,
    first_ms    INTEGER NOT NULL,
    last_ms     INTEGER NOT NULL
);
CREATE UNIQUE INDEX pbx_quarantine_by_digest ON pbx_quarantine (source, digest);
