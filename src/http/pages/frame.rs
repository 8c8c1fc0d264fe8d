use super::assets::VERSION;
use super::text;
use super::words::{ALL, Chosen, Words, cookie, offered, people};
use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use axum::extract::Form;
use axum::extract::rejection::FormRejection;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// What stands around every page: the bar above, the line below.
pub(super) struct Frame<'a> {
    pub(super) assets: &'a str,
    pub(super) site: &'a str,
    pub(super) version: String,
    /// Who is logged in.
    pub(super) visitor: Option<&'a str>,
    /// The name of the page of people, for those who look after them.
    pub(super) people: Option<&'static str>,
    /// What the page of one's own account is called.
    pub(super) account: &'static str,
    pub(super) here: Here,
    /// Whether they may change the configuration.
    pub(super) may_configure: bool,
    /// The page's own address, to come back to after the language was changed.
    pub(super) address: String,
    /// The languages to choose from.
    pub(super) languages: &'static [&'static Words],
}

/// Which page this is, for the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Here {
    Now,
    Calls,
    Phones,
    Delivery,
    People,
    Prompts,
    Settings,
    /// A page the bar does not lead to.
    Elsewhere,
}

impl<'a> Frame<'a> {
    pub(super) fn new(
        reception: &'a Reception,
        words: &'static Words,
        visitor: Option<&'a Visitor>,
        here: Here,
        address: &str,
    ) -> Self {
        Self {
            assets: &VERSION,
            site: &reception.faces.site,
            version: text::fill(words.version, &[("version", reception.faces.version)]),
            visitor: visitor.map(|visitor| visitor.name.as_str()),
            people: visitor
                .filter(|visitor| visitor.may(Scope::Admin))
                .map(|_| people(words.lang).people),
            account: people(words.lang).account,
            here,
            may_configure: visitor.is_some_and(|visitor| visitor.may(Scope::ConfigWrite)),
            address: address.to_owned(),
            languages: &ALL,
        }
    }
}

/// What the line below sends.
#[derive(Deserialize)]
pub(in crate::http) struct LanguageForm {
    language: String,
    #[serde(default)]
    back: String,
}

/// `POST /language`: remembers the language and goes back to the page.
pub(in crate::http) async fn choose_language(
    Chosen(words): Chosen,
    sent: Result<Form<LanguageForm>, FormRejection>,
) -> Response {
    let Form(LanguageForm { language, back }) = match sent {
        Ok(sent) => sent,
        Err(rejection) => return Problem::of_status(rejection.status()).into_response(),
    };
    let words = offered(&language).unwrap_or(words);
    (
        [(header::SET_COOKIE, cookie(words))],
        Redirect::to(own_address(&back)),
    )
        .into_response()
}

/// An address of this box, or `/` for anything that could lead elsewhere.
pub(super) fn own_address(wanted: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let stays = wanted.starts_with('/') && !wanted.starts_with("//") && wanted.bytes().all(plain);
    if stays { wanted } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn a_way_back_never_leads_to_another_host() {
        assert_eq!(own_address("/calls?page=2"), "/calls?page=2");
        for foreign in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "javascript:x",
            "/a b",
        ] {
            assert_eq!(own_address(foreign), "/", "{foreign:?}");
        }
    }
}
