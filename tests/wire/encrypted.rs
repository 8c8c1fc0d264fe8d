//! SIP inside TLS: who is let in, what is shown, and how the certificate changes while phones are connected.

use crate::harness::digest::{self, Credentials};
use crate::harness::household::password;
use crate::harness::setup::ensure;
use crate::harness::sip::Message;
use crate::harness::{Appliance, Household, PATIENCE, Street, eventually};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A telephone at the end of a stream.
pub(crate) struct StreamPhone<S> {
    pub(crate) stream: S,
    pub(crate) heard: Vec<u8>,
}

impl<S: Read + Write> StreamPhone<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            heard: Vec::new(),
        }
    }

    #[track_caller]
    pub(crate) fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("the box takes it");
        self.stream.flush().expect("the box takes it");
    }

    /// The next message of the box.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> Message {
        loop {
            if let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.heard[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"))
                    .map_or(0, |value| value.trim().parse::<usize>().expect("a length"));
                let whole = end + 4 + length;
                if self.heard.len() >= whole {
                    let message: Vec<u8> = self.heard.drain(..whole).collect();
                    return Message::read(&message).expect("a message");
                }
            }
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).expect("the box goes on");
            assert!(
                length > 0,
                "the box closed after {:?}",
                String::from_utf8_lossy(&self.heard)
            );
            self.heard.extend_from_slice(&buffer[..length]);
        }
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, text: &str) -> Message {
        self.say(text);
        self.hear()
    }
}

/// A request over a stream; `more` are whole lines.
pub(crate) fn request(method: &str, user: &str, transport: &str, number: u32, more: &str) -> String {
    let via = transport.to_ascii_uppercase();
    format!(
        "{method} sip:callpost SIP/2.0\r\nVia: SIP/2.0/{via} phone{user}.invalid;branch=z9hG4bK{method}{user}{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{user}@callpost>;tag=t{user}\r\nTo: <sip:{user}@callpost>\r\n\
         Call-ID: {method}{user}@phone\r\nCSeq: {number} {method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// Registers over any stream that can be asked; the answer to the second try.
#[track_caller]
pub(crate) fn register(
    user: &str,
    transport: &str,
    more: &str,
    mut ask: impl FnMut(&str) -> Message,
) -> Message {
    let contact =
        format!("Contact: <sip:{user}@phone{user}.invalid;transport={transport}>{more}\r\nExpires: 600\r\n");
    let challenged = ask(&request("REGISTER", user, transport, 1, &contact));
    assert_eq!(challenged.status(), Some(401), "{challenged:?}");
    let challenge = challenged.header("WWW-Authenticate").to_owned();
    let secret = password(user);
    let credentials = Credentials {
        user,
        password: &secret,
        algorithm: "MD5",
    };
    let authorization = digest::answer(&challenge, credentials, "REGISTER", "sip:callpost");
    ask(&request(
        "REGISTER",
        user,
        transport,
        2,
        &format!("{contact}Authorization: {authorization}\r\n"),
    ))
}

type Secured = StreamPhone<StreamOwned<ClientConnection, TcpStream>>;

fn connect(street: &Street, root: &Path) -> Secured {
    connect_as(street, root, None)
}

fn connect_as(street: &Street, root: &Path, own: Option<&callpost::net::TlsFiles>) -> Secured {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(root).expect("a certificate"))
        .expect("it can be believed");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the library's own versions")
        .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(files) => {
            let chain = vec![CertificateDer::from_pem_file(&files.certificate).expect("a certificate")];
            let key = PrivateKeyDer::from_pem_file(&files.key).expect("a key");
            config.with_client_auth_cert(chain, key).expect("they fit")
        }
    };
    let at = street.box_by("tls");
    let name = ServerName::from(std::net::IpAddr::from(*at.ip()));
    let client = ClientConnection::new(Arc::new(config), name).expect("a name");
    let socket = TcpStream::connect(at).expect("the box takes TLS");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    StreamPhone::new(StreamOwned::new(client, socket))
}

fn household() -> Household {
    Household::with_menu(2, 1)
        .phone("ali", "101", &["sales"])
        .listening("tls")
}

/// The certificate the box makes when nobody gives it one is good for the address the phone dials.
#[test]
fn a_phone_registers_inside_tls_and_is_gone_when_its_connection_is() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &household());
    let mut phone = connect(&street, &appliance.data().join("tls/sip.pem"));
    let granted = register(
        "101",
        "tls",
        ";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-00000a95a0e1>\"",
        |text| phone.ask(&text.replace("Max-Forwards", "Supported: outbound, path\r\nMax-Forwards")),
    );
    assert_eq!(granted.status(), Some(200), "{granted:?}");
    assert_eq!(granted.header("Require"), "outbound");
    assert_eq!(granted.header("Flow-Timer"), "120");
    appliance.until_registered(1);
    phone.say("\r\n\r\n");
    let mut pong = [0; 2];
    phone
        .stream
        .read_exact(&mut pong)
        .expect("a keep-alive is answered");
    assert_eq!(&pong, b"\r\n");
    let status = appliance.status();
    let certificate = &status["transport"]["certificate"];
    assert_eq!(certificate["self_signed"], true);
    assert_eq!(certificate["names"][0], street.box_sip().ip().to_string());
    assert_eq!(status["transport"]["streams"], 1);
    drop(phone);
    appliance.until_registered(0);
}

/// ROBUSTNESS 71: versions and ciphers, as `openssl s_client` sees them. ROBUSTNESS 23: no renegotiation.
#[test]
fn only_current_tls_is_spoken() {
    ensure("openssl");
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &household());
    let try_with = |options: &[&str], say: &str| {
        let mut client = Command::new("openssl")
            .args(["s_client", "-connect", &street.box_by("tls").to_string()])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl starts");
        client
            .stdin
            .take()
            .expect("a pipe")
            .write_all(say.as_bytes())
            .ok();
        let output = client.wait_with_output().expect("openssl ends");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    for (option, shown) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = try_with(&[option], "");
        assert!(said.contains(&format!("New, {shown}")), "{option}: {said}");
        assert!(!said.contains("Cipher is (NONE)"), "{option}: {said}");
    }
    for options in [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..],
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
        &["-tls1_2", "-cipher", "AES256-SHA"],
    ] {
        let said = try_with(options, "");
        assert!(said.contains("Cipher is (NONE)"), "{options:?}: {said}");
    }
    let said = try_with(&["-tls1_2"], "R\n");
    assert!(
        said.contains("Secure Renegotiation") || said.contains("renegotiation"),
        "{said}"
    );
}

/// A phone that was connected before stays connected; who comes after sees the new one.
#[test]
fn a_new_certificate_counts_at_once_and_cuts_nobody() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &household());
    let (mine, key) = (
        appliance.data().join("tls/sip.pem"),
        appliance.data().join("tls/sip.key"),
    );
    let before = appliance.data().join("before.pem");
    std::fs::copy(&mine, &before).expect("a copy");
    let mut early = connect(&street, &before);
    assert_eq!(
        early.ask(&request("OPTIONS", "1", "tls", 1, "")).status(),
        Some(200)
    );
    let first = appliance.status()["transport"]["certificate"]["fingerprint"].clone();

    let files = callpost::net::TlsFiles {
        certificate: mine.clone(),
        key,
        others: Vec::new(),
        client_ca: None,
        client_optional: false,
    };
    let names = vec![street.box_sip().ip().to_string()];
    callpost::net::make_certificate(&files, names, 1_800_000_000_000).expect("a new certificate");
    appliance.reread();
    appliance.until("the new certificate is shown", |status| {
        status["transport"]["certificate"]["fingerprint"] != first
    });
    assert_eq!(
        early.ask(&request("OPTIONS", "1", "tls", 2, "")).status(),
        Some(200)
    );
    let mut late = connect(&street, &mine);
    assert_eq!(
        late.ask(&request("OPTIONS", "2", "tls", 1, "")).status(),
        Some(200)
    );

    std::fs::write(&mine, "no certificate").expect("a bad file");
    appliance.reread();
    appliance.until("the bad file is an alarm", |status| {
        let alarms = status["alarms"].as_array().into_iter().flatten();
        alarms
            .into_iter()
            .any(|alarm| alarm["code"] == "certificate_unreadable")
    });
    assert_eq!(
        late.ask(&request("OPTIONS", "2", "tls", 2, "")).status(),
        Some(200)
    );
}

/// ROBUSTNESS 71: on the way out the name and the chain are verified; a stranger with a certificate of its own making is
/// never spoken to, and one that the trunk's own `ca_file` vouches for is.
#[test]
fn a_trunk_by_tls_has_to_prove_its_name() {
    let street = Street::claim();
    let folder = tempfile::tempdir().expect("a folder");
    let files = |name: &str, names: Vec<String>| {
        let files = callpost::net::TlsFiles {
            certificate: folder.path().join(format!("{name}.pem")),
            key: folder.path().join(format!("{name}.key")),
            others: Vec::new(),
            client_ca: None,
            client_optional: false,
        };
        callpost::net::make_certificate(&files, names, 1_800_000_000_000).expect("a certificate");
        files
    };
    let (honest, liar, stranger) = (street.house(31), street.house(32), street.house(33));
    let doors = [
        (honest, files("honest", vec![honest.to_string()])),
        (liar, files("liar", vec![honest.to_string()])),
        (stranger, files("stranger", vec![stranger.to_string()])),
    ];
    let mut household = household();
    for (house, files) in &doors {
        let trusted = if *house == stranger { "" } else { "ca_file" };
        let trusted = match trusted {
            "" => String::new(),
            key => format!("{key}=\"{}\"\n", files.certificate.display()),
        };
        household = household.trunk(&format!(
            "name=\"t{}\"\nhost=\"{house}\"\nport=5061\ntransport=\"tls\"\n{trusted}",
            house.octets()[3]
        ));
    }
    let (tell, told) = std::sync::mpsc::channel();
    for (house, files) in doors {
        let listener = TcpListener::bind(SocketAddrV4::new(house, 5061)).expect("a house");
        let settings = callpost::net::TlsDoor::open(&files)
            .expect("a certificate")
            .settings();
        let tell = tell.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let connection = rustls::ServerConnection::new(Arc::clone(&settings)).expect("settings");
                let mut stream = StreamOwned::new(connection, socket);
                let mut first = [0; 8];
                let heard = stream
                    .read_exact(&mut first)
                    .map(|()| String::from_utf8_lossy(&first).into_owned());
                tell.send((house, heard.map_err(|error| error.to_string()))).ok();
                // Kept open: the box is not to try again meanwhile.
                std::mem::forget(stream);
            }
        });
    }
    let _appliance = Appliance::open(&street, &household);
    let mut seen = std::collections::BTreeMap::new();
    while seen.len() < 3 {
        let (house, heard) = told.recv_timeout(PATIENCE).expect("the box knocks at all three");
        seen.entry(house).or_insert(heard);
    }
    assert_eq!(seen[&honest].as_deref(), Ok("OPTIONS "));
    assert!(
        seen[&liar].is_err(),
        "its certificate names somebody else: {:?}",
        seen[&liar]
    );
    assert!(
        seen[&stranger].is_err(),
        "nobody vouches for it: {:?}",
        seen[&stranger]
    );
}

/// Where `tls_client_ca` is set, nobody without a certificate of it gets as far as a password.
#[test]
fn only_phones_with_a_certificate_are_let_in_where_one_is_wanted() {
    let street = Street::claim();
    let folder = tempfile::tempdir().expect("a folder");
    let phones = callpost::net::TlsFiles {
        certificate: folder.path().join("phones.pem"),
        key: folder.path().join("phones.key"),
        others: Vec::new(),
        client_ca: None,
        client_optional: false,
    };
    callpost::net::make_certificate(&phones, vec!["phone.example".to_owned()], 1_800_000_000_000)
        .expect("files");
    let household = household().sip_key(&format!("tls_client_ca=\"{}\"", phones.certificate.display()));
    let appliance = Appliance::open(&street, &household);
    let root = appliance.data().join("tls/sip.pem");
    let mut with = connect_as(&street, &root, Some(&phones));
    assert_eq!(
        with.ask(&request("OPTIONS", "1", "tls", 1, "")).status(),
        Some(200)
    );
    let mut without = connect(&street, &root);
    without
        .stream
        .write_all(request("OPTIONS", "1", "tls", 1, "").as_bytes())
        .ok();
    let refused = without.stream.read(&mut [0; 16]);
    assert!(matches!(refused, Err(_) | Ok(0)), "{refused:?}");
}

/// `tls_client_optional`: phones without a certificate come in, phones with a wrong one do not.
#[test]
fn phones_without_a_certificate_come_in_where_it_is_optional_and_with_a_wrong_one_nobody() {
    let street = Street::claim();
    let folder = tempfile::tempdir().expect("a folder");
    let [ours, foreign] = ["ours", "foreign"].map(|name| {
        let files = callpost::net::TlsFiles {
            certificate: folder.path().join(format!("{name}.pem")),
            key: folder.path().join(format!("{name}.key")),
            others: Vec::new(),
            client_ca: None,
            client_optional: false,
        };
        let names = vec![format!("{name}.example")];
        callpost::net::make_certificate(&files, names, 1_800_000_000_000).expect("files");
        files
    });
    let household = household().sip_key(&format!(
        "tls_client_ca=\"{}\"\ntls_client_optional=true",
        ours.certificate.display()
    ));
    let appliance = Appliance::open(&street, &household);
    let root = appliance.data().join("tls/sip.pem");
    for shown in [None, Some(&ours)] {
        let mut phone = connect_as(&street, &root, shown);
        assert_eq!(
            phone.ask(&request("OPTIONS", "1", "tls", 1, "")).status(),
            Some(200)
        );
    }
    let mut stranger = connect_as(&street, &root, Some(&foreign));
    stranger
        .stream
        .write_all(request("OPTIONS", "1", "tls", 1, "").as_bytes())
        .ok();
    let refused = stranger.stream.read(&mut [0; 16]);
    assert!(matches!(refused, Err(_) | Ok(0)), "{refused:?}");
}

/// ROBUSTNESS 22: a handshake that is never finished is given up.
#[test]
fn a_handshake_that_is_not_finished_is_given_up_and_others_are_served() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &household());
    let mut waiting: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut socket = TcpStream::connect(street.box_by("tls")).expect("the box takes TLS");
            socket.write_all(&[0x16, 0x03, 0x01, 0x02]).expect("half a hello");
            socket
                .set_read_timeout(Some(PATIENCE))
                .expect("a time-out can be set");
            socket
        })
        .collect();
    let mut phone = connect(&street, &appliance.data().join("tls/sip.pem"));
    assert_eq!(
        phone.ask(&request("OPTIONS", "1", "tls", 1, "")).status(),
        Some(200)
    );
    for socket in &mut waiting {
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).ok();
    }
    eventually("only the phone is left", PATIENCE, || {
        (appliance.status()["transport"]["streams"] == 1).then_some(())
    });
}
