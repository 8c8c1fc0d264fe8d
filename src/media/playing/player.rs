use super::sound::{FRAME, Sound};
use super::sounds::Found;
use crate::media::voice::Mouth;
use crate::media::{PlayId, g711};
use crate::model::{Codec, Playable};
use std::sync::Arc;

/// Frames between two questions for a sound that is being made: 100 ms.
const ASK_EVERY: u32 = 5;
/// Frames after which it is given up: five seconds.
const GIVE_UP: u32 = 250;

/// One thing of a `Play` order.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Ready to be sent.
    Ready(Arc<Sound>),
    /// Still being made.
    Awaited(Playable),
}

/// A `Play` order on its way: which frame of which sound comes next.
#[derive(Debug)]
pub(in crate::media) struct Player {
    play: PlayId,
    pieces: Vec<Piece>,
    place: usize,
    /// The frame of it.
    number: usize,
    repeat: bool,
    begins: bool,
    waited: u32,
    speaker: Speaker,
}

/// Says sounds in a codec that their frames were not made in; nothing is allocated but at the first frame.
#[derive(Debug, Default)]
struct Speaker {
    mouth: Option<Box<(Codec, Mouth)>>,
    payload: Payload,
}

#[derive(Debug)]
struct Payload([u8; FRAME]);

impl Default for Payload {
    fn default() -> Self {
        Self([0; FRAME])
    }
}

impl Speaker {
    /// This frame of µ-law as a payload of the codec; empty when there is nothing to be sent for it.
    fn say(&mut self, codec: Codec, law: &[u8]) -> &[u8] {
        let mouth = match self.mouth.take().filter(|known| known.0 == codec) {
            Some(known) => self.mouth.insert(known),
            None => self.mouth.insert(Box::new((codec, Mouth::new(codec, 8000)))),
        };
        let mut pcm = [0; FRAME];
        for (sample, byte) in pcm.iter_mut().zip(law) {
            *sample = g711::linear(Codec::Pcmu, *byte);
        }
        let length = mouth.1.speak(&pcm, &mut self.payload.0);
        self.payload.0.get(..length).unwrap_or_default()
    }
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::media) enum Next<'a> {
    /// This frame, empty where the codec has none; `begins` for the first of the order.
    Frame { audio: &'a [u8], begins: bool },
    /// Nothing yet.
    Waiting,
    /// Nothing more: all has been heard.
    Finished(PlayId),
}

impl Player {
    /// An order from its beginning.
    pub(in crate::media) fn new(play: PlayId, pieces: Vec<Piece>, repeat: bool) -> Self {
        Self {
            play,
            pieces,
            place: 0,
            number: 0,
            repeat,
            begins: true,
            waited: 0,
            speaker: Speaker::default(),
        }
    }

    /// Takes the next frame.
    pub(in crate::media) fn next(&mut self, codec: Codec) -> Next<'_> {
        self.skip_finished();
        match self.pieces.get(self.place) {
            None => Next::Finished(self.play),
            Some(Piece::Awaited(_)) => {
                self.waited += 1;
                Next::Waiting
            }
            Some(Piece::Ready(sound)) => {
                let number = self.number;
                self.number += 1;
                let ready = sound.frame(codec, number);
                let audio = if ready.is_empty() && codec.is_wideband() {
                    self.speaker.say(codec, sound.frame(Codec::Pcmu, number))
                } else {
                    ready
                };
                Next::Frame {
                    audio,
                    begins: std::mem::take(&mut self.begins),
                }
            }
        }
    }

    /// Moves on past sounds that are at their end, at most once around, so that repeating nothing ends too.
    fn skip_finished(&mut self) {
        for _ in 0..=2 * self.pieces.len() {
            match self.pieces.get(self.place) {
                Some(Piece::Ready(sound)) if self.number >= sound.frames() => {
                    self.place += 1;
                    self.number = 0;
                }
                None if self.repeat => self.place = 0,
                Some(Piece::Ready(_) | Piece::Awaited(_)) | None => return,
            }
        }
        self.repeat = false;
        self.place = self.pieces.len();
    }

    /// The sound to ask for now, when the next one is still being made.
    pub(in crate::media) fn waits_for(&self) -> Option<&Playable> {
        match self.pieces.get(self.place) {
            Some(Piece::Awaited(playable)) if self.waited % ASK_EVERY == 1 => Some(playable),
            Some(Piece::Awaited(_) | Piece::Ready(_)) | None => None,
        }
    }

    /// The answer to [`Player::waits_for`].
    pub(in crate::media) fn supply(&mut self, found: Found) {
        let Some(piece @ Piece::Awaited(_)) = self.pieces.get_mut(self.place) else {
            return;
        };
        match found {
            Found::Ready(sound) => {
                *piece = Piece::Ready(sound);
                self.waited = 0;
            }
            Found::Later if self.waited < GIVE_UP => {}
            Found::Later | Found::Missing => {
                self.pieces.remove(self.place);
                self.waited = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::{sine, strength};
    use crate::media::codec::{Decoder, Pcm};
    use crate::model::Tone;

    fn sound(frames: usize) -> Piece {
        Piece::Ready(Arc::new(Sound::from_pcm_8k(&vec![1000; frames * FRAME])))
    }

    fn frames(player: &mut Player, most: usize) -> usize {
        (0..most)
            .take_while(|_| matches!(player.next(Codec::Pcmu), Next::Frame { .. }))
            .count()
    }

    #[test]
    fn sounds_follow_each_other_without_a_gap_and_then_it_is_finished() {
        let mut player = Player::new(PlayId(7), vec![sound(3), sound(0), sound(2)], false);
        assert!(matches!(
            player.next(Codec::Pcma),
            Next::Frame { begins: true, .. }
        ));
        assert!(matches!(
            player.next(Codec::Pcma),
            Next::Frame { begins: false, .. }
        ));
        assert_eq!(frames(&mut player, 100), 3);
        assert_eq!(player.next(Codec::Pcmu), Next::Finished(PlayId(7)));
    }

    #[test]
    fn a_repeated_order_never_ends_unless_there_is_nothing_in_it() {
        for pieces in [
            vec![sound(1)],
            vec![sound(2), sound(1)],
            vec![sound(0), sound(3), sound(0)],
        ] {
            assert_eq!(frames(&mut Player::new(PlayId(1), pieces, true), 1000), 1000);
        }
        for pieces in [vec![], vec![sound(0)], vec![sound(0), sound(0)]] {
            assert_eq!(
                Player::new(PlayId(1), pieces, true).next(Codec::Pcmu),
                Next::Finished(PlayId(1))
            );
        }
    }

    #[test]
    fn a_sound_still_being_made_is_waited_for_and_played() {
        let awaited = Piece::Awaited(Playable::Tone(Tone::Beep));
        let mut player = Player::new(PlayId(1), vec![sound(1), awaited, sound(1)], false);
        assert_eq!(frames(&mut player, 10), 1);
        let asked =
            (0..11).filter(|_| player.next(Codec::Pcmu) == Next::Waiting && player.waits_for().is_some());
        assert_eq!(asked.count(), 2);
        let Piece::Ready(made) = sound(2) else {
            unreachable!()
        };
        player.supply(Found::Ready(made));
        assert_eq!(frames(&mut player, 10), 3);
    }

    #[test]
    fn a_sound_that_is_never_made_is_skipped_after_five_seconds() {
        let awaited = Piece::Awaited(Playable::Tone(Tone::Beep));
        let mut player = Player::new(PlayId(1), vec![awaited, sound(2)], false);
        let mut waited = 0;
        while player.next(Codec::Pcmu) == Next::Waiting {
            waited += 1;
            if player.waits_for().is_some() {
                player.supply(Found::Later);
            }
        }
        assert_eq!(waited, 251);
        assert_eq!(frames(&mut player, 10), 1);
    }

    #[test]
    fn a_sound_that_has_no_frames_in_a_codec_is_spoken_in_it_as_it_goes() {
        for codec in [Codec::G722, Codec::Opus] {
            let sound = Arc::new(Sound::from_pcm_8k(&sine(8000, 1000.0, 8000.0, 8000)));
            let weight = sound.weight();
            let mut player = Player::new(PlayId(1), vec![Piece::Ready(Arc::clone(&sound))], false);
            let (mut decoder, mut pcm, mut heard) = (Decoder::new(codec), Pcm::new(), Vec::new());
            while let Next::Frame { audio, .. } = player.next(codec) {
                decoder.decode(audio, &mut pcm);
                heard.extend_from_slice(pcm.samples());
            }
            assert_eq!(heard.len(), codec.sample_rate() as usize);
            let found = strength(&heard[heard.len() / 2..], codec.sample_rate(), 1000.0);
            assert!((6500.0..9500.0).contains(&found), "{codec}: {found}");
            assert_eq!(sound.weight(), weight, "nothing is kept of it");
        }
    }
}
