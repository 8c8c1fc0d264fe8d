use super::legs::Leg;
use super::ration::REPORTS;
use super::sockets::Pair;
use super::traffic::{RTCP, RTP, token};
use super::worker::Worker;
use crate::media::{Found, MediaEvent, MediaOrder, Piece, Session, Tape};
use crate::model::{LegKey, Playable, RecordingId, TapeFormat};
use mio::Interest;
use std::time::Instant;

/// The channel of the caller.
const LEFT: usize = 0;
/// The channel of the agent.
const RIGHT: usize = 1;

impl Worker {
    /// Carries out one order. An order for a leg that is no more is late, not wrong.
    pub(super) fn carry_out(&mut self, now: Instant, order: MediaOrder) {
        match order {
            MediaOrder::Start { leg, agreed } => {
                self.with(leg, |leg| leg.session.start(now, agreed));
                if let Some(place) = self.legs.place(leg) {
                    self.settle(now, place);
                }
            }
            MediaOrder::Play {
                leg,
                play,
                items,
                repeat,
            } => {
                self.at_hand = self.legs.place(leg);
                let pieces = items.into_iter().filter_map(|item| self.piece(item)).collect();
                self.with(leg, |leg| leg.session.play(play, pieces, repeat));
                self.join_playout(now, leg);
            }
            MediaOrder::StopPlaying { leg } => self.with(leg, |leg| leg.session.stop_playing()),
            MediaOrder::Bridge { a, b } => self.bridge(now, a, b),
            MediaOrder::Mix { call, parties } => self.mix(now, call, &parties),
            MediaOrder::Unbridge { leg } => self.unbridge(now, leg),
            MediaOrder::Record {
                left,
                right,
                id,
                format,
            } => self.record(now, left, right, id, format),
            MediaOrder::StopRecording { leg } => self.stop_recording(now, leg),
            MediaOrder::PauseRecording { leg } => self.pause_recording(now, leg, true),
            MediaOrder::ResumeRecording { leg } => self.pause_recording(now, leg, false),
            MediaOrder::WatchSilence { leg, after } => {
                self.with(leg, |leg| leg.session.watch_silence(now, after));
                self.sweep_soon(now);
            }
            MediaOrder::SendDigit { leg, digit } => {
                self.with(leg, |leg| leg.session.press(now, digit));
                self.join_playout(now, leg);
            }
            MediaOrder::KeepSecret { leg, secret } => self.with(leg, |leg| leg.is_secret = secret),
            MediaOrder::Close { leg } => self.close(now, leg),
            // The handle opens the sockets itself, moves legs itself, and sends jobs for both.
            MediaOrder::Open { .. } | MediaOrder::Move { .. } => {}
        }
    }

    /// Takes a leg in.
    pub(super) fn open(&mut self, now: Instant, key: LegKey, sockets: Pair) {
        if self.legs.place(key).is_some() {
            tracing::warn!(leg = %key, "Leg {key} was opened twice; the first is closed.");
            self.close(now, key);
        }
        let session = Session::new(now, &mut self.dice);
        self.take(now, key, session, sockets);
    }

    /// Parts with a leg: it is to live elsewhere, on without a gap.
    pub(super) fn give_up(&mut self, now: Instant, key: LegKey) -> Option<(Session, Pair)> {
        let place = self.legs.place(key)?;
        self.end_tape_of(now, place);
        self.unbridge(now, key);
        let mut leg = self.legs.remove(place)?;
        if let Some(phase) = leg.phase {
            self.playout.leave(phase, place);
        }
        leg.session.stop_playing();
        let registry = self.poll.registry();
        let reports = (!leg.is_flooded()).then_some(&mut leg.sockets.rtcp);
        for socket in [Some(&mut leg.sockets.rtp), reports].into_iter().flatten() {
            if let Err(error) = registry.deregister(socket) {
                tracing::warn!(%error, "A socket of leg {key} could not be let go: {error}.");
            }
        }
        Some((leg.session, leg.sockets))
    }

    /// Takes a leg in with what it has lived through.
    pub(super) fn take(&mut self, now: Instant, key: LegKey, session: Session, sockets: Pair) {
        let place = self.legs.insert(Leg {
            key,
            session,
            sockets,
            peer: None,
            mixer: None,
            tape: None,
            guest_on: None,
            is_secret: false,
            phase: None,
            reports_left: REPORTS,
        });
        self.sweep_soon(now);
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        let registry = self.poll.registry();
        let registered = registry
            .register(&mut leg.sockets.rtp, token(place, RTP), Interest::READABLE)
            .and_then(|()| registry.register(&mut leg.sockets.rtcp, token(place, RTCP), Interest::READABLE));
        if let Err(error) = registered {
            self.legs.remove(place);
            self.outbox.say(MediaEvent::OpenFailed {
                leg: key,
                reason: error.to_string(),
            });
        }
    }

    /// Lets a leg go, with all that depends on it.
    pub(super) fn close(&mut self, now: Instant, key: LegKey) {
        let place = self.legs.place(key);
        if let Some(place) = place {
            self.leave_tape(now, place);
            self.unbridge(now, key);
            self.say_goodbye(now, place);
        }
        let Some(leg) = place.and_then(|place| self.legs.remove(place)) else {
            self.outbox.say(MediaEvent::Closed {
                leg: key,
                quality: None,
                strangers: 0,
            });
            return;
        };
        if let (Some(phase), Some(place)) = (leg.phase, place) {
            self.playout.leave(phase, place);
        }
        let (quality, strangers) = (leg.session.quality(), leg.session.strangers());
        // The ports are free before the engine hears that they are.
        drop(leg);
        self.publish();
        self.outbox.say(MediaEvent::Closed {
            leg: key,
            quality,
            strangers,
        });
    }

    fn with(&mut self, key: LegKey, change: impl FnOnce(&mut Leg)) {
        let leg = self.legs.place(key).and_then(|place| self.legs.get_mut(place));
        match leg {
            Some(leg) => change(leg),
            None => tracing::debug!(leg = %key, "Leg {key} is no more; its order is late."),
        }
    }

    fn join_playout(&mut self, now: Instant, key: LegKey) {
        let Some(place) = self.legs.place(key) else {
            return;
        };
        if let Some(leg) = self.legs.get_mut(place).filter(|leg| leg.phase.is_none()) {
            leg.phase = Some(self.playout.join(now, place));
        }
    }

    /// What is to be played for an item; none when there is no such sound.
    fn piece(&mut self, item: Playable) -> Option<Piece> {
        match self.find(&item) {
            Found::Ready(sound) => Some(Piece::Ready(sound)),
            Found::Later => Some(Piece::Awaited(item)),
            Found::Missing => None,
        }
    }

    /// Asks the library; a tone it does not have is generated.
    pub(super) fn find(&mut self, playable: &Playable) -> Found {
        let found = self.library.find(playable);
        match (&found, playable) {
            (Found::Missing, Playable::Tone(tone)) => Found::Ready(self.tones.get(*tone)),
            (Found::Missing, Playable::Prompt { .. } | Playable::Text { .. } | Playable::Message(_)) => {
                self.counts.sounds_missing += 1;
                tracing::warn!(?playable, "A sound is missing and is skipped: {playable:?}.");
                found
            }
            (Found::Ready(_) | Found::Later, _) => found,
        }
    }

    /// Starts a tape, or gives a running one of the same recording other sides.
    fn record(
        &mut self,
        now: Instant,
        left: LegKey,
        right: Option<LegKey>,
        id: RecordingId,
        format: TapeFormat,
    ) {
        let Some(at_left) = self.legs.place(left) else {
            // The recorder was told to begin; it is waiting for an end.
            self.taping.end_recording(id);
            return;
        };
        let at_right = right
            .and_then(|right| self.legs.place(right))
            .filter(|place| *place != at_left);
        let of_left = self.tape_of(at_left);
        let of_right = at_right.and_then(|place| self.tape_of(place));
        let is_it = |tape: &usize| self.taping.id(*tape) == Some(id);
        let running = of_left.filter(is_it).or_else(|| of_right.filter(is_it));
        let tape = running.unwrap_or_else(|| {
            self.end_tape_of(now, at_left);
            let channels = 1 + u8::from(right.is_some());
            self.taping.begin(now, Tape::new(now, id, format, channels))
        });
        if self.side_of(at_left) != Some((tape, LEFT)) {
            self.forget_channel(tape, LEFT);
        }
        self.listen(now, at_left, tape, LEFT);
        self.forget_channel(tape, RIGHT);
        if let Some(at_right) = at_right {
            self.listen(now, at_right, tape, RIGHT);
        }
        self.tape_guests(left.call);
    }

    fn side_of(&mut self, place: usize) -> Option<(usize, usize)> {
        self.legs.get_mut(place)?.tape
    }

    fn tape_of(&mut self, place: usize) -> Option<usize> {
        self.legs.get_mut(place)?.tape.map(|(tape, _)| tape)
    }

    fn listen(&mut self, now: Instant, place: usize, tape: usize, channel: usize) {
        if self.tape_of(place).is_some_and(|other| other != tape) {
            self.end_tape_of(now, place);
        }
        if let Some(leg) = self.legs.get_mut(place) {
            leg.tape = Some((tape, channel));
        }
    }

    fn forget_channel(&mut self, tape: usize, channel: usize) {
        for leg in self
            .legs
            .iter_mut()
            .filter(|leg| leg.tape == Some((tape, channel)))
        {
            leg.tape = None;
        }
        self.taping.change_leg(tape, channel);
    }

    /// A leg is heard on its tape no more; the tape ends with its last side.
    fn leave_tape(&mut self, now: Instant, place: usize) {
        let Some((tape, channel)) = self.side_of(place) else {
            return;
        };
        let on_it = |leg: &&mut Leg| leg.tape.is_some_and(|(listening, _)| listening == tape);
        if self.legs.iter_mut().filter(on_it).count() > 1 {
            self.forget_channel(tape, channel);
        } else {
            self.end_tape_of(now, place);
        }
    }

    fn stop_recording(&mut self, now: Instant, left: LegKey) {
        if let Some(place) = self.legs.place(left) {
            self.end_tape_of(now, place);
        }
    }

    fn pause_recording(&mut self, now: Instant, left: LegKey, pauses: bool) {
        if let Some(tape) = self.legs.place(left).and_then(|place| self.tape_of(place)) {
            self.taping.pause(now, tape, pauses);
        }
    }

    /// Ends the tape a leg takes part in, for both sides.
    fn end_tape_of(&mut self, now: Instant, place: usize) {
        let Some(tape) = self.tape_of(place) else {
            return;
        };
        for leg in self
            .legs
            .iter_mut()
            .filter(|leg| leg.tape.is_some_and(|(listening, _)| listening == tape))
        {
            leg.tape = None;
        }
        for leg in self.legs.iter_mut().filter(|leg| leg.guest_on == Some(tape)) {
            leg.guest_on = None;
        }
        self.taping.end(now, tape);
    }
}
