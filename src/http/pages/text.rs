use crate::model::Stamp;
use jiff::Timestamp;
use jiff::tz::Offset;

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

/// `14:03` when `stamp` is on the day of `today`, else `19 Nov 14:03`.
pub(super) fn moment(stamp: Stamp, today: Stamp) -> String {
    let day = |stamp| formatted(stamp, "%F");
    if day(stamp) == day(today) {
        formatted(stamp, "%H:%M")
    } else {
        formatted(stamp, "%-d %b %H:%M")
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
        assert_eq!(moment(at(0), at(1)), "12:24");
        assert_eq!(moment(at(-24), at(0)), "19 Nov 12:24");
        assert_eq!(time_of_day(at(0)), "12:24:05");
    }

    #[test]
    fn a_value_cannot_fill_another_place() {
        assert_eq!(fill("{a} and {b}", &[("a", "{b}"), ("b", "x")]), "{b} and x");
        assert_eq!(fill("{nobody}!", &[]), "!");
        assert_eq!(fill("a { b", &[]), "a  b");
    }
}
