//! A recording that lies at the PBX is played through the box: nobody else needs a way, or a key, to the PBX.

use crate::connectors::sync::{DeskError, SyncDesk};
use crate::http::problem::Problem;
use crate::model::CallId;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response as HttpResponse, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The most bytes of one recording that pass: ten hours of uncompressed speech.
const MOST_BYTES: u64 = 640 << 20;

/// The PBX's recording of this call, whole or by Range.
pub(super) async fn play(desk: &SyncDesk, cdr: CallId, headers: &HeaderMap) -> Result<Response, Problem> {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let answer = desk.recording(cdr, range).await.map_err(|error| match error {
        DeskError::NotFound => Problem::not_found("There is no recording with this id."),
        DeskError::FromFile | DeskError::Taken(_) | DeskError::Faults(_) | DeskError::Store(_) => {
            at_the_pbx(&error.to_string())
        }
    })?;
    let status = answer.status();
    if !matches!(
        status,
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE
    ) {
        return Err(at_the_pbx(&format!("the PBX answered {status}")));
    }
    let length = answer.content_length();
    if length.is_some_and(|length| length > MOST_BYTES) {
        return Err(at_the_pbx("it is larger than any call"));
    }
    let kind = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .filter(|kind| kind.as_bytes().starts_with(b"audio/"))
        .cloned()
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = HttpResponse::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind);
    for name in [
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::ACCEPT_RANGES,
    ] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    let body = Bounded {
        inner: Box::pin(reqwest::Body::from(answer)),
        left: MOST_BYTES,
    };
    response
        .body(Body::new(body))
        .map_err(|_broken| at_the_pbx("its headers cannot be passed on"))
}

fn at_the_pbx(reason: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "pbx_recording",
        format!("The recording lies at the PBX and cannot be fetched: {reason}."),
    )
}

/// A body that ends where it has become too long.
struct Bounded {
    inner: Pin<Box<reqwest::Body>>,
    left: u64,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match self.inner.as_mut().poll_frame(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => {
                return Poll::Ready(Some(Err(std::io::Error::other(error.without_url().to_string()))));
            }
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let count = frame.data_ref().map_or(0, |data| data.len() as u64);
        if count > self.left {
            return Poll::Ready(Some(Err(std::io::Error::other("the recording does not end"))));
        }
        self.left -= count;
        Poll::Ready(Some(Ok(frame)))
    }
}
