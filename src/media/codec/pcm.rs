/// The longest packet there is: 120 ms of Opus at 48 kHz (RFC 6716 §2.1.4).
pub(super) const MOST: usize = 5760;

/// The samples of one packet.
#[derive(Debug, Clone)]
pub struct Pcm {
    samples: Box<[i16]>,
    length: usize,
}

impl Default for Pcm {
    fn default() -> Self {
        Self::new()
    }
}

impl Pcm {
    /// Room for the longest packet of any codec, still empty.
    pub fn new() -> Self {
        Self {
            samples: vec![0; MOST].into(),
            length: 0,
        }
    }

    /// What the packet sounds like.
    pub fn samples(&self) -> &[i16] {
        self.samples.get(..self.length).unwrap_or_default()
    }

    pub(super) fn samples_mut(&mut self) -> &mut [i16] {
        self.samples.get_mut(..self.length).unwrap_or_default()
    }

    /// All the room there is, to be followed by [`Pcm::keep`].
    pub(in crate::media) fn room(&mut self) -> &mut [i16] {
        &mut self.samples
    }

    /// The first so many samples of the room are the packet.
    pub(in crate::media) fn keep(&mut self, length: usize) {
        self.length = length.min(self.samples.len());
    }
}
