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

/// The places of all numbers that have `part` there, ascending.
pub(in crate::store) fn numbers_with(
    connection: &Connection,
    part: &str,
    at: At,
) -> Result<Vec<i64>, rusqlite::Error> {
    if part.is_empty() {
        let mut select = connection.prepare_cached("SELECT id FROM numbers ORDER BY id")?;
        return select.query_map([], |row| row.get(0))?.collect();
    }
    if part.contains('\n') {
        return Ok(Vec::new());
    }
    let lines = Lines::with(part.as_bytes(), at);
    let mut ids = Vec::new();
    let mut select = connection.prepare_cached("SELECT page, numbers FROM number_pages ORDER BY page")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let page: i64 = row.get(0)?;
        let text = row.get_ref(1)?.as_bytes().unwrap_or_default();
        lines.each_in(text, |line| ids.push(page * LINES + line + 1));
    }
    Ok(ids)
}

/// The places of the numbers that begin with `part`, when there are at most `most`: they are neighbours in the index.
/// With more, nothing; then [`numbers_with`] is quicker.
pub(in crate::store) fn few_numbers_from(
    connection: &Connection,
    part: &str,
    most: usize,
) -> Result<Option<Vec<i64>>, rusqlite::Error> {
    let sql = "SELECT id FROM numbers WHERE number >= ?1 AND number <= ?2 LIMIT ?3";
    // Nothing that begins with the part sorts behind the part with the last character there is.
    let last = format!("{part}{}", char::MAX);
    let limit = i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(sql)?;
    let few = select
        .query_map(params![part, last, limit], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    Ok((few.len() <= most).then_some(few))
}

/// Finds lines of a page without taking the page apart.
struct Lines<'p> {
    part: &'p [u8],
    at: At,
    /// What is looked for: the part, with the end of the line before or behind it where that is asked for.
    finder: memmem::Finder<'static>,
}

impl<'p> Lines<'p> {
    fn with(part: &'p [u8], at: At) -> Self {
        let needle = match at {
            At::Start => [b"\n", part].concat(),
            At::End => [part, b"\n"].concat(),
            At::Anywhere => part.to_vec(),
        };
        Self {
            part,
            at,
            finder: memmem::Finder::new(&needle).into_owned(),
        }
    }

    /// The number of each line, from 0, ascending.
    fn each_in(&self, text: &[u8], mut found: impl FnMut(i64)) {
        let breaks = |text: &[u8]| i64::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(0);
        let (mut line, mut counted, mut last) = (0, 0, None);
        // Nothing stands before the first line and behind the last.
        if self.at == At::Start && text.starts_with(self.part) {
            found(0);
        }
        for hit in self.finder.find_iter(text) {
            let hit = if self.at == At::Start { hit + 1 } else { hit };
            line += breaks(text.get(counted..hit).unwrap_or_default());
            counted = hit;
            if last.replace(line) != Some(line) {
                found(line);
            }
        }
        if self.at == At::End && text.ends_with(self.part) {
            found(line + breaks(text.get(counted..).unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_page_is_searched_as_its_lines_are(
            numbers in prop::collection::vec("[01]{0,5}", 1..12),
            part in "[01]{1,3}",
        ) {
            let text = numbers.join("\n");
            for at in [At::Start, At::End, At::Anywhere] {
                let fits = |number: &&String| match at {
                    At::Start => number.starts_with(&part),
                    At::End => number.ends_with(&part),
                    At::Anywhere => number.contains(&part),
                };
                let lines = (0..).zip(&numbers).filter(|(_, number)| fits(number));
                let expected: Vec<i64> = lines.map(|(line, _)| line).collect();
                let mut found = Vec::new();
                Lines::with(part.as_bytes(), at).each_in(text.as_bytes(), |line| found.push(line));
                prop_assert_eq!(found, expected, "{:?}", at);
            }
        }
    }
}
