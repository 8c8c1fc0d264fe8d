//! Either kind of client transaction.

use super::client::Client;
use super::invite_client::InviteClient;
use std::time::Instant;

#[derive(Debug)]
pub(super) enum ClientMachine {
    Invite(InviteClient),
    Other(Client),
}

impl ClientMachine {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Invite(machine) => machine.next_deadline(),
            Self::Other(machine) => machine.next_deadline(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_over(),
            Self::Other(machine) => machine.is_over(),
        }
    }

    /// Whether it may begin anew: nobody can have taken the request.
    pub(super) fn has_heard_nothing(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.has_heard_nothing(),
            Self::Other(machine) => machine.has_heard_nothing(),
        }
    }

    /// Whether a final response is awaited.
    pub(super) fn is_pending(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_pending(),
            Self::Other(machine) => machine.is_pending(),
        }
    }
}
