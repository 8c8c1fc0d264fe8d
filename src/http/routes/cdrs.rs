use super::Shared;
use super::input::{self, Params};
use super::narrow::Narrow;
use crate::http::cursor::Cursor;
use crate::http::people::Digest;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::model::{CallId, Cdr};
use crate::store::{Bounds, CdrFilter, CdrPage, Reader, StoreError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Records in a page when the reader does not say.
const USUAL_LIMIT: usize = 200;
/// Longest long poll.
const MAX_WAIT_SECONDS: u32 = 30;

/// The query of `GET /api/v1/cdrs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    after: Option<String>,
    consumer: Option<String>,
    limit: Option<usize>,
    wait: Option<u32>,
    order: Option<String>,
    latest_only: Option<bool>,
    from: Option<String>,
    to: Option<String>,
    status: Option<String>,
    direction: Option<String>,
    number: Option<String>,
    number_match: Option<String>,
    agent: Option<String>,
    group: Option<String>,
    origin: Option<String>,
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

/// What the store answered, and where it began and ended then.
struct Looked {
    epoch: String,
    bounds: Bounds,
    page: CdrPage,
}

/// `GET /api/v1/cdrs`: records in ascending `seq` after a cursor; with `wait`, the answer waits until there is one.
/// `consumer` begins where that reader's last acknowledgement was. `order=desc` shows the newest first and goes back
/// in time.
pub(super) async fn list(
    State(reception): Shared,
    uri: Uri,
    headers: HeaderMap,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let wait = Duration::from_secs(wanted.wait.unwrap_or(0).min(MAX_WAIT_SECONDS).into());
    let cursor = start(&reception, &wanted).await?;
    let filter = wanted.filter(cursor.as_ref())?;
    let deadline = tokio::time::Instant::now() + wait;
    let mut committed = reception.faces.committed.clone();
    loop {
        committed.mark_unchanged();
        let looked = look(&reception, filter.clone()).await?;
        check(cursor.as_ref(), &looked, filter.newest_first)?;
        let patient = !wait.is_zero() && !filter.newest_first && looked.page.last_seq.is_none();
        let news = tokio::time::timeout_at(deadline, committed.changed());
        if !patient || !matches!(news.await, Ok(Ok(()))) {
            return Ok(answer(looked, &filter, &uri, &headers));
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
        let narrow = Narrow {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            status: self.status.as_deref(),
            direction: self.direction.as_deref(),
            number: self.number.as_deref(),
            number_match: self.number_match.as_deref(),
            agent: self.agent.as_deref(),
            group: self.group.as_deref(),
            origin: self.origin.as_deref(),
        };
        Ok(CdrFilter {
            after: cursor.map(|cursor| cursor.seq),
            limit,
            newest_first,
            latest_only: self.latest_only.unwrap_or(false),
            ..narrow.filter()?
        })
    }
}

/// Where to begin: after the cursor, after what the consumer has acknowledged, or with the oldest record.
async fn start(reception: &Reception, wanted: &Wanted) -> Result<Option<Cursor>, Problem> {
    match (&wanted.after, &wanted.consumer) {
        (Some(_), Some(_)) => Err(Problem::bad_request("Send `after` or `consumer`, not both.")),
        (Some(word), None) => read_cursor(word).map(Some),
        (None, None) => Ok(None),
        (None, Some(name)) => {
            let name = input::name(name)?;
            let question = move |reader: &Reader| -> Result<Option<Cursor>, StoreError> {
                let found = reader.consumers()?.into_iter().find(|one| one.name == name);
                Ok(found.filter(|one| one.acked_seq > 0).map(|one| Cursor {
                    epoch: reader.epoch().to_owned(),
                    seq: one.acked_seq,
                }))
            };
            reception.read(question).await
        }
    }
}

/// Reads a cursor, or says where to get one.
pub(super) fn read_cursor(word: &str) -> Result<Cursor, Problem> {
    let cure = "A cursor must be a `next_cursor` of an earlier answer; leave `after` out to begin with the oldest \
                record.";
    Cursor::decode(word).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "bad_cursor", cure))
}

async fn look(reception: &Reception, filter: CdrFilter) -> Result<Looked, Problem> {
    let question = move |reader: &Reader| -> Result<Looked, StoreError> {
        // Before the page: what was there then has been looked at when the page says that there is no more.
        let bounds = reader.bounds()?;
        Ok(Looked {
            epoch: reader.epoch().to_owned(),
            bounds,
            page: reader.cdrs(&filter)?,
        })
    };
    reception.read(question).await
}

/// A cursor of a store that was lost or replaced, that lies in the future of a restored backup, or behind records that
/// are no longer kept, would silently skip records: its owner must know.
fn check(cursor: Option<&Cursor>, looked: &Looked, newest_first: bool) -> Result<(), Problem> {
    let Some(cursor) = cursor else { return Ok(()) };
    let pruned = !newest_first && cursor.seq.saturating_add(1) < looked.bounds.oldest_seq;
    let beyond = cursor.seq > looked.bounds.latest_seq.max(looked.page.latest_seq.unwrap_or(0));
    if cursor.epoch == looked.epoch && !beyond && !pruned {
        return Ok(());
    }
    Err(expired(&looked.epoch, looked.bounds))
}

/// 410: the cursor's place is gone; the oldest one there is goes along.
pub(super) fn expired(epoch: &str, bounds: Bounds) -> Problem {
    let cure = "This cursor's place is no longer in the store: the store was replaced or restored, or the records \
                after it are no longer kept. Begin again with `oldest_cursor`, or without `after`.";
    let oldest = Cursor {
        epoch: epoch.to_owned(),
        seq: bounds.oldest_seq.saturating_sub(1),
    };
    Problem::new(StatusCode::GONE, "cursor_expired", cure)
        .with("error", "cursor_expired")
        .with("oldest_cursor", oldest.encode())
}

fn answer(looked: Looked, filter: &CdrFilter, uri: &Uri, headers: &HeaderMap) -> Response {
    let Looked { epoch, bounds, page } = looked;
    let mut seq = page.last_seq.or(filter.after).unwrap_or(0);
    if !filter.newest_first && !page.has_more {
        // Whatever the filter passed over need not be looked at again.
        seq = seq.max(bounds.latest_seq);
    }
    let next_cursor = Cursor { epoch, seq }.encode();
    let state = format!(
        "{uri} {next_cursor} {} {:?} {:?}",
        page.has_more, page.oldest_seq, page.latest_seq
    );
    let etag = format!(
        "\"{}\"",
        Digest::of(&state).to_hex().get(..32).unwrap_or_default()
    );
    let link = page.has_more.then(|| next_link(uri, &next_cursor));
    let mut response = if is_known(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let items = page.items.into_iter().map(|(seq, cdr)| Item { seq, cdr });
        Json(Page {
            next_cursor,
            has_more: page.has_more,
            oldest_seq: page.oldest_seq,
            latest_seq: page.latest_seq,
            items: items.collect(),
        })
        .into_response()
    };
    let head = response.headers_mut();
    let private = HeaderValue::from_static("private, no-cache");
    head.insert(header::CACHE_CONTROL, private);
    for (name, value) in [(header::ETAG, Some(etag)), (header::LINK, link)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            head.insert(name, value);
        }
    }
    response
}

/// If-None-Match (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    known.is_some_and(|known| {
        known
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == etag)
    })
}

/// Link (RFC 8288): the same question behind this page.
fn next_link(uri: &Uri, cursor: &str) -> String {
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !matches!(name, "after" | "consumer" | "wait")
    });
    let mut query: Vec<&str> = kept.collect();
    let after = format!("after={cursor}");
    query.push(&after);
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))
}
