//! The audit log: who changed, saw and heard what.

use super::Shared;
use super::input::Params;
use crate::http::problem::Problem;
use crate::store::AuditPage;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

/// Entries in a page when the reader does not say.
const USUAL_LIMIT: usize = 100;
/// Most entries in a page.
const MAX_LIMIT: usize = 1000;

/// The query of `GET /api/v1/audit`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    limit: Option<usize>,
    before: Option<u64>,
    after: Option<u64>,
}

/// `GET /api/v1/audit`: newest first, on from `before`; with `after`, oldest first behind that place.
pub(super) async fn list(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "`limit` must be between 1 and {MAX_LIMIT}."
        )));
    }
    let page = match (wanted.before, wanted.after) {
        (Some(_), Some(_)) => return Err(Problem::bad_request("Give `before` or `after`, not both.")),
        (before, None) => AuditPage::Before(before),
        (None, Some(after)) => AuditPage::After(after),
    };
    let mut items = reception
        .read(move |reader| reader.audit(page, limit + 1))
        .await?;
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|entry| entry.place);
    Ok(Json(json!({ "items": items, "has_more": has_more, "next": next })).into_response())
}

/// `GET /api/v1/audit/verify`: the whole chain computed anew.
pub(super) async fn verify(State(reception): Shared) -> Result<Response, Problem> {
    let report = reception.read(|reader| reader.check_audit()).await?;
    Ok(Json(json!({ "sound": report.broken_at.is_none(), "chain": report })).into_response())
}
