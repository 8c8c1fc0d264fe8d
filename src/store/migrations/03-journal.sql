-- One stream: every record of truth is a row of cdrs, whoever wrote it first. The newest version of each is marked, so
-- that lists show a call once, and the destinations that are queued for are known to the database itself.

ALTER TABLE cdrs ADD COLUMN latest INTEGER NOT NULL DEFAULT 1;
ALTER TABLE cdrs ADD COLUMN origin TEXT;
UPDATE cdrs SET latest = 0
    WHERE EXISTS (SELECT 1 FROM cdrs newer WHERE newer.cdr_id = cdrs.cdr_id AND newer.version > cdrs.version);

ALTER TABLE upstreams ADD COLUMN enabled INTEGER NOT NULL DEFAULT 0;
