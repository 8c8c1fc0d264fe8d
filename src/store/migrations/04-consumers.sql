-- Readers that acknowledge what they have pulled, and the proof of what each destination has taken.

-- A reader and the last record it has safely.
CREATE TABLE consumers (
    name       TEXT PRIMARY KEY,
    acked_seq  INTEGER NOT NULL,
    moved_ms   INTEGER,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Which records a destination was to get (`meant`, its last range open-ended while it is enabled) and which it has
-- acknowledged (`delivered`). Ranges of one kind neither touch nor overlap, so one row stands for a million records
-- that went in order.
CREATE TABLE delivery_ranges (
    upstream INTEGER NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('meant', 'delivered')),
    from_seq INTEGER NOT NULL,
    to_seq   INTEGER NOT NULL,
    PRIMARY KEY (upstream, kind, from_seq)
) WITHOUT ROWID;

-- What was under way in an earlier release: everything from the oldest record that still waits.
INSERT INTO delivery_ranges (upstream, kind, from_seq, to_seq)
SELECT u.id, 'meant',
       ifnull((SELECT min(o.seq) FROM outbox o WHERE o.upstream = u.id),
              (SELECT ifnull(max(seq), 0) + 1 FROM cdrs)),
       9223372036854775807
FROM upstreams u;

-- Parked records that a person gave up, and why.
CREATE TABLE dropped (
    upstream   INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    dropped_ms INTEGER NOT NULL,
    dropped_by TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    PRIMARY KEY (upstream, seq)
) WITHOUT ROWID;

-- The last replay of each destination; one at a time, carried on after a restart.
CREATE TABLE replays (
    upstream INTEGER PRIMARY KEY,
    from_seq INTEGER NOT NULL,
    to_seq   INTEGER NOT NULL,
    from_ms  INTEGER,
    to_ms    INTEGER,
    next_seq INTEGER NOT NULL,
    queued   INTEGER NOT NULL DEFAULT 0,
    asked_by TEXT    NOT NULL,
    begun_ms INTEGER NOT NULL,
    done_ms  INTEGER
);

-- Calls in the order in which they began, each once: what pullers of the PBX kind page through.
CREATE INDEX cdrs_newest_by_start ON cdrs (started_ms) WHERE latest = 1;
