use super::badges::Badge;
use super::calls_filter::{CallsForm, Wanted, understand};
use super::calls_view::{CallsView, Painter, ROWS, page_address};
use super::cards::{self, Card};
use super::frame::{Frame, Here};
use super::render;
use super::tabs::Tab;
use super::words::{Chosen, Words, keeping};
use crate::http::cursor::Cursor;
use crate::http::people::Visitor;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::model::{Cdr, RecordingId};
use crate::store::{CdrFilter, CdrPage};
use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Template)]
#[template(path = "calls.html", config = "src/http/askama.toml")]
struct CallsPage<'a> {
    w: &'static Words,
    frame: Frame<'a>,
    tab: Tab,
    toasts: Vec<Badge>,
    cards: Vec<Card>,
    form: CallsForm,
    calls: CallsView,
}

/// `GET /calls`, and as `GET /admin/callcenter`: the call records, filtered and page by page.
pub(in crate::http) async fn calls(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(wanted) = wanted.unwrap_or_default();
    let (filter, page_number, problems) = understand(&wanted, &reception.faces.zone);
    let snapshot = reception.recent_snapshot().await;
    let sources = Sources::ask(&reception, words).await;
    let pairs = wanted.pairs();
    let (status, calls) = match look(&reception, filter).await {
        Some((epoch, page)) => {
            let painter = Painter {
                words,
                snapshot: snapshot.as_deref(),
            };
            let link = |number| page_address(&pairs, number);
            let mut view = painter.paint(&page, page_number, wanted.narrows(), link);
            mark_held(&reception, words, &page, &mut view).await;
            let seq = page.latest_seq.unwrap_or(0);
            view.cursor = Cursor { epoch, seq }.encode();
            (StatusCode::OK, view)
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, unreadable(words)),
    };
    let page = CallsPage {
        w: words,
        frame: Frame::new(
            &reception,
            words,
            Some(&visitor),
            Here::Calls,
            &page_address(&pairs, page_number),
        ),
        tab: Tab::Records,
        toasts: Vec::new(),
        cards: sources.cards,
        form: CallsForm::new(words, &wanted, snapshot.as_deref(), &sources.names, &problems),
        calls,
    };
    render(status, &page)
}

async fn look(reception: &Reception, filter: CdrFilter) -> Option<(String, CdrPage)> {
    let question =
        move |reader: &crate::store::Reader| Ok((reader.epoch().to_owned(), reader.cdrs(&filter)?));
    reception.read(question).await.ok()
}

/// Marks the calls with a recording that a legal hold keeps. Without an answer none is marked.
async fn mark_held(reception: &Reception, words: &Words, page: &CdrPage, view: &mut CallsView) {
    let ids_of = |cdr: &Cdr| -> Vec<RecordingId> {
        let all = cdr.recording.iter().chain(&cdr.earlier_recordings);
        all.map(|facts| facts.id).collect()
    };
    let ids: Vec<RecordingId> = page.items.iter().flat_map(|(_, cdr)| ids_of(cdr)).collect();
    let held = reception.read(move |reader| reader.held_among(&ids)).await;
    let held = held.unwrap_or_default();
    for (row, (_, cdr)) in view.rows.iter_mut().zip(&page.items) {
        if ids_of(cdr).iter().any(|id| held.contains(id)) {
            row.held = keeping(words.lang).kept_by_hold;
        }
    }
}

/// What the page shows of the PBXs beside us; nothing while nobody can say.
#[derive(Default)]
struct Sources {
    cards: Vec<Card>,
    names: Vec<String>,
}

impl Sources {
    async fn ask(reception: &Reception, words: &Words) -> Self {
        let desk = &reception.faces.sync;
        let (Ok(sources), Ok(stats)) = (desk.sources().await, desk.stats().await) else {
            return Self::default();
        };
        let shown = sources
            .iter()
            .find(|source| source.is_active)
            .or_else(|| sources.first());
        Self {
            cards: shown
                .map(|source| cards::of(words, &stats, source))
                .unwrap_or_default(),
            names: sources.iter().map(|source| source.name.clone()).collect(),
        }
    }
}

fn unreadable(words: &Words) -> CallsView {
    CallsView {
        empty: words.no_store.to_owned(),
        ..CallsView::default()
    }
}

/// Rows of one page, for the store.
pub(super) const ROWS_LIMIT: usize = ROWS as usize;
