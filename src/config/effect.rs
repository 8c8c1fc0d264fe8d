//! When a changed key counts.

/// Sections that a running box takes over whole.
const AT_ONCE: &[&str] = &[
    "agent",
    "dialing",
    "flow",
    "group",
    "guard",
    "mail",
    "mailbox",
    "media",
    "number",
    "recording",
    "route",
    "sip",
    "site",
    "transcription",
    "trunk",
    "voicemail",
];

/// Keys of those that are read at the start alone: sockets, directories, what prompts are made ready for, and what a
/// registered phone has proven its password with.
const AT_START: &[(&str, &str)] = &[
    ("media", "ringback_country"),
    ("media", "rtp_ports"),
    ("media", "rtp_timeout_seconds"),
    ("recording", "archive"),
    ("recording", "archive_after_minutes"),
    ("recording", "dir"),
    ("recording", "keep_free_megabytes"),
    ("recording", "retention_days"),
    ("recording", "seal_key"),
    ("sip", "dns_servers"),
    ("sip", "listen"),
    ("sip", "realm"),
    ("sip", "ws_origins"),
    ("site", "data_dir"),
    ("site", "languages"),
    ("site", "timezone"),
];

/// Whether a running box takes this key over; others count from its next start on.
pub(super) fn is_at_once(section: &str, key: &str) -> bool {
    let first = key.split('.').next().unwrap_or_default();
    let first = first.strip_suffix("_file").unwrap_or(first);
    AT_ONCE.contains(&section) && !AT_START.contains(&(section, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_wait_for_a_start_and_people_do_not() {
        assert!(is_at_once("agent", "password_file"));
        assert!(is_at_once("recording", "rule"));
        assert!(!is_at_once("recording", "seal_key_file"));
        assert!(!is_at_once("sip", "listen"));
        assert!(!is_at_once("http", "onepos.enabled"));
        assert!(!is_at_once("upstream", "url"));
    }
}
