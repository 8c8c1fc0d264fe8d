//! The ports for voice: whether the box can have them.

use super::{Area, Line, Wanted, Whom};
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};

/// Pairs that one call takes: one for each side.
const PAIRS_OF_A_CALL: usize = 2;

pub(super) fn look(wanted: &Wanted) -> Line {
    let [first, last] = wanted.rtp_ports;
    let (mut pairs, mut free) = (0, 0);
    let mut even = u32::from(first).next_multiple_of(2);
    while even < u32::from(last) {
        pairs += 1;
        free += usize::from(is_free(even) && is_free(even + 1));
        even += 2;
    }
    let range = format!("{first} to {last}");
    let taken = pairs - free;
    if pairs < PAIRS_OF_A_CALL {
        return Line::fail(
            Area::Rtp,
            "",
            format!("ports {range} are too few for one call"),
            "write a larger range into [media] rtp_ports, four ports a call",
            Whom::Box,
        );
    }
    let calls = pairs / PAIRS_OF_A_CALL;
    let text = format!("ports {range}: room for {calls} calls, {taken} of {pairs} pairs are taken now");
    // While the daemon works, those of its calls are.
    if taken > 0 && wanted.daemon.is_none() || taken > pairs / 2 {
        let cure = match ephemeral() {
            Some((low, high)) if first <= high && last >= low => format!(
                "these ports are in the range the system gives out itself ({low} to {high}): choose another one in [media] rtp_ports"
            ),
            _ => "see which program has them (`ss -lunp`), or choose another range in [media] rtp_ports"
                .to_owned(),
        };
        return if taken > pairs / 2 {
            Line::fail(Area::Rtp, "", text, cure, Whom::Box)
        } else {
            Line::warn(Area::Rtp, "", text, cure, Whom::Box)
        };
    }
    Line::ok(Area::Rtp, "", text)
}

fn is_free(port: u32) -> bool {
    u16::try_from(port).is_ok_and(|port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok())
}

/// The ports that the system gives to whoever asks for none in particular (ip(7)).
fn ephemeral() -> Option<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
