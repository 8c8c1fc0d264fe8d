use super::packet::Header;
use crate::sdp::Agreed;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Packets in order that prove a stream before it is believed.
const PROOF: u8 = 4;
/// How long the old place has to be silent before the same stream may come from another port.
const SILENT: Duration = Duration::from_secs(1);
/// How far the numbers of a stream may have gone on while it moved: ten seconds of packets.
const MOST_LOST: u16 = 500;

/// Where the peer really is: where SDP says, or where its packets come from when a router in front of it hides that.
///
/// Learning is for peers that [`Agreed::learns_from`] marks, and for packets from that address alone: the one its
/// signalling comes from. It happens once, after four packets in order. After that only the same stream may move, when
/// its old place has been silent for a second: the router gave it another port.
#[derive(Debug, Default)]
pub(in crate::media) struct Latch {
    learned: Option<SocketAddr>,
    learned_rtcp: Option<SocketAddr>,
    heard: Option<Heard>,
    suitor: Option<Suitor>,
}

/// The newest packet from where the peer is.
#[derive(Debug, Clone, Copy)]
struct Heard {
    ssrc: u32,
    sequence: u16,
    at: Instant,
}

/// A stream from elsewhere that wants to be the peer.
#[derive(Debug, Clone, Copy)]
struct Suitor {
    from: SocketAddr,
    ssrc: u32,
    sequence: u16,
    in_order: u8,
}

/// What became of a packet that did not come from where the peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Verdict {
    /// It may be a peer that is hidden; it is not believed yet.
    Perhaps,
    /// It is: from now on the peer is there.
    Peer,
    /// It is nobody's.
    Stranger,
}

impl Latch {
    /// The peer has a new place in SDP: what was learned of the old one is nothing.
    pub(in crate::media) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Where the peer's RTP comes from and goes to.
    pub(in crate::media) fn place(&self, agreed: &Agreed) -> SocketAddr {
        self.learned.unwrap_or(agreed.remote)
    }

    /// Where the peer's RTCP comes from and goes to.
    pub(in crate::media) fn rtcp_place(&self, agreed: &Agreed) -> SocketAddr {
        if agreed.rtcp_mux {
            return self.place(agreed);
        }
        self.learned_rtcp.unwrap_or(agreed.remote_rtcp)
    }

    /// A packet came from where the peer is.
    pub(in crate::media) fn hear(&mut self, now: Instant, header: &Header) {
        self.heard = Some(Heard {
            ssrc: header.ssrc,
            sequence: header.sequence,
            at: now,
        });
        self.suitor = None;
    }

    /// Judges a packet from elsewhere.
    pub(in crate::media) fn judge(
        &mut self,
        now: Instant,
        agreed: &Agreed,
        from: SocketAddr,
        header: &Header,
    ) -> Verdict {
        if !is_marked(agreed, from.ip()) || !self.may_move(now, header) {
            return Verdict::Stranger;
        }
        let in_order = match self.suitor {
            Some(suitor) if suitor.is_followed_by(from, header) => suitor.in_order + 1,
            Some(_) | None => 1,
        };
        if in_order >= PROOF {
            self.learned = Some(from);
            self.suitor = None;
            return Verdict::Peer;
        }
        self.suitor = Some(Suitor {
            from,
            ssrc: header.ssrc,
            sequence: header.sequence,
            in_order,
        });
        Verdict::Perhaps
    }

    /// Whether a stream that was heard may be heard from elsewhere now. One that never was may begin anywhere.
    fn may_move(&self, now: Instant, header: &Header) -> bool {
        self.heard.is_none_or(|heard| {
            let went = header.sequence.wrapping_sub(heard.sequence);
            let is_silent = now.saturating_duration_since(heard.at) >= SILENT;
            is_silent && heard.ssrc == header.ssrc && (1..=MOST_LOST).contains(&went)
        })
    }

    /// Whether a report from elsewhere is the peer's: its RTP was learned, and this is the first report of that very
    /// source from the same address. From then on its reports come from there.
    pub(in crate::media) fn learns_rtcp(&mut self, from: SocketAddr, sender: u32) -> bool {
        let fits = self.learned_rtcp.is_none()
            && self.learned.is_some_and(|place| place.ip() == from.ip())
            && self.heard.is_some_and(|heard| heard.ssrc == sender);
        if fits {
            self.learned_rtcp = Some(from);
        }
        fits
    }
}

impl Suitor {
    fn is_followed_by(&self, from: SocketAddr, header: &Header) -> bool {
        self.from == from && self.ssrc == header.ssrc && header.sequence == self.sequence.wrapping_add(1)
    }
}

/// Whether the peer's place may be learned from packets of this address.
pub(in crate::media) fn is_marked(agreed: &Agreed, from: IpAddr) -> bool {
    agreed
        .learns_from
        .is_some_and(|address| address.to_canonical() == from.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;
    use crate::model::Codec;

    const SDP: &str = "192.168.1.7:4000";
    const ROUTER: &str = "203.0.113.9:40123";

    fn agreed(learns_from: Option<&str>) -> Agreed {
        Agreed {
            learns_from: learns_from.map(|address| address.parse().unwrap()),
            ..Agreed::plain(SDP.parse().unwrap(), Codec::Pcmu)
        }
    }

    fn header(ssrc: u32, sequence: u16) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp: 0,
            ssrc,
            start: 12,
            end: 172,
        }
    }

    struct Leg {
        latch: Latch,
        agreed: Agreed,
        now: Instant,
    }

    impl Leg {
        fn marked() -> Self {
            Self {
                latch: Latch::default(),
                agreed: agreed(Some("203.0.113.9")),
                now: origin(),
            }
        }

        fn judge(&mut self, from: &str, ssrc: u32, sequence: u16) -> Verdict {
            let (now, from) = (self.now, from.parse().unwrap());
            let verdict = self.latch.judge(now, &self.agreed, from, &header(ssrc, sequence));
            if verdict == Verdict::Peer {
                self.latch.hear(now, &header(ssrc, sequence));
            }
            verdict
        }

        fn place(&self) -> String {
            self.latch.place(&self.agreed).to_string()
        }
    }

    #[test]
    fn a_marked_peer_is_believed_after_four_packets_in_order() {
        let mut leg = Leg::marked();
        for sequence in [65_534, 65_535, 0] {
            assert_eq!(leg.judge(ROUTER, 7, sequence), Verdict::Perhaps);
            assert_eq!(leg.place(), SDP, "nothing goes there before");
        }
        assert_eq!(leg.judge(ROUTER, 7, 1), Verdict::Peer);
        assert_eq!(leg.place(), ROUTER);
    }

    /// ROBUSTNESS 46, 47: learning is no opening for whoever sprays ports.
    #[test]
    fn packets_out_of_order_of_many_sources_or_from_elsewhere_prove_nothing() {
        let mut leg = Leg::marked();
        for sequence in [1, 2, 3, 5, 6, 7, 9, 1, 1, 2, 3] {
            assert_ne!(leg.judge(ROUTER, 7, sequence), Verdict::Peer);
        }
        for sequence in 10..50 {
            assert_ne!(leg.judge(ROUTER, u32::from(sequence), sequence), Verdict::Peer);
            let port = format!("203.0.113.9:{}", 20_000 + sequence % 3);
            assert_ne!(leg.judge(&port, 7, sequence), Verdict::Peer);
            assert_eq!(leg.judge("203.0.113.10:40123", 7, sequence), Verdict::Stranger);
        }
        let mut strict = Leg {
            agreed: agreed(None),
            ..Leg::marked()
        };
        for sequence in 0..50 {
            assert_eq!(strict.judge(ROUTER, 7, sequence), Verdict::Stranger);
        }
    }

    /// ROBUSTNESS 48.
    #[test]
    fn a_stream_moves_to_another_port_only_when_it_is_the_same_and_the_old_one_is_silent() {
        let mut leg = Leg::marked();
        for sequence in 1..5 {
            leg.judge(ROUTER, 7, sequence);
        }
        let other = "203.0.113.9:50000";
        for (millis, ssrc, first) in [
            (20, 7, 5),
            (980, 7, 5),
            (5000, 8, 5),
            (5000, 7, 3),
            (5000, 7, 2000),
        ] {
            leg.now = leg.latch.heard.unwrap().at + Duration::from_millis(millis);
            for sequence in first..first + 10 {
                let verdict = leg.judge(other, ssrc, sequence);
                let is_late = ssrc == 7 && first == 3 && sequence > 4 && millis > 1000;
                assert!(
                    verdict == Verdict::Stranger || is_late,
                    "{millis} {ssrc} {sequence}"
                );
                leg.latch.suitor = None;
            }
            assert_eq!(leg.place(), ROUTER);
        }
        // The old place speaks again in between: whoever courts has to begin anew.
        leg.now = leg.latch.heard.unwrap().at + Duration::from_secs(2);
        for sequence in 5..8 {
            assert_eq!(leg.judge(other, 7, sequence), Verdict::Perhaps);
        }
        let now = leg.now;
        leg.latch.hear(now, &header(7, 8));
        assert_eq!(leg.judge(other, 7, 9), Verdict::Stranger);
        leg.now += Duration::from_secs(1);
        for sequence in 9..12 {
            assert_eq!(leg.judge(other, 7, sequence), Verdict::Perhaps);
        }
        assert_eq!(leg.judge(other, 7, 12), Verdict::Peer);
        assert_eq!(leg.place(), other);
    }

    #[test]
    fn where_sdp_says_is_as_good_as_learned_once_the_peer_speaks_from_there() {
        let mut leg = Leg::marked();
        leg.latch.hear(leg.now, &header(7, 1));
        for sequence in 2..20 {
            assert_eq!(leg.judge(ROUTER, 7, sequence), Verdict::Stranger);
        }
        assert_eq!(leg.place(), SDP);
    }

    #[test]
    fn reports_are_learned_after_the_voice_from_the_same_address_and_source() {
        let mut leg = Leg::marked();
        let from: SocketAddr = "203.0.113.9:40124".parse().unwrap();
        assert!(!leg.latch.learns_rtcp(from, 7));
        for sequence in 1..5 {
            leg.judge(ROUTER, 7, sequence);
        }
        assert!(!leg.latch.learns_rtcp(from, 8));
        assert!(!leg.latch.learns_rtcp("203.0.113.10:40124".parse().unwrap(), 7));
        assert!(leg.latch.learns_rtcp(from, 7));
        assert_eq!(leg.latch.rtcp_place(&leg.agreed), from);
        assert!(
            !leg.latch.learns_rtcp("203.0.113.9:40999".parse().unwrap(), 7),
            "once"
        );
    }
}
