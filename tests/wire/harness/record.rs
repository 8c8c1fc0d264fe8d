//! A call's record, as the API gives it.

use serde_json::Value;

/// One CDR.
#[derive(Debug, Clone)]
pub(crate) struct Record(pub(crate) Value);

impl Record {
    /// A field that holds text; nothing when it is `null`.
    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> &str {
        let value = &self.0[field];
        let text = if value.is_null() { Some("") } else { value.as_str() };
        text.unwrap_or_else(|| panic!("{field} is {value}, not text, in {self:#?}"))
    }

    /// A field that holds a whole number; `None` when it is `null`.
    #[track_caller]
    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        let value = &self.0[field];
        assert!(
            value.is_null() || value.is_u64(),
            "{field} is {value}, no number, in {self:#?}"
        );
        value.as_u64()
    }

    /// A duration in milliseconds.
    #[track_caller]
    pub(crate) fn millis(&self, field: &str) -> u64 {
        self.number(field)
            .unwrap_or_else(|| panic!("{field} is missing in {self:#?}"))
    }

    /// The steps the caller walked.
    pub(crate) fn stages(&self) -> Vec<&str> {
        self.0["stages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The legs, the caller's first.
    pub(crate) fn legs(&self) -> Vec<Self> {
        self.0["legs"]
            .as_array()
            .into_iter()
            .flatten()
            .cloned()
            .map(Self)
            .collect()
    }

    /// How each phone's ringing ended, in order.
    pub(crate) fn results(&self) -> Vec<String> {
        self.legs()
            .iter()
            .filter(|leg| leg.text("role") == "agent")
            .map(|leg| leg.text("result").to_owned())
            .collect()
    }

    /// The identity of the recording or the message.
    #[track_caller]
    pub(crate) fn recording(&self) -> String {
        let id = self.0["recording"]["id"].as_str();
        id.unwrap_or_else(|| panic!("there is no recording in {self:#?}"))
            .to_owned()
    }
}
