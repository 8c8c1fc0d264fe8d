//! What was wrong with a call, in plain words.

use super::Shared;
use super::traces::Told;
use crate::engine::{CallView, LegView};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::trace::{Traced, Way};
use crate::verdict::{Facts, Finding, Seen, Side, findings};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// `GET /api/v1/calls/{id}/verdict`: what is known to be wrong with a call, live or ended, and what cures it.
pub(super) async fn show(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = crate::model::CallId(super::input::uuid(&id)?);
    let told = Told::look_if_kept(&reception, id).await?;
    let (found, is_live) = judge(&reception, &told).await;
    if told.record.is_none() && told.messages.is_empty() && !is_live {
        return Err(Problem::not_found("There is no call with this id."));
    }
    let items: Vec<Value> = found.iter().map(item).collect();
    Ok(Json(json!({ "call_id": id, "live": is_live, "items": items })).into_response())
}

fn item(finding: &Finding) -> Value {
    let cure = finding.cure();
    json!({
        "code": finding.code.as_str(),
        "severity": finding.code.severity(),
        "leg": finding.leg,
        "text": finding.sentence(),
        "cure": (!cure.is_empty()).then_some(cure),
    })
}

/// What is found, and whether the call goes on.
pub(in crate::http) async fn judge(reception: &Reception, told: &Told) -> (Vec<Finding>, bool) {
    let snapshot = reception.recent_snapshot().await;
    let live = snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.calls.iter().find(|call| call.call_id == told.id));
    let facts = match (live, &told.record) {
        (Some(call), _) => of_live(call, snapshot.as_ref().map_or(0, |snapshot| snapshot.at.unix_ms)),
        (None, Some(record)) => Facts::of_record(record),
        (None, None) => Facts::default(),
    };
    let seen: Vec<Seen<'_>> = told.messages.iter().map(seen).collect();
    (findings(&facts, &seen), live.is_some())
}

fn seen(message: &Traced) -> Seen<'_> {
    Seen {
        at_us: message.at_us,
        is_ours: message.way == Way::Sent,
        flow: message.flow,
        leg: message.leg.0,
        bytes: &message.bytes,
    }
}

/// What a call that goes on shows.
fn of_live(call: &CallView, now_ms: i64) -> Facts {
    let answered = call
        .answered_at
        .map(|at| now_ms.saturating_sub(at.unix_ms) / 1000);
    let up_seconds = answered.and_then(|seconds| u64::try_from(seconds).ok());
    let talks = call.stage == "talking";
    let side = |leg: &LegView| {
        let is_up = matches!(leg.state, "up" | "held");
        let agent = leg.agent.as_ref().map(ToString::to_string);
        Side {
            leg: leg.leg,
            name: agent.unwrap_or_else(|| leg.number.clone()),
            is_up,
            up_seconds: up_seconds.filter(|_| is_up),
            talks: talks && leg.state == "up",
            by_trunk: false,
            sip_code: None,
            quality: leg.quality,
        }
    };
    Facts {
        sides: call.legs.iter().map(side).collect(),
        ..Facts::default()
    }
}
