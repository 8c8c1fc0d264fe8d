use super::answer::{Refusal, answer};
use super::config::{Config, InternalAs};
use super::door::{self, Shown};
use super::record::{Record, record};
use super::wanted::{Asked, Callback, Wanted};
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::http::serve::Peer;
use crate::store::CdrFilter;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;

/// A page of records. `start_offset` is a string and the others are numbers: pullers count on it.
#[derive(Serialize)]
struct Page {
    status: &'static str,
    result_in_page: usize,
    start_offset: String,
    next_offset: u64,
    data: Vec<Record>,
}

/// `GET /api/v2/cdrs`: calls in the order in which they began, each once; a page beyond the end is empty, and so is
/// one of a tenant that is not this box.
pub(super) async fn list(
    State(reception): Shared,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let peer = peer.map(|Extension(peer)| peer);
    let (asked, callback) = match understand(&uri) {
        Ok(understood) => understood,
        Err(refusal) => return refuse_blindly(&reception, peer, &headers, refusal).await,
    };
    match page(&reception, peer, &headers, &asked, callback.is_some()).await {
        Ok(page) => answer(StatusCode::OK, &page, callback.as_ref()),
        Err(refusal) => refusal.answer(callback.as_ref()),
    }
}

fn understand(uri: &Uri) -> Result<(Asked, Option<Callback>), Refusal> {
    let asked = Asked::of(uri)?;
    let callback = asked.callback()?;
    Ok((asked, callback))
}

/// A stranger learns that he is one, not what was wrong with his query.
async fn refuse_blindly(
    reception: &Reception,
    peer: Option<Peer>,
    headers: &HeaderMap,
    refusal: Refusal,
) -> Response {
    let shown = Shown {
        headers,
        api_key: None,
        peer,
        for_any_page: true,
    };
    match door::admit(reception, shown).await {
        Ok(()) => refusal.answer(None),
        Err(stranger) => stranger.answer(None),
    }
}

async fn page(
    reception: &Reception,
    peer: Option<Peer>,
    headers: &HeaderMap,
    asked: &Asked,
    for_any_page: bool,
) -> Result<Page, Refusal> {
    let shown = Shown {
        headers,
        api_key: asked.text("api_key"),
        peer,
        for_any_page,
    };
    door::admit(reception, shown).await?;
    let wanted = Wanted::read(asked, &reception.faces.zone)?;
    let config = &reception.faces.config.onepos;
    let data = if config.domain.is_empty() || config.domain == wanted.domain {
        records(reception, config, &wanted).await?
    } else {
        Vec::new()
    };
    Ok(Page {
        status: "success",
        result_in_page: data.len(),
        start_offset: wanted.offset.to_string(),
        next_offset: wanted.offset.saturating_add(data.len() as u64),
        data,
    })
}

async fn records(reception: &Reception, config: &Config, wanted: &Wanted) -> Result<Vec<Record>, Refusal> {
    let question = CdrFilter {
        by_start: true,
        latest_only: true,
        from_ms: Some(wanted.from_ms),
        to_ms: Some(wanted.to_ms),
        caller: wanted.caller.clone(),
        dialed: wanted.destination.clone(),
        without_internal: config.internal_as == InternalAs::Omit,
        offset: wanted.offset,
        limit: wanted.limit,
        ..CdrFilter::default()
    };
    let page = reception.read(move |reader| reader.cdrs(&question)).await?;
    let tenant = tenant(config, &wanted.domain, &reception.faces.site);
    Ok(page
        .items
        .iter()
        .filter_map(|(_, cdr)| record(cdr, config, &tenant))
        .collect())
}

/// The first folder of a recording's path: the tenant's name as far as it is a plain one.
fn tenant(config: &Config, asked: &str, site: &str) -> String {
    let plain = |name: &&str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !name.is_empty() && !name.starts_with('.') && name.bytes().all(known)
    };
    let names = [config.domain.as_str(), asked, site];
    names.into_iter().find(plain).unwrap_or("callpost").to_owned()
}
