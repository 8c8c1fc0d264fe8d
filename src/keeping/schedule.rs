use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use std::fmt;
use std::str::FromStr;

/// The time of the night at which old recordings go, by the site's clock: `03:15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct NightTime(Time);

impl NightTime {
    /// The next such moment after `now_ms` (ms since 1970), there too where the clocks were changed that night.
    pub fn next_after(self, now_ms: i64, zone: &TimeZone) -> i64 {
        const DAY_MS: i64 = 86_400_000;
        self.find(now_ms, zone)
            .unwrap_or_else(|| now_ms.saturating_add(DAY_MS))
    }

    fn find(self, now_ms: i64, zone: &TimeZone) -> Option<i64> {
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone.clone());
        let mut day = now.date();
        for _ in 0..3 {
            // A time that the change of clocks leaves out is the one right after (RFC 5545 §3.3.5).
            let at = zone
                .to_ambiguous_timestamp(day.to_datetime(self.0))
                .compatible()
                .ok()?;
            if at.as_millisecond() > now_ms {
                return Some(at.as_millisecond());
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }
}

impl Default for NightTime {
    fn default() -> Self {
        Self(Time::constant(3, 15, 0, 0))
    }
}

impl FromStr for NightTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time of day such as 03:15");
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let number = |text: &str| {
            let is_plain = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
            text.parse::<i8>().ok().filter(|_| is_plain)
        };
        let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(wrong)?;
        Time::new(hour, minute, 0, 0)
            .map(Self)
            .map_err(|_no_time| wrong())
    }
}

impl TryFrom<String> for NightTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for NightTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn the_night_is_the_sites_own() {
        let zone = TimeZone::get("Asia/Riyadh").unwrap();
        let night: NightTime = "03:15".parse().unwrap();
        assert_eq!(
            night.next_after(ms("2026-11-20T00:00:00Z"), &zone),
            ms("2026-11-20T00:15:00Z")
        );
        assert_eq!(
            night.next_after(ms("2026-11-20T00:15:00Z"), &zone),
            ms("2026-11-21T00:15:00Z")
        );
    }

    #[test]
    fn a_night_whose_clocks_change_has_its_moment_too() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let night: NightTime = "02:30".parse().unwrap();
        // 02:30 does not exist on 29 March, and exists twice on 25 October.
        assert_eq!(
            night.next_after(ms("2026-03-28T12:00:00Z"), &zone),
            ms("2026-03-29T01:30:00Z")
        );
        assert_eq!(
            night.next_after(ms("2026-10-24T12:00:00Z"), &zone),
            ms("2026-10-25T00:30:00Z")
        );
        assert_eq!(
            night.next_after(ms("2026-10-25T00:30:00Z"), &zone),
            ms("2026-10-26T01:30:00Z")
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "3", "3:15", "24:00", "03:60", "aa:bb", "03:15:00"] {
            assert!(text.parse::<NightTime>().is_err(), "{text}");
        }
        assert_eq!(NightTime::default().to_string(), "03:15");
    }
}
