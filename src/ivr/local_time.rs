use crate::model::Stamp;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::Offset;

/// What the site's wall clock and calendar show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// The day.
    pub date: Date,
    /// Minutes since midnight as the clock shows them, 0–1439.
    pub minute_of_day: u16,
}

impl LocalTime {
    /// The local time of a stamp, with the offset the stamp carries.
    pub fn of(stamp: Stamp) -> Self {
        let time = Timestamp::from_millisecond(stamp.unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let offset = Offset::from_seconds(stamp.offset_seconds).unwrap_or(Offset::UTC);
        let local = offset.to_datetime(time);
        let minutes = i16::from(local.hour()) * 60 + i16::from(local.minute());
        Self {
            date: local.date(),
            minute_of_day: u16::try_from(minutes).unwrap_or(0),
        }
    }

    /// The day of the week.
    pub fn weekday(&self) -> Weekday {
        self.date.weekday()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sites_offset_decides_which_day_it_is() {
        let midnight_utc = 1_763_596_800_000; // 2025-11-20T00:00:00Z, a Thursday
        let riyadh = LocalTime::of(Stamp {
            unix_ms: midnight_utc,
            offset_seconds: 3 * 3600,
        });
        let chicago = LocalTime::of(Stamp {
            unix_ms: midnight_utc,
            offset_seconds: -6 * 3600,
        });
        assert_eq!((riyadh.weekday(), riyadh.minute_of_day), (Weekday::Thursday, 180));
        assert_eq!(
            (chicago.weekday(), chicago.minute_of_day),
            (Weekday::Wednesday, 18 * 60)
        );
    }
}
