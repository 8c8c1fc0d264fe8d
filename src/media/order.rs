use super::keys::KeyPath;
use crate::model::{CallKey, Digit, LegKey, Part, Playable, Quality, RecordingId, TapeFormat};
use crate::sdp::Agreed;
use std::net::IpAddr;
use std::time::Duration;

/// Names one `Play` order, so that a late `PlayFinished` of an earlier one is not mistaken for this one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayId(pub u32);

/// What the engine asks of the RTP threads. Orders for one leg are carried out in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaOrder {
    /// Open the leg's sockets: RTP on `port` (even), RTCP on `port + 1`. Answered only on failure.
    Open {
        /// The leg.
        leg: LegKey,
        /// The address that the SDP names, so that packets leave from it.
        local: IpAddr,
        /// The even port.
        port: u16,
    },
    /// Offer and answer are complete; may come again after a re-INVITE. Nothing from any other address is
    /// accepted and nothing is sent anywhere else.
    Start {
        /// The leg.
        leg: LegKey,
        /// What both sides agreed on.
        agreed: Agreed,
    },
    /// Play these one after the other and then say `PlayFinished`; cuts what plays now.
    Play {
        /// Who hears it.
        leg: LegKey,
        /// Which order this is.
        play: PlayId,
        /// What to play.
        items: Vec<Playable>,
        /// Start again at the end, for ever.
        repeat: bool,
    },
    /// Stop what plays; no `PlayFinished` follows.
    StopPlaying {
        /// The leg.
        leg: LegKey,
    },
    /// Let two legs hear each other; stops what plays on either. Packets are relayed where they can be passed on as
    /// they are, and decoded, mixed and encoded where not.
    Bridge {
        /// One leg.
        a: LegKey,
        /// The other.
        b: LegKey,
    },
    /// Let these legs of a call hear each other as their parts say, and no other leg of it. Given again in full
    /// whenever somebody comes, goes or changes their part; stops what plays on whoever comes.
    Mix {
        /// The call.
        call: CallKey,
        /// Who takes part, and how.
        parties: Vec<(LegKey, Part<LegKey>)>,
    },
    /// Stop relaying from and to this leg; any others go on without it.
    Unbridge {
        /// Either leg of the bridge.
        leg: LegKey,
    },
    /// Copy the audio to the recorder: what `left` sends on the left channel, what `right` sends on the right.
    /// Without `right`, one channel.
    Record {
        /// The caller's leg.
        left: LegKey,
        /// The agent's leg.
        right: Option<LegKey>,
        /// Which recording.
        id: RecordingId,
        /// How it lies in the file.
        format: TapeFormat,
    },
    /// End the recording this leg is the left side of.
    StopRecording {
        /// The caller's leg.
        leg: LegKey,
    },
    /// Write silence of the same length to the tape this leg is the left side of, on both channels.
    PauseRecording {
        /// The caller's leg.
        leg: LegKey,
    },
    /// Write voices again.
    ResumeRecording {
        /// The caller's leg.
        leg: LegKey,
    },
    /// Say `FellSilent` once the leg has sent nothing louder than a whisper for `after`; `None` ends the watch.
    WatchSilence {
        /// The leg.
        leg: LegKey,
        /// How long.
        after: Option<Duration>,
    },
    /// Tell this leg's peer of a key: by telephone-event where it takes them, else by a tone. Keys are told one after
    /// the other, each for 100 ms with 100 ms of pause.
    SendDigit {
        /// Who is told.
        leg: LegKey,
        /// Which key.
        digit: Digit,
    },
    /// Keep what this leg says out of its recording (silence takes its place), or let it in again.
    KeepSecret {
        /// Whose voice and keys.
        leg: LegKey,
        /// Whether they are nobody's business.
        secret: bool,
    },
    /// A leg becomes a leg of another call, with its sockets and what was agreed. Ends its bridge and its tape.
    Move {
        /// What it was.
        from: LegKey,
        /// What it is from now on.
        to: LegKey,
    },
    /// Close the sockets and say `Closed`. A recording goes on while its other side is there.
    Close {
        /// The leg.
        leg: LegKey,
    },
}

/// What the RTP threads tell the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// The port could not be opened; the cause is in plain words.
    OpenFailed {
        /// The leg.
        leg: LegKey,
        /// Why.
        reason: String,
    },
    /// The order has been heard to its end.
    PlayFinished {
        /// The leg.
        leg: LegKey,
        /// Which order.
        play: PlayId,
    },
    /// A key was pressed: one event a press, however many packets told of it.
    DigitPressed {
        /// The leg.
        leg: LegKey,
        /// Which key.
        digit: Digit,
        /// How it was told.
        path: KeyPath,
    },
    /// The silence that `WatchSilence` asked about.
    FellSilent {
        /// The leg.
        leg: LegKey,
    },
    /// Nothing has been received for the RTP time-out, and the leg is not on hold.
    WentDead {
        /// The leg.
        leg: LegKey,
    },
    /// How a leg sounds by now; comes every few seconds.
    Measured {
        /// The leg.
        leg: LegKey,
        /// What was measured so far.
        quality: Quality,
    },
    /// The sockets are closed, the port may be given out again.
    Closed {
        /// The leg.
        leg: LegKey,
        /// What was measured; `None` when no packet came.
        quality: Option<Quality>,
        /// Packets dropped because they came from an address the SDP did not name.
        strangers: u64,
    },
}
