use super::Shared;
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use std::sync::Arc;

/// `POST /api/v1/upstreams/{name}/enable`: the destination is tried at once, also one that said it is gone.
pub(super) async fn enable(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let (destinations, asked) = (Arc::clone(&reception.faces.destinations), name.clone());
    match tokio::task::spawn_blocking(move || destinations.enable(&asked)).await {
        Ok(Ok(true)) => {
            tracing::info!(upstream = %name, by = %visitor.name, "Upstream {name} is enabled by {}.", visitor.name);
            Ok(Json(json!({ "upstream": name, "enabled": true })).into_response())
        }
        Ok(Ok(false)) => Err(Problem::not_found("There is no upstream with this name.")),
        Ok(Err(_)) | Err(_) => Err(unwritten()),
    }
}

/// `POST /api/v1/upstreams/{name}/accept-key`: the other TLS key that the destination showed is believed from now on.
pub(super) async fn accept_key(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let (destinations, asked) = (Arc::clone(&reception.faces.destinations), name.clone());
    match tokio::task::spawn_blocking(move || destinations.accept_key(&asked)).await {
        Ok(Ok(Some(pin))) => {
            let key = &pin.kept;
            tracing::warn!(
                upstream = %name, by = %visitor.name, key,
                "The new TLS key of upstream {name}, {key}, is accepted by {}.", visitor.name
            );
            Ok(Json(pin).into_response())
        }
        Ok(Ok(None)) => Err(Problem::not_found(
            "This upstream has shown no other key than the pinned one.",
        )),
        Ok(Err(_)) | Err(_) => Err(unwritten()),
    }
}

fn unwritten() -> Problem {
    Problem::try_later(
        "store_busy",
        "The database cannot be written now; try again in a moment.",
    )
}
