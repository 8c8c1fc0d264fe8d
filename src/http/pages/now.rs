use super::frame::{Frame, Here};
use super::now_view::{
    AgentRow, AlarmRow, BanRow, CallRow, NowView, Painter, PhoneRow, QueueRow, RecordRow, TrunkRow,
};
use super::words::{Chosen, Words};
use super::{render, text};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::store::CdrFilter;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

/// Records on the page.
const LAST_CALLS: usize = 25;

#[derive(Template)]
#[template(path = "now.html", config = "src/http/askama.toml")]
struct NowPage<'a> {
    w: &'static Words,
    frame: Frame<'a>,
    now: NowView,
    /// Rows without words, which the script copies when something new appears.
    blank: Blank,
}

#[derive(Default)]
struct Blank {
    alarm: AlarmRow,
    call: CallRow,
    agent: AgentRow,
    queue: QueueRow,
    phone: PhoneRow,
    trunk: TrunkRow,
    ban: BanRow,
    record: RecordRow,
}

/// `GET /`: what is happening now. When the engine is silent the page says so and keeps trying.
pub(in crate::http) async fn now(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let (status, view) = match look(&reception, words, &visitor).await {
        Ok(view) => (StatusCode::OK, view),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, silent(&reception, words)),
    };
    let page = NowPage {
        w: words,
        frame: Frame::new(&reception, words, Some(&visitor), Here::Now, "/"),
        now: view,
        blank: Blank::default(),
    };
    render(status, &page)
}

/// `GET /now.json`: the same again, for the page's script.
pub(in crate::http) async fn now_json(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    Ok(Json(look(&reception, words, &visitor).await?).into_response())
}

async fn look(reception: &Reception, words: &'static Words, visitor: &Visitor) -> Result<NowView, Problem> {
    let snapshot = reception.snapshot().await?;
    let filter = CdrFilter {
        limit: LAST_CALLS,
        newest_first: true,
        ..CdrFilter::default()
    };
    let records = reception
        .read(move |reader| reader.cdrs(&filter))
        .await
        .ok()
        .map(|page| page.items);
    let troubles = reception.faces.health.look().troubles;
    let painter = Painter {
        words,
        visitor,
        snapshot: &snapshot,
    };
    Ok(painter.paint(&troubles, records.as_deref()))
}

fn silent(reception: &Reception, words: &Words) -> NowView {
    let wall = reception.faces.outside.wall();
    let mut view = NowView::default();
    view.clock.unix_ms = wall.unix_ms;
    view.clock.offset_seconds = wall.offset_seconds;
    view.clock.time = text::time_of_day(wall);
    view.standing.state = "bad".to_owned();
    view.standing.word = words.engine_silent.to_owned();
    view.no_records = words.no_store.to_owned();
    view
}
