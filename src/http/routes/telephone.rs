use super::Shared;
use crate::http::problem::Problem;
use crate::http::serve::{Local, Peer};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The browser has to take the answer by then.
const SWITCH_TIME: Duration = Duration::from_secs(5);
/// The subprotocol (RFC 7118 §4).
const SIP: &str = "sip";

/// `GET /sip`: a browser telephones. No token is wanted: it logs in as a phone, with digest.
pub(super) async fn open(State(reception): Shared, mut request: Request) -> Result<Response, Problem> {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(key) = key_of(headers) else {
        let why = "Here browsers telephone: a WebSocket of version 13 with the subprotocol sip.";
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "no_websocket", why);
        return Ok(([(header::UPGRADE, "websocket")], problem).into_response());
    };
    let door = &reception.faces.telephone;
    if !door.admits(text(header::HOST), text(header::ORIGIN)) {
        let why = "This page may not telephone here; see `ws_origins` in the [sip] section.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", why));
    }
    if !has(headers, header::SEC_WEBSOCKET_PROTOCOL, SIP) {
        let why = "The subprotocol here is sip.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "wrong_subprotocol", why));
    }
    let extensions = request.extensions();
    let (peer, local) = (
        extensions.get::<Peer>().copied(),
        extensions.get::<Local>().copied(),
    );
    let seat = peer
        .zip(local)
        .and_then(|(Peer(peer), Local(local))| door.reserve(peer, local))
        .ok_or_else(|| {
            let why = "Too many telephones are connected. Try again in a moment.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", why)
        })?;
    let switching = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(Ok(upgraded)) = tokio::time::timeout(SWITCH_TIME, switching).await {
            seat(upgraded).await;
        }
    });
    let accepted = HeaderValue::from_str(&key).unwrap_or(HeaderValue::from_static(""));
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accepted),
        (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP)),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// What the handshake is answered with (RFC 6455 §4.2); nothing when it is none.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let is_one = has(headers, header::CONNECTION, "upgrade") && has(headers, header::UPGRADE, "websocket");
    let version = headers.get(header::SEC_WEBSOCKET_VERSION)?;
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    (is_one && version == "13").then(|| derive_accept_key(key.as_bytes()))
}

/// Whether a list header holds the word.
fn has(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| one.trim().eq_ignore_ascii_case(word))
}
