use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::{Duration, Instant};

/// Turns the monotonic clock into wall time: one pair read at start, corrected when the clock first syncs.
///
/// Boards without a battery clock boot in 1970, so durations are always differences of [`Instant`]s and
/// only [`Stamp`]s go through here.
#[derive(Debug, Clone)]
pub struct WallClock {
    instant: Instant,
    unix_ms: i64,
    synced: bool,
    zone: TimeZone,
}

impl WallClock {
    /// A clock that showed `unix_ms` at `instant`; `synced` tells whether that time can be believed.
    pub fn new(instant: Instant, unix_ms: i64, synced: bool, zone: TimeZone) -> Self {
        Self {
            instant,
            unix_ms,
            synced,
            zone,
        }
    }

    /// Corrects the clock: at `instant` it was really `unix_ms`.
    pub fn sync(&mut self, instant: Instant, unix_ms: i64) {
        self.instant = instant;
        self.unix_ms = unix_ms;
        self.synced = true;
    }

    /// The site lies in another zone from now on.
    pub fn set_zone(&mut self, zone: TimeZone) {
        self.zone = zone;
    }

    /// Whether the wall time can be believed.
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// The wall time of an instant before or after the pair.
    pub fn stamp(&self, at: Instant) -> Stamp {
        let unix_ms = match at.checked_duration_since(self.instant) {
            Some(later) => self.unix_ms.saturating_add(millis(later)),
            None => self
                .unix_ms
                .saturating_sub(millis(self.instant.duration_since(at))),
        };
        self.stamp_of(unix_ms)
    }

    /// A wall time in ms since 1970 as the site's clock shows it.
    pub fn stamp_of(&self, unix_ms: i64) -> Stamp {
        let offset_seconds =
            Timestamp::from_millisecond(unix_ms).map_or(0, |time| self.zone.to_offset(time).seconds());
        Stamp {
            unix_ms,
            offset_seconds,
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A wall-clock time with the site's UTC offset at that time; RFC 3339 with milliseconds on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: i64,
    /// Seconds east of Greenwich that the site's clock showed.
    pub offset_seconds: i32,
}

impl Stamp {
    /// The site's local date as a folder path, `2026/11/20`.
    pub fn date_path(self) -> String {
        self.to_string().get(..10).unwrap_or_default().replace('-', "/")
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let offset = Offset::from_seconds(self.offset_seconds).unwrap_or(Offset::UTC);
        let printer = DateTimePrinter::new().precision(Some(3));
        out.write_str(&printer.timestamp_with_offset_to_string(&time, offset))
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl std::str::FromStr for Stamp {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let parts = jiff::fmt::temporal::Pieces::parse(text)?;
        let offset_seconds = parts.to_numeric_offset().map_or(0, Offset::seconds);
        let time: Timestamp = text.parse()?;
        Ok(Self {
            unix_ms: time.as_millisecond(),
            offset_seconds,
        })
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_keeps_the_sites_offset_through_its_text() {
        let stamp = Stamp {
            unix_ms: 1_763_630_645_123,
            offset_seconds: 3 * 3600,
        };
        assert_eq!(stamp.to_string(), "2025-11-20T12:24:05.123+03:00");
        assert_eq!(stamp.to_string().parse::<Stamp>().unwrap(), stamp);
    }
}
