use super::wanted::Callback;
use crate::http::problem::Problem;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// An error as pullers of this PBX know it: `{"status":"error","message":…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    retry_after_seconds: Option<u32>,
}

impl Refusal {
    /// 400: the message names the parameter.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            retry_after_seconds: None,
        }
    }

    /// 401.
    pub(super) fn unauthorized() -> Self {
        Problem::unauthorized().into()
    }

    /// 403: a token for other things.
    pub(super) fn forbidden() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            message: "This needs a token with the scope `cdr:read`.".to_owned(),
            retry_after_seconds: None,
        }
    }

    /// 404.
    pub(super) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: "There is no such recording.".to_owned(),
            retry_after_seconds: None,
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status(),
            message: problem.detail().to_owned(),
            retry_after_seconds: problem.retry_after_seconds(),
        }
    }
}

impl Refusal {
    /// The refusal as JSON, or as a script when a page asked for one.
    pub(super) fn answer(self, callback: Option<&Callback>) -> Response {
        let Self {
            status,
            message,
            retry_after_seconds,
        } = self;
        let mut response = answer(
            status,
            &json!({ "status": "error", "message": message }),
            callback,
        );
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"callpost\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A body as JSON, or as a script that hands it to the page's function.
pub(super) fn answer<T: Serialize>(status: StatusCode, body: &T, callback: Option<&Callback>) -> Response {
    let Ok(json) = serde_json::to_string(body) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match callback {
        None => (status, [(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Some(callback) => {
            // Two characters that JSON allows in a text and older scripts do not (ECMAScript 2019 does).
            let safe = json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
            let head = [
                (header::CONTENT_TYPE, "application/javascript; charset=utf-8"),
                // The page that asks is another host's: that is what JSONP is for.
                (RESOURCE_POLICY, "cross-origin"),
            ];
            (status, head, format!("{}({safe});", callback.name())).into_response()
        }
    }
}
