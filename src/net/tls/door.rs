use super::CertificateFacts;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Where the certificate lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and, behind it, those that lead to an authority; PEM.
    pub certificate: PathBuf,
    /// Its key; PEM.
    pub key: PathBuf,
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
}

impl TlsDoor {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is wrong and why, in plain words.
    pub fn open(files: &TlsFiles) -> Result<Self, String> {
        Ok(Self {
            shown: Arc::new(RwLock::new(read(files)?)),
        })
    }

    /// Reads the files again. What stood before stays when they are wrong.
    ///
    /// # Errors
    /// Which file is wrong and why, in plain words.
    pub fn renew(&self, files: &TlsFiles) -> Result<(), String> {
        let shown = read(files)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }

    /// The settings of the next handshake.
    pub fn settings(&self) -> Arc<ServerConfig> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown.settings)
    }

    /// What the certificate says.
    pub fn facts(&self) -> Arc<CertificateFacts> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown.facts)
    }
}

/// TLS 1.2 with forward secrecy and authenticated ciphers, and TLS 1.3: the library knows no others, and no
/// renegotiation.
fn read(files: &TlsFiles) -> Result<Shown, String> {
    let chain = certificates(&files.certificate)?;
    let facts = chain
        .first()
        .and_then(CertificateFacts::of)
        .ok_or_else(|| format!("{} begins with no certificate", files.certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| format!("{} holds no key: {error}", files.key.display()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                let wrong = |error| format!("{} cannot be used: {error}", path.display());
                roots.add(authority).map_err(wrong)?;
            }
            let asked = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let asked = if files.client_optional {
                asked.allow_unauthenticated()
            } else {
                asked
            };
            let verifier = asked
                .build()
                .map_err(|error| format!("{} cannot be used: {error}", path.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let settings = builder.with_single_cert(chain, key).map_err(|error| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        format!("{certificate} and {key} do not fit together: {error}")
    })?;
    Ok(Shown {
        settings: Arc::new(settings),
        facts: Arc::new(facts),
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| cannot(&error))?
        .collect();
    let certificates = read.map_err(|error| cannot(&error))?;
    if certificates.is_empty() {
        return Err(format!("{} holds no certificate", path.display()));
    }
    Ok(certificates)
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
        assert!(door.renew(&mixed).unwrap_err().contains("do not fit together"));
        std::fs::write(dir.path().join("empty.pem"), "").unwrap();
        let empty = TlsFiles {
            certificate: dir.path().join("empty.pem"),
            ..one.clone()
        };
        assert!(door.renew(&empty).unwrap_err().contains("holds no certificate"));
        let missing = TlsFiles {
            key: dir.path().join("missing.key"),
            ..one
        };
        assert!(door.renew(&missing).unwrap_err().contains("missing.key"));
        assert_eq!(door.facts(), before);
        door.renew(&two).unwrap();
        assert_ne!(door.facts(), before);
    }
}
