//! Encryption that is wished for needs a way for its keys.

use super::Mistake;
use super::draft::Draft;
use crate::sdp::Srtp;
use crate::sip::Transport;

/// What helps whoever asks for encryption where its keys could be read.
const CURE: &str = "let SIP go by TLS, or set srtp_over_plain_sip = true in [media]";

impl Draft {
    /// Where encryption is required and SIP goes unencrypted, no call would come about.
    pub(super) fn check_encryption(&self, mistakes: &mut Vec<Mistake>) {
        let media = &self.media.value;
        if media.srtp_over_plain_sip {
            return;
        }
        for trunk in &self.trunks.read {
            let asks = trunk.value.srtp.unwrap_or(media.srtp) == Srtp::Required;
            if asks
                && matches!(
                    trunk.value.known_transport(),
                    Some(Transport::Udp | Transport::Tcp)
                )
            {
                let problem = "is required on a trunk without TLS, so that every call would be refused";
                mistakes.push(trunk.mistake("srtp", problem, CURE));
            }
        }
        let listens = &self.sip.value.listen;
        let has_tls = listens
            .iter()
            .any(|listen| matches!(listen.transport, Transport::Tls | Transport::Wss));
        if has_tls {
            return;
        }
        if media.srtp == Srtp::Required {
            let problem = "is required, and no phone can speak TLS here, so that every call would be refused";
            mistakes.push(self.media.mistake("srtp", problem, CURE));
        }
        for agent in &self.agents.read {
            if agent.value.srtp == Some(Srtp::Required) && agent.value.trunk.is_none() {
                let problem =
                    "is required of a phone that cannot speak TLS here, so that its calls would be refused";
                mistakes.push(agent.mistake("srtp", problem, CURE));
            }
        }
    }
}
