//! Several certificates on one socket: the name that was asked for chooses the one that is shown (RFC 6066 §3).

use super::CertificateFacts;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// The certificates there are. The first is for whoever asks for no name, or for one that no certificate has.
#[derive(Debug)]
pub(super) struct ByName {
    first: Entry,
    others: Vec<Entry>,
}

/// A certificate with its key, and what it says of itself.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) facts: Arc<CertificateFacts>,
}

impl ByName {
    pub(super) fn new(first: Entry, others: Vec<Entry>) -> Self {
        Self { first, others }
    }

    /// What all of them say, the first one first.
    pub(super) fn facts(&self) -> Vec<Arc<CertificateFacts>> {
        self.all().map(|entry| Arc::clone(&entry.facts)).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Who has the very name goes before who has it by an asterisk; among equals the order of the configuration counts.
    fn of(&self, name: Option<&str>) -> &Entry {
        let Some(name) = name else { return &self.first };
        let exact = |own: &&Entry| own.facts.names.iter().any(|had| had.eq_ignore_ascii_case(name));
        let by_asterisk = |own: &&Entry| own.facts.names.iter().any(|had| covers(had, name));
        let found = self.all().find(exact).or_else(|| self.all().find(by_asterisk));
        found.unwrap_or(&self.first)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.of(hello.server_name()).key))
    }
}

/// Whether `*.example.com` stands for this name: an asterisk is one whole label (RFC 6125 §6.4.3).
fn covers(pattern: &str, name: &str) -> bool {
    let rest = pattern.strip_prefix("*.");
    let parent = name.split_once('.').map(|(_, parent)| parent);
    rest.zip(parent)
        .is_some_and(|(rest, parent)| rest.eq_ignore_ascii_case(parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_is_one_label() {
        assert!(covers("*.example.com", "pbx.Example.com"));
        for other in ["example.com", "a.pbx.example.com", "pbx.example.org"] {
            assert!(!covers("*.example.com", other), "{other}");
        }
        assert!(!covers("pbx.example.com", "pbx.example.com"));
    }
}
