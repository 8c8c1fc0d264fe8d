use super::BoxBook;
use crate::agents::{Agent, Group};
use crate::ivr::Flow;
use crate::model::{Codec, Dtmf, FlowName, Language, Number, PromptName, RecordingRules, TrunkName};
use crate::routing::Plan;
use crate::sdp::Srtp;
use crate::sip;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What the engine has to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[site] name`.
    pub site: String,
    /// `[site] timezone`.
    pub zone: TimeZone,
    /// `[site] languages`, the first one spoken unless the caller chooses.
    pub languages: Arc<[Language]>,
    /// Who may speak SIP with us, and as whom.
    pub sip: sip::Settings,
    /// Codecs in the order of preference.
    pub codecs: Vec<Codec>,
    /// The address that SDP names, where a router in front of the box maps it one to one.
    pub advertised: Option<IpAddr>,
    /// First and last RTP port.
    pub rtp_ports: (u16, u16),
    /// Whether callers hear our ringing tone before they are answered.
    pub early_ringback: bool,
    /// What callers hear who wait, unless their group has music of its own; nothing for silence.
    pub music_on_hold: Option<PromptName>,
    /// Which conversations are recorded unless a number says otherwise.
    pub record: Arc<RecordingRules>,
    /// Agents in order.
    pub agents: Vec<Agent>,
    /// Groups in order.
    pub groups: Vec<Group>,
    /// Numbers.
    pub plan: Plan,
    /// Flows by name.
    pub flows: BTreeMap<FlowName, Arc<Flow>>,
    /// What calls by each trunk keep to.
    pub trunks: BTreeMap<TrunkName, TrunkRules>,
    /// The rules of message boxes.
    pub voicemail: BoxBook,
    /// Whose voice is encrypted.
    pub encryption: Encryption,
    /// Calls at once; a further one is answered 503.
    pub most_calls: usize,
}

/// What calls by a trunk keep to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrunkRules {
    /// Its codecs in the order of preference; the site's when empty.
    pub codecs: Vec<Codec>,
    /// How keys are told.
    pub dtmf: Dtmf,
    /// Calls at once, both ways; no limit when nothing is written.
    pub most_calls: Option<usize>,
    /// Whether its voice is encrypted; as everybody's when nothing is written.
    pub srtp: Option<Srtp>,
    /// Whether a router hides where its voice comes from; what its SDP shows decides when nothing is said.
    pub nat: Option<bool>,
}

/// Whose voice is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encryption {
    /// Everybody's, unless another wish is written for a trunk or an agent.
    pub srtp: Srtp,
    /// Whether keys may travel in SIP that others can read.
    pub over_plain_sip: bool,
    /// Whether crypto lines count in a plain stream as well.
    pub best_effort: bool,
    /// Of phones that register here, by extension.
    pub phones: BTreeMap<Number, Srtp>,
    /// Of phones at fixed addresses, by their URI.
    pub contacts: BTreeMap<String, Srtp>,
}
