//! A capture of a call that Wireshark, tshark and sngrep open.

use super::frame::{Traced, Way};
use std::net::{IpAddr, SocketAddr};

/// Microseconds, little-endian (the classic format of libpcap).
const MAGIC: u32 = 0xa1b2_c3d4;
/// Packets begin with their IP header (`LINKTYPE_RAW`).
const RAW: u32 = 101;
const UDP: u8 = 17;
const UDP_HEAD: usize = 8;
/// The longest message that fits one datagram; longer ones are cut, and say so by their length on the wire.
const LONGEST: usize = 65_000;

/// The messages as a capture file. Those of TCP, TLS and WebSocket stand in datagrams of their own between the same
/// addresses, as they were before encryption: a capture of the wire would have shown nothing of them.
pub fn capture(messages: &[Traced]) -> Vec<u8> {
    let mut file = Vec::with_capacity(24 + messages.iter().map(|one| one.bytes.len() + 80).sum::<usize>());
    file.extend_from_slice(&MAGIC.to_le_bytes());
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&4_u16.to_le_bytes());
    for word in [0, 0, 0x4_0000, RAW] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for message in messages {
        put(&mut file, message);
    }
    file
}

fn put(file: &mut Vec<u8>, message: &Traced) {
    let (from, to) = match message.way {
        Way::Received => (message.flow.peer, message.flow.local),
        Way::Sent => (message.flow.local, message.flow.peer),
    };
    let body = message.bytes.get(..LONGEST).unwrap_or(&message.bytes);
    let packet = datagram(from, to, body);
    let kept = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let whole = u32::try_from(packet.len() + message.bytes.len() - body.len()).unwrap_or(u32::MAX);
    let (seconds, micros) = (
        message.at_us.div_euclid(1_000_000),
        message.at_us.rem_euclid(1_000_000),
    );
    let time = [seconds, micros].map(|part| u32::try_from(part).unwrap_or(0));
    for word in [time[0], time[1], kept, whole] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(&packet);
}

/// An IP packet with one UDP datagram in it.
fn datagram(from: SocketAddr, to: SocketAddr, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(UDP_HEAD + body.len()).unwrap_or(u16::MAX);
    let mut udp = Vec::with_capacity(usize::from(length));
    for word in [from.port(), to.port(), length, 0] {
        udp.extend_from_slice(&word.to_be_bytes());
    }
    udp.extend_from_slice(body);
    let mut packet = Vec::with_capacity(40 + udp.len());
    let mut pseudo = Vec::new();
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut head = [0; 20];
            head[0] = 0x45;
            head[2..4].copy_from_slice(&(length + 20).to_be_bytes());
            (head[8], head[9]) = (64, UDP);
            head[12..16].copy_from_slice(&from.octets());
            head[16..20].copy_from_slice(&to.octets());
            let sum = checksum(&[&head]);
            head[10..12].copy_from_slice(&sum.to_be_bytes());
            packet.extend_from_slice(&head);
            pseudo.extend_from_slice(&head[12..20]);
        }
        (from, to) => {
            let wide = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            packet.extend_from_slice(&[0x60, 0, 0, 0]);
            packet.extend_from_slice(&length.to_be_bytes());
            packet.extend_from_slice(&[UDP, 64]);
            for ip in [from, to] {
                packet.extend_from_slice(&wide(ip));
                pseudo.extend_from_slice(&wide(ip));
            }
        }
    }
    pseudo.extend_from_slice(&[0, UDP]);
    pseudo.extend_from_slice(&length.to_be_bytes());
    // A sum of nothing is written as all ones (RFC 768).
    let sum = match checksum(&[&pseudo, &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    packet.extend_from_slice(&udp);
    packet
}

/// The Internet checksum (RFC 1071) over parts of which all but the last have even lengths.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum = words.fold(0_u64, |sum, word| {
        let (high, low) = (word.first().copied(), word.get(1).copied());
        sum + u64::from(u16::from_be_bytes([high.unwrap_or(0), low.unwrap_or(0)]))
    });
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded & 0xffff).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::traced;
    use super::*;

    #[test]
    fn packets_stand_between_the_right_sockets_with_right_sums() {
        let v4 = traced(
            1_500_000,
            Way::Received,
            "udp 127.0.0.20:5070 127.0.0.1:5060",
            0,
            "ABC",
        );
        let file = capture(std::slice::from_ref(&v4));
        assert_eq!(file.len(), 24 + 16 + 20 + 8 + 3);
        assert_eq!(
            file[24..32],
            [1, 0, 0, 0, 0x20, 0xa1, 7, 0],
            "one and a half seconds"
        );
        let packet = &file[40..];
        assert_eq!(checksum(&[&packet[..20]]), 0);
        assert_eq!(packet[12..20], [127, 0, 0, 20, 127, 0, 0, 1]);
        assert_eq!(packet[20..26], [0x13, 0xce, 0x13, 0xc4, 0, 11]);
        let pseudo = [&packet[12..20], &[0, 17, 0, 11]].concat();
        assert_eq!(checksum(&[&pseudo, &packet[20..]]), 0);
    }

    #[test]
    fn ipv6_and_long_messages_have_their_place() {
        let long = "x".repeat(70_000);
        let message = traced(1, Way::Sent, "tls [::2]:5061 [::1]:40000", 0, &long);
        let file = capture(&[message]);
        let packet = &file[40..];
        assert_eq!(packet[0], 0x60);
        assert_eq!(packet[8 + 15], 1, "from us");
        assert_eq!(packet.len(), 40 + 8 + LONGEST);
        let whole = u32::from_le_bytes(file[36..40].try_into().unwrap());
        assert_eq!(whole as usize, 40 + 8 + 70_000);
    }
}
