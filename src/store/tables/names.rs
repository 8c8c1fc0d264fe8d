use memchr::memmem;
use rusqlite::{Connection, OptionalExtension, params};

/// The place of a name of an agent, group or source; made when it is new.
pub(in crate::store) fn word(connection: &Connection, word: &str) -> Result<i64, rusqlite::Error> {
    if let Some(id) = known_word(connection, word)? {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO words (word) VALUES (?1)")?
        .execute(params![word])?;
    Ok(connection.last_insert_rowid())
}

/// The place of a name, when it was ever met.
pub(in crate::store) fn known_word(
    connection: &Connection,
    word: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT id FROM words WHERE word = ?1")?
        .query_row(params![word], |row| row.get(0))
        .optional()
}

/// The place of a number; made when it is new.
pub(in crate::store) fn number(connection: &Connection, number: &str) -> Result<i64, rusqlite::Error> {
    if let Some(id) = known_number(connection, number)? {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO numbers (number) VALUES (?1)")?
        .execute(params![number])?;
    let id = connection.last_insert_rowid();
    write_line(connection, id, number)?;
    Ok(id)
}

/// The place of a number, when it was ever met.
pub(in crate::store) fn known_number(
    connection: &Connection,
    number: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT id FROM numbers WHERE number = ?1")?
        .query_row(params![number], |row| row.get(0))
        .optional()
}

/// Forgets a number that no record has any more.
pub(in crate::store) fn forget_number(connection: &Connection, id: i64) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM numbers WHERE id = ?1")?
        .execute(params![id])?;
    write_line(connection, id, "")
}

const LINES: i64 = 256;

/// Writes a number, or nothing, into its line of its page.
fn write_line(connection: &Connection, id: i64, number: &str) -> Result<(), rusqlite::Error> {
    let (page, line) = ((id - 1) / LINES, usize::try_from((id - 1) % LINES).unwrap_or(0));
    let text: Option<String> = connection
        .prepare_cached("SELECT numbers FROM number_pages WHERE page = ?1")?
        .query_row(params![page], |row| row.get(0))
        .optional()?;
    let mut lines: Vec<&str> = text
        .as_deref()
        .map_or(Vec::new(), |text| text.split('\n').collect());
    lines.resize(lines.len().max(line + 1), "");
    let number = number.replace('\n', " ");
    if let Some(place) = lines.get_mut(line) {
        *place = &number;
    }
    connection
        .prepare_cached(
            "INSERT INTO number_pages (page, numbers) VALUES (?1, ?2)
             ON CONFLICT (page) DO UPDATE SET numbers = excluded.numbers",
        )?
        .execute(params![page, lines.join("\n")])?;
    Ok(())
}

/// Where in a number the wanted digits have to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum At {
    /// At its beginning.
    Start,
    /// At its end.
    End,
    /// Anywhere.
    Anywhere,
}

/// The places of all numbers that have `part` there.
pub(in crate::store) fn numbers_with(
    connection: &Connection,
    part: &str,
    at: At,
) -> Result<Vec<i64>, rusqlite::Error> {
    let finder = memmem::Finder::new(part.as_bytes());
    let mut ids = Vec::new();
    let mut select = connection.prepare_cached("SELECT page, numbers FROM number_pages ORDER BY page")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let page: i64 = row.get(0)?;
        let text = row.get_ref(1)?.as_str().unwrap_or_default();
        // Most pages have nothing: one look at the whole text says so.
        if finder.find(text.as_bytes()).is_none() {
            continue;
        }
        for (line, number) in (0..).zip(text.split('\n')) {
            let fits = match at {
                At::Start => number.starts_with(part),
                At::End => number.ends_with(part),
                At::Anywhere => finder.find(number.as_bytes()).is_some(),
            };
            if fits && !number.is_empty() {
                ids.push(page * LINES + line + 1);
            }
        }
    }
    Ok(ids)
}
