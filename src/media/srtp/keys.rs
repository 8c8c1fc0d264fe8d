use super::transform::Transform;
use crate::model::SrtpSuite;
use crate::sdp::MasterKey;
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

/// Bytes of the key of HMAC-SHA1 (RFC 3711 §5.2).
const AUTHENTICATION_KEY: usize = 20;
/// Bytes of the longest key.
const LONGEST_KEY: usize = 32;
/// Bytes of the longest salt.
const LONGEST_SALT: usize = 14;

/// What a session key is for (RFC 3711 §4.3.1); the two kinds of packets have keys of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Voice,
    Reports,
}

/// The labels of encryption, authentication and salt.
fn labels(purpose: Purpose) -> [u8; 3] {
    match purpose {
        Purpose::Voice => [0, 1, 2],
        Purpose::Reports => [3, 4, 5],
    }
}

/// Derives what protects packets of this kind. The key derivation rate is 0: keys last as long as the master key.
pub(super) fn derive(
    suite: SrtpSuite,
    master: &MasterKey,
    purpose: Purpose,
) -> Result<Transform, Unspecified> {
    let [encryption, authentication, salting] = labels(purpose);
    let generator = Generator::new(master)?;
    let (mut key, mut salt) = ([0; LONGEST_KEY], [0; LONGEST_SALT]);
    let key = key.get_mut(..suite.key_bytes()).ok_or(Unspecified)?;
    let salt = salt.get_mut(..suite.salt_bytes()).ok_or(Unspecified)?;
    generator.fill(encryption, key)?;
    generator.fill(salting, salt)?;
    let tag_bytes = match (suite, purpose) {
        (SrtpSuite::Gcm128 | SrtpSuite::Gcm256, _) => return Transform::galois(key, salt),
        // The tags of reports are never shortened (RFC 4568 §6.2.2).
        (SrtpSuite::AesCm128Tag32 | SrtpSuite::AesCm256Tag32, Purpose::Voice) => 4,
        (SrtpSuite::AesCm128Tag32 | SrtpSuite::AesCm256Tag32, Purpose::Reports)
        | (SrtpSuite::AesCm128Tag80 | SrtpSuite::AesCm256Tag80, _) => 10,
    };
    let mut secret = [0; AUTHENTICATION_KEY];
    generator.fill(authentication, &mut secret)?;
    Transform::counter(key, salt, &secret, tag_bytes)
}

/// The pseudo-random function of RFC 3711 §4.3.3: AES in counter mode under the master key.
pub(super) struct Generator {
    key: EncryptingKey,
    salt: [u8; 16],
}

impl Generator {
    pub(super) fn new(master: &MasterKey) -> Result<Self, Unspecified> {
        let algorithm = if master.key().len() == 16 {
            &AES_128
        } else {
            &AES_256
        };
        let mut salt = [0; 16];
        // A salt of 96 bits stands at the front, with zeros behind it (RFC 7714 §11).
        salt.get_mut(..master.salt().len())
            .ok_or(Unspecified)?
            .copy_from_slice(master.salt());
        Ok(Self {
            key: EncryptingKey::ctr(UnboundCipherKey::new(algorithm, master.key())?)?,
            salt,
        })
    }

    /// The key stream of a label.
    pub(super) fn fill(&self, label: u8, out: &mut [u8]) -> Result<(), Unspecified> {
        let mut start = self.salt;
        start[7] ^= label;
        out.fill(0);
        let context = EncryptionContext::Iv128(FixedLength::from(start));
        self.key.less_safe_encrypt(out, context).map(|_| ())
    }
}
