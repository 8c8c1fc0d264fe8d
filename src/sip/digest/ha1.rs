use super::hash::{Algorithm, Hashed};
use std::fmt;

/// What is kept instead of a password: H(user:realm:password) for each algorithm (RFC 7616 §3.4.2).
///
/// Whoever steals it can register here, but does not learn the password.
#[derive(Clone)]
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
