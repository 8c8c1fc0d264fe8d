//! A look at everything the box needs.

use super::Shared;
use super::input::Params;
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use std::time::Duration;

/// Longest a request waits for the end of a look, in seconds.
const MAX_WAIT: u64 = 60;

/// The query of both methods.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    wait: u64,
}

/// `GET /api/v1/selftest`: the look under way and the last one; with `wait`, once none is under way.
pub(super) async fn show(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    wait(&reception, &wanted).await?;
    Ok(Json(reception.faces.caretaker.selftest()).into_response())
}

/// `POST /api/v1/selftest`: begins one. 202, or 200 with what it found when `wait` is given.
pub(super) async fn begin(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    if reception.faces.caretaker.begin_selftest() {
        tracing::info!(by = %visitor.name, "A self-test begins for {}.", visitor.name);
    }
    wait(&reception, &wanted).await?;
    let now = reception.faces.caretaker.selftest();
    let status = if now.running {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(now)).into_response())
}

async fn wait(reception: &crate::http::reception::Reception, wanted: &Wanted) -> Result<(), Problem> {
    if wanted.wait > MAX_WAIT {
        return Err(Problem::bad_request(format!(
            "`wait` must be at most {MAX_WAIT} seconds."
        )));
    }
    if wanted.wait > 0 {
        reception
            .faces
            .caretaker
            .selftest_ends(Duration::from_secs(wanted.wait))
            .await;
    }
    Ok(())
}
