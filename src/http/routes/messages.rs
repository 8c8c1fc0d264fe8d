use super::Shared;
use super::input::{self, JsonBody, Params};
use super::recordings;
use crate::engine::Command;
use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::model::{CallId, Language, MessageState, Number, RecordingId, Stamp, Transcript};
use crate::store::{MessageFilter, StoredMessage};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Messages in a page when the reader does not say.
const USUAL_LIMIT: usize = 50;
/// Most messages in a page.
const MAX_LIMIT: usize = 500;
/// Longest transcript a person writes, in characters.
const MOST_CHARACTERS: usize = 20_000;

/// The query of `GET /api/v1/messages`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    mailbox: Option<String>,
    state: Option<String>,
    limit: Option<usize>,
    before: Option<String>,
}

/// One message, as the API shows it.
#[derive(Serialize)]
struct Item {
    id: RecordingId,
    mailbox: String,
    state: MessageState,
    urgent: bool,
    call_id: CallId,
    left_at: Stamp,
    caller_number: Number,
    caller_name: Option<String>,
    duration_ms: u64,
    language: Option<Language>,
    transcript: Option<Transcript>,
    /// Where the sound is; `null` once the file is gone.
    audio_url: Option<String>,
}

fn item(stored: StoredMessage) -> Item {
    let StoredMessage {
        message,
        transcript,
        file_gone_ms,
    } = stored;
    Item {
        audio_url: file_gone_ms
            .is_none()
            .then(|| format!("/api/v1/messages/{}/audio", message.id)),
        id: message.id,
        mailbox: message.mailbox.to_string(),
        state: message.state,
        urgent: message.urgent,
        call_id: message.call_id,
        left_at: message.left_at,
        caller_number: message.caller_number,
        caller_name: message.caller_name,
        duration_ms: message.duration_ms,
        language: message.language,
        transcript,
    }
}

/// `GET /api/v1/messages`: newest first, those thrown away only when asked for; `before` is the last id of the page
/// before.
pub(super) async fn list(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let rule = format!("`limit` must be between 1 and {MAX_LIMIT}.");
        return Err(Problem::bad_request(rule));
    }
    let filter = MessageFilter {
        mailbox: parsed("mailbox", wanted.mailbox.as_deref())?,
        state: parsed("state", wanted.state.as_deref())?,
        before: match wanted.before.as_deref() {
            Some(id) => {
                Some(RecordingId(input::uuid(id).map_err(|_| {
                    Problem::bad_request("`before` must be the id of a message.")
                })?))
            }
            None => None,
        },
        limit: limit + 1,
    };
    let found = messages(&reception, move |messages| messages.list(&filter)).await?;
    let has_more = found.len() > limit;
    let items: Vec<Item> = found.into_iter().take(limit).map(item).collect();
    let next_before = items.last().filter(|_| has_more).map(|item| item.id);
    let page = json!({ "items": items, "has_more": has_more, "next_before": next_before });
    Ok(Json(page).into_response())
}

fn parsed<T: std::str::FromStr<Err = &'static str>>(
    key: &str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(|text| {
        text.parse()
            .map_err(|wrong| Problem::bad_request(format!("`{key}` is {wrong}.")))
    })
    .transpose()
}

/// `GET /api/v1/messages/{id}`.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(Json(item(known(&reception, &id).await?)).into_response())
}

/// The body of `POST /api/v1/messages/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    state: String,
}

/// `POST /api/v1/messages/{id}`: 202, the message is `saved` (or `heard`, which is the same), `new` again or `deleted`.
pub(super) async fn change(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Response, Problem> {
    let state: MessageState = change
        .state
        .parse()
        .map_err(|wrong| Problem::bad_request(format!("`state` is {wrong}.")))?;
    mark(&reception, &visitor, &id, state).await
}

/// `DELETE /api/v1/messages/{id}`: 202, the message is thrown away; its file goes within two hours, and what is known of
/// it stays.
pub(super) async fn remove(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    mark(&reception, &visitor, &id, MessageState::Deleted).await
}

async fn mark(
    reception: &Reception,
    visitor: &Visitor,
    id: &str,
    state: MessageState,
) -> Result<Response, Problem> {
    let stored = known(reception, id).await?;
    if stored.message.state == MessageState::Deleted && state != MessageState::Deleted {
        let rule = "It was thrown away, and only the phone that did so could have taken it back.";
        return Err(Problem::new(StatusCode::CONFLICT, "message_deleted", rule));
    }
    let id = stored.message.id;
    tracing::info!(message = %id, by = %visitor.name, "Message {id} is {state}, says {}.", visitor.name);
    reception.command(Command::MarkMessage(id, state))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "state": state }))).into_response())
}

/// The query of `GET /api/v1/messages/{id}/audio`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct How {
    download: Option<String>,
    peek: Option<String>,
}

/// `GET /api/v1/messages/{id}/audio`: the sound, whole or by Range. Whoever may mark messages has heard it then, unless
/// `?peek=1` says otherwise; `/recordings/{id}` never marks anything.
pub(super) async fn audio(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Params(how): Params<How>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stored = known(&reception, &id).await?;
    let message = stored.message;
    let answer = recordings::send(&reception, message.id, &headers, how.download.is_some()).await?;
    let hears = answer.status().is_success()
        && message.state == MessageState::New
        && how.peek.is_none()
        && visitor.scopes.allow(Scope::CallsControl)
        && begins(&headers);
    if hears {
        // A busy engine: the lamp stays lit, which is no reason to keep the sound back.
        let _ = reception.command(Command::MarkMessage(message.id, MessageState::Saved));
    }
    Ok(answer)
}

/// Whether the beginning is asked for: a player that looks at the end first has heard nothing yet.
fn begins(headers: &HeaderMap) -> bool {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    range.is_none_or(|range| range.trim_start().starts_with("bytes=0-"))
}

/// `GET /api/v1/messages/{id}/transcript`.
pub(super) async fn transcript(
    State(reception): Shared,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let stored = known(&reception, &id).await?;
    match stored.transcript {
        Some(transcript) => Ok(Json(transcript).into_response()),
        None => Err(Problem::not_found("Nobody has written this message down.")),
    }
}

/// The body of `PUT /api/v1/messages/{id}/transcript`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    text: String,
    #[serde(default)]
    language: Option<String>,
}

/// `PUT /api/v1/messages/{id}/transcript`: what the message says; the call's record gets a further version.
pub(super) async fn write_down(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(written): JsonBody<Written>,
) -> Result<Response, Problem> {
    let text = written.text.trim().to_owned();
    if text.is_empty() || text.chars().count() > MOST_CHARACTERS {
        let rule = format!("`text` must have 1 to {MOST_CHARACTERS} characters.");
        return Err(Problem::bad_request(rule));
    }
    if written
        .language
        .as_ref()
        .is_some_and(|language| language.len() > 16)
    {
        return Err(Problem::bad_request("`language` must be a tag such as `en`."));
    }
    let id = known(&reception, &id).await?.message.id;
    let transcript = Transcript {
        text,
        language: written.language,
        by: visitor.name.clone(),
    };
    let kept = transcript.clone();
    messages(&reception, move |messages| messages.transcribe(id, kept)).await?;
    Ok(Json(transcript).into_response())
}

async fn known(reception: &Reception, id: &str) -> Result<StoredMessage, Problem> {
    let id = RecordingId(input::uuid(id)?);
    let stored = messages(reception, move |messages| messages.one(id)).await?;
    stored.ok_or_else(|| Problem::not_found("There is no message with this id."))
}

async fn messages<T: Send + 'static>(
    reception: &Reception,
    question: impl FnOnce(&crate::store::Messages) -> Result<T, crate::store::StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let messages = reception.faces.messages.clone();
    reception.ask_store(move || question(&messages)).await
}
