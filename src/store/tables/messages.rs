//! Messages in boxes, and the greetings of boxes.

use super::{from_body, to_body};
use crate::model::{
    Greeting, Mailbox, Message, MessageErrand, MessageFacts, MessageState, RecordingId, Transcript,
};
use crate::store::filing;
use crate::store::messages::{MessageFilter, StoredMessage};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Somebody left a message. One that came while its call was being filed is named in the call's next version.
pub(in crate::store) fn left(
    connection: &Connection,
    message: &Message,
    errands: &[MessageErrand],
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO messages (id, mailbox, state, left_ms, marked_ms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            message.id.to_string(),
            message.mailbox.to_string(),
            message.state.as_str(),
            message.left_at.unix_ms,
            unix_ms,
            to_body(message)?
        ])?;
    for (place, errand) in errands.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO message_errands (message, place, kind) VALUES (?1, ?2, ?3)
                 ON CONFLICT (message, place) DO NOTHING",
            )?
            .execute(params![
                message.id.to_string(),
                i64::try_from(place).unwrap_or(i64::MAX),
                errand.as_str()
            ])?;
    }
    if message.state == MessageState::Deleted {
        return Ok(());
    }
    filing::amend(connection, message.call_id, unix_ms, |cdr| {
        let is_news = cdr.voicemail.is_none();
        cdr.voicemail.get_or_insert_with(|| MessageFacts {
            id: message.id,
            mailbox: message.mailbox.clone(),
            urgent: message.urgent,
            transcript: None,
        });
        is_news
    })?;
    Ok(())
}

/// It was heard, kept, thrown away or taken back.
pub(in crate::store) fn mark(
    connection: &Connection,
    id: RecordingId,
    state: MessageState,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE messages SET state = ?2, marked_ms = ?3 WHERE id = ?1")?
        .execute(params![id.to_string(), state.as_str(), unix_ms])?;
    if state == MessageState::Deleted {
        connection
            .prepare_cached("DELETE FROM message_errands WHERE message = ?1")?
            .execute(params![id.to_string()])?;
    }
    Ok(())
}

/// A box has this greeting of its own, or none.
pub(in crate::store) fn greet(
    connection: &Connection,
    mailbox: &Mailbox,
    greeting: Option<&Greeting>,
) -> Result<(), rusqlite::Error> {
    match greeting {
        Some(greeting) => connection
            .prepare_cached("INSERT OR REPLACE INTO greetings (mailbox, body) VALUES (?1, ?2)")?
            .execute(params![mailbox.to_string(), to_body(greeting)?])?,
        None => connection
            .prepare_cached("DELETE FROM greetings WHERE mailbox = ?1")?
            .execute(params![mailbox.to_string()])?,
    };
    Ok(())
}

/// Every message that was not thrown away, the oldest first; a row that cannot be read is left out.
pub(in crate::store) fn kept(connection: &Connection) -> Result<Vec<Message>, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE state <> 'deleted' ORDER BY id");
    let found = read(connection, &sql, params![])?;
    Ok(found.into_iter().map(|stored| stored.message).collect())
}

/// Every greeting.
pub(in crate::store) fn greetings(
    connection: &Connection,
) -> Result<Vec<(Mailbox, Greeting)>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT mailbox, body FROM greetings ORDER BY mailbox")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    let greeting = |(mailbox, body): &(String, String)| {
        Some((mailbox.parse().ok()?, from_body("greetings", mailbox, body)?))
    };
    Ok(rows.iter().filter_map(greeting).collect())
}

const COLUMNS: &str = "id, state, body, transcript, file_gone_ms";

/// Messages, the newest first.
pub(in crate::store) fn list(
    connection: &Connection,
    filter: &MessageFilter,
) -> Result<Vec<StoredMessage>, rusqlite::Error> {
    // Identities sort by time.
    let sql = format!(
        "SELECT {COLUMNS} FROM messages
         WHERE id < ifnull(?1, 'g') AND (?2 IS NULL OR mailbox = ?2) AND (?3 IS NULL OR state = ?3)
           AND (?3 IS NOT NULL OR state <> 'deleted')
         ORDER BY id DESC LIMIT ?4"
    );
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    let values = params![
        filter.before.map(|id| id.to_string()),
        filter.mailbox.as_ref().map(ToString::to_string),
        filter.state.map(MessageState::as_str),
        limit
    ];
    read(connection, &sql, values)
}

/// One message.
pub(in crate::store) fn one(
    connection: &Connection,
    id: RecordingId,
) -> Result<Option<StoredMessage>, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?1");
    Ok(read(connection, &sql, params![id.to_string()])?.pop())
}

/// Writes down what a message says; the call's record gets a further version. False: there is no such message.
pub(in crate::store) fn transcribe(
    connection: &Connection,
    id: RecordingId,
    transcript: &Transcript,
    unix_ms: i64,
) -> Result<bool, rusqlite::Error> {
    let Some(stored) = one(connection, id)? else {
        return Ok(false);
    };
    connection
        .prepare_cached("UPDATE messages SET transcript = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), to_body(transcript)?])?;
    filing::amend(
        connection,
        stored.message.call_id,
        unix_ms,
        |cdr| match &mut cdr.voicemail {
            Some(voicemail) if voicemail.id == id => {
                voicemail.transcript = Some(transcript.clone());
                true
            }
            Some(_) | None => false,
        },
    )?;
    Ok(true)
}

/// Every box that has held a message.
pub(in crate::store) fn boxes(connection: &Connection) -> Result<Vec<Mailbox>, rusqlite::Error> {
    let mut select = connection.prepare_cached("SELECT DISTINCT mailbox FROM messages")?;
    let rows = select.query_map([], |row| row.get::<_, String>(0))?;
    let names: Vec<String> = rows.collect::<Result<_, _>>()?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Messages left before `old_before_ms` that were not thrown away, of this box.
pub(in crate::store) fn old(
    connection: &Connection,
    mailbox: &Mailbox,
    old_before_ms: i64,
) -> Result<Vec<RecordingId>, rusqlite::Error> {
    let mut select = connection.prepare_cached(
        "SELECT id FROM messages WHERE mailbox = ?1 AND left_ms < ?2 AND state <> 'deleted' ORDER BY id LIMIT 200",
    )?;
    let rows = select.query_map(params![mailbox.to_string(), old_before_ms], |row| {
        row.get::<_, String>(0)
    })?;
    let ids: Vec<String> = rows.collect::<Result<_, _>>()?;
    Ok(ids
        .iter()
        .filter_map(|id| id.parse().ok())
        .map(RecordingId)
        .collect())
}

/// Messages thrown away before `before_ms` whose files are still there.
pub(in crate::store) fn to_remove(
    connection: &Connection,
    before_ms: i64,
) -> Result<Vec<StoredMessage>, rusqlite::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM messages
         WHERE state = 'deleted' AND file_gone_ms IS NULL AND marked_ms < ?1 ORDER BY marked_ms LIMIT 200"
    );
    read(connection, &sql, params![before_ms])
}

/// The file of a message is no more; its recording says why.
pub(in crate::store) fn file_gone(
    connection: &Connection,
    id: RecordingId,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE messages SET file_gone_ms = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), unix_ms])?;
    connection
        .prepare_cached(
            "UPDATE recordings SET state = 'failed', facts = NULL, failure = 'the message was thrown away' WHERE id = ?1",
        )?
        .execute(params![id.to_string()])?;
    Ok(())
}

fn read(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<StoredMessage>, rusqlite::Error> {
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(values, stored)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

fn stored(row: &Row<'_>) -> Result<Option<StoredMessage>, rusqlite::Error> {
    let (id, state, body): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let transcript: Option<String> = row.get(3)?;
    let file_gone_ms: Option<i64> = row.get(4)?;
    let Some(mut message) = from_body::<Message>("messages", &id, &body) else {
        return Ok(None);
    };
    // The column is the truth; the body says what it was when it was left.
    message.state = state.parse().unwrap_or(message.state);
    Ok(Some(StoredMessage {
        message,
        transcript: transcript.and_then(|text| from_body("messages", &id, &text)),
        file_gone_ms,
    }))
}

/// One errand that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct DueErrand {
    pub(in crate::store) message: RecordingId,
    pub(in crate::store) place: i64,
    pub(in crate::store) kind: MessageErrand,
    pub(in crate::store) attempts: u32,
}

/// The errand that is due first, and when the next one is when none is now. A message's later errands wait for its
/// earlier ones.
pub(in crate::store) fn due_errand(
    connection: &Connection,
    unix_ms: i64,
) -> Result<(Option<DueErrand>, Option<i64>), rusqlite::Error> {
    let sql = "SELECT message, place, kind, attempts, next_at_ms FROM message_errands e
               WHERE state = 'waiting' AND NOT EXISTS
                   (SELECT 1 FROM message_errands f WHERE f.message = e.message AND f.place < e.place
                    AND f.state = 'waiting')
               ORDER BY next_at_ms, message LIMIT 1";
    let found = connection
        .prepare_cached(sql)?
        .query_row([], |row| {
            let kind: String = row.get(2)?;
            let kind = match kind.as_str() {
                "mail" => MessageErrand::Mail,
                _ => MessageErrand::Transcribe,
            };
            let message: String = row.get(0)?;
            Ok((
                message,
                row.get::<_, i64>(1)?,
                kind,
                row.get::<_, u32>(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .optional()?;
    let Some((message, place, kind, attempts, next_at_ms)) = found else {
        return Ok((None, None));
    };
    if next_at_ms > unix_ms {
        return Ok((None, Some(next_at_ms)));
    }
    let Ok(message) = message.parse().map(RecordingId) else {
        return Ok((None, None));
    };
    let due = DueErrand {
        message,
        place,
        kind,
        attempts,
    };
    Ok((Some(due), None))
}

/// It is done.
pub(in crate::store) fn errand_done(
    connection: &Connection,
    message: RecordingId,
    place: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM message_errands WHERE message = ?1 AND place = ?2")?
        .execute(params![message.to_string(), place])?;
    Ok(())
}

/// It was tried in vain: again at `next_at_ms`.
pub(in crate::store) fn errand_failed(
    connection: &Connection,
    message: RecordingId,
    place: i64,
    next_at_ms: i64,
    error: &str,
) -> Result<(), rusqlite::Error> {
    end_of_try(connection, message, place, ("waiting", next_at_ms), error)
}

/// It was tried in vain for the last time; the time of the next try is that of the last one from now on.
pub(in crate::store) fn errand_given_up(
    connection: &Connection,
    message: RecordingId,
    place: i64,
    now_ms: i64,
    error: &str,
) -> Result<(), rusqlite::Error> {
    end_of_try(connection, message, place, ("failed", now_ms), error)
}

fn end_of_try(
    connection: &Connection,
    message: RecordingId,
    place: i64,
    (state, at_ms): (&str, i64),
    error: &str,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE message_errands SET attempts = attempts + 1, last_error = ?3, state = ?4, next_at_ms = ?5
             WHERE message = ?1 AND place = ?2",
        )?
        .execute(params![message.to_string(), place, error, state, at_ms])?;
    Ok(())
}

/// How many errands were given up since then, and why the last one was.
pub(in crate::store) fn given_up_since(
    connection: &Connection,
    since_ms: i64,
) -> Result<(u64, Option<String>), rusqlite::Error> {
    let count: i64 = connection.query_row(
        "SELECT count(*) FROM message_errands WHERE state = 'failed' AND next_at_ms >= ?1",
        params![since_ms],
        |row| row.get(0),
    )?;
    let last = connection
        .query_row(
            "SELECT ifnull(last_error, '') FROM message_errands WHERE state = 'failed' AND next_at_ms >= ?1
             ORDER BY next_at_ms DESC, message DESC LIMIT 1",
            params![since_ms],
            |row| row.get(0),
        )
        .optional()?;
    Ok((super::unsigned(count), last))
}

/// How many errands wait and how many were given up.
pub(in crate::store) fn errand_counts(connection: &Connection) -> Result<(u64, u64), rusqlite::Error> {
    let count = |state: &str| {
        connection.query_row(
            "SELECT count(*) FROM message_errands WHERE state = ?1",
            params![state],
            |row| row.get::<_, i64>(0),
        )
    };
    Ok((
        super::unsigned(count("waiting")?),
        super::unsigned(count("failed")?),
    ))
}
