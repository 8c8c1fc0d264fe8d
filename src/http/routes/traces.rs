//! What went over the wire in a call: as steps, as a drawing, as a capture.

use super::Shared;
use super::input::{self, Params};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::model::{AgentId, CallId, Cdr};
use crate::trace::{Party, Span, Traced, capture, draw, steps};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

/// The query of `GET /api/v1/calls/{id}/ladder`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    format: Option<String>,
}

/// `GET /api/v1/calls/{id}/ladder`: the SIP messages of a call of the last days, as arrows between the box and its
/// parties; with `format=text` as a drawing.
pub(super) async fn ladder(
    State(reception): Shared,
    Path(id): Path<String>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let word = wanted.format.as_deref().unwrap_or("json");
    let as_text = match word {
        "json" => false,
        "text" => true,
        _ => return Err(Problem::bad_request("`format` must be `json` or `text`.")),
    };
    let told = Told::find(&reception, &id).await?;
    let steps = steps(&told.messages);
    let parties = told.parties(&reception).await;
    if as_text {
        let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((plain, draw(&parties, &steps)).into_response());
    }
    Ok(Json(json!({ "call_id": told.id, "parties": parties, "steps": steps })).into_response())
}

/// `GET /api/v1/calls/{id}/pcap`: the same as a capture that Wireshark opens.
pub(super) async fn pcap(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let told = Told::find(&reception, &id).await?;
    let name = format!("attachment; filename=\"{}.pcap\"", told.id);
    let head = [
        (header::CONTENT_TYPE, "application/vnd.tcpdump.pcap".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((head, capture(&told.messages)).into_response())
}

/// A call's messages, with its record when there is one.
pub(in crate::http) struct Told {
    pub(in crate::http) id: CallId,
    pub(in crate::http) record: Option<Cdr>,
    pub(in crate::http) messages: Vec<Traced>,
}

impl Told {
    /// Looks them up.
    ///
    /// # Errors
    /// 404 when there are none, or none any more; 503 when none are kept, or the disk does not give them.
    pub(in crate::http) async fn find(reception: &Reception, id: &str) -> Result<Self, Problem> {
        let id = CallId(input::uuid(id)?);
        let told = Self::look(reception, id).await?;
        if told.messages.is_empty() {
            return Err(Problem::not_found(
                "No SIP messages of this call are kept: it is unknown, or older than [trace] keep_days.",
            ));
        }
        Ok(told)
    }

    /// The same, also when no messages are kept, or cannot be read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(in crate::http) async fn look_if_kept(reception: &Reception, id: CallId) -> Result<Self, Problem> {
        if let Ok(told) = Self::look(reception, id).await {
            return Ok(told);
        }
        let record = reception.read(move |reader| reader.cdr(id)).await?;
        Ok(Self {
            id,
            record: record.map(|(_, cdr)| cdr),
            messages: Vec::new(),
        })
    }

    /// The same, also when there are no messages.
    pub(in crate::http) async fn look(reception: &Reception, id: CallId) -> Result<Self, Problem> {
        let unavailable = |code, text| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, text);
        let Some(traces) = reception.faces.traces.clone() else {
            return Err(unavailable(
                "no_traces",
                "SIP messages are not kept. Set [trace] enabled = true to keep those of calls to come.",
            ));
        };
        let record = reception
            .read(move |reader| reader.cdr(id))
            .await?
            .map(|(_, cdr)| cdr);
        let span = record.as_ref().map(span).unwrap_or_default();
        let read = tokio::task::spawn_blocking(move || traces.of_call(id, span)).await;
        let messages = match read {
            Ok(Ok(messages)) => messages,
            Ok(Err(error)) => {
                tracing::warn!(%error, "The traces of calls cannot be read: {error}.");
                return Err(unavailable(
                    "unreadable",
                    "The traces of calls cannot be read now.",
                ));
            }
            Err(_) => {
                return Err(unavailable(
                    "unreadable",
                    "The traces of calls cannot be read now.",
                ));
            }
        };
        Ok(Self { id, record, messages })
    }

    /// Who stands beside the box in the ladder: by the record, or by what is going on now.
    pub(in crate::http) async fn parties(&self, reception: &Reception) -> Vec<Party> {
        let name = |agent: Option<&AgentId>, number: &str| {
            agent.map_or_else(|| number.to_owned(), ToString::to_string)
        };
        let of_record = self.record.iter().flat_map(|cdr| &cdr.legs);
        let mut known: Vec<(u32, String)> = of_record
            .map(|leg| (leg.leg, name(leg.agent.as_ref(), &leg.number)))
            .collect();
        if let Some(snapshot) = reception.recent_snapshot().await {
            let call = snapshot.calls.iter().find(|call| call.call_id == self.id);
            let live = call.iter().flat_map(|call| &call.legs);
            known.extend(live.map(|leg| (leg.leg, name(leg.agent.as_ref(), &leg.number))));
        }
        let name = |leg: u32| {
            let own = known
                .iter()
                .find(|(other, name)| *other == leg && !name.is_empty());
            own.map(|(_, name)| name.clone())
        };
        let mut legs: Vec<_> = self
            .messages
            .iter()
            .map(|one| (one.leg.0, one.flow.peer))
            .collect();
        legs.sort_by_key(|(leg, _)| *leg);
        legs.dedup_by_key(|(leg, _)| *leg);
        legs.into_iter()
            .map(|(leg, peer)| Party {
                leg,
                name: name(leg).unwrap_or_else(|| peer.to_string()),
            })
            .collect()
    }
}

/// When a call was, as far as its clock could be believed.
fn span(cdr: &Cdr) -> Span {
    if !cdr.clock_synced {
        return Span::default();
    }
    Span {
        from_unix_ms: Some(cdr.started_at.unix_ms),
        to_unix_ms: cdr.ended_at.filter(|_| cdr.is_final).map(|at| at.unix_ms),
    }
}
