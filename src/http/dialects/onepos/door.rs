use super::answer::Refusal;
use crate::http::people::{Digest, Scope};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::http::serve::Peer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What a puller shows to be let in.
pub(super) struct Shown<'a> {
    pub(super) headers: &'a HeaderMap,
    /// The `api_key` of the query. Only this dialect takes a token from an address.
    pub(super) api_key: Option<&'a str>,
    pub(super) peer: Option<Peer>,
    /// Whether the answer can be read by a foreign page, so that a person's session must not count.
    pub(super) for_any_page: bool,
}

/// Lets in: a token with `cdr:read` as Bearer or `api_key`, an address of the allow list, a person who is logged in.
pub(super) async fn admit(reception: &Reception, shown: Shown<'_>) -> Result<(), Refusal> {
    let allowed = &reception.faces.config.onepos.allow;
    if let Some(Peer(peer)) = shown.peer
        && allowed.iter().any(|network| network.holds(peer.ip()))
    {
        return Ok(reception.spend(Digest::of(&peer.ip().to_string()))?);
    }
    let has_header = shown.headers.contains_key(header::AUTHORIZATION);
    let visitor = match (has_header, shown.api_key) {
        (false, Some(key)) => reception.token_holder(key).await,
        (false, None) if shown.for_any_page => return Err(Refusal::unauthorized()),
        (true, _) | (false, None) => reception.visitor(shown.headers).await,
    };
    let visitor = visitor.map_err(Refusal::from)?;
    if visitor.may(Scope::CdrRead) {
        Ok(())
    } else {
        Err(Refusal::forbidden())
    }
}

/// Any other method: a stranger learns that he is one, others that only GET is served.
pub(super) async fn other_method(State(reception): Shared, headers: HeaderMap) -> Response {
    if let Err(stranger) = reception.visitor(&headers).await {
        return stranger.into_response();
    }
    let mut response = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response();
    let allow = HeaderValue::from_static("GET,HEAD");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}
