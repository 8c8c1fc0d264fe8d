//! What went over the wire in a call is kept, and is told to whoever asks.

use crate::harness::Appliance;
use crate::harness::record::Record;
use std::fs;
use std::process::{Command, Stdio};

/// The ladder of an answered call whose caller hung up, and its capture as tcpdump reads it.
pub(crate) fn tells_of_an_answered_call(appliance: &Appliance, record: &Record) {
    let call = record.text("call_id");
    let ladder = appliance.get(&format!("/api/v1/calls/{call}/ladder")).json();
    let steps = ladder["steps"].as_array().expect("a list");
    let of = |leg: u64| -> Vec<String> {
        let own = steps
            .iter()
            .filter(|step| step["leg"] == leg && step["is_again"] == false);
        own.map(|step| format!("{} {}", word(&step["way"]), word(&step["title"])))
            .collect()
    };
    let caller = of(0);
    for wanted in ["received INVITE", "sent 200 OK", "received ACK", "received BYE"] {
        assert!(caller.iter().any(|step| step == wanted), "{wanted}: {caller:#?}");
    }
    let agent = of(1);
    for wanted in [
        "sent INVITE",
        "received 180 Ringing",
        "received 200 OK",
        "sent ACK",
        "sent BYE",
    ] {
        assert!(agent.iter().any(|step| step == wanted), "{wanted}: {agent:#?}");
    }
    assert_eq!(ladder["parties"][0]["leg"], 0);
    let told = steps.iter().map(|step| word(&step["message"]));
    assert!(
        told.clone()
            .all(|message| !message.contains("response=\"") || message.contains("response=\"*"))
    );

    let capture = appliance.get(&format!("/api/v1/calls/{call}/pcap")).body;
    let file = appliance.data().join("call.pcap");
    fs::write(&file, capture).expect("the capture is written");
    let read = Command::new("tcpdump")
        .args(["-n", "-v", "-r"])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .expect("tcpdump is installed by tests/peers/setup-peers.sh");
    let shown = String::from_utf8_lossy(&read.stdout);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert_eq!(
        shown
            .matches(" SIP, length")
            .count()
            .max(shown.matches("UDP, length").count()),
        steps.len(),
        "{shown}"
    );
    assert!(
        shown.contains("INVITE sip:") && !shown.contains("bad udp cksum"),
        "{shown}"
    );
}

fn word(value: &serde_json::Value) -> &str {
    value.as_str().expect("a word")
}
