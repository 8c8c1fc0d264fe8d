use crate::model::{Cdr, Direction, HangupBy, LegRole, Quality, Status};
use crate::sip::Flow;

/// What is known of a call beside its messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The legs, the caller first.
    pub sides: Vec<Side>,
    /// How long two people talked, in milliseconds.
    pub talk_ms: u64,
    /// How long phones rang, in milliseconds.
    pub ring_ms: u64,
    /// How it ended; nothing while it goes on.
    pub status: Option<Status>,
    /// Who ended it.
    pub hangup_by: Option<HangupBy>,
    /// The word for an unusual end.
    pub cause: Option<String>,
    /// Whether the caller walked through a menu that wanted keys.
    pub wants_keys: bool,
    /// Whether any key was recognised.
    pub has_keys: bool,
}

/// One leg.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// 0 is the caller.
    pub leg: u32,
    /// Agent or number.
    pub name: String,
    /// Whether it is or was in conversation.
    pub is_up: bool,
    /// Seconds since it is, when that is known.
    pub up_seconds: Option<u64>,
    /// Whether it takes part in the conversation rather than ringing beside it.
    pub talks: bool,
    /// Whether a trunk is at the other end.
    pub by_trunk: bool,
    /// The SIP status of a refusal.
    pub sip_code: Option<u16>,
    /// What was measured.
    pub quality: Option<Quality>,
}

/// A SIP message as it went by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// When, in microseconds.
    pub at_us: i64,
    /// Whether the box sent it.
    pub is_ours: bool,
    /// Between which sockets.
    pub flow: Flow,
    /// On which leg.
    pub leg: u32,
    /// The message.
    pub bytes: &'a [u8],
}

impl Facts {
    /// What a record says.
    pub fn of_record(cdr: &Cdr) -> Self {
        let by_trunk = |leg: &crate::model::LegRecord| match leg.role {
            LegRole::Caller => cdr.direction == Direction::Inbound && cdr.trunk.is_some(),
            LegRole::Agent | LegRole::Guest | LegRole::Supervisor => {
                leg.agent.is_none() && cdr.direction == Direction::Outbound
            }
        };
        let sides = cdr
            .legs
            .iter()
            .map(|leg| Side {
                leg: leg.leg,
                name: leg
                    .agent
                    .as_ref()
                    .map_or_else(|| leg.number.clone(), ToString::to_string),
                is_up: leg.answered_at.is_some(),
                up_seconds: leg
                    .answered_at
                    .zip(leg.ended_at.or(cdr.ended_at))
                    .map(|(from, to)| u64::try_from((to.unix_ms - from.unix_ms) / 1000).unwrap_or(0)),
                talks: leg.answered_at.is_some() && cdr.talk_ms > 0,
                by_trunk: by_trunk(leg),
                sip_code: leg.sip_code,
                quality: leg.quality,
            })
            .collect();
        Self {
            sides,
            talk_ms: cdr.talk_ms,
            ring_ms: cdr.ring_ms,
            status: cdr.is_final.then_some(cdr.status),
            hangup_by: cdr.is_final.then_some(cdr.hangup_by),
            cause: cdr.cause.clone(),
            wants_keys: cdr.stages.len() > 1,
            has_keys: !cdr.digits.is_empty() || !cdr.collected.is_empty(),
        }
    }

    /// The name of a leg.
    pub(super) fn name(&self, leg: u32) -> String {
        let side = self.sides.iter().find(|side| side.leg == leg);
        match side {
            Some(side) if !side.name.is_empty() => side.name.clone(),
            Some(_) | None => format!("leg {leg}"),
        }
    }

    /// A leg.
    pub(super) fn side(&self, leg: u32) -> Option<&Side> {
        self.sides.iter().find(|side| side.leg == leg)
    }
}
