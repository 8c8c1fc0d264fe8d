use super::Shared;
use crate::engine::{Command, Source};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

/// `GET /api/v1/bans`: the addresses that are shut out, the latest first.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    Ok(Json(json!({ "items": snapshot.bans, "at": snapshot.at })).into_response())
}

/// `DELETE /api/v1/bans/{address}`: 204, the address is let in again in a moment. Any address of a banned IPv6 network
/// names it.
pub(super) async fn lift(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(address): Path<String>,
) -> Result<Response, Problem> {
    let source: Source = address
        .parse()
        .map_err(|problem| Problem::bad_request(format!("{problem}.")))?;
    let name = source.to_string();
    let snapshot = reception.snapshot().await?;
    if !snapshot.bans.iter().any(|ban| ban.address == name) {
        return Err(Problem::not_found("This address is not shut out."));
    }
    reception.command(Command::LiftBan(source))?;
    tracing::info!(address = %name, by = %visitor.name, "{name} is let in again by {}.", visitor.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}
