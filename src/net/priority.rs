use socket2::SockRef;
use std::net::SocketAddr;

/// How a network that has priorities is to treat packets (RFC 4594 §3): the class in the upper six bits of the traffic
/// class byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Voice: expedited forwarding, EF (RFC 3246).
    Voice,
    /// What sets calls up: CS5 is for signalling in RFC 4594, but phones, switches and Wi-Fi of this trade expect CS3.
    Signalling,
}

impl Priority {
    /// Marks everything a socket sends. A network without priorities still carries voice, so a refusal is only worth a
    /// line. Connections that a listening socket accepts inherit its mark.
    pub(super) fn mark<'socket>(self, socket: impl Into<SockRef<'socket>>, address: SocketAddr) {
        let socket = socket.into();
        let marked = match address {
            SocketAddr::V4(_) => socket.set_tos_v4(self.byte()),
            SocketAddr::V6(_) => socket.set_tclass_v6(self.byte()),
        };
        if let Err(error) = marked {
            tracing::debug!(%address, %error, "Packets from {address} go out without priority.");
        }
    }

    fn byte(self) -> u32 {
        match self {
            Self::Voice => 46 << 2,
            Self::Signalling => 24 << 2,
        }
    }
}
