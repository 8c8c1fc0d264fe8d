//! How many reports a leg hears. A phone sends one every few seconds (RFC 3550 §6.2); thousands a second are a flood, and
//! to be woken for each of them would cost more than the calls themselves.

use super::legs::Leg;
use super::traffic::{RTCP, token};
use super::worker::Worker;
use mio::Interest;
use std::io::ErrorKind;

/// Datagrams that a leg's report port may bring between two sweeps. More: the port is not listened to until the next
/// sweep, what waits there then is thrown away, and the system drops what comes meanwhile.
pub(super) const REPORTS: u16 = 50;
/// Datagrams thrown away at a sweep: more than the socket's buffer holds.
const STALE: usize = 1024;

impl Leg {
    /// Whether its report port has brought too much, and is not listened to.
    pub(super) fn is_flooded(&self) -> bool {
        self.reports_left == 0
    }
}

impl Worker {
    /// One more datagram came to a leg's report port.
    pub(super) fn use_ration(&mut self, place: usize) {
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        leg.reports_left = leg.reports_left.saturating_sub(1);
        if leg.is_flooded()
            && let Err(error) = self.poll.registry().deregister(&mut leg.sockets.rtcp)
        {
            tracing::warn!(%error, "The report port of leg {} is heard on: {error}.", leg.key);
        }
    }

    /// Every leg may hear reports again. What waited in a flooded port is too old to tell a round trip.
    pub(super) fn renew_rations(&mut self) {
        for place in 0..self.legs.places() {
            let Some(leg) = self.legs.get_mut(place) else {
                continue;
            };
            if leg.is_flooded() {
                for _ in 0..STALE {
                    match leg.sockets.rtcp.recv_from(&mut self.buffer[..]) {
                        Ok(_) => {
                            self.counts.rtcp += 1;
                            self.counts.reports_dropped += 1;
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(_) => self.counts.socket_errors += 1,
                    }
                }
                let again = self.poll.registry().register(
                    &mut leg.sockets.rtcp,
                    token(place, RTCP),
                    Interest::READABLE,
                );
                if let Err(error) = again {
                    tracing::warn!(%error, "The report port of leg {} is not heard again: {error}.", leg.key);
                }
            }
            leg.reports_left = REPORTS;
        }
    }
}
