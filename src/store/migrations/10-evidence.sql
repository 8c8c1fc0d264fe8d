-- Recordings as evidence: everything that was ever done to one, each entry bound to the one before it by its SHA-256, so
-- that a change of an entry, or one taken out of the middle, is found. An entry without a `body` says that a file was
-- completed: its SHA-256 and its size.
CREATE TABLE recording_chain (
    place     INTEGER PRIMARY KEY,
    recording BLOB    NOT NULL,
    hash      BLOB    NOT NULL,
    sha256    BLOB,
    bytes     INTEGER,
    body      TEXT
);
CREATE INDEX recording_chain_by_recording ON recording_chain (recording);
