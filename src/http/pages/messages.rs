use super::badges::{Badge, badge};
use super::frame::{Frame, Here};
use super::render;
use super::sync_view::Chip;
use super::tabs::Tab;
use super::text::{address, clock_of_ms, date_and_time};
use super::words::{BoxWords, Chosen, Words};
use crate::engine::{Command, Snapshot};
use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::model::{Mailbox, MessageState, RecordingId};
use crate::store::{MessageFilter, StoredMessage};
use askama::Template;
use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// Rows on a page.
const ROWS: usize = 30;

#[derive(Template)]
#[template(path = "messages.html", config = "src/http/askama.toml")]
struct MessagesPage<'a> {
    w: &'static Words,
    b: &'static BoxWords,
    frame: Frame<'a>,
    tab: Tab,
    toasts: Vec<Badge>,
    chips: Vec<Chip>,
    /// The box whose messages these are; empty for all.
    mailbox: String,
    rows: Vec<Row>,
    /// Address of the next page; empty on the last.
    older: String,
    may_change: bool,
    /// Why there is nothing to show, when the store is the reason.
    trouble: &'static str,
}

/// One message, in ready words.
struct Row {
    id: RecordingId,
    caller: String,
    name: String,
    mailbox: String,
    left: String,
    left_at: String,
    length: String,
    badge: Badge,
    urgent: bool,
    is_new: bool,
    transcript: String,
    audio: String,
    /// What the player shows.
    title: String,
}

/// What the page's address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    mailbox: String,
    before: String,
}

/// What the buttons send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Order {
    id: String,
    state: String,
    mailbox: String,
}

/// `GET /calls/messages`: what callers have left in the boxes, newest first.
pub(in crate::http) async fn messages(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(wanted) = wanted.unwrap_or_default();
    let filter = MessageFilter {
        mailbox: wanted.mailbox.parse().ok(),
        before: wanted.before.parse().ok().map(RecordingId),
        limit: ROWS + 1,
        ..MessageFilter::default()
    };
    let snapshot = reception.recent_snapshot().await;
    let boxes = reception.faces.messages.clone();
    let found = reception.ask_store(move || boxes.list(&filter)).await;
    let b = words.boxes();
    let (status, mut found, trouble) = match found {
        Ok(found) => (StatusCode::OK, found, ""),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new(), b.unreadable),
    };
    let has_more = found.len() > ROWS;
    found.truncate(ROWS);
    let last = found.last().map(|stored| stored.message.id.to_string());
    let older = last.filter(|_| has_more).map(|before| {
        address(
            "/calls/messages",
            &[("mailbox", &wanted.mailbox), ("before", &before)],
        )
    });
    let here = address("/calls/messages", &[("mailbox", &wanted.mailbox)]);
    let page = MessagesPage {
        w: words,
        b,
        frame: Frame::new(&reception, words, Some(&visitor), Here::Calls, &here),
        tab: Tab::Messages,
        toasts: Vec::new(),
        chips: chips(b, snapshot.as_deref(), &wanted.mailbox),
        rows: found.into_iter().map(|stored| row(b, stored)).collect(),
        mailbox: wanted.mailbox,
        older: older.unwrap_or_default(),
        may_change: visitor.scopes.allow(Scope::CallsControl),
        trouble,
    };
    render(status, &page)
}

/// `POST /calls/messages`: a message was heard, or is thrown away.
pub(in crate::http) async fn mark_message(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<Order>, FormRejection>,
) -> Response {
    let Ok(Form(order)) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let (Ok(id), Ok(state)) = (order.id.parse(), order.state.parse::<MessageState>()) else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    if let Err(problem) = mark(&reception, &visitor, RecordingId(id), state).await {
        return problem.into_response();
    }
    Redirect::to(&address("/calls/messages", &[("mailbox", &order.mailbox)])).into_response()
}

async fn mark(
    reception: &Reception,
    visitor: &Visitor,
    id: RecordingId,
    state: MessageState,
) -> Result<(), Problem> {
    tracing::info!(message = %id, by = %visitor.name, "Message {id} is {state}, says {}.", visitor.name);
    reception.command(Command::MarkMessage(id, state))?;
    // The page that is asked for next should tell of it; a slow disk only makes it tell a moment later.
    let _ = reception.snapshot().await;
    Ok(())
}

/// A way to each box that has held a message.
fn chips(b: &BoxWords, snapshot: Option<&Snapshot>, here: &str) -> Vec<Chip> {
    let all = Chip {
        name: b.all.to_owned(),
        address: "/calls/messages".to_owned(),
        is_here: here.is_empty(),
    };
    let boxes = snapshot.into_iter().flat_map(|snapshot| &snapshot.mailboxes);
    let boxes = boxes.map(|own| Chip {
        name: match own.mailbox.parse() {
            Ok(mailbox) => format!("{} ({})", shown(b, &mailbox), own.new),
            Err(_) => own.mailbox.clone(),
        },
        address: address("/calls/messages", &[("mailbox", &own.mailbox)]),
        is_here: own.mailbox == here,
    });
    std::iter::once(all).chain(boxes).collect()
}

fn shown(b: &BoxWords, mailbox: &Mailbox) -> String {
    match mailbox {
        Mailbox::House => b.house.to_owned(),
        Mailbox::Group(name) => name.to_string(),
        Mailbox::Agent(id) => id.to_string(),
    }
}

fn row(b: &BoxWords, stored: StoredMessage) -> Row {
    let message = stored.message;
    let caller = message.caller_number.to_string();
    let left = date_and_time(message.left_at);
    let is_new = message.state == MessageState::New;
    Row {
        badge: if is_new {
            badge("warn", b.new)
        } else {
            badge("good", b.saved)
        },
        title: format!("{caller} · {left}"),
        caller,
        name: message.caller_name.unwrap_or_default(),
        mailbox: shown(b, &message.mailbox),
        left,
        left_at: message.left_at.to_string(),
        length: clock_of_ms(message.duration_ms),
        urgent: message.urgent,
        is_new,
        transcript: stored
            .transcript
            .map(|transcript| transcript.text)
            .unwrap_or_default(),
        audio: format!("/api/v1/messages/{}/audio", message.id),
        id: message.id,
    }
}
