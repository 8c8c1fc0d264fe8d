-- The indexes of the numbers tell when a call began and whether a row is the newest version, so that a search for a
-- number counts and sorts its calls without reading their rows, which lie all over the file. A release before this one
-- finds the same rows by them.
DROP INDEX cdrs_by_caller;
CREATE INDEX cdrs_by_caller ON cdrs (caller, started_ms, latest);
DROP INDEX cdrs_by_dialed;
CREATE INDEX cdrs_by_dialed ON cdrs (dialed, started_ms, latest);
DROP INDEX cdrs_by_callee;
CREATE INDEX cdrs_by_callee ON cdrs (callee, started_ms, latest) WHERE callee IS NOT NULL;

-- Who changed, saw and heard what; each entry is bound to the one before it by its SHA-256.
CREATE TABLE audit (
    place INTEGER PRIMARY KEY,
    body  TEXT NOT NULL,
    hash  BLOB NOT NULL
);
