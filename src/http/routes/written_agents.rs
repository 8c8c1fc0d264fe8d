//! Agents as they are written down: made, changed, removed, given a new password.

use super::Shared;
use super::agents::told;
use super::input::JsonBody;
use crate::http::agent_book::{AgentBook, AgentCard, AgentOrder, AgentRefusal, AgentSource};
use crate::http::people::{Visitor, phone_password};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::model::{AgentId, Secret, WrittenAgent};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `POST /api/v1/agents`: 201 with the new agent. One whose phone registers here gets a password, unless the body brings
/// one; it is told in this answer and never again.
pub(super) async fn create(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    let (written, password) = read(body, None)?;
    let done = write(&reception, &visitor, written, password.into(), None).await?;
    let mut response = answer(&reception, StatusCode::CREATED, done).await;
    Ok({
        let id = response.1;
        let place = HeaderValue::try_from(format!("/api/v1/agents/{id}"));
        if let Ok(place) = place {
            response.0.headers_mut().insert(header::LOCATION, place);
        }
        response.0
    })
}

/// `PUT /api/v1/agents/{id}`: the agent is as the body says from now on; what it leaves out has its usual value. The
/// password stays, unless the body brings one or the extension is another; a new one is told in this answer. With
/// `If-Match` only when nobody else has changed the agent since.
pub(super) async fn update(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    let of_version = matched(&headers)?;
    let (written, password) = read(body, Some(&id))?;
    let done = write(&reception, &visitor, written, password.into(), Some(of_version)).await?;
    Ok(answer(&reception, StatusCode::OK, done).await.0)
}

/// The body of `POST /api/v1/agents/{id}/password`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewPassword {
    password: Option<Secret>,
}

/// `POST /api/v1/agents/{id}/password`: the phone's password is another one at once: the one of the body, or one that
/// is made here and told in this answer and never again. Phones with the old one are not registered any more.
pub(super) async fn set_password(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewPassword>,
) -> Result<Response, Problem> {
    let card = card(&reception, &id).await?;
    if card.source == AgentSource::File {
        return Err(refused(AgentRefusal::FromFile));
    }
    if !card.written.registers_here() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no_password",
            "The phone of this agent does not register here, so it needs no password.",
        ));
    }
    let password = body.password.map_or(PasswordWish::Make, PasswordWish::Take);
    let done = write(
        &reception,
        &visitor,
        card.written,
        password,
        Some(Some(card.version)),
    )
    .await?;
    Ok(answer(&reception, StatusCode::OK, done).await.0)
}

/// `DELETE /api/v1/agents/{id}`: 204. The phone is not registered any more; calls under way go on.
pub(super) async fn remove(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    take_out(&reception, &visitor, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What was written, and the password that was made for it.
pub(in crate::http) struct Written {
    pub(in crate::http) card: AgentCard,
    pub(in crate::http) password: Option<Secret>,
}

/// What is to be done about a phone's password.
pub(in crate::http) enum PasswordWish {
    /// It stays, if it can; a phone that would have none gets one.
    Keep,
    /// It is this one.
    Take(Secret),
    /// It is another one, made here.
    Make,
}

impl From<Option<Secret>> for PasswordWish {
    fn from(given: Option<Secret>) -> Self {
        given.map_or(Self::Keep, Self::Take)
    }
}

/// Writes an agent: a new one without `change`, otherwise one that is there, at that version when one is named.
pub(in crate::http) async fn write(
    reception: &Reception,
    visitor: &Visitor,
    written: WrittenAgent,
    wish: PasswordWish,
    change: Option<Option<u64>>,
) -> Result<Written, Problem> {
    let before = match change {
        Some(_) => Some(card(reception, written.id.as_str()).await?),
        None => None,
    };
    let holds = before.is_some_and(|before| {
        before.has_password && before.written.extension == written.extension && before.trouble.is_none()
    });
    let needs_one = written.registers_here() && !holds;
    let (given, made) = match wish {
        PasswordWish::Take(password) => (Some(password), None),
        PasswordWish::Make => (None, Some(new_password(reception))),
        PasswordWish::Keep => (None, needs_one.then(|| new_password(reception))),
    };
    let order = AgentOrder {
        written,
        password: given.or_else(|| made.clone()),
        is_new: change.is_none(),
        of_version: change.flatten(),
        by: visitor.name.clone(),
    };
    let what = if order.is_new { "made" } else { "changed" };
    let card = ask(reception, move |book| book.write(order)).await?;
    let (agent, by) = (&card.written.id, &visitor.name);
    tracing::info!(%agent, by, "Agent {agent} is {what} by {by}.");
    Ok(Written { card, password: made })
}

/// Removes an agent.
pub(in crate::http) async fn take_out(
    reception: &Reception,
    visitor: &Visitor,
    id: &str,
) -> Result<(), Problem> {
    let agent = AgentId::from(id);
    let name = agent.clone();
    ask(reception, move |book| book.remove(&name)).await?;
    tracing::info!(%agent, by = %visitor.name, "Agent {agent} is removed by {}.", visitor.name);
    Ok(())
}

/// A password that nobody else has.
fn new_password(reception: &Reception) -> Secret {
    let mut random = [0; phone_password::LENGTH];
    reception.faces.outside.random(&mut random);
    Secret::from(phone_password::of(random).as_str())
}

/// Every agent that is written down.
pub(in crate::http) async fn cards(reception: &Reception) -> Result<Vec<AgentCard>, Problem> {
    ask(reception, |book| Ok(book.cards()?)).await
}

/// One of them; of two of one name, the file's.
pub(in crate::http) async fn card(reception: &Reception, id: &str) -> Result<AgentCard, Problem> {
    let cards = cards(reception).await?;
    let found = cards.into_iter().find(|card| card.written.id.as_str() == id);
    found.ok_or_else(|| Problem::not_found("There is no agent with this id."))
}

async fn ask<T: Send + 'static>(
    reception: &Reception,
    question: impl FnOnce(&dyn AgentBook) -> Result<T, AgentRefusal> + Send + 'static,
) -> Result<T, Problem> {
    let book = Arc::clone(&reception.faces.agents);
    // A refusal is an answer, and no trouble of the store.
    let answer = reception.ask_store(move || {
        Ok(match question(&*book) {
            Err(AgentRefusal::Store(error)) => return Err(error),
            other => other,
        })
    });
    answer.await?.map_err(refused)
}

fn refused(refusal: AgentRefusal) -> Problem {
    let words = refusal.to_string();
    let sentence = || {
        let mut letters = words.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        format!("{}{}.", first.unwrap_or_default(), letters.as_str())
    };
    match refusal {
        AgentRefusal::NotFound => Problem::not_found("There is no agent with this id."),
        AgentRefusal::FromFile => Problem::new(StatusCode::CONFLICT, "from_file", sentence()),
        AgentRefusal::Taken => Problem::new(StatusCode::CONFLICT, "taken", sentence()),
        AgentRefusal::Overtaken => {
            let cure =
                "Somebody else has changed this agent meanwhile; read it again and repeat your change.";
            Problem::new(StatusCode::PRECONDITION_FAILED, "overtaken", cure)
        }
        AgentRefusal::Full(_) => Problem::new(StatusCode::CONFLICT, "full", sentence()),
        AgentRefusal::Faults(faults) => {
            let list = serde_json::to_value(faults).unwrap_or_default();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_agent", words).with("faults", list)
        }
        AgentRefusal::Store(_) => Problem::try_later(
            "store_unavailable",
            "The store could not answer; the log has the reason.",
        ),
    }
}

/// The agent with the password that was made for it, once.
async fn answer(reception: &Reception, status: StatusCode, done: Written) -> (Response, AgentId) {
    let id = done.card.written.id.clone();
    let snapshot = reception.snapshot().await.ok();
    let mut body = told(&done.card, snapshot.as_deref());
    if let Some(password) = &done.password {
        body["password"] = json!(password.expose());
    }
    let tag = [(header::ETAG, etag(&done.card))];
    ((status, tag, Json(body)).into_response(), id)
}

/// What an agent is known by in If-Match.
pub(super) fn etag(card: &AgentCard) -> String {
    format!("\"{}\"", card.version)
}

/// The version that If-Match names (RFC 9110 §13.1.1); nothing for any.
fn matched(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(tag) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let tag = tag.to_str().unwrap_or_default().trim();
    if tag == "*" {
        return Ok(None);
    }
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let version = version.and_then(|version| version.parse().ok());
    version
        .map(Some)
        .ok_or_else(|| Problem::bad_request("`If-Match` must be the ETag of the agent, such as \"3\"."))
}

/// The body: an agent, with a password beside it.
fn read(mut body: Map<String, Value>, id: Option<&str>) -> Result<(WrittenAgent, Option<Secret>), Problem> {
    let password = match body.remove("password") {
        None | Some(Value::Null) => None,
        Some(Value::String(password)) => Some(Secret::from(password.as_str())),
        Some(_) => return Err(Problem::bad_request("`password` must be a text.")),
    };
    if let Some(id) = id {
        let named = body.entry("id").or_insert_with(|| json!(id));
        if *named != json!(id) {
            let why =
                "`id` must be that of the address: an agent keeps its identity, because records name it.";
            return Err(Problem::bad_request(why));
        }
    }
    let written = serde_json::from_value(Value::Object(body));
    let written = written.map_err(|error| Problem::bad_request(format!("The body: {error}.")))?;
    Ok((written, password))
}
