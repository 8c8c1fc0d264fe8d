use super::pause::Pause;
use super::reel::{Reel, Said};
use crate::media::clock::ticks_between;
use crate::media::rtp::Packet;
use crate::media::voice::Hearing;
use crate::model::{RecordingId, TapeFormat};
use std::ops::Range;
use std::time::{Duration, Instant};

/// How long audio waits for packets that come late, in ms.
const HOLD_BACK_MS: i64 = 300;
/// How much is handed on at once, at least, in ms.
const CHUNK_MS: i64 = 250;
/// How much silence is put back at once for audio that was lost on the way to the recorder, in ms.
const MOST_OWED_MS: u64 = 4000;
/// A packet this far from its place, in ms, is astray …
const ASTRAY_MS: i64 = 60;
/// … and when all packets are astray for so long, it is the place that is wrong.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long the earliest packet is looked for …
const WATCH: Duration = Duration::from_secs(2);
/// … and how far it may be from its place, in µs, before the place is moved: the phone's clock drifts.
const DRIFT_MICROS: i64 = 7500;
/// For so long after a tie what was laid is still here, and moves along when an earlier packet shows that the first one
/// was late. With the most it moves it stays within what is held back.
const SETTLES: Duration = Duration::from_millis(240);
/// The most it moves, in ms.
const MOST_MOVED_MS: i64 = 60;
/// Whoever said nothing for so long may have drifted meanwhile: the next packet is tied anew.
const SILENT: Duration = Duration::from_secs(2);

/// Lays what one or two legs send on one line of time, as a file has it.
///
/// A packet's place follows from its time stamp, so that jitter and loss do not move it; the stamp is tied to the
/// clock of the box at the first packet, again after every jump, and little by little when the phone's clock
/// drifts. Where nothing came there is silence. So both channels stay in step with each other and with the clock.
///
/// Guests, whom both sides hear, share the last channel with the leg that has it: left is the caller, right all others.
#[derive(Debug)]
pub struct Tape {
    id: RecordingId,
    channels: usize,
    began: Instant,
    /// Samples handed on so far, dropped ones included; the reel begins here.
    taken: u64,
    owed: u64,
    reel: Reel,
    tracks: [Track; 2],
    /// Those who share the last channel, each by the number it was welcomed with.
    guests: Vec<(usize, Track)>,
    /// The last channel has had guests: voices there are added up.
    is_shared: bool,
    misplaced: u64,
    pause: Pause,
}

/// Where the packets of one leg belong.
#[derive(Debug, Default)]
struct Track {
    tie: Option<Tie>,
    astray_since: Option<Instant>,
    /// Everything of this leg that was laid lies before this sample.
    end: i64,
    /// For what has to be decoded.
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
    /// When the first packet came, where it lies, and where what was laid before it ends.
    since: Instant,
    first: i64,
    before: i64,
    heard_at: Instant,
}

/// Where a packet belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    sample: i64,
    /// What was laid on this channel belongs so many samples earlier too.
    moved: Option<(Range<i64>, i64)>,
}

/// What a packet meets on the tape: when it comes, and how the samples are counted.
#[derive(Debug, Clone, Copy)]
struct Moment {
    now: Instant,
    /// The sample of this moment.
    here: i64,
    /// Samples a second of the tape.
    rate: u32,
}

impl Moment {
    fn samples(self, micros: i64) -> i64 {
        micros * i64::from(self.rate) / 1_000_000
    }
}

impl Tape {
    /// A tape that begins now, with one channel or two. What comes in another codec than the file's is decoded for it.
    pub fn new(now: Instant, id: RecordingId, format: TapeFormat, channels: u8) -> Self {
        let channels = usize::from(channels.clamp(1, 2));
        Self {
            id,
            channels,
            began: now,
            taken: 0,
            owed: 0,
            reel: Reel::new(format, channels),
            tracks: <[Track; 2]>::default(),
            guests: Vec::new(),
            is_shared: false,
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
        let here = self.moment(now).here;
        self.pause.begin(here, self.ms(HOLD_BACK_MS));
        let start = self.taken.cast_signed();
        for place in here.max(start)..start + self.reel.length() as i64 {
            self.reel.wipe(place);
        }
    }

    /// Voices are laid again from now on; a packet that was said before and comes late is not.
    pub fn resume(&mut self, now: Instant) {
        self.pause.end(self.moment(now).here);
    }

    /// Packets that came too late or too early for the window.
    pub fn misplaced(&self) -> u64 {
        self.misplaced
    }

    /// Whoever has this number is heard on the last channel from now on, beside the leg that has it.
    pub fn welcome(&mut self, guest: usize) {
        if !self.guests.iter().any(|(known, _)| *known == guest) {
            self.guests.push((guest, Track::default()));
            self.is_shared = true;
        }
    }

    /// A guest is heard no more.
    pub fn dismiss(&mut self, guest: usize) {
        self.guests.retain(|(known, _)| *known != guest);
    }

    /// Puts the voice of a packet in its place; `channel` 0 is left, 1 right.
    pub fn put(&mut self, now: Instant, channel: usize, packet: &Packet, buffer: &[u8]) {
        let Some(track) = self.tracks.get_mut(channel).filter(|_| channel < self.channels) else {
            return;
        };
        // Taken out while it is used, so that the reel may be changed.
        let mut taken = std::mem::take(track);
        self.lay(now, channel, &mut taken, packet, buffer);
        if let Some(track) = self.tracks.get_mut(channel) {
            *track = taken;
        }
    }

    /// Puts the voice of a guest's packet in its place.
    pub fn put_guest(&mut self, now: Instant, guest: usize, packet: &Packet, buffer: &[u8]) {
        let place = self.guests.iter().position(|(known, _)| *known == guest);
        let Some((_, track)) = place.and_then(|place| self.guests.get_mut(place)) else {
            return;
        };
        let mut taken = std::mem::take(track);
        self.lay(now, self.channels - 1, &mut taken, packet, buffer);
        if let Some((_, track)) = place.and_then(|place| self.guests.get_mut(place)) {
            *track = taken;
        }
    }

    fn lay(&mut self, now: Instant, channel: usize, track: &mut Track, packet: &Packet, buffer: &[u8]) {
        let Some(codec) = packet.kind.codec() else {
            if packet.begins {
                *track = Track::default();
            }
            return;
        };
        let Place { sample: place, moved } = track.place(self.moment(now), packet, codec.clock_rate());
        let (format, payload) = (self.reel.format(), packet.payload(buffer));
        let said = if codec.is_g711() && format.law().is_some() {
            Said::Law(codec, payload)
        } else {
            Said::Linear(track.hearing.hear(codec, format.rate_hz(), payload))
        };
        let length = said.length();
        let mixes = self.is_shared && channel + 1 == self.channels;
        track.end = track.end.max(place + length as i64);
        // Where several are heard, what one said cannot be moved alone.
        if let Some((laid, earlier)) = moved.filter(|_| !mixes) {
            let gained = laid.start - earlier..laid.end - earlier;
            let is_here = gained.start >= self.taken.cast_signed()
                && gained.end <= self.taken.cast_signed() + self.reel.length() as i64;
            let length = (laid.end - gained.start).unsigned_abs() as usize;
            if is_here && self.pause.hides(gained.start, length) == Some(0) {
                self.reel.lay_earlier(channel, laid, earlier);
            }
        }
        let Some(unheard) = self.pause.hides(place, length) else {
            return;
        };
        let (place, start) = (place + unheard as i64, self.taken.cast_signed());
        let whole = place..place + length.saturating_sub(unheard) as i64;
        let fits = within(whole.clone(), start..start + self.reel.length() as i64);
        if fits.len() < (whole.end - whole.start) as usize {
            self.misplaced += 1;
        }
        let span = (unheard + fits.start, unheard + fits.end);
        self.reel
            .lay(channel, place + fits.start as i64, span, said, mixes);
    }

    /// The next packet on this channel does not continue those before it: another leg, or new numbers.
    pub fn change_leg(&mut self, channel: usize) {
        if let Some(track) = self.tracks.get_mut(channel) {
            *track = Track {
                end: track.end,
                ..Track::default()
            };
        }
    }

    /// Appends what is complete to `audio`, interleaved; false when there is no more worth a message. Ask until then.
    pub fn take(&mut self, now: Instant, audio: &mut Vec<u8>) -> bool {
        let ready = self.moment(now).here - self.ms(HOLD_BACK_MS) - self.taken.cast_signed();
        if ready < self.ms(CHUNK_MS) {
            return false;
        }
        self.hand_on(ready, audio);
        true
    }

    /// Like [`Tape::take`], for the end: all that is left up to now.
    pub fn take_last(&mut self, now: Instant, audio: &mut Vec<u8>) -> bool {
        let left = self.moment(now).here - self.taken.cast_signed();
        if left <= 0 && self.owed == 0 {
            return false;
        }
        self.hand_on(left.max(0), audio);
        true
    }

    /// How long this audio of the tape lasts, in milliseconds.
    pub fn length_ms(&self, audio: &[u8]) -> u64 {
        (audio.len() / self.reel.frame_bytes()) as u64 * 1000 / u64::from(self.reel.format().rate_hz())
    }

    /// What was taken last did not reach the recorder. Silence of its length follows, so that the tape stays in step.
    pub fn not_delivered(&mut self, audio: &[u8]) {
        self.owed += (audio.len() / self.reel.frame_bytes()) as u64;
    }

    /// What is owed goes before what is new, in bites that the recorder can swallow.
    fn hand_on(&mut self, samples: i64, audio: &mut Vec<u8>) {
        let most = MOST_OWED_MS * u64::from(self.reel.format().rate_hz()) / 1000;
        let owed = self.owed.min(most);
        self.owed -= owed;
        self.reel.hush(owed as usize, audio);
        if self.owed == 0 {
            self.empty_reel(samples, audio);
        }
    }

    fn empty_reel(&mut self, samples: i64, audio: &mut Vec<u8>) {
        let kept = samples.min(self.reel.length() as i64) as usize;
        self.reel.empty(self.taken.cast_signed(), kept, audio);
        // A thread that was stopped for longer than the reel holds owes the rest.
        self.taken += samples.unsigned_abs();
        self.owed += samples.unsigned_abs() - kept as u64;
    }

    fn moment(&self, now: Instant) -> Moment {
        let rate = self.reel.format().rate_hz();
        Moment {
            now,
            here: ticks_between(self.began, now, rate),
            rate,
        }
    }

    /// So many milliseconds in samples.
    fn ms(&self, millis: i64) -> i64 {
        millis * i64::from(self.reel.format().rate_hz() / 1000)
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
    /// Where a packet that arrives at this moment belongs; `clock` is that of its stamps, in Hz.
    fn place(&mut self, moment: Moment, packet: &Packet, clock: u32) -> Place {
        let Moment { now, here, rate } = moment;
        let timestamp = packet.timestamp();
        let goes_on = |tie: &&mut Tie| now.saturating_duration_since(tie.heard_at) < SILENT;
        let Some(tie) = self.tie.as_mut().filter(|_| !packet.begins).filter(goes_on) else {
            return self.tie_to(now, here, timestamp);
        };
        tie.heard_at = now;
        let ahead = timestamp.wrapping_sub(tie.timestamp).cast_signed();
        let mut sample = tie.sample + i64::from(ahead) * i64::from(rate) / i64::from(clock);
        let late = here - sample;
        if late.abs() > moment.samples(ASTRAY_MS * 1000) {
            let since = *self.astray_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= PATIENCE {
                return self.tie_to(now, here, timestamp);
            }
            return Place { sample, moved: None };
        }
        self.astray_since = None;
        let mut moved = None;
        if tie.is_wrong(now, late, moment.samples(DRIFT_MICROS)) {
            moved = tie.settle(now, late, self.end, moment.samples(MOST_MOVED_MS * 1000));
            self.end -= moved.as_ref().map_or(0, |(_, earlier)| *earlier);
            tie.sample += late;
            sample = here;
        }
        if ahead > 0 {
            tie.timestamp = timestamp;
            tie.sample = sample;
        }
        tie.follow_drift(now, here - sample, moment.samples(DRIFT_MICROS));
        Place { sample, moved }
    }

    fn tie_to(&mut self, now: Instant, here: i64, timestamp: u32) -> Place {
        self.astray_since = None;
        self.tie = Some(Tie {
            timestamp,
            sample: here,
            earliest: i64::MAX,
            watched_since: now,
            since: now,
            first: here,
            before: self.end,
            heard_at: now,
        });
        Place {
            sample: here,
            moved: None,
        }
    }
}

impl Tie {
    /// Nothing comes before it was said: a packet that does shows that those the tie is made of were late. A little of
    /// it is left to the watch, once there was one.
    fn is_wrong(&self, now: Instant, late: i64, drift: i64) -> bool {
        let is_new = now.saturating_duration_since(self.since) < WATCH;
        late < -drift || late < 0 && is_new
    }

    /// What was laid since the tie, up to `end`, and how much earlier it belongs; nothing when it is too long ago.
    fn settle(&mut self, now: Instant, late: i64, end: i64, most: i64) -> Option<(Range<i64>, i64)> {
        let earlier = (-late).min(self.first - self.before).min(most);
        if now.saturating_duration_since(self.since) >= SETTLES || earlier <= 0 {
            return None;
        }
        let laid = self.first..end;
        self.first -= earlier;
        Some((laid, earlier))
    }

    /// Jitter only ever delays, so the earliest packets of a while show where the phone's clock stands.
    fn follow_drift(&mut self, now: Instant, late: i64, most: i64) {
        self.earliest = self.earliest.min(late);
        if now.saturating_duration_since(self.watched_since) < WATCH {
            return;
        }
        if self.earliest.abs() > most {
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
    use crate::media::g711;
    use crate::media::rtp::{Header, Kind};
    use crate::model::{Codec, Dice};

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
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 2);
        // 100 ms after the start; then one lost; the last two swapped on their way.
        for (millis, timestamp) in [(100, 0), (120, 160), (185, 640), (190, 480)] {
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
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 1);
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
        let mut tape = Tape::new(start, recording(), TapeFormat::ALaw, 1);
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
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 2);
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
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 1);
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
        assert!(most <= MOST_OWED_MS as usize * 8 + 8192);
    }

    #[test]
    fn a_thread_that_was_stopped_does_not_shorten_the_tape() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 1);
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
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 1);
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

    /// The packets of ten seconds, and where on the tape something is heard.
    fn ten_seconds(of: impl Fn(u64) -> (u64, u32)) -> Vec<usize> {
        let start = origin();
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 1);
        let mut audio = Vec::new();
        for number in 0..500 {
            let (millis, timestamp) = of(number);
            let now = after(start, millis);
            tape.take(now, &mut audio);
            tape.put(
                now,
                0,
                &packet(Codec::Pcmu, number == 0, timestamp),
                &buffer(SPOKEN),
            );
        }
        let audio = rest(&mut tape, after(start, 20_000), audio);
        assert_eq!(audio.len(), 160_000);
        heard(&audio, 1, 0)
    }

    #[test]
    fn a_phone_that_was_silent_while_its_clock_stood_still_is_in_step_at_once() {
        let pause = |number| if number < 100 { 0 } else { 10_000 };
        let heard = ten_seconds(|number| (number * 20 + pause(number), number as u32 * 160));
        assert_eq!(heard[..16_000].last(), Some(&15_999));
        assert_eq!(heard[16_000], 96_000);
    }

    #[test]
    fn a_phone_whose_clock_jumps_is_back_in_step_after_a_fifth_of_a_second() {
        let jump = |number| if number < 100 { 0 } else { 80_000 };
        let heard = ten_seconds(|number| (number * 20, number as u32 * 160 + jump(number)));
        assert_eq!(heard[..16_000].last(), Some(&15_999));
        assert_eq!(heard[16_000], 17_600);
    }

    /// The first packet was 30 ms late: what was laid moves to where it was said.
    #[test]
    fn a_first_packet_that_came_late_is_put_right_by_those_that_follow() {
        let start = origin();
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 1);
        for (millis, timestamp) in [(130, 0), (140, 160), (145, 320), (160, 480)] {
            let packet = packet(Codec::Pcmu, millis == 130, timestamp);
            tape.put(after(start, millis), 0, &packet, &buffer(SPOKEN));
        }
        let audio = rest(&mut tape, after(start, 1000), Vec::new());
        assert_eq!(heard(&audio, 1, 0), (800..1440).collect::<Vec<_>>());
    }

    /// All that a tape still holds, behind what it gave already.
    /// A wideband phone beside one with G.711: both are heard in the file where they were said.
    #[test]
    fn wideband_is_decoded_for_the_file_and_stays_in_step() {
        use crate::media::codec::testing::{sine, strength};
        use crate::media::voice::Mouth;
        for codec in [Codec::G722, Codec::Opus] {
            let start = origin();
            let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 2);
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
        let mut tape = Tape::new(start, recording(), TapeFormat::MuLaw, 2);
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
