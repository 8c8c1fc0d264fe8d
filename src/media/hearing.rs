use super::codec::{Decoder, Pcm};
use crate::model::Codec;

/// Hears a stream packet by packet as it comes, for tapes and watches: what is lost stays silent.
#[derive(Debug, Default)]
pub(super) struct Hearing(Option<(Decoder, Pcm)>);

impl Hearing {
    /// The samples of a payload at the given rate in Hz; none of what the box does not decode. The first packet in a
    /// codec costs a decoder, no other packet allocates.
    pub(super) fn hear(&mut self, codec: Codec, rate_hz: u32, payload: &[u8]) -> &[i16] {
        if !codec.is_decoded() {
            return &[];
        }
        if self
            .0
            .as_ref()
            .is_none_or(|(decoder, _)| decoder.codec() != codec)
        {
            self.0 = Some((Decoder::at(codec, rate_hz), Pcm::new()));
        }
        let Some((decoder, pcm)) = &mut self.0 else {
            return &[];
        };
        decoder.decode(payload, pcm);
        pcm.samples()
    }
}
