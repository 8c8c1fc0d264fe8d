//! What encryption makes of one leg's offers and answers (RFC 4568 §7).

use super::SdpError;
use super::Security;
use super::crypto::{self, CryptoLine, OwnLine};
use super::description::Stream;
use super::secured::Secured;
use super::security::Srtp;
use crate::model::{Dice, SrtpSuite};

/// The transports a stream of ours can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Plain,
    Encrypted,
}

impl Transport {
    /// As an `m=` line writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plain => "RTP/AVP",
            Self::Encrypted => "RTP/SAVP",
        }
    }

    /// Reads it. Feedback (`…F`), DTLS and the rest are not ours.
    fn read(word: &str) -> Option<Self> {
        [Self::Plain, Self::Encrypted]
            .into_iter()
            .find(|transport| transport.word().eq_ignore_ascii_case(word))
    }
}

/// A leg's encryption: what it may do, our keys, and what was said last.
#[derive(Debug)]
pub(super) struct Secrecy {
    security: Security,
    /// Where keys come from; nothing on a leg that never needs one.
    dice: Option<Dice>,
    transport: Transport,
    lines: Vec<OwnLine>,
    /// The peer turned encryption down; it is not offered again.
    turned_down: bool,
}

impl Secrecy {
    /// A leg that knows nothing of encryption.
    pub(super) fn none() -> Self {
        Self {
            security: Security::NONE,
            dice: None,
            transport: Transport::Plain,
            lines: Vec::new(),
            turned_down: false,
        }
    }

    /// A leg that may do this, with keys from these dice.
    pub(super) fn new(security: Security, dice: Dice) -> Self {
        Self {
            security,
            dice: Some(dice),
            ..Self::none()
        }
    }

    /// A leg that would do this, had its keys a way nobody reads.
    pub(super) fn without_keys(security: Security) -> Self {
        let security = Security {
            keys_may_travel: false,
            ..security
        };
        Self {
            security,
            ..Self::none()
        }
    }

    /// Whether anything can be offered.
    pub(super) fn can_offer(&self) -> bool {
        self.security.may_be_plain() || self.security.can_encrypt()
    }

    /// The transport and the crypto lines of what is said.
    pub(super) fn said(&self) -> (Transport, &[OwnLine]) {
        (self.transport, &self.lines)
    }

    /// Prepares our offer: as encrypted as what is agreed, and before anything is agreed as the rules say.
    pub(super) fn prepare_offer(&mut self, agreed: Option<Option<Secured>>) {
        let Security { srtp, offers, .. } = self.security;
        match agreed {
            // The line in use goes on alone, under the same key.
            Some(Some(secured)) => return self.lines.retain(|own| own.key == secured.send),
            Some(None) if srtp != Srtp::Required => return self.say_plain(),
            Some(None) | None => {}
        }
        let wishes = srtp == Srtp::Required || offers && !self.turned_down;
        if !wishes || !self.security.can_encrypt() {
            return self.say_plain();
        }
        if self.lines.is_empty() {
            self.lines = self.dice.as_mut().map(crypto::offer).unwrap_or_default();
        }
        let is_beside = self.security.best_effort && srtp != Srtp::Required;
        self.transport = if is_beside {
            Transport::Plain
        } else {
            Transport::Encrypted
        };
    }

    /// The peer could not do what was offered; from now on the leg is a plain one, where it may be. False where it may
    /// not, and when nothing encrypted was offered.
    pub(super) fn turn_down(&mut self) -> bool {
        let was_offered = !self.lines.is_empty();
        if !was_offered || !self.security.may_be_plain() {
            return false;
        }
        self.turned_down = true;
        self.say_plain();
        true
    }

    fn say_plain(&mut self) {
        self.transport = Transport::Plain;
        self.lines.clear();
    }

    /// The line of the peer's offer that its stream is encrypted with; none for plain voice.
    ///
    /// # Errors
    /// When the stream cannot be taken as it is offered.
    pub(super) fn pick(
        &self,
        stream: &Stream,
        in_use: Option<SrtpSuite>,
    ) -> Result<Option<CryptoLine>, SdpError> {
        let foreign = || SdpError::Transport(stream.transport.clone());
        match Transport::read(&stream.transport).ok_or_else(foreign)? {
            Transport::Encrypted if self.security.srtp == Srtp::Off => Err(foreign()),
            Transport::Encrypted if !self.security.keys_may_travel => Err(SdpError::KeyInTheOpen),
            Transport::Encrypted => crypto::choose(&stream.crypto, in_use)
                .cloned()
                .map(Some)
                .ok_or(SdpError::NoUsableKey),
            Transport::Plain => {
                let takes = self.security.best_effort && self.security.can_encrypt();
                let line = crypto::choose(&stream.crypto, in_use).filter(|_| takes);
                if line.is_none() && !self.security.may_be_plain() {
                    return Err(SdpError::PlainVoice);
                }
                Ok(line.cloned())
            }
        }
    }

    /// Answers with one line of the peer's offer, or with none. Our key stays while its suite does.
    pub(super) fn accept(
        &mut self,
        stream: &Stream,
        line: Option<CryptoLine>,
        before: Option<Secured>,
    ) -> Result<Option<Secured>, SdpError> {
        let Some(line) = line else {
            self.say_plain();
            return Ok(None);
        };
        let kept = before.filter(|before| before.suite == line.suite);
        let dice = &mut self.dice;
        let fresh = || crypto::new_key(line.suite, dice.as_mut()?);
        let key = kept
            .map(|before| before.send)
            .or_else(fresh)
            .ok_or(SdpError::NoUsableKey)?;
        self.transport = Transport::read(&stream.transport).unwrap_or(Transport::Encrypted);
        self.lines = vec![OwnLine {
            tag: line.tag,
            suite: line.suite,
            name: line.name,
            key,
        }];
        Ok(Some(Secured {
            suite: line.suite,
            send: key,
            receive: line.key,
            receive_mki: line.mki,
        }))
    }

    /// What the peer's answer to our offer settles (RFC 4568 §5.1.3).
    ///
    /// # Errors
    /// Another transport than the one we offered, or no line of our offer where one is needed.
    pub(super) fn settle(&self, stream: &Stream) -> Result<Option<Secured>, SdpError> {
        if Transport::read(&stream.transport) != Some(self.transport) {
            return Err(SdpError::Transport(stream.transport.clone()));
        }
        let pairs = stream.crypto.iter().filter_map(|theirs| {
            let own = self.lines.iter().find(|own| own.tag == theirs.tag)?;
            (own.suite == theirs.suite).then_some((own, theirs))
        });
        match (pairs.take(1).last(), self.transport) {
            (Some((own, theirs)), _) => Ok(Some(Secured {
                suite: own.suite,
                send: own.key,
                receive: theirs.key,
                receive_mki: theirs.mki,
            })),
            (None, Transport::Plain) if self.security.may_be_plain() => Ok(None),
            (None, Transport::Plain | Transport::Encrypted) => Err(SdpError::KeyNotAnswered),
        }
    }
}
