use crate::media::codec::{Decoder, Doubler, Pcm};
use crate::model::Codec;

/// Hears a stream packet by packet as it comes, for tapes and watches: what is lost stays silent.
#[derive(Debug, Default)]
pub(in crate::media) struct Hearing(Option<Box<Voice>>);

#[derive(Debug)]
struct Voice {
    decoder: Decoder,
    pcm: Pcm,
    /// Where the codec has half the samples that are asked for.
    doubled: Option<(Doubler, Pcm)>,
}

impl Hearing {
    /// The samples of a payload at 8000 or 16000 Hz; none of what the box does not decode. The first packet in a codec
    /// costs a decoder, no other packet allocates.
    pub(in crate::media) fn hear(&mut self, codec: Codec, rate_hz: u32, payload: &[u8]) -> &[i16] {
        if !codec.is_decoded() {
            return &[];
        }
        let voice = match self.0.take() {
            Some(voice) if voice.decoder.codec().passes_as(codec) => voice,
            Some(_) | None => Box::new(Voice::new(codec, rate_hz)),
        };
        self.0.insert(voice).hear(codec, payload)
    }
}

impl Voice {
    fn new(codec: Codec, rate_hz: u32) -> Self {
        let decoder = Decoder::at(codec, rate_hz);
        Self {
            doubled: (decoder.rate() < rate_hz).then(|| (Doubler::new(), Pcm::new())),
            pcm: Pcm::new(),
            decoder,
        }
    }

    fn hear(&mut self, codec: Codec, payload: &[u8]) -> &[i16] {
        self.decoder.change_law(codec);
        self.decoder.decode(payload, &mut self.pcm);
        let Some((doubler, doubled)) = &mut self.doubled else {
            return self.pcm.samples();
        };
        let length = doubler.double(self.pcm.samples(), doubled.room());
        doubled.keep(length);
        doubled.samples()
    }
}
