use super::Shared;
use super::input::{self, JsonBody, Params};
use crate::connectors::onepos::Step;
use crate::connectors::sync::{DeskError, Patch, SourceView, StartError, SyncDesk, Wish};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// `GET /api/v1/cdr/sources`: every PBX whose records are fetched. At the first look there is a sample, inactive.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let items = reception.faces.sync.sources().await.map_err(problem)?;
    Ok(Json(json!({ "items": items })).into_response())
}

/// `GET /api/v1/cdr/sources/{id}`: one of them, with its next five runs, its schedule in words, and the causes that
/// fit when no data comes or the schedule does not run.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let desk = &reception.faces.sync;
    let source = desk.source(&id).await.map_err(problem)?;
    let advice = desk.advice(&id).await.map_err(problem)?;
    let words = |language| desk.describe(&source.cron_expression, language).ok();
    let told = json!({
        "next_runs": desk.next_runs(&source.cron_expression, NEXT_RUNS).unwrap_or_default(),
        "schedule_in_words": { "en": words("en"), "ar": words("ar"), "vi": words("vi") },
        "advice": advice,
    });
    Ok(Json(with(&source, told)).into_response())
}

/// How many coming runs are shown.
const NEXT_RUNS: usize = 5;

/// `POST /api/v1/cdr/sources`: 201 with the new source; when it is active, the steps of a test beside it.
pub(super) async fn create(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    JsonBody(patch): JsonBody<Patch>,
) -> Result<Response, Problem> {
    let desk = &reception.faces.sync;
    let source = desk.create(patch, &visitor.name).await.map_err(problem)?;
    tracing::info!(source = %source.name, by = %visitor.name, "The PBX source {} was made by {}.", source.name, visitor.name);
    let probe = probe(desk, &source, true).await;
    Ok((StatusCode::CREATED, Json(with(&source, probe))).into_response())
}

/// `PUT /api/v1/cdr/sources/{id}`: changes what the body names and nothing else. When the way to an active source
/// changed, the steps of a test come with the answer.
pub(super) async fn update(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(patch): JsonBody<Patch>,
) -> Result<Response, Problem> {
    let desk = &reception.faces.sync;
    let way_changed = patch.api_url.is_some()
        || patch.domain.is_some()
        || patch.api_key.is_some()
        || patch.allow_http.is_some()
        || patch.is_active.is_some();
    let source = desk.update(&id, patch, &visitor.name).await.map_err(problem)?;
    tracing::info!(source = %source.name, by = %visitor.name, "The PBX source {} was changed by {}.", source.name, visitor.name);
    let probe = probe(desk, &source, way_changed).await;
    Ok(Json(with(&source, probe)).into_response())
}

/// `DELETE /api/v1/cdr/sources/{id}`: 204; its records stay.
pub(super) async fn remove(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    reception
        .faces
        .sync
        .delete(&id, &visitor.name)
        .await
        .map_err(problem)?;
    tracing::info!(source = %id, by = %visitor.name, "The PBX source {id} was removed by {}.", visitor.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/cdr/sources/{id}/history`: who changed what, newest first.
pub(super) async fn history(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let items = reception.faces.sync.history(&id).await.map_err(problem)?;
    Ok(Json(json!({ "items": items })).into_response())
}

/// `POST /api/v1/cdr/sources/{id}/test`: DNS, TCP, TLS, auth, record; the failing step has its cause and cure.
pub(super) async fn test(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let steps = reception.faces.sync.test(&id).await.map_err(problem)?;
    Ok(Json(told(&steps)).into_response())
}

/// The body of the two ways to start a sync.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Range {
    source: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// `POST /api/v1/cdr/sources/{id}/sync`: 202 with the id of the sync in the log; 409 `already_running` while one is.
pub(super) async fn sync_one(
    State(reception): Shared,
    Path(id): Path<String>,
    JsonBody(range): JsonBody<Range>,
) -> Result<Response, Problem> {
    start(&reception.faces.sync, &id, &range).await
}

/// `POST /api/v1/cdr/sync`: the same; `source` is an id or a name and may be left out when there is one source.
pub(super) async fn sync(
    State(reception): Shared,
    JsonBody(range): JsonBody<Range>,
) -> Result<Response, Problem> {
    let desk = &reception.faces.sync;
    let chosen = chosen(desk, range.source.as_deref()).await?;
    start(desk, &chosen.id, &range).await
}

/// The source of this id or name, or the only one there is.
pub(super) async fn chosen(desk: &SyncDesk, wanted: Option<&str>) -> Result<SourceView, Problem> {
    let sources = desk.sources().await.map_err(problem)?;
    let chosen = match (wanted, sources.as_slice()) {
        (Some(wanted), all) => all
            .iter()
            .find(|source| source.id == wanted || source.name == wanted),
        (None, [only]) => Some(only),
        (None, []) => None,
        (None, _several) => {
            return Err(Problem::bad_request("`source` must name one of several sources."));
        }
    };
    chosen
        .cloned()
        .ok_or_else(|| Problem::not_found("There is no such source."))
}

async fn start(desk: &SyncDesk, id: &str, range: &Range) -> Result<Response, Problem> {
    let time =
        |name, text: &Option<String>| text.as_deref().map(|text| input::time_ms(name, text)).transpose();
    let wish = Wish {
        from_ms: time("from", &range.from)?,
        to_ms: time("to", &range.to)?,
        ..Wish::default()
    };
    if let (Some(from), Some(to)) = (wish.from_ms, wish.to_ms)
        && from > to
    {
        return Err(Problem::bad_request("`from` must not be after `to`."));
    }
    match desk.start(id, wish).await {
        Ok(log_id) => {
            let body = json!({ "log_id": log_id, "status": "running" });
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        Err(StartError::AlreadyRunning { log_id }) => Err(Problem::new(
            StatusCode::CONFLICT,
            "already_running",
            format!("A sync of this source is already running: {log_id}."),
        )),
        Err(StartError::Inactive) => Err(Problem::new(
            StatusCode::CONFLICT,
            "inactive",
            "The source is not active; activate it first.",
        )),
        Err(StartError::Desk(error)) => Err(problem(error)),
    }
}

/// The query of `GET /api/v1/cdr/schedule`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cron {
    cron: String,
    #[serde(default)]
    language: String,
}

/// `GET /api/v1/cdr/schedule?cron=…&language=…`: a schedule in words with its next five runs, or what is wrong with it;
/// for a form that checks while somebody writes.
pub(super) async fn schedule(
    State(reception): Shared,
    Params(asked): Params<Cron>,
) -> Result<Response, Problem> {
    let desk = &reception.faces.sync;
    let answer = match desk.describe(&asked.cron, &asked.language) {
        Ok(words) => json!({
            "valid": true,
            "words": words,
            "next_runs": desk.next_runs(&asked.cron, NEXT_RUNS).unwrap_or_default(),
        }),
        Err(error) => json!({ "valid": false, "error": error, "next_runs": [] }),
    };
    Ok(Json(answer).into_response())
}

async fn probe(desk: &SyncDesk, source: &SourceView, way_changed: bool) -> serde_json::Value {
    if !source.is_active || !way_changed {
        return json!({});
    }
    match desk.test(&source.id).await {
        Ok(steps) => json!({ "test": told(&steps) }),
        Err(error) => {
            json!({ "test": { "ok": false, "failing_step": null, "steps": [], "error": error.to_string() } })
        }
    }
}

fn told(steps: &[Step]) -> serde_json::Value {
    let failing = steps.iter().find(|step| step.ok == Some(false));
    json!({
        "ok": failing.is_none(),
        "failing_step": failing.map(|step| step.step),
        "steps": steps,
    })
}

/// A source with more beside it.
fn with(source: &SourceView, more: serde_json::Value) -> serde_json::Value {
    let mut all = serde_json::to_value(source).unwrap_or_default();
    if let (Some(all), serde_json::Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

/// What the desk says, as an answer.
pub(super) fn problem(error: DeskError) -> Problem {
    let words = error.to_string();
    match error {
        DeskError::NotFound => Problem::not_found("There is nothing with this id."),
        DeskError::FromFile => Problem::new(
            StatusCode::CONFLICT,
            "from_file",
            "This source stands in the configuration file and is changed there.",
        ),
        DeskError::Taken(_) => Problem::new(StatusCode::CONFLICT, "taken", words),
        DeskError::Faults(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_source", words),
        DeskError::Store(error) => {
            tracing::warn!(%error, "The store could not answer a request.");
            Problem::try_later(
                "store_unavailable",
                "The store could not answer; the log has the reason.",
            )
        }
    }
}
