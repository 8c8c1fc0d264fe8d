use super::Fingerprint;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;
use std::sync::Arc;

/// Whom to believe that it is who it says.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Only these authorities; the system's when not given.
    pub(super) authorities: Option<Arc<[CertificateDer<'static>]>>,
    pub(super) pin: Pin,
    /// Whether a SIP domain in the certificate counts as its name.
    pub(super) is_sip: bool,
}

/// Which key the other side has to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Pin {
    /// Any that its certificate proves.
    #[default]
    None,
    /// The one it showed when we first met, which its certificate has to prove as well.
    FirstUse {
        /// Whose pin this is in the [`PinBook`](super::PinBook), such as `upstream/head-office`; the host is added.
        owner: String,
    },
    /// This one. Whoever holds it needs no authority and no name to prove it.
    Exactly(Fingerprint),
}

impl Trust {
    /// The system's authorities.
    pub fn public() -> Self {
        Self::default()
    }

    /// From the keys `ca_file` and `tls_pin` of a section: `first_use` or `sha256/…`. Reads the file.
    ///
    /// # Errors
    /// The key that is wrong, and the problem in words that follow its name.
    pub fn from_keys(
        ca_file: Option<&Path>,
        tls_pin: Option<&str>,
        owner: &str,
    ) -> Result<Self, (&'static str, String)> {
        let authorities = match ca_file {
            Some(path) => Some(read_authorities(path).map_err(|problem| ("ca_file", problem))?),
            None => None,
        };
        let pin = Pin::parse(tls_pin, owner).map_err(|problem| ("tls_pin", problem))?;
        Ok(Self {
            authorities,
            pin,
            is_sip: false,
        })
    }

    /// The same for a SIP peer: the name may stand in the certificate as `sip:head-office.example` too (RFC 5922 §7.1).
    pub fn of_sip(mut self) -> Self {
        self.is_sip = true;
        self
    }

    /// What is wrong with the keys, without reading the file.
    pub fn mistakes(tls_pin: Option<&str>) -> Option<(&'static str, String)> {
        Pin::parse(tls_pin, "").err().map(|problem| ("tls_pin", problem))
    }
}

impl Pin {
    fn parse(text: Option<&str>, owner: &str) -> Result<Self, String> {
        match text {
            None => Ok(Self::None),
            Some("first_use") => Ok(Self::FirstUse {
                owner: owner.to_owned(),
            }),
            Some(text) => text.parse().map(Self::Exactly),
        }
    }
}

fn read_authorities(path: &Path) -> Result<Arc<[CertificateDer<'static>]>, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| cannot(&error))?
        .collect();
    let certificates = read.map_err(|error| cannot(&error))?;
    if certificates.is_empty() {
        return Err(format!("{} holds no certificate", path.display()));
    }
    Ok(certificates.into())
}
