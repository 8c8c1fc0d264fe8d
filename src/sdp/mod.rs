//! Offers and answers of RFC 3264: typed parsing by `sdp-types`, negotiation by us.
//!
//! One [`Negotiator`] a leg takes the peer's bodies and gives ours; what both sides settled is an [`Agreed`].
//! A body that cannot be used is an [`SdpError`], which knows the SIP status and the Warning to answer with.

mod address;
mod agreed;
#[cfg(test)]
mod bombs;
mod crypto;
mod description;
mod direction;
#[cfg(test)]
mod encrypted;
mod error;
mod hidden;
mod negotiator;
mod numbers;
mod opus;
mod own;
mod secrecy;
mod secured;
mod security;
#[cfg(test)]
mod wideband;
mod writing;

pub use agreed::{Agreed, Flowing};
pub use error::SdpError;
pub use negotiator::Negotiator;
pub use opus::OpusWishes;
pub use secured::{MasterKey, Mki, Secured};
pub use security::{Security, Srtp};
