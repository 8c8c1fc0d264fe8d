use crate::model::Codec;
use crate::sdp::{Agreed, OpusWishes};

/// How a party wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// In this codec.
    pub codec: Codec,
    /// What it asked for, when that is Opus.
    pub opus: OpusWishes,
}

impl From<Codec> for Voice {
    /// The codec, and nothing more asked for.
    fn from(codec: Codec) -> Self {
        Self {
            codec,
            opus: OpusWishes::default(),
        }
    }
}

impl From<Agreed> for Voice {
    fn from(agreed: Agreed) -> Self {
        Self {
            codec: agreed.codec,
            opus: agreed.opus,
        }
    }
}
