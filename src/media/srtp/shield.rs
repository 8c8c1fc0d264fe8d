use super::keys::{Purpose, derive};
use super::layout::{ENCRYPTED, Head, INDEX, REPORT_HEAD, source_of_report};
use super::streams::{Standing, Streams};
use super::transform::{Also, Place, Transform};
use crate::model::SrtpSuite;
use crate::sdp::{MasterKey, Mki, Secured};
use aws_lc_rs::error::Unspecified;
use std::ops::Range;

/// Bytes of the longest tag.
const LONGEST_TAG: usize = 16;

/// One leg's protection: its own key for what it sends, the peer's for what it receives.
#[derive(Debug)]
pub(crate) struct Shield {
    agreed: Secured,
    sealing: Half,
    opening: Half,
    /// The index of the next report we send.
    report: u32,
    /// The rollover counter under the peer's key before this one: a sender may take it over (RFC 3711 §3.3.1) or begin
    /// with zero.
    inherited: u64,
}

/// One direction: session keys, and what went by under them.
#[derive(Debug)]
struct Half {
    voice: Transform,
    reports: Transform,
    streams: Streams,
    report_streams: Streams,
    /// The rollover counter of the last source that proved genuine.
    rollover: u64,
}

/// Why a packet is not let in. It changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// Too short, or no RTP at all.
    Malformed,
    /// It was here before, or is too late to tell.
    Repeated,
    /// The tag is not the one its bytes have under the agreed key; unprotected packets end here too.
    Forged,
}

impl Half {
    fn new(suite: SrtpSuite, key: &MasterKey) -> Result<Self, Unspecified> {
        Ok(Self {
            voice: derive(suite, key, Purpose::Voice)?,
            reports: derive(suite, key, Purpose::Reports)?,
            streams: Streams::default(),
            report_streams: Streams::default(),
            rollover: 0,
        })
    }
}

impl Shield {
    /// Protection under these keys; nothing when they do not fit the suite.
    pub(crate) fn new(agreed: Secured) -> Option<Self> {
        Some(Self {
            agreed,
            sealing: Half::new(agreed.suite, &agreed.send).ok()?,
            opening: Half::new(agreed.suite, &agreed.receive).ok()?,
            report: 0,
            inherited: 0,
        })
    }

    /// Goes on under what was agreed anew. A direction whose key is the same keeps its counters: a hold is no new
    /// beginning, and counters that began again would let old packets in.
    pub(crate) fn renewed(self: Box<Self>, agreed: Secured) -> Option<Box<Self>> {
        let mut shield = self;
        let is_same_suite = shield.agreed.suite == agreed.suite;
        if !is_same_suite || shield.agreed.receive != agreed.receive {
            shield.inherited = shield.opening.rollover;
            shield.opening = Half::new(agreed.suite, &agreed.receive).ok()?;
        }
        if !is_same_suite || shield.agreed.send != agreed.send {
            shield.sealing = Half::new(agreed.suite, &agreed.send).ok()?;
            shield.report = 0;
        }
        shield.agreed = agreed;
        Some(shield)
    }

    /// How it protects.
    pub(crate) fn suite(&self) -> SrtpSuite {
        self.agreed.suite
    }

    /// Opens an RTP packet where it lies, and gives the length of what is left (RFC 3711 §3.3).
    ///
    /// # Errors
    /// [`Rejected`]; its bytes are of no use then.
    pub(crate) fn open(&mut self, datagram: &mut [u8]) -> Result<usize, Rejected> {
        let head = Head::read(datagram).ok_or(Rejected::Malformed)?;
        let tail = Tail::find(&self.opening.voice, self.agreed.receive_mki.as_ref(), 0, datagram)?;
        if tail.body < head.payload {
            return Err(Rejected::Malformed);
        }
        let (packet, tag) = tail.part(datagram)?;
        let try_at = |opening: &Half, packet: &mut [u8], index: u64| {
            let place = Place {
                ssrc: head.ssrc,
                index,
            };
            opening.voice.open(
                place,
                packet,
                head.payload,
                rollover_of(index),
                &tag[..tail.tag_bytes],
            )
        };
        let index = match self.opening.streams.place(head.ssrc, head.sequence) {
            Standing::Stale => return Err(Rejected::Repeated),
            Standing::Known(index) => {
                try_at(&self.opening, packet, index).map_err(|_| Rejected::Forged)?;
                index
            }
            Standing::New => self.find_beginning(packet, head, &tag[..tail.tag_bytes])?,
        };
        self.opening.streams.keep(head.ssrc, index);
        self.opening.rollover = index >> 16;
        Ok(tail.body)
    }

    /// A source is new: its counter begins with zero. Its first packet may have been lost right before the first turn,
    /// and after a change of keys it may go on with the counter it had.
    fn find_beginning(&self, packet: &mut [u8], head: Head, tag: &[u8]) -> Result<u64, Rejected> {
        let inherited = self.inherited;
        let candidates = [0, 1, inherited, inherited + 1, inherited.saturating_sub(1)];
        for (number, rollover) in candidates.into_iter().enumerate() {
            if candidates.iter().take(number).any(|before| *before == rollover) {
                continue;
            }
            let index = rollover << 16 | u64::from(head.sequence);
            let place = Place {
                ssrc: head.ssrc,
                index,
            };
            // Galois mode writes over what it could not open, so it is tried on a copy first.
            let opened = if self.opening.voice.tag_is_last() {
                self.opening
                    .voice
                    .open(place, packet, head.payload, rollover_of(index), tag)
            } else {
                let mut copy = [0; COPY];
                let copied = copy.get_mut(..packet.len()).ok_or(Rejected::Malformed)?;
                copied.copy_from_slice(packet);
                self.opening
                    .voice
                    .open(place, copied, head.payload, rollover_of(index), tag)
                    .map(|()| packet.copy_from_slice(copied))
            };
            if opened.is_ok() {
                return Ok(index);
            }
        }
        Err(Rejected::Forged)
    }

    /// Seals the RTP packet that lies in `range`, and gives where the sealed one lies. None when there is no room
    /// behind it, or when something was sealed under its number already: that is never done twice.
    pub(crate) fn seal(&mut self, buffer: &mut [u8], range: Range<usize>) -> Option<Range<usize>> {
        let tag_bytes = self.sealing.voice.tag_bytes();
        let sealed = range.start..range.end.checked_add(tag_bytes)?;
        let (packet, tag) = buffer
            .get_mut(sealed.clone())?
            .split_at_mut_checked(range.len())?;
        let head = Head::read(packet)?;
        let index = match self.sealing.streams.place(head.ssrc, head.sequence) {
            Standing::Stale => return None,
            Standing::Known(index) => index,
            Standing::New => u64::from(head.sequence),
        };
        let place = Place {
            ssrc: head.ssrc,
            index,
        };
        self.sealing
            .voice
            .seal(place, packet, head.payload, rollover_of(index), tag)
            .ok()?;
        self.sealing.streams.keep(head.ssrc, index);
        Some(sealed)
    }

    /// Opens an RTCP datagram where it lies, and gives the length of what is left (RFC 3711 §3.4). What is not
    /// encrypted was not agreed on and is not let in.
    ///
    /// # Errors
    /// [`Rejected`]; its bytes are of no use then.
    pub(crate) fn open_report(&mut self, datagram: &mut [u8]) -> Result<usize, Rejected> {
        let ssrc = source_of_report(datagram).ok_or(Rejected::Malformed)?;
        let mki = self.agreed.receive_mki.as_ref();
        let tail = Tail::find(&self.opening.reports, mki, INDEX, datagram)?;
        if tail.body < REPORT_HEAD {
            return Err(Rejected::Malformed);
        }
        let trailer = tail.trailer(datagram).ok_or(Rejected::Malformed)?;
        let word = u32::from_be_bytes(trailer);
        if word & ENCRYPTED == 0 {
            return Err(Rejected::Forged);
        }
        let index = u64::from(word & !ENCRYPTED);
        if !self.opening.report_streams.is_news(ssrc, index) {
            return Err(Rejected::Repeated);
        }
        let (report, tag) = tail.part(datagram)?;
        self.opening
            .reports
            .open(
                Place { ssrc, index },
                report,
                REPORT_HEAD,
                Also::Index(trailer),
                &tag[..tail.tag_bytes],
            )
            .map_err(|_| Rejected::Forged)?;
        self.opening.report_streams.keep(ssrc, index);
        Ok(tail.body)
    }

    /// Seals the RTCP datagram in the first `length` bytes, and gives the length of the sealed one. None when there is
    /// no room behind it.
    pub(crate) fn seal_report(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        let transform = &self.sealing.reports;
        let tag_bytes = transform.tag_bytes();
        let sealed = length.checked_add(INDEX)?.checked_add(tag_bytes)?;
        let (report, behind) = buffer.get_mut(..sealed)?.split_at_mut_checked(length)?;
        let ssrc = source_of_report(report)?;
        // The first has number 1, as the phones of the field have it.
        let index = self.report.checked_add(1).filter(|index| *index < ENCRYPTED)?;
        let trailer = (index | ENCRYPTED).to_be_bytes();
        let place = Place {
            ssrc,
            index: u64::from(index),
        };
        let (tag, number) = if transform.tag_is_last() {
            let (number, tag) = behind.split_at_mut_checked(INDEX)?;
            (tag, number)
        } else {
            behind.split_at_mut_checked(tag_bytes)?
        };
        transform
            .seal(place, report, REPORT_HEAD, Also::Index(trailer), tag)
            .ok()?;
        number.copy_from_slice(&trailer);
        self.report = index;
        Some(sealed)
    }
}

/// Bytes of the longest packet that may begin a source.
const COPY: usize = 2048;

fn rollover_of(index: u64) -> Also {
    let rollover = u32::try_from(index >> 16).unwrap_or(u32::MAX);
    Also::Rollover(rollover.to_be_bytes())
}

/// Where what lies behind the encrypted part lies.
#[derive(Debug, Clone, Copy)]
struct Tail {
    /// Bytes of head and encrypted part, without the tag.
    body: usize,
    tag_at: usize,
    tag_bytes: usize,
    index_at: usize,
}

impl Tail {
    /// Body, index, identifier, tag in counter mode; body, tag, index, identifier in Galois mode.
    fn find(
        transform: &Transform,
        mki: Option<&Mki>,
        index: usize,
        datagram: &[u8],
    ) -> Result<Self, Rejected> {
        let tag_bytes = transform.tag_bytes();
        let name = mki.map_or::<&[u8], _>(&[], |mki| mki.bytes());
        let body = datagram
            .len()
            .checked_sub(tag_bytes + index + name.len())
            .ok_or(Rejected::Malformed)?;
        let (index_at, tag_at) = if transform.tag_is_last() {
            (body, body + index + name.len())
        } else {
            (body + tag_bytes, body)
        };
        let name_at = index_at + index;
        // A packet under another key of the peer's is as good as forged: there is none.
        if datagram.get(name_at..name_at + name.len()) != Some(name) {
            return Err(Rejected::Forged);
        }
        Ok(Self {
            body,
            tag_at,
            tag_bytes,
            index_at,
        })
    }

    fn trailer(&self, datagram: &[u8]) -> Option<[u8; 4]> {
        datagram.get(self.index_at..)?.first_chunk().copied()
    }

    /// Head with encrypted part, and a copy of the tag.
    fn part<'a>(&self, datagram: &'a mut [u8]) -> Result<(&'a mut [u8], [u8; LONGEST_TAG]), Rejected> {
        let mut tag = [0; LONGEST_TAG];
        let lies = datagram.get(self.tag_at..self.tag_at + self.tag_bytes);
        let kept = tag.get_mut(..self.tag_bytes);
        let (Some(lies), Some(kept)) = (lies, kept) else {
            return Err(Rejected::Malformed);
        };
        kept.copy_from_slice(lies);
        let packet = datagram.get_mut(..self.body).ok_or(Rejected::Malformed)?;
        Ok((packet, tag))
    }
}
