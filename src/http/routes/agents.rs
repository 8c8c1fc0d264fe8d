use super::Shared;
use super::input::{self, JsonBody};
use crate::agents::AgentState;
use crate::engine::{AgentView, Command, Snapshot};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// Longest reason for a break, in characters.
const MAX_REASON: usize = 200;

/// `GET /api/v1/agents`: all agents in the order of the configuration.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    Ok(Json(json!({ "items": snapshot.agents, "at": snapshot.at })).into_response())
}

/// `GET /api/v1/agents/{id}`.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    Ok(Json(find(&snapshot, &id)?).into_response())
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
