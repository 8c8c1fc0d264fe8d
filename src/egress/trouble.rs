use super::{Fingerprint, Place};
use std::error::Error;
use std::net::IpAddr;

/// An address that must not be connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is written so that not everybody reads the same address.
    #[error("`{host}` hides an address; write it in its usual form, such as 192.168.1.20")]
    Disguised {
        /// As it was written.
        host: String,
    },
    /// It is neither a name nor an address.
    #[error("`{host}` is neither a name nor an address")]
    Malformed {
        /// As it was written.
        host: String,
    },
    /// It leads to a place that is not allowed.
    #[error("{host} leads to {address}, {place}; [egress] allow would permit it")]
    Forbidden {
        /// As it was written.
        host: String,
        /// What it led to.
        address: IpAddr,
        /// What kind of place that is.
        place: Place,
    },
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It must not be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name leads nowhere.
    #[error("the name {host} cannot be resolved: {reason}")]
    NoSuchHost {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// Nobody there, or no way there.
    #[error("{0}")]
    Unreachable(String),
    /// Nothing came in time.
    #[error("no {0} in time")]
    TimedOut(&'static str),
    /// The other side could not prove who it is.
    #[error("TLS: {0}")]
    Tls(String),
    /// The settings themselves cannot be used: a file of certificates, the system's store of them.
    #[error("{0}")]
    Settings(String),
}

/// The key on the other side is not the one that was pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other side shows another key ({shown}) than the pinned one ({kept})")]
pub(super) struct KeyChanged {
    pub(super) kept: Fingerprint,
    pub(super) shown: Fingerprint,
}

/// What went wrong with an HTTP exchange: the innermost cause says most. The URL is left out because its query may
/// hold a key.
pub fn in_plain_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    innermost(&error)
}

pub(super) fn innermost(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    words
}
