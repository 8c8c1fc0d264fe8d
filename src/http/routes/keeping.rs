//! How long recordings stay on this box, and the places that copies of them go to.

use super::Shared;
use super::input::Params;
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::keeping::{Busy, KeepingDesk, StorageView};
use crate::store::StoreError;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// Recordings told one by one when nobody says.
const USUAL_LIMIT: usize = 50;
/// Most of them.
const MAX_LIMIT: usize = 1000;

/// The query of `GET /api/v1/recordings/retention`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    limit: Option<usize>,
}

/// `GET /api/v1/recordings/retention`: which rule takes what and when; nothing is taken.
pub(super) async fn preview(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL_LIMIT);
    if limit > MAX_LIMIT {
        return Err(Problem::bad_request(format!(
            "`limit` must be at most {MAX_LIMIT}."
        )));
    }
    let preview = look(&reception, move |desk| desk.preview(limit)).await?;
    Ok(Json(preview).into_response())
}

/// `POST /api/v1/recordings/retention/run`: recordings are looked through now, and what is due goes.
pub(super) async fn run(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    match reception.faces.keeping.run_now(&visitor.name) {
        Ok(()) => {
            tracing::info!(by = %visitor.name, "Recordings are looked through for {}.", visitor.name);
            Ok((StatusCode::ACCEPTED, Json(json!({ "asked": true }))).into_response())
        }
        Err(Busy) => Err(Problem::new(
            StatusCode::CONFLICT,
            "already_asked",
            "A look at the recordings is asked for already.",
        )),
    }
}

/// `GET /api/v1/storages`: every place that copies go to, and how far it is.
pub(super) async fn storages(State(reception): Shared) -> Result<Response, Problem> {
    let items = views(&reception).await?;
    Ok(Json(json!({ "items": items })).into_response())
}

/// `POST /api/v1/storages/{name}/retry`: what waits for the place is tried now, what failed for good too.
pub(super) async fn retry(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let asked = name.clone();
    let Some(recordings) = look(&reception, move |desk| desk.retry(&asked)).await? else {
        return Err(nowhere());
    };
    tracing::info!(storage = %name, by = %visitor.name, "Storage {name} is tried again for {}.", visitor.name);
    Ok(Json(json!({ "storage": name, "recordings": recordings })).into_response())
}

/// `POST /api/v1/storages/{name}/test`: writes, reads and deletes a small object there.
pub(super) async fn test(State(reception): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let mut random = [0; 8];
    reception.faces.outside.random(&mut random);
    let nonce = format!("{:016x}", u64::from_be_bytes(random));
    let tested = reception.faces.keeping.test(&name, &nonce).await;
    Ok(Json(tested.ok_or_else(nowhere)?).into_response())
}

/// Every place, for the status, the metrics and the page.
pub(in crate::http) async fn views(reception: &Reception) -> Result<Vec<StorageView>, Problem> {
    look(reception, KeepingDesk::storages).await
}

/// Asks the desk, which waits for the disk.
pub(in crate::http) async fn look<T: Send + 'static>(
    reception: &Reception,
    question: impl FnOnce(&KeepingDesk) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let desk = reception.faces.keeping.clone();
    match tokio::task::spawn_blocking(move || question(&desk)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(Problem::try_later(
            "store_busy",
            "The database cannot be asked now; try again in a moment.",
        )),
    }
}

fn nowhere() -> Problem {
    Problem::not_found("There is no storage with this name, or it is not enabled.")
}
