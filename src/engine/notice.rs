use crate::model::{AgentId, CallId, Number, TrunkName};
use crate::sip::Outage;
use crate::sip::guard::Source;
use std::fmt;
use std::net::SocketAddr;

/// Something worth a line in the day's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A call arrived.
    CallArrived {
        /// Which.
        call: CallId,
        /// What was dialled.
        dialed: Number,
    },
    /// An agent took a call.
    CallAnswered {
        /// Which.
        call: CallId,
        /// Who.
        agent: AgentId,
    },
    /// A call was handed on to another phone, or into a menu.
    CallTransferred {
        /// Which.
        call: CallId,
        /// Who handed it on, when it is an agent.
        by: Option<AgentId>,
        /// The number asked for.
        to: Number,
        /// Who took it.
        agent: Option<AgentId>,
    },
    /// A call ended.
    CallEnded {
        /// Which.
        call: CallId,
        /// `ANSWER`, `NO_ANSWER` and so on.
        status: String,
        /// How long it lasted.
        duration_ms: u64,
    },
    /// A call was turned away before it began.
    CallRefused {
        /// What was dialled.
        dialed: Number,
        /// With which status.
        status: u16,
        /// Why.
        reason: &'static str,
    },
    /// A phone registered.
    PhoneRegistered {
        /// Its extension.
        extension: Number,
        /// From where.
        address: String,
    },
    /// A phone is gone.
    PhoneGone {
        /// Its extension.
        extension: Number,
    },
    /// A phone stopped answering, or answers again.
    PhoneChanged {
        /// Its extension.
        extension: Number,
        /// Whether it answers.
        answers: bool,
    },
    /// A trunk answers, or stopped answering.
    TrunkChanged {
        /// Which.
        trunk: TrunkName,
        /// What is wrong; nothing when it answers.
        outage: Option<Outage>,
    },
    /// A trunk registered us, or refused to.
    TrunkRegistration {
        /// Which.
        trunk: TrunkName,
        /// The status of the refusal; 408 when it never answered.
        refused: Option<u16>,
    },
    /// An RTP port could not be opened.
    PortFailed {
        /// What the system said.
        reason: String,
    },
    /// A recording could not be written.
    RecordingFailed {
        /// Of which call.
        call: CallId,
        /// Why.
        reason: String,
    },
    /// The journal did not confirm a call in time; the call goes on.
    JournalLate {
        /// Which.
        call: CallId,
    },
    /// An address was shut out for guessing at passwords.
    AddressBanned {
        /// Which.
        source: Source,
        /// Whose password was tried last.
        user: Number,
        /// For how long.
        minutes: u64,
    },
    /// A person let an address in again.
    BanLifted {
        /// Which.
        source: Source,
    },
    /// A phone that has shown to know SHA-256 came with MD5 and was not let in.
    WeakerDigest {
        /// Its extension.
        extension: Number,
        /// From where.
        address: SocketAddr,
    },
    /// Somebody without a part in a call sent a request inside it.
    Stranger {
        /// What was asked.
        method: String,
        /// From where.
        address: SocketAddr,
    },
    /// A message came that cannot be read.
    Noise {
        /// From where.
        address: SocketAddr,
        /// What is wrong with it.
        fault: String,
    },
}

impl Notice {
    /// Whether it is worth a look tomorrow.
    pub fn is_warning(&self) -> bool {
        match self {
            Self::CallRefused { .. }
            | Self::PortFailed { .. }
            | Self::RecordingFailed { .. }
            | Self::JournalLate { .. }
            | Self::AddressBanned { .. }
            | Self::WeakerDigest { .. }
            | Self::Stranger { .. }
            | Self::TrunkRegistration { refused: Some(_), .. }
            | Self::PhoneChanged { answers: false, .. }
            | Self::TrunkChanged { outage: Some(_), .. } => true,
            Self::CallArrived { .. }
            | Self::CallAnswered { .. }
            | Self::CallTransferred { .. }
            | Self::CallEnded { .. }
            | Self::PhoneRegistered { .. }
            | Self::PhoneGone { .. }
            | Self::PhoneChanged { answers: true, .. }
            | Self::BanLifted { .. }
            | Self::Noise { .. }
            | Self::TrunkRegistration { refused: None, .. }
            | Self::TrunkChanged { outage: None, .. } => false,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallArrived { call, dialed } => write!(out, "Call {call} for {dialed} arrived."),
            Self::CallAnswered { call, agent } => write!(out, "Agent {agent} answered call {call}."),
            Self::CallTransferred { call, by, to, agent } => {
                write!(out, "Call {call} was transferred to {to}")?;
                if let Some(by) = by {
                    write!(out, " by {by}")?;
                }
                match agent {
                    Some(agent) => write!(out, "; {agent} took it."),
                    None => write!(out, "."),
                }
            }
            Self::CallEnded {
                call,
                status,
                duration_ms,
            } => {
                write!(out, "Call {call} ended after {duration_ms} ms: {status}.")
            }
            Self::CallRefused {
                dialed,
                status,
                reason,
            } => {
                write!(out, "A call for {dialed} was refused with {status}: {reason}.")
            }
            Self::PhoneRegistered { extension, address } => {
                write!(out, "Phone {extension} registered from {address}.")
            }
            Self::PhoneGone { extension } => write!(out, "Phone {extension} is no longer registered."),
            Self::PhoneChanged {
                extension,
                answers: true,
            } => write!(out, "A phone of {extension} answers again."),
            Self::PhoneChanged {
                extension,
                answers: false,
            } => write!(out, "A phone of {extension} does not answer and is not rung."),
            Self::TrunkChanged { trunk, outage: None } => write!(out, "Trunk {trunk} answers."),
            Self::TrunkChanged {
                trunk,
                outage: Some(outage),
            } => write!(out, "Trunk {trunk} is down: {outage}."),
            Self::TrunkRegistration { trunk, refused: None } => {
                write!(out, "Trunk {trunk} has registered us.")
            }
            Self::TrunkRegistration {
                trunk,
                refused: Some(status),
            } => {
                write!(out, "Trunk {trunk} does not register us: {status}.")
            }
            Self::PortFailed { reason } => write!(out, "An RTP port could not be opened: {reason}."),
            Self::RecordingFailed { call, reason } => {
                write!(
                    out,
                    "The recording of call {call} could not be written: {reason}."
                )
            }
            Self::AddressBanned {
                source,
                user,
                minutes,
            } => write!(
                out,
                "{source} is shut out for {minutes} minutes: too many wrong passwords, the last for {user:?}."
            ),
            Self::BanLifted { source } => write!(out, "{source} is let in again."),
            Self::WeakerDigest { extension, address } => write!(
                out,
                "Phone {extension} at {address} came with MD5 and was refused: it has shown to know SHA-256."
            ),
            Self::Stranger { method, address } => {
                write!(out, "{address} has no part in the call it sent {method} to.")
            }
            Self::Noise { address, fault } => write!(out, "{address} sent what cannot be read. {fault}."),
            Self::JournalLate { call } => {
                write!(
                    out,
                    "The journal has not confirmed call {call} in time; the call goes on."
                )
            }
        }
    }
}
