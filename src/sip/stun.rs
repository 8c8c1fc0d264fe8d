//! Binding requests and their answers: RFC 8489 as far as RFC 5626 §4.4.2 wants it of a SIP server.

use std::net::{IpAddr, SocketAddr};

/// What every packet has at its fifth byte (RFC 8489 §5).
const COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
const HEADER: usize = 20;

/// Whether it can be nothing else: two zero bits in front, the cookie behind.
pub(super) fn is_stun(packet: &[u8]) -> bool {
    packet.first().is_some_and(|byte| byte & 0xC0 == 0) && packet.get(4..8) == Some(&COOKIE)
}

/// The answer to a binding request: where it came from (§14.2). Nothing for anything else.
pub(super) fn answer(packet: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    let length = packet
        .get(2..4)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u16::from_be_bytes)?;
    let whole = length % 4 == 0 && usize::from(length) + HEADER == packet.len();
    if !whole || !is_stun(packet) || packet.get(..2) != Some(&BINDING_REQUEST) {
        return None;
    }
    let transaction = packet.get(8..HEADER)?;
    let mask: Vec<u8> = COOKIE.iter().chain(transaction).copied().collect();
    let (family, address) = match source.ip().to_canonical() {
        IpAddr::V4(address) => (1, address.octets().to_vec()),
        IpAddr::V6(address) => (2, address.octets().to_vec()),
    };
    let masked = |bytes: Vec<u8>| {
        bytes
            .into_iter()
            .zip(&mask)
            .map(|(byte, mask)| byte ^ mask)
            .collect::<Vec<u8>>()
    };
    let mut value = vec![0, family];
    value.extend(masked(source.port().to_be_bytes().to_vec()));
    value.extend(masked(address));
    let size = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    Some(
        [
            &BINDING_SUCCESS[..],
            &size(value.len() + 4),
            &mask,
            &XOR_MAPPED_ADDRESS,
            &size(value.len()),
            &value,
        ]
        .concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2 and §2.3: its transaction and the addresses its responses show.
    #[test]
    fn a_peer_is_told_the_address_it_came_from() {
        let transaction: [u8; 12] = [
            0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ];
        let request = [&[0, 1, 0, 0], &COOKIE[..], &transaction].concat();
        let v4 = answer(&request, "192.0.2.1:32853".parse().unwrap()).unwrap();
        assert_eq!(v4.get(..4), Some(&[1, 1, 0, 12][..]));
        assert_eq!(v4.get(8..20), Some(&transaction[..]));
        assert_eq!(
            v4.get(20..),
            Some(
                &[
                    0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43
                ][..]
            )
        );
        let v6 = answer(
            &request,
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap(),
        )
        .unwrap();
        assert_eq!(
            v6.get(24..),
            Some(
                &[
                    0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4,
                    0xb5, 0xbe, 0xd2, 0xb9, 0xd9
                ][..]
            )
        );
    }

    #[test]
    fn anything_else_is_not_answered() {
        let good = [&[0, 1, 0, 0], &COOKIE[..], &[7; 12]].concat();
        let source = "192.0.2.1:1".parse().unwrap();
        assert!(answer(&good, source).is_some());
        for length in 0..good.len() {
            assert!(answer(good.get(..length).unwrap(), source).is_none());
        }
        for (place, byte) in [(0, 1), (1, 2), (3, 4), (3, 1), (4, 0)] {
            let mut bad = good.clone();
            bad[place] = byte;
            assert!(answer(&bad, source).is_none(), "{place}");
        }
        assert!(!is_stun(b"INVITE sip:a SIP/2.0"));
    }
}
