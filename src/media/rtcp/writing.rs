use super::reading::{BLOCK, Block, DESCRIPTION, GOODBYE, RECEIVER_REPORT, SENDER_REPORT};

/// Bytes of a CNAME of ours.
pub(super) const NAME: usize = 16;
/// The item of a description that names a source for good.
const CNAME: u8 = 1;

/// What a sender report says of our stream (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// 64 bits of time: seconds, and their 2^32nds.
    pub(super) at: u64,
    /// The same moment in our time stamps.
    pub(super) timestamp: u32,
    /// Packets since the beginning.
    pub(super) packets: u32,
    /// Bytes of payload since the beginning.
    pub(super) octets: u32,
}

/// Writes a compound packet into a buffer; nothing more once it is full.
#[derive(Debug)]
pub(in crate::media) struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Begins at the start of the buffer.
    pub(in crate::media) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Bytes written.
    pub(in crate::media) fn length(&self) -> usize {
        self.length
    }

    /// The report a compound packet begins with: of a sender when it sent something, with at most one block.
    pub(super) fn report(&mut self, ssrc: u32, sent: Option<Sent>, block: Option<Block>) -> Option<()> {
        let count = u8::from(block.is_some());
        let blocks = usize::from(count) * BLOCK;
        match sent {
            Some(sent) => {
                self.head(count, SENDER_REPORT, 24 + blocks)?;
                self.word(ssrc)?;
                self.put(&sent.at.to_be_bytes())?;
                self.word(sent.timestamp)?;
                self.word(sent.packets)?;
                self.word(sent.octets)?;
            }
            None => {
                self.head(count, RECEIVER_REPORT, 4 + blocks)?;
                self.word(ssrc)?;
            }
        }
        block.map_or(Some(()), |block| self.block(&block))
    }

    /// A description with the CNAME, which every compound packet has (RFC 3550 §6.1), closed by at least one zero.
    pub(super) fn description(&mut self, ssrc: u32, name: &[u8; NAME]) -> Option<()> {
        self.head(1, DESCRIPTION, 4 + 2 + NAME + 2)?;
        self.word(ssrc)?;
        self.put(&[CNAME, NAME as u8])?;
        self.put(name)?;
        self.put(&[0, 0])
    }

    /// A goodbye (RFC 3550 §6.6).
    pub(super) fn goodbye(&mut self, ssrc: u32) -> Option<()> {
        self.head(1, GOODBYE, 4)?;
        self.word(ssrc)
    }

    fn block(&mut self, block: &Block) -> Option<()> {
        self.word(block.ssrc)?;
        let [_, l0, l1, l2] = block.lost.to_be_bytes();
        self.put(&[block.fraction, l0, l1, l2])?;
        self.word(block.highest)?;
        self.word(block.jitter)?;
        self.word(block.last_report)?;
        self.word(block.since_report)
    }

    /// `bytes` follow the head, a whole number of words.
    fn head(&mut self, count: u8, kind: u8, bytes: usize) -> Option<()> {
        let [high, low] = u16::try_from(bytes / 4).ok()?.to_be_bytes();
        self.put(&[0x80 | count, kind, high, low])
    }

    fn word(&mut self, word: u32) -> Option<()> {
        self.put(&word.to_be_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length + bytes.len();
        self.buffer.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::read;
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let block = Block {
            ssrc: 77,
            fraction: 25,
            lost: -3,
            highest: 0x0002_0001,
            jitter: 40,
            last_report: 0x1234_5678,
            since_report: 32_768,
        };
        let sent = Sent {
            at: 0x0000_0009_8000_0000,
            timestamp: 1,
            packets: 2,
            octets: 320,
        };
        let mut buffer = [0xee; 200];
        let mut writer = Writer::new(&mut buffer);
        writer.report(5, Some(sent), Some(block)).unwrap();
        writer.description(5, b"abcdefghijklmnop").unwrap();
        writer.goodbye(5).unwrap();
        let length = writer.length();
        assert_eq!((length, length % 4), (28 + 24 + 28 + 8, 0));
        let told = read(&buffer[..length], 77).unwrap();
        assert_eq!(
            (told.sender, told.sent_at, told.block, told.bye),
            (5, Some(0x0009_8000), Some(block), true)
        );
    }

    #[test]
    fn a_buffer_that_is_too_small_takes_nothing_more() {
        for size in 0..36 {
            let mut buffer = [0; 36];
            let mut writer = Writer::new(&mut buffer[..size]);
            let written = writer
                .report(5, None, None)
                .and_then(|()| writer.description(5, &[b'a'; NAME]));
            assert_eq!(written, None, "{size} bytes");
        }
    }
}
