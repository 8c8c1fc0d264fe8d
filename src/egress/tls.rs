use super::trouble::{KeyChanged, innermost};
use super::{Fingerprint, Pin, PinBook, Trouble, Trust};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier as SystemVerifier;
use std::sync::{Arc, OnceLock};

/// Makes the TLS settings of each destination. The system's authorities are read once, for the first that needs
/// them: an idle box carries no certificates in its memory.
#[derive(Debug)]
pub(super) struct TlsShop {
    provider: Arc<CryptoProvider>,
    system: OnceLock<Arc<dyn ServerCertVerifier>>,
    book: Arc<dyn PinBook>,
}

impl TlsShop {
    pub(super) fn new(book: Arc<dyn PinBook>) -> Self {
        Self {
            provider: Arc::new(aws_lc_rs::default_provider()),
            system: OnceLock::new(),
            book,
        }
    }

    /// Settings that believe only in `host`, whatever name the handshake is started with.
    pub(super) fn config(&self, host: &str, trust: &Trust) -> Result<ClientConfig, Trouble> {
        let name = server_name(host)?;
        let examiner = Examiner {
            chain: match trust.pin {
                Pin::Exactly(_) => None,
                Pin::None | Pin::FirstUse { .. } => Some(self.chain(trust)?),
            },
            destination: match &trust.pin {
                Pin::FirstUse { owner } => format!("{owner}@{}", name.to_str()),
                Pin::None | Pin::Exactly(_) => String::new(),
            },
            pin: trust.pin.clone(),
            is_sip: trust.is_sip,
            name,
            book: Arc::clone(&self.book),
            provider: Arc::clone(&self.provider),
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Trouble::Settings(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(examiner))
            .with_no_client_auth();
        Ok(config)
    }

    /// Settings for a client that speaks no TLS: whoever tries all the same is refused.
    pub(super) fn believe_nobody(&self) -> Result<ClientConfig, Trouble> {
        Ok(ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Trouble::Settings(error.to_string()))?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth())
    }

    fn chain(&self, trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>, Trouble> {
        if let Some(authorities) = &trust.authorities {
            return self.own_authorities(authorities);
        }
        if let Some(system) = self.system.get() {
            return Ok(Arc::clone(system));
        }
        let system = SystemVerifier::new(Arc::clone(&self.provider)).map_err(|error| {
            Trouble::Settings(format!(
                "the system's certificates cannot be read: {}",
                innermost(&error)
            ))
        })?;
        Ok(Arc::clone(self.system.get_or_init(|| Arc::new(system))))
    }

    fn own_authorities(
        &self,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Arc<dyn ServerCertVerifier>, Trouble> {
        let wrong = |error: &dyn std::error::Error| {
            Trouble::Settings(format!(
                "ca_file holds a certificate that cannot be used: {}",
                innermost(error)
            ))
        };
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.clone()).map_err(|error| wrong(&error))?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                .build()
                .map_err(|error| wrong(&error))?;
        Ok(verifier)
    }
}

/// The name a certificate has to carry.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, Trouble> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    ServerName::try_from(bare.to_owned())
        .map_err(|_no_name| Trouble::Tls(format!("`{host}` is no name that a certificate could carry")))
}

/// Looks at what the other side shows: the chain and the name first, then the pin.
#[derive(Debug)]
struct Examiner {
    /// None when the key alone decides.
    chain: Option<Arc<dyn ServerCertVerifier>>,
    name: ServerName<'static>,
    pin: Pin,
    is_sip: bool,
    /// What the pin is kept under.
    destination: String,
    book: Arc<dyn PinBook>,
    provider: Arc<CryptoProvider>,
}

impl Examiner {
    /// Whether `sip:` with our name stands in the certificate (RFC 5922 §7.1). It names a whole domain: no user, no
    /// port, no wildcard (§7.2).
    fn is_sip_domain(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else {
            return false;
        };
        let names = parsed.subject_alternative_name().ok().flatten();
        let wanted = format!("sip:{}", self.name.to_str());
        names.is_some_and(|names| {
            names.value.general_names.iter().any(|name| {
                matches!(name, x509_parser::extensions::GeneralName::URI(uri) if uri.eq_ignore_ascii_case(&wanted))
            })
        })
    }

    fn check_pin(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let key =
            || Fingerprint::of(certificate).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding));
        match &self.pin {
            Pin::None => Ok(()),
            Pin::Exactly(kept) => same(*kept, key()?),
            Pin::FirstUse { .. } => {
                let shown = key()?;
                let Some(kept) = self.book.pinned(&self.destination) else {
                    self.book.remember(&self.destination, shown);
                    return Ok(());
                };
                match same(kept, shown) {
                    Ok(()) => self.book.confirmed(&self.destination),
                    Err(changed) => {
                        self.book.refused(&self.destination, kept, shown);
                        return Err(changed);
                    }
                }
                Ok(())
            }
        }
    }
}

fn is_about_the_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

fn same(kept: Fingerprint, shown: Fingerprint) -> Result<(), Error> {
    if kept == shown {
        return Ok(());
    }
    Err(Error::Other(OtherError(Arc::new(KeyChanged { kept, shown }))))
}

impl ServerCertVerifier for Examiner {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(chain) = &self.chain {
            match chain.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now) {
                Ok(_) => {}
                // The name is looked at last, so everything else is as it should be.
                Err(error) if self.is_sip && is_about_the_name(&error) && self.is_sip_domain(end_entity) => {}
                Err(error) => return Err(error),
            }
        }
        self.check_pin(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
