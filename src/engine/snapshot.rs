use crate::agents::AgentState;
use crate::model::{
    AgentId, CallId, Direction, FlowName, GroupName, Language, Number, Quality, RecordingId, Stamp, StepName,
    TrunkName,
};
use serde::Serialize;

/// One consistent look at everything that is going on, as the pages and `/api/v1/status` show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Stamp,
    /// `[site] name`.
    pub site: String,
    /// Seconds since the engine started.
    pub uptime_seconds: u64,
    /// Whether the wall clock can be believed.
    pub clock_synced: bool,
    /// Whether new calls are let in (false while draining or when the journal is behind).
    pub accepting_calls: bool,
    /// Live calls, oldest first.
    pub calls: Vec<CallView>,
    /// Registered contacts.
    pub registrations: Vec<RegistrationView>,
    /// Trunks in the order of the configuration.
    pub trunks: Vec<TrunkView>,
    /// Agents in the order of the configuration.
    pub agents: Vec<AgentView>,
    /// Groups in the order of the configuration.
    pub queues: Vec<QueueView>,
    /// Boxes that have held a message.
    pub mailboxes: Vec<MailboxView>,
    /// What phones watch now: lamps, messages, registrations.
    pub subscriptions: u32,
    /// Addresses that are shut out now, the latest first; a few hundred at most.
    pub bans: Vec<BanView>,
    /// RTP ports.
    pub ports: PortsView,
    /// Counts since start.
    pub counters: Counters,
    /// What is wrong now, worst first.
    pub alarms: Vec<Alarm>,
}

/// One live call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallView {
    /// Identity, as in the CDR.
    pub call_id: CallId,
    /// Which way it goes.
    pub direction: Direction,
    /// Who calls.
    pub caller_number: Number,
    /// The display name that was sent.
    pub caller_name: Option<String>,
    /// What was dialled.
    pub dialed_number: Number,
    /// By which trunk.
    pub trunk: Option<TrunkName>,
    /// `arriving`, `menu`, `ringing`, `talking`, `message` or `ending`.
    pub stage: &'static str,
    /// The flow and its current step.
    pub flow: Option<FlowName>,
    /// The current step of the flow.
    pub step: Option<StepName>,
    /// The language chosen.
    pub language: Option<Language>,
    /// The group being rung or that took the call.
    pub group: Option<GroupName>,
    /// Who talks.
    pub agent: Option<AgentId>,
    /// When it arrived.
    pub started_at: Stamp,
    /// When a person answered.
    pub answered_at: Option<Stamp>,
    /// Seconds since it arrived.
    pub seconds: u64,
    /// Whether either side holds the other.
    pub on_hold: bool,
    /// The recording under way.
    pub recording: Option<RecordingId>,
    /// Whether silence is recorded at present.
    pub recording_paused: bool,
    /// The legs that exist now.
    pub legs: Vec<LegView>,
}

/// One leg of a live call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegView {
    /// 0 is the caller.
    pub leg: u32,
    /// Whose phone.
    pub agent: Option<AgentId>,
    /// The number or address.
    pub number: String,
    /// `dialing`, `ringing`, `up` or `held`.
    pub state: &'static str,
    /// Seconds in this call.
    pub seconds: u64,
    /// How it sounds by now; `null` until the first few seconds are measured.
    pub quality: Option<Quality>,
}

/// One registered contact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegistrationView {
    /// User part of the address of record.
    pub extension: Number,
    /// The agent of that extension.
    pub agent: Option<AgentId>,
    /// Contact URI as registered.
    pub contact: String,
    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    pub transport: &'static str,
    /// Where its packets come from.
    pub address: String,
    /// What the phone calls itself.
    pub user_agent: Option<String>,
    /// Whether a router stands between it and the box.
    pub behind_router: bool,
    /// What stands between: `none`, `port` (a router changes the port), `router` (and the address), or `connection`
    /// (whatever it is, the phone keeps a stream open through it).
    pub nat: &'static str,
    /// `reachable`, `unreachable` when it did not answer OPTIONS, or `unknown` until it was asked.
    pub state: &'static str,
    /// Round trip of its last answer in milliseconds; `null` until measured.
    pub round_trip_ms: Option<f32>,
    /// Seconds until it expires.
    pub expires_seconds: u64,
}

/// One trunk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrunkView {
    /// Its name.
    pub name: TrunkName,
    /// Its host as configured.
    pub host: String,
    /// The address requests go to now; `null` until its name is found.
    pub address: Option<String>,
    /// `unknown` until a probe answered or was lost, then `up` or `down`.
    pub state: &'static str,
    /// Why it is down, in plain words.
    pub reason: Option<String>,
    /// Since when it is up or down.
    pub since: Option<Stamp>,
    /// Our registration there: `none` when none is wanted, `unknown`, `registered` or `refused`.
    pub registration: &'static str,
    /// The status of the refusal; 408 when it never answered.
    pub registration_status: Option<u16>,
    /// Since when the registration is as it is.
    pub registration_since: Option<Stamp>,
    /// Round trip of the last OPTIONS in milliseconds; `null` until measured.
    pub round_trip_ms: Option<f32>,
    /// Calls on it now.
    pub calls: u32,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentView {
    /// Identity.
    pub id: AgentId,
    /// Name for people.
    pub name: String,
    /// Extension, number or address.
    pub number: String,
    /// Groups the agent serves.
    pub groups: Vec<GroupName>,
    /// State now.
    pub state: AgentState,
    /// Why on a break.
    pub reason: Option<String>,
    /// Seconds in this state.
    pub seconds: u64,
    /// Calls answered since start.
    pub answered: u64,
    /// Rounds of ringing missed since start.
    pub missed: u64,
}

/// One group with those who wait for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueView {
    /// The group.
    pub group: GroupName,
    /// Agents who could take a call now.
    pub free_agents: u32,
    /// Callers whose call rings this group now.
    pub waiting: u32,
    /// Longest of them, in seconds.
    pub longest_wait_seconds: u64,
}

/// One box for messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailboxView {
    /// `house`, `group:NAME` or `agent:ID`.
    pub mailbox: String,
    /// Not listened to yet.
    pub new: u32,
    /// Listened to and kept.
    pub old: u32,
}

/// One address that is shut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BanView {
    /// Which: an IPv4 address, or an IPv6 network with `/64` behind it.
    pub address: String,
    /// Why, as a word: `wrong_passwords`.
    pub reason: &'static str,
    /// Whose password was tried last.
    pub user: Number,
    /// Since when.
    pub since: Stamp,
    /// Until when.
    pub until: Stamp,
    /// Seconds left.
    pub seconds: u64,
    /// Packets dropped so far.
    pub dropped: u64,
}

/// RTP port pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PortsView {
    /// Pairs in use.
    pub used: u32,
    /// Pairs in the configured range.
    pub total: u32,
}

/// What the engine holds for calls and messages under way. Everything is 0 when nothing goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Load {
    /// Live calls, and ended ones whose record waits for its last facts.
    pub calls: usize,
    /// SIP transactions.
    pub transactions: usize,
    /// SIP dialogs.
    pub sessions: usize,
    /// RTP port pairs.
    pub ports: usize,
}

/// Counts since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls that arrived.
    pub calls: u64,
    /// Calls a person answered.
    pub answered: u64,
    /// Calls refused because the box was full or draining.
    pub refused: u64,
    /// SIP messages received.
    pub sip_received: u64,
    /// SIP messages sent, retransmissions included.
    pub sip_sent: u64,
    /// SIP messages that could not be parsed.
    pub sip_malformed: u64,
    /// Requests with wrong credentials.
    pub auth_failed: u64,
    /// SIP packets that the guard dropped: too many of one address, of an address that is shut out, of a scanner.
    pub sip_dropped: u64,
    /// Requests inside a call from an address that has no part in it.
    pub sip_strangers: u64,
    /// Addresses shut out.
    pub bans: u64,
    /// RTP packets dropped because they came from an address the SDP did not name.
    pub rtp_strangers: u64,
    /// Packets of encrypted calls that ended, left out because their protection was not right.
    pub rtp_rejected: u64,
}

/// Something a technician should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// How bad.
    pub severity: Severity,
    /// A stable word such as `journal_behind`.
    pub code: &'static str,
    /// What is wrong and what to do, in plain words.
    pub text: String,
}

/// How bad an [`Alarm`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Calls or records are at stake.
    Critical,
    /// Worth a look today.
    Warning,
}
