use super::Shared;
use crate::engine::Snapshot;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// `GET /health`: whether calls can be served, for load balancers, watchdogs and people in a hurry. Open to all.
pub(super) async fn show(State(reception): Shared) -> Response {
    let snapshot = reception.recent_snapshot().await;
    let faces = &reception.faces;
    let mut reasons = faces.health.look().troubles;
    match snapshot.as_deref() {
        None => reasons.push("The call engine does not answer.".to_owned()),
        Some(snapshot) if !snapshot.accepting_calls => reasons.push(
            "New calls are not let in: the box is shutting down, or its journal cannot be written."
                .to_owned(),
        ),
        Some(_) => {}
    }
    let since_start = faces
        .outside
        .now()
        .saturating_duration_since(reception.started_at)
        .as_secs();
    let mut body = json!({
        "status": if reasons.is_empty() { "ok" } else { "unavailable" },
        "service": "callpost",
        "version": faces.version,
        "uptime_seconds": snapshot.as_deref().map_or(since_start, |snapshot| snapshot.uptime_seconds),
        "connected": snapshot.as_deref().is_some_and(is_connected),
        "timestamp": faces.outside.wall(),
    });
    if reasons.is_empty() {
        return Json(body).into_response();
    }
    body["reasons"] = reasons.into();
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// Whether somebody outside can reach us: a trunk that answers, or no trunk to wait for.
fn is_connected(snapshot: &Snapshot) -> bool {
    snapshot.trunks.is_empty() || snapshot.trunks.iter().any(|trunk| trunk.state == "up")
}
