use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use std::fmt;

/// Bytes of a tag of Galois mode (RFC 7714 §13.2).
const GALOIS_TAG: usize = 16;

/// The cryptography on one packet, under one set of session keys. What was encrypted under an index may not be
/// followed by anything else under the same one: `streams` sees to that.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every stream is under the large one"
)]
pub(super) enum Transform {
    /// AES in counter mode, and HMAC-SHA1 over what came out (RFC 3711 §4.1.1, §4.2).
    Counter {
        key: EncryptingKey,
        salt: [u8; 16],
        authentication: Box<hmac::Key>,
        tag_bytes: usize,
    },
    /// Both in one (RFC 7714).
    Galois { key: LessSafeKey, salt: [u8; 12] },
}

/// Which packet of which source this is: 48 bits of rollover counter and sequence number, or 31 of an SRTCP index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) ssrc: u32,
    pub(super) index: u64,
}

/// What is authenticated beside the packet itself: the rollover counter of voice (RFC 3711 §4.2), or the E bit and
/// index of a report.
pub(super) type Trailer = [u8; 4];

impl Transform {
    pub(super) fn counter(
        key: &[u8],
        salt: &[u8],
        secret: &[u8],
        tag_bytes: usize,
    ) -> Result<Self, Unspecified> {
        let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
        let mut wide = [0; 16];
        wide.get_mut(..salt.len())
            .ok_or(Unspecified)?
            .copy_from_slice(salt);
        Ok(Self::Counter {
            key: EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key)?)?,
            salt: wide,
            authentication: Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret)),
            tag_bytes,
        })
    }

    pub(super) fn galois(key: &[u8], salt: &[u8]) -> Result<Self, Unspecified> {
        let algorithm = if key.len() == 16 {
            &AES_128_GCM
        } else {
            &AES_256_GCM
        };
        Ok(Self::Galois {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key)?),
            salt: salt.try_into().map_err(|_| Unspecified)?,
        })
    }

    /// Bytes of the tag.
    pub(super) fn tag_bytes(&self) -> usize {
        match self {
            Self::Counter { tag_bytes, .. } => *tag_bytes,
            Self::Galois { .. } => GALOIS_TAG,
        }
    }

    /// Whether the tag lies behind everything else. In Galois mode it is part of what was encrypted, and index and
    /// identifier lie behind it (RFC 7714 §8.2, §9.2).
    pub(super) fn tag_is_last(&self) -> bool {
        match self {
            Self::Counter { .. } => true,
            Self::Galois { .. } => false,
        }
    }

    /// Encrypts the body in place and gives the tag in `tag`, as many bytes of it as the suite has. `also` is
    /// authenticated behind the body in counter mode, behind the head in Galois mode; voice has none there (RFC 7714
    /// §9.3).
    pub(super) fn seal(
        &self,
        place: Place,
        packet: &mut [u8],
        head: usize,
        also: Also,
        tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        match self {
            Self::Counter {
                key,
                salt,
                authentication,
                ..
            } => {
                let body = packet.get_mut(head..).ok_or(Unspecified)?;
                key.less_safe_encrypt(body, counter_block(salt, place))?;
                let whole = authenticate(authentication, packet, also);
                tag.copy_from_slice(whole.as_ref().get(..tag.len()).ok_or(Unspecified)?);
                Ok(())
            }
            Self::Galois { key, salt } => {
                let (head, body) = packet.split_at_mut_checked(head).ok_or(Unspecified)?;
                let nonce = nonce(salt, place);
                let whole = match also {
                    Also::Rollover(_) => key.seal_in_place_separate_tag(nonce, Aad::from(&*head), body)?,
                    Also::Index(trailer) => {
                        key.seal_in_place_separate_tag(nonce, with_index(head, trailer)?, body)?
                    }
                };
                tag.copy_from_slice(whole.as_ref().get(..tag.len()).ok_or(Unspecified)?);
                Ok(())
            }
        }
    }

    /// Decrypts the body in place when the tag is right; what is in the packet otherwise is of no use.
    pub(super) fn open(
        &self,
        place: Place,
        packet: &mut [u8],
        head: usize,
        also: Also,
        tag: &[u8],
    ) -> Result<(), Unspecified> {
        match self {
            Self::Counter {
                key,
                salt,
                authentication,
                ..
            } => {
                let whole = authenticate(authentication, packet, also);
                verify_slices_are_equal(whole.as_ref().get(..tag.len()).ok_or(Unspecified)?, tag)?;
                let body = packet.get_mut(head..).ok_or(Unspecified)?;
                key.less_safe_encrypt(body, counter_block(salt, place))
                    .map(|_| ())
            }
            Self::Galois { key, salt } => {
                let (head, body) = packet.split_at_mut_checked(head).ok_or(Unspecified)?;
                let nonce = nonce(salt, place);
                match also {
                    Also::Rollover(_) => key.open_in_place_separate_tag(nonce, Aad::from(&*head), tag, body),
                    Also::Index(trailer) => {
                        key.open_in_place_separate_tag(nonce, with_index(head, trailer)?, tag, body)
                    }
                }
                .map(|_| ())
            }
        }
    }
}

/// What else is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Also {
    /// The rollover counter, which Galois mode has in its nonce already.
    Rollover(Trailer),
    /// E bit and index of a report, in either mode.
    Index(Trailer),
}

fn authenticate(key: &hmac::Key, packet: &[u8], also: Also) -> hmac::Tag {
    let (Also::Rollover(trailer) | Also::Index(trailer)) = also;
    let mut context = hmac::Context::with_key(key);
    context.update(packet);
    context.update(&trailer);
    context.sign()
}

/// Head and index of a report behind each other, as Galois mode wants them in one piece (RFC 7714 §9.3).
fn with_index(head: &[u8], trailer: Trailer) -> Result<Aad<[u8; 12]>, Unspecified> {
    let mut both = [0; 12];
    let (front, back) = both.split_at_mut(8);
    front.copy_from_slice(head.get(..8).filter(|_| head.len() == 8).ok_or(Unspecified)?);
    back.copy_from_slice(&trailer);
    Ok(Aad::from(both))
}

/// Salt, source and index as the first counter block (RFC 3711 §4.1.1).
fn counter_block(salt: &[u8; 16], place: Place) -> EncryptionContext {
    let mut block = *salt;
    mix(&mut block[4..8], &place.ssrc.to_be_bytes());
    mix(&mut block[8..14], &place.index.to_be_bytes()[2..]);
    EncryptionContext::Iv128(FixedLength::from(block))
}

/// The same as a nonce (RFC 7714 §8.1, §9.1).
fn nonce(salt: &[u8; 12], place: Place) -> Nonce {
    let mut nonce = *salt;
    mix(&mut nonce[2..6], &place.ssrc.to_be_bytes());
    mix(&mut nonce[6..12], &place.index.to_be_bytes()[2..]);
    Nonce::assume_unique_for_key(nonce)
}

fn mix(into: &mut [u8], bytes: &[u8]) {
    for (into, byte) in into.iter_mut().zip(bytes) {
        *into ^= byte;
    }
}

impl fmt::Debug for Transform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Transform")
    }
}
