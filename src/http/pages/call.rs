//! One call: what is known of it, its ladder, its course, how it sounded.

use super::badges::{self, Badge};
use super::frame::{Frame, Here};
use super::ladder_view::LadderView;
use super::render;
use super::text::{clock_of_ms, date_and_time};
use super::words::{CallWords, Chosen, Words};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::{Shared, Told, judge};
use crate::model::{CallId, CallNote, Cdr, LegRecord, Quality};
use crate::trace::steps;
use crate::verdict::{Finding, Severity};
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

#[derive(Template)]
#[template(path = "call.html", config = "src/http/askama.toml")]
struct CallPage<'a> {
    w: &'static Words,
    c: &'static CallWords,
    frame: Frame<'a>,
    id: String,
    facts: Facts,
    verdict: Vec<Said>,
    ladder: LadderView,
    course: Vec<Happened>,
    sides: Vec<Side>,
}

/// One thing that is known about the call.
#[derive(Debug)]
struct Said {
    state: &'static str,
    text: String,
    cure: String,
}

/// The head of the page.
#[derive(Debug, Default)]
struct Facts {
    caller: String,
    name: String,
    destination: String,
    started: String,
    duration: String,
    talked: String,
    waited: String,
    cause: String,
    status: Option<Badge>,
    way: Option<Badge>,
    audio: String,
    channels: u8,
    notes: Vec<String>,
}

/// A line of the call's course.
#[derive(Debug)]
struct Happened {
    seconds: String,
    what: &'static str,
    who: String,
    detail: String,
}

/// A leg with what was measured on it.
#[derive(Debug)]
struct Side {
    name: String,
    result: String,
    mos: String,
    mos_state: &'static str,
    codec: String,
    lost: String,
    jitter: String,
    round_trip: String,
    packets: String,
}

/// `GET /calls/{id}`.
pub(in crate::http) async fn call(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = Uuid::try_parse(&id).map(CallId) else {
        return Problem::not_found("There is no call with this id.").into_response();
    };
    let c = words.of_call();
    let told = Told::look_if_kept(&reception, id).await.ok();
    let found = match &told {
        Some(told) => judge(&reception, told).await.0,
        None => Vec::new(),
    };
    let course = reception.read(move |reader| reader.call_events(id)).await;
    let course = course.unwrap_or_default();
    let ladder = match &told {
        Some(told) => LadderView::new(c, &told.parties(&reception).await, &steps(&told.messages)),
        None => LadderView::default(),
    };
    let record = match told.and_then(|told| told.record) {
        Some(record) => Some(record),
        None => record_of(&reception, id).await,
    };
    let is_known = record.is_some() || !course.is_empty() || !ladder.arrows.is_empty();
    let legs = record.as_ref().map(|cdr| cdr.legs.as_slice()).unwrap_or_default();
    let page = CallPage {
        w: words,
        c,
        frame: Frame::new(
            &reception,
            words,
            Some(&visitor),
            Here::Calls,
            &format!("/calls/{id}"),
        ),
        id: id.to_string(),
        verdict: found.iter().map(|one| said(words, one)).collect(),
        course: course.iter().map(|note| happened(c, legs, note)).collect(),
        sides: legs.iter().map(|leg| side(c, leg)).collect(),
        facts: record.as_ref().map(|cdr| facts(words, cdr)).unwrap_or_default(),
        ladder,
    };
    let status = if is_known {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    render(status, &page)
}

async fn record_of(reception: &Reception, id: CallId) -> Option<Cdr> {
    let found = reception.read(move |reader| reader.cdr(id)).await.ok()?;
    found.map(|(_, cdr)| cdr)
}

fn facts(w: &Words, cdr: &Cdr) -> Facts {
    let recording = cdr.recording.as_ref().filter(|facts| facts.removed.is_none());
    Facts {
        caller: badges::number(w, &cdr.caller_number),
        name: cdr.caller_name.clone().unwrap_or_default(),
        destination: badges::number(w, &cdr.dialed_number),
        started: date_and_time(cdr.started_at),
        duration: clock_of_ms(cdr.duration_ms),
        talked: badges::some_time(cdr.talk_ms),
        waited: badges::some_time(cdr.wait_ms),
        cause: cdr.cause.clone().unwrap_or_default(),
        status: cdr.is_final.then(|| badges::status(w, cdr.status)),
        way: Some(badges::way(w, cdr.direction)),
        audio: recording
            .map(|recording| format!("/api/v1/recordings/{}", recording.id))
            .unwrap_or_default(),
        channels: recording.map_or(0, |recording| recording.channels),
        notes: cdr.notes.clone(),
    }
}

fn said(words: &Words, finding: &Finding) -> Said {
    Said {
        state: match finding.code.severity() {
            Severity::Fault => "bad",
            Severity::Warning => "warn",
            Severity::Note => "quiet",
        },
        text: words.finding(finding),
        cure: words.cure(finding),
    }
}

fn name_of(leg: &LegRecord) -> String {
    let agent = leg.agent.as_ref().map(ToString::to_string);
    agent.unwrap_or_else(|| leg.number.clone())
}

fn happened(c: &CallWords, legs: &[LegRecord], note: &CallNote) -> Happened {
    let who = note.leg.and_then(|leg| legs.iter().find(|own| own.leg == leg.0));
    Happened {
        seconds: format!("{:.3}", note.offset_ms as f64 / 1000.0),
        what: c.event(note.kind),
        who: who.map(name_of).unwrap_or_default(),
        detail: note.detail.clone(),
    }
}

fn side(c: &CallWords, leg: &LegRecord) -> Side {
    let quality = leg.quality.as_ref();
    let number = |value: Option<f32>, unit: &str| {
        value.map_or_else(|| c.not_measured.to_owned(), |value| format!("{value:.1}{unit}"))
    };
    let measured = |pick: fn(&Quality) -> Option<f32>, unit| number(quality.and_then(pick), unit);
    let mos = quality.and_then(|quality| quality.mos);
    Side {
        name: name_of(leg),
        result: leg.result.clone(),
        mos: number(mos, ""),
        mos_state: match mos {
            Some(mos) if mos >= 3.8 => "good",
            Some(mos) if mos >= 3.1 => "warn",
            Some(_) => "bad",
            None => "quiet",
        },
        codec: quality
            .and_then(|quality| quality.codec)
            .map_or_else(|| c.not_measured.to_owned(), |codec| codec.to_string()),
        lost: measured(|quality| quality.loss_percent, " %"),
        jitter: measured(|quality| quality.jitter_ms, " ms"),
        round_trip: measured(|quality| quality.rtt_ms, " ms"),
        packets: quality.map_or_else(
            || c.not_measured.to_owned(),
            |quality| format!("{} / {}", quality.packets_received, quality.packets_sent),
        ),
    }
}
