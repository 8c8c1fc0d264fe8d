use super::input;
use crate::http::problem::Problem;
use crate::store::{CdrFilter, NumberMatch, OriginMatch};

/// Longest text to search for.
const MAX_TEXT: usize = 64;

const STATUSES: [&str; 6] = ["ANSWER", "CANCELED", "BUSY", "NO_ANSWER", "FAILED", "VOICEMAIL"];
const DIRECTIONS: [&str; 3] = ["inbound", "outbound", "internal"];

/// The filters that lists and exports share, as they came. They narrow and never change the order.
#[derive(Debug, Default)]
pub(super) struct Narrow<'a> {
    pub(super) from: Option<&'a str>,
    pub(super) to: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    pub(super) direction: Option<&'a str>,
    pub(super) number: Option<&'a str>,
    pub(super) number_match: Option<&'a str>,
    pub(super) agent: Option<&'a str>,
    pub(super) group: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
}

impl Narrow<'_> {
    /// Understands the filters, or names the first that cannot be.
    pub(super) fn filter(&self) -> Result<CdrFilter, Problem> {
        let time = |name, text: Option<&str>| text.map(|text| input::time_ms(name, text)).transpose();
        Ok(CdrFilter {
            from_ms: time("from", self.from)?,
            to_ms: time("to", self.to)?,
            status: self
                .status
                .map(|text| input::word("status", text, &STATUSES))
                .transpose()?,
            direction: self
                .direction
                .map(|text| input::word("direction", text, &DIRECTIONS))
                .transpose()?,
            number: self.number()?,
            agent: short("agent", self.agent)?.map(Into::into),
            group: short("group", self.group)?.map(Into::into),
            origin: short("origin", self.origin)?.map(|name| match name.as_str() {
                "own" => OriginMatch::Own,
                _ => OriginMatch::Source(name),
            }),
            ..CdrFilter::default()
        })
    }

    fn number(&self) -> Result<Option<NumberMatch>, Problem> {
        let number = short("number", self.number)?;
        // A `+` that was not escaped arrives as a blank.
        let number = number.map(|number| match number.strip_prefix(' ') {
            Some(rest) => format!("+{rest}"),
            None => number,
        });
        match (number, self.number_match) {
            (None, _) => Ok(None),
            (Some(number), None | Some("exact")) => Ok(Some(NumberMatch::Exact(number))),
            (Some(number), Some("prefix")) => Ok(Some(NumberMatch::Prefix(number))),
            (Some(number), Some("suffix")) => Ok(Some(NumberMatch::Suffix(number))),
            (Some(number), Some("any")) => Ok(Some(NumberMatch::Any(number))),
            (Some(_), Some(_)) => Err(Problem::bad_request(
                "`number_match` must be one of exact, prefix, suffix, any.",
            )),
        }
    }
}

/// A text to look for; an empty one is none.
fn short(name: &str, text: Option<&str>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.chars().count() > MAX_TEXT => Err(Problem::bad_request(format!(
            "`{name}` must have at most {MAX_TEXT} characters."
        ))),
        Some("") | None => Ok(None),
        Some(text) => Ok(Some(text.to_owned())),
    }
}
