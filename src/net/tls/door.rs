use super::by_name::{ByName, Entry};
use super::{CertificateFacts, TlsPart, TlsTrouble};
use crate::sip::CertificateFiles;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Where the certificates lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and, behind it, those that lead to an authority; PEM.
    pub certificate: PathBuf,
    /// Its key; PEM.
    pub key: PathBuf,
    /// More of them: whoever asks for a name that one of these has is shown that one.
    pub others: Vec<CertificateFiles>,
    /// Authorities one of which has to vouch for whoever comes in; PEM. Nobody is asked without it.
    pub client_ca: Option<PathBuf>,
    /// Whether whoever has no certificate comes in all the same.
    pub client_optional: bool,
}

/// What is shown to whoever comes in by TLS. Cheap to clone; all clones change together. A handshake uses what stands
/// here when it begins, so connections under way do not notice a change.
#[derive(Debug, Clone)]
pub struct TlsDoor {
    shown: Arc<RwLock<Shown>>,
}

#[derive(Debug)]
struct Shown {
    settings: Arc<ServerConfig>,
    facts: Arc<CertificateFacts>,
    all_facts: Vec<Arc<CertificateFacts>>,
}

impl TlsDoor {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is wrong, why, and what to do about it.
    pub fn open(files: &TlsFiles) -> Result<Self, TlsTrouble> {
        Ok(Self {
            shown: Arc::new(RwLock::new(read(files)?)),
        })
    }

    /// Reads the files again. What stood before stays when one of them is wrong.
    ///
    /// # Errors
    /// Which file is wrong, why, and what to do about it.
    pub fn renew(&self, files: &TlsFiles) -> Result<(), TlsTrouble> {
        let shown = read(files)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }

    /// The settings of the next handshake.
    pub fn settings(&self) -> Arc<ServerConfig> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown.settings)
    }

    /// What the first certificate says.
    pub fn facts(&self) -> Arc<CertificateFacts> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown.facts)
    }

    /// What all certificates say, in the order of [`TlsFiles`].
    pub fn all_facts(&self) -> Vec<Arc<CertificateFacts>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown.all_facts.clone()
    }
}

/// TLS 1.2 with forward secrecy and authenticated ciphers, and TLS 1.3: the library knows no others, and no
/// renegotiation.
fn read(files: &TlsFiles) -> Result<Shown, TlsTrouble> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let parts = (TlsPart::Certificate, TlsPart::Key);
    let first = entry(&files.certificate, &files.key, parts, &provider)?;
    let facts = Arc::clone(&first.facts);
    let parts = (TlsPart::Other, TlsPart::Other);
    let others = files
        .others
        .iter()
        .map(|other| entry(&other.certificate, &other.key, parts, &provider));
    let by_name = ByName::new(first, others.collect::<Result<_, _>>()?);
    let all_facts = by_name.facts();
    let verifier = files
        .client_ca
        .as_ref()
        .map(|path| verifier(path, files, &provider));
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(TlsPart::Certificate, &files.certificate, &error))?;
    let builder = match verifier.transpose()? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    Ok(Shown {
        settings: Arc::new(builder.with_cert_resolver(Arc::new(by_name))),
        facts,
        all_facts,
    })
}

/// A certificate with its key; `parts` says what the two files are.
fn entry(
    certificate: &Path,
    key: &Path,
    parts: (TlsPart, TlsPart),
    provider: &CryptoProvider,
) -> Result<Entry, TlsTrouble> {
    let chain = certificates(parts.0, certificate)?;
    let facts = chain.first().and_then(CertificateFacts::of);
    let facts = facts.ok_or_else(|| {
        let cure = "write a certificate there, in PEM, before those that lead to its authority";
        trouble(
            parts.0,
            certificate,
            "begins with no certificate".to_owned(),
            cure,
        )
    })?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        let cure = "write the certificate's key there, in PEM, for the user of the daemon to read";
        trouble(parts.1, key, format!("holds no key: {error}"), cure)
    })?;
    let key = CertifiedKey::from_der(chain, secret, provider).map_err(|error| {
        let problem = format!("and {} do not fit together: {error}", key.display());
        let cure = "name the key that the certificate was made with";
        trouble(parts.0, certificate, problem, cure)
    })?;
    Ok(Entry {
        key: Arc::new(key),
        facts: Arc::new(facts),
    })
}

/// Who vouches for those who come in.
fn verifier(
    path: &Path,
    files: &TlsFiles,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsTrouble> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(TlsPart::ClientCa, path)? {
        roots
            .add(authority)
            .map_err(|error| unusable(TlsPart::ClientCa, path, &error))?;
    }
    let asked = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let asked = if files.client_optional {
        asked.allow_unauthenticated()
    } else {
        asked
    };
    asked
        .build()
        .map_err(|error| unusable(TlsPart::ClientCa, path, &error))
}

fn certificates(part: TlsPart, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsTrouble> {
    let cannot = |error: &dyn std::fmt::Display| {
        let cure = "put the file there and let the user of the daemon read it";
        trouble(part, path, format!("cannot be read: {error}"), cure)
    };
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| cannot(&error))?
        .collect();
    let certificates = read.map_err(|error| cannot(&error))?;
    if certificates.is_empty() {
        let cure = "write certificates there, in PEM";
        return Err(trouble(part, path, "holds no certificate".to_owned(), cure));
    }
    Ok(certificates)
}

fn unusable(part: TlsPart, path: &Path, error: &dyn std::fmt::Display) -> TlsTrouble {
    let cure = "ask who made it for another one";
    trouble(part, path, format!("cannot be used: {error}"), cure)
}

fn trouble(part: TlsPart, path: &Path, problem: String, cure: &'static str) -> TlsTrouble {
    TlsTrouble {
        part,
        path: path.to_owned(),
        problem,
        cure,
    }
}

#[cfg(test)]
mod tests {
    use super::super::make_certificate;
    use super::*;

    const YEAR_2026: i64 = 1_780_000_000_000;

    fn made(dir: &Path, name: &str) -> TlsFiles {
        let files = TlsFiles {
            certificate: dir.join(format!("{name}.pem")),
            key: dir.join(format!("{name}.key")),
            others: Vec::new(),
            client_ca: None,
            client_optional: false,
        };
        let names = vec!["pbx.example".to_owned(), "127.0.0.1".to_owned()];
        make_certificate(&files, names, YEAR_2026).unwrap();
        files
    }

    #[test]
    fn a_certificate_of_our_own_names_the_box_lasts_ten_years_and_keeps_its_key_to_itself() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let files = made(dir.path(), "sip");
        let facts = TlsDoor::open(&files).unwrap().facts();
        assert_eq!(facts.names, ["pbx.example", "127.0.0.1"]);
        assert!(facts.self_signed);
        let years = (facts.not_after_unix_ms - YEAR_2026) / (365 * 24 * 3600 * 1000);
        assert!((9..=11).contains(&years), "{years}");
        let mode = std::fs::metadata(&files.key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_bad_file_is_refused_and_what_stood_before_stays() {
        let dir = tempfile::tempdir().unwrap();
        let one = made(dir.path(), "one");
        let two = made(dir.path(), "two");
        let door = TlsDoor::open(&one).unwrap();
        let before = door.facts();
        let mixed = TlsFiles {
            key: two.key.clone(),
            ..one.clone()
        };
        assert!(
            door.renew(&mixed)
                .unwrap_err()
                .to_string()
                .contains("do not fit together")
        );
        std::fs::write(dir.path().join("empty.pem"), "").unwrap();
        let empty = TlsFiles {
            certificate: dir.path().join("empty.pem"),
            ..one.clone()
        };
        assert!(
            door.renew(&empty)
                .unwrap_err()
                .to_string()
                .contains("holds no certificate")
        );
        let missing = TlsFiles {
            key: dir.path().join("missing.key"),
            ..one
        };
        assert!(
            door.renew(&missing)
                .unwrap_err()
                .to_string()
                .contains("missing.key")
        );
        assert_eq!(door.facts(), before);
        door.renew(&two).unwrap();
        assert_ne!(door.facts(), before);
    }
}
