use super::Shared;
use crate::engine::Command;
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::model::Mailbox;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

/// `GET /api/v1/mailboxes`: every box that has held a message.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    Ok(Json(json!({ "items": snapshot.mailboxes, "at": snapshot.at })).into_response())
}

/// `POST /api/v1/mailboxes/{name}/heard`: 202, every message in the box counts as listened to and the lamps go out.
pub(super) async fn heard(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let is_known = snapshot.mailboxes.iter().any(|own| own.mailbox == name);
    let mailbox = name.parse::<Mailbox>().ok().filter(|_| is_known);
    let mailbox = mailbox.ok_or_else(|| Problem::not_found("There is no box of this name with messages."))?;
    tracing::info!(%mailbox, by = %visitor.name, "The messages in {mailbox} are marked as heard by {}.", visitor.name);
    reception.command(Command::MailboxHeard(mailbox))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "mailbox": name }))).into_response())
}
