use super::clock::ticks_between;
use super::packet::Header;
use crate::model::{Codec, Quality};
use std::time::Instant;

/// Packets that have to be expected before an opinion score means anything: one second.
const SCORED_FROM: u64 = 50;

/// What is measured of the packets a leg receives (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8).
#[derive(Debug)]
pub(super) struct Reception {
    since: Instant,
    run: Option<Run>,
    /// Expected and received in the runs before this one.
    expected_before: u64,
    received_before: u64,
    packets: u64,
    codec: Option<Codec>,
    /// Interarrival jitter in sixteenths of a sample.
    jitter: u64,
    jitter_known: bool,
}

/// Sequence numbers between two new beginnings of the source.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u16,
    newest: u16,
    cycles: u64,
    received: u64,
    /// Arrival in samples and time stamp of the last packet with voice.
    timed: Option<(i64, u32)>,
}

impl Run {
    fn expected(&self) -> u64 {
        (self.cycles * 65_536 + u64::from(self.newest)).saturating_sub(u64::from(self.first)) + 1
    }
}

impl Reception {
    /// Nothing measured yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            run: None,
            expected_before: 0,
            received_before: 0,
            packets: 0,
            codec: None,
            jitter: 0,
            jitter_known: false,
        }
    }

    /// Counts a packet. `codec` is given for voice; `begins` when the source's numbers begin anew.
    pub(super) fn count(&mut self, now: Instant, header: &Header, codec: Option<Codec>, begins: bool) {
        self.packets += 1;
        self.codec = codec.or(self.codec);
        if begins {
            self.close_run();
        }
        let run = self.run.get_or_insert(Run {
            first: header.sequence,
            newest: header.sequence,
            cycles: 0,
            received: 0,
            timed: None,
        });
        run.received += 1;
        if header.sequence.wrapping_sub(run.newest) < 0x8000 {
            run.cycles += u64::from(header.sequence < run.newest);
            run.newest = header.sequence;
        }
        if let Some(codec) = codec {
            self.time(now, header, codec.clock_rate());
        }
    }

    /// Appendix A.8: how much the spacing of arrivals differs from the spacing of time stamps.
    fn time(&mut self, now: Instant, header: &Header, clock: u32) {
        let Some(run) = &mut self.run else {
            return;
        };
        let arrival = ticks_between(self.since, now, clock);
        let Some((before, timestamp)) = run.timed.replace((arrival, header.timestamp)) else {
            return;
        };
        let sent = header.timestamp.wrapping_sub(timestamp).cast_signed();
        let spread = (arrival - before).abs_diff(i64::from(sent));
        self.jitter += spread;
        self.jitter -= (self.jitter - spread + 8) >> 4;
        self.jitter_known = true;
    }

    fn jitter_ms(&self) -> f32 {
        let clock = self.codec.map_or(8000, Codec::clock_rate);
        self.jitter as f32 / 16.0 * 1000.0 / clock as f32
    }

    fn close_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.expected_before += run.expected();
            self.received_before += run.received;
        }
    }

    /// What was measured; none when nothing came.
    pub(super) fn quality(&self, packets_sent: u64) -> Option<Quality> {
        if self.packets == 0 {
            return None;
        }
        let expected = self.expected_before + self.run.map_or(0, |run| run.expected());
        let received = self.received_before + self.run.map_or(0, |run| run.received);
        let loss = expected.saturating_sub(received) as f32 * 100.0 / expected.max(1) as f32;
        Some(Quality {
            mos: (expected >= SCORED_FROM)
                .then(|| self.codec.and_then(|codec| opinion(codec, loss)))
                .flatten(),
            loss_percent: Some(loss),
            jitter_ms: self.jitter_known.then(|| self.jitter_ms()),
            rtt_ms: None,
            codec: self.codec,
            packets_received: self.packets,
            packets_sent,
        })
    }
}

/// Listening quality by the E-model (ITU-T G.107 §7) from measured loss: defaults for all else, and no delay,
/// because none is measured. None for a codec whose figures the Recommendation does not give on this scale.
fn opinion(codec: Codec, loss_percent: f32) -> Option<f32> {
    let (impairment, robustness) = match codec {
        // ITU-T G.113 appendix I: G.711 whose player conceals lost packets.
        Codec::Pcmu | Codec::Pcma => (0.0, 25.1),
        Codec::G729 => (11.0, 19.0),
        Codec::G722 | Codec::Opus => return None,
    };
    let effective = impairment + (95.0 - impairment) * loss_percent / (loss_percent + robustness);
    let rating = (93.2_f32 - effective).clamp(0.0, 100.0);
    let score = 1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6;
    Some(score.clamp(1.0, 4.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;
    use std::time::Duration;

    fn packet(sequence: u16, timestamp: u32) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc: 1,
            start: 12,
            end: 172,
        }
    }

    /// Receives packets numbered from `first`, leaving out those that `lost` names, each `late` milliseconds late.
    fn receive(count: u32, first: u16, lost: impl Fn(u32) -> bool, late: impl Fn(u32) -> u64) -> Quality {
        let start = origin();
        let mut reception = Reception::new(start);
        for place in (0..count).filter(|place| !lost(*place)) {
            let now = start + Duration::from_millis(u64::from(place) * 20 + late(place));
            let header = packet(first.wrapping_add(place as u16), (place * 160).wrapping_sub(5000));
            reception.count(now, &header, Some(Codec::Pcmu), place == 0);
        }
        reception.quality(9).unwrap()
    }

    #[test]
    fn a_clean_stream_has_no_loss_no_jitter_and_the_best_score() {
        let quality = receive(70_000, 65_000, |_| false, |_| 0);
        assert_eq!(quality.loss_percent, Some(0.0));
        assert_eq!(quality.jitter_ms, Some(0.0));
        assert!((quality.mos.unwrap() - 4.41).abs() < 0.01);
        assert_eq!((quality.packets_received, quality.packets_sent), (70_000, 9));
        assert_eq!(quality.codec, Some(Codec::Pcmu));
    }

    #[test]
    fn loss_is_what_was_expected_and_did_not_come() {
        // Loss in percent, and the score that G.107 computes for it.
        for (every, percent, mos) in [
            (100, 1.0, 4.33),
            (20, 5.0, 3.91),
            (10, 10.0, 3.40),
            (5, 20.0, 2.61),
        ] {
            let quality = receive(10_001, 60_000, |place| place % every == 1, |_| 0);
            assert!(
                (quality.loss_percent.unwrap() - percent).abs() < 0.02,
                "{quality:?}"
            );
            assert!((quality.mos.unwrap() - mos).abs() < 0.05, "{quality:?}");
        }
    }

    #[test]
    fn jitter_is_the_mean_unevenness_of_arrival() {
        // Every second packet is 10 ms late, so each spacing differs by 10 ms.
        let quality = receive(2000, 0, |_| false, |place| u64::from(place % 2 * 10));
        assert!((quality.jitter_ms.unwrap() - 10.0).abs() < 0.6, "{quality:?}");
    }

    #[test]
    fn a_jump_of_the_numbers_is_not_loss() {
        let start = origin();
        let mut reception = Reception::new(start);
        for place in 0..100u16 {
            let jumped = if place < 50 { 0 } else { 20_000 };
            let header = packet(place + jumped, u32::from(place) * 160 + u32::from(jumped) * 99);
            let now = start + Duration::from_millis(u64::from(place) * 20);
            reception.count(now, &header, Some(Codec::Pcma), place == 0 || place == 50);
        }
        let quality = reception.quality(0).unwrap();
        assert_eq!((quality.loss_percent, quality.jitter_ms), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn what_was_not_measured_is_not_invented() {
        let reception = Reception::new(origin());
        assert_eq!(reception.quality(100), None);
        let short = receive(1, 0, |_| false, |_| 0);
        assert_eq!((short.mos, short.jitter_ms, short.rtt_ms), (None, None, None));
        assert_eq!(short.loss_percent, Some(0.0));
    }
}
