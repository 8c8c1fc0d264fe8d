//! How far the daemon has shut itself in, seen from outside.

use crate::harness::{Appliance, Household, Street};
use std::fs;

/// ROBUSTNESS 70 and 73: started by hand, with no unit around it.
#[test]
fn a_daemon_that_is_started_by_hand_shuts_itself_in_and_says_so() {
    let street = Street::claim();
    let mut appliance = Appliance::open(&street, &Household::new());
    let status = fs::read_to_string(format!("/proc/{}/status", appliance.pid())).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    assert_eq!(of("NoNewPrivs:"), "1", "nothing it starts can have more rights");
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        assert_eq!(of("Seccomp:"), "2", "system calls are filtered");
    }
    let limits = fs::read_to_string(format!("/proc/{}/limits", appliance.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "no core dump: {core}");
    let log = appliance.log();
    let told = log.lines().find(|line| line.contains("shut in")).unwrap();
    println!("{told}");
    assert!(
        told.contains("files ") && told.contains("system calls ") && told.contains("memory confined"),
        "{told}"
    );
    appliance.stop();
}
