use super::{ALL, ENGLISH, Words};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::convert::Infallible;

/// The name of the cookie that remembers a person's choice.
const COOKIE: &str = "callpost_language";
/// How long it is remembered: a year.
const REMEMBERED_SECONDS: u32 = 365 * 24 * 3600;

/// The words for whoever asks: of the language they chose, else of the first one of their browser's that we speak
/// (Accept-Language, RFC 9110 §12.5.4), else English.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Chosen(pub(in crate::http::pages) &'static Words);

impl<S: Sync> FromRequestParts<S> for Chosen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

impl Chosen {
    /// The words a browser with these headers is shown.
    pub(in crate::http) fn of(headers: &HeaderMap) -> Self {
        let chosen = remembered(headers).or_else(|| preferred(headers));
        Self(chosen.unwrap_or(&ENGLISH))
    }
}

/// The words of a language we speak.
pub(in crate::http) fn offered(tag: &str) -> Option<&'static Words> {
    ALL.into_iter().find(|words| words.lang == tag)
}

/// The Set-Cookie value that remembers the choice.
pub(in crate::http) fn cookie(words: &Words) -> String {
    let tag = words.lang;
    format!("{COOKIE}={tag}; Path=/; HttpOnly; SameSite=Lax; Max-Age={REMEMBERED_SECONDS}")
}

fn remembered(headers: &HeaderMap) -> Option<&'static Words> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, tag)| offered(tag))
}

fn preferred(headers: &HeaderMap) -> Option<&'static Words> {
    let wanted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut ranked: Vec<(f32, &'static Words)> = wanted.split(',').take(20).filter_map(weighed).collect();
    // Stable: of two that weigh the same, the one that was named first.
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    ranked.first().map(|(_, words)| *words)
}

/// `vi-VN;q=0.8` as its weight and the words of its language, if we speak it.
fn weighed(range: &str) -> Option<(f32, &'static Words)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => weight.trim().parse().ok()?,
        None => 1.0,
    };
    let language = tag
        .trim()
        .split('-')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    offered(&language)
        .filter(|_| weight > 0.0)
        .map(|words| (weight, words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn tag(headers: &[(header::HeaderName, &str)]) -> &'static str {
        let pairs = headers.iter().cloned();
        Chosen::of(
            &pairs
                .map(|(name, value)| (name, value.parse::<HeaderValue>().unwrap()))
                .collect(),
        )
        .0
        .lang
    }

    #[test]
    fn a_choice_counts_more_than_the_browser_and_the_browser_more_than_english() {
        let browser = (header::ACCEPT_LANGUAGE, "de, ar-SA;q=0.5, vi-VN;q=0.8");
        assert_eq!(tag(&[]), "en");
        assert_eq!(tag(std::slice::from_ref(&browser)), "vi");
        assert_eq!(
            tag(&[browser.clone(), (header::COOKIE, "a=b; callpost_language=ar")]),
            "ar"
        );
        assert_eq!(tag(&[browser, (header::COOKIE, "callpost_language=xx")]), "vi");
    }

    #[test]
    fn a_header_that_makes_no_sense_is_passed_over() {
        for header in ["", ",,,", "vi;q=", "vi;q=0", "vi;q=nan", ";", "*"] {
            assert_eq!(tag(&[(header::ACCEPT_LANGUAGE, header)]), "en", "{header}");
        }
        assert_eq!(tag(&[(header::ACCEPT_LANGUAGE, "fr;q=1, VI-vn;q=0.1")]), "vi");
    }
}
