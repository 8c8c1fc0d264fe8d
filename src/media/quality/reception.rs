use super::losses::{Losses, Spread};
use super::opinion::{Loss, opinion};
use crate::media::clock::ticks_between;
use crate::media::rtcp::{Block, Heard};
use crate::media::rtp::Header;
use crate::model::{Codec, Quality, QualityThere};
use std::time::{Duration, Instant};

/// Packets that have to be expected before an opinion score means anything: one second.
const SCORED_FROM: u64 = 50;

/// What is measured of the packets a leg receives (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8).
#[derive(Debug)]
pub(in crate::media) struct Reception {
    since: Instant,
    run: Option<Run>,
    /// How many runs there were.
    runs: u32,
    /// Expected and received in the runs before this one, and how their losses lay.
    expected_before: u64,
    received_before: u64,
    spread_before: Spread,
    packets: u64,
    codec: Option<Codec>,
    /// Interarrival jitter in sixteenths of a tick of the codec's clock.
    jitter: u64,
    jitter_known: bool,
    /// Ticks from one packet to the next, as last seen.
    step: Option<u32>,
}

/// Sequence numbers between two new beginnings of the source.
#[derive(Debug, Clone, Copy)]
struct Run {
    ssrc: u32,
    losses: Losses,
    /// Arrival in ticks, time stamp and number of the last packet with voice.
    timed: Option<(i64, u32, u16)>,
}

/// What was measured beside the packets themselves.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Reported {
    /// Packets we sent, and the numbers they took with the holes of what was relayed.
    pub(in crate::media) sent: u64,
    pub(in crate::media) covered: u64,
    /// The codec we send.
    pub(in crate::media) codec: Option<Codec>,
    /// The mean round trip.
    pub(in crate::media) round_trip: Option<Duration>,
    /// What the peer said last of our stream.
    pub(in crate::media) there: Option<Block>,
}

impl Reception {
    /// Nothing measured yet.
    pub(in crate::media) fn new(now: Instant) -> Self {
        Self {
            since: now,
            run: None,
            runs: 0,
            expected_before: 0,
            received_before: 0,
            spread_before: Spread::default(),
            packets: 0,
            codec: None,
            jitter: 0,
            jitter_known: false,
            step: None,
        }
    }

    /// Counts a packet. `codec` is given for voice; `begins` when the source's numbers begin anew. False when this
    /// packet had come before.
    pub(in crate::media) fn count(
        &mut self,
        now: Instant,
        header: &Header,
        codec: Option<Codec>,
        begins: bool,
    ) -> bool {
        self.packets += 1;
        if codec.is_some() && codec.map(Codec::clock_rate) != self.codec.map(Codec::clock_rate) {
            self.begin_clock();
        }
        self.codec = codec.or(self.codec);
        if begins {
            self.close_run();
        }
        let is_new = match &mut self.run {
            Some(run) => run.losses.take(header.sequence),
            None => {
                self.runs += 1;
                self.run = Some(Run {
                    ssrc: header.ssrc,
                    losses: Losses::begin(header.sequence),
                    timed: None,
                });
                true
            }
        };
        if let Some(codec) = codec.filter(|_| is_new) {
            self.time(now, header, codec);
        }
        is_new
    }

    /// Another clock counts from now on: what was measured by the old one does not fit it.
    fn begin_clock(&mut self) {
        (self.jitter, self.jitter_known, self.step) = (0, false, None);
        if let Some(run) = &mut self.run {
            run.timed = None;
        }
    }

    /// Appendix A.8: how much the spacing of arrivals differs from the spacing of time stamps.
    fn time(&mut self, now: Instant, header: &Header, codec: Codec) {
        let Some(run) = &mut self.run else {
            return;
        };
        let arrival = ticks_between(self.since, now, codec.clock_rate());
        let this = (arrival, header.timestamp, header.sequence);
        let Some((before, timestamp, sequence)) = run.timed.replace(this) else {
            return;
        };
        let sent = header.timestamp.wrapping_sub(timestamp).cast_signed();
        let spread = (arrival - before).abs_diff(i64::from(sent));
        self.jitter += spread;
        self.jitter -= (self.jitter - spread + 8) >> 4;
        self.jitter_known = true;
        if header.sequence == sequence.wrapping_add(1) && !header.marker {
            self.step = u32::try_from(sent).ok().filter(|step| *step > 0).or(self.step);
        }
    }

    fn close_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.expected_before += run.losses.expected();
            self.received_before += run.losses.received();
            self.spread_before = self.spread_before.and(run.losses.spread());
        }
    }

    /// What a report says of the peer's source; none before anything came.
    pub(in crate::media) fn heard(&self) -> Option<Heard> {
        let run = self.run?;
        Some(Heard {
            run: self.runs,
            ssrc: run.ssrc,
            highest: run.losses.highest(),
            expected: run.losses.expected(),
            received: run.losses.received(),
            jitter: u32::try_from(self.jitter >> 4).unwrap_or(u32::MAX),
        })
    }

    /// What was measured; none when nothing came.
    pub(in crate::media) fn quality(&self, reported: &Reported) -> Option<Quality> {
        if self.packets == 0 {
            return None;
        }
        let losses = self.run.map(|run| run.losses);
        let expected = self.expected_before + losses.map_or(0, |losses| losses.expected());
        let received = self.received_before + losses.map_or(0, |losses| losses.received());
        let spread = losses.map_or(self.spread_before, |losses| {
            self.spread_before.and(losses.spread())
        });
        let percent = expected.saturating_sub(received) as f32 * 100.0 / expected.max(1) as f32;
        let one_way = reported.round_trip.map(|trip| trip / 2);
        let loss = Loss {
            percent,
            mean_burst: spread.mean(),
        };
        let scored = self.codec.filter(|_| expected >= SCORED_FROM);
        Some(Quality {
            mos: scored.and_then(|codec| opinion(codec, loss, one_way)),
            loss_percent: Some(percent),
            jitter_ms: self
                .codec
                .filter(|_| self.jitter_known)
                .map(|codec| millis(self.jitter as f32 / 16.0, codec)),
            rtt_ms: reported.round_trip.map(|trip| trip.as_secs_f32() * 1000.0),
            codec: self.codec,
            packets_received: self.packets,
            packets_sent: reported.sent,
            packets_lost: Some(spread.lost),
            burst_packets: spread.mean(),
            worst_gap_ms: self.gap(&spread),
            there: reported.quality_there(),
            ..Quality::default()
        })
    }

    /// The longest hole that lost packets left, in milliseconds of sound.
    fn gap(&self, spread: &Spread) -> Option<u32> {
        let (codec, step) = (self.codec?, self.step?);
        let ticks = spread.longest * u64::from(step);
        u32::try_from(ticks * 1000 / u64::from(codec.clock_rate())).ok()
    }
}

impl Reported {
    /// How the peer hears us, in its own words; none when it says nothing.
    fn quality_there(&self) -> Option<QualityThere> {
        let (there, codec) = (self.there?, self.codec?);
        let lost = u64::try_from(there.lost).unwrap_or(0);
        let percent = (lost as f32 * 100.0 / self.covered.max(1) as f32).min(100.0);
        let loss = Loss {
            percent,
            mean_burst: None,
        };
        let one_way = self.round_trip.map(|trip| trip / 2);
        Some(QualityThere {
            mos: (self.covered >= SCORED_FROM)
                .then(|| opinion(codec, loss, one_way))
                .flatten(),
            loss_percent: Some(percent),
            jitter_ms: Some(millis(there.jitter as f32, codec)),
        })
    }
}

/// Ticks of the codec's clock in milliseconds.
fn millis(ticks: f32, codec: Codec) -> f32 {
    ticks * 1000.0 / codec.clock_rate() as f32
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
        reception.quality(&sent(9)).unwrap()
    }

    fn sent(packets: u64) -> Reported {
        Reported {
            sent: packets,
            covered: packets,
            codec: Some(Codec::Pcmu),
            round_trip: None,
            there: None,
        }
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
            (20, 5.0, 3.92),
            (10, 10.0, 3.41),
            (5, 20.0, 2.63),
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
        let quality = reception.quality(&sent(0)).unwrap();
        assert_eq!((quality.loss_percent, quality.jitter_ms), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn what_was_not_measured_is_not_invented() {
        let reception = Reception::new(origin());
        assert_eq!(reception.quality(&sent(100)), None);
        let short = receive(1, 0, |_| false, |_| 0);
        assert_eq!((short.mos, short.jitter_ms, short.rtt_ms), (None, None, None));
        assert_eq!(short.loss_percent, Some(0.0));
    }

    #[test]
    fn losses_that_come_together_are_told_and_cost_more() {
        let apart = receive(10_001, 0, |place| place % 20 == 1, |_| 0);
        let together = receive(10_001, 0, |place| place % 100 < 5 && place > 9, |_| 0);
        assert_eq!((apart.burst_packets, apart.worst_gap_ms), (Some(1.0), Some(20)));
        assert_eq!(
            (together.burst_packets, together.worst_gap_ms),
            (Some(5.0), Some(100))
        );
        assert_eq!(apart.packets_lost, Some(500));
        assert!(
            together.mos.unwrap() < apart.mos.unwrap() - 0.05,
            "{together:?} {apart:?}"
        );
    }

    #[test]
    fn a_packet_that_comes_twice_is_no_better_than_one() {
        let start = origin();
        let mut reception = Reception::new(start);
        for place in 0..100u16 {
            let header = packet(place, u32::from(place) * 160);
            let now = start + Duration::from_millis(u64::from(place) * 20);
            if place % 2 == 0 {
                reception.count(now, &header, Some(Codec::Pcmu), place == 0);
                reception.count(now, &header, Some(Codec::Pcmu), false);
            }
        }
        let quality = reception.quality(&sent(0)).unwrap();
        assert!((quality.loss_percent.unwrap() - 49.5).abs() < 0.1, "{quality:?}");
        assert_eq!(quality.packets_lost, Some(49));
    }

    /// The other direction is what the peer reports of it.
    #[test]
    fn what_the_peer_reports_is_the_quality_of_our_stream() {
        let start = origin();
        let mut reception = Reception::new(start);
        reception.count(start, &packet(1, 160), Some(Codec::Pcmu), true);
        let block = Block {
            ssrc: 1,
            fraction: 0,
            lost: 100,
            highest: 999,
            jitter: 80,
            last_report: 0,
            since_report: 0,
        };
        let reported = Reported {
            covered: 1000,
            round_trip: Some(Duration::from_millis(60)),
            there: Some(block),
            ..sent(950)
        };
        let quality = reception.quality(&reported).unwrap();
        let there = quality.there.unwrap();
        assert_eq!((there.loss_percent, there.jitter_ms), (Some(10.0), Some(10.0)));
        assert!((there.mos.unwrap() - 3.40).abs() < 0.05, "{there:?}");
        assert_eq!((quality.rtt_ms, quality.packets_sent), (Some(60.0), 950));
        // More came than was sent: somebody doubles packets. That is no loss.
        let doubled = Reported {
            there: Some(Block { lost: -5, ..block }),
            ..reported
        };
        let there = reception.quality(&doubled).unwrap().there.unwrap();
        assert_eq!(there.loss_percent, Some(0.0));
    }

    #[test]
    fn a_report_counts_the_run_and_its_cycles() {
        let start = origin();
        let mut reception = Reception::new(start);
        assert_eq!(reception.heard(), None);
        for place in 0..70_000u32 {
            let now = start + Duration::from_millis(u64::from(place) * 20);
            reception.count(
                now,
                &packet(place as u16, place * 160),
                Some(Codec::Pcmu),
                place == 0,
            );
        }
        let heard = reception.heard().unwrap();
        assert_eq!(
            (heard.highest, heard.expected, heard.received),
            (69_999, 70_000, 70_000)
        );
        reception.count(start, &packet(5, 9), Some(Codec::Pcmu), true);
        let heard = reception.heard().unwrap();
        assert_eq!((heard.run, heard.highest, heard.expected), (2, 5, 1));
    }
}
