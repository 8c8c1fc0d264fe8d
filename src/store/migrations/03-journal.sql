-- One stream: every record of truth is a row of cdrs, whoever wrote it first. The table is built anew, because a million
-- rows of it have to fit into a gigabyte and still be found: identities as 16 bytes, numbers and names by their place in
-- a dictionary, states as small integers, the record itself packed.

-- Names of agents, groups and sources, in the order they were first met.
CREATE TABLE words (
    id   INTEGER PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
);

-- Telephone numbers and user parts, in the order they were first met.
CREATE TABLE numbers (
    id     INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE
);

-- The same numbers once more, 256 to a row and one to a line, so that a search for a part of a number reads few rows:
-- line n of page p is number 256 p + n + 1.
CREATE TABLE number_pages (
    page    INTEGER PRIMARY KEY,
    numbers TEXT NOT NULL
);

CREATE TABLE records (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    cdr_id     BLOB    NOT NULL, -- the uuid's 16 bytes
    version    INTEGER NOT NULL,
    latest     INTEGER NOT NULL, -- 1 for the newest version of a cdr_id, so that lists show a call once
    filed_ms   INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    status     INTEGER NOT NULL, -- 1 ANSWER, 2 CANCELED, 3 BUSY, 4 NO_ANSWER, 5 FAILED, 6 VOICEMAIL
    direction  INTEGER NOT NULL, -- 1 inbound, 2 outbound, 3 internal
    caller     INTEGER NOT NULL,
    dialed     INTEGER NOT NULL,
    callee     INTEGER,
    agent      INTEGER,
    ring_group INTEGER,
    origin     INTEGER,          -- the source it was fetched from; NULL for the calls of this box
    body       BLOB    NOT NULL  -- text as it is, or a blob: packed
);

INSERT OR IGNORE INTO numbers (number)
    SELECT caller FROM cdrs UNION SELECT dialed FROM cdrs UNION SELECT callee FROM cdrs WHERE callee IS NOT NULL;
INSERT INTO number_pages (page, numbers)
    SELECT (id - 1) / 256, group_concat(replace(number, char(10), ' '), char(10) ORDER BY id)
    FROM numbers GROUP BY (id - 1) / 256;
INSERT OR IGNORE INTO words (word)
    SELECT agent FROM cdrs WHERE agent IS NOT NULL UNION SELECT ring_group FROM cdrs WHERE ring_group IS NOT NULL;

INSERT INTO records (seq, cdr_id, version, latest, filed_ms, started_ms, status, direction, caller, dialed, callee,
                     agent, ring_group, origin, body)
    SELECT seq, unhex(cdr_id, '-'), version,
           NOT EXISTS (SELECT 1 FROM cdrs newer WHERE newer.cdr_id = cdrs.cdr_id AND newer.version > cdrs.version),
           filed_ms, started_ms,
           CASE status WHEN 'ANSWER' THEN 1 WHEN 'CANCELED' THEN 2 WHEN 'BUSY' THEN 3 WHEN 'NO_ANSWER' THEN 4
                       WHEN 'VOICEMAIL' THEN 6 ELSE 5 END,
           CASE direction WHEN 'inbound' THEN 1 WHEN 'outbound' THEN 2 ELSE 3 END,
           (SELECT id FROM numbers WHERE number = caller),
           (SELECT id FROM numbers WHERE number = dialed),
           (SELECT id FROM numbers WHERE number = callee),
           (SELECT id FROM words WHERE word = agent),
           (SELECT id FROM words WHERE word = ring_group),
           NULL, body
    FROM cdrs ORDER BY seq;
DROP TABLE cdrs;
ALTER TABLE records RENAME TO cdrs;

CREATE UNIQUE INDEX cdrs_by_id ON cdrs (cdr_id, version);
CREATE INDEX cdrs_by_start ON cdrs (started_ms);
CREATE INDEX cdrs_by_status ON cdrs (status);
CREATE INDEX cdrs_by_direction ON cdrs (direction);
CREATE INDEX cdrs_by_caller ON cdrs (caller);
CREATE INDEX cdrs_by_dialed ON cdrs (dialed);
CREATE INDEX cdrs_by_callee ON cdrs (callee) WHERE callee IS NOT NULL;
CREATE INDEX cdrs_by_agent ON cdrs (agent) WHERE agent IS NOT NULL;
CREATE INDEX cdrs_by_group ON cdrs (ring_group) WHERE ring_group IS NOT NULL;
CREATE INDEX cdrs_by_origin ON cdrs (origin) WHERE origin IS NOT NULL;

-- How many records of each kind began on each day (since 1970, UTC), and between which rows they lie: what a list with
-- page numbers counts, and where a list that finds little may skip. Counted at the first start.
CREATE TABLE days (
    day     INTEGER PRIMARY KEY,
    tallies BLOB NOT NULL
);

-- The details of calls that have ended: all of a call in one packed row. Those of open calls, and what comes late, stay
-- in call_events.
CREATE TABLE call_stories (
    call_id BLOB PRIMARY KEY, -- the uuid's 16 bytes
    body    BLOB NOT NULL
) WITHOUT ROWID;

-- The destinations that new records are queued for.
ALTER TABLE upstreams ADD COLUMN enabled INTEGER NOT NULL DEFAULT 0;
