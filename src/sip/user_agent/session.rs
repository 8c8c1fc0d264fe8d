use super::Farewell;
use crate::model::TrunkName;
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{ClientId, ServerId};
use crate::sip::{Echo, Flow};
use bytes::Bytes;
use std::net::IpAddr;

/// One INVITE dialog from its first message to the answer of its BYE.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) dialog: Dialog,
    pub(super) state: State,
    /// The trunk at the other end.
    pub(super) trunk: Option<TrunkName>,
    /// Whether requests go to where the far side says it is. Phones behind a router do not know where they are.
    pub(super) follows_target: bool,
    /// A re-INVITE or UPDATE of theirs that waits for the engine.
    pub(super) offered: Option<Offered>,
    /// How the engine parted from it, once it has: nothing is told any more.
    pub(super) farewell: Option<Farewell>,
}

/// Where a session is.
#[derive(Debug)]
pub(super) enum State {
    /// Their INVITE waits for a final response.
    Asked { server: ServerId, echo: Echo },
    /// Our 200 waits for its ACK.
    Answered { server: ServerId },
    /// Our INVITE waits for a final response.
    Inviting {
        client: ClientId,
        offer: Vec<u8>,
        authorized: bool,
        rang: bool,
    },
    /// Both sides agree that there is a call. The ACK of our INVITE is kept for a repeated 200.
    Up { ack: Option<(Flow, Bytes)> },
    /// Our BYE waits for its response.
    Leaving,
}

/// An offer of theirs inside the dialog.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) server: ServerId,
    pub(super) echo: Echo,
    pub(super) is_invite: bool,
    /// It has been answered and waits for its ACK.
    pub(super) is_answered: bool,
}

impl Session {
    /// Whether an address has a part in this dialog.
    pub(super) fn knows(&self, source: IpAddr) -> bool {
        let follows = self.dialog.next_hop(true).peer.ip();
        self.dialog.flow.peer.ip().to_canonical() == source.to_canonical()
            || (self.follows_target && follows.to_canonical() == source.to_canonical())
    }
}
