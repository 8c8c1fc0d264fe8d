use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

tokio::task_local! {
    /// The name of the request that is being answered; a problem carries it, as the log does.
    pub(super) static REQUEST: String;
}

/// An error of the API as RFC 9457 wants it: a status, a stable word for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
    /// Members beside the usual ones (RFC 9457 §3.2).
    members: Vec<(&'static str, Value)>,
}

impl Problem {
    /// A problem with this status and word; `detail` says what to do about it.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after_seconds: None,
            members: Vec::new(),
        }
    }

    /// With one more member for programs.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// 400: a parameter, named in `detail`, is not what it should be.
    pub(super) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// 404.
    pub(super) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 401 that does not say what exactly was wrong.
    pub(super) fn unauthorized() -> Self {
        let cure = "Send `Authorization: Bearer <token>` with a valid token, or log in at /login.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", cure)
    }

    /// 429 with Retry-After: too many requests for one token or session.
    pub(super) fn too_many(wait: Duration) -> Self {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        Self {
            retry_after_seconds: Some(seconds.max(1)),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "Too many requests with this token or session; wait for the seconds of Retry-After.",
            )
        }
    }

    /// 503 with Retry-After: the box cannot answer this now, but will soon.
    pub(super) fn try_later(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            retry_after_seconds: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
    }

    /// What a bare status becomes when a library answered instead of one of our routes.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status.as_u16() {
            404 => ("not_found", "There is nothing at this address."),
            405 => (
                "method_not_allowed",
                "This address does not take this method; see the Allow header.",
            ),
            408 => (
                "timeout",
                "The request did not arrive, or could not be answered, in time.",
            ),
            413 => ("too_large", "The request body is larger than this address takes."),
            415 => (
                "unsupported_media_type",
                "Send the body as the Content-Type this address takes.",
            ),
            400..=499 => ("bad_request", "The request could not be understood."),
            _ => (
                "internal",
                "Something went wrong here; the log has this request's id.",
            ),
        };
        Self::new(status, code, detail)
    }

    /// A member for programs, as it was put in.
    pub(super) fn member<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, value) = self.members.iter().find(|(known, _)| *known == name)?;
        serde_json::from_value(value.clone()).ok()
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for people.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// When to ask again, in seconds.
    pub(super) fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// The word for programs.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:callpost:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let _ = REQUEST.try_with(|id| body["request_id"] = id.as_str().into());
        for (name, value) in self.members {
            body[name] = value;
        }
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"callpost\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
