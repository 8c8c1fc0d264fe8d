use super::Shared;
use super::input::{self, JsonBody};
use crate::engine::{CallView, Command, Snapshot};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::model::{CallId, Number, RecordAction, TransferKind};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// `GET /api/v1/calls`: the live calls, oldest first.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    Ok(Json(json!({ "items": snapshot.calls, "at": snapshot.at })).into_response())
}

/// `GET /api/v1/calls/{id}`: one live call.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    Ok(Json(find(&snapshot, &id)?).into_response())
}

/// `POST /api/v1/calls/{id}/hangup`: 202, the call ends in a moment.
pub(super) async fn hang_up(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let call = find(&snapshot, &id)?.call_id;
    reception.command(Command::HangUp(call))?;
    tracing::info!(%call, by = %visitor.name, "Call {call} is hung up by {}.", visitor.name);
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "call_id": call, "stage": "ending" })),
    )
        .into_response())
}

/// The body of `POST /api/v1/calls/{id}/transfer`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Onward {
    to: String,
    #[serde(default)]
    kind: Option<String>,
}

/// Longest number a call is handed on to, in characters.
const MAX_NUMBER: usize = 64;

/// `POST /api/v1/calls/{id}/transfer`: 202, the call is handed on in a moment. `blind` rings the number; `attended`
/// joins the call with the one in which its agent talks with that number now.
pub(super) async fn transfer(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Onward>,
) -> Result<Response, Problem> {
    let word = wanted.kind.as_deref().unwrap_or("blind");
    let kind: TransferKind = input::word("kind", word, &["blind", "attended"])?;
    let to = wanted.to.trim();
    let is_number = !to.is_empty() && to.chars().count() <= MAX_NUMBER && !to.contains(char::is_control);
    if !is_number {
        return Err(Problem::bad_request(format!(
            "`to` must be a number or name of 1 to {MAX_NUMBER} characters."
        )));
    }
    let snapshot = reception.snapshot().await?;
    let call = talking(&snapshot, &id)?;
    if kind == TransferKind::Attended && !is_consulting(&snapshot, call, to) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no_consultation",
            "The agent of this call does not talk with that number in another call. Ask first, or use `blind`.",
        ));
    }
    let (call, to) = (call.call_id, Number::from(to));
    tracing::info!(%call, %word, by = %visitor.name, "Call {call} is transferred by {}.", visitor.name);
    let body = json!({ "call_id": call, "to": to, "kind": word });
    reception.command(Command::Transfer { call, to, kind })?;
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// `POST /api/v1/calls/{id}/hold`: 202, the two no longer hear each other in a moment.
pub(super) async fn hold(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let call = talking(&snapshot, &id)?.call_id;
    reception.command(Command::Hold(call))?;
    tracing::info!(%call, by = %visitor.name, "Call {call} is held by {}.", visitor.name);
    let body = json!({ "call_id": call, "on_hold": true });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// `POST /api/v1/calls/{id}/resume`: 202, they hear each other again in a moment.
pub(super) async fn resume(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let call = talking(&snapshot, &id)?.call_id;
    reception.command(Command::Resume(call))?;
    tracing::info!(%call, by = %visitor.name, "Call {call} is resumed by {}.", visitor.name);
    let body = json!({ "call_id": call, "on_hold": false });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// The body of `POST /api/v1/calls/{id}/record`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recording {
    action: String,
}

/// `POST /api/v1/calls/{id}/record`: 202, the recording starts, stops, pauses or resumes in a moment.
pub(super) async fn record(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Recording>,
) -> Result<Response, Problem> {
    let words = ["start", "stop", "pause", "resume"];
    let action: RecordAction = input::word("action", &wanted.action, &words)?;
    let snapshot = reception.snapshot().await?;
    let call = talking(&snapshot, &id)?;
    if action != RecordAction::Start && call.recording.is_none() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not_recorded",
            "This conversation is not being recorded now.",
        ));
    }
    let (call, by) = (call.call_id, visitor.name);
    tracing::info!(%call, by, word = wanted.action, "The recording of call {call}: {} by {by}.", wanted.action);
    reception.command(Command::Record { call, action, by })?;
    let body = json!({ "call_id": call, "action": wanted.action });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// A call in which two people talk; nothing else can be held or handed on.
pub(super) fn talking<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a CallView, Problem> {
    let call = find(snapshot, id)?;
    if call.stage == "talking" {
        return Ok(call);
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "not_talking",
        "Nobody talks in this call now. Try again once somebody has answered.",
    ))
}

/// Whether an agent of the call talks with this number in another one.
fn is_consulting(snapshot: &Snapshot, call: &CallView, to: &str) -> bool {
    let agents = || call.legs.iter().filter_map(|leg| leg.agent.as_ref());
    let others = snapshot
        .calls
        .iter()
        .filter(|other| other.call_id != call.call_id);
    let mut talking = others.filter(|other| other.stage == "talking");
    talking.any(|other| {
        let has_agent = other
            .legs
            .iter()
            .any(|leg| agents().any(|agent| leg.agent.as_ref() == Some(agent)));
        has_agent && other.legs.iter().any(|leg| leg.number == to)
    })
}

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a CallView, Problem> {
    let id = CallId(input::uuid(id)?);
    let call = snapshot.calls.iter().find(|call| call.call_id == id);
    call.ok_or_else(|| Problem::not_found("There is no live call with this id; it may have ended."))
}
