use super::packet::{Packet, Stamp};
use crate::media::clock::{ticks_between, ticks_in};
use crate::media::rtcp::Own;
use std::time::{Duration, Instant};

/// A frame of ours this much behind its time is taken for a new stretch: the thread was stopped.
const STALLED: Duration = Duration::from_millis(120);

/// The one stream a leg hears, whatever it is fed from: prompt, other leg, prompt again (RFC 3550 §5.1).
///
/// Source number and sequence never break, and the time stamp follows the clock across every change, so that the
/// phone's jitter buffer has no reason to stop. Loss and reordering of a relayed source stay visible to the phone.
#[derive(Debug)]
pub(in crate::media) struct Outgoing {
    ssrc: u32,
    /// The number of the next new packet.
    sequence: u16,
    /// Time stamp and length of the newest packet, and when it left.
    timestamp: u32,
    samples: u32,
    at: Instant,
    /// Ticks of its time stamps in a second.
    clock: u32,
    relayed: Option<Shift>,
    sent: u64,
    /// Numbers used, with the holes of what was relayed.
    covered: u64,
    /// Bytes of payload.
    octets: u64,
}

/// What to add to the numbers of the source that is relayed now.
#[derive(Debug, Clone, Copy)]
struct Shift {
    sequence: u16,
    timestamp: u32,
}

impl Outgoing {
    /// A stream that begins with these random numbers.
    pub(in crate::media) fn new(now: Instant, ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            ssrc,
            sequence,
            timestamp,
            samples: 0,
            at: now,
            clock: 8000,
            relayed: None,
            sent: 0,
            covered: 0,
            octets: 0,
        }
    }

    /// From now on time stamps count at this rate in Hz, that of the agreed codec.
    pub(in crate::media) fn count_at(&mut self, clock: u32) {
        self.clock = clock;
    }

    /// Packets stamped so far.
    pub(in crate::media) fn sent(&self) -> u64 {
        self.sent
    }

    /// Numbers used so far: packets stamped, and those a relayed source lost before they came to us.
    pub(in crate::media) fn covered(&self) -> u64 {
        self.covered
    }

    /// A packet with so many bytes of payload goes out.
    pub(in crate::media) fn count_octets(&mut self, octets: usize) {
        self.octets += octets as u64;
    }

    /// What a report says of the stream (RFC 3550 §6.4.1).
    pub(in crate::media) fn reported(&self, now: Instant) -> Own {
        Own {
            ssrc: self.ssrc,
            timestamp: self.moment(now),
            packets: self.sent,
            octets: self.octets,
        }
    }

    /// The time stamp that belongs to this instant.
    fn moment(&self, now: Instant) -> u32 {
        let gone = ticks_between(self.at, now, self.clock);
        self.timestamp.wrapping_add(u32::try_from(gone).unwrap_or(0))
    }

    /// The next relayed packet starts a new stretch: something else was heard in between.
    pub(in crate::media) fn interrupt(&mut self) {
        self.relayed = None;
    }

    /// Stamps a frame of our own. `begins` for the first of a prompt; the others follow without a gap.
    pub(in crate::media) fn own(&mut self, now: Instant, begins: bool, samples: u32) -> Stamp {
        self.interrupt();
        let behind = ticks_between(self.at, now, self.clock) - i64::from(self.samples);
        let begins = begins || behind > ticks_in(STALLED, self.clock);
        let timestamp = if begins {
            self.clock(now)
        } else {
            self.timestamp.wrapping_add(self.samples)
        };
        self.stamped(
            now,
            Stamp {
                marker: begins,
                sequence: self.sequence,
                timestamp,
                ssrc: self.ssrc,
            },
            samples,
        )
    }

    /// Stamps a packet of the other leg.
    pub(in crate::media) fn relay(&mut self, now: Instant, packet: &Packet, samples: u32) -> Stamp {
        let header = &packet.header;
        let known = self.relayed.filter(|_| !packet.begins);
        let shift = known.unwrap_or_else(|| Shift {
            sequence: self.sequence.wrapping_sub(header.sequence),
            timestamp: self.clock(now).wrapping_sub(header.timestamp),
        });
        self.relayed = Some(shift);
        let stamp = Stamp {
            marker: header.marker || known.is_none(),
            sequence: header.sequence.wrapping_add(shift.sequence),
            timestamp: header.timestamp.wrapping_add(shift.timestamp),
            ssrc: self.ssrc,
        };
        self.stamped(now, stamp, samples)
    }

    /// Stamps a report of a key: all reports of a press carry the time of its beginning (RFC 4733 §2.5.1.2).
    pub(in crate::media) fn key(&mut self, now: Instant, began: Option<u32>) -> Stamp {
        self.interrupt();
        let stamp = Stamp {
            marker: began.is_none(),
            sequence: self.sequence,
            timestamp: began.unwrap_or_else(|| self.clock(now)),
            ssrc: self.ssrc,
        };
        self.stamped(now, stamp, 0)
    }

    /// A packet of the source is left out; those after it move up, so that the phone sees no loss.
    pub(in crate::media) fn leave_out(&mut self, packet: &Packet) {
        let Some(shift) = self.relayed.as_mut().filter(|_| !packet.begins) else {
            self.relayed = None;
            return;
        };
        let would_be = packet.header.sequence.wrapping_add(shift.sequence);
        if would_be.wrapping_sub(self.sequence) < 0x8000 {
            shift.sequence = shift.sequence.wrapping_sub(1);
        }
    }

    /// The time stamp of this moment: as far after the newest packet as the clock has gone, and at least its length.
    fn clock(&self, now: Instant) -> u32 {
        let gone = ticks_between(self.at, now, self.clock).max(i64::from(self.samples));
        self.timestamp.wrapping_add(u32::try_from(gone).unwrap_or(0))
    }

    fn stamped(&mut self, now: Instant, stamp: Stamp, samples: u32) -> Stamp {
        let is_first = self.sent == 0;
        self.sent += 1;
        let is_new = stamp.sequence.wrapping_sub(self.sequence) < 0x8000;
        if is_new {
            self.covered += u64::from(stamp.sequence.wrapping_sub(self.sequence)) + 1;
            self.sequence = stamp.sequence.wrapping_add(1);
        }
        // All packets of a telephone-event repeat its beginning; the clock goes on from there.
        if is_new && (stamp.timestamp != self.timestamp || is_first) {
            self.timestamp = stamp.timestamp;
            self.samples = samples;
            self.at = now;
        }
        stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;
    use crate::media::rtp::{Header, Kind};
    use crate::model::Codec;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    fn packet(kind: Kind, begins: bool, sequence: u16, timestamp: u32) -> Packet {
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc: 5,
            start: 12,
            end: 172,
        };
        let ticks = if kind == Kind::Event { 0 } else { 160 };
        Packet {
            kind,
            begins,
            ticks,
            header,
        }
    }

    fn voice(begins: bool, sequence: u16, timestamp: u32) -> Packet {
        packet(Kind::Audio(Codec::Pcmu), begins, sequence, timestamp)
    }

    #[test]
    fn prompt_relay_and_prompt_are_one_stream() {
        let start = origin();
        let mut out = Outgoing::new(start, 42, 65_535, u32::MAX - 100);
        let first = out.own(start, true, 160);
        assert_eq!(
            (first.sequence, first.timestamp, first.marker, first.ssrc),
            (65_535, u32::MAX - 100, true, 42)
        );
        let second = out.own(after(start, 21), false, 160);
        assert_eq!((second.sequence, second.timestamp, second.marker), (0, 59, false));
        // Half a second later the other leg comes in with numbers of its own.
        let third = out.relay(after(start, 521), &voice(true, 900, 77_777), 160);
        assert_eq!(
            (third.sequence, third.timestamp, third.marker),
            (1, 59 + 4000, true)
        );
        let fourth = out.relay(after(start, 543), &voice(false, 901, 77_937), 160);
        assert_eq!(
            (fourth.sequence, fourth.timestamp, fourth.marker),
            (2, 59 + 4160, false)
        );
        let fifth = out.own(after(start, 563), true, 160);
        assert_eq!(
            (fifth.sequence, fifth.timestamp, fifth.marker),
            (3, 59 + 4320, true)
        );
        // Back to the relay: a new stretch, though the source never stopped.
        let sixth = out.relay(after(start, 583), &voice(false, 903, 78_257), 160);
        assert_eq!(
            (sixth.sequence, sixth.timestamp, sixth.marker),
            (4, 59 + 4480, true)
        );
        assert_eq!(out.sent(), 6);
    }

    #[test]
    fn loss_and_reordering_of_the_source_stay_visible() {
        let start = origin();
        let mut out = Outgoing::new(start, 1, 100, 0);
        let order = [10, 11, 14, 13, 15, 18, 16];
        let stamps: Vec<_> = order
            .iter()
            .map(|number| {
                let millis = u64::from(*number) * 20;
                out.relay(
                    after(start, millis),
                    &voice(*number == 10, *number, u32::from(*number) * 160),
                    160,
                )
            })
            .collect();
        let numbers: Vec<_> = stamps.iter().map(|stamp| stamp.sequence).collect();
        assert_eq!(numbers, [100, 101, 104, 103, 105, 108, 106]);
        for (number, stamp) in order.iter().zip(&stamps) {
            assert_eq!(
                stamp.timestamp,
                stamps[0].timestamp + u32::from(*number - 10) * 160
            );
        }
        // What follows goes on after the newest, not after the latest.
        assert_eq!(out.own(after(start, 400), true, 160).sequence, 109);
    }

    #[test]
    fn a_new_source_is_tied_to_the_old_stream_without_gap_or_jump() {
        let start = origin();
        let mut out = Outgoing::new(start, 1, 0, 0);
        out.relay(start, &voice(true, 500, 1_000_000), 160);
        let stamp = out.relay(after(start, 20), &voice(true, 9, 3), 160);
        assert_eq!((stamp.sequence, stamp.timestamp, stamp.marker), (1, 160, true));
        // It came early: time still does not overlap.
        let stamp = out.relay(after(start, 25), &voice(true, 70, 3), 160);
        assert_eq!((stamp.sequence, stamp.timestamp), (2, 320));
    }

    #[test]
    fn packets_left_out_leave_no_hole() {
        let start = origin();
        let mut out = Outgoing::new(start, 1, 0, 0);
        out.relay(start, &voice(true, 10, 0), 160);
        for number in 11..20 {
            out.leave_out(&packet(Kind::Event, false, number, 160));
        }
        let stamp = out.relay(after(start, 200), &voice(false, 20, 1600), 160);
        assert_eq!((stamp.sequence, stamp.timestamp), (1, 1600));
    }

    #[test]
    fn a_key_keeps_its_time_and_the_voice_goes_on_after_it() {
        let start = origin();
        let mut out = Outgoing::new(start, 1, 0, 0);
        out.relay(start, &voice(true, 10, 0), 160);
        let reports: Vec<_> = (0..5)
            .map(|report| {
                out.relay(
                    after(start, 20 + report * 20),
                    &packet(Kind::Event, false, 11 + report as u16, 160),
                    0,
                )
            })
            .collect();
        assert!(reports.iter().all(|stamp| stamp.timestamp == 160));
        assert_eq!(reports[4].sequence, 5);
        let prompt = out.own(after(start, 120), true, 160);
        assert_eq!((prompt.sequence, prompt.timestamp), (6, 160 + 800));
    }

    #[test]
    fn a_stopped_thread_does_not_put_the_prompt_behind_the_clock() {
        let start = origin();
        let mut out = Outgoing::new(start, 1, 0, 0);
        out.own(start, true, 160);
        let late = out.own(after(start, 3000), false, 160);
        assert_eq!((late.timestamp, late.marker), (24_000, true));
    }
}
