//! The recipes for ARM.

use crate::{checkout, has, run};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// The targets a table of TOML has a section for.
fn targets(file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(checkout(file)).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table["target"].as_table().unwrap().keys().cloned().collect()
}

/// DC-001.
#[test]
fn who_builds_in_a_container_builds_for_the_same_boxes_as_who_does_not() {
    let plain = targets(".cargo/config.toml");
    assert_eq!(plain, targets("cross.toml"));
    assert_eq!(plain.len(), 2, "aarch64 and armv7: {plain:?}");
    assert_eq!(
        fs::read_link(checkout("Cross.toml")).unwrap().to_str(),
        Some("cross.toml"),
        "`cross` finds the file under its own name for it"
    );
    let script = fs::read_to_string(checkout("packaging/cross.sh")).unwrap();
    let text = fs::read_to_string(checkout(".cargo/config.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    for (target, section) in table["target"].as_table().unwrap() {
        let linker = section["linker"].as_str().unwrap();
        let prefix = linker.strip_suffix("-gcc").unwrap();
        assert!(
            script.contains(&format!("target={target} gnu={prefix}")),
            "packaging/cross.sh builds {target} with {linker}"
        );
    }
    let cross: toml::Table = fs::read_to_string(checkout("cross.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let passed = cross["build"]["env"]["passthrough"].as_array().unwrap();
    for name in ["SOURCE_DATE_EPOCH", "CFLAGS_armv7_unknown_linux_gnueabihf"] {
        assert!(
            passed.iter().any(|passed| passed.as_str() == Some(name)),
            "{name} reaches the container"
        );
    }
}

/// S4-163.
#[test]
fn what_is_in_the_program_is_listed_crate_by_crate_and_always_the_same() {
    if !has("python3") {
        println!("skipped: no python3");
        return;
    }
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(checkout("."))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{metadata:?}");
    let list = || {
        let mut child = Command::new("python3")
            .arg(checkout("packaging/sbom.py"))
            .arg(checkout("Cargo.lock"))
            .env("SOURCE_DATE_EPOCH", "1767225600")
            .current_dir(checkout("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&metadata.stdout).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let text = list();
    assert_eq!(text, list(), "twice the same");
    let bom: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bom["bomFormat"], "CycloneDX");
    assert_eq!(bom["metadata"]["component"]["name"], "callpost");
    assert_eq!(bom["metadata"]["timestamp"], "2026-01-01T00:00:00Z");
    let crates = bom["components"].as_array().unwrap();
    let named = |name: &str| crates.iter().any(|one| one["name"] == name);
    assert!(
        named("rusqlite") && named("aws-lc-rs"),
        "what is linked in is listed"
    );
    assert!(!named("criterion") && !named("insta"), "what tests it is not");
    assert!(!named("serde_derive"), "nor what runs while it is built");
    for one in crates {
        assert_eq!(
            one["hashes"][0]["alg"], "SHA-256",
            "{one}: pinned by the lock file"
        );
        assert!(
            one["licenses"][0]["expression"].is_string(),
            "{one}: its licence is known"
        );
    }
    println!("{} crates in the program", crates.len());
}

#[test]
fn every_script_of_the_packaging_is_a_script() {
    for entry in fs::read_dir(checkout("packaging")).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "sh") {
            run(Command::new("bash").arg("-n").arg(path));
        }
    }
}
