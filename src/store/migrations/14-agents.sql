-- Agents made by the API. The configuration file wins where both name one. Passwords are kept as digest hashes only.
CREATE TABLE kept_agents (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
