use super::SdpError;
use std::net::IpAddr;

/// Whether media may be sent to `remote` from a leg that lives at `local`; gives the address to use.
///
/// An SDP comes from outside and makes the box send a stream of packets. So it may name only a host: no group,
/// no broadcast, nothing link-local, and the box's own loopback only when the leg itself lives there.
///
/// # Errors
/// [`SdpError`] naming the address.
pub(super) fn usable(remote: IpAddr, local: IpAddr) -> Result<IpAddr, SdpError> {
    // A mapped address (::ffff:127.0.0.1) is judged as what it reaches.
    let remote = remote.to_canonical();
    if remote.is_multicast() {
        return Err(SdpError::Multicast(remote.to_string()));
    }
    if let Some(reason) = forbidden(remote) {
        return Err(SdpError::Address(remote.to_string(), reason));
    }
    if remote.is_loopback() && !local.is_loopback() {
        return Err(SdpError::Address(remote.to_string(), "loopback"));
    }
    if remote.is_ipv4() != local.is_ipv4() {
        return Err(SdpError::AddressFamily(remote.to_string()));
    }
    Ok(remote)
}

fn forbidden(remote: IpAddr) -> Option<&'static str> {
    match remote {
        IpAddr::V4(ip) if ip.is_broadcast() => Some("broadcast"),
        IpAddr::V4(ip) if ip.is_link_local() => Some("link-local"),
        IpAddr::V4(ip) if ip.octets()[0] == 0 => Some("not a host"),
        IpAddr::V4(ip) if ip.octets()[0] >= 240 => Some("reserved"),
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) if ip.is_unspecified() => Some("not a host"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("link-local"),
        // ::a.b.c.d, which RFC 4291 §2.5.5.1 has given up; ::1 is told by its own name.
        IpAddr::V6(ip) if !ip.is_loopback() && ip.to_bits() >> 32 == 0 => Some("reserved"),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(remote: &str, local: &str) -> Result<IpAddr, SdpError> {
        usable(remote.parse().unwrap(), local.parse().unwrap())
    }

    #[test]
    fn only_a_host_may_receive_media() {
        for bad in [
            "224.0.0.1",
            "239.255.0.1",
            "255.255.255.255",
            "169.254.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "240.0.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "::ffff:127.0.0.1",
            "::ffff:169.254.0.1",
        ] {
            assert!(verdict(bad, "192.0.2.1").is_err(), "{bad}");
        }
        for bad in [
            "::1",
            "::",
            "ff02::1",
            "fe80::1",
            "::127.0.0.1",
            "::192.0.2.7",
            "192.0.2.7",
        ] {
            assert!(verdict(bad, "2001:db8::1").is_err(), "{bad}");
        }
        assert!(verdict("192.0.2.7", "192.0.2.1").is_ok());
        assert!(verdict("2001:db8::7", "2001:db8::1").is_ok());
    }

    #[test]
    fn loopback_talks_to_loopback() {
        assert!(verdict("127.0.0.9", "127.0.0.1").is_ok());
        assert!(verdict("::1", "::1").is_ok());
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        let usable = verdict("::ffff:192.0.2.7", "192.0.2.1").unwrap();
        assert_eq!(usable, "192.0.2.7".parse::<IpAddr>().unwrap());
    }
}
