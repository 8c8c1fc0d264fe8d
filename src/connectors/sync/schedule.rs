use cron::TimeUnitSpec as _;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use std::str::FromStr as _;

/// When a source is asked: a cron expression of six fields, seconds first, or five without seconds.
///
/// Fields: second, minute, hour, day of month, month, day of week. Monday is 1; Sunday is 0 or 7; names of three
/// letters work. When both days are restricted, either of them is enough, as cron has always had it.
///
/// Evaluated on the clock on the wall: a time that the change to summer time skips is served once, right after it; a
/// time that the change back repeats is served the first time only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub(super) seconds: Set,
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Set,
    pub(super) months: Set,
    /// Sunday is 0.
    pub(super) weekdays: Set,
}

/// The values of one field, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set {
    bits: u64,
    first: u32,
    last: u32,
}

impl Set {
    fn of(first: u32, last: u32, has: impl Fn(u32) -> bool) -> Self {
        let bits = (first..=last)
            .filter(|value| has(*value))
            .fold(0, |bits, value| bits | 1 << value);
        Self { bits, first, last }
    }

    pub(super) fn has(self, value: u32) -> bool {
        value < 64 && self.bits & (1 << value) != 0
    }

    pub(super) fn is_all(self) -> bool {
        (self.first..=self.last).all(|value| self.has(value))
    }

    pub(super) fn values(self) -> Vec<u32> {
        (self.first..=self.last)
            .filter(|value| self.has(*value))
            .collect()
    }

    /// The step, when the values are 0, n, 2n … up to the end of the field.
    pub(super) fn step(self) -> Option<u32> {
        let values = self.values();
        let [0, step, ..] = values.as_slice() else {
            return None;
        };
        let expected: Vec<u32> = (0..=self.last).step_by(*step as usize).collect();
        ((self.last + 1).is_multiple_of(*step) && values == expected).then_some(*step)
    }

    pub(super) fn only(self) -> Option<u32> {
        match self.values().as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }
}

/// Longer expressions are a slip.
const LONGEST: usize = 128;
/// 29 February comes within so many days.
const FARTHEST_DAYS: u32 = 366 * 8 + 2;
/// Times of the wall clock that are looked at for one answer; a repeated hour has 3,600.
const MOST_LOOKS: u32 = 10_000;
const NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Schedule {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, in plain words, with an example of a right one.
    pub fn parse(expression: &str) -> Result<Self, String> {
        const CURE: &str = "write six fields, such as \"0 */5 * * * *\" for every 5 minutes";
        if expression.len() > LONGEST {
            return Err(format!(
                "the schedule is longer than {LONGEST} characters; {CURE}"
            ));
        }
        let mut fields: Vec<&str> = expression.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let [second, minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!("the schedule has {} fields; {CURE}", fields.len()));
        };
        if [second, minute, hour, month]
            .iter()
            .any(|field| field.contains('?'))
        {
            return Err(format!("`?` stands for days only; {CURE}"));
        }
        let has_empty_step = fields.iter().any(|field| {
            field.split(',').any(|part| {
                part.split_once('/')
                    .is_some_and(|(_, step)| !step.parse::<u32>().is_ok_and(|step| (1..=59).contains(&step)))
            })
        });
        if has_empty_step {
            return Err(format!("a step is 1 to 59; {CURE}"));
        }
        let weekdays = weekday_set(weekday).ok_or_else(|| {
            format!("\"{weekday}\" is no day of the week; use 0 to 7 (Sunday is 0 or 7, Monday 1) or names such as MON")
        })?;
        let text = format!("{second} {minute} {hour} {day} {month} *");
        let read = cron::Schedule::from_str(&text)
            .map_err(|_error| format!("\"{expression}\" cannot be read; {CURE}"))?;
        let schedule = Self {
            seconds: Set::of(0, 59, |value| read.seconds().includes(value)),
            minutes: Set::of(0, 59, |value| read.minutes().includes(value)),
            hours: Set::of(0, 23, |value| read.hours().includes(value)),
            days: Set::of(1, 31, |value| read.days_of_month().includes(value)),
            months: Set::of(1, 12, |value| read.months().includes(value)),
            weekdays,
        };
        if schedule
            .next_civil(DateTime::constant(2024, 1, 1, 0, 0, 0, 0))
            .is_none()
        {
            return Err(format!("\"{expression}\" never comes; {CURE}"));
        }
        Ok(schedule)
    }

    /// The first moment after `unix_ms`, in ms since 1970.
    pub fn next_after(&self, unix_ms: i64, zone: &TimeZone) -> Option<i64> {
        let after = Timestamp::from_millisecond(unix_ms).ok()?;
        let mut civil = after.to_zoned(zone.clone()).datetime();
        for _ in 0..MOST_LOOKS {
            civil = self.next_civil(civil)?;
            let found = place(civil, zone)?;
            if found > after {
                return Some(found.as_millisecond());
            }
        }
        None
    }

    /// The next moments after `unix_ms`, in ms since 1970.
    pub fn next_runs(&self, unix_ms: i64, zone: &TimeZone, count: usize) -> Vec<i64> {
        let mut at = unix_ms;
        let mut runs = Vec::new();
        while runs.len() < count {
            let Some(next) = self.next_after(at, zone) else {
                break;
            };
            runs.push(next);
            at = next;
        }
        runs
    }

    /// The first time of the wall clock after this one, as if the clock were never changed.
    fn next_civil(&self, after: DateTime) -> Option<DateTime> {
        let mut date = after.date();
        let mut from = after.time();
        let mut is_strict = true;
        for _ in 0..FARTHEST_DAYS {
            if self.has_day(date)
                && let Some(time) = self.time_from(from, is_strict)
            {
                return Some(date.to_datetime(time));
            }
            date = date.checked_add(1.day()).ok()?;
            from = Time::midnight();
            is_strict = false;
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        let number = |value: i8| u32::try_from(value).unwrap_or(0);
        let day = self.days.has(number(date.day()));
        let weekday = self.weekdays.has(number(date.weekday().to_sunday_zero_offset()));
        let fits = match (self.days.is_all(), self.weekdays.is_all()) {
            (false, false) => day || weekday,
            (true, _) | (_, true) => day && weekday,
        };
        fits && self.months.has(number(date.month()))
    }

    fn time_from(&self, from: Time, is_strict: bool) -> Option<Time> {
        let number = |value: i8| u32::try_from(value).unwrap_or(0);
        let first = (number(from.hour()), number(from.minute()), number(from.second()));
        for hour in self.hours.values().into_iter().filter(|hour| *hour >= first.0) {
            for minute in self.minutes.values() {
                if (hour, minute) < (first.0, first.1) {
                    continue;
                }
                let second = self.seconds.values().into_iter().find(|second| {
                    let this = (hour, minute, *second);
                    this > first || (this == first && !is_strict)
                });
                if let Some(second) = second {
                    let small = |value: u32| i8::try_from(value).unwrap_or(0);
                    return Time::new(small(hour), small(minute), small(second), 0).ok();
                }
            }
        }
        None
    }
}

/// The moment a time of the wall clock stands for.
fn place(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let found = zone.to_ambiguous_timestamp(civil);
    match found.offset() {
        AmbiguousOffset::Unambiguous { .. } => found.compatible().ok(),
        AmbiguousOffset::Fold { .. } => found.earlier().ok(),
        AmbiguousOffset::Gap { .. } => {
            let after = found.later().ok()?;
            // The change of the clock itself: the first moment after the hour that is skipped. It may be `after` itself.
            zone.preceding(after.checked_add(1.second()).ok()?)
                .next()
                .map(|change| change.timestamp())
                .or(Some(after))
        }
    }
}

/// The crate's days begin with Sunday as 1; here, as in cron, Monday is 1 and Sunday 0 or 7.
fn weekday_set(field: &str) -> Option<Set> {
    let mut bits = [false; 7];
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (weekday(from)?, weekday(to)?),
            None if range == "*" || range == "?" => (0, 6),
            None if part.contains('/') => (weekday(range)?, 6),
            None => (weekday(range)?, weekday(range)?),
        };
        // FRI-MON goes round the week's end.
        let to = if to < from { to + 7 } else { to };
        for day in (from..=to).step_by(step) {
            *bits.get_mut((day % 7) as usize)? = true;
        }
    }
    Some(Set::of(0, 6, |day| {
        bits.get(day as usize).copied().unwrap_or(false)
    }))
}

fn weekday(word: &str) -> Option<u32> {
    let named = NAMES.iter().position(|name| {
        word.get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            && (word.len() == 3 || word.to_ascii_lowercase().ends_with("day"))
    });
    match named {
        Some(day) => u32::try_from(day).ok(),
        None => word.parse().ok().filter(|day| *day <= 7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let after: Timestamp = after.parse().unwrap();
        let schedule = Schedule::parse(expression).unwrap_or_else(|error| panic!("{error}"));
        schedule
            .next_runs(after.as_millisecond(), &zone, count)
            .into_iter()
            .map(|ms| Timestamp::from_millisecond(ms).unwrap().to_zoned(zone.clone()))
            .map(|time| time.strftime("%a %Y-%m-%d %H:%M:%S%:z").to_string())
            .collect()
    }

    /// S0-140
    #[test]
    fn every_five_minutes() {
        assert_eq!(
            runs("0 */5 * * * *", "Asia/Ho_Chi_Minh", "2026-11-20T02:58:01Z", 3),
            [
                "Fri 2026-11-20 10:00:00+07:00",
                "Fri 2026-11-20 10:05:00+07:00",
                "Fri 2026-11-20 10:10:00+07:00"
            ]
        );
    }

    /// S0-141, S0-093
    #[test]
    fn every_hour() {
        assert_eq!(
            runs(super::super::USUAL_CRON, "Asia/Riyadh", "2026-11-20T09:00:00Z", 2),
            ["Fri 2026-11-20 13:00:00+03:00", "Fri 2026-11-20 14:00:00+03:00"]
        );
    }

    /// S0-142
    #[test]
    fn every_midnight_of_the_site() {
        assert_eq!(
            runs("0 0 0 * * *", "Asia/Riyadh", "2026-12-31T20:59:59Z", 2),
            ["Fri 2027-01-01 00:00:00+03:00", "Sat 2027-01-02 00:00:00+03:00"]
        );
    }

    /// S0-143
    #[test]
    fn every_half_hour() {
        assert_eq!(
            runs("0 */30 * * * *", "UTC", "2026-11-20T09:00:00Z", 3),
            [
                "Fri 2026-11-20 09:30:00+00:00",
                "Fri 2026-11-20 10:00:00+00:00",
                "Fri 2026-11-20 10:30:00+00:00"
            ]
        );
    }

    /// S0-144
    #[test]
    fn mondays_at_nine() {
        for expression in ["0 0 9 * * 1", "0 0 9 * * MON", "0 0 9 ? * Monday", "0 9 * * 1"] {
            assert_eq!(
                runs(expression, "Asia/Riyadh", "2026-11-20T09:00:00Z", 2),
                ["Mon 2026-11-23 09:00:00+03:00", "Mon 2026-11-30 09:00:00+03:00"],
                "{expression}"
            );
        }
    }

    /// S0-145
    #[test]
    fn six_fields_begin_with_seconds_and_five_have_none() {
        assert_eq!(
            runs("30 15 10 1 6 *", "UTC", "2026-01-01T00:00:00Z", 1),
            ["Mon 2026-06-01 10:15:30+00:00"]
        );
        assert_eq!(Schedule::parse("15 10 1 6 *"), Schedule::parse("0 15 10 1 6 *"));
    }

    #[test]
    fn sunday_is_zero_and_seven_and_ranges_and_lists_work() {
        let sunday = Schedule::parse("0 0 9 * * 0");
        for same in ["0 0 9 * * 7", "0 0 9 * * SUN", "0 0 9 * * sunday"] {
            assert_eq!(Schedule::parse(same), sunday, "{same}");
        }
        let days = |field: &str| weekday_set(field).unwrap().values();
        assert_eq!(days("1-5"), [1, 2, 3, 4, 5]);
        assert_eq!(days("FRI-MON"), [0, 1, 5, 6]);
        assert_eq!(days("6-7"), [0, 6]);
        assert_eq!(days("MON,WED,5"), [1, 3, 5]);
        assert_eq!(days("*/2"), [0, 2, 4, 6]);
        // The first of the month, and Mondays besides.
        assert_eq!(
            runs("0 0 0 1 * MON", "UTC", "2026-11-29T12:00:00Z", 3),
            [
                "Mon 2026-11-30 00:00:00+00:00",
                "Tue 2026-12-01 00:00:00+00:00",
                "Mon 2026-12-07 00:00:00+00:00"
            ]
        );
        assert_eq!(
            runs("0 0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1),
            ["Fri 2104-02-29 00:00:00+00:00"]
        );
    }

    /// S0-039: the stored expression is what runs, also when the clocks change.
    #[test]
    fn a_skipped_hour_is_served_once_right_after_it() {
        for expression in ["0 30 2 * * *", "0 0 2 * * *"] {
            assert_eq!(
                runs(expression, "Europe/Berlin", "2026-03-28T12:00:00Z", 2)[0],
                "Sun 2026-03-29 03:00:00+02:00",
                "{expression}"
            );
        }
        assert_eq!(
            runs("0 */20 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", 4),
            [
                "Sun 2026-03-29 01:40:00+01:00",
                "Sun 2026-03-29 03:00:00+02:00",
                "Sun 2026-03-29 03:20:00+02:00",
                "Sun 2026-03-29 03:40:00+02:00",
            ]
        );
    }

    #[test]
    fn a_repeated_hour_is_served_once() {
        assert_eq!(
            runs("0 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["Sun 2026-10-25 02:30:00+02:00", "Mon 2026-10-26 02:30:00+01:00"]
        );
        assert_eq!(
            runs("0 0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 3),
            [
                "Sun 2026-10-25 02:00:00+02:00",
                "Sun 2026-10-25 03:00:00+01:00",
                "Sun 2026-10-25 04:00:00+01:00"
            ]
        );
    }

    #[test]
    fn what_is_no_schedule_says_so_with_a_cure() {
        for expression in [
            "",
            "* * *",
            "0 0 0 0 0 0 0",
            "x * * * * *",
            "0 60 * * * *",
            "0 0 24 * * *",
            "0 0 0 32 * *",
            "0 0 0 * 13 *",
            "0 0 0 * * 8",
            "0 */0 * * * *",
            "0 0 0 * * 1/0",
            "0 0 0 30 2 *",
            "@reboot",
            "0 0 0 * * FOO",
            "-1 * * * * *",
            "0 5-1 * * * *",
            "0 0 ? * * *",
            "0 */99999999999 * * * *",
        ] {
            let error = Schedule::parse(expression).unwrap_err();
            assert!(error.contains("; "), "{expression}: {error}");
        }
        assert!(Schedule::parse(&"0".repeat(1000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_fall(text in ".{0,40}", fields in "[0-9*/,?LW# -]{0,30}") {
            let _ = Schedule::parse(&text);
            let _ = Schedule::parse(&fields);
        }
    }
}
