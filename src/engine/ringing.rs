//! What a caller hears while phones ring: the tone of their own network, or ours as early media.

use super::Engine;
use crate::model::{CallKey, LegId, Playable, Tone};
use crate::sdp::Flowing;
use std::time::Instant;

impl Engine {
    /// Tells the caller that phones ring.
    pub(super) fn ring(&mut self, now: Instant, key: CallKey, leg: LegId) {
        let Some(line) = self.line(key, leg) else { return };
        let session = line.session;
        let answer = line.answer.clone().filter(|_| self.settings.early_ringback);
        let Some((sdp, mut agreed)) = answer else {
            return self.sip.ring(now, session);
        };
        // Until it is answered nothing has to come from it, so that its silence is no dead line.
        if agreed.flowing == Flowing::Both {
            agreed.flowing = Flowing::SendOnly;
        }
        if self.sip.ring_early(now, session, &sdp) {
            self.start_media(key, leg, agreed);
            self.play(key, leg, vec![Playable::Tone(Tone::Ringback)], true);
        }
    }
}
