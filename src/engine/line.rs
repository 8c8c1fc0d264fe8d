use super::mailbox::Wanted;
use crate::call::Call;
use crate::media::Echo;
use crate::model::{
    CallKey, Codec, Dtmf, LegId, LegKey, MessageFacts, Quality, RecordingId, RecordingRow, TapeFormat,
    TrunkName,
};
use crate::sdp::{Agreed, Flowing, Negotiator};
use crate::sip::{Invitation, SessionId};
use std::net::IpAddr;
use std::time::Instant;

/// A live call with what the engine holds for it.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) key: CallKey,
    pub(super) call: Call,
    pub(super) lines: Vec<Line>,
    /// The legs that hear each other.
    pub(super) hearing: Vec<LegId>,
    /// A leg that has not been picked up and is heard by the party whose call it is.
    pub(super) hears_early: Option<LegId>,
    /// Whether they are mixed by order: then no packet of one passes to another.
    pub(super) mixes: bool,
    /// Whether the caller's voice is kept off the tape now.
    pub(super) keeps_secret: bool,
    /// Until when the journal's word is awaited; nothing once it came.
    pub(super) journal_due: Option<Instant>,
    /// The status an unanswered caller was told.
    pub(super) sip_code: Option<u16>,
    /// Referred-By of the REFER that the call was handed on with.
    pub(super) referred_by: Option<String>,
    /// The conversation beyond a trunk whose place the call takes that is handed on.
    pub(super) takes_place: Option<Beyond>,
    /// Recordings begun, the newest last.
    pub(super) recordings: Vec<RecordingRow>,
    /// How the newest of them lies in its file; nothing when there is none, because nobody can hear what is said.
    pub(super) taped_as: Option<TapeFormat>,
    /// For which box the next words are recorded.
    pub(super) wanted: Option<Wanted>,
    /// The message that was left.
    pub(super) voicemail: Option<MessageFacts>,
    /// Recordings begun that are not the call's own: greetings, and words thrown away.
    pub(super) aside: Vec<RecordingId>,
    /// Recordings completed before the call ended.
    pub(super) tapes_done: Vec<crate::model::TapeDone>,
    /// What was measured on legs that are gone.
    pub(super) qualities: Vec<(LegId, Option<Quality>)>,
    /// Whether it is a call for help: no limit stands in its way.
    pub(super) is_emergency: bool,
    /// Whether the caller does not want to be seen.
    pub(super) hides: bool,
    /// The last deadline handed to the queue.
    pub(super) hinted: Option<Instant>,
}

/// A conversation that only the far side of a trunk knows.
#[derive(Debug, Clone)]
pub(super) struct Beyond {
    pub(super) trunk: TrunkName,
    /// Its name, as the INVITE that takes its place tells it (RFC 3891).
    pub(super) replaces: String,
}

/// One leg's SIP session, media and port.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) leg: LegId,
    pub(super) session: SessionId,
    /// Our address towards this leg.
    pub(super) local: IpAddr,
    pub(super) port: u16,
    pub(super) negotiator: Negotiator,
    /// The answer to the caller's offer, until it is sent.
    pub(super) answer: Option<(Vec<u8>, Agreed)>,
    pub(super) agreed: Option<Agreed>,
    /// The SDP of a phone that sends sound before it is picked up, until the call has decided about it.
    pub(super) early: Option<Vec<u8>>,
    /// Our offer went to the caller before the answer.
    pub(super) offered_early: bool,
    /// Whether the RTP thread has the leg.
    pub(super) is_open: bool,
    /// Whether a 200 has gone to the caller or come from the phone.
    pub(super) is_up: bool,
    pub(super) is_held: bool,
    /// The trunk at the other end, where it is no phone of the house.
    pub(super) trunk: Option<TrunkName>,
    pub(super) plays: u32,
    /// How it was invited, while it may have to be invited again without encryption.
    pub(super) invitation: Option<Box<Invitation>>,
    /// It was picked up, and what it hears is still to be agreed on.
    pub(super) is_unsettled: bool,
    /// How keys are told to it and by it.
    pub(super) dtmf: Dtmf,
    /// Tells its presses from their echoes.
    pub(super) echo: Echo,
    /// It has told of a key by INFO.
    pub(super) tells_by_info: bool,
    /// It has been heard singing a key.
    pub(super) sings: bool,
    /// It does not take keys by INFO.
    pub(super) refuses_info: bool,
    /// What was measured so far.
    pub(super) quality: Option<Quality>,
}

impl Line {
    pub(super) fn new(
        leg: LegId,
        session: SessionId,
        local: IpAddr,
        port: u16,
        negotiator: Negotiator,
    ) -> Self {
        Self {
            leg,
            session,
            local,
            port,
            negotiator,
            answer: None,
            agreed: None,
            early: None,
            offered_early: false,
            is_open: false,
            is_up: false,
            is_held: false,
            trunk: None,
            plays: 0,
            invitation: None,
            is_unsettled: false,
            dtmf: Dtmf::Auto,
            echo: Echo::default(),
            tells_by_info: false,
            sings: false,
            refuses_info: false,
            quality: None,
        }
    }
}

impl Line {
    /// Whether whoever holds us still sends something, which is then music of theirs.
    pub(super) fn sends_while_it_holds(&self) -> bool {
        self.agreed
            .is_some_and(|agreed| agreed.flowing == Flowing::ReceiveOnly)
    }
}

impl Live {
    pub(super) fn line(&self, leg: LegId) -> Option<&Line> {
        self.lines.iter().find(|line| line.leg == leg)
    }

    pub(super) fn line_mut(&mut self, leg: LegId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.leg == leg)
    }

    /// How a recording of these legs lies in its file, by what they speak now; and the codec of all of them when it is
    /// one that nobody here can decode.
    pub(super) fn tape_format(&self, left: LegId, right: Option<LegId>) -> (TapeFormat, Option<Codec>) {
        let spoken = |leg: Option<LegId>| leg.and_then(|leg| self.line(leg)?.codec());
        let spoken = [spoken(Some(left)), spoken(right)];
        let spoken = || spoken.into_iter().flatten();
        let unheard = spoken().next().filter(|_| !spoken().any(Codec::is_decoded));
        (TapeFormat::of(spoken()), unheard)
    }

    pub(super) fn leg_key(&self, leg: LegId) -> LegKey {
        LegKey { call: self.key, leg }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match (self.call.next_deadline(), self.journal_due) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, None) | (None, one) => one,
        }
    }
}
