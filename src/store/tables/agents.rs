use super::{from_body, to_body, unsigned};
use crate::model::{AgentId, KeptAgent};
use rusqlite::{Connection, OptionalExtension, params};

/// Every agent, by identity.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<KeptAgent>, rusqlite::Error> {
    let mut select = connection.prepare_cached("SELECT id, body FROM kept_agents ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut agents = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, body): (String, String) = (row.get(0)?, row.get(1)?);
        agents.extend(from_body::<KeptAgent>("kept_agents", &id, &body));
    }
    Ok(agents)
}

/// How many there are.
pub(in crate::store) fn count(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let count: i64 = connection.query_row("SELECT count(*) FROM kept_agents", [], |row| row.get(0))?;
    Ok(unsigned(count))
}

/// One of them.
pub(in crate::store) fn one(
    connection: &Connection,
    id: &AgentId,
) -> Result<Option<KeptAgent>, rusqlite::Error> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM kept_agents WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|body| from_body("kept_agents", id.as_str(), &body)))
}

/// Writes one down as it is now.
pub(in crate::store) fn put(connection: &Connection, agent: &KeptAgent) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO kept_agents (id, body) VALUES (?1, ?2)")?
        .execute(params![agent.written.id.as_str(), to_body(agent)?])?;
    Ok(())
}

/// Forgets one. False: there was none.
pub(in crate::store) fn remove(connection: &Connection, id: &AgentId) -> Result<bool, rusqlite::Error> {
    let gone = connection
        .prepare_cached("DELETE FROM kept_agents WHERE id = ?1")?
        .execute([id.as_str()])?;
    Ok(gone > 0)
}
