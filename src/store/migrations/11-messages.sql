-- Messages that callers left, the greetings of boxes, and what is still to be done about a message.

-- One row a message, also after it was thrown away: then `file_gone_ms` tells since when there is no file.
CREATE TABLE messages (
    id           TEXT    PRIMARY KEY, -- its recording's
    mailbox      TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('new', 'saved', 'deleted')),
    left_ms      INTEGER NOT NULL,
    marked_ms    INTEGER NOT NULL,
    file_gone_ms INTEGER,
    body         TEXT    NOT NULL,
    transcript   TEXT
) WITHOUT ROWID;
CREATE INDEX messages_by_box ON messages (mailbox, id);
CREATE INDEX messages_deleted ON messages (marked_ms) WHERE state = 'deleted' AND file_gone_ms IS NULL;

-- What a box's owner recorded.
CREATE TABLE greetings (
    mailbox TEXT PRIMARY KEY,
    body    TEXT NOT NULL
) WITHOUT ROWID;

-- E-mails to send and messages to write down; a row goes when it is done, and stays as `failed` when it is given up.
CREATE TABLE message_errands (
    message    TEXT    NOT NULL,
    place      INTEGER NOT NULL, -- the order in which a message's errands are run
    kind       TEXT    NOT NULL CHECK (kind IN ('mail', 'transcribe')),
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'failed')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at_ms INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (message, place)
) WITHOUT ROWID;
