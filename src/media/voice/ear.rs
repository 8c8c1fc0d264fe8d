use super::comfort::Comfort;
use super::jitter::Delay;
use super::lane::Lane;
use super::waiting::Waiting;
use crate::media::codec::{Decoder, Pcm, Resampler, frame_at, ticks};
use crate::media::rtp::{Kind, Packet};
use crate::model::Codec;
use std::time::Instant;

/// When so much more is held back than is needed, in µs, a pitch period is left out …
const TOO_MUCH: i64 = 25_000;
/// … when so much less, one is repeated …
const TOO_LITTLE: i64 = -5_000;
/// … and when it is so much, what is between is skipped.
const HOPELESS: i64 = 300_000;
/// A stand-in for voice is voice for so many ms; then it is silence.
const STANDS_IN_MS: usize = 100;
/// A source that is silent for so many ms is waited for as if it had never spoken.
const FORGOTTEN_MS: usize = 500;
/// More packets than any frame needs, so that junk does not keep the ear at work.
const MOST_PACKETS: usize = 200;

/// Hears the stream of one leg where its voice is mixed or changed: packets come as they come, and 20 ms of samples
/// are pulled every 20 ms.
///
/// Packets wait until the uneven ones among them are there, 20 to 200 ms (an adaptive jitter buffer). Lost ones are
/// concealed, pauses are not loss, and when the phone's clock drifts from ours a pitch period is left out or repeated
/// now and then. Nothing allocates once it is made, but for payloads longer than any before.
pub struct Ear {
    codec: Codec,
    decoder: Decoder,
    resampler: Option<Resampler>,
    waiting: Waiting,
    delay: Delay,
    comfort: Comfort,
    lane: Lane,
    frame: Box<[i16]>,
    pcm: Pcm,
    /// The newest stamp as it came, and in ticks since the source's beginning.
    newest: Option<(u32, i64)>,
    /// The tick to be decoded next; none while there is nothing to go on from.
    cursor: Option<i64>,
    /// The number of the packet that was decoded last.
    sequence: u16,
    playing: bool,
    /// The source told us that it is silent.
    resting: bool,
    /// Samples since the last voice.
    quiet: usize,
    lost: u64,
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Ear({:?}, {} µs)", self.decoder, self.delay.held())
    }
}

impl Ear {
    /// An ear for this codec that is asked for samples at `rate_hz`, a multiple of 50.
    pub fn new(now: Instant, codec: Codec, rate_hz: u32) -> Self {
        let decoder = Decoder::at(codec, rate_hz);
        let rate = decoder.rate();
        Self {
            codec,
            resampler: (rate != rate_hz).then(|| Resampler::new(rate, rate_hz)),
            decoder,
            waiting: Waiting::new(),
            delay: Delay::new(now),
            comfort: Comfort::default(),
            lane: Lane::new(rate),
            frame: vec![0; frame_at(rate)].into(),
            pcm: Pcm::new(),
            newest: None,
            cursor: None,
            sequence: 0,
            playing: false,
            resting: false,
            quiet: 0,
            lost: 0,
        }
    }

    /// How long packets are held back now, in ms.
    pub fn held_back_ms(&self) -> u32 {
        u32::try_from(self.delay.held() / 1000).unwrap_or(0)
    }

    /// Packets that were concealed because they had not come when they were due.
    pub fn concealed(&self) -> u64 {
        self.lost
    }

    /// Takes a packet in, with its payload.
    pub fn put(&mut self, now: Instant, packet: &Packet, payload: &[u8]) {
        let length = match packet.kind {
            Kind::Audio(codec) if codec.passes_as(self.codec) => {
                self.decoder.change_law(codec);
                i64::from(ticks(codec, payload))
            }
            Kind::Noise => 0,
            Kind::Audio(_) | Kind::Event | Kind::Other => return,
        };
        if packet.begins || self.newest.is_none() {
            self.begin_anew(now, packet.header.timestamp);
        }
        let at = self.unroll(packet.header.timestamp);
        self.delay.hear(now, self.micros(at));
        let cursor = *self.cursor.get_or_insert(at);
        if at + length.max(1) <= cursor {
            // Late. While nothing else is heard it can still be, and what follows it.
            if self.quiet == 0 || self.waiting.last().is_some() || self.micros(cursor - at) > HOPELESS {
                return;
            }
            self.cursor = Some(at);
        }
        self.waiting.put(at, length, packet.header.sequence, payload);
    }

    fn begin_anew(&mut self, now: Instant, stamp: u32) {
        self.waiting.clear();
        self.delay.begin_anew(now);
        self.newest = Some((stamp, 0));
        self.cursor = None;
        self.playing = false;
    }

    /// Ticks since the source's beginning, whose stamps may have come round to 0 in the meantime.
    fn unroll(&mut self, stamp: u32) -> i64 {
        let (newest, at) = self.newest.unwrap_or((stamp, 0));
        let here = at + i64::from(stamp.wrapping_sub(newest).cast_signed());
        if here > at {
            self.newest = Some((stamp, here));
        }
        here
    }

    fn micros(&self, ticks: i64) -> i64 {
        ticks * 1_000_000 / i64::from(self.codec.clock_rate())
    }

    /// Gives the next 20 ms. False: they are silence.
    pub fn pull(&mut self, now: Instant, out: &mut [i16]) -> bool {
        let is_voice = self.next_frame(now);
        match &mut self.resampler {
            Some(resampler) => resampler.resample(&self.frame, out),
            None => {
                let samples = self.frame.iter().copied().chain(std::iter::repeat(0));
                out.iter_mut()
                    .zip(samples)
                    .for_each(|(place, sample)| *place = sample);
            }
        }
        is_voice
    }

    fn next_frame(&mut self, now: Instant) -> bool {
        let Some(cursor) = self.cursor else {
            self.frame.fill(0);
            return false;
        };
        self.playing |= self.delay.due(now) >= self.micros(cursor);
        if !self.playing {
            self.frame.fill(0);
            return false;
        }
        self.fill_lane();
        self.keep_pace(now);
        self.fill_lane();
        self.lane.take(&mut self.frame);
        let rate = self.decoder.rate() as usize;
        if self.quiet > rate / 1000 * FORGOTTEN_MS && self.waiting.first().is_none() {
            self.cursor = None;
            self.playing = false;
            self.lane.clear();
        }
        self.quiet <= rate / 1000 * STANDS_IN_MS || !self.comfort.is_silent()
    }

    fn fill_lane(&mut self) {
        for _ in 0..MOST_PACKETS {
            if self.lane.length() >= self.frame.len() {
                return;
            }
            self.decode_next();
        }
    }

    /// Stays as far behind the source as the way is uneven.
    fn keep_pace(&mut self, now: Instant) {
        let Some(cursor) = self.cursor else { return };
        let ahead = self.lane.length() as i64 * 1_000_000 / i64::from(self.decoder.rate());
        let behind = self.delay.due(now) - (self.micros(cursor) - ahead);
        if behind > HOPELESS {
            self.lane.clear();
            self.cursor = Some(cursor + behind * i64::from(self.codec.clock_rate()) / 1_000_000);
        } else if self.quiet > 0 {
            // There is nothing to hear that could be made longer or shorter.
        } else if behind > TOO_MUCH {
            self.lane.shorten();
        } else if behind < TOO_LITTLE {
            self.lane.lengthen();
        }
    }

    /// Puts what comes next into the lane: a packet, its stand-in, or silence.
    fn decode_next(&mut self) {
        let Some(cursor) = self.cursor else { return };
        let Some(first) = self.waiting.first() else {
            return self.starve(cursor);
        };
        let (ahead, length) = (first.at - cursor, first.ticks);
        if ahead > 0 {
            let follows = first.sequence == self.sequence.wrapping_add(1);
            if follows || self.resting || self.micros(ahead) > HOPELESS {
                self.rest(cursor, ahead);
            } else {
                self.replace(cursor, ahead);
            }
            return;
        }
        self.sequence = first.sequence;
        if length == 0 {
            self.comfort.hear(&first.payload);
            self.resting = true;
        } else if ahead + length > 0 {
            self.decoder.decode(&first.payload, &mut self.pcm);
            let heard = -ahead * i64::from(self.decoder.rate()) / i64::from(self.codec.clock_rate());
            let heard = usize::try_from(heard).unwrap_or(0);
            self.lane.put(self.pcm.samples().get(heard..).unwrap_or_default());
            self.cursor = Some(cursor + ahead + length);
            self.quiet = 0;
            self.resting = false;
        }
        self.waiting.drop_first();
    }

    /// Nothing waits: it is late, lost, or not spoken.
    fn starve(&mut self, cursor: i64) {
        let rate = self.decoder.rate() as usize;
        if self.resting || self.quiet > rate / 1000 * STANDS_IN_MS {
            self.rest(cursor, i64::from(self.codec.clock_rate() / 50));
        } else {
            self.replace(cursor, i64::MAX);
        }
    }

    /// Stands in for a packet that is missing, at most `most` ticks of it.
    fn replace(&mut self, cursor: i64, most: i64) {
        match self.waiting.first() {
            // Only the packet right after the lost one has its copy.
            Some(next) if most <= next.ticks + next.ticks / 2 => {
                self.decoder.recover(&next.payload, &mut self.pcm);
            }
            Some(_) | None => self.decoder.conceal(&mut self.pcm),
        }
        self.lost += 1;
        let (rate, clock) = (i64::from(self.decoder.rate()), i64::from(self.codec.clock_rate()));
        let samples = self.pcm.samples();
        let length = (samples.len() as i64 * clock / rate).clamp(1, most);
        let kept = usize::try_from(length * rate / clock).unwrap_or(0);
        self.lane.put(samples.get(..kept).unwrap_or(samples));
        self.quiet += kept;
        self.cursor = Some(cursor + length);
    }

    /// Silence, as it sounds on the other side: a frame of it, and no more than `most` ticks.
    fn rest(&mut self, cursor: i64, most: i64) {
        let (rate, clock) = (i64::from(self.decoder.rate()), i64::from(self.codec.clock_rate()));
        let length = most.min(clock / 50);
        let samples = usize::try_from(length * rate / clock).unwrap_or(0);
        let comfort = &mut self.comfort;
        self.lane.put_with(samples, |room| comfort.fill(room));
        self.quiet += samples;
        self.cursor = Some(cursor + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Mouth;
    use crate::media::clock::origin;
    use crate::media::codec::testing::{level, strength, voice};
    use crate::media::rtp::Header;
    use crate::model::Dice;
    use std::collections::BTreeMap;
    use std::time::Duration;

    /// A phone that speaks into an ear, over a way that loses, delays, doubles and drifts.
    struct Line {
        codec: Codec,
        rate: u32,
        /// Milliseconds on the way, or lost, for each packet.
        way: Box<dyn FnMut(u64) -> Option<u64>>,
        /// How much faster the phone's clock is than ours, in millionths.
        drift: i64,
        twice: bool,
        ms: u64,
    }

    impl Line {
        fn calm(codec: Codec, rate: u32) -> Self {
            Self {
                codec,
                rate,
                way: Box::new(|_| Some(0)),
                drift: 0,
                twice: false,
                ms: 20,
            }
        }

        /// Speaks for so many packets; gives what is heard, frame by frame, and the ear.
        fn talk(&mut self, packets: u64, said: &[i16]) -> (Vec<i16>, usize, Ear) {
            let start = origin();
            let frame = frame_at(self.rate);
            let mut ear = Ear::new(start, self.codec, self.rate);
            let mut mouth = Mouth::new(self.codec, self.rate);
            let mut arriving: BTreeMap<(u64, u64), (Packet, Vec<u8>)> = BTreeMap::new();
            let tick = u64::from(self.codec.clock_rate()) * self.ms / 1000;
            let mut payload = [0; 1500];
            for number in 0..packets {
                let mut whole = Vec::new();
                for _ in 0..self.ms / 20 {
                    let at = (whole.len() + number as usize * frame) % (said.len() - frame + 1);
                    let length = mouth.speak(&said[at / frame * frame..][..frame], &mut payload);
                    whole.extend_from_slice(&payload[..length]);
                }
                let Some(delay) = (self.way)(number) else { continue };
                let sent = (number * self.ms * 1000) as i64;
                let arrival = (sent - sent * self.drift / 1_000_000) as u64 + delay * 1000;
                let packet = packet(self.codec, number == 0, number as u16, (number * tick) as u32);
                if self.twice {
                    arriving.insert((arrival + 1, number), (packet, whole.clone()));
                }
                arriving.insert((arrival, number), (packet, whole));
            }
            let (mut heard, mut voiced) = (Vec::new(), 0);
            let mut out = vec![0; frame];
            for pull in 0..packets * self.ms / 20 + 15 {
                let now = pull * 20_000 + 7_000;
                while let Some(entry) = arriving.first_entry().filter(|entry| entry.key().0 <= now) {
                    let at = entry.key().0;
                    let (packet, payload) = entry.remove();
                    ear.put(start + Duration::from_micros(at), &packet, &payload);
                }
                voiced += usize::from(ear.pull(start + Duration::from_micros(now), &mut out));
                heard.extend_from_slice(&out);
            }
            (heard, voiced, ear)
        }
    }

    fn packet(codec: Codec, begins: bool, sequence: u16, timestamp: u32) -> Packet {
        let header = Header {
            marker: begins,
            payload_type: 0,
            sequence,
            timestamp: timestamp.wrapping_sub(100_000),
            ssrc: 5,
            start: 12,
            end: 172,
        };
        Packet {
            kind: Kind::Audio(codec),
            begins,
            ticks: 0,
            header,
        }
    }

    #[test]
    fn a_calm_line_is_heard_whole_in_every_codec_at_every_rate() {
        for codec in Codec::ALL {
            for rate in [8000, 16_000] {
                let said = voice(rate, rate as usize);
                let (heard, voiced, ear) = Line::calm(codec, rate).talk(50, &said);
                assert_eq!((ear.held_back_ms(), ear.lost <= 7), (20, true), "{codec} {rate}");
                assert!((50..=56).contains(&voiced), "{codec} {rate}: {voiced}");
                let middle = level(&heard[heard.len() / 4..heard.len() / 2]);
                let meant = level(&said[said.len() / 4..said.len() / 2]);
                assert!(
                    (middle - meant).abs() < 2.0,
                    "{codec} {rate}: {middle} of {meant}"
                );
            }
        }
    }

    /// ROBUSTNESS 86
    #[test]
    fn loss_is_concealed_and_costs_no_time() {
        for codec in Codec::ALL {
            for every in [100, 20, 10, 5] {
                let mut line = Line::calm(codec, 16_000);
                line.way = Box::new(move |number| (number % every != every / 2).then_some(0));
                let said = voice(16_000, 16_000);
                let (heard, voiced, ear) = line.talk(300, &said);
                let lost = 300 / every;
                assert!(
                    (lost..=lost + 6).contains(&ear.lost),
                    "{codec} 1 in {every}: {}",
                    ear.lost
                );
                assert!((299..=306).contains(&voiced), "{codec} 1 in {every}: {voiced}");
                let (heard, meant) = (level(&heard[16_000..80_000]), level(&said));
                assert!(
                    (heard - meant).abs() < 2.5,
                    "{codec} 1 in {every}: {heard} of {meant}"
                );
            }
        }
    }

    /// ROBUSTNESS 86
    #[test]
    fn jitter_and_disorder_are_waited_for_and_nothing_is_lost() {
        let mut dice = Dice::from_number(3);
        let mut line = Line::calm(Codec::Pcmu, 8000);
        line.way = Box::new(move |_| Some(dice.roll(60)));
        line.twice = true;
        let said = voice(8000, 8000);
        let (_, voiced, ear) = line.talk(1500, &said);
        assert!(
            (60..=90).contains(&ear.held_back_ms()),
            "{} ms",
            ear.held_back_ms()
        );
        // Until it had learnt how rough the way is a few came too late.
        assert!(ear.lost <= 12, "{}", ear.lost);
        assert!(voiced >= 1495, "{voiced}");
    }

    #[test]
    fn a_way_that_gets_longer_for_good_is_followed() {
        let mut line = Line::calm(Codec::G722, 16_000);
        line.way = Box::new(|number| Some(if number < 200 { 10 } else { 130 }));
        let said = voice(16_000, 16_000);
        let (_, voiced, ear) = line.talk(1500, &said);
        assert!(ear.lost <= 12, "{}", ear.lost);
        assert!(voiced >= 1490, "{voiced}");
        // What was held back for the step is given back little by little.
        assert!(ear.held_back_ms() < 60, "{} ms", ear.held_back_ms());
    }

    #[test]
    fn a_hum_keeps_its_pitch_and_strength_while_a_clock_drifts_for_an_hour() {
        for drift in [-300, 300] {
            let mut line = Line::calm(Codec::Pcma, 8000);
            line.drift = drift;
            let said = crate::media::codec::testing::sine(8000, 200.0, 8000.0, 8000);
            let (heard, _, ear) = line.talk(180_000, &said);
            assert!((20..=24).contains(&ear.held_back_ms()), "{drift}: {ear:?}");
            assert!(ear.lost <= 6, "{drift}: {}", ear.lost);
            // An hour at 300 ppm is more than a second: none of it was made up by silence or by a jump.
            for minute in [10, 30, 59] {
                let second = &heard[minute * 480_000..][..1600];
                let found = strength(second, 8000, 200.0);
                assert!(found > 6500.0, "{drift}, minute {minute}: {found}");
            }
        }
    }

    #[test]
    fn packets_of_forty_and_sixty_milliseconds_are_heard_whole() {
        for codec in [Codec::Pcmu, Codec::G722] {
            for ms in [40, 60] {
                let mut line = Line::calm(codec, 16_000);
                line.ms = ms;
                let said = voice(16_000, 32_000);
                let (_, voiced, ear) = line.talk(100, &said);
                assert!(ear.lost <= 3, "{codec} {ms}: {}", ear.lost);
                assert!(voiced as u64 >= 100 * ms / 20 - 3, "{codec} {ms}: {voiced}");
            }
        }
    }

    #[test]
    fn a_pause_is_silence_and_no_loss_and_sounds_as_the_other_side_says() {
        let start = origin();
        let mut ear = Ear::new(start, Codec::Pcmu, 8000);
        let mut out = [0; 160];
        let noise = Packet {
            kind: Kind::Noise,
            ..packet(Codec::Pcmu, false, 50, 50 * 160)
        };
        let mut silent = 0;
        for pull in 0..200u32 {
            let now = start + Duration::from_millis(u64::from(pull) * 20);
            match pull {
                0..50 => ear.put(
                    now,
                    &packet(Codec::Pcmu, pull == 0, pull as u16, pull * 160),
                    &[0x20; 160],
                ),
                50 => ear.put(now, &noise, &[55]),
                150.. => {
                    ear.put(
                        now,
                        &packet(Codec::Pcmu, false, (pull - 99) as u16, pull * 160),
                        &[0x20; 160],
                    );
                }
                _ => {}
            }
            let is_voice = ear.pull(now + Duration::from_millis(3), &mut out);
            silent += u32::from(!is_voice);
            if (60..140).contains(&pull) {
                let below = 20.0 * 32_767.0_f64.log10() - level(&out);
                assert!(
                    pull > 75 || is_voice && (50.0..60.0).contains(&below),
                    "{pull}: {below}"
                );
            }
            if pull > 155 {
                assert!(is_voice && level(&out) > 70.0, "{pull}");
            }
        }
        assert!(ear.lost <= 1 && silent < 90, "{} lost, {silent} silent", ear.lost);
    }

    #[test]
    fn a_source_that_begins_anew_is_heard_at_once() {
        let start = origin();
        let mut ear = Ear::new(start, Codec::Pcmu, 16_000);
        let mut out = [0; 320];
        let mut voiced = 0;
        for pull in 0..100u32 {
            let now = start + Duration::from_millis(u64::from(pull) * 20);
            let jump = if pull < 50 { 0 } else { 0x9000_0000 };
            let stamp = (pull * 160).wrapping_add(jump);
            ear.put(
                now,
                &packet(Codec::Pcmu, pull % 50 == 0, pull as u16, stamp),
                &[0x20; 160],
            );
            voiced += u32::from(ear.pull(now + Duration::from_millis(1), &mut out));
        }
        assert!(voiced >= 95, "{voiced}");
    }

    #[test]
    fn junk_and_wild_stamps_keep_it_at_work_no_longer_than_voice() {
        let start = origin();
        let mut dice = Dice::from_number(8);
        for codec in Codec::ALL {
            let mut ear = Ear::new(start, codec, 16_000);
            let mut out = [0; 320];
            for pull in 0..400 {
                let now = start + Duration::from_millis(pull * 20);
                let junk: Vec<u8> = (0..dice.roll(700)).map(|_| dice.number() as u8).collect();
                let stamp = dice.number() as u32 >> (dice.roll(4) * 8);
                ear.put(
                    now,
                    &packet(codec, dice.roll(20) == 0, dice.number() as u16, stamp),
                    &junk,
                );
                ear.pull(now, &mut out);
            }
        }
    }
}
