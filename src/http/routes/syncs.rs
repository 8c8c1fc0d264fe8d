use super::Shared;
use super::input::Params;
use super::sources::problem;
use crate::http::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// Entries in a page when the reader does not say.
const USUAL_LIMIT: u64 = 50;
/// Most entries in a page.
const MAX_LIMIT: u64 = 500;
/// Longest long poll.
const MAX_WAIT_SECONDS: u32 = 30;

/// The query of the two lists.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    source: Option<String>,
    page: Option<u64>,
    limit: Option<u64>,
}

impl Wanted {
    /// How many to pass over, and how many to show.
    fn place(&self) -> Result<(u64, u64), Problem> {
        let limit = self.limit.unwrap_or(USUAL_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Problem::bad_request(format!(
                "`limit` must be between 1 and {MAX_LIMIT}."
            )));
        }
        let page = self.page.unwrap_or(1);
        if page == 0 {
            return Err(Problem::bad_request("`page` counts from 1."));
        }
        Ok(((page - 1).saturating_mul(limit), limit))
    }

    fn about(&self, total: u64, limit: u64) -> serde_json::Value {
        json!({
            "current_page": self.page.unwrap_or(1),
            "total_pages": total.div_ceil(limit),
            "total_items": total,
        })
    }
}

/// `GET /api/v1/cdr/sync/logs`: syncs, newest first, by page number.
pub(super) async fn list(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let (skip, limit) = wanted.place()?;
    let found = reception
        .faces
        .sync
        .logs(wanted.source.as_deref(), skip, limit)
        .await
        .map_err(problem)?;
    let body = json!({ "items": found.items, "pagination": wanted.about(found.total, limit) });
    Ok(Json(body).into_response())
}

/// The query of `GET /api/v1/cdr/sync/logs/{id}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Patience {
    wait: Option<u32>,
}

/// `GET /api/v1/cdr/sync/logs/{id}`: one sync. With `wait`, the answer of a running one waits for its next page or its
/// end.
pub(super) async fn show(
    State(reception): Shared,
    Path(id): Path<String>,
    Params(patience): Params<Patience>,
) -> Result<Response, Problem> {
    let desk = &reception.faces.sync;
    let mut news = desk.progress();
    let log = desk.log(&id).await.map_err(problem)?;
    let wait = Duration::from_secs(patience.wait.unwrap_or(0).min(MAX_WAIT_SECONDS).into());
    if wait.is_zero() || log.completed_at.is_some() {
        return Ok(Json(log).into_response());
    }
    let progress = async {
        // Behind by too much counts as news too.
        while let Ok(progress) = news.recv().await {
            if progress.log_id == id {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(wait, progress).await;
    let log = desk.log(&id).await.map_err(problem)?;
    Ok(Json(log).into_response())
}

/// `GET /api/v1/cdr/sync/stats`: the figures of the page's cards.
pub(super) async fn stats(State(reception): Shared) -> Result<Response, Problem> {
    let stats = reception.faces.sync.stats().await.map_err(problem)?;
    Ok(Json(stats).into_response())
}

/// `GET /api/v1/cdr/quarantine`: rows of a PBX that could not be taken over, with the reason of each.
pub(super) async fn quarantine(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let (skip, limit) = wanted.place()?;
    let found = reception
        .faces
        .sync
        .quarantine(wanted.source.as_deref(), skip, limit)
        .await
        .map_err(problem)?;
    let body = json!({ "items": found.items, "pagination": wanted.about(found.total, limit) });
    Ok(Json(body).into_response())
}
