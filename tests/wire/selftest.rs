//! `callpost selftest` beside the running box, with a real PBX on the other side: what is well, and what is wrong, each
//! in one line.

use crate::harness::{Appliance, Asterisk, Household, Street};
use serde_json::Value;
use std::process::Command;

/// S1-078, S1-103.
#[test]
fn the_self_test_reaches_the_pbx_registers_with_it_and_names_a_wrong_password() {
    let street = Street::claim();
    // The PBX asks who registers, not from where.
    let pbx = Asterisk::start_with(&street, |_, text| {
        text.replace(
            "user_agent=pbx",
            "user_agent=pbx\nendpoint_identifier_order=username,ip",
        )
    });
    let at = street.pbx();
    let household = Household::new()
        .pbx_keys("transport=\"udp\"\nusername=\"2001\"\npassword=\"secret-2001\"\nregister=true")
        .trunk(&format!(
            "name=\"mistyped\"\nhost=\"{at}\"\ntransport=\"udp\"\nusername=\"2002\"\npassword=\"hush-not-this\"\nregister=true\nprobe_seconds=0"
        ))
        .trunk(&format!("name=\"tcp\"\nhost=\"{at}\"\nport=5999\ntransport=\"tcp\"\nprobe_seconds=0"))
        .upstream("name=\"archive\"\ntype=\"file\"\npath=\"nowhere/records.jsonl\"");
    let appliance = Appliance::open(&street, &household);
    pbx.until_registered("2001");

    let (code, report) = look(&appliance);
    assert_eq!(code, Some(1), "something fails: {report:#}");
    let told = |area: &str, about: &str| {
        let lines = report["lines"].as_array().unwrap();
        let line = lines
            .iter()
            .find(|line| line["area"] == area && line["about"] == about);
        line.unwrap_or_else(|| panic!("nothing about {area} {about}: {report:#}"))
    };
    let well = told("trunk", "pbx");
    assert_eq!(well["outcome"], "ok", "{well}");
    let text = well["text"].as_str().unwrap();
    assert!(
        text.contains("(pbx)") && text.contains("lets user 2001 in; one contact is registered"),
        "{text}"
    );
    for area in ["alg", "mtu", "nat"] {
        assert_eq!(told(area, "pbx")["outcome"], "ok", "{}", told(area, "pbx"));
    }
    let wrong = told("trunk", "mistyped");
    assert_eq!(
        (&wrong["outcome"], &wrong["turn_to"]),
        (&"fail".into(), &"box".into())
    );
    assert!(
        wrong["text"].as_str().unwrap().contains("the password is wrong"),
        "{wrong}"
    );
    let closed = told("trunk", "tcp");
    assert!(
        closed["text"]
            .as_str()
            .unwrap()
            .contains("nobody listens at tcp port 5999"),
        "{closed}"
    );
    let file = told("upstream", "archive");
    assert_eq!(file["outcome"], "fail", "{file}");
    assert_eq!(told("database", "")["outcome"], "ok");
    assert!(
        told("sip", "")["text"]
            .as_str()
            .unwrap()
            .contains("the daemon runs")
    );
    assert!(!report.to_string().contains("hush"), "no secret is shown");

    // The box's own registration is as it was, and the API says the same.
    assert!(pbx.knows("2001"));
    let answer = appliance.get("/api/v1/selftest").json();
    assert_eq!(
        (&answer["running"], answer["report"].is_null()),
        (&false.into(), true)
    );
    appliance.post("/api/v1/selftest?wait=60", "");
    let answer = appliance.get("/api/v1/selftest?wait=60").json();
    assert_eq!(answer["report"]["outcome"], "fail", "{answer:#}");
    let same = answer["report"]["lines"].as_array().unwrap();
    let same = same
        .iter()
        .find(|line| line["area"] == "trunk" && line["about"] == "pbx")
        .unwrap();
    assert_eq!(same["outcome"], "ok", "{same}");
}

/// Without a daemon, in words for people.
#[test]
fn the_self_test_works_without_a_daemon_and_prints_one_line_a_thing() {
    let street = Street::claim();
    let appliance = Appliance::furnished(&street, &Household::new(), |_data| ());
    let output = command(&appliance).output().unwrap();
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let line = |start: &str| {
        printed
            .lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_else(|| panic!("{printed}"))
    };
    assert!(line("ok    sip").contains("no daemon runs"), "{printed}");
    let trunk = line("fail  trunk pbx");
    assert!(
        trunk.contains("nobody listens at udp port 5060") && trunk.contains(" — look at `port`"),
        "{trunk}"
    );
    assert!(line("ok    database").contains("the first start makes it"));
    assert_eq!(output.status.code(), Some(1));
}

fn command(appliance: &Appliance) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callpost"));
    command
        .args(["selftest", "--config"])
        .arg(appliance.folder().join("callpost.toml"))
        .arg("--data-dir")
        .arg(appliance.data())
        .current_dir(appliance.folder());
    command
}

fn look(appliance: &Appliance) -> (Option<i32>, Value) {
    let output = command(appliance).arg("--json").output().expect("it can be run");
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let report = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    (output.status.code(), report)
}
