//! Receivers in trouble: one that is gone, one that refuses every record, one whose key changes when it is told to.

use crate::harness::Street;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// They listen until the test ends.
pub(crate) struct Receivers {
    /// `/gone` answers 410, `/picky` 400; `/rotate` gives the other one another key.
    pub(crate) plain: SocketAddrV4,
    strict: SocketAddrV4,
    ca_file: PathBuf,
    stop: Arc<AtomicBool>,
    doors: Vec<thread::JoinHandle<()>>,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

impl Receivers {
    /// Begins to listen on houses of the street.
    pub(crate) fn open(street: &Street, folder: &Path) -> Self {
        let plain = SocketAddrV4::new(street.house(31), 8080);
        let strict = SocketAddrV4::new(street.house(32), 8443);
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let ca_file = folder.join("ca.pem");
        fs::write(&ca_file, authority.pem()).unwrap();
        let shown = Arc::new(Mutex::new(papers(&authority, strict)));
        let stop = Arc::new(AtomicBool::new(false));
        let doors = vec![
            door(plain, &stop, {
                let shown = Arc::clone(&shown);
                move |stream| {
                    let mut reader = BufReader::new(stream.try_clone().ok()?);
                    let target = request(&mut reader)?;
                    if target == "/rotate" {
                        *shown.lock().unwrap() = papers(&authority, strict);
                    }
                    let status = match target.as_str() {
                        "/gone" => "410 Gone",
                        "/picky" => "400 Bad Request",
                        _ => "200 OK",
                    };
                    answer(&mut { stream }, status)
                }
            }),
            door(strict, &stop, move |stream| {
                let config = Arc::clone(&shown.lock().unwrap());
                let mut stream = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
                request(&mut BufReader::new(&mut stream))?;
                answer(&mut stream, "200 OK")
            }),
        ];
        Self {
            plain,
            strict,
            ca_file,
            stop,
            doors,
        }
    }

    /// The destinations as the box's configuration has them.
    pub(crate) fn destinations(&self) -> String {
        let one = |name: &str, url: String, more: &str| {
            format!(
                "[[upstream]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{url}\"\n\
                 secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n{more}\n"
            )
        };
        let trust = format!(
            "tls_pin = \"first_use\"\nca_file = \"{}\"",
            self.ca_file.display()
        );
        one("gone", format!("http://{}/gone", self.plain), "")
            + &one("picky", format!("http://{}/picky", self.plain), "park_after = 1")
            + &one("strict", format!("https://{}/", self.strict), &trust)
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for address in [self.plain, self.strict] {
            drop(TcpStream::connect(address));
        }
        for door in self.doors.drain(..) {
            door.join().ok();
        }
    }
}

fn door(
    address: SocketAddrV4,
    stop: &Arc<AtomicBool>,
    serve: impl Fn(TcpStream) -> Option<()> + Send + Sync + 'static,
) -> thread::JoinHandle<()> {
    let listener = TcpListener::bind(address).unwrap();
    let stop = Arc::clone(stop);
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    })
}

/// A fresh key with a certificate of the authority.
fn papers(authority: &Authority, address: SocketAddrV4) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([address.ip().to_string()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// Reads a request to its end and answers its target.
fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(target)
}

fn answer(stream: &mut impl Write, status: &str) -> Option<()> {
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).ok()?;
    stream.flush().ok()
}
