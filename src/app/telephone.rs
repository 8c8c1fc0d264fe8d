use crate::http::{Seat, TelephoneDoor};
use crate::net::StreamHub;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;

/// Hands the WebSockets that arrive on the HTTP port to the streams of SIP.
#[derive(Debug)]
pub(super) struct Telephone {
    hub: StreamHub,
}

impl Telephone {
    pub(super) fn new(hub: &StreamHub) -> Self {
        Self { hub: hub.clone() }
    }

    /// SIP connections now.
    pub(super) fn connections(&self) -> usize {
        self.hub.connections()
    }
}

impl TelephoneDoor for Telephone {
    fn admits(&self, host: Option<&str>, origin: Option<&str>) -> bool {
        self.hub.admits(host, origin)
    }

    fn reserve(&self, peer: SocketAddr, local: SocketAddr) -> Option<Seat> {
        let serve = self.hub.reserve_web(peer, local)?;
        Some(Box::new(move |upgraded| serve(TokioIo::new(upgraded))))
    }
}
