use crate::media::clock::samples_between;
use crate::media::rtp::Header;
use crate::model::Digit;
use std::time::Instant;

/// How far after the last report a report of the same key with a later stamp still belongs to the same press.
const GROWS_WITHIN: i64 = 480;
/// A long press is told in segments, each as long as its duration field can say (RFC 4733 §2.5.1.3).
const SEGMENT: u32 = 0xffff;

/// Hears keys in telephone-events: one digit a press, however many of its packets come (RFC 4733 §2.5).
///
/// All packets of a press carry the time stamp of its beginning, so a new stamp is a new press; the first packet
/// that arrives tells it, whether that is the start, the middle or one of the three ends.
#[derive(Debug, Default)]
pub(in crate::media) struct Keys(Option<Press>);

#[derive(Debug, Clone, Copy)]
struct Press {
    ssrc: u32,
    timestamp: u32,
    code: u8,
    duration: u16,
    ended: bool,
    at: Instant,
}

impl Keys {
    /// Reads one packet; a digit when it is the first of its press.
    pub(in crate::media) fn hear(&mut self, now: Instant, header: &Header, payload: &[u8]) -> Option<Digit> {
        let [code, flags, high, low, ..] = *payload else {
            return None;
        };
        let heard = Press {
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            code,
            duration: u16::from_be_bytes([high, low]),
            ended: flags & 0x80 != 0,
            at: now,
        };
        let known = self.0.filter(|press| press.ssrc == heard.ssrc);
        if let Some(press) = known {
            if press.is_later_than(&heard) {
                return None;
            }
            if press.goes_on_in(&heard, header.marker) {
                let ended = heard.ended || press.ended && press.timestamp == heard.timestamp;
                self.0 = Some(Press {
                    ended,
                    duration: press.longest(&heard),
                    ..heard
                });
                return None;
            }
        }
        self.0 = Some(heard);
        Digit::from_event(code)
    }
}

impl Press {
    fn ahead_by(&self, heard: &Self) -> i32 {
        heard.timestamp.wrapping_sub(self.timestamp).cast_signed()
    }

    /// Whether the packet belongs to a press before this one and was held up on its way. A stamp far back is a
    /// phone that restarted its clock.
    fn is_later_than(&self, heard: &Self) -> bool {
        (-80_000..0).contains(&self.ahead_by(heard))
    }

    fn goes_on_in(&self, heard: &Self, marker: bool) -> bool {
        if heard.code != self.code {
            // One press is one key; a phone that keeps its clock standing marks the next key.
            return false;
        }
        if heard.timestamp == self.timestamp {
            return true;
        }
        !self.ended && !marker && (self.next_segment(heard) || self.grows(heard))
    }

    /// The next segment begins where the longest possible one before it ended.
    fn next_segment(&self, heard: &Self) -> bool {
        let ahead = heard.timestamp.wrapping_sub(self.timestamp);
        u32::from(self.duration) > SEGMENT / 2 && ahead.abs_diff(SEGMENT) <= 1600
    }

    /// Some phones move the time stamp on with each report. Then the duration still grows from one to the next.
    fn grows(&self, heard: &Self) -> bool {
        heard.duration > self.duration && samples_between(self.at, heard.at) <= GROWS_WITHIN
    }

    fn longest(&self, heard: &Self) -> u16 {
        if self.timestamp == heard.timestamp {
            self.duration.max(heard.duration)
        } else {
            heard.duration
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;
    use std::time::Duration;

    /// One packet: milliseconds since the last, time stamp, key code, end, duration, marker.
    type Report = (u64, u32, u8, bool, u16, bool);

    fn digits(reports: &[Report]) -> String {
        let mut keys = Keys::default();
        let mut now = origin();
        let mut heard = String::new();
        for (millis, timestamp, code, end, duration, marker) in reports {
            now += Duration::from_millis(*millis);
            let header = Header {
                marker: *marker,
                payload_type: 101,
                sequence: 0,
                timestamp: *timestamp,
                ssrc: 1,
                start: 12,
                end: 16,
            };
            let [high, low] = duration.to_be_bytes();
            let payload = [*code, if *end { 0x8a } else { 0x0a }, high, low];
            heard.extend(keys.hear(now, &header, &payload).map(Digit::as_char));
        }
        heard
    }

    /// A whole press: a marked start, a report every 20 ms, three ends.
    fn press(code: u8, timestamp: u32) -> Vec<Report> {
        let mut reports: Vec<Report> = (1..=5)
            .map(|report| (20, timestamp, code, false, report * 160, report == 1))
            .collect();
        reports.extend([(20, timestamp, code, true, 960, false); 3]);
        reports
    }

    /// ROBUSTNESS 51
    #[test]
    fn a_press_is_one_digit_whichever_of_its_packets_arrive() {
        let whole = press(5, 1000);
        for kept in 1..1u32 << whole.len() {
            let arrived: Vec<_> = whole
                .iter()
                .enumerate()
                .filter(|(place, _)| kept >> place & 1 == 1)
                .map(|(_, report)| *report)
                .collect();
            assert_eq!(digits(&arrived), "5", "{kept:08b}");
        }
    }

    #[test]
    fn the_same_key_twice_is_two_digits_even_when_start_and_ends_are_lost() {
        let (first, second) = (press(1, 1000), press(1, 3000));
        for (lost_ends, lost_starts) in [(0, 0), (3, 0), (0, 1), (3, 1), (3, 3), (6, 6)] {
            let mut reports = first[..first.len() - lost_ends].to_vec();
            let mut rest = second[lost_starts..].to_vec();
            rest[0].0 += 80 + 20 * lost_starts as u64;
            reports.append(&mut rest);
            assert_eq!(digits(&reports), "11", "{lost_ends} {lost_starts}");
        }
    }

    /// ROBUSTNESS 51
    #[test]
    fn a_missing_marker_does_not_matter() {
        let mut reports = [press(1, 1000), press(2, 3000), press(2, 5000)].concat();
        for report in &mut reports {
            report.5 = false;
        }
        assert_eq!(digits(&reports), "122");
    }

    #[test]
    fn a_key_held_for_twenty_seconds_is_one_digit() {
        let mut reports = Vec::new();
        for segment in 0..3u32 {
            let timestamp = 1000u32.wrapping_add(segment * SEGMENT);
            reports.extend(
                (1..=409u16).map(|report| (20, timestamp, 9, false, report.saturating_mul(160), false)),
            );
        }
        reports.push((20, 1000 + 2 * SEGMENT, 9, true, 0xffff, false));
        assert_eq!(digits(&reports), "9");
    }

    /// ROBUSTNESS 51
    #[test]
    fn a_duration_that_wraps_is_one_digit() {
        let reports: Vec<_> = (1..=900u32)
            .map(|report| (20, 1000, 3, false, (report * 160) as u16, report == 1))
            .collect();
        assert_eq!(digits(&reports), "3");
    }

    #[test]
    fn a_phone_that_moves_the_stamp_with_each_report_presses_once() {
        let mut reports: Vec<Report> = (1..=6)
            .map(|report: u16| {
                (
                    20,
                    1000 + u32::from(report) * 160,
                    7,
                    false,
                    report * 160,
                    report == 1,
                )
            })
            .collect();
        reports.push((20, 2120, 7, true, 1120, false));
        assert_eq!(digits(&reports), "7");
    }

    #[test]
    fn a_report_that_was_held_up_is_not_a_new_press() {
        let mut reports = [press(1, 1000), press(2, 3000)].concat();
        reports.push((5, 1000, 1, true, 960, false));
        reports.extend(press(3, 5000));
        assert_eq!(digits(&reports), "123");
    }

    #[test]
    fn a_restarted_clock_does_not_swallow_keys() {
        let reports = [press(1, 4_000_000_000), press(2, 1_000_000_000), press(3, 10)].concat();
        assert_eq!(digits(&reports), "123");
    }

    #[test]
    fn flash_fax_and_short_packets_are_no_digits() {
        assert_eq!(
            digits(&[(20, 1, 16, false, 160, true), (20, 2, 36, true, 160, true)]),
            ""
        );
        let header = Header {
            marker: true,
            payload_type: 101,
            sequence: 0,
            timestamp: 1,
            ssrc: 1,
            start: 12,
            end: 15,
        };
        assert_eq!(Keys::default().hear(origin(), &header, &[1, 2, 3]), None);
    }

    /// ROBUSTNESS 51
    #[test]
    fn ten_thousand_presses_are_ten_thousand_digits() {
        let reports: Vec<Report> = (0..10_000u32)
            .flat_map(|place| press((place % 16) as u8, 1000 + place * 2000))
            .collect();
        assert_eq!(digits(&reports).len(), 10_000);
    }
}
