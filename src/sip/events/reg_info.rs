//! `reg`: RFC 3680.

use super::xml::Escaped;
use crate::sip::Binding;
use std::fmt::Write as _;
use std::time::Instant;

/// The body of a NOTIFY (§5): every contact the extension has now.
pub(in crate::sip) fn body(now: Instant, aor: &str, version: u32, contacts: &[&Binding]) -> String {
    let state = if contacts.is_empty() { "init" } else { "active" };
    let mut text = format!(
        "<?xml version=\"1.0\"?>\r\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"{version}\" \
         state=\"full\">\r\n<registration aor=\"{}\" id=\"a\" state=\"{state}\">\r\n",
        Escaped(aor)
    );
    for contact in contacts {
        let left = contact.expires_at.saturating_duration_since(now).as_secs();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "<contact id=\"c{}\" state=\"active\" event=\"registered\" expires=\"{left}\" q=\"{}.{:03}\" \
             callid=\"{}\" cseq=\"{}\"><uri>{}</uri></contact>\r\n",
            contact.id(),
            contact.q / 1000,
            contact.q % 1000,
            Escaped(&contact.call_id),
            contact.cseq,
            Escaped(&contact.contact),
        );
    }
    text.push_str("</registration>\r\n</reginfo>\r\n");
    text
}
