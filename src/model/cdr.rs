use super::{
    AgentId, CallId, Codec, Diverted, FlowName, GroupName, Language, Mailbox, Number, RecordingId, SrtpSuite,
    Stamp, StepName, Transcript, TrunkName,
};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// The call detail record: what INTERFACES.md promises to upstream systems, field by field.
///
/// Durations are whole milliseconds of the monotonic clock. A value that was not measured is `null`.
/// `seq` and the row's place belong to the store; everything else is written by `call` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cdr {
    /// Identity of the record; the same value as `call_id`.
    pub cdr_id: CallId,
    /// Identity of the call.
    pub call_id: CallId,
    /// 1 for the first record of a call; each later change is a new row with the next number.
    pub version: u32,
    /// Whether the call has ended.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// `[site] name`.
    pub site: String,
    /// Which way the call went.
    pub direction: Direction,
    /// Who called.
    pub caller_number: Number,
    /// The caller's display name, when one was sent.
    pub caller_name: Option<String>,
    /// What the caller dialled.
    pub dialed_number: Number,
    /// Who answered in the end: an agent's extension or number.
    pub callee_number: Option<Number>,
    /// The number shown to the callee, when the call left through a trunk.
    pub outbound_caller_id: Option<Number>,
    /// Who forwarded the call before it came to us, the last one first; left out when nobody did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diverted: Vec<Diverted>,
    /// When the INVITE arrived.
    pub started_at: Stamp,
    /// When a phone first rang.
    pub ringing_at: Option<Stamp>,
    /// When a person answered.
    pub answered_at: Option<Stamp>,
    /// When the call ended.
    pub ended_at: Option<Stamp>,
    /// Whether the wall times can be believed (durations always can).
    pub clock_synced: bool,
    /// From arrival to end.
    pub duration_ms: u64,
    /// From a person's answer to the end, hold included.
    pub talk_ms: u64,
    /// How long phones rang.
    pub ring_ms: u64,
    /// From arrival until a person answered or the call ended.
    pub wait_ms: u64,
    /// How long either side held the other.
    pub hold_ms: u64,
    /// How it went.
    pub status: Status,
    /// The SIP status that ended the caller's leg, when it was refused.
    pub sip_code: Option<u16>,
    /// The ITU-T Q.850 cause of the end.
    pub q850: Option<u8>,
    /// Who ended it.
    pub hangup_by: HangupBy,
    /// A short machine-readable word for an unusual end, such as `interrupted` or `no_media`.
    pub cause: Option<String>,
    /// Who took the call.
    pub agent: Option<AgentId>,
    /// The group that was rung last.
    pub group: Option<GroupName>,
    /// The flow the caller walked through.
    pub flow: Option<FlowName>,
    /// The steps in the order they were entered.
    pub stages: Vec<StepName>,
    /// Every key the caller pressed, in order.
    pub digits: String,
    /// Values that `gather` and `set` steps stored.
    pub collected: BTreeMap<String, String>,
    /// The language chosen.
    pub language: Option<Language>,
    /// The conversation's recording, or the voicemail message.
    pub recording: Option<RecordingFacts>,
    /// What was recorded before `recording`, the oldest first, when recording was begun more than once; left out when it
    /// was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_recordings: Vec<RecordingFacts>,
    /// The message that was left; left out when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voicemail: Option<MessageFacts>,
    /// The trunk the call came in by (or left by).
    pub trunk: Option<TrunkName>,
    /// Every leg, the caller's first.
    pub legs: Vec<LegRecord>,
    /// How the call was handed on, in order; left out when it was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<TransferRecord>,
    /// The customer, when a connector found one.
    pub customer: Option<serde_json::Value>,
    /// The order, when a connector found one.
    pub order: Option<serde_json::Value>,
    /// Notes people wrote.
    pub notes: Vec<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Call-ID of the caller's leg, by which a PBX that saw the same call may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip_call_id: Option<String>,
    /// Whose record this is, when a PBX beside us wrote it; left out for the calls of this box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ForeignRecord>,
    /// The PBX's record of the same call, once it was fetched and recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<ForeignRecord>,
}

impl Cdr {
    /// What is known of one of its recordings.
    pub fn recording_mut(&mut self, id: RecordingId) -> Option<&mut RecordingFacts> {
        let all = self.recording.iter_mut().chain(&mut self.earlier_recordings);
        all.into_iter().find(|facts| facts.id == id)
    }
}

/// A message that was left in the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFacts {
    /// Its identity for `GET /api/v1/messages/{id}`.
    pub id: RecordingId,
    /// The box it lies in.
    pub mailbox: Mailbox,
    /// Whether the caller said that it cannot wait.
    pub urgent: bool,
    /// What it says, once somebody has written it down; the record has a further version then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Transcript>,
}

/// A record of another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignRecord {
    /// The name of the source it was fetched from.
    pub source: String,
    /// Its identity there.
    pub external_id: String,
}

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a trunk to us.
    Inbound,
    /// From a phone through a trunk.
    Outbound,
    /// From a phone to a phone or a menu here.
    Internal,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// A person answered, or the menu did its whole job.
    Answer,
    /// The caller gave up.
    Canceled,
    /// Every phone was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// It could not be served.
    Failed,
    /// The caller left a message.
    Voicemail,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "ANSWER",
            Self::Canceled => "CANCELED",
            Self::Busy => "BUSY",
            Self::NoAnswer => "NO_ANSWER",
            Self::Failed => "FAILED",
            Self::Voicemail => "VOICEMAIL",
        }
    }
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangupBy {
    /// The side that called.
    Caller,
    /// The side that was called.
    Callee,
    /// The box: a time limit, an end step, a technician, a restart.
    System,
}

/// How a call was handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// Without asking first.
    Blind,
    /// After the two had spoken.
    Attended,
}

/// One time that a call was handed on, as it goes into the CDR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRecord {
    /// When it was asked for.
    pub at: Stamp,
    /// In which way.
    pub kind: TransferKind,
    /// The leg that asked.
    pub by_leg: u32,
    /// Whose phone that is, when it is one of ours.
    pub by: Option<AgentId>,
    /// The number that was asked for.
    pub to: String,
    /// The leg that took the call, once one has.
    pub leg: Option<u32>,
    /// `answered`, `menu`, `no_answer`, `busy`, `unreachable`, `returned` when it went back to the one who asked, or
    /// `abandoned` when the call ended before.
    pub result: String,
}

/// What a leg was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegRole {
    /// The side that called.
    Caller,
    /// A phone that was rung.
    Agent,
    /// Somebody who listened, whispered or barged in.
    Supervisor,
    /// A third party.
    Guest,
}

/// One leg of a call, as it goes into the CDR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegRecord {
    /// 0 is the caller.
    pub leg: u32,
    /// What it was for.
    pub role: LegRole,
    /// Whose phone.
    pub agent: Option<AgentId>,
    /// The number or address.
    pub number: String,
    /// Which round of ringing, from 1; 0 for the caller.
    pub attempt: u32,
    /// When the INVITE went out (or came in).
    pub invited_at: Stamp,
    /// When it began to ring.
    pub ringing_at: Option<Stamp>,
    /// When it answered.
    pub answered_at: Option<Stamp>,
    /// When it ended.
    pub ended_at: Option<Stamp>,
    /// `answered`, `answered_elsewhere`, `busy`, `declined`, `no_answer`, `unreachable`, `redirected`, `canceled` or `failed`.
    pub result: String,
    /// The SIP status of a refusal.
    pub sip_code: Option<u16>,
    /// Quality of the media, both directions; `null` when none was measured.
    pub quality: Option<Quality>,
}

/// Measured quality of what the box received on a leg. A value that could not be measured is `null`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Mean opinion score by the E-model (ITU-T G.107), 1.0–4.5.
    #[serde(serialize_with = "in_thousandths")]
    pub mos: Option<f32>,
    /// Packets that never came, in percent.
    #[serde(serialize_with = "in_thousandths")]
    pub loss_percent: Option<f32>,
    /// Interarrival jitter (RFC 3550 §6.4.1) in milliseconds, the last value.
    #[serde(serialize_with = "in_thousandths")]
    pub jitter_ms: Option<f32>,
    /// Round trip by RTCP (RFC 3550 §6.4.1) in milliseconds, the mean.
    #[serde(serialize_with = "in_thousandths")]
    pub rtt_ms: Option<f32>,
    /// The codec received.
    pub codec: Option<Codec>,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Packets that never came.
    #[serde(default)]
    pub packets_lost: Option<u64>,
    /// The mean length of a run of lost packets, in packets; `null` when none was lost.
    #[serde(default, serialize_with = "in_thousandths")]
    pub burst_packets: Option<f32>,
    /// The longest hole that lost packets left, in milliseconds of sound.
    #[serde(default)]
    pub worst_gap_ms: Option<u32>,
    /// How the other side hears the box, as it reports; `null` when it does not.
    #[serde(default)]
    pub there: Option<QualityThere>,
    /// Packets that were left out because their protection was not right: the wrong tag, a repetition, or none at all.
    /// Left out when there were none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub packets_rejected: u64,
    /// How the leg's voice was encrypted; left out when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srtp: Option<SrtpSuite>,
}

/// What was measured is written with three places at most: what follows them was never measured.
fn in_thousandths<S: Serializer>(measured: &Option<f32>, serializer: S) -> Result<S::Ok, S::Error> {
    measured
        .map(|value| (f64::from(value) * 1000.0).round() / 1000.0)
        .serialize(serializer)
}

/// Whether nothing was counted.
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Quality of what the box sends on a leg, as the peer reports it by RTCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct QualityThere {
    /// Mean opinion score by the E-model (ITU-T G.107), 1.0–4.5.
    #[serde(serialize_with = "in_thousandths")]
    pub mos: Option<f32>,
    /// Packets that never came there, in percent.
    #[serde(serialize_with = "in_thousandths")]
    pub loss_percent: Option<f32>,
    /// Interarrival jitter there in milliseconds, the last value.
    #[serde(serialize_with = "in_thousandths")]
    pub jitter_ms: Option<f32>,
}

/// What is known of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingFacts {
    /// Identity for `GET /api/v1/recordings/{id}`.
    pub id: RecordingId,
    /// Path below the data directory (or the recordings directory), with `/`; empty, and left out, once the file is no
    /// longer on this box.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// SHA-256 of the file, hexadecimal; `null` until the file is complete.
    pub sha256: Option<String>,
    /// Size of the file; `null` until the file is complete.
    pub bytes: Option<u64>,
    /// Length of the audio; `null` until the file is complete.
    pub duration_ms: Option<u64>,
    /// 2 for a conversation (left caller, right agent), 1 for a message.
    pub channels: u8,
    /// What was said or pressed about consent, when the flow asked.
    pub consent: Option<ConsentMark>,
    /// Where a verified copy lies, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When and why the file left this box, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<RemovedMark>,
}

impl RecordingFacts {
    /// Where it is to be found: its path while the file is on this box, else the address of its copy; nothing when it is
    /// gone.
    pub fn place(&self) -> Option<&str> {
        match self.path.as_str() {
            "" => self.url.as_deref(),
            path => Some(path),
        }
    }
}

/// The file of a recording is no longer on this box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedMark {
    /// When it went.
    pub at: Stamp,
    /// The rule that took it, as the configuration writes it: `recording.retention_days`.
    pub rule: String,
}

/// Whether the caller agreed to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentMark {
    /// An announcement was played to its end.
    Announced,
    /// The caller pressed the key that agrees.
    Given,
    /// The caller refused.
    Refused,
}
