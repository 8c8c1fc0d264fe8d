//! How many messages are in each box, among the facts of the database: a few rows of a line each.

use super::meta;
use crate::model::{Mailbox, MailboxCount};
use rusqlite::Connection;

const PREFIX: &str = "mailbox:";

/// A box holds so many messages now.
pub(in crate::store) fn set(connection: &Connection, count: &MailboxCount) -> Result<(), rusqlite::Error> {
    let MailboxCount { mailbox, new, old } = count;
    let key = format!("{PREFIX}{mailbox}");
    meta::set(connection, &key, Some(&format!("{new}/{old}")))
}

/// Every box that has held a message; a row that cannot be read is left out.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<MailboxCount>, rusqlite::Error> {
    let mut statement = connection
        .prepare("SELECT key, value FROM meta WHERE key >= 'mailbox:' AND key < 'mailbox;' ORDER BY key")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    Ok(rows.iter().filter_map(|(key, value)| read(key, value)).collect())
}

fn read(key: &str, value: &str) -> Option<MailboxCount> {
    let mailbox: Mailbox = key.strip_prefix(PREFIX)?.parse().ok()?;
    let (new, old) = value.split_once('/')?;
    Some(MailboxCount {
        mailbox,
        new: new.parse().ok()?,
        old: old.parse().ok()?,
    })
}
