use super::answer::Refusal;
use axum::extract::Query;
use axum::http::Uri;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Records in a page when the puller does not say.
const USUAL_LIMIT: usize = 200;
/// Most records in a page. A larger page is refused, not cut: a puller takes a short page for the last one.
const MAX_LIMIT: usize = 1000;
/// Longest text of a parameter.
const MAX_TEXT: usize = 128;
/// Longest name of a page's function.
const MAX_CALLBACK: usize = 64;

/// The query as it came; of a parameter that is there twice the first counts, and unknown ones (jQuery's `_`) are
/// passed over.
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Reads the query of an address. `+` and `%20` are blanks.
    pub(super) fn of(uri: &Uri) -> Result<Self, Refusal> {
        Query::try_from_uri(uri)
            .map(|Query(pairs)| Self(pairs))
            .map_err(|_| Refusal::bad_request("The query cannot be read."))
    }

    /// A parameter's text; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.trim_end())
            .filter(|value| !value.is_empty())
    }

    /// The function of the page that asks.
    pub(super) fn callback(&self) -> Result<Option<Callback>, Refusal> {
        self.text("callback").map(Callback::read).transpose()
    }
}

/// The name of a function in the page that asked, such as `jQuery1910_17`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Callback(String);

impl Callback {
    /// `[A-Za-z_$][\w$.]*`, at most 64 characters: nothing that could be a script of its own.
    fn read(name: &str) -> Result<Self, Refusal> {
        let first = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$');
        let later = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
        let good = name.len() <= MAX_CALLBACK
            && name.bytes().next().is_some_and(first)
            && name.bytes().skip(1).all(later);
        if good {
            Ok(Self(name.to_owned()))
        } else {
            Err(Refusal::bad_request(
                "callback must be the name of a function: letters, digits, _ $ and dots, at most 64.",
            ))
        }
    }

    /// The name.
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

/// What a puller asks for, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) domain: String,
    pub(super) limit: usize,
    pub(super) offset: u64,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    pub(super) caller: Option<String>,
    pub(super) destination: Option<String>,
}

impl Wanted {
    /// Understands the query; times are by the site's clock.
    pub(super) fn read(asked: &Asked, zone: &TimeZone) -> Result<Self, Refusal> {
        let domain = asked
            .text("domain")
            .ok_or_else(|| Refusal::bad_request("domain is missing."))?;
        let limit = number(asked, "limit")?.map_or(Ok(USUAL_LIMIT), |limit| {
            usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| Refusal::bad_request(format!("limit must be between 1 and {MAX_LIMIT}.")))
        })?;
        let from_ms = time(asked, ["from", "date_from"], zone, Edge::First)?;
        let to_ms = time(asked, ["to", "date_to"], zone, Edge::Last)?;
        if from_ms > to_ms {
            return Err(Refusal::bad_request("from must not be later than to."));
        }
        Ok(Self {
            domain: short("domain", domain)?,
            limit,
            offset: number(asked, "offset")?.unwrap_or(0),
            from_ms,
            to_ms,
            caller: telephone(asked, "caller_id_number")?,
            destination: telephone(asked, "destination_number")?,
        })
    }
}

fn short(name: &str, text: &str) -> Result<String, Refusal> {
    if text.chars().count() > MAX_TEXT {
        return Err(Refusal::bad_request(format!(
            "{name} must have at most {MAX_TEXT} characters."
        )));
    }
    Ok(text.to_owned())
}

/// A number to look for. A `+` that was not escaped arrives as a blank and is taken for what was meant.
fn telephone(asked: &Asked, name: &str) -> Result<Option<String>, Refusal> {
    let Some(text) = asked.text(name) else {
        return Ok(None);
    };
    let meant = match text.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => text.to_owned(),
    };
    short(name, &meant).map(Some)
}

/// Digits only: `parse` alone would take a sign.
fn number(asked: &Asked, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = asked.text(name) else {
        return Ok(None);
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = text.parse().ok().filter(|_| digits);
    match number.filter(|number| i64::try_from(*number).is_ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Refusal::bad_request(format!(
            "{name} must be a whole number, 0 or more."
        ))),
    }
}

/// Which end of the range a time is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    First,
    Last,
}

/// A time by the site's clock, in milliseconds since 1970, under its name or the other one. Both ends are included:
/// the last is the end of its second, or of its day when only a day is named. An hour that the clock shows twice
/// belongs to the range as a whole.
fn time(asked: &Asked, names: [&str; 2], zone: &TimeZone, edge: Edge) -> Result<i64, Refusal> {
    let [name, alias] = names;
    let Some(text) = asked.text(name).or_else(|| asked.text(alias)) else {
        return Err(Refusal::bad_request(format!("{name} is missing.")));
    };
    let wrong = || Refusal::bad_request(format!("{name} must be a time such as 2025-09-01 00:00:00."));
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b' ' | b'T');
    if !text.bytes().all(plain) {
        return Err(wrong());
    }
    let shown: DateTime = text.parse().map_err(|_| wrong())?;
    let names_a_day = !text.contains(':');
    let shown = match edge {
        Edge::Last if names_a_day => shown.date().at(23, 59, 59, 0),
        Edge::First | Edge::Last => shown,
    };
    let meant = zone.to_ambiguous_timestamp(shown);
    let instant = match edge {
        Edge::First => meant.earlier(),
        Edge::Last => meant.later(),
    };
    let unix_ms = instant.map_err(|_| wrong())?.as_millisecond();
    Ok(match edge {
        Edge::First => unix_ms,
        Edge::Last => unix_ms.saturating_add(999),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, zone: &str) -> Result<Wanted, Refusal> {
        let uri: Uri = format!("/api/v2/cdrs?{query}").parse().unwrap();
        Wanted::read(&Asked::of(&uri)?, &TimeZone::get(zone).unwrap())
    }

    fn ms(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    /// S0-063, S0-064, S0-065, S0-066, S0-067
    #[test]
    fn the_pullers_own_words_are_understood() {
        for from_to in [
            "from=2025-09-01+00:00:00&to=2025-09-11+23:59:59",
            "from=2025-09-01%2000%3A00%3A00&to=2025-09-11%2023%3A59%3A59",
            "date_from=2025-09-01&date_to=2025-09-11",
            "from=2025-09-01T00:00:00&to=2025-09-11",
        ] {
            let wanted = read(
                &format!("domain=tazaspa102019&limit=200&offset=400&{from_to}&_=1757"),
                "Asia/Riyadh",
            );
            assert_eq!(
                wanted,
                Ok(Wanted {
                    domain: "tazaspa102019".to_owned(),
                    limit: 200,
                    offset: 400,
                    from_ms: ms("2025-08-31T21:00:00Z"),
                    to_ms: ms("2025-09-11T20:59:59.999Z"),
                    caller: None,
                    destination: None,
                }),
                "{from_to}"
            );
        }
        let wanted = read(
            "domain=a&from=2025-09-01&to=2025-09-01&caller_id_number=+966500000001&destination_number=&callback=f",
            "UTC",
        );
        let wanted = wanted.unwrap();
        assert_eq!((wanted.limit, wanted.offset), (200, 0));
        assert_eq!(
            (wanted.caller.as_deref(), wanted.destination),
            (Some("+966500000001"), None)
        );
    }

    #[test]
    fn an_hour_the_clock_shows_twice_is_there_as_a_whole() {
        // 2025-11-02: 01:30 in New York is 05:30Z and 06:30Z.
        let wanted = read(
            "domain=a&from=2025-11-02+01:30:00&to=2025-11-02+01:30:00",
            "America/New_York",
        )
        .unwrap();
        assert_eq!(
            (wanted.from_ms, wanted.to_ms),
            (ms("2025-11-02T05:30:00Z"), ms("2025-11-02T06:30:00.999Z"))
        );
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let times = "from=2025-09-01+00:00:00&to=2025-09-11+23:59:59";
        for (query, named) in [
            (times.to_owned(), "domain"),
            (format!("domain=&{times}"), "domain"),
            (format!("domain={}&{times}", "x".repeat(200)), "domain"),
            ("domain=a&to=2025-09-11+23:59:59".to_owned(), "from"),
            ("domain=a&from=2025-09-11+23:59:59".to_owned(), "to"),
            ("domain=a&from=yesterday&to=2025-09-11".to_owned(), "from"),
            (
                "domain=a&from=2025-09-01T00:00:00Z&to=2025-09-11".to_owned(),
                "from",
            ),
            (
                "domain=a&from=2025-02-30+00:00:00&to=2025-09-11".to_owned(),
                "from",
            ),
            ("domain=a&from=2025-09-12&to=2025-09-11".to_owned(), "from"),
            (format!("domain=a&limit=0&{times}"), "limit"),
            (format!("domain=a&limit=1001&{times}"), "limit"),
            (format!("domain=a&limit=-1&{times}"), "limit"),
            (format!("domain=a&limit=ten&{times}"), "limit"),
            (format!("domain=a&offset=-1&{times}"), "offset"),
            (format!("domain=a&offset=99999999999999999999&{times}"), "offset"),
        ] {
            let refusal = format!("{:?}", read(&query, "UTC").unwrap_err());
            assert!(refusal.contains(named), "{query}: {refusal}");
        }
    }

    #[test]
    fn only_the_name_of_a_function_is_called() {
        for good in ["fn", "jQuery19105_1757", "$.cb", "_a.b.c"] {
            assert_eq!(Callback::read(good).unwrap().name(), good);
        }
        let long = "a".repeat(65);
        for bad in [
            "1a",
            "a b",
            "a(1)//",
            "alert(1);f",
            "a-b",
            "<script>",
            "é",
            ".a",
            &long,
        ] {
            assert!(Callback::read(bad).is_err(), "{bad}");
        }
    }
}
