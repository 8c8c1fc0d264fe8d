use super::Shared;
use super::input::{self, JsonBody, Params};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::model::Stamp;
use crate::store::{Backlog, Deliveries, ParkedRecord, Reader, Replay, ReplayBegun, ReplayRange, StoreError};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Parked records in a page when nobody says.
const USUAL_LIMIT: usize = 100;
/// Most parked records in a page, and most named in one request.
const MAX_LIMIT: usize = 1000;
/// Longest reason for giving a record up, in characters.
const MAX_REASON: usize = 200;
/// After a failed step a replay goes on this much later.
const STEP_AGAIN: Duration = Duration::from_secs(1);

/// A destination with its replay.
#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    backlog: Backlog,
    replay: Option<ReplayView>,
}

/// A replay, under way or done.
#[derive(Serialize)]
struct ReplayView {
    from_seq: u64,
    to_seq: u64,
    from: Option<Stamp>,
    to: Option<Stamp>,
    /// `running` or `done`.
    state: &'static str,
    /// Records queued so far; those that waited already are not counted.
    queued: u64,
    /// How much of the range has been looked at, in percent.
    progress_percent: u64,
    asked_by: String,
    begun_at: Stamp,
    done_at: Option<Stamp>,
}

impl ReplayView {
    fn of(reception: &Reception, replay: &Replay) -> Self {
        let stamp = |ms| input::stamp(&reception.faces.zone, ms);
        let range = replay.range;
        let length = range.to_seq.saturating_sub(range.from_seq).saturating_add(1);
        let looked_at = replay.next_seq.saturating_sub(range.from_seq).min(length);
        Self {
            from_seq: range.from_seq,
            to_seq: range.to_seq,
            from: range.from_ms.map(stamp),
            to: range.to_ms.map(stamp),
            state: if replay.done_ms.is_some() {
                "done"
            } else {
                "running"
            },
            queued: replay.queued,
            progress_percent: looked_at.saturating_mul(100).checked_div(length).unwrap_or(100),
            asked_by: replay.asked_by.clone(),
            begun_at: stamp(replay.begun_ms),
            done_at: replay.done_ms.map(stamp),
        }
    }
}

/// `GET /api/v1/upstreams`: every destination ever named, how far it is behind, and its last replay.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let items = views(&reception).await?;
    Ok(Json(json!({ "items": items })).into_response())
}

/// `GET /api/v1/upstreams/{name}`.
pub(super) async fn show(State(reception): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let views = views(&reception).await?;
    let view = views.into_iter().find(|view| view.backlog.upstream == name);
    Ok(Json(view.ok_or_else(unknown)?).into_response())
}

async fn views(reception: &Reception) -> Result<Vec<View>, Problem> {
    let question = |reader: &Reader| -> Result<Vec<(Backlog, Option<Replay>)>, StoreError> {
        let backlog = reader.backlog()?;
        backlog
            .into_iter()
            .map(|one| {
                let replay = reader.replay(&one.upstream)?;
                Ok((one, replay))
            })
            .collect()
    };
    let found = reception.read(question).await?;
    Ok(found
        .into_iter()
        .map(|(backlog, replay)| View {
            replay: replay.map(|replay| ReplayView::of(reception, &replay)),
            backlog,
        })
        .collect())
}

fn unknown() -> Problem {
    Problem::not_found("There is no upstream of this name.")
}

/// The query of `GET /api/v1/upstreams/{name}/proof`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Range {
    from_seq: Option<u64>,
    to_seq: Option<u64>,
}

/// `GET /api/v1/upstreams/{name}/proof`: what became of every record of a range that was meant for this destination;
/// of all of them when no range is named.
pub(super) async fn proof(
    State(reception): Shared,
    Path(name): Path<String>,
    Params(range): Params<Range>,
) -> Result<Response, Problem> {
    let (from, to) = (range.from_seq.unwrap_or(1), range.to_seq.unwrap_or(u64::MAX));
    if from > to {
        return Err(Problem::bad_request(
            "`from_seq` must not be higher than `to_seq`.",
        ));
    }
    let proof = reception
        .read(move |reader| reader.proof(&name, from, to))
        .await?;
    Ok(Json(proof.ok_or_else(unknown)?).into_response())
}

/// The body of `POST /api/v1/upstreams/{name}/replay`: a range of `seq`, of times, or both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    from_seq: Option<u64>,
    to_seq: Option<u64>,
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

impl Wish {
    fn range(&self) -> Result<ReplayRange, Problem> {
        let time = |name, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| input::time_ms(name, text)).transpose()
        };
        let range = ReplayRange {
            from_seq: self.from_seq.unwrap_or(1),
            to_seq: self.to_seq.unwrap_or(u64::MAX),
            from_ms: time("from", &self.from)?,
            to_ms: time("to", &self.to)?,
        };
        if self.from_seq.is_none() && self.to_seq.is_none() && self.from.is_none() && self.to.is_none() {
            let cure = "Name a range: `from_seq` and `to_seq`, or the times `from` and `to`.";
            return Err(Problem::bad_request(cure));
        }
        let backwards = range.from_ms.zip(range.to_ms).is_some_and(|(from, to)| from > to);
        if range.from_seq > range.to_seq || backwards {
            return Err(Problem::bad_request("The range must not end before it begins."));
        }
        Ok(range)
    }
}

/// `POST /api/v1/upstreams/{name}/replay`: 202, the range goes to the destination again under the same ids. Records
/// that still wait for it are not queued twice. `dry_run` only counts.
pub(super) async fn replay(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    JsonBody(wish): JsonBody<Wish>,
) -> Result<Response, Problem> {
    let range = wish.range()?;
    let asked = name.clone();
    let counted = reception
        .read(move |reader| reader.count_replay(&asked, range))
        .await?;
    let (range, records) = counted.ok_or_else(unknown)?;
    if wish.dry_run || records == 0 {
        let body = json!({ "upstream": name, "from_seq": range.from_seq, "to_seq": range.to_seq,
                           "records": records, "queued": 0, "dry_run": wish.dry_run });
        return Ok(Json(body).into_response());
    }
    let (asked, by) = (name.clone(), visitor.name.clone());
    let begun = reception
        .deliveries(move |deliveries| begin(deliveries, &asked, range, &by))
        .await?;
    let replay = match begun {
        ReplayBegun::Now(replay) => {
            tracing::warn!(
                upstream = %name, from = range.from_seq, to = range.to_seq, by = %visitor.name,
                "Records {} to {} go to upstream {name} again, asked for by {}.",
                range.from_seq, range.to_seq, visitor.name
            );
            (reception.faces.wake)();
            if replay.done_ms.is_none() {
                carry_on_with(Arc::clone(&reception), name.clone());
            }
            replay
        }
        ReplayBegun::Already(replay) => replay,
        ReplayBegun::AnotherRuns(replay) => {
            let why = format!(
                "Records {} to {} are being queued for this upstream; ask again when that is done.",
                replay.range.from_seq, replay.range.to_seq
            );
            return Err(Problem::new(StatusCode::CONFLICT, "replay_running", why));
        }
        ReplayBegun::NoSuchUpstream => return Err(unknown()),
    };
    let view = ReplayView::of(&reception, &replay);
    let body = json!({ "upstream": name, "from_seq": view.from_seq, "to_seq": view.to_seq, "records": records,
                       "queued": view.queued, "state": view.state, "dry_run": false });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Begins a replay and queues its first lot, so that a short one is done with the answer.
fn begin(
    deliveries: &Deliveries,
    name: &str,
    range: ReplayRange,
    by: &str,
) -> Result<ReplayBegun, StoreError> {
    match deliveries.begin_replay(name, range, by)? {
        ReplayBegun::Now(replay) => {
            let first = deliveries.continue_replay(name)?;
            Ok(ReplayBegun::Now(first.unwrap_or(replay)))
        }
        begun @ (ReplayBegun::Already(_) | ReplayBegun::AnotherRuns(_) | ReplayBegun::NoSuchUpstream) => {
            Ok(begun)
        }
    }
}

/// Carries on with the replays that a stop has interrupted.
pub(in crate::http) fn carry_on(reception: &Arc<Reception>) {
    let reception = Arc::clone(reception);
    tokio::spawn(async move {
        let unfinished = reception.read(Reader::unfinished_replays).await;
        for name in unfinished.unwrap_or_default() {
            carry_on_with(Arc::clone(&reception), name);
        }
    });
}

/// Queues lot after lot, each in its own transaction, so that calls are filed in between.
fn carry_on_with(reception: Arc<Reception>, name: String) {
    tokio::spawn(async move {
        loop {
            let (deliveries, asked) = (reception.faces.deliveries.clone(), name.clone());
            let step = tokio::task::spawn_blocking(move || deliveries.continue_replay(&asked)).await;
            match step {
                Ok(Ok(Some(replay))) => {
                    (reception.faces.wake)();
                    if replay.done_ms.is_some() {
                        tracing::info!(upstream = %name, records = replay.queued, "A replay for {name} is queued.");
                        return;
                    }
                }
                Ok(Ok(None) | Err(StoreError::Closed)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(upstream = %name, %error, "A replay for {name} waits: {error}.");
                    tokio::time::sleep(STEP_AGAIN).await;
                }
            }
        }
    });
}

/// `POST /api/v1/upstreams/{name}/retry`: what waits for its next try is tried now.
pub(super) async fn retry(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let asked = name.clone();
    let hurried = reception
        .deliveries(move |deliveries| deliveries.retry_now(&asked))
        .await?;
    let hurried = hurried.ok_or_else(unknown)?;
    (reception.faces.wake)();
    tracing::info!(upstream = %name, by = %visitor.name, "Upstream {name} is tried now, asked for by {}.", visitor.name);
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "upstream": name, "hurried": hurried })),
    )
        .into_response())
}

/// The query of `GET /api/v1/upstreams/{name}/parked`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Page {
    after_seq: Option<u64>,
    limit: Option<usize>,
}

/// `GET /api/v1/upstreams/{name}/parked`: the records this destination will not take, oldest first, each with what it
/// said.
pub(super) async fn parked(
    State(reception): Shared,
    Path(name): Path<String>,
    Params(page): Params<Page>,
) -> Result<Response, Problem> {
    let limit = page.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "`limit` must be between 1 and {MAX_LIMIT}."
        )));
    }
    let after = page.after_seq.unwrap_or(0);
    let found = reception
        .read(move |reader| reader.parked(&name, after, limit + 1))
        .await?;
    let mut found = found.ok_or_else(unknown)?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let items: Vec<_> = found
        .iter()
        .map(|record| parked_view(&reception, record))
        .collect();
    Ok(Json(json!({ "items": items, "has_more": has_more })).into_response())
}

fn parked_view(reception: &Reception, record: &ParkedRecord) -> serde_json::Value {
    json!({
        "seq": record.seq,
        "attempts": record.attempts,
        "parked_at": input::stamp(&reception.faces.zone, record.parked_ms),
        "error": record.error,
        "record": record.cdr,
    })
}

/// Which parked records: some by number, or all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    seqs: Option<Vec<u64>>,
    #[serde(default)]
    all: bool,
    reason: Option<String>,
}

impl Chosen {
    fn seqs(&self) -> Result<Option<Vec<u64>>, Problem> {
        match (&self.seqs, self.all) {
            (Some(seqs), false) if (1..=MAX_LIMIT).contains(&seqs.len()) => Ok(Some(seqs.clone())),
            (None, true) => Ok(None),
            (Some(_), _) | (None, false) => Err(Problem::bad_request(format!(
                "Send `seqs` with 1 to {MAX_LIMIT} numbers, or `all`: true."
            ))),
        }
    }
}

/// `POST /api/v1/upstreams/{name}/parked/retry`: parked records are queued again as if they had never been tried.
pub(super) async fn retry_parked(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    JsonBody(chosen): JsonBody<Chosen>,
) -> Result<Response, Problem> {
    let seqs = chosen.seqs()?;
    let asked = name.clone();
    let queued = reception
        .deliveries(move |deliveries| in_lots(seqs, |seqs| deliveries.retry_parked(&asked, seqs)))
        .await?;
    let queued = queued.ok_or_else(unknown)?;
    (reception.faces.wake)();
    tracing::warn!(
        upstream = %name, records = queued, by = %visitor.name,
        "{queued} parked records go to upstream {name} again, asked for by {}.", visitor.name
    );
    Ok(Json(json!({ "upstream": name, "queued": queued })).into_response())
}

/// `POST /api/v1/upstreams/{name}/parked/drop`: parked records are given up, with the reason; the log and the proof of
/// delivery remember it.
pub(super) async fn drop_parked(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    JsonBody(chosen): JsonBody<Chosen>,
) -> Result<Response, Problem> {
    let seqs = chosen.seqs()?;
    let reason = chosen.reason.as_deref().map(str::trim).unwrap_or_default();
    if !(1..=MAX_REASON).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!(
            "Say why in `reason`, in at most {MAX_REASON} characters."
        )));
    }
    let (asked, by, why) = (name.clone(), visitor.name.clone(), reason.to_owned());
    let dropped = reception
        .deliveries(move |deliveries| in_lots(seqs, |seqs| deliveries.drop_parked(&asked, seqs, &by, &why)))
        .await?;
    let dropped = dropped.ok_or_else(unknown)?;
    tracing::warn!(
        upstream = %name, records = dropped, by = %visitor.name, reason,
        "{dropped} parked records of upstream {name} are given up by {}: {reason}", visitor.name
    );
    Ok(Json(json!({ "upstream": name, "dropped": dropped })).into_response())
}

/// Everything is done lot by lot, each in its own transaction; some named records are one lot.
fn in_lots(
    seqs: Option<Vec<u64>>,
    mut lot: impl FnMut(Option<Vec<u64>>) -> Result<Option<u64>, StoreError>,
) -> Result<Option<u64>, StoreError> {
    let all = seqs.is_none();
    let mut sum = 0;
    loop {
        let Some(done) = lot(seqs.clone())? else {
            return Ok(None);
        };
        sum += done;
        if !all || done < Deliveries::LOT as u64 {
            return Ok(Some(sum));
        }
    }
}
