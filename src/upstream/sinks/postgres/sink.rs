use super::session::{Session, Trouble};
use super::sql::Sql;
use super::{Encryption, Section, place};
use crate::egress::Trust;
use crate::model::Secret;
use crate::store::OutboxItem;
use crate::upstream::Delivered;
use crate::upstream::sinks::line::{self, Address, in_time};
use crate::upstream::sinks::outcome::Outcome;
use crate::upstream::sinks::{SinkContext, Unready};
use std::ops::Range;
use std::time::Duration;
use tokio_postgres::config::SslMode;

/// Rows a statement.
const BATCH: usize = 1024;
/// The longest until a connection is ready: as everywhere, and the log-in and the preparing of a busy server.
const OPENING: Duration = Duration::from_secs(30);
/// The longest one statement may take.
const ANSWERING: Duration = Duration::from_secs(30);

/// Everything a connection needs to know.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) address: Address,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    pub(super) database: String,
    pub(super) encryption: Encryption,
    pub(super) trust: Trust,
    pub(super) create_table: bool,
    pub(super) sql: Sql,
}

impl Place {
    pub(super) fn settings(&self, context: &SinkContext) -> tokio_postgres::Config {
        let mut settings = tokio_postgres::Config::new();
        settings
            .user(&self.user)
            .dbname(&self.database)
            .application_name(["callpost ", &context.site].concat())
            .ssl_mode(match self.encryption {
                Encryption::Require => SslMode::Require,
                Encryption::Off => SslMode::Disable,
            });
        if let Some(password) = &self.password {
            settings.password(password.expose());
        }
        settings
    }
}

/// A destination of kind `postgres`.
#[derive(Debug)]
pub(in crate::upstream) struct Postgres {
    place: Place,
    context: SinkContext,
    session: Option<Session>,
}

impl Postgres {
    pub(in crate::upstream) fn new(
        name: &str,
        section: &Section,
        context: &SinkContext,
    ) -> Result<Self, Unready> {
        let sql = Sql::of(section).ok_or_else(|| "table is no name of a table".to_owned())?;
        let (address, user, database) = place(&section.url).map_err(|problem| format!("url {problem}"))?;
        let usual = if address.is_loopback() {
            Encryption::Off
        } else {
            Encryption::Require
        };
        let place = Place {
            trust: line::trust(name, section.ca_file.as_deref(), section.tls_pin.as_deref())?,
            address,
            user,
            password: section.password.clone(),
            database,
            encryption: section.tls.unwrap_or(usual),
            create_table: section.create_table,
            sql,
        };
        Ok(Self {
            place,
            context: context.clone(),
            session: None,
        })
    }

    pub(in crate::upstream) fn batch(&self) -> usize {
        BATCH
    }

    /// Writes them all in one statement. Where the database does not take a row, the batch is halved until that row
    /// stands alone.
    pub(in crate::upstream) async fn deliver(&mut self, batch: &[OutboxItem]) -> Delivered {
        let mut outcome = Outcome::default();
        // A stack: what comes first lies on top.
        let whole = 0..batch.len();
        let mut ranges = Vec::from([whole]);
        while let Some(range) = ranges.pop() {
            let Some(rows) = batch.get(range.clone()).filter(|rows| !rows.is_empty()) else {
                continue;
            };
            let reason = match self.write(rows).await {
                Ok(()) => {
                    rows.iter().for_each(|_row| outcome.done());
                    continue;
                }
                Err(Trouble::Row(reason)) => {
                    match rows {
                        [_alone] => outcome.never(reason),
                        _several => ranges.extend(halves(range)),
                    }
                    continue;
                }
                Err(Trouble::Whole(reason)) => reason,
                Err(Trouble::Closed) => "the connection broke".to_owned(),
            };
            self.session = None;
            outcome.stop(reason);
            break;
        }
        outcome.delivered()
    }

    /// A connection of earlier may have been ended by the other side since; then a new one is tried at once.
    async fn write(&mut self, rows: &[OutboxItem]) -> Result<(), Trouble> {
        if let Some(session) = self.session.take().filter(Session::is_open) {
            match self.write_on(session, rows).await {
                Err(Trouble::Closed) => {}
                result => return result,
            }
        }
        let opening = Session::open(&self.place, &self.context);
        let session = in_time(OPENING, "no connection in time", opening)
            .await
            .map_err(Trouble::Whole)?;
        self.write_on(session, rows).await
    }

    async fn write_on(&mut self, session: Session, rows: &[OutboxItem]) -> Result<(), Trouble> {
        let session = self.session.insert(session);
        let written = session.upsert(&self.context.appliance_id, rows);
        match tokio::time::timeout(ANSWERING, written).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Trouble::Whole("no answer in time".to_owned())),
        }
    }
}

/// The second half first, so that the first one is taken from the stack first.
fn halves(range: Range<usize>) -> [Range<usize>; 2] {
    let middle = range.start.midpoint(range.end);
    [middle..range.end, range.start..middle]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_halved_in_order() {
        assert_eq!(halves(0..5), [2..5, 0..2]);
        assert_eq!(halves(4..6), [5..6, 4..5]);
    }
}
