//! sipvicious, the scanner everybody meets: it learns nobody's extension.

use crate::harness::{Appliance, Household, Street, setup};
use std::net::Ipv4Addr;
use std::process::Command;

/// Its own `-b` is not heeded by two of its programs; this makes every socket of it speak from its house.
const FROM_ITS_HOUSE: &str = "import _socket, runpy, socket, sys; sys.path.insert(0, '/usr/share/sipvicious'); \
    house, program = sys.argv[1:3]; sys.argv = sys.argv[2:]; \
    socket.socket.bind = lambda self, at: _socket.socket.bind(self, (house, at[1])); \
    from importlib import import_module; import_module('sipvicious.' + program).main()";

/// ROBUSTNESS 27: whether an extension is at home cannot be told by REGISTER, OPTIONS or INVITE.
#[test]
fn svwar_finds_no_extension_by_any_method() {
    let street = Street::claim();
    let household = (1001..1005).fold(answering(), |household, extension| {
        household.phone(&format!("agent{extension}"), &extension.to_string(), &[])
    });
    let appliance = Appliance::open(&street, &household);
    for (method, house) in [("REGISTER", 66), ("OPTIONS", 67), ("INVITE", 68)] {
        let said = sipvicious(
            street.house(house),
            "svwar",
            &[
                "--force",
                "-m",
                method,
                "-e",
                "1000-1009",
                &street.box_sip().ip().to_string(),
            ],
        );
        assert!(said.contains("found nothing"), "by {method} svwar learns: {said}");
    }
    assert_eq!(
        appliance.status()["registrations"].as_array().map(Vec::len),
        Some(0)
    );
}

/// svmap is told what any phone may know: that a SIP device is here.
#[test]
fn svmap_finds_a_sip_device_and_no_more() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &answering().phone("ali", "1001", &[]));
    let at = street.box_sip().ip().to_string();
    let said = sipvicious(street.house(66), "svmap", &[&at]);
    assert!(said.contains(&at), "it is there: {said}");
    assert!(!said.contains("1001"), "who lives here is not said: {said}");
}

/// A scanner that says its name is not answered, unless the configuration says so.
#[test]
fn svmap_finds_nothing_at_a_box_that_is_left_as_it_is() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::new().phone("ali", "1001", &[]));
    let at = street.box_sip().ip().to_string();
    let said = sipvicious(street.house(66), "svmap", &[&at]);
    assert!(said.contains("found nothing"), "{said}");
    assert!(appliance.status()["counters"]["sip_dropped"].as_u64() > Some(0));
}

/// ROBUSTNESS 25: svcrack tries a list of passwords with the right one at its end, and does not come that far. It falls over
/// SHA-256 at once, so here it is asked for MD5 alone.
#[test]
fn svcrack_is_shut_out_before_it_finds_the_password() {
    let street = Street::claim();
    // It knows nothing but MD5, and falls over where SHA-256 is asked for.
    let household = answering().challenging(&["MD5"]).phone("ali", "1001", &[]);
    let appliance = Appliance::open(&street, &household);
    let list = tempfile::NamedTempFile::new().expect("a file can be made");
    let words: Vec<String> = (0..40).map(|number| format!("guess{number}")).collect();
    let right = crate::harness::household::password("1001");
    std::fs::write(list.path(), format!("{}\n{right}\n", words.join("\n"))).expect("the list is written");
    let (at, path) = (
        street.box_sip().ip().to_string(),
        list.path().display().to_string(),
    );
    let said = sipvicious(street.house(66), "svcrack", &["-u", "1001", "-d", &path, &at]);
    assert!(!said.contains(&right), "it found the password: {said}");
    let status = appliance.status();
    let house = street.house(66).to_string();
    assert_eq!(
        status["bans"][0]["address"],
        house.as_str(),
        "{said} {}",
        status["counters"]
    );
}

/// A household that answers scanners, to see what they make of it.
fn answering() -> Household {
    Household::new().section("[guard]\ndrop_scanners = false")
}

/// Runs one of its programs from this house to its end; what it said.
fn sipvicious(house: Ipv4Addr, program: &str, arguments: &[&str]) -> String {
    setup::ensure("sipvicious");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let output = Command::new("timeout")
        .args(["60", "python3", "-c", FROM_ITS_HOUSE, &house.to_string(), program])
        .args(arguments)
        // It keeps its sessions at home.
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .output()
        .expect("python3 starts");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
