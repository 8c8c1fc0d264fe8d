//! The handbook tells the truth: its reference names every key, its examples are read without a mistake.
#![expect(
    clippy::unwrap_used,
    reason = "a handbook that cannot be read should stop the test"
)]

use callpost::config::{Config, Mistake, Surroundings, Unloadable};
use std::fs;
use std::path::{Path, PathBuf};

fn page(name: &str) -> String {
    fs::read_to_string(handbook().join(name)).unwrap()
}

fn handbook() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handbook")
}

/// What `check` finds wrong with a configuration.
fn mistakes(text: &str) -> Vec<Mistake> {
    match Config::from_text("handbook", text, &Surroundings::default()) {
        Ok(_) => Vec::new(),
        Err(Unloadable::Mistakes { mistakes, .. }) => mistakes,
        Err(unreadable @ Unloadable::Unreadable { .. }) => panic!("{unreadable}"),
    }
}

/// The code blocks of a page in this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    page.split(begin.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn the_reference_names_every_key_of_every_section() {
    let page = page("configuration.md");
    let single = [
        "site",
        "sip",
        "guard",
        "media",
        "dialing",
        "http",
        "http.onepos",
        "recording",
        "retention",
        "cdr",
        "egress",
        "voicemail",
        "mail",
        "transcription",
    ]
    .map(|name| (format!("[{name}]"), ""));
    let lists = [
        ("trunk", "name = \"a\"\nhost = \"127.0.0.1\""),
        ("agent", "id = \"a\""),
        ("group", "name = \"a\""),
        ("number", "match = \"1\""),
        ("pbx", "name = \"a\"\ntype = \"onepos\""),
        ("route", "name = \"a\"\nmatch = \"0*\"\ntrunks = []"),
        ("mailbox", "name = \"house\""),
        ("storage", "name = \"a\"\ntype = \"local\""),
        ("upstream", "name = \"a\"\ntype = \"webhook\""),
        ("upstream", "name = \"a\"\ntype = \"file\""),
        ("upstream", "name = \"a\"\ntype = \"nats\""),
        ("upstream", "name = \"a\"\ntype = \"postgres\""),
        ("upstream", "name = \"a\"\ntype = \"mqtt\""),
        ("upstream", "name = \"a\"\ntype = \"syslog\""),
    ]
    .map(|(name, keys)| (format!("[[{name}]]"), keys));
    for (header, keys) in single.into_iter().chain(lists) {
        // The cure for a key that does not exist is the list of those that do.
        let mistakes = mistakes(&format!("{header}\n{keys}\nno_such_key = 1\n"));
        let unknown = mistakes
            .iter()
            .find(|mistake| mistake.key.ends_with("no_such_key"))
            .unwrap();
        let known = unknown.cure.strip_prefix("use one of: ").unwrap().split(", ");
        let section = page
            .split(&format!("## {header}\n"))
            .nth(1)
            .expect("each section has its heading");
        let section = section.split("\n## ").next().unwrap();
        for key in known {
            assert!(
                section.contains(&format!("`{key}`")),
                "{header} {key} is not in the reference"
            );
        }
    }
}

#[test]
fn the_flow_of_the_handbook_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prompts");
    std::os::unix::fs::symlink(shipped, folder.path().join("prompts")).unwrap();
    fs::create_dir(folder.path().join("flows")).unwrap();
    let page = page("flows.md");
    fs::write(folder.path().join("flows/main.toml"), blocks(&page, "toml")[0]).unwrap();
    let config = folder.path().join("callpost.toml");
    let text = "[site]\nlanguages = [\"en\", \"ar\"]\n[[group]]\nname = \"sales\"\n[[number]]\nmatch = \"*\"\nflow = \"main\"\n";
    fs::write(&config, text).unwrap();
    let loaded = Config::load_in(Some(&config), &Surroundings::default()).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn every_key_in_the_examples_exists() {
    for name in [
        "quick-start.md",
        "configuration.md",
        "fleet.md",
        "records.md",
        "recordings.md",
        "cdr-pull.md",
        "cdr-delivery.md",
        "pbx-sync.md",
        "security.md",
        "voicemail.md",
        "troubleshooting.md",
    ] {
        let page = page(name);
        for block in blocks(&page, "toml") {
            for mistake in mistakes(block) {
                let is_unknown = mistake.problem.contains("unknown") || mistake.problem.contains("no TOML");
                assert!(!is_unknown, "{name}: {mistake}");
            }
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    for entry in fs::read_dir(handbook()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            let exists = file.is_empty() || file.starts_with("http") || handbook().join(file).exists();
            assert!(exists, "{}: {target}", path.display());
        }
    }
}

/// S0-166: in place of a run command and a port for each part there is one service, and its ports are keys.
#[test]
fn the_box_runs_as_a_service_whose_ports_are_configured() {
    let page = page("quick-start.md");
    let service = page.split("## As a service").nth(1).unwrap();
    for command in [
        "systemctl enable --now callpost",
        "systemctl reload callpost",
        "systemctl stop callpost",
        "journalctl -u callpost",
    ] {
        assert!(service.contains(command), "{command} is not on the page");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = service
        .lines()
        .filter_map(|line| line.strip_prefix("install -m 644 "))
        .filter_map(|rest| rest.split(' ').next());
    let files: Vec<&str> = files.collect();
    assert_eq!(files.len(), 3, "the unit, its user, its folders");
    for file in files {
        assert!(root.join(file).is_file(), "{file}");
    }
    let unit = fs::read_to_string(root.join("systemd/callpost.service")).unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/callpost run"), "{unit}");
    let text = "[http]\nlisten = \"127.0.0.1:3000\"\n[sip]\nlisten = [\"udp://127.0.0.1:14000\"]\n";
    let config = Config::from_text("handbook", text, &Surroundings::default())
        .unwrap()
        .config;
    assert_eq!(config.http.listen.port(), 3000);
    let blocks = blocks(&page, "toml");
    assert!(
        blocks[0].contains("[http]\nlisten"),
        "the page shows where ports are set"
    );
}
