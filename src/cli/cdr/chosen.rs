use crate::model::{Direction, Status};
use crate::store::{CdrFilter, NumberMatch, OriginMatch};
use anyhow::bail;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

/// Which records.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Chosen {
    /// Calls that began at this time or later: 2026-11-20, "2026-11-20 12:00" by the site's clock, or RFC 3339.
    #[arg(long)]
    from: Option<String>,
    /// Calls that began at this time or earlier; a day is meant to its end.
    #[arg(long)]
    to: Option<String>,
    /// ANSWER, CANCELED, BUSY, NO_ANSWER, FAILED or VOICEMAIL.
    #[arg(long, value_parser = word::<Status>)]
    status: Option<Status>,
    /// inbound, outbound or internal.
    #[arg(long, value_parser = word::<Direction>)]
    direction: Option<Direction>,
    /// The caller's, the dialled or the answering number.
    #[arg(long)]
    number: Option<String>,
    /// How `--number` has to be there.
    #[arg(long, value_enum, default_value_t)]
    number_match: Match,
    /// Who took the call, by id.
    #[arg(long)]
    agent: Option<String>,
    /// The group that was rung last.
    #[arg(long)]
    group: Option<String>,
    /// `own` for the calls of this box, or the name of the source a record was fetched from.
    #[arg(long)]
    origin: Option<String>,
}

/// How a number has to be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Match {
    /// As it is.
    #[default]
    Exact,
    /// At the beginning.
    Prefix,
    /// At the end.
    Suffix,
    /// Anywhere.
    Any,
}

impl Chosen {
    /// The records as the store is asked for them; times without a zone are by the site's clock.
    pub(super) fn filter(&self, zone: &TimeZone) -> anyhow::Result<CdrFilter> {
        let (from_ms, to_ms) = range(self.from.as_deref(), self.to.as_deref(), zone)?;
        Ok(CdrFilter {
            from_ms,
            to_ms,
            status: self.status,
            direction: self.direction,
            number: self.number.clone().map(|number| match self.number_match {
                Match::Exact => NumberMatch::Exact(number),
                Match::Prefix => NumberMatch::Prefix(number),
                Match::Suffix => NumberMatch::Suffix(number),
                Match::Any => NumberMatch::Any(number),
            }),
            agent: self.agent.clone().map(Into::into),
            group: self.group.clone().map(Into::into),
            origin: self.origin.clone().map(|name| match name.as_str() {
                "own" => OriginMatch::Own,
                _ => OriginMatch::Source(name),
            }),
            latest_only: true,
            ..CdrFilter::default()
        })
    }
}

/// A word of a serde enum, whatever its case.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let known = |word: String| serde_json::from_value(word.into());
    known(text.to_ascii_uppercase())
        .or_else(|_| known(text.to_ascii_lowercase()))
        .map_err(|error| error.to_string())
}

/// Both ends of a range of times, in milliseconds since 1970.
pub(super) fn range(
    from: Option<&str>,
    to: Option<&str>,
    zone: &TimeZone,
) -> anyhow::Result<(Option<i64>, Option<i64>)> {
    let from_ms = from.map(|text| time_ms(text, zone, false)).transpose()?;
    let to_ms = to.map(|text| time_ms(text, zone, true)).transpose()?;
    if from_ms.zip(to_ms).is_some_and(|(from, to)| from > to) {
        bail!("--from is later than --to");
    }
    Ok((from_ms, to_ms))
}

fn time_ms(text: &str, zone: &TimeZone, is_end: bool) -> anyhow::Result<i64> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.as_millisecond());
    }
    let Ok(shown) = text.parse::<DateTime>() else {
        bail!("\"{text}\" is no time — write 2026-11-20, \"2026-11-20 12:00\" or 2026-11-20T12:00:00+03:00");
    };
    let names_a_day = !text.contains(':');
    let shown = if is_end && names_a_day {
        shown.date().at(23, 59, 59, 999_999_999)
    } else {
        shown
    };
    let meant = zone.to_ambiguous_timestamp(shown);
    let instant = if is_end { meant.later() } else { meant.earlier() };
    Ok(instant?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_by_the_sites_clock_unless_they_say_otherwise() {
        let zone = TimeZone::get("Asia/Riyadh").unwrap();
        let ms = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        for (text, is_end, expected) in [
            ("2026-11-20", false, "2026-11-19T21:00:00Z"),
            ("2026-11-20", true, "2026-11-20T20:59:59.999Z"),
            ("2026-11-20 12:00", false, "2026-11-20T09:00:00Z"),
            ("2026-11-20T12:00:00+07:00", false, "2026-11-20T05:00:00Z"),
        ] {
            assert_eq!(time_ms(text, &zone, is_end).unwrap(), ms(expected), "{text}");
        }
        assert!(
            time_ms("yesterday", &zone, false)
                .unwrap_err()
                .to_string()
                .contains("yesterday")
        );
        assert!(range(Some("2026-11-21"), Some("2026-11-20"), &zone).is_err());
        assert_eq!(word::<Status>("no_answer"), Ok(Status::NoAnswer));
        assert_eq!(word::<Direction>("Inbound"), Ok(Direction::Inbound));
        assert!(word::<Status>("great").is_err());
    }
}
