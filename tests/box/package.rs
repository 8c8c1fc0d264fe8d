//! The Debian package: installed, started, upgraded, removed and purged by the real dpkg.

use crate::{checkout, has, is_root, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In a copy of this machine's root that is thrown away, with a service manager that writes down what it is asked.
#[test]
fn the_package_installs_starts_upgrades_with_calls_drained_keeps_its_data_and_purges_clean() {
    if !is_root()
        || !["cargo-deb", "dpkg", "unshare", "setpriv", "curl", "strip"]
            .iter()
            .all(|program| has(program))
    {
        println!("skipped: needs root, dpkg and cargo-deb (cargo install cargo-deb --locked)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder
        .path()
        .join(format!("callpost-{}-{}", env!("CARGO_PKG_VERSION"), debian()));
    run(Command::new("strip")
        .arg("-o")
        .arg(&program)
        .arg(env!("CARGO_BIN_EXE_callpost")));
    let (first, second) = (package(folder.path(), "1"), package(folder.path(), "2"));
    let told = run(Command::new(checkout("packaging/deb-cycle.sh"))
        .arg(first)
        .arg(second));
    print!("{told}");
    for step in ["installed", "started", "upgraded", "removed", "purged"] {
        assert!(told.contains(&format!("✓ {step}")), "{step}: {told}");
    }
}

fn debian() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        "arm" => "armhf",
        _ => "amd64",
    }
}

/// The package of this program with this revision.
fn package(folder: &Path, revision: &str) -> PathBuf {
    let arch = match debian() {
        "arm64" => "aarch64",
        "armhf" => "armv7",
        other => other,
    };
    run(Command::new(checkout("packaging/deb.sh"))
        .arg(arch)
        .env("CALLPOST_DIST", folder)
        .env("CALLPOST_DEB_REVISION", revision)
        .env("CALLPOST_DEB_FAST", "yes"));
    let made = folder.join(format!("callpost_{}_{}.deb", env!("CARGO_PKG_VERSION"), debian()));
    let kept = folder.join(format!("revision-{revision}.deb"));
    fs::rename(made, &kept).unwrap();
    kept
}
