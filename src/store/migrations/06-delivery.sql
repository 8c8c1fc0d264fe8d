-- How each destination stands, so that a restart knows what the last run had learnt, and the keys that were pinned.

ALTER TABLE upstreams ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE upstreams ADD COLUMN retry_at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE upstreams ADD COLUMN last_code INTEGER;
-- When it said that it is gone for good, and what it was then: another target is worth a try again.
ALTER TABLE upstreams ADD COLUMN gone_ms INTEGER;
ALTER TABLE upstreams ADD COLUMN target TEXT;

-- Records that wait for a try of their own, which are few.
CREATE INDEX outbox_put_off ON outbox (upstream, next_at_ms) WHERE next_at_ms > 0;

-- Which key a destination showed first, and the other one it showed since, if it did.
CREATE TABLE pins (
    destination TEXT PRIMARY KEY,
    kept        TEXT    NOT NULL,
    kept_ms     INTEGER NOT NULL,
    shown       TEXT,
    shown_ms    INTEGER
) WITHOUT ROWID;
