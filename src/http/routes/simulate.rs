//! What would happen to a call.

use super::Shared;
use super::config::{ask, asked, flow_part, mistakes};
use super::input::{self, JsonBody};
use crate::http::problem::Problem;
use crate::http::settings::{Draft, Part, RehearsalRefused, Story};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

/// Most keys a rehearsed caller presses.
const MAX_KEYS: usize = 100;

/// The body of `POST /api/v1/simulate`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    from: String,
    to: String,
    /// When, with a zone; now otherwise.
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    press: String,
    /// Agents on duty; all otherwise.
    #[serde(default)]
    agents: Option<Vec<String>>,
    /// The agent or trunk that answers.
    #[serde(default)]
    answer: Option<String>,
    /// A changed text of the configuration, or of `flow`.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    flow: Option<String>,
}

/// `POST /api/v1/simulate`: the call as a ladder, without placing it.
pub(super) async fn run(
    State(reception): Shared,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Response, Problem> {
    let Wanted {
        from,
        to,
        at,
        press,
        agents,
        answer,
        text,
        flow,
    } = wanted;
    if press.chars().count() > MAX_KEYS {
        return Err(Problem::bad_request(format!(
            "`press` must have at most {MAX_KEYS} keys."
        )));
    }
    let part = flow.as_deref().map(flow_part).transpose()?.unwrap_or(Part::Main);
    let draft = text.map(|text| Draft {
        part,
        text: Some(text),
    });
    let story = Story {
        from,
        to,
        at_unix_ms: at.map(|at| input::time_ms("at", &at)).transpose()?,
        press,
        agents,
        answer,
    };
    match ask(&reception, move |door| door.rehearse(draft.as_ref(), &story)).await? {
        Ok(rungs) => Ok(asked(json!({ "ladder": rungs.iter().map(|rung| json!({
            "at_ms": rung.at_ms,
            "who": rung.who,
            "what": rung.what,
            "text": rung.text,
        })).collect::<Vec<_>>() }))),
        Err(RehearsalRefused::Mistakes(checked)) => Err(mistakes(&checked)),
        Err(RehearsalRefused::Story(why)) => {
            let detail = format!("This call cannot be rehearsed: {why}.");
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no_story", detail))
        }
    }
}
