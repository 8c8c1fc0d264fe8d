//! Reports on the wire: heard on the odd port or on the shared one, sent on the sweep.

use super::worker::{BUFFER, Worker};
use crate::media::{HeardReport, MediaEvent};
use std::net::SocketAddr;
use std::time::Instant;

impl Worker {
    /// Takes a datagram that came to the RTCP port.
    pub(super) fn hear_report(&mut self, now: Instant, place: usize, length: usize, from: SocketAddr) {
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        let datagram = self
            .buffer
            .get_mut(..length)
            .filter(|_| length < BUFFER)
            .unwrap_or_default();
        let heard = leg.session.hear_report(now, from, datagram);
        self.count_report(heard);
        self.use_ration(place);
    }

    /// Counts what came as a report, on whichever port.
    pub(super) fn count_report(&mut self, heard: HeardReport) {
        self.counts.rtcp += 1;
        match heard {
            HeardReport::Taken => self.counts.reports_heard += 1,
            HeardReport::Stranger | HeardReport::Junk => self.counts.reports_dropped += 1,
        }
    }

    /// Sends the reports that are due, and tells the engine how those legs sound.
    pub(super) fn report(&mut self, now: Instant) {
        for leg in self.legs.iter_mut() {
            let Some(report) = leg.session.report(now, &mut self.buffer[..]) else {
                continue;
            };
            let socket = if report.muxed {
                &leg.sockets.rtp
            } else {
                &leg.sockets.rtcp
            };
            let bytes = self.buffer.get(..report.length).unwrap_or_default();
            match socket.send_to(bytes, report.to) {
                Ok(_) => self.counts.reports_sent += 1,
                Err(_) => self.counts.socket_errors += 1,
            }
            if let Some(quality) = leg.session.quality() {
                self.outbox.mention(MediaEvent::Measured {
                    leg: leg.key,
                    quality,
                });
            }
        }
    }

    /// Says goodbye to a leg's peer. It has SIP for that; a report that does not leave is not missed.
    pub(super) fn say_goodbye(&mut self, now: Instant, place: usize) {
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        let Some(report) = leg.session.farewell(now, &mut self.buffer[..]) else {
            return;
        };
        let socket = if report.muxed {
            &leg.sockets.rtp
        } else {
            &leg.sockets.rtcp
        };
        let bytes = self.buffer.get(..report.length).unwrap_or_default();
        if socket.send_to(bytes, report.to).is_ok() {
            self.counts.reports_sent += 1;
        }
    }
}
