//! A folder of a WebDAV server (RFC 4918): PUT under another name, then MOVE, so that nobody takes half of a file for the
//! whole. Our own requests, because `object_store` would hold the whole file in memory and cannot MOVE.

use super::Storage;
use super::file::{Source, hex};
use super::pace::{PIECE_BYTES, Pace};
use super::target::{Same, Trouble, other_bytes, other_length};
use crate::egress::{Author, Egress, Times, Trust, in_plain_words};
use crate::model::Secret;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::{CONTENT_LENGTH, HeaderValue, RANGE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use sha2::{Digest as _, Sha256};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep};

/// The folder.
#[derive(Debug)]
pub(in crate::keeping) struct Webdav {
    client: Client,
    base: Url,
    user: Option<(String, Secret)>,
    token: Option<Secret>,
    pace: Arc<Pace>,
}

impl Webdav {
    pub(super) fn open(storage: &Storage, egress: &Egress, pace: Arc<Pace>) -> Result<Self, Trouble> {
        let owner = format!("storage/{}", storage.name);
        let trust = Trust::from_keys(storage.ca_file.as_deref(), storage.tls_pin.as_deref(), &owner)
            .map_err(|(key, problem)| Trouble(format!("{key}: {problem}")))?;
        let written = format!(
            "{}/",
            storage.url.as_deref().unwrap_or_default().trim_end_matches('/')
        );
        let base: Url = written
            .parse()
            .map_err(|error| Trouble(format!("url: {error}")))?;
        let client = egress
            .http_with(&base, Author::File, &trust, Times::default())
            .map_err(|trouble| Trouble(trouble.to_string()))?;
        let password = storage.password.clone().unwrap_or_default();
        Ok(Self {
            client,
            base,
            user: storage.user.clone().map(|user| (user, password)),
            token: storage.token.clone(),
            pace,
        })
    }

    pub(super) async fn send(&self, key: &str, source: &Source) -> Result<(), Trouble> {
        let part = format!("{key}.part");
        let put = || {
            self.ask(Method::PUT, &part).map(|ask| {
                ask.body(reqwest::Body::wrap(FileBody::new(
                    source.clone(),
                    Arc::clone(&self.pace),
                )))
            })
        };
        self.put_below(key, put, source.bytes).await?;
        self.rename(&part, key).await
    }

    /// PUT, and once more after the folders were made when they are what is missing (409, RFC 4918 §9.7.1).
    async fn put_below(
        &self,
        key: &str,
        put: impl Fn() -> Result<RequestBuilder, Trouble>,
        bytes: u64,
    ) -> Result<(), Trouble> {
        let patience = self.pace.patience(bytes);
        let answer = said(put()?.timeout(patience).send().await)?;
        let status = answer.status();
        if !matches!(
            status,
            StatusCode::CONFLICT | StatusCode::NOT_FOUND | StatusCode::FORBIDDEN
        ) {
            return well("PUT", answer);
        }
        self.make_folders(key).await?;
        well("PUT", said(put()?.timeout(patience).send().await)?)
    }

    /// One after the other, from the outermost; one that is there already says 405 (§9.3.1).
    async fn make_folders(&self, key: &str) -> Result<(), Trouble> {
        let steps: Vec<&str> = key.split('/').collect();
        for depth in 1..steps.len() {
            let folder = format!("{}/", steps.get(..depth).unwrap_or_default().join("/"));
            let make = Method::from_bytes(b"MKCOL").unwrap_or(Method::PUT);
            let answer = said(self.ask(make, &folder)?.send().await)?;
            if answer.status() != StatusCode::METHOD_NOT_ALLOWED {
                well("MKCOL", answer)?;
            }
        }
        Ok(())
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), Trouble> {
        let rename = Method::from_bytes(b"MOVE").unwrap_or(Method::PUT);
        let destination = self.at(to)?;
        let ask = self
            .ask(rename, from)?
            .header("Destination", destination.as_str())
            .header("Overwrite", "T");
        well("MOVE", said(ask.send().await)?)
    }

    pub(super) async fn compare(&self, key: &str, source: &Source) -> Result<Same, Trouble> {
        let head = said(self.ask(Method::HEAD, key)?.send().await)?;
        if head.status() == StatusCode::NOT_FOUND {
            return Ok(Same::Nothing);
        }
        let length = head.headers().get(CONTENT_LENGTH).and_then(number);
        well("HEAD", head)?;
        if let Some(there) = length.filter(|there| *there != source.bytes) {
            return Ok(other_length(there, source.bytes));
        }
        let patience = self.pace.patience(source.bytes);
        let mut answer = said(self.ask(Method::GET, key)?.timeout(patience).send().await)?;
        if !answer.status().is_success() {
            well("GET", answer)?;
            return Ok(Same::Nothing);
        }
        let mut hash = Sha256::new();
        let mut there = 0;
        while let Some(piece) = said(answer.chunk().await)? {
            there += piece.len() as u64;
            if there > source.bytes {
                return Ok(other_length(there, source.bytes));
            }
            self.pace.wait(piece.len()).await;
            hash.update(&piece);
        }
        if there != source.bytes {
            return Ok(other_length(there, source.bytes));
        }
        let is_same = hex(&hash.finalize()) == source.sha256;
        Ok(if is_same { Same::Yes } else { other_bytes() })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), Trouble> {
        let answer = said(self.ask(Method::DELETE, key)?.send().await)?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(()),
            _ => well("DELETE", answer),
        }
    }

    pub(super) async fn put_small(&self, key: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let put = || Ok(self.ask(Method::PUT, key)?.body(bytes.to_vec()));
        self.put_below(key, put, bytes.len() as u64).await
    }

    /// By Range (RFC 9110 §14.2). A server that does not know it sends all of it, of which only the beginning is taken.
    pub(super) async fn read_at(&self, key: &str, at: u64, count: u64) -> Result<Bytes, Trouble> {
        let span = format!("bytes={at}-{}", at.saturating_add(count).saturating_sub(1));
        let mut answer = said(self.ask(Method::GET, key)?.header(RANGE, span).send().await)?;
        let is_part = answer.status() == StatusCode::PARTIAL_CONTENT;
        let begins = answer.status() == StatusCode::OK && at == 0;
        if !is_part && !begins {
            well("GET", answer)?;
            return Err(Trouble("the server gives no parts of a file".to_owned()));
        }
        let most = usize::try_from(count).unwrap_or(0);
        let mut read = Vec::with_capacity(most);
        while let Some(piece) = said(answer.chunk().await)? {
            let wanted = most.saturating_sub(read.len()).min(piece.len());
            read.extend_from_slice(piece.get(..wanted).unwrap_or_default());
            if read.len() >= most {
                break;
            }
        }
        Ok(read.into())
    }

    pub(super) async fn read_small(&self, key: &str) -> Result<Vec<u8>, Trouble> {
        const MOST: usize = 4096;
        let mut answer = said(self.ask(Method::GET, key)?.send().await)?;
        if !answer.status().is_success() {
            well("GET", answer)?;
            return Ok(Vec::new());
        }
        let mut read = Vec::new();
        while let Some(piece) = said(answer.chunk().await)? {
            read.extend_from_slice(&piece);
            if read.len() > MOST {
                break;
            }
        }
        Ok(read)
    }

    fn at(&self, key: &str) -> Result<Url, Trouble> {
        self.base
            .join(key)
            .map_err(|error| Trouble(format!("{key} is no address: {error}")))
    }

    fn ask(&self, method: Method, key: &str) -> Result<RequestBuilder, Trouble> {
        let ask = self.client.request(method, self.at(key)?);
        Ok(match (&self.token, &self.user) {
            (Some(token), _) => ask.bearer_auth(token.expose()),
            (None, Some((user, password))) => ask.basic_auth(user, Some(password.expose())),
            (None, None) => ask,
        })
    }
}

fn said<T>(outcome: reqwest::Result<T>) -> Result<T, Trouble> {
    outcome.map_err(|error| Trouble(in_plain_words(error)))
}

/// Any other answer than success, in words.
fn well(what: &str, answer: Response) -> Result<(), Trouble> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let why = match status {
        StatusCode::UNAUTHORIZED => " (the password or token is refused)",
        StatusCode::FORBIDDEN => " (not permitted to this user)",
        StatusCode::INSUFFICIENT_STORAGE => " (no room is left there)",
        _ => "",
    };
    Err(Trouble(format!("{what} is answered {status}{why}")))
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

/// A file as it is sent: a piece at a time, at its pace, never all of it in memory.
struct FileBody {
    source: Source,
    at: u64,
    pace: Arc<Pace>,
    turn: Pin<Box<Sleep>>,
}

impl FileBody {
    fn new(source: Source, pace: Arc<Pace>) -> Self {
        Self {
            source,
            at: 0,
            pace,
            turn: Box::pin(tokio::time::sleep_until(Instant::now())),
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        if this.at >= this.source.bytes {
            return Poll::Ready(None);
        }
        if this.turn.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let piece = match this.source.read(this.at, PIECE_BYTES as u64) {
            Ok(piece) => piece,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        this.at += piece.len() as u64;
        this.pace.reserve(piece.len(), Instant::now());
        let next = this.pace.reserve(0, Instant::now());
        this.turn.as_mut().reset(next);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.source.bytes
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.source.bytes.saturating_sub(self.at))
    }
}
