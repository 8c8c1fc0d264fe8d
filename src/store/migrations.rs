//! The steps that bring a database to this version's shape: one file each, in this order, never changed once
//! released. A step only adds, so that the release before still opens what this one leaves.

use super::StoreError;
use rusqlite::{Connection, OptionalExtension};
use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/01-journal.sql")),
    M::up(include_str!("migrations/02-accounts.sql")),
    M::up(include_str!("migrations/03-journal.sql")),
    M::up(include_str!("migrations/04-consumers.sql")),
    M::up(include_str!("migrations/05-sync.sql")),
    M::up(include_str!("migrations/06-delivery.sql")),
    M::up(include_str!("migrations/07-journal.sql")),
    M::up(include_str!("migrations/08-seal.sql")),
    M::up(include_str!("migrations/09-keeping.sql")),
    M::up(include_str!("migrations/10-evidence.sql")),
    M::up(include_str!("migrations/11-messages.sql")),
    M::up(include_str!("migrations/12-lists.sql")),
    M::up(include_str!("migrations/13-people.sql")),
    M::up(include_str!("migrations/14-agents.sql")),
];

/// Takes the steps that are missing, each in its own transaction.
///
/// # Errors
/// When a step fails; the database is then as it was before that step.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    adopt(connection)?;
    if version(connection)? > STEPS.len() {
        // The next release was here: what it added is left alone.
        return Ok(());
    }
    Ok(Migrations::from_slice(STEPS).to_latest(connection)?)
}

/// How many steps this database has taken.
pub(super) fn version(connection: &Connection) -> Result<usize, rusqlite::Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(0))
}

/// The first databases kept their steps in a table of their own.
fn adopt(connection: &Connection) -> Result<(), rusqlite::Error> {
    let kept = "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    let is_old = connection
        .query_row(kept, [], |_row| Ok(()))
        .optional()?
        .is_some();
    if !is_old || version(connection)? > 0 {
        return Ok(());
    }
    let steps: i64 = connection.query_row(
        "SELECT ifnull(max(version), 0) FROM refinery_schema_history",
        [],
        |row| row.get(0),
    )?;
    connection.pragma_update(None, "user_version", steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    #[test]
    fn every_step_is_sound() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }

    #[test]
    fn a_database_of_the_next_release_is_left_as_it_is() {
        let mut connection = database();
        run(&mut connection).unwrap();
        connection.execute_batch("CREATE TABLE tomorrow (x)").unwrap();
        connection.pragma_update(None, "user_version", 1000).unwrap();
        run(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), 1000);
    }

    #[test]
    fn a_database_that_kept_its_steps_in_a_table_goes_on_from_there() {
        let mut connection = database();
        connection
            .execute_batch(include_str!("migrations/01-journal.sql"))
            .unwrap();
        connection
            .execute_batch(include_str!("migrations/02-accounts.sql"))
            .unwrap();
        connection
            .execute_batch(
                "CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY);
                 INSERT INTO refinery_schema_history VALUES (1), (2);",
            )
            .unwrap();
        run(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), STEPS.len());
    }
}
