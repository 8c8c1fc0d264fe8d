//! One fetch: page after page until the end, each in one transaction.

use super::range::Plan;
use super::record::Origin;
use super::view::Progress;
use crate::connectors::onepos::{Answer, Ask, Client, Trouble};
use crate::store::{Counts, Legs, Outcome, StoreError, SyncBook, SyncPage, SyncStatus};
use serde_json::json;
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// More rows than this in one fetch mean a PBX that never ends.
const MOST_ROWS: u64 = 20_000_000;

/// Everything one fetch needs.
pub(super) struct Fetch {
    pub(super) book: SyncBook,
    pub(super) client: Client,
    pub(super) origin: Origin,
    pub(super) log: String,
    pub(super) plan: Plan,
    pub(super) batch: u32,
    /// What is fetched whole after it, in ms since 1970.
    pub(super) covered: (i64, i64),
    /// Calls that began before this are not asked for again, in ms since 1970.
    pub(super) forget_before: i64,
    pub(super) progress: broadcast::Sender<Progress>,
    pub(super) stopped: watch::Receiver<bool>,
}

/// Why a fetch ends before its end.
enum Stop {
    /// The PBX or the way to it.
    Pbx { trouble: Trouble, at: Legs },
    /// What the PBX says makes no sense.
    Nonsense { reason: String, at: Legs },
    /// The store.
    Store(StoreError),
    /// The box stops; the next start goes on.
    Interrupted,
}

impl Fetch {
    /// Goes through the plan and writes down how it ended. Answers the error, when there was one.
    pub(super) async fn run(mut self) -> Option<String> {
        let mut counts = Counts::default();
        let result = self.all_legs(&mut counts).await;
        let outcome = match result {
            Ok(()) => Outcome {
                covered: Some(self.covered),
                forget_before: Some(self.forget_before),
                ..Outcome::default()
            },
            Err(stop) => outcome_of(stop),
        };
        let error = outcome.error.clone();
        let (book, log) = (self.book.clone(), self.log.clone());
        let written = tokio::task::spawn_blocking(move || book.finish(&log, outcome)).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!(source = %self.origin.name, "The end of a sync could not be written; the next start closes it.");
        }
        let status = if error.is_none() {
            SyncStatus::Success
        } else {
            SyncStatus::Error
        };
        self.tell(status, counts, 0, error.clone());
        error
    }

    async fn all_legs(&mut self, counts: &mut Counts) -> Result<(), Stop> {
        for leg in self.plan.legs.clone() {
            self.one_leg(leg, counts).await?;
        }
        Ok(())
    }

    /// The pages of one range. The end is an empty page, no `next_offset`, or a page with fewer rows than the fullest
    /// before it. A first page that is not full is no end yet: the PBX may allow smaller pages than were asked for.
    async fn one_leg(&mut self, leg: Legs, counts: &mut Counts) -> Result<(), Stop> {
        let mut at = leg;
        let mut fullest = 0;
        let mut last_page = Vec::new();
        loop {
            if *self.stopped.borrow() {
                return Err(Stop::Interrupted);
            }
            let page = self.page(at).await?;
            let rows = page.len();
            if rows == 0 {
                return Ok(());
            }
            let names: Vec<String> = page.rows.iter().map(|row| row.external_id.clone()).collect();
            let is_repeated = !names.is_empty() && names == last_page;
            let next = page.next_offset;
            let is_short = rows < usize::try_from(self.batch).unwrap_or(usize::MAX);
            if is_repeated {
                // A PBX that knows no offset answers the same page again and again.
                return if is_short {
                    Ok(())
                } else {
                    Err(nonsense("the PBX sent the same page twice", at))
                };
            }
            last_page = names;
            let taken = Legs {
                offset: at.offset.saturating_add(rows as u64),
                ..at
            };
            *counts = self
                .take_over(
                    page,
                    Legs {
                        offset: next.unwrap_or(taken.offset),
                        ..at
                    },
                )
                .await?;
            self.tell(SyncStatus::Running, *counts, at.offset, None);
            if counts.fetched > MOST_ROWS {
                return Err(nonsense("the PBX sends records without end", at));
            }
            let Some(next) = next.filter(|_| rows >= fullest) else {
                return Ok(());
            };
            if next <= at.offset {
                if is_short {
                    return Ok(());
                }
                let reason = format!(
                    "the PBX names offset {next} after offset {}: the fetch would never end",
                    at.offset
                );
                return Err(nonsense(&reason, at));
            }
            fullest = rows;
            at.offset = next;
        }
    }

    /// One page, asked for again after failures that pass.
    async fn page(&mut self, at: Legs) -> Result<Answer, Stop> {
        let ask = Ask {
            from_ms: at.from_ms,
            to_ms: at.to_ms,
            limit: self.batch,
            offset: at.offset,
        };
        let waits: Vec<Duration> = self.client.retries().to_vec();
        let mut waits = waits.into_iter();
        loop {
            let mut stopped = self.stopped.clone();
            let answer = tokio::select! {
                answer = self.client.page(ask) => answer,
                _ = stopped.wait_for(|stopped| *stopped) => return Err(Stop::Interrupted),
            };
            let trouble = match answer {
                Ok(page) => return Ok(page),
                Err(trouble) => trouble,
            };
            let (wait, asked) = match (&trouble, waits.next()) {
                (Trouble::Passing { asked, .. }, Some(wait)) => (wait, *asked),
                (Trouble::Passing { .. } | Trouble::Lasting { .. }, _) => {
                    return Err(Stop::Pbx { trouble, at });
                }
            };
            tracing::debug!(source = %self.origin.name, reason = trouble.reason(), "A page did not come; it is asked for again.");
            tokio::select! {
                () = tokio::time::sleep(asked.map_or(wait, |asked| asked.max(wait))) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return Err(Stop::Interrupted),
            }
        }
    }

    async fn take_over(&self, page: Answer, leg: Legs) -> Result<Counts, Stop> {
        let origin = self.origin.clone();
        let (book, log) = (self.book.clone(), self.log.clone());
        let done = tokio::task::spawn_blocking(move || {
            let page = SyncPage {
                log,
                source: origin.source.clone(),
                source_name: origin.name.clone(),
                site: origin.site.clone(),
                fetched: page.rows.into_iter().map(|row| origin.fetched(row)).collect(),
                rejected: page.bad.into_iter().map(|bad| origin.rejected(bad)).collect(),
                leg,
            };
            book.take_over(page)
        });
        match done.await {
            Ok(Ok(done)) => Ok(done.counts),
            Ok(Err(error)) => Err(Stop::Store(error)),
            Err(_ended) => Err(Stop::Store(StoreError::Closed)),
        }
    }

    fn tell(&self, status: SyncStatus, counts: Counts, offset: u64, error: Option<String>) {
        // Nobody may be listening.
        let _ = self.progress.send(Progress {
            log_id: self.log.clone(),
            source_id: self.origin.source.clone(),
            source: self.origin.name.clone(),
            status,
            counts,
            offset,
            error,
        });
    }
}

fn nonsense(reason: &str, at: Legs) -> Stop {
    Stop::Nonsense {
        reason: reason.to_owned(),
        at,
    }
}

fn outcome_of(stop: Stop) -> Outcome {
    let ended = |error: String, details: serde_json::Value, can_resume| Outcome {
        error: Some(error),
        details: Some(details.to_string()),
        can_resume,
        covered: None,
        forget_before: None,
    };
    match stop {
        Stop::Interrupted => ended(
            "interrupted".to_owned(),
            json!({ "cause": "the box was stopped while the fetch was running" }),
            true,
        ),
        Stop::Store(error) => ended(
            "the records could not be written; the log has the reason".to_owned(),
            json!({ "cause": "store", "reason": store_words(&error) }),
            true,
        ),
        Stop::Nonsense { reason, at } => {
            ended(reason, json!({ "cause": "paging", "offset": at.offset }), false)
        }
        Stop::Pbx { trouble, at } => {
            let (status, can_resume) = match &trouble {
                Trouble::Passing { .. } => (None, true),
                Trouble::Lasting { status, .. } => (*status, false),
            };
            let details = json!({ "cause": "pbx", "offset": at.offset, "status": status });
            ended(trouble.reason().to_owned(), details, can_resume)
        }
    }
}

/// Without what SQLite says: it may name paths.
fn store_words(error: &StoreError) -> &'static str {
    tracing::error!(%error, "A page of a sync could not be written: {error}.");
    match error {
        StoreError::Closed => "the store is closed",
        StoreError::NotWritten(_) => "the database cannot be written",
        StoreError::InUse { .. }
        | StoreError::File { .. }
        | StoreError::Database(_)
        | StoreError::Migration(_)
        | StoreError::Body(_) => "the database refused them",
    }
}
