//! Strangers who shake hands and go: the dearest thing a stranger can ask of a box with TLS.

use crate::floods::lasts;
use crate::harness::counted::Conversation;
use crate::harness::{Appliance, Household, Phone, Street};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use socket2::{Domain, Socket, Type};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Handshakes a second of all strangers together.
const RATE: u32 = 200;
/// Strangers who shake hands at the same time.
const STRANGERS: u32 = 4;

/// ROBUSTNESS 23: 200 handshakes a second, none of them resumed, and not one packet of a conversation is lost.
#[test]
fn a_flood_of_handshakes_costs_a_conversation_no_packet() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(41), 5060), street.box_sip());
    let household = Household::new()
        .unrecorded()
        .contact("ali", &desk.contact(), &[])
        .number("8001", "agent=\"ali\"")
        .listening("tls");
    let appliance = Appliance::open(&street, &household);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let talk = Conversation::begin(&street, &caller, "8001", &desk);
    let files = appliance.descriptors();

    let config = full_handshakes(&appliance.data().join("tls/sip.pem"));
    let wanted = RATE * u32::try_from(lasts().as_secs()).unwrap_or(1);
    let (begun, failed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let began = Instant::now();
    let strangers: Vec<_> = (0..STRANGERS)
        .map(|number| {
            let (config, begun, failed) = (Arc::clone(&config), Arc::clone(&begun), Arc::clone(&failed));
            let (from, to) = (street.house(60 + number as u8), street.box_by("tls"));
            std::thread::spawn(move || {
                loop {
                    let place = begun.fetch_add(1, Ordering::Relaxed);
                    if place >= wanted {
                        return;
                    }
                    let due = began + Duration::from_secs(1) / RATE * place;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    if shake_hands(&config, from, to).is_err() {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for stranger in strangers {
        stranger.join().expect("the stranger goes");
    }
    let took = began.elapsed();
    let passed = talk.end();
    eprintln!(
        "{wanted} handshakes in {took:?}, {} refused; of {} packets {} were lost",
        failed.load(Ordering::Relaxed),
        passed.said,
        passed.lost
    );
    assert_eq!(
        failed.load(Ordering::Relaxed),
        0,
        "who shakes hands politely is let in"
    );
    assert_eq!(passed.lost, 0, "of {} packets", passed.said);
    appliance.until("the strangers' connections are gone", |status| {
        status["transport"]["streams"] == 0
    });
    appliance.until_handles_are_back(files);
}

/// Who trusts the box's own certificate and begins anew each time.
fn full_handshakes(certificate: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).expect("a certificate"))
        .expect("it can be believed");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the library's own versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Comes from this address, shakes hands, and goes.
fn shake_hands(config: &Arc<ClientConfig>, from: Ipv4Addr, to: SocketAddrV4) -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&SocketAddr::from(to).into())?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(crate::harness::PATIENCE))?;
    let name = ServerName::from(IpAddr::from(*to.ip()));
    let mut client = ClientConnection::new(Arc::clone(config), name)
        .map_err(|error| std::io::Error::other(error.to_string()))?;
    while client.is_handshaking() {
        client.complete_io(&mut stream)?;
    }
    client.send_close_notify();
    client.complete_io(&mut stream).map(|_| ())
}
