use super::{Shared, input};
use crate::engine::{CallView, Command, Snapshot};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::model::CallId;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
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

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a CallView, Problem> {
    let id = CallId(input::uuid(id)?);
    let call = snapshot.calls.iter().find(|call| call.call_id == id);
    call.ok_or_else(|| Problem::not_found("There is no live call with this id; it may have ended."))
}
