//! From the program to a box: how it is built for ARM, what its unit allows it, how the service manager watches it, and how
//! it starts when something is missing. `packaging/boot.sh` goes on where these end: a machine of its own.
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: these tests read the clock"
)]
#![expect(clippy::print_stdout, reason = "what was measured or skipped is shown")]
#![expect(clippy::print_stderr, reason = "a test that fails shows what its peers said")]
#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up should stop"
)]

#[path = "../wire/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the harness belongs to the wire tests; these need a part of it"
)]
mod harness;

mod building;
mod confined;
mod degraded;
mod package;
mod unit;
mod watchdog;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether a program of this machine can be started.
fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// Runs a program to its end; what it printed. It has to be content.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    told
}
