//! The unit and its neighbours, looked at by systemd's own tools.

use crate::{checkout, has, is_root, run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The units as they are installed, but for the program, which is the one under test.
fn units() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["callpost.service", "callpost.socket"] {
        let text = fs::read_to_string(checkout("systemd").join(name)).unwrap();
        let text = text.replace("/usr/bin/callpost", env!("CARGO_BIN_EXE_callpost"));
        fs::write(folder.path().join(name), text).unwrap();
    }
    let drop_in = folder.path().join("callpost.service.d");
    fs::create_dir(&drop_in).unwrap();
    // What the tools of Debian 12 know; the other one is for newer systems.
    fs::copy(
        checkout("systemd/callpost.service.d/20-debian.conf"),
        drop_in.join("20-debian.conf"),
    )
    .unwrap();
    let unit = folder.path().join("callpost.service");
    (folder, unit)
}

/// ROBUSTNESS 73.
#[test]
fn the_unit_is_correct_and_leaves_the_daemon_hardly_anything() {
    if !has("systemd-analyze") {
        println!("skipped: no systemd-analyze");
        return;
    }
    let (folder, unit) = units();
    let verified = run(Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&unit)
        .arg(folder.path().join("callpost.socket")));
    assert_eq!(verified.trim(), "", "systemd has nothing to say about the unit");
    // In tenths: more than 1.5 and the tool fails.
    let rated = run(Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold=15"])
        .arg(&unit));
    println!("{}", rated.lines().last().unwrap_or_default());
}

#[test]
fn the_unit_has_the_daemon_watched_and_started_again_and_asks_for_no_capability() {
    let text = fs::read_to_string(checkout("systemd/callpost.service")).unwrap();
    for line in [
        "Type=notify",
        "NotifyAccess=main",
        "WatchdogSec=30",
        "Restart=always",
        "RestartSec=1",
        "StartLimitIntervalSec=0",
        "CapabilityBoundingSet=",
        "AmbientCapabilities=",
        "NoNewPrivileges=yes",
        "LimitCORE=0",
        "UMask=0027",
        "StateDirectory=callpost",
        "ProtectSystem=strict",
        "User=callpost",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}");
    }
    let preset = fs::read_to_string(checkout("systemd/callpost.preset")).unwrap();
    assert!(preset.contains("enable callpost.service"));
    assert!(
        preset.contains("disable callpost.socket"),
        "no port below 1024 unasked"
    );
}

/// The user and the folders are made by systemd's own tools, on a root of their own.
#[test]
fn user_and_folders_are_made_with_rights_that_keep_passwords_from_others() {
    if !is_root() || !has("systemd-sysusers") || !has("systemd-tmpfiles") {
        println!("skipped: needs root, systemd-sysusers and systemd-tmpfiles");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("etc")).unwrap();
    fs::create_dir_all(at("var/lib")).unwrap();
    let tool = |name: &str, file: &str| {
        let mut command = Command::new(name);
        command.arg(format!("--root={}", root.path().display()));
        (command, checkout("systemd").join(file))
    };
    let (mut sysusers, file) = tool("systemd-sysusers", "callpost.sysusers");
    run(sysusers.arg(file));
    let (mut tmpfiles, file) = tool("systemd-tmpfiles", "callpost.tmpfiles");
    run(tmpfiles.arg("--create").arg(file));
    let users = fs::read_to_string(at("etc/passwd")).unwrap();
    assert!(
        users
            .lines()
            .any(|line| line.starts_with("callpost:") && line.ends_with("/nologin")),
        "nobody logs in as the daemon: {users}"
    );
    for (folder, rights) in [
        ("etc/callpost", 0o770),
        ("etc/callpost/flows", 0o770),
        ("var/lib/callpost", 0o750),
    ] {
        assert_eq!(mode(&at(folder)), rights, "{folder}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
