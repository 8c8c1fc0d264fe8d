//! The files of TLS that `check` opens.

use super::{OFFICE, lines};
use callpost::config::{Config, Surroundings};
use callpost::net::{TlsFiles, make_certificate};
use std::path::Path;

/// The middle of 2026, in milliseconds since 1970.
const NOW: i64 = 1_780_000_000_000;
const DAY: i64 = 24 * 3600 * 1000;

fn make(folder: &Path, name: &str) {
    let files = TlsFiles {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
        others: Vec::new(),
        client_ca: None,
        client_optional: false,
    };
    make_certificate(&files, vec!["pbx.example".to_owned()], NOW).unwrap();
}

/// What is told of the office with these lines below `[sip]` and of this trunk at that moment: mistakes, then warnings, with
/// the folder's name left out.
fn told(folder: &Path, keys: &str, trunk: &str, at: i64) -> (Vec<String>, Vec<String>) {
    let keys = keys.replace("@", &format!("{}/", folder.display()));
    let trunk = trunk.replace("@", &format!("{}/", folder.display()));
    let text = format!("[sip]\n{keys}\n{OFFICE}{trunk}");
    let loaded = Config::from_text("office.toml", &text, &Surroundings::default()).unwrap();
    let (mistakes, warnings) = loaded.check_tls_files(at);
    let bare = |lines: Vec<String>| -> Vec<String> {
        let folder = format!("{}/", folder.display());
        lines.into_iter().map(|line| line.replace(&folder, "")).collect()
    };
    (bare(lines(&mistakes)), bare(lines(&warnings)))
}

#[test]
fn a_file_of_tls_that_is_missing_wrong_or_over_is_told_with_its_place_and_its_cure() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    make(here, "one");
    make(here, "two");
    std::fs::write(here.join("text.pem"), "no certificate").unwrap();
    let one = "tls_certificate = \"@one.pem\"\ntls_key = \"@one.key\"";
    let right = |at| told(here, one, "", at);
    assert_eq!(right(NOW), (Vec::new(), Vec::new()));

    let table = [
        (
            "tls_certificate = \"@gone.pem\"\ntls_key = \"@one.key\"".to_owned(),
            "office.toml:2: sip.tls_certificate: gone.pem cannot be read",
        ),
        (
            "tls_certificate = \"@one.pem\"\ntls_key = \"@text.pem\"".to_owned(),
            "office.toml:3: sip.tls_key: text.pem holds no key",
        ),
        (
            "tls_certificate = \"@one.pem\"\ntls_key = \"@two.key\"".to_owned(),
            "office.toml:2: sip.tls_certificate: one.pem and two.key do not fit together",
        ),
        (
            format!("{one}\ntls_others = [{{ certificate = \"@text.pem\", key = \"@two.key\" }}]"),
            "office.toml:4: sip.tls_others: text.pem holds no certificate",
        ),
        (
            format!("{one}\ntls_client_ca = \"@gone.pem\""),
            "office.toml:4: sip.tls_client_ca: gone.pem cannot be read",
        ),
    ];
    for (keys, wanted) in table {
        let (mistakes, _) = told(here, &keys, "", NOW);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with(wanted), "{}", mistakes[0]);
        assert!(mistakes[0].contains(" — "), "{}", mistakes[0]);
    }

    let years = 365 * DAY;
    let (mistakes, _) = right(NOW + 11 * years);
    assert!(
        mistakes[0].contains("tls_certificate: the certificate of CN=callpost has ended"),
        "{mistakes:?}"
    );
    let (mistakes, warnings) = right(NOW - 10 * years);
    assert!(
        mistakes.is_empty() && warnings[0].contains("is not valid yet"),
        "{warnings:?}"
    );

    let trunk = "[[trunk]]\nname = \"carrier\"\nhost = \"sip.example\"\ntransport = \"tls\"\nca_file = \"@gone.pem\"\n";
    let (mistakes, _) = told(here, one, trunk, NOW);
    assert!(mistakes[0].contains("trunk.carrier.ca_file"), "{mistakes:?}");
    assert!(mistakes[0].starts_with("office.toml:"), "{mistakes:?}");
}
