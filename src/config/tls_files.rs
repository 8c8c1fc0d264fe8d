//! The files of TLS that a configuration names, opened and read as the box will do it at its start.

use super::draft::Draft;
use super::load::Loaded;
use super::section::Section;
use super::{Mistake, Trunk};
use crate::net::{CertificateFacts, TlsDoor, TlsFiles, TlsPart};

/// So long before its end a certificate is worth a warning.
const SOON_MS: i64 = 21 * DAY_MS;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Where the keys stand that name files of TLS.
#[derive(Debug)]
pub(super) struct TlsPlaces {
    sip: Section<()>,
    trunks: Vec<Section<Trunk>>,
}

impl TlsPlaces {
    pub(super) fn of(draft: &Draft) -> Self {
        let trunks = draft.trunks.read.iter();
        Self {
            sip: draft.sip.with(()),
            trunks: trunks.map(|trunk| trunk.with(trunk.value.clone())).collect(),
        }
    }
}

impl Loaded {
    /// Opens the files of TLS, as `check` does: those that are missing, cannot be read, have ended or do not fit
    /// together, then certificates that end within three weeks or are not valid yet.
    pub fn check_tls_files(&self, now_unix_ms: i64) -> (Vec<Mistake>, Vec<Mistake>) {
        let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
        self.check_own_certificates(now_unix_ms, &mut mistakes, &mut warnings);
        for trunk in &self.tls_places.trunks {
            if let Err((key, problem)) = trunk.value.trust() {
                let cure = "name a PEM file that the user of the daemon may read";
                mistakes.push(trunk.mistake(key, problem, cure));
            }
        }
        (mistakes, warnings)
    }

    fn check_own_certificates(
        &self,
        now_unix_ms: i64,
        mistakes: &mut Vec<Mistake>,
        warnings: &mut Vec<Mistake>,
    ) {
        let (sip, section) = (&self.config.sip, &self.tls_places.sip);
        let (Some(certificate), Some(key)) = (&sip.tls_certificate, &sip.tls_key) else {
            return;
        };
        let files = TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            others: sip.tls_others.clone(),
            client_ca: sip.tls_client_ca.clone(),
            client_optional: sip.tls_client_optional,
        };
        let door = match TlsDoor::open(&files) {
            Ok(door) => door,
            Err(trouble) => {
                let problem = trouble.to_string();
                return mistakes.push(section.mistake(key_of(trouble.part), problem, trouble.cure));
            }
        };
        for (place, facts) in door.all_facts().iter().enumerate() {
            let key = if place == 0 {
                "tls_certificate"
            } else {
                "tls_others"
            };
            match term(facts, now_unix_ms) {
                Term::Ended => {
                    let problem = format!("the certificate of {} has ended", facts.subject);
                    mistakes.push(section.mistake(key, problem, "put a new one there"));
                }
                Term::EndsIn(days) => {
                    let problem = format!("the certificate of {} ends in {days} days", facts.subject);
                    warnings.push(section.mistake(key, problem, "put a new one there in time"));
                }
                Term::NotYet => {
                    let problem = format!("the certificate of {} is not valid yet", facts.subject);
                    warnings.push(section.mistake(key, problem, "look at the clock of this machine"));
                }
                Term::Good => {}
            }
        }
    }
}

enum Term {
    Ended,
    EndsIn(i64),
    NotYet,
    Good,
}

fn term(facts: &CertificateFacts, now_unix_ms: i64) -> Term {
    let left = facts.not_after_unix_ms.saturating_sub(now_unix_ms);
    if left <= 0 {
        Term::Ended
    } else if facts.not_before_unix_ms > now_unix_ms {
        Term::NotYet
    } else if left <= SOON_MS {
        Term::EndsIn(left / DAY_MS)
    } else {
        Term::Good
    }
}

fn key_of(part: TlsPart) -> &'static str {
    match part {
        TlsPart::Certificate => "tls_certificate",
        TlsPart::Key => "tls_key",
        TlsPart::Other => "tls_others",
        TlsPart::ClientCa => "tls_client_ca",
    }
}
