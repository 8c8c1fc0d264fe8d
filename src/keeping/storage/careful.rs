//! HTTP for `object_store` through the one careful way out: every host is judged, TLS believes in that host alone, no
//! redirect is followed, no proxy asked, and what is sent leaves at its pace.

use super::pace::{PIECE_BYTES, Pace};
use crate::egress::{Author, Egress, Times, Trust};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use reqwest::{Client, Url};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Makes the clients of one place.
#[derive(Debug, Clone)]
pub(super) struct Careful {
    egress: Egress,
    trust: Trust,
    pace: Arc<Pace>,
    answer: Duration,
    /// One for each host: a cloud may give its tokens elsewhere.
    clients: Arc<Mutex<HashMap<String, Client>>>,
}

/// Hosts that one place may lead to.
const MOST_HOSTS: usize = 8;

impl Careful {
    /// `largest` is the most that one request sends.
    pub(super) fn new(egress: Egress, trust: Trust, pace: Arc<Pace>, largest: u64) -> Self {
        Self {
            answer: pace.patience(largest),
            egress,
            trust,
            pace,
            clients: Arc::default(),
        }
    }

    /// The client for this address.
    pub(super) fn client(&self, url: &Url) -> Result<Client, crate::egress::Trouble> {
        let place = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&place) {
            return Ok(client.clone());
        }
        let times = Times {
            answer: self.answer,
            ..Times::default()
        };
        let client = self.egress.http_with(url, Author::File, &self.trust, times)?;
        if clients.len() >= MOST_HOSTS {
            clients.clear();
        }
        clients.insert(place, client.clone());
        Ok(client)
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url: Url = parts
            .uri
            .to_string()
            .parse()
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, Told(format!("{error}"))))?;
        let client = self
            .client(&url)
            .map_err(|trouble| HttpError::new(HttpErrorKind::Connect, trouble))?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(match body.content_length() {
            0 => reqwest::Body::from(""),
            _ => reqwest::Body::wrap(Paced::new(body, Arc::clone(&self.pace))),
        });
        let answer = client.execute(request).await.map_err(unwell)?;
        let (parts, body) = hyper::Response::<reqwest::Body>::from(answer).into_parts();
        Ok(HttpResponse::from_parts(
            parts,
            HttpResponseBody::new(Answer(body)),
        ))
    }
}

impl HttpConnector for Careful {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Careful {
    fn call<'service, 'answer>(
        &'service self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'answer>>
    where
        'service: 'answer,
        Self: 'answer,
    {
        Box::pin(self.exchange(request))
    }
}

/// Only words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

fn unwell(error: reqwest::Error) -> HttpError {
    let kind = match () {
        () if error.is_timeout() => HttpErrorKind::Timeout,
        () if error.is_connect() => HttpErrorKind::Connect,
        () => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, Told(crate::egress::in_plain_words(error)))
}

/// What is sent, in pieces that leave at their pace.
struct Paced {
    body: HttpRequestBody,
    rest: Bytes,
    left: u64,
    pace: Arc<Pace>,
    turn: Pin<Box<Sleep>>,
}

impl Paced {
    fn new(body: HttpRequestBody, pace: Arc<Pace>) -> Self {
        Self {
            left: body.content_length() as u64,
            body,
            rest: Bytes::new(),
            pace,
            turn: Box::pin(tokio::time::sleep_until(Instant::now())),
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if this.turn.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        while this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => this.rest = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        this.left = this.left.saturating_sub(piece.len() as u64);
        // The turn of this piece has come; the next one waits as long as this one takes.
        this.pace.reserve(piece.len(), Instant::now());
        let next = this.pace.reserve(0, Instant::now());
        this.turn.as_mut().reset(next);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// What is received, with its trouble in our words.
struct Answer(reqwest::Body);

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        Pin::new(&mut self.0)
            .poll_frame(context)
            .map(|frame| frame.map(|frame| frame.map_err(unwell)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
