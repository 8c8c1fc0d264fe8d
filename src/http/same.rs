//! An answer that has not changed is not sent again (RFC 9110 §8.8.3, §13.1.2): whoever asks with the `ETag` of the last
//! one gets 304 and no body.

use axum::body::{Body, HttpBody, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::hash::{DefaultHasher, Hasher};

/// Larger answers go without a tag: they are not looked at twice.
const MOST_BYTES: u64 = 1 << 20;

/// Gives an answer in JSON its tag, or answers 304 when the asker has it already.
pub(super) async fn tagged(method: &Method, known: Option<HeaderValue>, response: Response) -> Response {
    if *method != Method::GET || response.status() != StatusCode::OK || !is_whole_json(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let limit = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX);
    let Ok(bytes) = to_bytes(body, limit).await else {
        return super::problem::Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    };
    let mut hash = DefaultHasher::new();
    hash.write(&bytes);
    let tag = format!("W/\"{:x}-{:016x}\"", bytes.len(), hash.finish());
    let is_known = known.is_some_and(|known| names(&known, &tag));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// What the asker has already.
pub(super) fn known_to(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(header::IF_NONE_MATCH).cloned()
}

/// Whether a list of tags names this one; compared weakly, as for a GET it may be.
fn names(list: &HeaderValue, tag: &str) -> bool {
    let strong = |one: &str| one.trim().trim_start_matches("W/").to_owned();
    let Ok(list) = list.to_str() else { return false };
    list.split(',')
        .any(|one| one.trim() == "*" || strong(one) == strong(tag))
}

fn is_whole_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let size = response.body().size_hint().exact();
    is_json && size.is_some_and(|size| size <= MOST_BYTES) && !response.headers().contains_key(header::ETAG)
}
