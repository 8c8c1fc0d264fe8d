//! Several certificates on one socket: the name a phone asks for chooses the one it is shown.

use crate::harness::{Appliance, Household, PATIENCE, Street};
use callpost::net::{TlsFiles, make_certificate};
use callpost::sip::CertificateFiles;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

pub(crate) type Secured = StreamOwned<ClientConnection, TcpStream>;

/// A certificate for this name below the folder.
pub(crate) fn made(folder: &Path, file: &str, name: &str) -> CertificateFiles {
    let files = TlsFiles {
        certificate: folder.join(format!("{file}.pem")),
        key: folder.join(format!("{file}.key")),
        others: Vec::new(),
        client_ca: None,
        client_optional: false,
    };
    make_certificate(&files, vec![name.to_owned()], 1_800_000_000_000).expect("a certificate");
    CertificateFiles {
        certificate: files.certificate,
        key: files.key,
    }
}

/// Connects asking for this name; the connection and the certificate that was shown, when one of `roots` vouches for it.
pub(crate) fn connect(
    street: &Street,
    name: &str,
    roots: &[&Path],
) -> Option<(Secured, CertificateDer<'static>)> {
    let mut store = RootCertStore::empty();
    for root in roots {
        let root = CertificateDer::from_pem_file(root).expect("a certificate");
        store.add(root).expect("it can be believed");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the library's own versions")
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(street.box_by("tls")).expect("the box takes TLS");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    let mut stream = StreamOwned::new(client, socket);
    stream.write_all(b"\r\n\r\n").ok()?;
    stream.read_exact(&mut [0; 2]).ok()?;
    let shown = stream.conn.peer_certificates()?.first()?.clone().into_owned();
    Some((stream, shown))
}

/// RFC 6066 §3, and RFC 6125 §6.4.3 for the asterisk; a new file counts for who comes after it, and cuts nobody off.
#[test]
fn the_name_a_phone_asks_for_chooses_the_certificate_and_a_new_one_cuts_nobody_off() {
    let street = Street::claim();
    let folder = tempfile::tempdir().expect("a folder");
    let address = street.box_sip().ip().to_string();
    let own = made(folder.path(), "own", &address);
    let other = made(folder.path(), "other", "sip.other.example");
    let many = made(folder.path(), "many", "*.many.example");
    let pair = |files: &CertificateFiles| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        format!("{{ certificate = \"{certificate}\", key = \"{key}\" }}")
    };
    let household = Household::new()
        .listening("tls")
        .sip_key(&format!("tls_certificate=\"{}\"", own.certificate.display()))
        .sip_key(&format!("tls_key=\"{}\"", own.key.display()))
        .sip_key(&format!("tls_others=[{}, {}]", pair(&other), pair(&many)));
    let appliance = Appliance::open(&street, &household);
    let known = [&own, &other, &many].map(|files| files.certificate.as_path());
    let shown = |name: &str| connect(&street, name, &known).map(|(_, shown)| shown);
    let lies = |files: &CertificateFiles| CertificateDer::from_pem_file(&files.certificate).ok();
    assert_eq!(shown(&address), lies(&own));
    assert_eq!(shown("sip.other.example"), lies(&other));
    assert_eq!(shown("SIP.other.example"), lies(&other));
    assert_eq!(shown("any.many.example"), lies(&many));
    assert_eq!(
        shown("sip.unknown.example"),
        None,
        "the box's own does not fit it"
    );

    let (mut early, before) = connect(&street, "sip.other.example", &known).expect("a connection");
    made(folder.path(), "other", "sip.other.example");
    appliance.reread();
    crate::harness::eventually("the new certificate is shown", PATIENCE, || {
        shown("sip.other.example").filter(|now| *now != before)
    });
    early.write_all(b"\r\n\r\n").expect("the connection stands");
    early.read_exact(&mut [0; 2]).expect("and is answered");
}
