//! Digest: RFC 7616 with SHA-256 as RFC 8760 brings it to SIP, MD5 for phones of RFC 2617, all as RFC 3261 §22 uses it.
//!
//! The box keeps no password, only [`Ha1`]s. It challenges without remembering whom ([`Authenticator`]), and
//! answers challenges of trunks ([`answer`]).

mod client;
mod ha1;
mod hash;
mod nonce;
mod server;

pub use client::{Secret, answer};
pub use ha1::Ha1;
pub use hash::Algorithm;
#[cfg(test)]
pub(crate) use hash::hashes;
pub use server::{Authenticator, Verdict};
