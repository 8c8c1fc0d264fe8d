//! The one careful way out: every connection that this box opens because of a configured address goes through
//! here.
//!
//! An address may have been written by somebody who should not reach into this network with it. So names are
//! looked up here, and what they lead to is judged before anything is sent: only addresses of the public internet
//! pass, unless `[egress] allow` names others, or the owner of the box wrote the very address into the
//! configuration file (docs/adr/0009). The connection then goes to the address that was judged, so a name that
//! changes in between changes nothing. Redirects are not followed, proxies not asked, and TLS is always verified.
//!
//! [`Egress::connect`] and [`Egress::tls`] are for protocols of our own, [`Egress::tls_config`] for libraries that
//! do their own handshake, [`Egress::http`] for HTTP.

mod address;
mod config;
mod dial;
mod host;
mod http;
mod network;
mod pins;
mod rules;
#[cfg(test)]
mod tests;
mod tls;
mod trouble;
mod trust;

pub use address::Place;
pub use config::Config;
pub use dial::{Egress, Lookup};
pub use host::{Host, read_url};
pub use http::Times;
pub use network::Network;
pub use pins::{Fingerprint, PinBook, PinsInMemory};
pub use rules::{Author, Rules};
pub use trouble::{Refused, Trouble, in_plain_words};
pub use trust::{Pin, Trust};
