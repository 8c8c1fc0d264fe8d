//! Our side of TLS: the certificate that phones and trunks are shown, and how it changes while calls go on.

mod by_name;
mod certificate;
mod door;
mod self_made;
mod trouble;

pub use certificate::CertificateFacts;
pub use door::{TlsDoor, TlsFiles};
pub use self_made::make_certificate;
pub use trouble::{TlsPart, TlsTrouble};
