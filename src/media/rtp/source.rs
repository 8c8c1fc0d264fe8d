use super::packet::Header;
use crate::media::clock::ticks_between;
use std::time::Instant;

/// A sequence step beyond this is a new beginning, not loss: ten seconds of packets.
const MOST_LOST: i32 = 500;
/// A sequence step back beyond this is a new beginning, not reordering (RFC 3550 appendix A.1, MAX_MISORDER).
const MOST_MISORDERED: i32 = -100;
/// The time stamp may stray from what clock or count expect by so many parts of a second: 200 ms.
const STRAY: i64 = 5;

/// Watches whether the packets of one peer go on from each other.
///
/// A phone may restart its numbers in mid-call: after a transfer behind a PBX, at a hold, after a reboot. What is
/// relayed or recorded has to be tied to a new point then. Loss, reordering and pauses are no new beginning.
#[derive(Debug, Default)]
pub(in crate::media) struct Source(Option<Last>);

/// The newest packet of the source; for its time, the newest with audio.
#[derive(Debug, Clone, Copy)]
struct Last {
    ssrc: u32,
    sequence: u16,
    audio_sequence: u16,
    timestamp: u32,
    samples: u32,
    at: Instant,
}

/// How a packet stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Step {
    /// It does not continue them.
    Begins,
    /// It goes on from them, or comes late.
    Continues,
    /// It is the newest one again.
    Repeats,
}

impl Source {
    /// Judges a packet; `samples` is the length of its audio in ticks, none when it carries something else, and
    /// `clock` the ticks of its time stamps in a second.
    pub(in crate::media) fn step(
        &mut self,
        now: Instant,
        header: &Header,
        samples: Option<u32>,
        clock: u32,
    ) -> Step {
        let Some(last) = &mut self.0 else {
            return self.begin(now, header, samples);
        };
        let step = i32::from(header.sequence.wrapping_sub(last.sequence).cast_signed());
        if last.ssrc != header.ssrc || !(MOST_MISORDERED..=MOST_LOST).contains(&step) {
            return self.begin(now, header, samples);
        }
        if step == 0 {
            return Step::Repeats;
        }
        let Some(samples) = samples else {
            last.sequence = if step > 0 { header.sequence } else { last.sequence };
            return Step::Continues;
        };
        if last.jumps(now, header, samples, clock) {
            return self.begin(now, header, Some(samples));
        }
        if step > 0 {
            last.sequence = header.sequence;
            last.audio_sequence = header.sequence;
            last.timestamp = header.timestamp;
            last.samples = samples;
            last.at = now;
        }
        Step::Continues
    }

    fn begin(&mut self, now: Instant, header: &Header, samples: Option<u32>) -> Step {
        self.0 = Some(Last {
            ssrc: header.ssrc,
            sequence: header.sequence,
            audio_sequence: header.sequence,
            timestamp: header.timestamp,
            samples: samples.unwrap_or(0),
            at: now,
        });
        Step::Begins
    }
}

impl Last {
    /// Whether the time stamp fits neither the time that passed (a pause) nor the packets that passed (a delay).
    fn jumps(&self, now: Instant, header: &Header, samples: u32, clock: u32) -> bool {
        let stray = i64::from(clock) / STRAY;
        let went = i64::from(header.timestamp.wrapping_sub(self.timestamp).cast_signed());
        let by_clock = (went - ticks_between(self.at, now, clock)).abs() <= stray;
        let packets = i64::from(header.sequence.wrapping_sub(self.audio_sequence).cast_signed());
        let by_count = (went - packets * i64::from(samples.max(self.samples))).abs() <= stray;
        // A marker after a pause in which the source's clock stood still starts a new stretch of time.
        let resumes = header.marker && packets > 0;
        !by_clock && (resumes || !by_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;
    use std::time::Duration;

    struct Phone {
        source: Source,
        now: Instant,
        header: Header,
    }

    impl Phone {
        fn talking() -> Self {
            let header = Header {
                marker: true,
                payload_type: 0,
                sequence: 65_530,
                timestamp: u32::MAX - 300,
                ssrc: 7,
                start: 12,
                end: 172,
            };
            let mut phone = Self {
                source: Source::default(),
                now: origin(),
                header,
            };
            assert_eq!(phone.hear(), Step::Begins);
            phone.header.marker = false;
            for _ in 0..20 {
                phone.pass(1, 160, 20);
                assert_eq!(phone.hear(), Step::Continues);
            }
            phone
        }

        fn pass(&mut self, packets: u16, samples: u32, millis: u64) {
            self.header.sequence = self.header.sequence.wrapping_add(packets);
            self.header.timestamp = self.header.timestamp.wrapping_add(samples);
            self.now += Duration::from_millis(millis);
        }

        fn hear(&mut self) -> Step {
            self.source.step(self.now, &self.header, Some(160), 8000)
        }
    }

    #[test]
    fn loss_pauses_and_delays_are_no_new_beginning() {
        for (packets, samples, millis) in [
            (50, 8000, 1000),
            (1, 80_000, 10_000),
            (1, 160, 1500),
            (1, 160, 0),
            (2, 320, 35),
        ] {
            let mut phone = Phone::talking();
            phone.pass(packets, samples, millis);
            assert_eq!(phone.hear(), Step::Continues, "{packets} {samples} {millis}");
        }
    }

    #[test]
    fn another_source_and_jumps_are_new_beginnings() {
        for (packets, samples, millis) in [
            (5000, 160, 20),
            (1, 1_000_000, 20),
            (1, 0u32.wrapping_sub(80_000), 20),
            (60_000, 160, 20),
        ] {
            let mut phone = Phone::talking();
            phone.pass(packets, samples, millis);
            assert_eq!(phone.hear(), Step::Begins, "{packets} {samples} {millis}");
            phone.pass(1, 160, 20);
            assert_eq!(phone.hear(), Step::Continues);
        }
        let mut phone = Phone::talking();
        phone.header.ssrc = 8;
        assert_eq!(phone.hear(), Step::Begins);
    }

    #[test]
    fn a_marker_after_a_pause_without_time_begins_anew() {
        let mut phone = Phone::talking();
        phone.header.marker = true;
        phone.pass(1, 160, 5000);
        assert_eq!(phone.hear(), Step::Begins);
    }

    #[test]
    fn a_late_packet_continues_and_a_repeated_one_is_known() {
        let mut phone = Phone::talking();
        phone.pass(3, 480, 60);
        assert_eq!(phone.hear(), Step::Continues);
        assert_eq!(phone.hear(), Step::Repeats);
        phone.pass(0u16.wrapping_sub(2), 0u32.wrapping_sub(320), 5);
        assert_eq!(phone.hear(), Step::Continues);
        phone.pass(3, 480, 20);
        assert_eq!(phone.hear(), Step::Continues);
    }

    #[test]
    fn a_key_between_two_words_is_no_new_beginning() {
        let mut phone = Phone::talking();
        let speech = phone.header;
        for packet in 1..=25 {
            phone.header.sequence = speech.sequence.wrapping_add(packet);
            phone.now += Duration::from_millis(20);
            assert_eq!(
                phone.source.step(phone.now, &phone.header, None, 8000),
                Step::Continues
            );
        }
        phone.header.timestamp = speech.timestamp.wrapping_add(26 * 160);
        phone.pass(1, 0, 20);
        assert_eq!(phone.hear(), Step::Continues);
    }
}
