//! One WebSocket: every message is one SIP message (RFC 7118 §5).

use super::connection::Link;
use super::hub::Workshop;
use super::patience::FOR_STRANGERS;
use super::places::Place;
use super::web_rules::WebRules;
use crate::sip::{Flow, PONG, limits};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// Where on a web server the telephone is.
const PATH: &str = "/sip";
/// The subprotocol (RFC 7118 §4).
const SIP: &str = "sip";
/// A quiet browser is asked so often whether it is there.
const PING_EVERY: Duration = Duration::from_secs(25);
/// A browser that answers none of them is gone.
const UNANSWERED: Duration = Duration::from_secs(80);
const WRITE_TIME: Duration = Duration::from_secs(5);
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection never holds more than one message each way: 64 kB, and small buffers around it.
pub fn websocket_limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * limits::MESSAGE_BYTES)
        .max_message_size(Some(limits::MESSAGE_BYTES))
        .max_frame_size(Some(limits::MESSAGE_BYTES))
}

/// The handshake of RFC 6455 §4.2 with the subprotocol of RFC 7118; nothing when it was refused.
pub(super) async fn shake<S>(stream: S, rules: &WebRules) -> Option<WebSocketStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let judge = |request: &Request, mut response: Response| {
        if let Some((status, reason)) = objection(request, rules) {
            let mut refusal = ErrorResponse::new(Some(reason.to_owned()));
            *refusal.status_mut() = status;
            return Err(refusal);
        }
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async_with_config(stream, judge, Some(websocket_limits()))
        .await
        .ok()
}

/// The socket behind a handshake that somebody else has done.
pub(super) async fn behind_handshake<S>(stream: S) -> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    WebSocketStream::from_raw_socket(stream, Role::Server, Some(websocket_limits())).await
}

fn objection(request: &Request, rules: &WebRules) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if !matches!(request.uri().path(), PATH | "/") {
        return Some((StatusCode::NOT_FOUND, "The telephone is at /sip.\n"));
    }
    if !rules.admit(text(header::HOST), text(header::ORIGIN)) {
        let why = "This page may not telephone here: see ws_origins in [sip] and hosts in [http].\n";
        return Some((StatusCode::FORBIDDEN, why));
    }
    if !speaks_sip(headers) {
        return Some((StatusCode::BAD_REQUEST, "The subprotocol here is sip.\n"));
    }
    None
}

fn speaks_sip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case(SIP))
}

/// Serves one socket until it ends.
pub(super) async fn serve<S>(mut socket: WebSocketStream<S>, flow: Flow, place: Place, workshop: &Workshop)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(mut link) = workshop.link(flow, place).await else {
        return;
    };
    let code = talk(&mut socket, flow, &mut link, workshop).await;
    if let Some(code) = code {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::default(),
        };
        // Whoever broke the rules may not be there to be told.
        let _ = timeout(GOODBYE, socket.close(Some(frame))).await;
    }
    drop(link.place);
    workshop.gone(link.id).await;
}

/// Talks until one side ends it; with which word, when it is ours to say one.
async fn talk<S>(
    socket: &mut WebSocketStream<S>,
    flow: Flow,
    link: &mut Link,
    workshop: &Workshop,
) -> Option<CloseCode>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut heard = Instant::now();
    let mut ping_at = heard + PING_EVERY;
    loop {
        let known = link.patience.is_known();
        let until = heard + if known { UNANSWERED } else { FOR_STRANGERS };
        tokio::select! {
            bytes = link.outgoing.recv() => {
                let Some(bytes) = bytes else { return Some(CloseCode::Away) };
                say(socket, as_message(bytes)).await?;
            }
            message = socket.next() => match message? {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                    heard = Instant::now();
                    let bytes = message.into_data();
                    if bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
                        workshop.hand_over(flow, bytes.into()).await;
                    } else if bytes.len() == 4 {
                        say(socket, as_message(Bytes::from_static(PONG))).await?;
                    }
                }
                // The library answers pings by itself.
                Ok(Message::Ping(_) | Message::Pong(_)) => {
                    if known {
                        heard = Instant::now();
                    }
                }
                Ok(Message::Close(_) | Message::Frame(_)) => return None,
                Err(error) => return last_word(&error),
            },
            () = sleep_until(ping_at), if known => {
                ping_at = Instant::now() + PING_EVERY;
                say(socket, Message::Ping(Bytes::new())).await?;
            }
            // Unless the peer has become known in the meantime.
            () = sleep_until(until) => if known || !link.patience.is_known() {
                return Some(CloseCode::Away);
            },
        }
    }
}

/// Nothing when the peer does not read.
async fn say<S>(socket: &mut WebSocketStream<S>, message: Message) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match timeout(WRITE_TIME, socket.send(message)).await {
        Ok(Ok(())) => Some(()),
        Ok(Err(_)) | Err(_) => None,
    }
}

/// SIP is UTF-8 text; what came from a peer in Latin-1 and is passed on goes as it is.
fn as_message(bytes: Bytes) -> Message {
    match Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(bytes),
    }
}

/// What a peer that breaks the rules is told (RFC 6455 §7.4.1).
fn last_word(error: &Error) -> Option<CloseCode> {
    if matches!(error, Error::Capacity(_)) {
        Some(CloseCode::Size)
    } else if matches!(error, Error::Protocol(_)) {
        Some(CloseCode::Protocol)
    } else if matches!(error, Error::Utf8(_)) {
        Some(CloseCode::Invalid)
    } else {
        None
    }
}
