use super::reading::{Block, Told};
use super::writing::{NAME, Sent, Writer};
use crate::model::Dice;
use std::time::{Duration, Instant};

/// From one report to the next, on average: the least that RFC 3550 §6.2 allows, which is what two parties come to.
/// With two there is nothing to reconsider (§6.3), so each pause is only drawn between half of it and one and a half.
const EVERY: Duration = Duration::from_secs(5);
/// Sender reports whose answers are still believed.
const REMEMBERED: usize = 4;
/// A round trip beyond this is none.
const LONGEST_TRIP: Duration = Duration::from_secs(30);

/// The reports of one leg, both ways.
#[derive(Debug)]
pub(in crate::media) struct Reports {
    born: Instant,
    name: [u8; NAME],
    chance: u64,
    due: Option<Instant>,
    /// Packets of ours when the last report left.
    sent_before: u64,
    /// What had been expected and received of the peer's run by the last report, and which run that was.
    before: Heard,
    /// The time in the peer's last sender report, and when that came.
    theirs: Option<(u32, Instant)>,
    /// The times in our last sender reports.
    asked: [u32; REMEMBERED],
    trips: u32,
    trips_together: Duration,
    /// The newest word of the peer on our stream.
    there: Option<Block>,
}

/// What the box has received of the peer's present run of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Heard {
    /// Counts the runs; a new one begins its figures anew.
    pub(in crate::media) run: u32,
    /// The source.
    pub(in crate::media) ssrc: u32,
    /// The highest number, with its cycles.
    pub(in crate::media) highest: u32,
    /// Packets from the first number to the highest.
    pub(in crate::media) expected: u64,
    /// Packets that came, each once.
    pub(in crate::media) received: u64,
    /// Interarrival jitter in units of the time stamp.
    pub(in crate::media) jitter: u32,
}

/// What the box has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Own {
    /// Our source.
    pub(in crate::media) ssrc: u32,
    /// The time stamp of now.
    pub(in crate::media) timestamp: u32,
    /// Packets so far.
    pub(in crate::media) packets: u64,
    /// Bytes of payload so far.
    pub(in crate::media) octets: u64,
}

impl Reports {
    /// Reports of a leg, under a name nobody can follow from call to call (RFC 7022 §4.2).
    pub(in crate::media) fn new(now: Instant, dice: &mut Dice) -> Self {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let name = dice
            .bytes::<NAME>()
            .map(|byte| letters.get(usize::from(byte & 63)).copied().unwrap_or(b'A'));
        Self {
            born: now,
            name,
            chance: dice.number() | 1,
            due: None,
            sent_before: 0,
            before: Heard::default(),
            theirs: None,
            asked: [0; REMEMBERED],
            trips: 0,
            trips_together: Duration::ZERO,
            there: None,
        }
    }

    /// The peer is known: the first report comes after half a pause.
    pub(in crate::media) fn start(&mut self, now: Instant) {
        if self.due.is_none() {
            self.due = Some(now + self.pause() / 2);
        }
    }

    /// Whether a report is due.
    pub(in crate::media) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Writes the report that is due; `None` when the buffer is too small for it.
    pub(in crate::media) fn write(
        &mut self,
        now: Instant,
        own: Own,
        heard: Option<Heard>,
        goodbye: bool,
        writer: &mut Writer<'_>,
    ) -> Option<()> {
        self.due = Some(now + self.pause());
        let speaks = own.packets > self.sent_before;
        self.sent_before = own.packets;
        let at = self.time(now);
        let sent = speaks.then_some(Sent {
            at,
            timestamp: own.timestamp,
            packets: own.packets as u32,
            octets: own.octets as u32,
        });
        let block = heard.map(|heard| self.block(now, heard));
        writer.report(own.ssrc, sent, block)?;
        writer.description(own.ssrc, &self.name)?;
        if goodbye {
            writer.goodbye(own.ssrc)?;
        }
        if speaks {
            self.asked.rotate_right(1);
            self.asked[0] = middle(at);
        }
        Some(())
    }

    /// Takes a report of the peer.
    pub(in crate::media) fn hear(&mut self, now: Instant, told: &Told) {
        if let Some(sent_at) = told.sent_at {
            self.theirs = Some((sent_at, now));
        }
        let Some(block) = told.block else { return };
        self.there = Some(block);
        if block.last_report == 0 || !self.asked.contains(&block.last_report) {
            return;
        }
        let gone = middle(self.time(now))
            .wrapping_sub(block.last_report)
            .wrapping_sub(block.since_report)
            .cast_signed();
        // The peer rounds; a trip of less than nothing is one of nothing.
        let trip = Duration::from_micros(u64::from(gone.max(0).unsigned_abs()) * 1_000_000 / 65_536);
        if trip <= LONGEST_TRIP {
            self.trips += 1;
            self.trips_together += trip;
        }
    }

    /// The mean of the round trips measured so far.
    pub(in crate::media) fn round_trip(&self) -> Option<Duration> {
        (self.trips > 0).then(|| self.trips_together / self.trips)
    }

    /// What the peer said last of our stream.
    pub(in crate::media) fn there(&self) -> Option<Block> {
        self.there
    }

    /// RFC 3550 §6.4.1 and appendix A.3.
    fn block(&mut self, now: Instant, heard: Heard) -> Block {
        let before = if heard.run == self.before.run {
            self.before
        } else {
            Heard::default()
        };
        self.before = heard;
        let expected = heard.expected.saturating_sub(before.expected);
        let received = heard.received.saturating_sub(before.received);
        let fraction = expected.saturating_sub(received) * 256 / expected.max(1);
        let lost = heard.expected.saturating_sub(heard.received).min(0x007f_ffff);
        let (last_report, since) = match self.theirs {
            Some((sent_at, came)) => (sent_at, now.saturating_duration_since(came)),
            None => (0, Duration::ZERO),
        };
        Block {
            ssrc: heard.ssrc,
            fraction: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest: heard.highest,
            jitter: heard.jitter,
            last_report,
            since_report: u32::try_from(since.as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX),
        }
    }

    /// Time as reports name it: since the leg began, which RFC 3550 §6.4.1 allows to whoever cannot believe his wall
    /// clock. It begins at one second, because 0 means "none".
    fn time(&self, now: Instant) -> u64 {
        let gone = now.saturating_duration_since(self.born) + Duration::from_secs(1);
        let fraction = (u64::from(gone.subsec_nanos()) << 32) / 1_000_000_000;
        gone.as_secs() << 32 | fraction
    }

    fn pause(&mut self) -> Duration {
        // xorshift64: where this lands between half and one and a half is all that hangs on it.
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let millis = EVERY.as_millis() as u64;
        Duration::from_millis(millis / 2 + self.chance % (millis + 1))
    }
}

/// The middle 32 bits of a time: 65536ths of a second.
fn middle(time: u64) -> u32 {
    (time >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::super::reading::read;
    use super::*;
    use crate::media::clock::origin;

    fn own(packets: u64) -> Own {
        Own {
            ssrc: 1,
            timestamp: packets as u32 * 160,
            packets,
            octets: packets * 160,
        }
    }

    fn heard(run: u32, expected: u64, received: u64) -> Heard {
        Heard {
            run,
            ssrc: 2,
            highest: 65_536 + expected as u32,
            expected,
            received,
            jitter: 16,
        }
    }

    fn write(reports: &mut Reports, now: Instant, own: Own, heard: Option<Heard>) -> Vec<u8> {
        let mut buffer = [0; 200];
        let mut writer = Writer::new(&mut buffer);
        reports.write(now, own, heard, false, &mut writer).unwrap();
        let length = writer.length();
        buffer[..length].to_vec()
    }

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    /// RFC 3550 §6.2.
    #[test]
    fn reports_come_every_five_seconds_more_or_less_and_the_first_earlier() {
        let start = origin();
        let mut reports = Reports::new(start, &mut Dice::from_number(3));
        assert!(!reports.is_due(after(start, 100_000)), "nobody to report to");
        reports.start(start);
        let (mut now, mut last, mut count) = (start, start, 0);
        while now < after(start, 1_000_000) {
            now += Duration::from_millis(10);
            if reports.is_due(now) {
                write(&mut reports, now, own(0), None);
                let pause = now - last;
                let (least, most) = if count == 0 { (1250, 3760) } else { (2500, 7510) };
                assert!((least..=most).contains(&pause.as_millis()), "{pause:?}");
                (last, count) = (now, count + 1);
            }
        }
        assert!((180..=220).contains(&count), "{count} in 1000 s");
    }

    #[test]
    fn the_round_trip_is_what_the_answer_took_without_the_others_pause() {
        let start = origin();
        let (mut a, mut b) = (
            Reports::new(start, &mut Dice::from_number(1)),
            Reports::new(start, &mut Dice::from_number(2)),
        );
        // 30 ms there, 900 ms until b reports, 50 ms back.
        let asked = write(&mut a, after(start, 5000), own(100), None);
        b.hear(after(start, 5030), &read(&asked, 9).unwrap());
        let about_a = Heard {
            ssrc: 1,
            ..heard(1, 100, 100)
        };
        let answer = write(&mut b, after(start, 5930), own(5), Some(about_a));
        a.hear(after(start, 5980), &read(&answer, 1).unwrap());
        let trip = a.round_trip().unwrap();
        assert!((79..=81).contains(&trip.as_millis()), "{trip:?}");
        assert_eq!(b.round_trip(), None, "nobody answered b");
    }

    #[test]
    fn an_answer_to_a_report_that_was_never_sent_measures_nothing() {
        let start = origin();
        let mut reports = Reports::new(start, &mut Dice::from_number(1));
        write(&mut reports, after(start, 5000), own(100), None);
        let block = Block {
            ssrc: 1,
            fraction: 0,
            lost: 0,
            highest: 0,
            jitter: 0,
            last_report: 0x0005_ffff,
            since_report: 0,
        };
        for last_report in [0, 0x0005_ffff, u32::MAX] {
            let told = Told {
                block: Some(Block { last_report, ..block }),
                ..Told::default()
            };
            reports.hear(after(start, 6000), &told);
        }
        assert_eq!(reports.round_trip(), None);
    }

    /// RFC 3550 appendix A.3.
    #[test]
    fn the_fraction_is_of_the_last_pause_and_the_sum_of_the_whole_run() {
        let start = origin();
        let mut reports = Reports::new(start, &mut Dice::from_number(1));
        let mut say = |millis, heard| {
            let bytes = write(&mut reports, after(start, millis), own(0), Some(heard));
            let block = read(&bytes, 2).unwrap().block.unwrap();
            (block.fraction, block.lost)
        };
        assert_eq!(say(5000, heard(1, 200, 150)), (64, 50));
        assert_eq!(say(10_000, heard(1, 400, 350)), (0, 50));
        assert_eq!(say(15_000, heard(1, 600, 450)), (128, 150));
        // The source began anew: so do its figures.
        assert_eq!(say(20_000, heard(2, 100, 75)), (64, 25));
    }

    #[test]
    fn whoever_sent_nothing_since_the_last_report_is_a_receiver() {
        let start = origin();
        let mut reports = Reports::new(start, &mut Dice::from_number(1));
        assert_eq!(write(&mut reports, after(start, 1), own(9), None)[1], 200);
        assert_eq!(write(&mut reports, after(start, 2), own(9), None)[1], 201);
        assert_eq!(write(&mut reports, after(start, 3), own(10), None)[1], 200);
    }
}
