use super::{SESSION_COOKIE, Scope, Scopes};
use crate::store::AuditWay;
use axum::http::{HeaderMap, Uri, header};

/// Who asks, once they have shown a token or a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Visitor {
    /// The person's or the token's name.
    pub(in crate::http) name: String,
    /// By which way they came: a person with a session, a program with a token, or somebody on the command line.
    pub(in crate::http) way: AuditWay,
    /// What they may do.
    pub(in crate::http) scopes: Scopes,
}

impl Visitor {
    /// Whether it is a person, with a session and a password of their own.
    pub(in crate::http) fn is_person(&self) -> bool {
        self.way == AuditWay::Page
    }

    /// Whether they may do this.
    pub(in crate::http) fn may(&self, scope: Scope) -> bool {
        self.scopes.allow(scope)
    }
}

/// The session's secret from the Cookie header.
pub(in crate::http) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, secret)| secret)
}

/// Whether a page of ours sent this request: its Origin (RFC 6454) names the host it was sent to.
pub(in crate::http) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    let of_the_web = matches!(origin.scheme_str(), Some("http" | "https"));
    of_the_web
        && origin
            .authority()
            .is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_our_own_pages_have_our_origin() {
        for (origin, ours) in [
            ("http://127.0.0.1:8080", true),
            ("https://127.0.0.1:8080", true),
            ("http://127.0.0.1:8081", false),
            ("http://127.0.0.1", false),
            ("http://evil.example", false),
            ("http://127.0.0.1:8080.evil.example", false),
            ("null", false),
            ("file://127.0.0.1:8080", false),
        ] {
            let headers = headers(&[(header::ORIGIN, origin), (header::HOST, "127.0.0.1:8080")]);
            assert_eq!(same_origin(&headers), ours, "{origin}");
        }
        assert!(!same_origin(&headers(&[(header::HOST, "127.0.0.1:8080")])));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let found = |cookie| session_cookie(&headers(&[(header::COOKIE, cookie)])).map(str::to_owned);
        assert_eq!(found("a=b; callpost_session=xyz; c=d"), Some("xyz".to_owned()));
        assert_eq!(found("not_callpost_session=xyz"), None);
        assert_eq!(found("callpost_session"), None);
    }
}
