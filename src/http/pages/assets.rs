use crate::http::people::Digest;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

/// A file that is part of the program.
struct Asset {
    kind: &'static str,
    text: &'static str,
}

static STYLESHEET: Asset = Asset {
    kind: "text/css; charset=utf-8",
    text: concat!(
        include_str!("../assets/callpost.css"),
        include_str!("../assets/journal.css"),
        include_str!("../assets/people.css"),
        include_str!("../assets/settings.css")
    ),
};
static ICON: Asset = Asset {
    kind: "image/svg+xml",
    text: include_str!("../assets/callpost.svg"),
};
static NOW: Asset = Asset {
    kind: SCRIPT,
    text: concat!(
        include_str!("../assets/common.js"),
        include_str!("../assets/now.js")
    ),
};
static JOURNAL: Asset = Asset {
    kind: SCRIPT,
    text: concat!(
        include_str!("../assets/common.js"),
        include_str!("../assets/journal.js")
    ),
};
static GRAPHQL: Asset = Asset {
    kind: SCRIPT,
    text: include_str!("../assets/graphql.js"),
};

static SETTINGS: Asset = Asset {
    kind: SCRIPT,
    text: include_str!("../assets/settings.js"),
};

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A word that changes whenever one of the files does. Pages put it behind their addresses, so browsers may keep the
/// files for ever and still never mix two versions of the program.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all = [&STYLESHEET, &ICON, &NOW, &JOURNAL, &GRAPHQL, &SETTINGS];
    let all: String = all.map(|asset| asset.text).concat();
    Digest::of(&all).to_hex().chars().take(12).collect()
});

/// `GET /assets/callpost.css`.
pub(in crate::http) async fn stylesheet(headers: HeaderMap) -> Response {
    STYLESHEET.answer(&headers)
}

/// `GET /assets/callpost.svg`.
pub(in crate::http) async fn icon(headers: HeaderMap) -> Response {
    ICON.answer(&headers)
}

/// `GET /assets/now.js`.
pub(in crate::http) async fn now_script(headers: HeaderMap) -> Response {
    NOW.answer(&headers)
}

/// `GET /assets/journal.js`.
pub(in crate::http) async fn journal_script(headers: HeaderMap) -> Response {
    JOURNAL.answer(&headers)
}

/// `GET /assets/graphql.js`.
pub(in crate::http) async fn graphql_script(headers: HeaderMap) -> Response {
    GRAPHQL.answer(&headers)
}

/// `GET /assets/settings.js`.
pub(in crate::http) async fn settings_script(headers: HeaderMap) -> Response {
    SETTINGS.answer(&headers)
}

impl Asset {
    fn answer(&self, headers: &HeaderMap) -> Response {
        let etag = format!("\"{}\"", *VERSION);
        let known = headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
        let kept = HeaderValue::from_static("private, max-age=31536000, immutable");
        let head = [
            (header::ETAG, HeaderValue::from_str(&etag)),
            (header::CACHE_CONTROL, Ok(kept)),
        ];
        let head: HeaderMap = head
            .into_iter()
            .filter_map(|(name, value)| value.ok().map(|value| (name, value)))
            .collect();
        if known {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        (head, [(header::CONTENT_TYPE, self.kind)], self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packed by LZ4, which packs less than the gzip that is meant.
    #[test]
    fn everything_a_browser_loads_fits_in_a_hundred_kilobytes() {
        let templates = [
            include_str!("../templates/base.html"),
            include_str!("../templates/now.html"),
            include_str!("../templates/login.html"),
            include_str!("../templates/calls.html"),
            include_str!("../templates/sync.html"),
            include_str!("../templates/delivery.html"),
            include_str!("../templates/graphql.html"),
            include_str!("../templates/people.html"),
            include_str!("../templates/call.html"),
            include_str!("../templates/messages.html"),
            include_str!("../templates/quarantine.html"),
            include_str!("../templates/settings.html"),
        ];
        let assets = [&STYLESHEET, &ICON, &NOW, &JOURNAL, &GRAPHQL, &SETTINGS].map(|asset| asset.text);
        let packed = |text: &&str| lz4_flex::block::compress(text.as_bytes()).len();
        let bytes: usize = templates.iter().chain(&assets).map(packed).sum();
        assert!(bytes < 100 * 1024, "{bytes}");
    }

    #[test]
    fn nothing_is_loaded_from_anywhere_else() {
        for asset in [&STYLESHEET, &NOW, &JOURNAL, &GRAPHQL, &SETTINGS] {
            assert!(
                !asset.text.contains("://") && !asset.text.contains("@import"),
                "an asset names another host"
            );
        }
    }
}
