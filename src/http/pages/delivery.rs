use super::badges::Badge;
use super::delivery_view::{self, ConsumerRow, Destination, Parked};
use super::frame::{Frame, Here};
use super::keeping_view::KeepingView;
use super::render;
use super::tabs::Tab;
use super::text::offset_of;
use super::words::{Chosen, Words};
use crate::http::people::{Scope, Visitor};
use crate::http::routes::{Shared, look_at_keeping, storages};
use crate::store::{Reader, StoreError};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Template)]
#[template(path = "delivery.html", config = "src/http/askama.toml")]
struct DeliveryPage<'a> {
    w: &'static Words,
    frame: Frame<'a>,
    tab: Tab,
    toasts: Vec<Badge>,
    destinations: Vec<Destination>,
    consumers: Vec<ConsumerRow>,
    keeping: KeepingView,
    may_change: bool,
    /// The site's offset from UTC, `+07:00`, for times that are typed.
    offset: String,
    /// Why there is nothing to show, when the store is the reason.
    trouble: &'static str,
}

/// Parked records shown for a destination.
const PARKED: usize = 20;
/// Recordings shown that go next.
const NEXT: usize = 10;

/// `GET /delivery`: where records go, how far each destination and each reader is, and the proof of it.
pub(in crate::http) async fn delivery(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let now = reception.faces.outside.wall();
    let found = reception.read(look).await;
    let (status, trouble) = match &found {
        Ok(_) => (StatusCode::OK, ""),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, words.no_store),
    };
    let found = found.unwrap_or_default();
    let pins = reception.faces.destinations.pins();
    let required = &reception.faces.required_consumers;
    let preview = look_at_keeping(&reception, |desk| desk.preview(NEXT)).await.ok();
    let places = storages(&reception).await.unwrap_or_default();
    let page = DeliveryPage {
        w: words,
        frame: Frame::new(&reception, words, Some(&visitor), Here::Delivery, "/delivery"),
        tab: Tab::Delivery,
        toasts: Vec::new(),
        destinations: delivery_view::destinations(words, now, found.parts, &pins),
        consumers: delivery_view::consumers(words, now, &found.consumers, required),
        keeping: KeepingView::new(words, now, places, preview, reception.faces.shelf.audit()),
        may_change: visitor.may(Scope::ConfigWrite),
        offset: offset_of(now),
        trouble,
    };
    render(status, &page)
}

/// What the store says.
#[derive(Default)]
struct Look {
    parts: Vec<Parked>,
    consumers: Vec<crate::store::Consumer>,
}

fn look(reader: &Reader) -> Result<Look, StoreError> {
    let mut look = Look {
        consumers: reader.consumers()?,
        ..Look::default()
    };
    for backlog in reader.backlog()? {
        let name = &backlog.upstream;
        let records = reader.parked(name, 0, PARKED)?.unwrap_or_default();
        let proof = reader.proof(name, 1, u64::MAX)?;
        look.parts.push(Parked {
            backlog,
            records,
            proof,
        });
    }
    Ok(look)
}
