//! What was wrong with a call, in plain words: who hears nothing and why, who did not answer, who hung up.
//!
//! [`findings`] looks at what is known of a call — its record or its live legs, what was measured, and the SIP messages
//! that went by — and names what it can prove. Nothing is said where nothing is known. Each file looks at one side of
//! telephony: `hearing.rs` at sound, `reaching.rs` at who can be reached at all, `agreeing.rs` at offers and answers,
//! `dialling.rs` at what trunks and phones refused, `ending.rs` at how it ended. A [`Finding`] is a word with its
//! values; `sentences.rs` has what it says in English and what cures it, the pages have it in their languages.

mod agreeing;
mod dialling;
mod ending;
mod facts;
mod finding;
mod hearing;
mod letters;
mod reaching;
mod sentences;
#[cfg(test)]
mod stories;

pub use facts::{Facts, Seen, Side};
pub use finding::{Code, Finding, Severity};

use letters::Letters;

/// Everything that can be said about a call, what matters most first.
pub fn findings(facts: &Facts, messages: &[Seen<'_>]) -> Vec<Finding> {
    let letters = Letters::read(messages);
    let mut found = Vec::new();
    reaching::look(facts, &letters, &mut found);
    agreeing::look(facts, &letters, &mut found);
    hearing::look(facts, &letters, &mut found);
    dialling::look(facts, &letters, &mut found);
    ending::look(facts, &letters, &mut found);
    found.sort_by_key(|finding: &Finding| finding.code.severity());
    found
}
