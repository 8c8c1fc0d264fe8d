use serde::Serialize;

/// Something a person may do about a row, by a request to the API.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Act {
    /// What the button says; empty when this visitor may not, or there is nothing to do.
    pub(super) word: String,
    /// The address the request goes to.
    pub(super) to: String,
    /// `POST`.
    pub(super) method: &'static str,
    /// The body, as JSON; empty for none.
    pub(super) body: String,
}

impl Act {
    /// `POST` to this address.
    pub(super) fn post(word: &str, to: String, body: &str) -> Self {
        Self {
            word: word.to_owned(),
            to,
            method: "POST",
            body: body.to_owned(),
        }
    }

    /// The same, or nothing for whoever may not.
    pub(super) fn only_if(self, may: bool) -> Self {
        if may { self } else { Self::default() }
    }
}
