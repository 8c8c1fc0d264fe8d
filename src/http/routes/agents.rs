use super::input::{self, JsonBody};
use super::{Shared, written_agents};
use crate::agents::AgentState;
use crate::engine::{AgentView, Command, Snapshot};
use crate::http::agent_book::AgentCard;
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

/// Longest reason for a break, in characters.
const MAX_REASON: usize = 200;

/// `GET /api/v1/agents`: all agents, those of the configuration file first: how each stands, and as what it is written
/// down.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let cards = written_agents::cards(&reception).await?;
    let items: Vec<Value> = cards.iter().map(|card| told(card, Some(&snapshot))).collect();
    Ok(Json(json!({ "items": items, "at": snapshot.at })).into_response())
}

/// `GET /api/v1/agents/{id}`, with an ETag for a change of it.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let card = written_agents::card(&reception, &id).await?;
    let tag = [(header::ETAG, written_agents::etag(&card))];
    Ok((tag, Json(told(&card, Some(&snapshot)))).into_response())
}

/// How an agent stands, and behind that as what it is written down. Who is not there now is offline.
pub(super) fn told(card: &AgentCard, snapshot: Option<&Snapshot>) -> Value {
    let AgentCard {
        written,
        source,
        has_password,
        trouble,
        version,
        changed_at_unix_ms,
        changed_by,
    } = card;
    let is_here = |agent: &&AgentView| trouble.is_none() && agent.id == written.id;
    let view = snapshot.and_then(|snapshot| snapshot.agents.iter().find(is_here));
    let number = written.number.as_ref().or(written.extension.as_ref());
    let number = number
        .map(ToString::to_string)
        .or_else(|| written.contact.clone());
    let away = || {
        json!({
            "id": written.id, "name": written.name_for_people(), "number": number, "groups": written.groups,
            "state": AgentState::Offline, "reason": null, "seconds": 0, "answered": 0, "missed": 0,
        })
    };
    let mut told = view.map_or_else(away, |view| json!(view));
    told["written"] = json!(written);
    told["source"] = json!(source);
    told["has_password"] = json!(has_password);
    told["trouble"] = json!(trouble);
    told["version"] = json!(version);
    told["changed_at"] = json!(changed_at_unix_ms.map(|at| input::stamp(&jiff::tz::TimeZone::UTC, at)));
    told["changed_by"] = json!(changed_by);
    told
}

/// The body of `POST /api/v1/agents/{id}/state`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewState {
    state: String,
    #[serde(default)]
    reason: Option<String>,
}

/// `POST /api/v1/agents/{id}/state`: 202, the agent's state changes in a moment. Only the states a person chooses
/// can be set; ringing, busy and wrap-up follow from calls.
pub(super) async fn set_state(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<NewState>,
) -> Result<Response, Problem> {
    let state: AgentState = input::word("state", &wanted.state, &["available", "on_break", "offline"])?;
    let reason = wanted.reason.filter(|reason| !reason.trim().is_empty());
    if reason
        .as_ref()
        .is_some_and(|reason| reason.chars().count() > MAX_REASON)
    {
        return Err(Problem::bad_request(format!(
            "`reason` must have at most {MAX_REASON} characters."
        )));
    }
    let snapshot = reception.snapshot().await?;
    let agent = find(&snapshot, &id)?.id.clone();
    let body = json!({ "id": agent, "state": state, "reason": reason });
    tracing::info!(%agent, %state, by = %visitor.name, "Agent {agent} is set to {state} by {}.", visitor.name);
    reception.command(Command::SetAgentState { agent, state, reason })?;
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a AgentView, Problem> {
    let agent = snapshot.agents.iter().find(|agent| agent.id.as_str() == id);
    agent.ok_or_else(|| Problem::not_found("There is no agent with this id."))
}
