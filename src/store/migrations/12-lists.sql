-- The indexes of the numbers tell when a call began, whether a row is the newest version and how the call went, so that
-- a search for a number counts and sorts its calls without reading their rows, which lie all over the file. The index of
-- the starts tells as much, so that of a day only the rows are read that a page shows. A release before this one finds
-- the same rows by them.
DROP INDEX cdrs_by_caller;
CREATE INDEX cdrs_by_caller ON cdrs (caller, started_ms, latest, status);
DROP INDEX cdrs_by_dialed;
CREATE INDEX cdrs_by_dialed ON cdrs (dialed, started_ms, latest, status);
DROP INDEX cdrs_by_callee;
CREATE INDEX cdrs_by_callee ON cdrs (callee, started_ms, latest, status) WHERE callee IS NOT NULL;
DROP INDEX cdrs_by_start;
CREATE INDEX cdrs_by_start ON cdrs (started_ms, latest, status, direction);

-- Who changed, saw and heard what; each entry is bound to the one before it by its SHA-256.
CREATE TABLE audit (
    place INTEGER PRIMARY KEY,
    body  TEXT NOT NULL,
    hash  BLOB NOT NULL
);
