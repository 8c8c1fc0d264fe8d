//! What is said about a call afterwards, from its record and the messages that went by.

use super::World;
use callpost::sip::Flow;
use callpost::verdict::{Facts, Seen, Severity, findings};
use std::time::Duration;

/// A message that went by.
pub struct Letter {
    at: Duration,
    is_ours: bool,
    flow: Flow,
    bytes: Vec<u8>,
}

impl World {
    pub(super) fn keep_letter(&mut self, is_ours: bool, flow: Flow, bytes: &[u8]) {
        if !self.ladder.quiet {
            let at = self.at();
            self.post.push(Letter {
                at,
                is_ours,
                flow,
                bytes: bytes.to_vec(),
            });
        }
    }

    /// The only call's findings, as `code of leg: sentence — cure`. Notes on how it ended are left out when there is
    /// anything else.
    pub fn verdict(&self) -> String {
        let cdr = self.cdr();
        let seen: Vec<Seen<'_>> = self
            .post
            .iter()
            .filter_map(|letter| {
                let (head, _) = std::str::from_utf8(&letter.bytes).ok()?.split_once("\r\n\r\n")?;
                let call_id = head.lines().find_map(|line| line.strip_prefix("Call-ID: "))?;
                let (call, leg) = self.dialogs.get(call_id)?;
                (*call == cdr.call_id).then_some(Seen {
                    at_us: i64::try_from(letter.at.as_micros()).unwrap(),
                    is_ours: letter.is_ours,
                    flow: letter.flow,
                    leg: leg.0,
                    bytes: &letter.bytes,
                })
            })
            .collect();
        let found = findings(&Facts::of_record(cdr), &seen);
        let has_more = found.iter().any(|one| one.code.severity() < Severity::Note);
        let lines = found
            .iter()
            .filter(|one| !has_more || one.code.severity() < Severity::Note)
            .map(|one| {
                let leg = one.leg.map(|leg| format!(" of leg {leg}")).unwrap_or_default();
                let cure = one.cure();
                let cure = if cure.is_empty() {
                    cure
                } else {
                    format!(" — {cure}")
                };
                format!("{}{leg}: {}{cure}", one.code.as_str(), one.sentence())
            });
        lines.collect::<Vec<_>>().join("\n")
    }
}
