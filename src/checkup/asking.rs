//! A request of our own and its answer, over whatever carries SIP. Beside the daemon's sockets, so that what is seen is
//! seen from the same machine and disturbs nothing.

use super::reach::{Silence, silence};
use crate::model::Dice;
use crate::sip::{Draft, Frame, Framer, Message, Method, Name, Transport};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// RFC 3261 §17.1.2.2: a request is repeated after T1, then twice that, and so on.
const FIRST_REPEAT: Duration = Duration::from_millis(500);
/// The longest answer that is read.
const LONGEST: usize = 65_535;

/// Something that TCP or TLS carries.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The way to a trunk.
pub(super) enum Wire {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>, Framer),
}

/// Who asks: what is the same in every request of one look.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) call_id: String,
    pub(super) tag: String,
    cseq: u32,
}

/// One request as it was sent, to be compared with what comes back of it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) bytes: Vec<u8>,
    pub(super) cseq: u32,
    pub(super) branch: String,
    pub(super) from: String,
}

impl Asker {
    pub(super) fn new(transport: Transport, local: SocketAddr, dice: &mut Dice) -> Self {
        Self {
            transport,
            local,
            call_id: format!("{}@{}", dice.token(), bracketed(local)),
            tag: dice.token(),
            cseq: 0,
        }
    }

    /// A request without a body. `about` is From and To, `more` are further headers.
    pub(super) fn request(
        &mut self,
        method: Method<'_>,
        uri: &str,
        about: (&str, &str),
        more: &[(Name<'_>, &str)],
        dice: &mut Dice,
    ) -> Asked {
        self.cseq += 1;
        let branch = format!("z9hG4bK{}", dice.token());
        let via = format!("SIP/2.0/{} {}", self.transport.via(), self.local);
        let from = format!("<{}>;tag={}", about.0, self.tag);
        let mut draft = Draft::request(method, uri)
            .header(Name::Via, format_args!("{via};branch={branch};rport"))
            .header(Name::MaxForwards, 70)
            .header(Name::From, &from)
            .header(Name::To, format_args!("<{}>", about.1))
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format_args!("{} {}", self.cseq, method.as_str()))
            .header(
                Name::UserAgent,
                concat!("callpost/", env!("CARGO_PKG_VERSION"), " selftest"),
            );
        for (name, value) in more {
            draft = draft.header(*name, value);
        }
        Asked {
            bytes: draft.finish(),
            cseq: self.cseq,
            branch,
            from,
        }
    }
}

impl Wire {
    /// Sends a request and waits for its final answer.
    pub(super) async fn ask(&mut self, asked: &Asked, patience: Duration) -> Result<Vec<u8>, Silence> {
        let until = Instant::now() + patience;
        match self {
            Self::Udp(socket) => ask_by_datagrams(socket, asked, until).await,
            Self::Stream(stream, framer) => {
                match timeout_at(until, ask_by_stream(stream, framer, asked)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(Silence::NoAnswer),
                }
            }
        }
    }
}

async fn ask_by_datagrams(socket: &UdpSocket, asked: &Asked, until: Instant) -> Result<Vec<u8>, Silence> {
    let mut pause = FIRST_REPEAT;
    let mut space = vec![0; LONGEST];
    let mut garbled = false;
    loop {
        socket.send(&asked.bytes).await.map_err(|error| silence(&error))?;
        let next = (Instant::now() + pause).min(until);
        pause *= 2;
        while let Ok(received) = timeout_at(next, socket.recv(&mut space)).await {
            let length = received.map_err(|error| silence(&error))?;
            let bytes = space.get(..length).unwrap_or_default();
            match fits(bytes, asked) {
                Some(true) => return Ok(bytes.to_vec()),
                Some(false) => {}
                None => garbled = true,
            }
        }
        if next >= until {
            return Err(if garbled {
                Silence::Garbled
            } else {
                Silence::NoAnswer
            });
        }
    }
}

async fn ask_by_stream(
    stream: &mut Box<dyn Stream>,
    framer: &mut Framer,
    asked: &Asked,
) -> Result<Vec<u8>, Silence> {
    stream
        .write_all(&asked.bytes)
        .await
        .map_err(|error| silence(&error))?;
    stream.flush().await.map_err(|error| silence(&error))?;
    let mut space = [0; 4096];
    loop {
        while let Some(frame) = framer.next_frame().map_err(|_broken| Silence::Garbled)? {
            if let Frame::Message(bytes) = frame
                && fits(&bytes, asked) == Some(true)
            {
                return Ok(bytes);
            }
        }
        let length = stream.read(&mut space).await.map_err(|error| silence(&error))?;
        if length == 0 {
            return Err(Silence::Closed);
        }
        framer.push(space.get(..length).unwrap_or_default());
    }
}

/// Whether this is the final answer to what was asked; nothing when it cannot be read. Told by the count alone: an
/// answer in which somebody changed the rest is what we are looking for.
fn fits(bytes: &[u8], asked: &Asked) -> Option<bool> {
    let message = Message::parse(bytes).ok()?;
    let is_final = message.status().is_some_and(|status| status >= 200);
    Some(is_final && message.cseq().number == asked.cseq)
}

/// The address as it stands in a URI.
pub(super) fn bracketed(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}
