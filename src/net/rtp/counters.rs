use std::sync::atomic::{AtomicU64, Ordering};

/// What the RTP threads counted since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RtpCounters {
    /// Datagrams that came to RTP ports.
    pub received: u64,
    /// RTP packets sent: relayed and played.
    pub sent: u64,
    /// Datagrams from addresses that no SDP named; dropped.
    pub strangers: u64,
    /// Datagrams of the right peer that are not RTP; dropped.
    pub junk: u64,
    /// Packets on encrypted legs whose protection was not right; dropped.
    pub rejected: u64,
    /// Reports, and what else came to RTCP ports.
    pub rtcp: u64,
    /// Reports of peers that were taken.
    pub reports_heard: u64,
    /// Datagrams to RTCP ports that came from elsewhere, or are no RTCP; dropped.
    pub reports_dropped: u64,
    /// Reports sent.
    pub reports_sent: u64,
    /// Packets the system did not take, or could not deliver to us.
    pub socket_errors: u64,
    /// Sounds that were ordered and do not exist.
    pub sounds_missing: u64,
    /// Bytes of recordings lost because the recorder did not keep up.
    pub tape_bytes_dropped: u64,
    /// How long they would have lasted, in milliseconds.
    pub tape_ms_dropped: u64,
    /// Packets that came too late for their place in a recording.
    pub tape_packets_late: u64,
    /// Events lost because the engine did not keep up.
    pub events_dropped: u64,
    /// Calls' legs closed because serving them failed.
    pub faults: u64,
}

/// The counts where others can read them. A thread adds what it counted a few times a second, not for a packet.
#[derive(Debug, Default)]
pub(super) struct Shared([AtomicU64; 16]);

impl RtpCounters {
    fn values(&mut self) -> [&mut u64; 16] {
        [
            &mut self.received,
            &mut self.sent,
            &mut self.strangers,
            &mut self.junk,
            &mut self.rejected,
            &mut self.rtcp,
            &mut self.reports_heard,
            &mut self.reports_dropped,
            &mut self.reports_sent,
            &mut self.socket_errors,
            &mut self.sounds_missing,
            &mut self.tape_bytes_dropped,
            &mut self.tape_ms_dropped,
            &mut self.tape_packets_late,
            &mut self.events_dropped,
            &mut self.faults,
        ]
    }

    /// Adds these counts to the shared ones and starts again from zero.
    pub(super) fn publish(&mut self, shared: &Shared) {
        for (value, total) in self.values().into_iter().zip(&shared.0) {
            total.fetch_add(std::mem::take(value), Ordering::Relaxed);
        }
    }
}

impl Shared {
    /// The counts published so far.
    pub(super) fn read(&self) -> RtpCounters {
        let mut counters = RtpCounters::default();
        for (value, total) in counters.values().into_iter().zip(&self.0) {
            *value = total.load(Ordering::Relaxed);
        }
        counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_once() {
        let shared = Shared::default();
        let mut counters = RtpCounters {
            received: 3,
            faults: 1,
            ..RtpCounters::default()
        };
        counters.publish(&shared);
        counters.publish(&shared);
        assert_eq!(
            shared.read(),
            RtpCounters {
                received: 3,
                faults: 1,
                ..RtpCounters::default()
            }
        );
    }
}
