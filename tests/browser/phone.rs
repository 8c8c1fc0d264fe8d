//! A telephone in a browser: registered over WebSocket, asked and asking, calling and called.

use crate::harness::appliance::agent_state;
use crate::harness::household::password;
use crate::harness::sip::{Dialog, sdp};
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, Voice, eventually, peer::Peer, setup};
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;

/// RFC 7118. What JsSIP offers is refused with 488 as long as the box speaks no DTLS; with a plain offer in its place
/// the call is set up and ended from either side.
#[test]
fn jssip_in_chromium_registers_asks_calls_and_is_called_over_websocket() {
    setup::ensure("jssip");
    let street = Street::claim();
    let desk = Phone::new(
        "door",
        SocketAddrV4::new(street.house(51), 5060),
        street.box_sip(),
    );
    let household = Household::new()
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[])
        .contact("door", &desk.contact(), &[])
        .number("8001", r#"agent="door""#)
        .number("8002", r#"agent="mona""#);
    let appliance = Appliance::open(&street, &household);
    let (mouth, ear) = (Voice::at(street.house(51)), Voice::at(street.house(61)));
    let mut script = Script::start(&street, &sdp(ear.address, "sendrecv"));

    script.until("registered");
    let status = appliance.until("both browsers' phones are shown", |status| {
        status["registrations"]
            .as_array()
            .is_some_and(|all| all.len() == 2)
    });
    assert_eq!(status["registrations"][0]["transport"], "ws");
    script.until("watching");
    script.until("refused as it is");

    // The first call is the browser's to end, the second the desk's. The desk waits until the browser is ready to
    // believe an answer.
    script.until("browser: offered 1");
    let talk = Dialog::accept(&desk, &desk.expect_request("INVITE"), mouth.address);
    script.until("talking");
    talk.hung_up_on();
    script.until("hung up");
    script.until("browser: offered 2");
    let talk = Dialog::accept(&desk, &desk.expect_request("INVITE"), mouth.address);
    script.until("talking again");
    talk.hang_up();
    script.until("was hung up on");

    script.until("waiting for a call");
    appliance.until("nobody talks to her any more", |status| {
        agent_state(status, "mona") == "available"
    });
    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let outside = Voice::at(street.pbx());
    caller.dial("8002", outside.address).refused(486);
    script.until("refused a call");
    script.until("watched");
    script.until("gone");
    script.finish();
    appliance.until_registered(0);
    let mut statuses: Vec<String> = appliance
        .until_recorded(4)
        .iter()
        .map(|record| record.text("status").to_owned())
        .collect();
    statuses.sort();
    assert_eq!(statuses, ["ANSWER", "ANSWER", "BUSY", "FAILED"]);
}

/// The script in its browser, saying how far it is.
struct Script {
    peer: Peer,
    _folder: tempfile::TempDir,
}

impl Script {
    fn start(street: &Street, plain: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/jssip.mjs");
        let mut command = Command::new("node");
        command
            .arg(script)
            .env("PLAYWRIGHT", setup::playwright())
            .env("CHROMIUM", super::chromium())
            .env("BOX", format!("http://{}", street.box_http()))
            .env("RELAYS", "1")
            .env("PLAIN", plain.replace("\r\n", "\\n"))
            .env("PASSWORD1", password("1001"))
            .env("PASSWORD2", password("1002"));
        let peer = Peer::start("jssip", &mut command, folder.path().join("log"));
        Self {
            peer,
            _folder: folder,
        }
    }

    #[track_caller]
    fn until(&mut self, step: &str) {
        eventually(&format!("the browser is {step}"), PATIENCE * 2, || {
            let there = self.peer.log().lines().any(|line| line == step);
            if !there && let Some(status) = self.peer.ended() {
                panic!("the browser's script ended with {status} before it was {step}");
            }
            there.then_some(())
        });
    }

    #[track_caller]
    fn finish(mut self) {
        let status = self.peer.wait(PATIENCE);
        assert!(status.success(), "the browser's script ends with {status}");
    }
}
