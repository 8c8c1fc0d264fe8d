/// Names by which programs that look for boxes to break into give themselves away, in lower case. Tools that people
/// also use to look after their own box, such as sipsak and SIPp, are not among them.
const NAMES: [&str; 11] = [
    "friendly-scanner",
    "sipvicious",
    "sipcli",
    "sip-scan",
    "sipscan",
    "sundayddr",
    "iwar",
    "vaxsipuseragent",
    "pplsip",
    "smap",
    "sivus",
];

/// Whether a User-Agent is one of them.
pub(super) fn is_scanner(agent: &str) -> bool {
    let agent = agent.as_bytes();
    NAMES.iter().any(|name| {
        agent
            .windows(name.len())
            .any(|part| part.eq_ignore_ascii_case(name.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::is_scanner;

    #[test]
    fn scanners_are_known_by_their_names_and_telephones_are_not_taken_for_them() {
        for name in ["friendly-scanner", "SIPVicious 0.3", "sipcli/v1.8"] {
            assert!(is_scanner(name), "{name}");
        }
        for name in [
            "",
            "Yealink SIP-T46S",
            "baresip v1.0.0",
            "sipsak 0.9.8.1",
            "Linphone/5",
            "SIPp",
        ] {
            assert!(!is_scanner(name), "{name}");
        }
    }
}
