//! Somebody else in a live conversation: a supervisor, or a third party.

use super::Shared;
use super::calls::talking;
use super::input::{self, JsonBody};
use crate::agents::AgentState;
use crate::engine::{Command, GuestKind, Snapshot, Wanted};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::model::{AgentId, CallId, Number};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// Longest number or name, in characters.
const MAX_NAME: usize = 64;

/// The body of `POST /api/v1/calls/{id}/monitor`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Monitor {
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    mode: Option<String>,
}

/// The body of `POST /api/v1/calls/{id}/join`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Third {
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    number: Option<String>,
}

/// How a supervisor takes part.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Listen,
    Whisper,
    Barge,
}

/// `POST /api/v1/calls/{id}/monitor`: 202, the phone of a supervisor rings in a moment. Asked for again, a supervisor
/// who is there goes over to the new mode.
pub(super) async fn monitor(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Monitor>,
) -> Result<Response, Problem> {
    let word = wanted.mode.as_deref().unwrap_or("listen");
    let mode: Mode = input::word("mode", word, &["listen", "whisper", "barge"])?;
    let kind = match mode {
        Mode::Listen => GuestKind::Listen,
        Mode::Whisper => GuestKind::Whisper,
        Mode::Barge => GuestKind::Barge,
    };
    let snapshot = reception.snapshot().await?;
    let (call, who) = guest(&snapshot, &id, wanted.agent, wanted.number)?;
    reception.command(Command::Join {
        call,
        who: who.clone(),
        kind,
    })?;
    tracing::info!(%call, mode = word, by = %visitor.name, "Call {call} is monitored ({word}) by order of {}.", visitor.name);
    Ok(accepted(call, &who, word))
}

/// `POST /api/v1/calls/{id}/join`: 202, a third party's phone rings in a moment.
pub(super) async fn join(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Third>,
) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let (call, who) = guest(&snapshot, &id, wanted.agent, wanted.number)?;
    let kind = GuestKind::Third;
    reception.command(Command::Join {
        call,
        who: who.clone(),
        kind,
    })?;
    tracing::info!(%call, by = %visitor.name, "Somebody joins call {call} by order of {}.", visitor.name);
    Ok(accepted(call, &who, kind.word()))
}

fn accepted(call: CallId, who: &Wanted, mode: &str) -> Response {
    let body = match who {
        Wanted::Agent(agent) => json!({ "call_id": call, "agent": agent, "mode": mode }),
        Wanted::Number(number) => json!({ "call_id": call, "number": number, "mode": mode }),
    };
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

/// The call, when two people talk in it, and who is wanted there, when they can come.
fn guest(
    snapshot: &Snapshot,
    id: &str,
    agent: Option<String>,
    number: Option<String>,
) -> Result<(CallId, Wanted), Problem> {
    let named = |name: String| {
        let name = name.trim().to_owned();
        let fits = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.contains(char::is_control);
        fits.then_some(name)
    };
    let who = match (agent.map(named), number.map(named)) {
        (Some(Some(agent)), None) => Wanted::Agent(AgentId::from(agent.as_str())),
        (None, Some(Some(number))) => Wanted::Number(Number::from(number.as_str())),
        (Some(_) | None, Some(_) | None) => {
            return Err(Problem::bad_request(format!(
                "Name either `agent` or `number`, in 1 to {MAX_NAME} characters."
            )));
        }
    };
    let call = talking(snapshot, id)?;
    if let Wanted::Agent(agent) = &who {
        let view = snapshot.agents.iter().find(|view| view.id == *agent);
        let view = view.ok_or_else(|| Problem::not_found("There is no agent of this name."))?;
        let is_here = call.legs.iter().any(|leg| leg.agent.as_ref() == Some(agent));
        let is_engaged = matches!(view.state, AgentState::Busy | AgentState::Ringing);
        if is_engaged && !is_here {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "agent_engaged",
                "This agent is in another call. Try again when it is over.",
            ));
        }
    }
    Ok((call.call_id, who))
}
