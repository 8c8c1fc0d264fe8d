//! The configuration is changed while the box runs and people talk.

use crate::certificates::{connect, made};
use crate::harness::appliance::TOKEN;
use crate::harness::counted::Conversation;
use crate::harness::household::password;
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, eventually, http};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use std::fs;
use std::net::{SocketAddrV4, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Changes the configuration by the API; the answer.
fn change(street: &Street, query: &str, alter: impl FnOnce(&str) -> String) -> (u16, Value) {
    let token = format!("Authorization: Bearer {TOKEN}");
    let ask = |method: &str, path: &str, more: &[String], body: &str| {
        let headers = [std::slice::from_ref(&token), more].concat();
        let answer = http::ask(street.box_http(), method, path, &headers, body);
        answer.unwrap_or_else(|| panic!("no answer to {method} {path}"))
    };
    let now = ask("GET", "/api/v1/config", &[], "").json();
    let headers = [
        format!("If-Match: \"{}\"", now["etag"].as_str().expect("a tag")),
        "Content-Type: application/toml".to_owned(),
    ];
    let text = alter(now["text"].as_str().expect("a text"));
    let answer = ask("PUT", &format!("/api/v1/config?{query}"), &headers, &text);
    (answer.status, answer.json())
}

/// Calls at a time, and changes and new certificates meanwhile: 20, and 100 for `just swaps`.
fn how_many() -> usize {
    let wanted = std::env::var("CALLPOST_SWAPS").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// S2-057's calls, and every packet of them, are not touched by changes of the configuration and of the certificate:
/// 0 dropped, 0 packets lost.
#[test]
fn changes_and_new_certificates_under_calls_drop_no_call_and_lose_no_packet() {
    let (street, many) = (Street::claim(), how_many());
    let folder = tempfile::tempdir().expect("a folder");
    let address = street.box_sip().ip().to_string();
    let own = made(folder.path(), "own", &address);
    let mut household = Household::new()
        .listening("tls")
        .sip_key(&format!("tls_certificate=\"{}\"", own.certificate.display()))
        .sip_key(&format!("tls_key=\"{}\"", own.key.display()))
        .group("crew", "ring_seconds=10\nattempts=1");
    let (house, pbx) = (street.house(42), street.pbx());
    let at = |host, number: usize| SocketAddrV4::new(host, 6000 + u16::try_from(number).expect("few"));
    let desks: Vec<Rc<Phone>> = (0..many)
        .map(|number| Phone::new(&format!("desk{number}"), at(house, number), street.box_sip()))
        .collect();
    for (number, desk) in desks.iter().enumerate() {
        household = household
            .contact(&format!("desk{number}"), &desk.contact(), &[])
            .number(&format!("8{number:03}"), &format!("agent=\"desk{number}\""));
    }
    let appliance = Appliance::open(&street, &household);
    let callers: Vec<Rc<Phone>> = (0..many)
        .map(|number| Phone::new(&format!("+9665000{number:05}"), at(pbx, number), street.box_sip()))
        .collect();
    let talks: Vec<Conversation> = (0..many)
        .map(|number| {
            Conversation::begin(
                &street,
                &callers[number],
                &format!("8{number:03}"),
                &desks[number],
            )
        })
        .collect();
    let mut shown = None;
    for turn in 0..many {
        let seconds = 11 + turn % 2;
        let (status, answer) = change(&street, "trial_seconds=0", |text| {
            let text = text
                .replace("ring_seconds=11", "ring_seconds=10")
                .replace("ring_seconds=12", "ring_seconds=10");
            text.replace("ring_seconds=10", &format!("ring_seconds={seconds}"))
        });
        assert_eq!(status, 200, "{answer}");
        made(folder.path(), "own", &address);
        appliance.reread();
        let lies = CertificateDer::from_pem_file(&own.certificate).expect("a certificate");
        eventually("the new certificate is shown", PATIENCE, || {
            let (_, now) = connect(&street, &address, &[&own.certificate])?;
            (now == lies).then_some(())
        });
        assert_ne!(shown.replace(lies.clone()), Some(lies), "another one each time");
    }
    let passed: Vec<_> = talks.into_iter().map(Conversation::end).collect();
    for (number, passed) in passed.iter().enumerate() {
        assert!(passed.said >= 10, "call {number} spoke meanwhile: {passed:?}");
        assert_eq!(passed.lost, 0, "call {number}: {passed:?}");
    }
    appliance.until_quiet();
    let records = appliance.until_recorded(many);
    for record in records {
        assert_eq!(record.text("status"), "ANSWER");
        assert_eq!(record.text("hangup_by"), "caller");
    }
    let (said, history) = (
        passed.iter().map(|passed| passed.said).sum::<usize>(),
        appliance.get("/api/v1/config/history").json(),
    );
    assert!(history["items"].as_array().expect("a list").len() > many.min(90));
    eprintln!("{many} calls, {many} changes, {many} certificates: {said} packets, none lost");
}

/// A PBX that answers every request with 200 while it is there.
struct Pbx {
    there: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Pbx {
    fn open(at: SocketAddrV4) -> Self {
        let socket = UdpSocket::bind(at).expect("its port is free");
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a time-out can be set");
        let (there, stop) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (is_there, stopped) = (Arc::clone(&there), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !stopped.load(Ordering::SeqCst) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if !is_there.load(Ordering::SeqCst) || text.starts_with("SIP/2.0") {
                    continue;
                }
                let kept = ["Via", "From", "To", "Call-ID", "CSeq"];
                let lines = text.lines().filter(|line| {
                    line.split_once(':')
                        .is_some_and(|(name, _)| kept.iter().any(|kept| kept.eq_ignore_ascii_case(name)))
                });
                let head: String = lines
                    .map(|line| match line.strip_prefix("To:") {
                        Some(_) => format!("{line};tag=pbx\r\n"),
                        None => format!("{line}\r\n"),
                    })
                    .collect();
                let answer = format!("SIP/2.0 200 OK\r\n{head}Content-Length: 0\r\n\r\n");
                socket.send_to(answer.as_bytes(), from).ok();
            }
        });
        Self {
            there,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// With the program's own command, against a box that has shut itself in.
#[test]
fn a_change_that_cuts_off_the_trunk_is_taken_back_by_the_box_and_a_phone_stays_logged_in() {
    let street = Street::claim();
    let pbx = Pbx::open(SocketAddrV4::new(street.pbx(), 5060));
    let household = Household::with_menu(5, 1)
        .pbx_keys("transport=\"udp\"\nprobe_seconds=5")
        .phone("ali", "1001", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let phone = Phone::new(
        "1001",
        SocketAddrV4::new(street.house(40), 5060),
        street.box_sip(),
    );
    assert_eq!(
        phone.register(&password("1001"), "SHA-256", 600).status(),
        Some(200)
    );
    appliance.until("the trunk is up", |status| status["trunks"][0]["state"] == "up");

    let file = appliance.folder().join("callpost.toml");
    let before = fs::read_to_string(&file).expect("the configuration");
    let shown = appliance.run(&["config", "show"]).expect("it is shown");
    assert!(!shown.contains(&password("1001")), "{shown}");
    let new = appliance.folder().join("new.toml");
    let elsewhere = format!("host=\"{}\"", street.house(77));
    fs::write(
        &new,
        shown.replace(&format!("host=\"{}\"", street.pbx()), &elsewhere),
    )
    .expect("written");
    let new = new.display().to_string();
    let told = appliance.run(&["config", "diff", &new]).expect("a diff");
    assert!(told.contains("trunk pbx changes: host"), "{told}");
    let applied = appliance.run(&[
        "config",
        "apply",
        &new,
        "--trial-seconds",
        "2",
        "--reason",
        "a test",
    ]);
    let applied = applied.expect("it is taken");
    assert!(applied.contains("This is version 2 now."), "{applied}");
    let after = fs::read_to_string(&file).expect("the configuration");
    assert!(
        after.contains(&elsewhere) && after.contains(&password("1001")),
        "{after}"
    );
    eventually("the box goes back", PATIENCE, || {
        (fs::read_to_string(&file).ok()? == before).then_some(())
    });
    appliance.until("the trunk is up again", |status| {
        status["trunks"][0]["state"] == "up"
    });
    appliance.until("an alarm says so", |status| {
        let alarms = status["alarms"].as_array().into_iter().flatten();
        let mut codes = alarms.map(|alarm| &alarm["code"]);
        codes.any(|code| code == "settings_taken_back")
    });
    let history = appliance.run(&["config", "history"]).expect("the history");
    assert!(
        history.contains("trunk pbx did not come back within 2 s"),
        "{history}"
    );
    assert!(history.contains("a test"), "{history}");
    assert_eq!(
        phone.register(&password("1001"), "SHA-256", 600).status(),
        Some(200)
    );
    // Another realm counts after a restart alone: until then what phones know is right.
    let (status, answer) = change(&street, "trial_seconds=0", |text| {
        text.replace("realm=\"callpost\"", "realm=\"elsewhere\"")
    });
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        phone.register(&password("1001"), "SHA-256", 600).status(),
        Some(200)
    );
    let status = appliance.run(&["config", "status"]).expect("the status");
    assert!(status.contains("sip.realm counts after a restart"), "{status}");
    assert!(pbx.there.load(Ordering::SeqCst));
}

/// The power goes within a trial that was to be confirmed: after the start the trial goes on, and the box goes back.
#[test]
fn a_trial_survives_a_power_cut() {
    let street = Street::claim();
    let mut appliance = Appliance::open(&street, &Household::with_menu(5, 1));
    let file = appliance.folder().join("callpost.toml");
    let before = fs::read_to_string(&file).expect("the configuration");
    let (status, answer) = change(&street, "trial_seconds=3&confirm=true", |text| {
        text.replace("ring_seconds=5", "ring_seconds=6")
    });
    assert_eq!(status, 200, "{answer}");
    appliance.kill();
    assert!(
        fs::read_to_string(&file)
            .expect("the configuration")
            .contains("ring_seconds=6")
    );
    appliance.start();
    eventually("the box goes back", PATIENCE, || {
        (fs::read_to_string(&file).ok()? == before).then_some(())
    });
    let history = appliance.run(&["config", "history"]).expect("the history");
    assert!(history.contains("nobody confirmed it within 3 s"), "{history}");
}
