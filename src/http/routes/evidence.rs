//! Recordings as evidence: hold, redact, take away, encrypt anew, and prove that all of them are there.

use super::Shared;
use super::input::{self, JsonBody, Params};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::shelf::{Shelf, ShelfTrouble, Warrant};
use crate::model::RecordingId;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// The body of what is done for a reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    reason: String,
}

/// The query of `DELETE /api/v1/recordings/{id}`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WhyGone {
    reason: Option<String>,
}

/// The body of `POST /api/v1/recordings/{id}/redact`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    from: f64,
    to: f64,
    #[serde(default)]
    reason: Option<String>,
}

/// `GET /api/v1/recordings/{id}/history`: what was done to a recording, each entry bound to the one before by its hash.
pub(super) async fn history(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = RecordingId(input::uuid(&id)?);
    let known = reception.read(move |reader| reader.known_recording(id)).await?;
    let known = known.ok_or_else(unknown)?;
    let deeds = reception.read(move |reader| reader.recording_deeds(id)).await?;
    let copies = reception.read(move |reader| reader.copy_views(id)).await?;
    let body = json!({
        "id": id,
        "call_id": known.stored.row.call_id,
        "held_since": known.held_since,
        "removed_ms": known.removed_ms,
        "items": deeds,
        "copies": copies,
    });
    Ok(Json(body).into_response())
}

/// `POST /api/v1/recordings/{id}/hold`: no rule and nobody removes it until it is released.
pub(super) async fn hold(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(why): JsonBody<Why>,
) -> Result<Response, Problem> {
    set_hold(&reception, visitor, &id, why, true).await
}

/// `POST /api/v1/recordings/{id}/release`: the rules count again.
pub(super) async fn release(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(why): JsonBody<Why>,
) -> Result<Response, Problem> {
    set_hold(&reception, visitor, &id, why, false).await
}

async fn set_hold(
    reception: &Reception,
    visitor: Visitor,
    id: &str,
    why: Why,
    holds: bool,
) -> Result<Response, Problem> {
    let id = RecordingId(input::uuid(id)?);
    let warrant = warrant(visitor, Some(why.reason))?;
    let by = warrant.by.clone();
    let changed = ask(reception, move |shelf| shelf.hold(id, holds, &warrant)).await?;
    tracing::info!(recording = %id, by, holds, changed, "The legal hold of recording {id} was set to {holds} by {by}.");
    Ok(Json(json!({ "id": id, "held": holds, "changed": changed })).into_response())
}

/// `POST /api/v1/recordings/{id}/redact`: the span, in seconds from the beginning, is silent in both channels from now on.
pub(super) async fn redact(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(span): JsonBody<Span>,
) -> Result<Response, Problem> {
    let id = RecordingId(input::uuid(&id)?);
    let ms =
        |seconds: f64| (seconds.is_finite() && (0.0..1e6).contains(&seconds)).then_some(seconds * 1000.0);
    let (Some(from), Some(to)) = (ms(span.from), ms(span.to)) else {
        return Err(Problem::bad_request(
            "`from` and `to` must be seconds from the beginning.",
        ));
    };
    let span_ms = from.floor() as u64..to.ceil() as u64;
    if span_ms.is_empty() {
        return Err(Problem::bad_request("`to` must be later than `from`."));
    }
    let warrant = warrant(visitor, span.reason)?;
    let by = warrant.by.clone();
    let (before, after) = ask(&reception, move |shelf| shelf.redact(id, span_ms, &warrant)).await?;
    tracing::info!(recording = %id, by, "A span of recording {id} was silenced by {by}.");
    // Copies elsewhere wait for the new file from this moment on.
    let copies = reception.read(move |reader| reader.copy_views(id)).await?;
    reception.faces.keeping.hurry();
    let body = json!({
        "id": id,
        "from": span.from,
        "to": span.to,
        "sha256_before": before,
        "sha256": after,
        "copies": copies,
    });
    Ok(Json(body).into_response())
}

/// `DELETE /api/v1/recordings/{id}`: the file is gone for good; the row with its hash stays.
pub(super) async fn remove(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Params(why): Params<WhyGone>,
) -> Result<Response, Problem> {
    let id = RecordingId(input::uuid(&id)?);
    let warrant = warrant(visitor, why.reason)?;
    let by = warrant.by.clone();
    ask(&reception, move |shelf| shelf.remove(id, &warrant)).await?;
    tracing::info!(recording = %id, by, "Recording {id} was deleted by {by}.");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/v1/recordings/{id}/rekey`: encrypts it with the first key of `[recording] seal_key`.
pub(super) async fn rekey(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = RecordingId(input::uuid(&id)?);
    let warrant = warrant(visitor, None)?;
    let changed = ask(&reception, move |shelf| shelf.rekey(id, &warrant)).await?;
    Ok(Json(json!({ "id": id, "changed": changed })).into_response())
}

/// `POST /api/v1/recordings/verify`: begins a look at every recording; `GET` tells what the last one found.
pub(super) async fn begin_audit(State(reception): Shared) -> Result<Response, Problem> {
    if !reception.faces.shelf.begin_audit() {
        let why = "A look at the recordings is under way; ask for its outcome with GET.";
        return Err(Problem::new(StatusCode::CONFLICT, "already_running", why));
    }
    Ok((StatusCode::ACCEPTED, Json(json!({ "state": "running" }))).into_response())
}

/// `GET /api/v1/recordings/verify`: what the last look at every recording found.
pub(super) async fn audit(State(reception): Shared) -> Result<Response, Problem> {
    let found = reception.faces.shelf.audit();
    let found = found.ok_or_else(|| {
        Problem::not_found("Nobody has looked at the recordings since the start; begin with POST.")
    })?;
    Ok(Json(found).into_response())
}

fn warrant(visitor: Visitor, reason: Option<String>) -> Result<Warrant, Problem> {
    let reason = reason.unwrap_or_default().trim().to_owned();
    if reason.chars().count() > MAX_REASON || reason.contains(|letter: char| letter.is_control()) {
        return Err(Problem::bad_request(format!(
            "`reason` must be one line of at most {MAX_REASON} characters."
        )));
    }
    Ok(Warrant {
        by: visitor.name,
        reason,
    })
}

async fn ask<T: Send + 'static>(
    reception: &Reception,
    question: impl FnOnce(&dyn Shelf) -> Result<T, ShelfTrouble> + Send + 'static,
) -> Result<T, Problem> {
    let shelf = Arc::clone(&reception.faces.shelf);
    let answer = tokio::task::spawn_blocking(move || question(&*shelf)).await;
    let answer = answer.map_err(|_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
    answer.map_err(problem)
}

fn unknown() -> Problem {
    Problem::not_found("There is no recording with this id.")
}

/// A trouble as people and programs are told of it.
pub(super) fn problem(trouble: ShelfTrouble) -> Problem {
    match trouble {
        ShelfTrouble::Unknown => unknown(),
        ShelfTrouble::BeingWritten => Problem::new(
            StatusCode::CONFLICT,
            "being_written",
            "The recording is still being written; try again when its call has ended.",
        ),
        ShelfTrouble::Held { since } => Problem::new(
            StatusCode::CONFLICT,
            "legal_hold",
            format!("The recording is under legal hold since {since}; release it first."),
        ),
        ShelfTrouble::Gone => Problem::new(
            StatusCode::NOT_FOUND,
            "file_missing",
            "The recording's file is no longer there.",
        ),
        ShelfTrouble::NoKey(why) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_key",
            format!(
                "The recording cannot be opened: {why}. Put the key back as one line of that file and restart."
            ),
        ),
        ShelfTrouble::Refused(why) => Problem::bad_request(format!("This cannot be done: {why}.")),
        ShelfTrouble::Failed(why) => {
            tracing::error!(why, "A recording could not be changed: {why}.");
            Problem::try_later("not_done", format!("It could not be done: {why}."))
        }
    }
}
