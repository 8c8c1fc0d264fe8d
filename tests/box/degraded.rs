//! Something is missing at the start, or in the way: the box serves what it can, heals when it comes, or says who is at fault.

use crate::harness::peer::Peer;
use crate::harness::{Appliance, Household, PATIENCE, Street, eventually};
use crate::{has, is_root, run};
use std::fs;
use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

/// How soon a box has to heal once what was missing is there.
const SOON: Duration = Duration::from_secs(10);

/// ROBUSTNESS 96.
#[test]
fn a_port_that_is_taken_is_told_with_the_program_that_has_it() {
    let street = Street::claim();
    let _other = UdpSocket::bind(street.box_sip()).unwrap();
    let appliance = Appliance::furnished(&street, &Household::new(), |_data| ());
    let output = appliance.command().output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let us = format!("port 5060 is taken by process {} (", std::process::id());
    assert!(told.contains(&us) && told.contains("[sip] listen"), "{told}");

    let _page = std::net::TcpListener::bind(street.box_http()).unwrap();
    drop(_other);
    let output = appliance.command().output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("is taken by process") && told.contains("[http] listen"),
        "{told}"
    );
}

/// ROBUSTNESS 96.
#[test]
fn a_second_daemon_on_the_same_data_refuses_and_the_first_goes_on() {
    let (street, other) = (Street::claim(), Street::claim());
    let mut first = Appliance::open(&street, &Household::new());
    let second = Appliance::furnished(&other, &Household::new(), |_data| ());
    let output = Command::new(env!("CARGO_BIN_EXE_callpost"))
        .args(["run", "--config"])
        .arg(second.folder().join("callpost.toml"))
        .arg("--data-dir")
        .arg(first.data())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    let who = format!("another callpost (process {}) already uses", first.pid());
    assert!(told.contains(&who) && told.contains("--data-dir"), "{told}");
    assert_eq!(first.get("/health").status, 200, "the first is not disturbed");
    first.stop();
}

/// ROBUSTNESS 80, for the daemon as a whole.
#[test]
fn a_damaged_database_is_set_aside_and_calls_are_served() {
    let street = Street::claim();
    let mut appliance = Appliance::open(&street, &Household::new());
    appliance.stop();
    let database = appliance.data().join("callpost.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[..100].fill(0);
    fs::write(&database, bytes).unwrap();
    let begun = Instant::now();
    appliance.start();
    println!("damaged: healthy after {} ms", begun.elapsed().as_millis());
    assert!(begun.elapsed() < SOON);
    assert!(
        appliance.log().contains("was damaged and has been set aside"),
        "the log says so"
    );
    let kept = fs::read_dir(appliance.data()).unwrap().flatten().any(|entry| {
        entry.file_name() != "callpost.db"
            && entry.metadata().unwrap().len() >= 100
            && entry.file_name().to_string_lossy().contains(".corrupt-")
    });
    assert!(kept, "what was there is kept");
    appliance.stop();
}

/// No DNS, no certificates of authorities, destinations that need both: the telephone is answered all the same.
#[test]
fn without_dns_and_without_certificates_of_authorities_the_box_starts_and_serves() {
    if !is_root() || !has("unshare") {
        println!("skipped: folders can be hidden by root alone");
        return;
    }
    let street = Street::claim();
    let household = Household::new().upstream(
        "name=\"head-office\"\ntype=\"webhook\"\nurl=\"https://records.example.invalid/\"\nsecret=\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"",
    );
    let appliance = Appliance::furnished(&street, &household, |_data| ());
    let mut box_ = Housed::start(
        &appliance,
        "--mount",
        "mount --bind /dev/null /etc/resolv.conf; mount -t tmpfs none /etc/ssl; mount -t tmpfs none /usr/share/ca-certificates",
    );
    eventually("the box is healthy", PATIENCE, || {
        box_.lives();
        (appliance.try_get("/health")? == 200).then_some(())
    });
    assert!(options_is_answered(&street.box_sip().to_string(), None));
    box_.peer.terminate();
    assert!(box_.peer.wait(PATIENCE).success(), "and stops cleanly");
}

/// ROBUSTNESS 89: the box is faster than the network it stands in.
#[test]
fn before_its_address_is_there_the_box_waits_and_answers_as_soon_as_it_is() {
    if !is_root()
        || ["unshare", "nsenter", "ip", "python3"]
            .iter()
            .any(|program| !has(program))
    {
        println!("skipped: a network of its own needs root, unshare, nsenter, ip and python3");
        return;
    }
    let street = Street::claim();
    let appliance = Appliance::furnished(&street, &Household::new(), |_data| ());
    // An address no machine has (RFC 5737), in place of the test's own.
    let file = appliance.folder().join("callpost.toml");
    let text = fs::read_to_string(&file).unwrap();
    let ours = street.box_sip().ip().to_string();
    fs::write(&file, text.replace(&format!("{ours}:"), "192.0.2.10:")).unwrap();
    let mut box_ = Housed::start(&appliance, "--net", "true");
    eventually("the box waits for its network", PATIENCE, || {
        box_.lives();
        appliance
            .log()
            .contains("SIP on udp://192.0.2.10:5060")
            .then_some(())
    });
    let pid = box_.peer.pid();
    assert!(
        !options_is_answered("192.0.2.10:5060", Some(pid)),
        "nobody can be there yet"
    );
    for words in ["link set lo up", "addr add 192.0.2.10/32 dev lo"] {
        run(inside(pid, "ip").args(words.split(' ')));
    }
    let begun = Instant::now();
    eventually("OPTIONS is answered", SOON, || {
        box_.lives();
        options_is_answered("192.0.2.10:5060", Some(pid)).then_some(())
    });
    println!("address there: answered after {} ms", begun.elapsed().as_millis());
    box_.peer.terminate();
    assert!(box_.peer.wait(PATIENCE).success(), "and stops cleanly");
}

/// The box in a namespace.
struct Housed {
    peer: Peer,
}

impl Housed {
    /// Starts it there once `first` has been done; `unshare` and the shell become the box, so its process is ours.
    fn start(appliance: &Appliance, namespace: &str, first: &str) -> Self {
        let command = appliance.command();
        let mut shut = Command::new("unshare");
        shut.arg(namespace)
            .args(["sh", "-c", &format!("{first}; exec \"$@\""), "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(appliance.folder());
        Self {
            peer: Peer::start("callpost", &mut shut, appliance.folder().join("callpost.log")),
        }
    }

    #[track_caller]
    fn lives(&mut self) {
        if let Some(status) = self.peer.ended() {
            panic!("the box ended with {status}");
        }
    }
}

/// A program in the network that this process is in.
fn inside(pid: u32, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &pid.to_string(), "--net", program]);
    command
}

/// Whether the box answers OPTIONS within a moment, asked from its own network where it has one.
fn options_is_answered(at: &str, pid: Option<u32>) -> bool {
    const ASK: &str = r#"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(0.5)
asker.connect((host, int(port)))
own = "%s:%d" % asker.getsockname()
asker.send((f"OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-box\r\n"
    f"From: <sip:probe@{own}>;tag=1\r\nTo: <sip:{host}>\r\nCall-ID: probe@{own}\r\nCSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode())
sys.exit(0 if asker.recv(4096).startswith(b"SIP/2.0 ") else 1)
"#;
    let mut command = match pid {
        Some(pid) => inside(pid, "python3"),
        None => Command::new("python3"),
    };
    command
        .args(["-c", ASK, at])
        .output()
        .is_ok_and(|output| output.status.success())
}
