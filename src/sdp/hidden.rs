use crate::model::is_evidently_hidden;
use std::net::IpAddr;

/// Whether a router in front of the peer may hide where its voice comes from, and who could tell.
///
/// The configuration says so of a phone or a trunk, or denies it. Where it says nothing, one case speaks for itself: the
/// SDP names an address that nobody outside the peer's network can reach, and its signalling comes from a public one.
/// Whatever the case, only packets from the address of its signalling can prove anything; all others stay strangers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hidden {
    signalling: Option<IpAddr>,
    marked: Option<bool>,
}

impl Hidden {
    /// A peer whose signalling comes from this address.
    pub(super) fn new(signalling: IpAddr, marked: Option<bool>) -> Self {
        Self {
            signalling: Some(signalling.to_canonical()),
            marked,
        }
    }

    /// The peer's signalling comes from another address now; what the configuration says of it stays.
    pub(super) fn moves_to(&mut self, signalling: IpAddr) {
        self.signalling = Some(signalling.to_canonical());
    }

    /// The address from which the place of a peer may be learned that names this one in SDP.
    pub(super) fn learns_from(&self, named: IpAddr) -> Option<IpAddr> {
        let evident = |signalling: &IpAddr| is_evidently_hidden(named, *signalling);
        self.signalling
            .filter(|signalling| self.marked.unwrap_or_else(|| evident(signalling)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_be_learned_and_from_where() {
        let (private, carrier, public, router) = ("192.168.1.7", "100.64.3.3", "203.0.113.8", "198.51.100.1");
        let table = [
            // (marked, SDP says, signalling comes from, learned from)
            (None, private, router, Some(router)),
            (None, carrier, router, Some(router)),
            (None, "fd00::7", "2001:db8::1", Some("2001:db8::1")),
            (None, public, router, None),
            (None, private, "192.168.1.1", None),
            (None, private, "10.0.0.1", None),
            (None, private, "127.0.0.1", None),
            (Some(true), public, router, Some(router)),
            (Some(true), private, "10.0.0.1", Some("10.0.0.1")),
            (Some(false), private, router, None),
        ];
        for (marked, named, signalling, learned) in table {
            let hidden = Hidden::new(signalling.parse().unwrap(), marked);
            let expected = learned.map(|address: &str| address.parse().unwrap());
            assert_eq!(
                hidden.learns_from(named.parse().unwrap()),
                expected,
                "{marked:?} {named} {signalling}"
            );
        }
        assert_eq!(Hidden::default().learns_from(private.parse().unwrap()), None);
    }
}
