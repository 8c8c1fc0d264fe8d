//! What was wrong with a call, in the languages of the pages. English is the verdict's own.

mod arabic;
mod vietnamese;

use super::Words;
use crate::verdict::{Code, Finding};

impl Words {
    /// What a finding says.
    pub(in crate::http::pages) fn finding(&self, finding: &Finding) -> String {
        finding.fill(self.of_code(finding.code).0)
    }

    /// What cures it; empty where nothing has to be done.
    pub(in crate::http::pages) fn cure(&self, finding: &Finding) -> String {
        finding.fill(self.of_code(finding.code).1)
    }

    fn of_code(&self, code: Code) -> (&'static str, &'static str) {
        match self.lang {
            "ar" => arabic::of(code),
            "vi" => vietnamese::of(code),
            _ => (code.sentence(), code.cure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn places(sentence: &str) -> BTreeSet<&str> {
        let parts = sentence.split('{').skip(1);
        parts.filter_map(|part| part.split('}').next()).collect()
    }

    #[test]
    fn every_language_fills_the_same_places_and_leaves_none_untranslated() {
        for code in Code::ALL.iter().copied() {
            for (sentence, cure) in [arabic::of(code), vietnamese::of(code)] {
                assert_eq!(places(sentence), places(code.sentence()), "{}", code.as_str());
                assert_ne!(sentence, code.sentence(), "{}", code.as_str());
                assert_eq!(cure.is_empty(), code.cure().is_empty(), "{}", code.as_str());
            }
        }
    }
}
