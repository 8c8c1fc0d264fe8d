use super::hash::{Algorithm, Hashed};
use std::fmt;

/// What is kept instead of a password: H(user:realm:password) for each algorithm (RFC 7616 §3.4.2).
///
/// Whoever steals it can register here, but does not learn the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1 {
    sha256: Hashed,
    md5: Hashed,
}

impl Ha1 {
    /// Derives it from a password, which can then be forgotten.
    pub fn new(user: &str, realm: &str, password: &str) -> Self {
        let parts = [user.as_bytes(), realm.as_bytes(), password.as_bytes()];
        Self {
            sha256: Algorithm::Sha256.hash(&parts),
            md5: Algorithm::Md5.hash(&parts),
        }
    }

    /// The same from what was kept of it: both hashes in hexadecimal. Nothing when they are no such hashes.
    pub fn from_hex(sha256: &str, md5: &str) -> Option<Self> {
        Some(Self {
            sha256: Hashed::from_hex(sha256, Algorithm::Sha256)?,
            md5: Hashed::from_hex(md5, Algorithm::Md5)?,
        })
    }

    /// The hash by this algorithm in hexadecimal, to be kept. Whoever has it can register here.
    pub fn to_hex(&self, algorithm: Algorithm) -> String {
        self.of(algorithm).as_str().to_owned()
    }

    pub(crate) fn of(&self, algorithm: Algorithm) -> &Hashed {
        match algorithm {
            Algorithm::Sha256 => &self.sha256,
            Algorithm::Md5 => &self.md5,
        }
    }
}

/// Shows nothing.
impl fmt::Debug for Ha1 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Ha1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_nothing_else_is_taken_for_it() {
        let ha1 = Ha1::new("1001", "callpost", "secret");
        let (sha256, md5) = (ha1.to_hex(Algorithm::Sha256), ha1.to_hex(Algorithm::Md5));
        assert!(Ha1::from_hex(&sha256, &md5) == Some(ha1));
        for (sha256, md5) in [("", ""), (md5.as_str(), sha256.as_str()), (sha256.as_str(), "zz")] {
            assert!(Ha1::from_hex(sha256, md5).is_none());
        }
    }
}
