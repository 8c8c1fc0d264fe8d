use super::Shared;
use super::input::{self, Params};
use crate::http::cursor::Cursor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::model::{CallId, Cdr};
use crate::store::{CdrFilter, CdrPage, NumberMatch, Reader, StoreError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Records in a page when the reader does not say.
const USUAL_LIMIT: usize = 200;
/// Longest long poll.
const MAX_WAIT_SECONDS: u32 = 30;
/// Longest number to search for.
const MAX_NUMBER: usize = 64;

const STATUSES: [&str; 6] = ["ANSWER", "CANCELED", "BUSY", "NO_ANSWER", "FAILED", "VOICEMAIL"];
const DIRECTIONS: [&str; 3] = ["inbound", "outbound", "internal"];

/// The query of `GET /api/v1/cdrs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    after: Option<String>,
    limit: Option<usize>,
    wait: Option<u32>,
    from: Option<String>,
    to: Option<String>,
    status: Option<String>,
    direction: Option<String>,
    number: Option<String>,
    order: Option<String>,
}

#[derive(Serialize)]
struct Item {
    seq: u64,
    #[serde(flatten)]
    cdr: Cdr,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: String,
    has_more: bool,
    oldest_seq: Option<u64>,
    latest_seq: Option<u64>,
}

/// `GET /api/v1/cdrs`: records in ascending `seq` after a cursor; with `wait`, the answer waits until there is one.
/// `order=desc` shows the newest first and goes back in time.
pub(super) async fn list(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let wait = Duration::from_secs(wanted.wait.unwrap_or(0).min(MAX_WAIT_SECONDS).into());
    let cursor = wanted.after.as_deref().map(read_cursor).transpose()?;
    let filter = wanted.filter(cursor.as_ref())?;
    let deadline = tokio::time::Instant::now() + wait;
    let mut committed = reception.faces.committed.clone();
    loop {
        committed.mark_unchanged();
        let (epoch, page) = ask(&reception, filter.clone()).await?;
        check(cursor.as_ref(), &epoch, &page, filter.newest_first)?;
        let patient = !wait.is_zero() && !filter.newest_first && page.last_seq.is_none();
        let news = tokio::time::timeout_at(deadline, committed.changed());
        if !patient || !matches!(news.await, Ok(Ok(()))) {
            return Ok(Json(answer(epoch, page, filter.after)).into_response());
        }
    }
}

/// `GET /api/v1/cdrs/{id}`: the newest version of one record.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = CallId(input::uuid(&id)?);
    let found = reception.read(move |reader| reader.cdr(id)).await?;
    let (seq, cdr) = found.ok_or_else(|| Problem::not_found("There is no call record with this id."))?;
    Ok(Json(Item { seq, cdr }).into_response())
}

impl Wanted {
    fn filter(&self, cursor: Option<&Cursor>) -> Result<CdrFilter, Problem> {
        let most = CdrFilter::MOST;
        let limit = self.limit.unwrap_or(USUAL_LIMIT);
        if !(1..=most).contains(&limit) {
            return Err(Problem::bad_request(format!(
                "`limit` must be between 1 and {most}."
            )));
        }
        let newest_first = match self.order.as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Problem::bad_request("`order` must be asc or desc.")),
        };
        if self
            .number
            .as_ref()
            .is_some_and(|number| number.chars().count() > MAX_NUMBER)
        {
            return Err(Problem::bad_request(format!(
                "`number` must have at most {MAX_NUMBER} characters."
            )));
        }
        Ok(CdrFilter {
            after: cursor.map(|cursor| cursor.seq),
            limit,
            from_ms: self
                .from
                .as_deref()
                .map(|text| input::time_ms("from", text))
                .transpose()?,
            to_ms: self
                .to
                .as_deref()
                .map(|text| input::time_ms("to", text))
                .transpose()?,
            status: self
                .status
                .as_deref()
                .map(|text| input::word("status", text, &STATUSES))
                .transpose()?,
            direction: self
                .direction
                .as_deref()
                .map(|text| input::word("direction", text, &DIRECTIONS))
                .transpose()?,
            number: self
                .number
                .clone()
                .filter(|number| !number.is_empty())
                .map(NumberMatch::Exact),
            newest_first,
            ..CdrFilter::default()
        })
    }
}

fn read_cursor(word: &str) -> Result<Cursor, Problem> {
    let cure =
        "`after` must be a `next_cursor` of an earlier answer; leave it out to begin with the oldest record.";
    Cursor::decode(word).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "bad_cursor", cure))
}

async fn ask(reception: &Reception, filter: CdrFilter) -> Result<(String, CdrPage), Problem> {
    let question = move |reader: &Reader| -> Result<(String, CdrPage), StoreError> {
        Ok((reader.epoch().to_owned(), reader.cdrs(&filter)?))
    };
    reception.read(question).await
}

/// A cursor of a store that was lost or replaced, that lies in the future of a restored backup, or behind records that
/// are no longer kept, would silently skip records: its owner must know.
fn check(cursor: Option<&Cursor>, epoch: &str, page: &CdrPage, newest_first: bool) -> Result<(), Problem> {
    let Some(cursor) = cursor else { return Ok(()) };
    let pruned = !newest_first && cursor.seq.saturating_add(1) < page.oldest_seq.unwrap_or(0);
    if cursor.epoch == epoch && cursor.seq <= page.latest_seq.unwrap_or(0) && !pruned {
        return Ok(());
    }
    let cure = "This cursor's place is no longer in the store: the store was replaced or restored, or the records \
                after it are no longer kept. Begin again without `after`.";
    Err(Problem::new(StatusCode::GONE, "cursor_expired", cure))
}

fn answer(epoch: String, page: CdrPage, after: Option<u64>) -> Page {
    let seq = page.last_seq.or(after).unwrap_or(0);
    Page {
        next_cursor: Cursor { epoch, seq }.encode(),
        has_more: page.has_more,
        oldest_seq: page.oldest_seq,
        latest_seq: page.latest_seq,
        items: page
            .items
            .into_iter()
            .map(|(seq, cdr)| Item { seq, cdr })
            .collect(),
    }
}
