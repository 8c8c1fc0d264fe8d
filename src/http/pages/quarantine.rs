use super::badges::{Badge, badge};
use super::frame::{Frame, Here};
use super::render;
use super::sync_view::Chip;
use super::tabs::Tab;
use super::text::{address, date_and_time, fill};
use super::turning::Turning;
use super::words::{Chosen, Words};
use crate::connectors::sync::{DeskError, QuarantineView, QuarantineViews, SourceView};
use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::store::Released;
use askama::Template;
use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// Rows on a page.
const ROWS: u64 = 20;

#[derive(Template)]
#[template(path = "quarantine.html", config = "src/http/askama.toml")]
struct QuarantinePage<'a> {
    w: &'static Words,
    frame: Frame<'a>,
    tab: Tab,
    toasts: Vec<Badge>,
    chips: Vec<Chip>,
    /// The way back to the source.
    back: String,
    /// Identity of the source whose rows these are.
    source: String,
    count: String,
    rows: Vec<Row>,
    turning: Turning,
    page: u64,
    /// The newest row that is shown or lies behind it.
    up_to: i64,
    discard_all_sure: String,
    may_change: bool,
    /// Why there is nothing to show, when the store is the reason.
    trouble: &'static str,
}

/// A row that could not be taken over.
struct Row {
    id: i64,
    /// Its identity at the PBX; empty when it has none.
    external_id: String,
    reason: String,
    last: String,
    first: String,
    times: String,
    /// What the PBX sent, as JSON with line breaks.
    raw: String,
}

/// What the page's address says.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    source: String,
    page: String,
    /// What has just been done: `released`, `discarded`.
    said: String,
    /// To how many.
    n: String,
    /// How many stay.
    kept: String,
}

/// What the buttons send: one row, or all of a source up to the newest one seen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Order {
    source: String,
    page: String,
    id: Option<i64>,
    up_to: i64,
}

/// `GET /calls/quarantine`: rows of a PBX that could not be taken over, with the reason of each.
pub(in crate::http) async fn quarantine(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(wanted) = wanted.unwrap_or_default();
    show(&reception, words, &visitor, &wanted, None).await
}

/// `POST /calls/quarantine/retry`: looks at one row or at all of them again.
pub(in crate::http) async fn retry_quarantine(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<Order>, FormRejection>,
) -> Response {
    let Ok(Form(order)) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let desk = &reception.faces.sync;
    let done = match order.id {
        Some(id) => desk.retry(id, &visitor.name).await,
        None => desk.retry_all(&order.source, &visitor.name).await,
    };
    match done {
        Ok(Released {
            taken_over,
            known,
            kept,
            ..
        }) => {
            let gone = taken_over.saturating_add(known).to_string();
            order.done("released", &gone, &kept.to_string())
        }
        Err(error) => refuse(&reception, words, &visitor, order, &error).await,
    }
}

/// `POST /calls/quarantine/discard`: throws one row or all that were seen away.
pub(in crate::http) async fn discard_quarantine(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<Order>, FormRejection>,
) -> Response {
    let Ok(Form(order)) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let desk = &reception.faces.sync;
    let done = match order.id {
        Some(id) => desk.discard(id, &visitor.name).await.map(|()| 1),
        None => desk.discard_all(&order.source, order.up_to, &visitor.name).await,
    };
    match done {
        Ok(gone) => order.done("discarded", &gone.to_string(), ""),
        Err(error) => refuse(&reception, words, &visitor, order, &error).await,
    }
}

impl Order {
    fn done(&self, said: &str, n: &str, kept: &str) -> Response {
        let pairs = [
            ("source", self.source.as_str()),
            ("page", &self.page),
            ("said", said),
            ("n", n),
            ("kept", kept),
        ];
        Redirect::to(&address("/calls/quarantine", &pairs)).into_response()
    }
}

async fn refuse(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    order: Order,
    error: &DeskError,
) -> Response {
    let why = fill(words.journal.not_done, &[("why", &error.to_string())]);
    let wanted = Wanted {
        source: order.source,
        page: order.page,
        ..Wanted::default()
    };
    show(reception, words, visitor, &wanted, Some(badge("bad", &why))).await
}

/// What the desk answered.
struct Look {
    sources: Vec<SourceView>,
    source: String,
    rows: QuarantineViews,
    /// The highest id there is of this source.
    up_to: i64,
}

async fn look(reception: &Reception, wanted: &Wanted, page: u64) -> Result<Look, DeskError> {
    let desk = &reception.faces.sync;
    let sources = desk.sources().await?;
    let source = match wanted.source.as_str() {
        "" => sources
            .first()
            .map(|source| source.id.clone())
            .unwrap_or_default(),
        named => named.to_owned(),
    };
    let rows = desk.quarantine(Some(&source), (page - 1) * ROWS, ROWS).await?;
    let up_to = desk.newest_quarantined(&source).await?;
    Ok(Look {
        sources,
        source,
        rows,
        up_to,
    })
}

async fn show(
    reception: &Reception,
    w: &'static Words,
    visitor: &Visitor,
    wanted: &Wanted,
    refusal: Option<Badge>,
) -> Response {
    let j = &w.journal;
    let page: u64 = wanted.page.parse().unwrap_or(1).clamp(1, u64::from(u32::MAX));
    let (look, trouble) = match look(reception, wanted, page).await {
        Ok(look) => (Some(look), ""),
        Err(_) => (None, w.no_store),
    };
    let status = match (&look, &refusal) {
        (None, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Some(_), Some(_)) => StatusCode::CONFLICT,
        (Some(_), None) => StatusCode::OK,
    };
    let source = look
        .as_ref()
        .map_or_else(|| wanted.source.clone(), |look| look.source.clone());
    let total = look.as_ref().map_or(0, |look| look.rows.total);
    let here = page_address(&source, page);
    let toasts = refusal.or_else(|| said(w, wanted)).into_iter().collect();
    let shown = QuarantinePage {
        w,
        frame: Frame::new(reception, w, Some(visitor), Here::Calls, &here),
        tab: Tab::SyncLogs,
        toasts,
        chips: look.as_ref().map(chips).unwrap_or_default(),
        back: address("/calls/sync", &[("source", &source)]),
        count: fill(j.quarantine_count, &[("n", &total.to_string())]),
        rows: look
            .as_ref()
            .map(|look| look.rows.items.iter().map(|row| self::row(w, row)).collect())
            .unwrap_or_default(),
        turning: Turning::new(j, total, ROWS, page, |page| page_address(&source, page)),
        page,
        up_to: look.as_ref().map_or(0, |look| look.up_to),
        discard_all_sure: fill(j.discard_all_sure, &[("n", &total.to_string())]),
        may_change: visitor.may(Scope::ConfigWrite),
        source,
        trouble,
    };
    render(status, &shown)
}

fn said(w: &Words, wanted: &Wanted) -> Option<Badge> {
    let j = &w.journal;
    let n = [("n", wanted.n.as_str()), ("kept", wanted.kept.as_str())];
    match (wanted.said.as_str(), wanted.n.as_str()) {
        ("released", "0") => Some(badge("bad", &fill(j.none_released, &n))),
        ("released", _) => Some(badge("good", &fill(j.released, &n))),
        ("discarded", _) => Some(badge("good", &fill(j.discarded, &n))),
        _ => None,
    }
}

fn row(w: &Words, row: &QuarantineView) -> Row {
    Row {
        id: row.id,
        external_id: row.external_id.clone().unwrap_or_default(),
        reason: row.reason.clone(),
        last: date_and_time(row.last_at),
        first: fill(
            w.journal.first_came,
            &[("time", &unbroken(&date_and_time(row.first_at)))],
        ),
        times: fill(w.journal.came_times, &[("n", &row.times.to_string())]),
        raw: serde_json::to_string_pretty(&row.raw).unwrap_or_default(),
    }
}

/// In one piece and in its own order, also within a sentence that is read from right to left.
fn unbroken(time: &str) -> String {
    let joined = time.replace('-', "\u{2011}").replace(' ', "\u{a0}");
    format!("\u{2066}{joined}\u{2069}")
}

/// The sources to choose from, when there is more than one.
fn chips(look: &Look) -> Vec<Chip> {
    if look.sources.len() < 2 {
        return Vec::new();
    }
    let chip = |source: &SourceView| Chip {
        name: source.name.clone(),
        address: page_address(&source.id, 1),
        is_here: source.id == look.source,
    };
    look.sources.iter().map(chip).collect()
}

fn page_address(source: &str, page: u64) -> String {
    let number = if page > 1 { page.to_string() } else { String::new() };
    address("/calls/quarantine", &[("source", source), ("page", &number)])
}
