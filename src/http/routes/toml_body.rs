use crate::http::problem::Problem;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;

/// A configuration as it is written.
pub(super) struct TomlBody(pub(super) String);

impl<S: Send + Sync> FromRequest<S> for TomlBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        const TAKEN: [&str; 3] = ["application/toml", "text/toml", "text/plain"];
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(essence)) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the text as `Content-Type: application/toml`.",
            ));
        }
        let broken = |rejection: BytesRejection| Problem::of_status(rejection.into_response().status());
        let body = Bytes::from_request(request, state).await.map_err(broken)?;
        String::from_utf8(body.to_vec())
            .map(Self)
            .map_err(|_| Problem::bad_request("The text is no UTF-8."))
    }
}

/// Whether somebody wants the bare text.
pub(super) fn is_toml_wanted(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("toml") || accept.starts_with("text/plain"))
}
