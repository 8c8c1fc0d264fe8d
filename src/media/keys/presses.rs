use crate::media::PlayId;
use crate::media::playing::{Next, Piece, Player, Sound};
use crate::media::rtp::{HEADER, Outgoing, Stamp};
use crate::model::{Codec, Digit};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Keys that wait to be told. Full: the newest is dropped and counted; who types so far ahead is a machine gone wild.
const MOST_WAITING: usize = 32;
/// Milliseconds between two reports of a press, and from one frame to the next.
const REPORT_MS: u32 = 20;
/// How many frames a key is held: 100 ms, which every receiver hears (ITU-T Q.24 asks for 40).
const HELD: u8 = 5;
/// How often the end of a press is told (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;
/// Frames from the beginning of one key to that of the next: 100 ms of pause.
const WHOLE: u8 = 2 * HELD;
/// Bytes of a telephone-event.
pub(in crate::media) const EVENT: usize = 4;
/// The level that a telephone-event tells, −10 dBm0 (RFC 4733 §2.3.4).
const VOLUME: u8 = 10;

/// Keys that the peer of a leg is told of: as telephone-events where it takes them, else as tones in its voice.
///
/// While a key is told the leg hears nothing else. A tick comes every 20 ms and gives at most one packet.
#[derive(Debug, Default)]
pub(in crate::media) struct Presses {
    waiting: VecDeque<Digit>,
    now: Option<Press>,
    dropped: u64,
}

#[derive(Debug)]
struct Press {
    digit: Digit,
    /// Frames since it began.
    frames: u8,
    /// The time stamp of its beginning.
    began: Option<u32>,
    tone: Option<Player>,
}

/// What a tick gives.
#[derive(Debug)]
pub(in crate::media) enum Told<'a> {
    /// A telephone-event with its stamp.
    Event(Stamp, [u8; EVENT]),
    /// A frame of a tone; `begins` for its first.
    Tone { audio: &'a [u8], begins: bool },
    /// Nothing in this tick, but the press or the pause after it goes on.
    Pause,
    /// All keys have been told.
    Done,
}

impl Presses {
    /// One more key.
    pub(in crate::media) fn press(&mut self, digit: Digit) {
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(digit);
        } else {
            self.dropped += 1;
        }
    }

    /// Whether a key is being told, or waits.
    pub(in crate::media) fn are_under_way(&self) -> bool {
        self.now.is_some() || !self.waiting.is_empty()
    }

    /// The key whose tone is needed for the next tick; see [`Presses::sing`].
    pub(in crate::media) fn wants_tone(&self) -> Option<Digit> {
        self.waiting.front().copied().filter(|_| self.now.is_none())
    }

    /// Supplies the tone of the next key.
    pub(in crate::media) fn sing(&mut self, tone: Arc<Sound>, rest: Arc<Sound>) {
        let Some(digit) = self.wants_tone() else { return };
        self.waiting.pop_front();
        let pieces = vec![Piece::Ready(tone), Piece::Ready(rest)];
        self.now = Some(Press {
            digit,
            frames: 0,
            began: None,
            tone: Some(Player::new(PlayId(0), pieces, false)),
        });
    }

    /// Forgets all of them: nobody listens.
    pub(in crate::media) fn forget(&mut self) {
        self.waiting.clear();
        self.now = None;
    }

    /// What the peer is told in this tick; `clock` is that of the telephone-events in Hz.
    pub(in crate::media) fn tick(
        &mut self,
        now: Instant,
        codec: Codec,
        clock: u32,
        outgoing: &mut Outgoing,
    ) -> Told<'_> {
        if self.now.as_ref().is_some_and(|press| press.frames >= WHOLE) {
            self.now = None;
        }
        if self.now.is_none()
            && let Some(digit) = self.waiting.pop_front()
        {
            let (frames, began, tone) = (0, None, None);
            self.now = Some(Press {
                digit,
                frames,
                began,
                tone,
            });
        }
        let Some(press) = &mut self.now else {
            return Told::Done;
        };
        press.frames += 1;
        if press.tone.is_none() {
            return press.report(now, clock, outgoing);
        }
        match press.tone.as_mut().map(|tone| tone.next(codec)) {
            Some(Next::Frame { audio, begins }) => Told::Tone { audio, begins },
            Some(Next::Waiting | Next::Finished(_)) | None => Told::Pause,
        }
    }
}

impl Press {
    /// The report of this tick: the first is marked, each says how long the key has been held so far, the end comes
    /// three times (RFC 4733 §2.5.1).
    fn report(&mut self, now: Instant, clock: u32, outgoing: &mut Outgoing) -> Told<'static> {
        if self.frames >= HELD + ENDS {
            return Told::Pause;
        }
        let stamp = outgoing.key(now, self.began);
        self.began = Some(stamp.timestamp);
        let held = u32::from(self.frames.min(HELD)) * REPORT_MS * (clock / 1000);
        let [high, low] = u16::try_from(held).unwrap_or(u16::MAX).to_be_bytes();
        let end = if self.frames >= HELD { 0x80 } else { 0 };
        Told::Event(stamp, [self.digit.event(), end | VOLUME, high, low])
    }
}

/// Writes a telephone-event packet, and says how long it is.
pub(in crate::media) fn write_event(
    stamp: Stamp,
    event: [u8; EVENT],
    payload_type: u8,
    packet: &mut [u8],
) -> Option<usize> {
    let bytes = packet.get_mut(..HEADER + EVENT)?;
    let (header, payload) = bytes.split_first_chunk_mut()?;
    stamp.write(payload_type, header);
    payload.copy_from_slice(&event);
    Some(HEADER + EVENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;
    use crate::media::keys::Keys;
    use crate::media::rtp::Header;
    use std::time::Duration;

    fn digit(key: char) -> Digit {
        Digit::from_char(key).unwrap()
    }

    struct Line {
        now: Instant,
        presses: Presses,
        outgoing: Outgoing,
    }

    impl Line {
        fn of(keys: &str) -> Self {
            let mut presses = Presses::default();
            keys.chars().for_each(|key| presses.press(digit(key)));
            let now = origin();
            Self {
                now,
                presses,
                outgoing: Outgoing::new(now, 9, 65_533, u32::MAX - 50),
            }
        }

        /// The packets until all is told, and in which tick each came.
        fn packets(&mut self, clock: u32) -> Vec<(u32, Vec<u8>)> {
            let mut packets = Vec::new();
            for tick in 0.. {
                let mut packet = [0; 64];
                match self
                    .presses
                    .tick(self.now, Codec::Pcmu, clock, &mut self.outgoing)
                {
                    Told::Event(stamp, event) => {
                        let length = write_event(stamp, event, 101, &mut packet).unwrap();
                        packets.push((tick, packet[..length].to_vec()));
                    }
                    Told::Tone { .. } | Told::Pause => {}
                    Told::Done => break,
                }
                self.now += Duration::from_millis(20);
            }
            packets
        }
    }

    #[test]
    fn a_press_begins_marked_grows_every_20_ms_and_ends_three_times() {
        let mut line = Line::of("5");
        let packets = line.packets(8000);
        let told: Vec<_> = packets
            .iter()
            .map(|(tick, packet)| {
                let header = Header::read(packet).unwrap();
                assert_eq!((header.timestamp, header.ssrc), (u32::MAX - 50, 9));
                let held = u16::from_be_bytes([packet[14], packet[15]]);
                (
                    *tick,
                    header.marker,
                    header.sequence,
                    packet[12],
                    packet[13],
                    held,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (0, true, 65_533, 5, 10, 160),
                (1, false, 65_534, 5, 10, 320),
                (2, false, 65_535, 5, 10, 480),
                (3, false, 0, 5, 10, 640),
                (4, false, 1, 5, 0x8a, 800),
                (5, false, 2, 5, 0x8a, 800),
                (6, false, 3, 5, 0x8a, 800),
            ]
        );
    }

    #[test]
    fn durations_are_counted_in_the_clock_of_the_codec() {
        let packets = Line::of("#").packets(48_000);
        let (_, last) = packets.last().unwrap();
        assert_eq!(&last[12..], [11, 0x8a, 0x12, 0xc0]); // 4800 of 48 000 are 100 ms.
    }

    #[test]
    fn what_is_told_is_heard_key_by_key_with_the_same_key_twice() {
        for clock in [8000, 16_000, 48_000] {
            let mut keys = Keys::default();
            let mut line = Line::of("1122*#0AD");
            let start = line.now;
            let heard: String = line
                .packets(clock)
                .iter()
                .filter_map(|(tick, packet)| {
                    let header = Header::read(packet).unwrap();
                    let now = start + Duration::from_millis(u64::from(*tick) * 20);
                    keys.hear(now, &header, &packet[12..]).map(Digit::as_char)
                })
                .collect();
            assert_eq!(heard, "1122*#0AD", "{clock}");
        }
    }

    #[test]
    fn keys_follow_each_other_after_200_ms_and_then_it_is_done() {
        let packets = Line::of("12").packets(8000);
        let begins: Vec<u32> = packets
            .iter()
            .filter(|(_, packet)| packet[1] & 0x80 != 0)
            .map(|(tick, _)| *tick)
            .collect();
        assert_eq!(begins, [0, 10]);
    }

    #[test]
    fn a_tone_is_a_hundred_milliseconds_of_the_key_and_a_pause() {
        let mut presses = Presses::default();
        presses.press(digit('5'));
        assert_eq!(presses.wants_tone(), Some(digit('5')));
        let mut tones = crate::media::Tones::default();
        presses.sing(
            tones.get(crate::model::Tone::Key(digit('5'))),
            tones.get(crate::model::Tone::Silence),
        );
        assert_eq!(presses.wants_tone(), None);
        let mut outgoing = Outgoing::new(origin(), 1, 0, 0);
        let mut loud = Vec::new();
        while let Told::Tone { audio, .. } = presses.tick(origin(), Codec::Pcma, 8000, &mut outgoing) {
            loud.push(audio.iter().any(|byte| *byte != Codec::Pcma.silence()));
        }
        assert_eq!(
            loud,
            [true, true, true, true, true, false, false, false, false, false]
        );
        assert!(!presses.are_under_way());
    }

    #[test]
    fn a_machine_gone_wild_fills_no_memory() {
        let mut presses = Presses::default();
        (0..1000).for_each(|_| presses.press(digit('1')));
        assert_eq!((presses.waiting.len(), presses.dropped), (32, 968));
        presses.forget();
        assert!(!presses.are_under_way());
    }
}
