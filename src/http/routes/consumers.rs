use super::Shared;
use super::cdrs::{expired, read_cursor};
use super::input::{self, JsonBody};
use crate::http::cursor::Cursor;
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::model::Stamp;
use crate::store::{Acknowledged, Bounds, Consumer, Place, Reader, Seek, StoreError};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A reader that acknowledges, as the API and the status show it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ConsumerView {
    name: String,
    acked_seq: u64,
    pub(super) lag: u64,
    last_ack_at: Option<Stamp>,
    /// When the oldest record it has not acknowledged was filed.
    waiting_since: Option<Stamp>,
    created_at: Option<Stamp>,
    /// Whether retention waits for it.
    required: bool,
}

/// `GET /api/v1/consumers`: who acknowledges, how far each is, and how far behind.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let items = views(&reception).await?;
    Ok(Json(json!({ "items": items })).into_response())
}

/// Every reader, those included that are required and have never been heard of.
pub(super) async fn views(reception: &Reception) -> Result<Vec<ConsumerView>, Problem> {
    let question = |reader: &Reader| -> Result<(Vec<Consumer>, Bounds), StoreError> {
        Ok((reader.consumers()?, reader.bounds()?))
    };
    let (known, bounds) = reception.read(question).await?;
    let required = &reception.faces.required_consumers;
    let zone = &reception.faces.zone;
    let mut views: Vec<ConsumerView> = known
        .into_iter()
        .map(|one| ConsumerView {
            required: required.contains(&one.name),
            name: one.name,
            acked_seq: one.acked_seq,
            lag: one.lag,
            last_ack_at: one.last_ack_ms.map(|ms| input::stamp(zone, ms)),
            waiting_since: one.waiting_since_ms.map(|ms| input::stamp(zone, ms)),
            created_at: Some(input::stamp(zone, one.created_ms)),
        })
        .collect();
    for name in required {
        if !views.iter().any(|view| view.name == *name) {
            views.push(ConsumerView {
                name: name.clone(),
                acked_seq: 0,
                lag: bounds.latest_seq,
                last_ack_at: None,
                waiting_since: None,
                created_at: None,
                required: true,
            });
        }
    }
    Ok(views)
}

impl ConsumerView {
    /// Its name, for labels.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The body of `POST /api/v1/consumers/{name}/ack`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ack {
    cursor: String,
}

/// `POST /api/v1/consumers/{name}/ack`: everything up to the cursor is safe with this reader. Answered once that is on
/// disk; a cursor behind the last one changes nothing; a new name is a new reader.
pub(super) async fn acknowledge(
    State(reception): Shared,
    Path(name): Path<String>,
    JsonBody(ack): JsonBody<Ack>,
) -> Result<Response, Problem> {
    let name = input::name(&name)?;
    let cursor = read_cursor(&ack.cursor)?;
    let bounds = own(&reception, &cursor).await?;
    let done = reception
        .consumers(move |consumers| consumers.acknowledge(&name, cursor.seq))
        .await?;
    let place = settled(&reception, done, bounds)?;
    Ok(Json(json!({ "acked_seq": place.acked_seq, "lag": place.lag })).into_response())
}

/// A cursor into another store says nothing about this one.
async fn own(reception: &Reception, cursor: &Cursor) -> Result<Bounds, Problem> {
    let bounds = reception.read(Reader::bounds).await?;
    let epoch = reception.faces.reader.epoch();
    if cursor.epoch == epoch {
        Ok(bounds)
    } else {
        Err(expired(epoch, bounds))
    }
}

fn settled(reception: &Reception, done: Acknowledged, bounds: Bounds) -> Result<Place, Problem> {
    match done {
        Acknowledged::Stands(place) => Ok(place),
        Acknowledged::BeyondTheEnd => Err(expired(reception.faces.reader.epoch(), bounds)),
        Acknowledged::TooMany => Err(Problem::new(
            StatusCode::CONFLICT,
            "too_many_consumers",
            "There are as many consumers as this box keeps; delete one that is no longer used.",
        )),
    }
}

/// The body of `POST /api/v1/consumers/{name}/seek`: one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    cursor: Option<String>,
    seq: Option<u64>,
    time: Option<String>,
    to: Option<String>,
}

/// `POST /api/v1/consumers/{name}/seek`: moves a reader to a cursor, a `seq`, a time, the oldest or the latest record,
/// back as well. What lies before counts as acknowledged.
pub(super) async fn seek(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    JsonBody(target): JsonBody<Target>,
) -> Result<Response, Problem> {
    let name = input::name(&name)?;
    let to = target.understood(&reception).await?;
    let bounds = reception.read(Reader::bounds).await?;
    let moved = name.clone();
    let done = reception
        .consumers(move |consumers| consumers.seek(&moved, to))
        .await?;
    let place = settled(&reception, done, bounds)?;
    tracing::warn!(
        consumer = %name, seq = place.acked_seq, by = %visitor.name,
        "Consumer {name} is moved to record {} by {}.", place.acked_seq, visitor.name
    );
    let cursor = Cursor {
        epoch: reception.faces.reader.epoch().to_owned(),
        seq: place.acked_seq,
    };
    let body = json!({ "acked_seq": place.acked_seq, "lag": place.lag, "cursor": cursor.encode() });
    Ok(Json(body).into_response())
}

impl Target {
    async fn understood(self, reception: &Reception) -> Result<Seek, Problem> {
        let cure = "Send exactly one of `cursor`, `seq`, `time` and `to` (oldest or latest).";
        match self {
            Self {
                cursor: Some(word),
                seq: None,
                time: None,
                to: None,
            } => {
                let cursor = read_cursor(&word)?;
                own(reception, &cursor).await?;
                Ok(Seek::Seq(cursor.seq))
            }
            Self {
                cursor: None,
                seq: Some(seq),
                time: None,
                to: None,
            } => Ok(Seek::Seq(seq)),
            Self {
                cursor: None,
                seq: None,
                time: Some(time),
                to: None,
            } => input::time_ms("time", &time).map(Seek::Time),
            Self {
                cursor: None,
                seq: None,
                time: None,
                to: Some(to),
            } => match to.as_str() {
                "oldest" => Ok(Seek::Oldest),
                "latest" => Ok(Seek::Latest),
                _ => Err(Problem::bad_request(cure)),
            },
            Self { .. } => Err(Problem::bad_request(cure)),
        }
    }
}

/// `DELETE /api/v1/consumers/{name}`: retention and the lists no longer know this reader.
pub(super) async fn forget(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = input::name(&name)?;
    let gone = name.clone();
    let was_there = reception
        .consumers(move |consumers| consumers.forget(&gone))
        .await?;
    if !was_there {
        return Err(Problem::not_found("There is no consumer of this name."));
    }
    tracing::warn!(consumer = %name, by = %visitor.name, "Consumer {name} is deleted by {}.", visitor.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}
