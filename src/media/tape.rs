use super::clock::samples_between;
use super::g711;
use super::hearing::Hearing;
use super::packet::Packet;
use super::pause::Pause;
use crate::model::{Codec, RecordingId};
use std::ops::Range;
use std::time::{Duration, Instant};

/// Samples the window holds, for each channel: what waits, what comes, and a little ahead.
const WINDOW: usize = 8192;
/// Samples a second of the file.
const RATE: u32 = 8000;
/// The longest packet, in samples: 120 ms.
const LONGEST: usize = 960;
/// How long audio waits for packets that come late: 300 ms.
const HOLD_BACK: i64 = 2400;
/// Samples that are handed on at once, at least: 250 ms.
const CHUNK: i64 = 2000;
/// Samples of silence put back at once for audio that was lost on the way to the recorder: four seconds.
const MOST_OWED: u64 = 32_000;
/// A packet this far from its place (60 ms) is astray …
const ASTRAY: i64 = 480;
/// … and when all packets are astray for so long, it is the place that is wrong.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long the earliest packet is looked for …
const WATCH: Duration = Duration::from_secs(2);
/// … and how far it may be from its place, 7.5 ms, before the place is moved: the phone's clock drifts.
const DRIFT: i64 = 60;

/// Lays what one or two legs send on one line of time at 8000 samples a second, as a file has it.
///
/// A packet's place follows from its time stamp, so that jitter and loss do not move it; the stamp is tied to the
/// clock of the box at the first packet, again after every jump, and little by little when the phone's clock
/// drifts. Where nothing came there is silence. So both channels stay in step with each other and with the clock.
#[derive(Debug)]
pub struct Tape {
    id: RecordingId,
    codec: Codec,
    channels: usize,
    began: Instant,
    /// Samples handed on so far, dropped ones included; the window begins here.
    taken: u64,
    owed: u64,
    /// A ring, interleaved: sample `n` of channel `c` lies at `n % WINDOW * channels + c`.
    window: Box<[u8]>,
    tracks: [Track; 2],
    misplaced: u64,
    pause: Pause,
}

/// Where the packets of one leg belong.
#[derive(Debug, Default)]
struct Track {
    tie: Option<Tie>,
    astray_since: Option<Instant>,
    /// For codecs that are not G.711.
    hearing: Hearing,
}

/// A time stamp and its sample on the tape, with the watch over the phone's drift.
#[derive(Debug, Clone, Copy)]
struct Tie {
    timestamp: u32,
    sample: i64,
    /// The least lateness seen since the watch began.
    earliest: i64,
    watched_since: Instant,
}

impl Tape {
    /// A tape that begins now, with one channel or two, in a law of G.711. What comes in another codec is decoded for
    /// it.
    pub fn new(now: Instant, id: RecordingId, codec: Codec, channels: u8) -> Self {
        let channels = usize::from(channels.clamp(1, 2));
        let codec = Some(codec).filter(|codec| codec.is_g711()).unwrap_or(Codec::Pcmu);
        Self {
            id,
            codec,
            channels,
            began: now,
            taken: 0,
            owed: 0,
            window: vec![codec.silence(); WINDOW * channels].into(),
            tracks: <[Track; 2]>::default(),
            misplaced: 0,
            pause: Pause::default(),
        }
    }

    /// Which recording it is.
    pub fn id(&self) -> RecordingId {
        self.id
    }

    /// From now on silence is laid on both channels in place of what is said, and what was laid ahead of now goes.
    pub fn pause(&mut self, now: Instant) {
        let here = samples_between(self.began, now);
        self.pause.begin(here);
        let start = self.taken.cast_signed();
        for place in here.max(start)..start + WINDOW as i64 {
            let first = place.rem_euclid(WINDOW as i64) as usize * self.channels;
            if let Some(sample) = self.window.get_mut(first..first + self.channels) {
                sample.fill(self.codec.silence());
            }
        }
    }

    /// Voices are laid again from now on; a packet that was said before and comes late is not.
    pub fn resume(&mut self, now: Instant) {
        self.pause.end(samples_between(self.began, now));
    }

    /// Packets that came too late or too early for the window.
    pub fn misplaced(&self) -> u64 {
        self.misplaced
    }

    /// Puts the voice of a packet in its place; `channel` 0 is left, 1 right.
    pub fn put(&mut self, now: Instant, channel: usize, packet: &Packet, buffer: &[u8]) {
        let Some(codec) = packet.kind.codec() else {
            if packet.begins {
                self.change_leg(channel);
            }
            return;
        };
        let here = samples_between(self.began, now);
        let Some(track) = self.tracks.get_mut(channel).filter(|_| channel < self.channels) else {
            return;
        };
        let place = track.place(now, here, packet, codec.clock_rate());
        let mut law = [0; LONGEST];
        let (audio, table) = if codec.is_g711() {
            (packet.payload(buffer), g711::transcoder(codec, self.codec))
        } else {
            let samples = track.hearing.hear(codec, RATE, packet.payload(buffer));
            for (byte, sample) in law.iter_mut().zip(samples) {
                *byte = g711::encode(self.codec, *sample);
            }
            (law.get(..samples.len()).unwrap_or_default(), None)
        };
        let Some(unheard) = self.pause.hides(place, audio.len()) else {
            return;
        };
        let (place, audio) = (place + unheard as i64, audio.get(unheard..).unwrap_or_default());
        let start = self.taken.cast_signed();
        let fits = within(place..place + audio.len() as i64, start..start + WINDOW as i64);
        let fitting = audio.get(fits.clone()).unwrap_or_default();
        if fitting.len() < audio.len() {
            self.misplaced += 1;
        }
        let first = (place + fits.start as i64).rem_euclid(WINDOW as i64) as usize;
        self.write(channel, first, fitting, table);
    }

    /// Writes into the ring from its sample `first` on, and from its start when it comes to the end.
    fn write(&mut self, channel: usize, first: usize, audio: &[u8], table: Option<&[u8; 256]>) {
        let (front, wrapped) = audio.split_at(audio.len().min(WINDOW - first));
        for (from, part) in [(first, front), (0, wrapped)] {
            let slots = self
                .window
                .iter_mut()
                .skip(from * self.channels + channel)
                .step_by(self.channels);
            for (slot, byte) in slots.zip(part) {
                *slot = table.map_or(*byte, |table| table[usize::from(*byte)]);
            }
        }
    }

    /// The next packet on this channel does not continue those before it: another leg, or new numbers.
    pub fn change_leg(&mut self, channel: usize) {
        if let Some(track) = self.tracks.get_mut(channel) {
            *track = Track::default();
        }
    }

    /// Appends what is complete to `audio`, interleaved; false when there is no more worth a message. Ask until then.
    pub fn take(&mut self, now: Instant, audio: &mut Vec<u8>) -> bool {
        let ready = samples_between(self.began, now) - HOLD_BACK - self.taken.cast_signed();
        if ready < CHUNK {
            return false;
        }
        self.hand_on(ready, audio);
        true
    }

    /// Like [`Tape::take`], for the end: all that is left up to now.
    pub fn take_last(&mut self, now: Instant, audio: &mut Vec<u8>) -> bool {
        let left = samples_between(self.began, now) - self.taken.cast_signed();
        if left <= 0 && self.owed == 0 {
            return false;
        }
        self.hand_on(left.max(0), audio);
        true
    }

    /// What was taken last did not reach the recorder. Silence of its length follows, so that the tape stays in step.
    pub fn not_delivered(&mut self, audio: &[u8]) {
        self.owed += (audio.len() / self.channels) as u64;
    }

    /// What is owed goes before what is new, in bites that the recorder can swallow.
    fn hand_on(&mut self, samples: i64, audio: &mut Vec<u8>) {
        let owed = self.owed.min(MOST_OWED);
        self.owed -= owed;
        audio.resize(audio.len() + owed as usize * self.channels, self.codec.silence());
        if self.owed == 0 {
            self.empty_window(samples, audio);
        }
    }

    fn empty_window(&mut self, samples: i64, audio: &mut Vec<u8>) {
        let kept = samples.min(WINDOW as i64) as usize;
        let start = (self.taken % WINDOW as u64) as usize;
        for part in [
            start..(start + kept).min(WINDOW),
            0..(start + kept).saturating_sub(WINDOW),
        ] {
            let part = part.start * self.channels..part.end * self.channels;
            if let Some(part) = self.window.get_mut(part) {
                audio.extend_from_slice(part);
                part.fill(self.codec.silence());
            }
        }
        // A thread that was stopped for longer than the window owes the rest.
        self.taken += samples.unsigned_abs();
        self.owed += samples.unsigned_abs() - kept as u64;
    }
}

/// Which part of a packet that covers `place` lies within the window.
fn within(place: Range<i64>, window: Range<i64>) -> Range<usize> {
    let length = place.end - place.start;
    let first = (window.start - place.start).clamp(0, length);
    let last = (window.end - place.start).clamp(first, length);
    first as usize..last as usize
}

impl Track {
    /// The sample where a packet that arrives at sample `here` begins.
    fn place(&mut self, now: Instant, here: i64, packet: &Packet, clock: u32) -> i64 {
        let timestamp = packet.timestamp();
        let Some(tie) = self.tie.as_mut().filter(|_| !packet.begins) else {
            return self.tie_to(now, here, timestamp);
        };
        let ahead = timestamp.wrapping_sub(tie.timestamp).cast_signed();
        let place = tie.sample + i64::from(ahead) * i64::from(RATE) / i64::from(clock);
        let late = here - place;
        if late.abs() > ASTRAY {
            let since = *self.astray_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= PATIENCE {
                return self.tie_to(now, here, timestamp);
            }
            return place;
        }
        self.astray_since = None;
        if ahead > 0 {
            tie.timestamp = timestamp;
            tie.sample = place;
        }
        tie.follow_drift(now, late);
        place
    }

    fn tie_to(&mut self, now: Instant, here: i64, timestamp: u32) -> i64 {
        self.astray_since = None;
        self.tie = Some(Tie {
            timestamp,
            sample: here,
            earliest: i64::MAX,
            watched_since: now,
        });
        here
    }
}

impl Tie {
    /// Jitter only ever delays, so the earliest packets of a while show where the phone's clock stands.
    fn follow_drift(&mut self, now: Instant, late: i64) {
        self.earliest = self.earliest.min(late);
        if now.saturating_duration_since(self.watched_since) < WATCH {
            return;
        }
        if self.earliest.abs() > DRIFT {
            self.sample += self.earliest;
        }
        self.earliest = i64::MAX;
        self.watched_since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;
    use crate::media::packet::{Header, Kind};
    use crate::model::Dice;

    const SPOKEN: u8 = 0x21;

    fn recording() -> RecordingId {
        RecordingId(uuid::Uuid::nil())
    }

    fn packet(codec: Codec, begins: bool, timestamp: u32) -> Packet {
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: 0,
            timestamp,
            ssrc: 1,
            start: 12,
            end: 172,
        };
        Packet {
            kind: Kind::Audio(codec),
            begins,
            ticks: 160,
            header,
        }
    }

    fn buffer(byte: u8) -> [u8; 172] {
        [byte; 172]
    }

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    /// The samples at which something is heard on a channel.
    fn heard(audio: &[u8], channels: usize, channel: usize) -> Vec<usize> {
        let samples = audio.chunks(channels).map(|sample| sample[channel]);
        samples
            .enumerate()
            .filter(|(_, byte)| *byte == SPOKEN)
            .map(|(place, _)| place)
            .collect()
    }

    #[test]
    fn packets_lie_where_their_stamps_say_and_silence_where_nothing_came() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 2);
        // 100 ms after the start; then one lost; the last two swapped on their way.
        for (millis, timestamp) in [(100, 0), (120, 160), (165, 640), (170, 480)] {
            tape.put(
                after(start, millis),
                0,
                &packet(Codec::Pcmu, millis == 100, timestamp),
                &buffer(SPOKEN),
            );
        }
        tape.put(
            after(start, 130),
            1,
            &packet(Codec::Pcmu, true, 99_999),
            &buffer(SPOKEN),
        );
        let audio = rest(&mut tape, after(start, 300), Vec::new());
        assert_eq!(audio.len(), 2 * 2400);
        let left: Vec<_> = (800..1120).chain(1280..1600).collect();
        assert_eq!(heard(&audio, 2, 0), left);
        assert_eq!(heard(&audio, 2, 1), (1040..1200).collect::<Vec<_>>());
        assert!(
            audio
                .iter()
                .all(|byte| *byte == SPOKEN || *byte == Codec::Pcmu.silence())
        );
    }

    #[test]
    fn audio_is_handed_on_in_quarter_seconds_and_waits_for_late_packets() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 1);
        let mut audio = Vec::new();
        assert!(!tape.take(after(start, 549), &mut audio));
        tape.put(
            after(start, 20),
            0,
            &packet(Codec::Pcmu, true, 0),
            &buffer(SPOKEN),
        );
        // 280 ms late, and still in time; the next is punctual.
        tape.put(
            after(start, 320),
            0,
            &packet(Codec::Pcmu, false, 160),
            &buffer(SPOKEN),
        );
        tape.put(
            after(start, 340),
            0,
            &packet(Codec::Pcmu, false, 2560),
            &buffer(SPOKEN),
        );
        assert!(tape.take(after(start, 550), &mut audio));
        assert_eq!(audio.len(), 2000);
        assert_eq!(heard(&audio, 1, 0), (160..480).collect::<Vec<_>>());
        assert!(!tape.take(after(start, 700), &mut audio));
        assert_eq!(tape.misplaced(), 0);
        // This one is too late for its place.
        tape.put(
            after(start, 720),
            0,
            &packet(Codec::Pcmu, false, 320),
            &buffer(SPOKEN),
        );
        assert_eq!(tape.misplaced(), 1);
    }

    #[test]
    fn another_law_is_changed_to_the_files() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcma, 1);
        tape.put(start, 0, &packet(Codec::Pcmu, true, 0), &buffer(0xce));
        let audio = rest(&mut tape, after(start, 40), Vec::new());
        assert_eq!(
            (audio[0], audio[319]),
            (g711::pcma_from_linear(g711::linear(Codec::Pcmu, 0xce)), 0xd5)
        );
    }

    #[test]
    fn audio_lost_on_the_way_to_the_recorder_becomes_silence_of_its_length() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 2);
        let mut audio = Vec::new();
        assert!(tape.take(after(start, 1000), &mut audio));
        tape.not_delivered(&audio);
        audio.clear();
        assert!(tape.take(after(start, 2000), &mut audio));
        assert_eq!(audio.len(), 2 * (16_000 - 2400));
        assert!(audio.iter().all(|byte| *byte == Codec::Pcmu.silence()));
    }

    #[test]
    fn a_recorder_that_was_away_for_a_minute_gets_the_minute_as_silence_in_bites() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 1);
        let mut audio = Vec::new();
        for second in 1..=60 {
            audio.clear();
            assert!(tape.take(after(start, second * 1000), &mut audio));
            tape.not_delivered(&audio);
        }
        let (mut whole, mut most) = (0, 0);
        loop {
            audio.clear();
            if !tape.take_last(after(start, 61_000), &mut audio) {
                break;
            }
            whole += audio.len();
            most = most.max(audio.len());
        }
        assert_eq!(whole, 61 * 8000);
        assert!(most <= MOST_OWED as usize + WINDOW);
    }

    #[test]
    fn a_thread_that_was_stopped_does_not_shorten_the_tape() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 1);
        let mut audio = Vec::new();
        tape.take(after(start, 5000), &mut audio);
        tape.put(
            after(start, 5000),
            0,
            &packet(Codec::Pcmu, true, 0),
            &buffer(SPOKEN),
        );
        while tape.take(after(start, 6000), &mut audio) {}
        assert_eq!(audio.len(), 48_000 - 2400);
        assert_eq!(heard(&audio, 1, 0), (40_000..40_160).collect::<Vec<_>>());
    }

    #[test]
    fn a_jump_or_another_source_is_tied_to_the_clock_at_once() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 1);
        tape.put(
            after(start, 0),
            0,
            &packet(Codec::Pcmu, true, 1_000_000),
            &buffer(SPOKEN),
        );
        tape.put(
            after(start, 20),
            0,
            &packet(Codec::Pcmu, true, 77),
            &buffer(SPOKEN),
        );
        tape.put(
            after(start, 40),
            0,
            &packet(Codec::Pcmu, false, 237),
            &buffer(SPOKEN),
        );
        let audio = rest(&mut tape, after(start, 100), Vec::new());
        assert_eq!(heard(&audio, 1, 0), (0..480).collect::<Vec<_>>());
    }

    #[test]
    fn a_phone_whose_clock_stood_still_is_back_in_step_after_a_fifth_of_a_second() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 1);
        let mut audio = Vec::new();
        for number in 0..500u64 {
            let pause = if number < 100 { 0 } else { 10_000 };
            let now = after(start, number * 20 + pause);
            tape.take(now, &mut audio);
            tape.put(
                now,
                0,
                &packet(Codec::Pcmu, number == 0, number as u32 * 160),
                &buffer(SPOKEN),
            );
        }
        let audio = rest(&mut tape, after(start, 20_000), audio);
        assert_eq!(audio.len(), 160_000);
        let resumed = heard(&audio, 1, 0)
            .into_iter()
            .find(|place| *place > 20_000)
            .unwrap();
        assert_eq!(resumed, 12_200 * 8);
    }

    /// All that a tape still holds, behind what it gave already.
    /// A wideband phone beside one with G.711: both are heard in the file where they were said.
    #[test]
    fn wideband_is_decoded_for_the_file_and_stays_in_step() {
        use crate::media::Mouth;
        use crate::media::codec::testing::{sine, strength};
        for codec in [Codec::G722, Codec::Opus] {
            let start = origin();
            let mut tape = Tape::new(start, recording(), codec, 2);
            let mut mouth = Mouth::new(codec, 16_000);
            let mut buffer = [0; 600];
            let mut audio = Vec::new();
            for (number, frame) in sine(16_000, 1000.0, 8000.0, 32_000).chunks(320).enumerate() {
                let now = after(start, 500 + number as u64 * 20 + number as u64 % 3 * 9);
                let length = mouth.speak(frame, &mut buffer[12..]);
                // One in ten is lost.
                if number % 10 != 4 {
                    let mut packet = packet(codec, number == 0, number as u32 * codec.clock_rate() / 50);
                    packet.header.end = 12 + length;
                    tape.put(now, 0, &packet, &buffer);
                }
                if number % 10 == 0 {
                    tape.take(now, &mut audio);
                }
            }
            let audio = rest(&mut tape, after(start, 3000), audio);
            assert_eq!(audio.len(), 2 * 24_000, "{codec}");
            let left: Vec<i16> = audio
                .chunks(2)
                .map(|pair| g711::linear(Codec::Pcmu, pair[0]))
                .collect();
            assert!(
                left[..3990].iter().all(|sample| *sample == 0),
                "{codec}: nothing before it spoke"
            );
            assert!(
                left[20_200..].iter().all(|sample| *sample == 0),
                "{codec}: nothing after"
            );
            // A second in which a tenth is silence.
            let found = strength(&left[8000..16_000], 8000, 1000.0);
            assert!((5500.0..8500.0).contains(&found), "{codec}: {found}");
            assert!(
                left[4650..4790].iter().all(|sample| sample.unsigned_abs() < 9),
                "{codec}: what was lost is silent"
            );
            assert!(audio.chunks(2).all(|pair| pair[1] == 0xff));
        }
    }

    fn rest(tape: &mut Tape, now: Instant, mut audio: Vec<u8>) -> Vec<u8> {
        while tape.take_last(now, &mut audio) {}
        audio
    }

    /// A phone with a clock of its own: says one loud packet each second of its time, over a bad network.
    struct Phone {
        ppm: f64,
        sent: u64,
        dice: Dice,
        arrivals: Vec<(u64, u64)>,
    }

    impl Phone {
        /// Microseconds of true time at which its packet leaves.
        fn leaves(&self, number: u64) -> u64 {
            (number as f64 * 20_000.0 / (1.0 + self.ppm * 1e-6)) as u64
        }

        /// The packets that arrive up to `until`, in order of arrival.
        fn arrive(&mut self, until: u64) -> Vec<(u64, u64)> {
            while self.leaves(self.sent) <= until {
                let lost = self.dice.roll(100) < 3;
                let delay = 5_000 + self.dice.roll(30_000);
                if !lost {
                    self.arrivals.push((self.leaves(self.sent) + delay, self.sent));
                }
                self.sent += 1;
            }
            self.arrivals.sort_unstable();
            let due = self.arrivals.partition_point(|(at, _)| *at <= until);
            self.arrivals.drain(..due).collect()
        }
    }

    #[test]
    fn both_channels_stay_in_step_for_an_hour_with_drift_loss_and_jitter() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), Codec::Pcmu, 2);
        let mut phones = [200.0, -200.0].map(|ppm| Phone {
            ppm,
            sent: 0,
            dice: Dice::from_number(ppm.abs() as u64),
            arrivals: Vec::new(),
        });
        let mut audio = Vec::new();
        let mut said = [Vec::new(), Vec::new()];
        let hour = 3_600_000_000u64;
        for tick in (0..hour).step_by(10_000) {
            for (channel, phone) in phones.iter_mut().enumerate() {
                for (at, number) in phone.arrive(tick) {
                    let spoken = if number % 50 == 1 {
                        SPOKEN
                    } else {
                        Codec::Pcmu.silence()
                    };
                    if spoken == SPOKEN {
                        said[channel].push(phone.leaves(number) as f64 / 1000.0);
                    }
                    let packet = packet(Codec::Pcmu, number == 0, (number * 160) as u32);
                    tape.put(
                        start + Duration::from_micros(at),
                        channel,
                        &packet,
                        &buffer(spoken),
                    );
                }
            }
            tape.take(start + Duration::from_micros(tick), &mut audio);
        }
        let audio = rest(&mut tape, start + Duration::from_micros(hour), audio);
        assert_eq!(audio.len(), 2 * 3600 * 8000);
        for (channel, said) in said.iter_mut().enumerate() {
            let places = heard(&audio, 2, channel);
            let begins: Vec<_> = places
                .iter()
                .enumerate()
                .filter(|(place, sample)| *place == 0 || places[place - 1] + 1000 < **sample)
                .map(|(_, sample)| *sample as f64 / 8.0)
                .collect();
            said.sort_by(f64::total_cmp);
            assert_eq!(begins.len(), said.len());
            // Every packet takes 5 ms at least. After the first seconds all lie within the play of the drift watch.
            for (begin, said) in begins.iter().zip(said.iter()).skip(4) {
                let late = begin - said - 5.0;
                assert!(late.abs() < 9.0, "channel {channel} at {said} ms: {late} ms");
            }
        }
    }
}
