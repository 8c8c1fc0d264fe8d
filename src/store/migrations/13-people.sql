-- Who logged in when and from where, and who made a token: what the page of people shows.

ALTER TABLE users ADD COLUMN seen_ms INTEGER;
ALTER TABLE sessions ADD COLUMN seen_ms INTEGER;
ALTER TABLE sessions ADD COLUMN from_address TEXT;
ALTER TABLE sessions ADD COLUMN browser TEXT;
ALTER TABLE tokens ADD COLUMN made_by TEXT;
