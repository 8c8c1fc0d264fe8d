use super::shield::Shield;
use crate::model::SrtpSuite;
use crate::sdp::Secured;
use std::ops::Range;

/// Whether a leg's packets are encrypted, and what was not let in for it.
#[derive(Debug, Default)]
pub(crate) enum Protection {
    /// They are not.
    #[default]
    None,
    /// They are.
    Shielded(Box<Shield>),
    /// They should be, under keys nobody can use: nothing comes in and nothing goes out.
    Broken,
}

impl Protection {
    /// Takes what offer and answer settled, first or anew.
    pub(crate) fn settle(&mut self, secured: Option<Secured>) {
        let before = std::mem::take(self);
        let Some(secured) = secured else {
            return;
        };
        let shield = match before {
            Self::Shielded(shield) => shield.renewed(secured),
            Self::None | Self::Broken => Shield::new(secured).map(Box::new),
        };
        *self = shield.map_or(Self::Broken, Self::Shielded);
    }

    /// Opens an RTP packet where it lies; the length of what is left, none when it is not let in.
    pub(crate) fn open(&mut self, datagram: &mut [u8]) -> Option<usize> {
        match self {
            Self::None => Some(datagram.len()),
            Self::Shielded(shield) => shield.open(datagram).ok(),
            Self::Broken => None,
        }
    }

    /// Opens an RTCP datagram where it lies; the length of what is left, none when it is not let in.
    pub(crate) fn open_report(&mut self, datagram: &mut [u8]) -> Option<usize> {
        match self {
            Self::None => Some(datagram.len()),
            Self::Shielded(shield) => shield.open_report(datagram).ok(),
            Self::Broken => None,
        }
    }

    /// Seals the RTP packet in `range` where it lies; where the sealed one lies, none when it may not be sent.
    pub(crate) fn seal(&mut self, buffer: &mut [u8], range: Range<usize>) -> Option<Range<usize>> {
        match self {
            Self::None => buffer.get(range.clone()).map(|_| range),
            Self::Shielded(shield) => shield.seal(buffer, range),
            Self::Broken => None,
        }
    }

    /// Seals the RTCP datagram in the first `length` bytes; the length of the sealed one, none when it may not be sent.
    pub(crate) fn seal_report(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        match self {
            Self::None => buffer.get(..length).map(|_| length),
            Self::Shielded(shield) => shield.seal_report(buffer, length),
            Self::Broken => None,
        }
    }

    /// How packets are protected; none when they are not.
    pub(crate) fn suite(&self) -> Option<SrtpSuite> {
        match self {
            Self::Shielded(shield) => Some(shield.suite()),
            Self::None | Self::Broken => None,
        }
    }
}
