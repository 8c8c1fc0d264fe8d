use super::Refusal;
use crate::sip::flow::{Flow, Transport};
use crate::sip::headers::Via;
use crate::sip::host::Host;
use crate::sip::uri::Uri;
use std::net::IpAddr;

/// Whether calls may be sent to this contact: a phone that names an address it does not have would make the box
/// knock at other doors.
pub(super) fn check(uri: &Uri<'_>, flow: &Flow) -> Result<(), Refusal> {
    let Some(host) = uri.host().filter(|_| uri.is_sip()) else {
        return Err(Refusal::new(400, "Bad Contact: not a SIP URI"));
    };
    if uri.port() == Some(0) {
        return Err(Refusal::new(400, "Bad Contact: port 0"));
    }
    let peer = flow.peer.ip().to_canonical();
    let allowed = match host {
        Host::Name(name) => {
            peer.is_loopback() || !name.trim_end_matches('.').eq_ignore_ascii_case("localhost")
        }
        Host::Ip(address) => address_is_fit(address.to_canonical(), peer) && !is_us(address, uri, flow),
    };
    if allowed {
        Ok(())
    } else {
        Err(Refusal::new(403, "Contact Address Not Allowed"))
    }
}

/// A loopback or link-local address is believed only from that very side of the network.
fn address_is_fit(address: IpAddr, peer: IpAddr) -> bool {
    let (broadcast, link_local) = match address {
        IpAddr::V4(address) => (address.is_broadcast(), address.is_link_local()),
        IpAddr::V6(address) => (false, address.is_unicast_link_local()),
    };
    let never = address.is_unspecified() || address.is_multicast() || broadcast;
    !never && (!link_local || address == peer) && (!address.is_loopback() || peer.is_loopback())
}

/// A contact that is our own socket would make us call ourselves for ever.
fn is_us(address: IpAddr, uri: &Uri<'_>, flow: &Flow) -> bool {
    let port = uri.port().unwrap_or(flow.transport.default_port());
    address.to_canonical() == flow.local.ip().to_canonical() && port == flow.local.port()
}

/// The way requests to a contact take: back where the REGISTER came from, which is right behind every router.
/// Only a phone that names its own address and does not ask for its source port (RFC 3581) may be one that
/// sends from another port than it listens on.
pub(super) fn way(uri: &Uri<'_>, via: &Via<'_>, flow: &Flow) -> Flow {
    let own_address = uri.host().and_then(|host| host.ip()).map(|ip| ip.to_canonical())
        == Some(flow.peer.ip().to_canonical());
    let mut way = *flow;
    if flow.transport == Transport::Udp && own_address && !via.wants_rport() {
        way.peer.set_port(uri.port().unwrap_or(5060));
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(peer: &str, local: &str) -> Flow {
        format!("udp {peer} {local}").parse().unwrap()
    }

    fn status(contact: &str, flow: &Flow) -> u16 {
        let uri = Uri::parse(contact.as_bytes()).unwrap();
        check(&uri, flow).map_or_else(|refusal| refusal.status, |()| 200)
    }

    #[test]
    fn from_outside_only_honest_addresses_are_taken() {
        let outside = flow("198.51.100.7:5060", "203.0.113.1:5060");
        for (contact, wanted) in [
            ("sip:1@198.51.100.7", 200),
            ("sip:1@192.168.1.20:5062", 200),
            ("sip:1@phone.example.com", 200),
            ("sips:1@[2001:db8::1]", 200),
            ("sip:1@127.0.0.1", 403),
            ("sip:1@[::1]", 403),
            ("sip:1@[::ffff:127.0.0.1]", 403),
            ("sip:1@localhost", 403),
            ("sip:1@0.0.0.0", 403),
            ("sip:1@[::]", 403),
            ("sip:1@224.0.1.75", 403),
            ("sip:1@[ff02::1]", 403),
            ("sip:1@255.255.255.255", 403),
            ("sip:1@169.254.169.254", 403),
            ("sip:1@[fe80::1]", 403),
            ("sip:1@203.0.113.1", 403),
            ("sip:1@203.0.113.1:5070", 200),
            ("sip:1@198.51.100.7:0", 400),
            ("tel:+1", 400),
            ("http://198.51.100.7/", 400),
        ] {
            assert_eq!(status(contact, &outside), wanted, "{contact}");
        }
    }

    #[test]
    fn loopback_and_link_local_phones_may_be_what_they_are() {
        let inside = flow("127.0.0.10:5060", "127.0.0.1:5060");
        assert_eq!(status("sip:1@127.0.0.10:5060", &inside), 200);
        assert_eq!(status("sip:1@localhost", &inside), 200);
        assert_eq!(status("sip:1@127.0.0.1", &inside), 403);
        let link = flow("169.254.3.4:5060", "169.254.1.1:5060");
        assert_eq!(status("sip:1@169.254.3.4", &link), 200);
        assert_eq!(status("sip:1@169.254.169.254", &link), 403);
    }

    #[test]
    fn requests_go_back_where_the_registration_came_from() {
        let flow = flow("198.51.100.7:40001", "203.0.113.1:5060");
        let peer = |contact: &str, via: &str| {
            way(
                &Uri::parse(contact.as_bytes()).unwrap(),
                &Via::parse(via.as_bytes()).unwrap(),
                &flow,
            )
            .peer
            .to_string()
        };
        assert_eq!(
            peer("sip:1@192.168.1.20:5062", "SIP/2.0/UDP 192.168.1.20:5062"),
            "198.51.100.7:40001"
        );
        assert_eq!(
            peer("sip:1@198.51.100.7:5062", "SIP/2.0/UDP 198.51.100.7:5062;rport"),
            "198.51.100.7:40001"
        );
        assert_eq!(
            peer("sip:1@198.51.100.7:5062", "SIP/2.0/UDP 198.51.100.7:5062"),
            "198.51.100.7:5062"
        );
        assert_eq!(
            peer("sip:1@198.51.100.7", "SIP/2.0/UDP 198.51.100.7"),
            "198.51.100.7:5060"
        );
    }
}
