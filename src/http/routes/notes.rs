use super::Shared;
use super::input::{self, JsonBody};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::model::{CallId, CallNote, Stamp};
use axum::Extension;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Longest note.
const MOST_CHARACTERS: usize = 2000;
/// Most notes of one record.
const MOST_NOTES: usize = 100;

/// The body of `POST /api/v1/cdrs/{id}/notes`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    text: String,
}

/// `POST /api/v1/cdrs/{id}/notes`: a person's words about a call; the record gets a new version. 201 with its `seq`.
pub(super) async fn add(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(note): JsonBody<Note>,
) -> Result<Response, Problem> {
    let id = CallId(input::uuid(&id)?);
    let text = note.text.trim().to_owned();
    if text.is_empty() || text.chars().count() > MOST_CHARACTERS {
        let rule = format!("`text` must have 1 to {MOST_CHARACTERS} characters.");
        return Err(Problem::bad_request(rule));
    }
    let (_, cdr) = reception
        .read(move |reader| reader.cdr(id))
        .await?
        .ok_or_else(|| Problem::not_found("There is no call record with this id."))?;
    if cdr.notes.len() >= MOST_NOTES {
        let rule = format!("This record has {MOST_NOTES} notes already.");
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_notes", rule));
    }
    let journal = reception.faces.journal.clone();
    let seq = reception
        .ask_store(move || {
            journal.amend(id, |cdr| {
                cdr.notes.push(text);
                true
            })
        })
        .await?
        .ok_or_else(|| Problem::not_found("There is no call record with this id."))?;
    tracing::info!(call = %id, by = %visitor.name, "{} wrote a note about call {id}.", visitor.name);
    Ok((StatusCode::CREATED, Json(json!({ "cdr_id": id, "seq": seq }))).into_response())
}

/// One detail of a call, as the API shows it.
#[derive(Serialize)]
struct Event<'a> {
    at: Stamp,
    offset_ms: u64,
    leg: Option<u32>,
    kind: crate::model::NoteKind,
    detail: &'a str,
}

/// `GET /api/v1/cdrs/{id}/events`: the course of a call, detail by detail, in the order it happened.
pub(super) async fn events(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = CallId(input::uuid(&id)?);
    let (notes, record) = reception
        .read(move |reader| Ok((reader.call_events(id)?, reader.cdr(id)?)))
        .await?;
    if notes.is_empty() && record.is_none() {
        return Err(Problem::not_found("There is no call with this id."));
    }
    let started = record.map(|(_, cdr)| cdr.started_at);
    let items: Vec<Event<'_>> = notes.iter().map(|note| event(note, started)).collect();
    Ok(Json(json!({ "call_id": id, "items": items })).into_response())
}

/// The record's start may have been mended since; how long after it something happened never is.
fn event(note: &CallNote, started: Option<Stamp>) -> Event<'_> {
    let offset = i64::try_from(note.offset_ms).unwrap_or(i64::MAX);
    let at = started.map_or(note.at, |started| Stamp {
        unix_ms: started.unix_ms.saturating_add(offset),
        ..started
    });
    Event {
        at,
        offset_ms: note.offset_ms,
        leg: note.leg.map(|leg| leg.0),
        kind: note.kind,
        detail: &note.detail,
    }
}
