//! The obedient RTP threads and recorder: they do what they are told, take note of it, and report back.

use callpost::media::{MediaEvent, MediaOrder, PlayId};
use callpost::model::{
    Codec, LegKey, Part, Playable, Quality, RecordingFacts, RecordingId, RecordingRow, TapeDone, TapeMessage,
    Tone,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The media side of the world.
#[derive(Default)]
pub struct Studio {
    /// Which leg has which port.
    pub open: BTreeMap<LegKey, u16>,
    playing: BTreeMap<LegKey, PlayId>,
    /// By the left leg.
    taping: BTreeMap<LegKey, (RecordingId, Option<LegKey>)>,
    tapes: BTreeMap<RecordingId, Tape>,
    /// The leg each call's caller was bridged with.
    pub bridged: BTreeMap<LegKey, LegKey>,
    /// How many ports fail to open from now on.
    pub broken_ports: u32,
    /// Ports that failed.
    pub failed: BTreeSet<u16>,
    /// Close without a word, as a thread that hangs would.
    pub mute: bool,
    /// The recorder cannot write.
    pub disk_full: bool,
    /// What is measured on a leg, in place of a good line.
    pub heard: BTreeMap<u32, Quality>,
}

struct Tape {
    row: RecordingRow,
    begun: Instant,
    channels: u8,
}

/// What comes back, and after how long.
pub enum Report {
    Media(MediaEvent),
    Tape(TapeDone),
    /// If that is still what plays.
    Played(LegKey, PlayId),
}

impl Studio {
    /// Carries out one order.
    pub fn obey(&mut self, now: Instant, order: &MediaOrder) -> Vec<(Duration, Report)> {
        self.check(order);
        match order {
            MediaOrder::Open { leg, port, .. } => self.open_port(*leg, *port),
            MediaOrder::Play {
                leg,
                play,
                items,
                repeat,
            } => {
                self.playing.insert(*leg, *play);
                let length = items.iter().map(length).sum();
                if *repeat {
                    Vec::new()
                } else {
                    vec![(length, Report::Played(*leg, *play))]
                }
            }
            MediaOrder::StopPlaying { leg } => {
                self.playing.remove(leg);
                Vec::new()
            }
            MediaOrder::Bridge { a, b } => {
                let before = self.bridged.insert(*a, *b);
                assert_eq!(
                    before, None,
                    "a caller was bridged twice: with {before:?} and {b}"
                );
                self.playing.remove(a);
                self.playing.remove(b);
                Vec::new()
            }
            MediaOrder::Mix { call, parties } => {
                self.bridged.retain(|a, _| a.call != *call);
                let mut talkers = parties.iter().filter(|(_, part)| *part == Part::Talks);
                if let (Some((a, _)), Some((b, _))) = (talkers.next(), talkers.next()) {
                    self.bridged.insert(*a, *b);
                }
                Vec::new()
            }
            MediaOrder::Move { from, to } => self.move_leg(now, *from, *to),
            MediaOrder::Unbridge { leg } => {
                self.bridged.retain(|a, b| a != leg && b != leg);
                Vec::new()
            }
            MediaOrder::Record { left, right, id, .. }
                if self.taping.values().any(|(running, _)| running == id) =>
            {
                // It goes on with others.
                self.taping.retain(|_, (running, _)| running != id);
                self.taping.insert(*left, (*id, *right));
                Vec::new()
            }
            MediaOrder::Record { left, right, id, .. } => {
                let before = self.taping.insert(*left, (*id, *right));
                assert!(before.is_none(), "two recordings of {left}");
                Vec::new()
            }
            MediaOrder::StopRecording { leg } => self.end_tape(now, *leg),
            MediaOrder::Close { leg } => self.close(now, *leg),
            MediaOrder::PauseRecording { leg } | MediaOrder::ResumeRecording { leg } => {
                assert!(self.taping.contains_key(leg), "nothing of {leg} is recorded");
                Vec::new()
            }
            MediaOrder::Start { .. }
            | MediaOrder::WatchSilence { .. }
            | MediaOrder::SendDigit { .. }
            | MediaOrder::KeepSecret { .. } => Vec::new(),
        }
    }

    /// Orders are for legs that are open.
    fn check(&self, order: &MediaOrder) {
        let leg = match order {
            MediaOrder::Open { leg, port, .. } => {
                let other = self.open.iter().find(|(_, taken)| *taken == port);
                assert!(other.is_none(), "{leg} and {other:?} share a port");
                assert!(!self.open.contains_key(leg), "{leg} is opened twice");
                return;
            }
            MediaOrder::KeepSecret { .. }
            | MediaOrder::StopRecording { .. }
            | MediaOrder::Close { .. }
            | MediaOrder::WatchSilence { .. } => {
                return;
            }
            MediaOrder::Start { leg, .. }
            | MediaOrder::Move { from: leg, .. }
            | MediaOrder::Play { leg, .. }
            | MediaOrder::StopPlaying { leg }
            | MediaOrder::PauseRecording { leg }
            | MediaOrder::ResumeRecording { leg }
            | MediaOrder::SendDigit { leg, .. }
            | MediaOrder::Unbridge { leg } => leg,
            MediaOrder::Bridge { a, .. } => a,
            MediaOrder::Mix { parties, .. } => match parties.first() {
                Some((leg, _)) => leg,
                None => return,
            },
            MediaOrder::Record { left, .. } => left,
        };
        let failed = !self.failed.is_empty();
        assert!(
            failed || self.open.contains_key(leg),
            "{order:?} for a leg that is not open: {:?}",
            self.open
        );
    }

    fn open_port(&mut self, leg: LegKey, port: u16) -> Vec<(Duration, Report)> {
        if self.broken_ports > 0 {
            self.broken_ports -= 1;
            self.failed.insert(port);
            let reason = "address already in use".to_owned();
            return vec![(
                Duration::ZERO,
                Report::Media(MediaEvent::OpenFailed { leg, reason }),
            )];
        }
        self.open.insert(leg, port);
        Vec::new()
    }

    fn move_leg(&mut self, now: Instant, from: LegKey, to: LegKey) -> Vec<(Duration, Report)> {
        let taped = |(left, (_, right)): &(&LegKey, &(RecordingId, Option<LegKey>))| {
            **left == from || *right == Some(from)
        };
        let left = self.taping.iter().find(taped).map(|(left, _)| *left);
        self.bridged.retain(|a, b| *a != from && *b != from);
        self.playing.remove(&from);
        if let Some(port) = self.open.remove(&from) {
            self.open.insert(to, port);
        }
        left.map(|left| self.end_tape(now, left)).unwrap_or_default()
    }

    fn close(&mut self, now: Instant, leg: LegKey) -> Vec<(Duration, Report)> {
        let mut reports = Vec::new();
        let taped = self
            .taping
            .iter()
            .find(|(left, (_, right))| **left == leg || *right == Some(leg));
        if let Some((left, right)) = taped.map(|(left, (_, right))| (*left, *right)) {
            let other = if left == leg { right } else { Some(left) };
            // The tape runs on while its other side is there.
            if other.is_none_or(|other| !self.open.contains_key(&other)) {
                reports.extend(self.end_tape(now, left));
            }
        }
        self.playing.remove(&leg);
        self.bridged.retain(|a, b| *a != leg && *b != leg);
        let was_open = self.open.remove(&leg).is_some();
        if !self.mute {
            let own = self.heard.get(&leg.leg.0).copied();
            let quality = was_open.then_some(own.unwrap_or(Quality {
                mos: Some(4.4),
                loss_percent: Some(0.0),
                jitter_ms: Some(0.1),
                rtt_ms: None,
                codec: Some(Codec::Pcmu),
                packets_received: 50,
                packets_sent: 50,
                ..Quality::default()
            }));
            let closed = MediaEvent::Closed {
                leg,
                quality,
                strangers: 0,
            };
            reports.push((Duration::ZERO, Report::Media(closed)));
        }
        reports
    }

    fn end_tape(&mut self, now: Instant, left: LegKey) -> Vec<(Duration, Report)> {
        let Some((id, _)) = self.taping.remove(&left) else {
            return Vec::new();
        };
        let Some(tape) = self.tapes.remove(&id) else {
            panic!("{id} was recorded before it was begun")
        };
        let milliseconds = u64::try_from((now - tape.begun).as_millis()).unwrap_or(u64::MAX);
        let result = if self.disk_full {
            Err("no space left on device".to_owned())
        } else {
            Ok(RecordingFacts {
                id,
                path: tape.row.full_path(),
                sha256: Some("00".repeat(32)),
                bytes: Some(44 + 8 * milliseconds * u64::from(tape.channels)),
                duration_ms: Some(milliseconds),
                channels: tape.channels,
                consent: None,
                url: None,
                removed: None,
            })
        };
        vec![(Duration::ZERO, Report::Tape(TapeDone { id, result }))]
    }

    /// A thread loses a leg to a fault of its own. Tells what it reports.
    pub fn lose(&mut self, now: Instant, leg: LegKey) -> Vec<(Duration, Report)> {
        if self.open.contains_key(&leg) {
            self.close(now, leg)
        } else {
            Vec::new()
        }
    }

    /// The recorder hears.
    pub fn tape(&mut self, now: Instant, message: TapeMessage) {
        if let TapeMessage::Begin { row, channels, .. } = message {
            let id = row.id;
            let before = self.tapes.insert(
                id,
                Tape {
                    row,
                    begun: now,
                    channels,
                },
            );
            assert!(before.is_none(), "recording {id} begins twice");
        }
    }

    /// Whether this is what plays; it is over then.
    pub fn finishes(&mut self, leg: LegKey, play: PlayId) -> bool {
        let is_current = self.playing.get(&leg) == Some(&play);
        if is_current {
            self.playing.remove(&leg);
        }
        is_current
    }
}

fn length(item: &Playable) -> Duration {
    match item {
        Playable::Prompt { .. } => Duration::from_secs(2),
        Playable::Text { .. } => Duration::from_secs(3),
        Playable::Message(_) => Duration::from_secs(4),
        Playable::Tone(Tone::Beep) => Duration::from_millis(500),
        Playable::Tone(Tone::Ringback) => Duration::from_secs(5),
        Playable::Tone(Tone::Comfort) => Duration::from_secs(2),
        Playable::Tone(Tone::Silence) => Duration::from_millis(200),
        Playable::Tone(Tone::Key(_)) => Duration::from_millis(100),
    }
}
