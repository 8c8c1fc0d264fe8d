use super::Shared;
use super::input::JsonBody;
use super::sources::{chosen, problem};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// `GET /api/v1/cdr/quarantine/{id}`: one row that could not be taken over, with everything that was kept of it.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let row = reception
        .faces
        .sync
        .quarantined(number(&id)?)
        .await
        .map_err(problem)?;
    Ok(Json(row).into_response())
}

/// `POST /api/v1/cdr/quarantine/{id}/retry`: looks at the row again; it becomes a record, or stays with its reason.
pub(super) async fn retry(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let released = reception
        .faces
        .sync
        .retry(number(&id)?, &visitor.name)
        .await
        .map_err(problem)?;
    Ok(Json(released).into_response())
}

/// Which rows; `source` may be left out when there is one source.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rows {
    source: Option<String>,
    up_to: Option<i64>,
}

/// `POST /api/v1/cdr/quarantine/retry`: looks at every row of a source again.
pub(super) async fn retry_all(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    JsonBody(rows): JsonBody<Rows>,
) -> Result<Response, Problem> {
    let desk = &reception.faces.sync;
    let source = chosen(desk, rows.source.as_deref()).await?;
    let released = desk.retry_all(&source.id, &visitor.name).await.map_err(problem)?;
    Ok(Json(released).into_response())
}

/// `DELETE /api/v1/cdr/quarantine/{id}`: 204; the row is gone, and comes back when the PBX sends it again.
pub(super) async fn discard(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    reception
        .faces
        .sync
        .discard(number(&id)?, &visitor.name)
        .await
        .map_err(problem)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/v1/cdr/quarantine/discard`: throws every row of a source away up to the id `up_to`, the newest seen.
pub(super) async fn discard_all(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    JsonBody(rows): JsonBody<Rows>,
) -> Result<Response, Problem> {
    let Some(up_to) = rows.up_to else {
        let what =
            "`up_to` must be the highest id you have seen, so that nothing goes that nobody looked at.";
        return Err(Problem::bad_request(what));
    };
    let desk = &reception.faces.sync;
    let source = chosen(desk, rows.source.as_deref()).await?;
    let gone = desk
        .discard_all(&source.id, up_to, &visitor.name)
        .await
        .map_err(problem)?;
    Ok(Json(json!({ "discarded": gone })).into_response())
}

fn number(id: &str) -> Result<i64, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found("There is nothing with this id."))
}
