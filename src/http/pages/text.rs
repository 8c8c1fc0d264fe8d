use super::words::Journal;
use crate::model::Stamp;
use jiff::Timestamp;
use jiff::tz::Offset;
use std::fmt::Write;

/// Seconds as people read them: `0:07`, `12:30`, `1:02:03`, and from a day on `2 d 3 h`.
pub(super) fn clock_of(seconds: u64) -> String {
    let (days, hours, minutes, rest) = (
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    );
    match (days, hours) {
        (0, 0) => format!("{minutes}:{rest:02}"),
        (0, hours) => format!("{hours}:{minutes:02}:{rest:02}"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

/// Milliseconds likewise, rounded down as a telephone's display does.
pub(super) fn clock_of_ms(millis: u64) -> String {
    clock_of(millis / 1000)
}

/// The site's time of day, `14:03:22`.
pub(super) fn time_of_day(stamp: Stamp) -> String {
    formatted(stamp, "%H:%M:%S")
}

/// `14:03` when `stamp` is on the day of `today`, else in the language's form, such as `19 Nov 14:03`.
pub(super) fn moment(stamp: Stamp, today: Stamp, date_form: &str) -> String {
    let day = |stamp| formatted(stamp, "%F");
    if day(stamp) == day(today) {
        formatted(stamp, "%H:%M")
    } else {
        formatted(stamp, date_form)
    }
}

/// `2026-11-20 14:03:22`: the same in every language, and sorted as it reads.
pub(super) fn date_and_time(stamp: Stamp) -> String {
    formatted(stamp, "%F %H:%M:%S")
}

/// The same inside a sentence: joined by a blank that keeps date and time in their order in right-to-left text too
/// (UAX #9: a separator between numbers).
pub(super) fn date_and_time_within(stamp: Stamp) -> String {
    formatted(stamp, "%F\u{a0}%H:%M:%S")
}

/// `UTC+03:00`.
pub(super) fn zone_of(stamp: Stamp) -> String {
    let minutes = stamp.offset_seconds.unsigned_abs() / 60;
    let sign = if stamp.offset_seconds < 0 { '-' } else { '+' };
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `+03:00`, as RFC 3339 writes an offset.
pub(super) fn offset_of(stamp: Stamp) -> String {
    zone_of(stamp).trim_start_matches("UTC").to_owned()
}

/// How long ago something was, in the largest unit that says enough: `4 min ago`.
pub(super) fn ago(j: &Journal, seconds: u64) -> String {
    fill(j.ago, &[("time", &span(j, seconds))])
}

/// A span of time in one unit: `12 s`, `4 min`, `3 h`, `9 d`.
pub(super) fn span(j: &Journal, seconds: u64) -> String {
    let (form, number) = match seconds {
        0..=59 => (j.seconds, seconds),
        60..=3599 => (j.minutes, seconds / 60),
        3600..=86_399 => (j.hours, seconds / 3600),
        _ => (j.days, seconds / 86_400),
    };
    fill(form, &[("n", &number.to_string())])
}

/// An address with a query (WHATWG URL §5.2); what is empty is left out.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    let mut joint = '?';
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(joint);
        address.push_str(name);
        address.push('=');
        encode(value, &mut address);
        joint = '&';
    }
    address
}

/// A name as one step of an address.
pub(super) fn encoded(value: &str) -> String {
    let mut text = String::new();
    encode(value, &mut text);
    text
}

/// Percent-encodes everything but letters, digits and `-._`.
fn encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

fn formatted(stamp: Stamp, form: &str) -> String {
    let time = Timestamp::from_millisecond(stamp.unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let offset = Offset::from_seconds(stamp.offset_seconds).unwrap_or(Offset::UTC);
    offset.to_datetime(time).strftime(form).to_string()
}

/// Puts values into a sentence: `fill("{n} of {all}", &[("n", "2"), ("all", "5")])`.
///
/// A value that itself holds braces stays as it is: each place is filled in one pass over the sentence.
pub(super) fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len() + 16);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let value = values
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value);
        filled.push_str(value);
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_on_a_telephone() {
        for (seconds, text) in [
            (0, "0:00"),
            (7, "0:07"),
            (750, "12:30"),
            (3723, "1:02:03"),
            (183_600, "2 d 3 h"),
        ] {
            assert_eq!(clock_of(seconds), text);
        }
    }

    #[test]
    fn a_moment_of_today_needs_no_date() {
        let at = |hours: i64| Stamp {
            unix_ms: 1_763_630_645_123 + hours * 3_600_000,
            offset_seconds: 3 * 3600,
        };
        assert_eq!(moment(at(0), at(1), "%d/%m %H:%M"), "12:24");
        assert_eq!(moment(at(-24), at(0), "%-d %b %H:%M"), "19 Nov 12:24");
        assert_eq!(time_of_day(at(0)), "12:24:05");
    }

    #[test]
    fn an_address_keeps_every_sign_of_its_values() {
        let pairs = [("number", "+84 28&x=1"), ("agent", ""), ("group", "Đà Nẵng")];
        assert_eq!(
            address("/calls", &pairs),
            "/calls?number=%2B84%2028%26x%3D1&group=%C4%90%C3%A0%20N%E1%BA%B5ng"
        );
        assert_eq!(address("/calls", &[]), "/calls");
    }

    #[test]
    fn a_zone_and_an_age_are_short() {
        let at = |offset_seconds| Stamp {
            unix_ms: 0,
            offset_seconds,
        };
        assert_eq!(zone_of(at(7 * 3600)), "UTC+07:00");
        assert_eq!(zone_of(at(-12_600)), "UTC-03:30");
        assert_eq!(date_and_time(at(7 * 3600)), "1970-01-01 07:00:00");
        let j = &crate::http::pages::words::ENGLISH.journal;
        for (seconds, text) in [
            (0, "0 s ago"),
            (61, "1 min ago"),
            (7200, "2 h ago"),
            (900_000, "10 d ago"),
        ] {
            assert_eq!(ago(j, seconds), text);
        }
    }

    #[test]
    fn a_value_cannot_fill_another_place() {
        assert_eq!(fill("{a} and {b}", &[("a", "{b}"), ("b", "x")]), "{b} and x");
        assert_eq!(fill("{nobody}!", &[]), "!");
        assert_eq!(fill("a { b", &[]), "a  b");
    }
}
