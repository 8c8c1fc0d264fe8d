//! Pages of other sites that may ask this box with a token of their own: none, unless `[http] cors_origins` names them.
//! Cookies are never taken from them (Fetch standard, CORS protocol).

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// How long a browser may remember what it was allowed, in seconds.
const REMEMBERED_SECONDS: &str = "600";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const SENT: &str = "authorization, content-type, if-match, if-none-match, last-event-id, range, x-request-id";
const SHOWN: &str = "content-range, etag, link, retry-after, x-request-id";

/// The origin of the request, when it may ask.
pub(super) fn origin_of(request: &Request, allowed: &[String]) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    let is_named = |one: &String| one.trim_end_matches('/').eq_ignore_ascii_case(text);
    allowed.iter().any(is_named).then(|| origin.clone())
}

/// Whether a browser asks beforehand what it may do.
pub(super) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What it may.
pub(super) fn preflight() -> Response {
    let told = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED_SECONDS),
    ];
    (StatusCode::NO_CONTENT, told).into_response()
}

/// Lets the page of that origin read the answer.
pub(super) fn open(headers: &mut HeaderMap, origin: HeaderValue) {
    let named: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(SHOWN),
        ),
        (header::VARY, HeaderValue::from_static("origin")),
    ];
    headers.extend(named);
}
