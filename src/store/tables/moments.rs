//! Times of RFC 3339 as a record writes them, in as few bytes as they have to tell.
//!
//! A record says a dozen times when something was, most of them seconds apart. The first one stands whole, those after it as
//! the milliseconds from the one before. UTF-8 has no bytes from 0xF8 on, so two of them say that raw bytes follow.

use super::varint::{Reading, Writing};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A whole time: its milliseconds since 1970 in six bytes, the offset in quarters of an hour in one.
const WHOLE: u8 = 0xfd;
/// A time by the clock of the one before it: the milliseconds in between follow, with their sign.
const LATER: u8 = 0xfc;

/// Characters of `2026-11-20T12:00:00.000+03:00`.
const LENGTH: usize = 29;
const QUARTER_SECONDS: i32 = 15 * 60;

/// The last time that was met, on the way there or back.
#[derive(Debug, Default)]
pub(super) struct Moments(Option<Moment>);

/// A time with the offset of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    unix_ms: i64,
    quarters: i8,
}

impl Moments {
    /// Writes the time at the beginning of a text in short; what follows it in the text, or nothing when none is there.
    pub(super) fn shorten<'a>(&mut self, text: &'a [u8], short: &mut Vec<u8>) -> Option<&'a [u8]> {
        let (head, behind) = text.split_first_chunk::<LENGTH>()?;
        let moment = read(head)?;
        match self.0.filter(|last| last.quarters == moment.quarters) {
            Some(last) => {
                let mut later = Writing(vec![LATER]);
                later.put_signed(moment.unix_ms - last.unix_ms);
                short.extend(later.0);
            }
            None => {
                short.push(WHOLE);
                short.extend(moment.unix_ms.to_le_bytes().get(..6)?);
                short.push(moment.quarters.to_le_bytes()[0]);
            }
        }
        self.0 = Some(moment);
        Some(behind)
    }

    /// Writes the text of a time whose mark has been read; what follows it, or nothing when it is damaged.
    pub(super) fn lengthen<'a>(
        &mut self,
        mark: u8,
        behind: &'a [u8],
        text: &mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        let (moment, behind) = match (mark, self.0) {
            (WHOLE, _) => {
                let (ms, behind) = behind.split_first_chunk::<6>()?;
                let (quarters, behind) = behind.split_first_chunk::<1>()?;
                let mut eight = [0; 8];
                eight.get_mut(..6)?.copy_from_slice(ms);
                let moment = Moment {
                    unix_ms: i64::from_le_bytes(eight),
                    quarters: i8::from_le_bytes(*quarters),
                };
                (moment, behind)
            }
            (LATER, Some(last)) => {
                let mut reading = Reading(behind);
                let is_negative = reading.take()? == 1;
                let between = reading.take()?;
                let unix_ms = last
                    .unix_ms
                    .checked_add(if is_negative { -between } else { between })?;
                (Moment { unix_ms, ..last }, reading.0)
            }
            _other => return None,
        };
        text.extend(write(moment)?);
        self.0 = Some(moment);
        Some(behind)
    }
}

/// A time that is written exactly as [`write`] writes it.
fn read(text: &[u8; LENGTH]) -> Option<Moment> {
    const FIRM: [(usize, u8); 7] = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (26, b':'),
    ];
    if FIRM.iter().any(|(place, mark)| text.get(*place) != Some(mark)) {
        return None;
    }
    let sign = match text.get(23)? {
        b'+' => 1,
        b'-' => -1,
        _other => return None,
    };
    let part = |from: usize, digits: usize| -> Option<i16> {
        let digits = text.get(from..from + digits)?;
        digits.iter().try_fold(0, |number: i16, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i16::from(byte - b'0'))
        })
    };
    let small = |from| part(from, 2).and_then(|number| i8::try_from(number).ok());
    let date = Date::new(part(0, 4)?, small(5)?, small(8)?).ok()?;
    let time = Time::new(
        small(11)?,
        small(14)?,
        small(17)?,
        i32::from(part(20, 3)?) * 1_000_000,
    )
    .ok()?;
    let (hours, minutes) = (i32::from(part(24, 2)?), i32::from(part(27, 2)?));
    let seconds = sign * (hours * 3600 + minutes * 60);
    let quarters = i8::try_from(seconds / QUARTER_SECONDS).ok()?;
    // `-00:00` and minutes of sixty and more would come back otherwise.
    let is_plain = minutes < 60 && seconds % QUARTER_SECONDS == 0 && (seconds != 0 || sign > 0);
    let offset = is_plain.then(|| Offset::from_seconds(seconds).ok()).flatten()?;
    let at = offset.to_timestamp(DateTime::from_parts(date, time)).ok()?;
    // Six bytes hold what is not before 1970.
    let unix_ms = at.as_millisecond();
    (unix_ms >= 0).then_some(Moment { unix_ms, quarters })
}

fn write(moment: Moment) -> Option<[u8; LENGTH]> {
    let seconds = i32::from(moment.quarters) * QUARTER_SECONDS;
    let at = Timestamp::from_millisecond(moment.unix_ms).ok()?;
    let local = Offset::from_seconds(seconds).ok()?.to_datetime(at);
    let mut text = *b"0000-00-00T00:00:00.000+00:00";
    let mut put = |from: usize, digits: usize, number: i32| {
        let mut rest = number.unsigned_abs();
        for byte in text.iter_mut().skip(from).take(digits).rev() {
            *byte = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    };
    put(0, 4, local.year().into());
    put(5, 2, local.month().into());
    put(8, 2, local.day().into());
    put(11, 2, local.hour().into());
    put(14, 2, local.minute().into());
    put(17, 2, local.second().into());
    put(20, 3, local.millisecond().into());
    put(24, 2, seconds / 3600);
    put(27, 2, seconds / 60 % 60);
    if seconds < 0 {
        text[23] = b'-';
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(texts: &[&str]) -> usize {
        let (mut short, mut there) = (Vec::new(), Moments::default());
        for text in texts {
            assert_eq!(
                there.shorten(text.as_bytes(), &mut short),
                Some(&[][..]),
                "{text}"
            );
        }
        let (mut long, mut back, mut rest) = (Vec::new(), Moments::default(), short.as_slice());
        while let Some((mark, behind)) = rest.split_first() {
            rest = back.lengthen(*mark, behind, &mut long).unwrap();
        }
        assert_eq!(String::from_utf8(long).unwrap(), texts.concat());
        short.len()
    }

    #[test]
    fn times_near_each_other_take_a_few_bytes() {
        let length = there_and_back(&[
            "2026-11-20T12:40:29.216+03:00",
            "2026-11-20T12:40:37.123+03:00",
            "2026-11-20T12:40:29.216+03:00",
            "2026-11-21T00:00:00.000+03:00",
            "2026-11-21T00:00:00.000-03:30",
            "1970-01-01T00:00:00.000+00:00",
        ]);
        assert_eq!(length, 8 + 4 + 4 + 6 + 8 + 8);
    }

    #[test]
    fn what_would_not_come_back_as_it_is_stays() {
        for text in [
            "2026-11-20T12:40:29.216Z",
            "2026-11-20T12:40:29.216-00:00",
            "2026-11-20T12:40:29.216+03:60",
            "2026-11-20T12:40:29.216+03:05",
            "2026-11-20T12:40:60.216+03:00",
            "2026-02-29T12:40:29.216+03:00",
            "1969-12-31T12:40:29.216+03:00",
            "2026-11-20 12:40:29.216+03:00",
            "2026-11-20T12:40:29,216+03:00",
            "2026-11-20T12:4a:29.216+03:00",
        ] {
            let mut short = Vec::new();
            assert_eq!(
                Moments::default().shorten(text.as_bytes(), &mut short),
                None,
                "{text}"
            );
            assert!(short.is_empty());
        }
    }

    proptest! {
        #[test]
        fn every_time_comes_back(times in prop::collection::vec((0_i64..253_000_000_000_000, -96_i8..96), 1..9)) {
            let texts: Vec<String> = times
                .into_iter()
                .filter_map(|(unix_ms, quarters)| write(Moment { unix_ms, quarters }))
                .map(|text| String::from_utf8(text.to_vec()).unwrap())
                .collect();
            there_and_back(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
