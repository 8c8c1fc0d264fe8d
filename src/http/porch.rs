use super::problem::{Problem, REQUEST};
use super::reception::Reception;
use super::routes::too_large;
use super::{cors, same};
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// Largest request body.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;
/// Largest sound file.
pub(super) const MAX_UPLOAD_BYTES: usize = 10 * 1024 * 1024;
/// What a form adds to it.
pub(super) const FORM_BYTES: usize = 16 * 1024;
/// Largest text of the configuration, for which there are a few addresses.
pub(super) const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// Longest time from the end of a request's headers to the beginning of its answer; a long poll takes 30 seconds of it.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);
/// The same for a request with a body, which has to arrive in this time too.
const TAKE_WITHIN: Duration = Duration::from_secs(20);
/// The same for a sound file, over a slow line too.
const TAKE_FILE_WITHIN: Duration = Duration::from_secs(120);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything comes from this box, no script or style stands in a page, and nobody frames it (CSP level 3).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'; object-src 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::CACHE_CONTROL, "no-store"),
];

/// The outermost layer: names the request, turns away what is not meant for this box or too large, watches the time,
/// and puts on every answer, errors of the libraries included, the headers and the form they all have.
pub(super) async fn porch(State(reception): State<Arc<Reception>>, request: Request, next: Next) -> Response {
    let id = given_id(request.headers()).unwrap_or_else(|| reception.request_id());
    let origin = cors::origin_of(&request, &reception.faces.config.cors_origins);
    let (method, known) = (request.method().clone(), same::known_to(request.headers()));
    let span =
        tracing::debug_span!("http", request = %id, method = %request.method(), path = request.uri().path());
    let answer = async {
        match turned_away(&reception, &request) {
            Some(problem) => problem.into_response(),
            None if origin.is_some() && cors::is_preflight(&request) => cors::preflight(),
            None => {
                let response = within(time_for(&request), next.run(request)).await;
                same::tagged(&method, known, reworded_if_bare(response)).await
            }
        }
    };
    let mut response = REQUEST.scope(id.clone(), answer.instrument(span)).await;
    tracing::debug!(request = %id, status = response.status().as_u16(), "Request {id} was answered.");
    reception.count_answer(response.status().as_u16());
    dress(response.headers_mut(), &id);
    if let Some(origin) = origin {
        cors::open(response.headers_mut(), origin);
    }
    response
}

/// The name that whoever asks gave the request, so that their log and ours can be laid side by side: at most 64 letters,
/// digits, `.`, `_` and `-`.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    ((1..=64).contains(&given.len()) && given.bytes().all(is_plain)).then(|| given.to_owned())
}

/// Why the request goes no further, if it does not.
fn turned_away(reception: &Reception, request: &Request) -> Option<Problem> {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let in_target = request.uri().authority().map(|authority| authority.as_str());
    let ours = |name: &str| reception.hosts.allow(name);
    if !host.is_some_and(ours) || !in_target.is_none_or(ours) {
        let cure = "This box does not answer to that host name. Use its address, or add the name to `hosts` \
                    in the [http] section.";
        return Some(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            cure,
        ));
    }
    let size = request.body().size_hint().lower();
    if is_upload(request) {
        return (size > (MAX_UPLOAD_BYTES + FORM_BYTES) as u64).then(too_large);
    }
    let is_too_large = size > largest_body(request.uri().path()) as u64;
    is_too_large.then(|| Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))
}

/// Whether a sound file comes with it. The two routes have a limit of their own, too.
fn is_upload(request: &Request) -> bool {
    let path = request.uri().path();
    match *request.method() {
        Method::PUT => path.starts_with("/api/v1/prompts/"),
        Method::POST => path == "/prompts/upload",
        _ => false,
    }
}

fn largest_body(path: &str) -> usize {
    let takes_texts = ["/api/v1/config", "/api/v1/flows", "/api/v1/simulate"];
    if takes_texts.iter().any(|begin| path.starts_with(begin)) {
        MAX_TEXT_BYTES
    } else {
        MAX_BODY_BYTES
    }
}

fn time_for(request: &Request) -> Duration {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        ANSWER_WITHIN
    } else if is_upload(request) {
        TAKE_FILE_WITHIN
    } else {
        TAKE_WITHIN
    }
}

async fn within(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    let late = |_elapsed| Problem::of_status(StatusCode::REQUEST_TIMEOUT).into_response();
    tokio::time::timeout(limit, answer).await.unwrap_or_else(late)
}

/// An error that a library made: it has no problem body yet.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let ours = kind.is_some_and(|kind| {
        [
            "application/problem+json",
            "application/json",
            "application/javascript",
            "text/html",
        ]
        .iter()
        .any(|ours| kind.starts_with(ours))
    });
    (status.is_client_error() || status.is_server_error()) && !ours
}

fn reworded_if_bare(response: Response) -> Response {
    if is_bare_error(&response) {
        reworded(response)
    } else {
        response
    }
}

fn reworded(bare: Response) -> Response {
    let mut response = Problem::of_status(bare.status()).into_response();
    for name in [
        header::ALLOW,
        header::CONTENT_RANGE,
        header::ETAG,
        header::ACCEPT_RANGES,
    ] {
        if let Some(value) = bare.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn dress(headers: &mut HeaderMap, id: &str) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}
