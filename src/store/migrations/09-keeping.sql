-- What becomes of recordings after their calls: how long they stay on this box, and where copies of them go.

-- Since when a recording is under legal hold; no rule removes it then.
ALTER TABLE recordings ADD COLUMN held_since TEXT;
-- The rule that removes the file, written before the file goes; and when it was gone. The row stays as the tombstone.
ALTER TABLE recordings ADD COLUMN removing TEXT;
ALTER TABLE recordings ADD COLUMN removed_ms INTEGER;
CREATE INDEX recordings_here ON recordings (id) WHERE state = 'done' AND removed_ms IS NULL;

-- The places that copies go to. `retry_at_ms` and what follows: how it stands with the place itself.
CREATE TABLE storages (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    enabled       INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    retry_at_ms   INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    last_error_ms INTEGER,
    verified      INTEGER NOT NULL DEFAULT 0,
    verified_bytes INTEGER NOT NULL DEFAULT 0,
    last_verified_ms INTEGER
);

-- One row a recording and place: pending, uploading, verified, or failed for good (the file itself is at fault).
-- `multipart` and `parts` say how far a large one came, so that it goes on from there.
CREATE TABLE uploads (
    storage     INTEGER NOT NULL,
    recording   TEXT    NOT NULL,
    state       TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'uploading', 'verified', 'failed')),
    queued_ms   INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at_ms  INTEGER NOT NULL DEFAULT 0,
    key         TEXT,
    multipart   TEXT,
    parts       TEXT,
    bytes       INTEGER,
    sha256      TEXT,
    verified_ms INTEGER,
    last_error  TEXT,
    PRIMARY KEY (storage, recording)
) WITHOUT ROWID;
CREATE INDEX uploads_waiting ON uploads (storage, recording) WHERE state IN ('pending', 'uploading');
CREATE INDEX uploads_by_recording ON uploads (recording);

-- What each look at the recordings led to.
CREATE TABLE retention_runs (
    id         INTEGER PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL,
    body       TEXT    NOT NULL
);
