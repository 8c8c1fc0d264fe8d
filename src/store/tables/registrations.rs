use super::{from_body, to_body};
use crate::model::{Binding, Number};
use rusqlite::{Connection, OptionalExtension, params};

/// A phone registered or refreshed.
pub(in crate::store) fn bind(connection: &Connection, binding: &Binding) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO registrations (extension, contact, expires_ms, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (extension, contact) DO UPDATE SET expires_ms = excluded.expires_ms, body = excluded.body",
        )?
        .execute(params![
            binding.extension.as_str(),
            binding.contact,
            binding.expires_at_unix_ms,
            to_body(binding)?
        ])?;
    Ok(())
}

/// A phone unregistered or expired.
pub(in crate::store) fn unbind(
    connection: &Connection,
    extension: &Number,
    contact: &str,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM registrations WHERE extension = ?1 AND contact = ?2")?
        .execute(params![extension.as_str(), contact])?;
    Ok(())
}

/// The binding as it is stored.
pub(in crate::store) fn stored(
    connection: &Connection,
    extension: &Number,
    contact: &str,
) -> Result<Option<Binding>, rusqlite::Error> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM registrations WHERE extension = ?1 AND contact = ?2")?
        .query_row(params![extension.as_str(), contact], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|body| from_body("registrations", contact, &body)))
}

/// Forgets what has expired by this wall-clock time.
pub(in crate::store) fn expire(connection: &Connection, unix_ms: i64) -> Result<(), rusqlite::Error> {
    connection.execute(
        "DELETE FROM registrations WHERE expires_ms <= ?1",
        params![unix_ms],
    )?;
    Ok(())
}

/// Every stored binding.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<Binding>, rusqlite::Error> {
    let mut select =
        connection.prepare("SELECT contact, body FROM registrations ORDER BY extension, contact")?;
    let mut rows = select.query([])?;
    let mut bindings = Vec::new();
    while let Some(row) = rows.next()? {
        let (contact, body): (String, String) = (row.get(0)?, row.get(1)?);
        bindings.extend(from_body::<Binding>("registrations", &contact, &body));
    }
    Ok(bindings)
}
