use crate::http::problem::Problem;
use crate::model::Stamp;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A JSON body as a type; anything else is answered with a problem that says what was wrong.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let essence = kind
            .and_then(|kind| kind.split(';').next())
            .unwrap_or_default()
            .trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let cure = "Send the body as `Content-Type: application/json`.";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                cure,
            ));
        }
        let broken = |rejection: BytesRejection| Problem::of_status(rejection.into_response().status());
        let body = Bytes::from_request(request, state).await.map_err(broken)?;
        let mistake = |error: serde_json::Error| Problem::bad_request(format!("The body: {error}."));
        serde_json::from_slice(&body).map(Self).map_err(mistake)
    }
}

/// The query of an address as a type; an unknown or malformed parameter is named in the answer.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mistake = |error: axum::extract::rejection::QueryRejection| {
            Problem::bad_request(format!("The query: {}.", error.body_text()))
        };
        Query::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(mistake)
    }
}

/// The UUID in an address; a word that is none names nothing we have.
pub(super) fn uuid(word: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(word).map_err(|_| Problem::not_found("There is nothing with this id."))
}

/// A time such as `2026-11-20T12:00:00+03:00` in milliseconds since 1970. A `+` that was not escaped arrives as a
/// blank and is taken for what was meant.
pub(super) fn time_ms(name: &str, text: &str) -> Result<i64, Problem> {
    let time: Result<jiff::Timestamp, _> = text.replace(' ', "+").parse();
    time.map(|time| time.as_millisecond()).map_err(|_| {
        Problem::bad_request(format!(
            "`{name}` must be an RFC 3339 time with zone, such as 2026-11-20T12:00:00Z."
        ))
    })
}

/// A time in milliseconds since 1970 as the site's clock shows it.
pub(in crate::http) fn stamp(zone: &jiff::tz::TimeZone, unix_ms: i64) -> Stamp {
    let offset = |time| zone.to_offset(time).seconds();
    Stamp {
        unix_ms,
        offset_seconds: jiff::Timestamp::from_millisecond(unix_ms).map_or(0, offset),
    }
}

/// The name in an address: letters, digits, `.`, `_` and `-`, at most 64, as names of configured things are.
pub(super) fn name(text: &str) -> Result<String, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(Problem::bad_request(
        "A name has 1 to 64 letters, digits, dots, `_` and `-`.",
    ))
}

/// A word of a serde enum, such as a status, whatever its case.
pub(super) fn word<T: DeserializeOwned>(name: &str, text: &str, choices: &[&str]) -> Result<T, Problem> {
    let known = choices.iter().find(|choice| choice.eq_ignore_ascii_case(text));
    known
        .and_then(|choice| serde_json::from_value((*choice).into()).ok())
        .ok_or_else(|| Problem::bad_request(format!("`{name}` must be one of {}.", choices.join(", "))))
}
