//! The addresses of one test.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};

/// A /24 inside 127.0.0.0/8 that nobody else uses while the test runs, so that tests run side by side.
///
/// Houses: 1 is the box, 20 the PBX, 30 and up belong to the test, 100 and up are handed out by [`Self::next_house`].
#[derive(Debug)]
pub(crate) struct Street {
    second: u8,
    third: u8,
    next: AtomicU8,
    /// A bound port says to other tests that the street is taken; the system frees it however the test ends.
    _claim: UdpSocket,
}

impl Street {
    /// Finds a street where nobody lives and moves in.
    pub(crate) fn claim() -> Self {
        let start = std::process::id();
        (0..65_000)
            .map(|step| start.wrapping_mul(7).wrapping_add(step))
            .find_map(|number| {
                let second = 16 + u8::try_from((number >> 8) % 224).unwrap_or_default();
                let third = u8::try_from(number & 0xff).unwrap_or_default();
                let claim = UdpSocket::bind((Ipv4Addr::new(127, second, third, 250), 4999)).ok()?;
                Some(Self {
                    second,
                    third,
                    next: AtomicU8::new(100),
                    _claim: claim,
                })
            })
            .expect("one of the 57,344 streets of 127.0.0.0/8 is free")
    }

    /// The address of a house.
    pub(crate) fn house(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.second, self.third, number)
    }

    /// The address of the next house nobody asked for yet.
    pub(crate) fn next_house(&self) -> Ipv4Addr {
        self.house(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Where the box listens for SIP, over UDP and TCP.
    pub(crate) fn box_sip(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.house(1), 5060)
    }

    /// Where the box listens for a transport of streams that not every household has.
    pub(crate) fn box_by(&self, transport: &str) -> SocketAddrV4 {
        let port = match transport {
            "tls" => 5061,
            "ws" => 5066,
            "wss" => 5067,
            other => panic!("no house listens for {other}"),
        };
        SocketAddrV4::new(self.house(1), port)
    }

    /// A port of [::1] that is this street's.
    pub(crate) fn v6_port(&self) -> u16 {
        4000 + u16::from(self.second) * 256 + u16::from(self.third)
    }

    /// Where the box listens for HTTP.
    pub(crate) fn box_http(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.house(1), 8080)
    }

    /// The trunk of every household here: the only address the box takes calls from without a password.
    pub(crate) fn pbx(&self) -> Ipv4Addr {
        self.house(20)
    }
}
