//! One connection to the database: opened with the table made and the statement prepared, ended when it is idle.

use super::Encryption;
use super::columns::Columns;
use super::secured::Handshake;
use super::sink::Place;
use crate::egress::Author;
use crate::store::OutboxItem;
use crate::upstream::sinks::SinkContext;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Connection, Error, NoTls, Statement};

/// A connection nothing was sent on for so long is ended: a database counts every one of a thousand boxes, and most of
/// them have nothing to say most of the time.
const IDLE: Duration = Duration::from_secs(10);
/// Boxes that start together make the table one after another.
const MAKING: i64 = 0x0063_616c_6c70_6f73;

pub(super) struct Session {
    client: Client,
    upsert: Statement,
    busy: watch::Sender<bool>,
    driver: AbortHandle,
}

impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Session")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why rows were not taken.
#[derive(Debug)]
pub(super) enum Trouble {
    /// One of these rows will never be taken.
    Row(String),
    /// Nothing is taken now.
    Whole(String),
    /// The connection had ended before anything was sent.
    Closed,
}

impl Session {
    pub(super) async fn open(place: &Place, context: &SinkContext) -> Result<Self, String> {
        let address = &place.address;
        let stream = context
            .egress
            .connect(&address.host, address.port, Author::File)
            .await
            .map_err(|trouble| trouble.to_string())?;
        let (busy, is_busy) = watch::channel(true);
        let (client, driver) = match place.encryption {
            Encryption::Require => {
                let handshake = Handshake {
                    egress: context.egress.clone(),
                    host: address.host.clone(),
                    trust: place.trust.clone(),
                };
                let connected = place.settings(context).connect_raw(stream, handshake).await;
                let (client, connection) = connected.map_err(|error| in_plain_words(&error))?;
                (client, drive(connection, is_busy))
            }
            Encryption::Off => {
                let connected = place.settings(context).connect_raw(stream, NoTls).await;
                let (client, connection) = connected.map_err(|error| in_plain_words(&error))?;
                (client, drive(connection, is_busy))
            }
        };
        let prepared = prepare(&client, place).await;
        let upsert = prepared.inspect_err(|_| driver.abort())?;
        busy.send_replace(false);
        Ok(Self {
            client,
            upsert,
            busy,
            driver,
        })
    }

    /// Whether the connection still stands, as far as can be told from here.
    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Writes these rows in one round trip: all or none of them.
    pub(super) async fn upsert(&self, appliance_id: &str, rows: &[OutboxItem]) -> Result<(), Trouble> {
        let _busy = Busy::with(&self.busy);
        let columns = Columns::of(rows).map_err(Trouble::Row)?;
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&appliance_id];
        values.extend(columns.arrays());
        let written = self.client.execute(&self.upsert, &values).await;
        written.map(|_rows| ()).map_err(|error| {
            if error.is_closed() {
                Trouble::Closed
            } else if error.code().is_some_and(is_about_a_row) {
                Trouble::Row(in_plain_words(&error))
            } else {
                Trouble::Whole(in_plain_words(&error))
            }
        })
    }
}

/// While this lives the connection is not idle, however the work on it ends.
struct Busy<'s>(&'s watch::Sender<bool>);

impl<'s> Busy<'s> {
    fn with(busy: &'s watch::Sender<bool>) -> Self {
        busy.send_replace(true);
        Self(busy)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// Carries bytes until the connection ends or nothing was asked for a while.
fn drive<S, T>(connection: Connection<S, T>, mut is_busy: watch::Receiver<bool>) -> AbortHandle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let task = tokio::spawn(async move {
        tokio::pin!(connection);
        loop {
            let idle = !*is_busy.borrow_and_update();
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "A connection to PostgreSQL broke.");
                    }
                    return;
                }
                changed = is_busy.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep(IDLE), if idle => return,
            }
        }
    });
    task.abort_handle()
}

async fn prepare(client: &Client, place: &Place) -> Result<Statement, String> {
    let words = |error: Error| in_plain_words(&error);
    if place.create_table {
        // Somebody who may only write rows may not say CREATE … IF NOT EXISTS either, so it is asked first.
        let known = client
            .query_one(
                "SELECT to_regclass($1) IS NOT NULL AND ($2 = '' OR to_regclass($2) IS NOT NULL)",
                &[&place.sql.table, &place.sql.view],
            )
            .await
            .map_err(words)?;
        if !known.try_get::<_, bool>(0).map_err(words)? {
            make(client, place).await.map_err(words)?;
            // Not before PostgreSQL 14, and not in every build.
            let _ = client.batch_execute(&place.sql.pack_table).await;
            tracing::info!(table = %place.sql.table, "Table {} was made.", place.sql.table);
        }
    }
    client.prepare(&place.sql.upsert).await.map_err(words)
}

/// One transaction, one box at a time.
async fn make(client: &Client, place: &Place) -> Result<(), Error> {
    client.batch_execute("BEGIN").await?;
    client
        .execute("SELECT pg_advisory_xact_lock($1)", &[&MAKING])
        .await?;
    client.batch_execute(&place.sql.make_table).await?;
    if let Some(make_view) = &place.sql.make_view {
        client.batch_execute(make_view).await?;
    }
    client.batch_execute("COMMIT").await
}

/// A value the column does not take (class 22), a constraint (23), a row too long for an index (54).
fn is_about_a_row(state: &SqlState) -> bool {
    ["22", "23", "54"]
        .iter()
        .any(|class| state.code().starts_with(class))
}

/// What the server said, or else the innermost cause.
fn in_plain_words(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        return match told.detail() {
            Some(detail) => format!("the database says: {} ({detail})", told.message()),
            None => format!("the database says: {}", told.message()),
        };
    }
    if error.is_closed() {
        return "the connection broke".to_owned();
    }
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
