use super::{Author, Egress, Lookup, Pin, PinBook as _, PinsInMemory, Place, Refused, Rules, Trouble, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Answers every name with these addresses.
fn leads_to(addresses: &[&str]) -> Lookup {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Arc::new(move |_host| {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    })
}

fn egress(allow: &[&str], addresses: &[&str]) -> Egress {
    let rules = Rules::new(allow.iter().map(|range| range.parse().unwrap()).collect());
    Egress::new(rules, Arc::new(PinsInMemory::default())).with_lookup(leads_to(addresses))
}

fn place_of(trouble: &Trouble) -> Option<Place> {
    if let Trouble::Refused(Refused::Forbidden { place, .. }) = trouble {
        return Some(*place);
    }
    None
}

/// A listener that nobody may reach, and how often somebody did.
async fn forbidden_listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let met = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&met);
    tokio::spawn(async move {
        loop {
            let connection = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            drop(connection);
        }
    });
    (port, met)
}

/// Robustness 56: however the address of this machine, of its network or of a cloud's secrets is dressed, nothing is
/// connected to.
#[tokio::test]
async fn no_dress_of_a_forbidden_address_gets_through() {
    let (port, met) = forbidden_listener().await;
    let names_lead_home = egress(&[], &["127.0.0.1"]);
    for host in [
        "127.0.0.1",
        "127.0.0.2",
        "127.255.255.254",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "[::1]",
        "::1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "localhost",
        "localhost.",
        "innocent.example",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
        "[ff02::1]",
        "[fd00::1]",
    ] {
        let trouble = names_lead_home
            .connect(host, port, Author::Api)
            .await
            .unwrap_err();
        assert!(matches!(trouble, Trouble::Refused(_)), "{host}: {trouble}");
        let Ok(url) = format!("http://{host}:{port}/").parse() else {
            continue;
        };
        let refused = match names_lead_home.http(&url, Author::Api, &Trust::public()) {
            Err(trouble) => matches!(trouble, Trouble::Refused(_)),
            Ok(client) => client.get(url).send().await.is_err(),
        };
        assert!(refused, "http {host}");
    }
    assert_eq!(met.load(Ordering::SeqCst), 0);
}

/// Robustness 56: a name is judged by what it leads to, at each connection, and the connection goes there.
#[tokio::test]
async fn a_name_that_changes_where_it_leads_gains_nothing() {
    let (port, met) = forbidden_listener().await;
    let turns = Arc::new(AtomicUsize::new(0));
    let rebinding: Lookup = Arc::new(move |_host| {
        let turn = turns.fetch_add(1, Ordering::SeqCst);
        let address = if turn == 0 { "192.0.2.1" } else { "127.0.0.1" };
        Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
    });
    let egress = Egress::new(
        Rules::new(vec!["192.0.2.0/24".parse().unwrap()]),
        Arc::new(PinsInMemory::default()),
    )
    .with_lookup(rebinding);
    let first = egress
        .resolve("rebind.example", port, Author::File)
        .await
        .unwrap();
    assert_eq!(first, [format!("192.0.2.1:{port}").parse().unwrap()]);
    for _ in 0..3 {
        let trouble = egress
            .connect("rebind.example", port, Author::File)
            .await
            .unwrap_err();
        assert_eq!(place_of(&trouble), Some(Place::Loopback));
    }
    let url = format!("http://rebind.example:{port}/").parse().unwrap();
    let client = egress.http(&url, Author::File, &Trust::public()).unwrap();
    let error = super::in_plain_words(client.get(url).send().await.unwrap_err());
    assert!(error.contains("loopback"), "{error}");
    assert_eq!(met.load(Ordering::SeqCst), 0);
}

/// Robustness 56: a redirect is an answer like any other, and is not followed.
#[tokio::test]
async fn a_redirect_to_a_forbidden_address_is_not_followed() {
    let (port, met) = forbidden_listener().await;
    let open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url: reqwest::Url = format!("http://{}/", open.local_addr().unwrap()).parse().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = open.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let answer =
            format!("HTTP/1.1 302 Found\r\nlocation: http://localhost:{port}/\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let egress = egress(&["127.0.0.1"], &["127.0.0.1"]);
    let client = egress.http(&url, Author::File, &Trust::public()).unwrap();
    assert_eq!(client.get(url).send().await.unwrap().status(), 302);
    assert_eq!(met.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_address_in_the_file_is_its_own_permission_and_a_name_is_not() {
    let egress = egress(&[], &["10.1.2.3"]);
    for host in ["127.0.0.1", "10.0.0.1", "192.168.1.20", "[::1]", "[fd00::1]"] {
        assert!(egress.resolve(host, 80, Author::File).await.is_ok(), "{host}");
        assert!(egress.resolve(host, 80, Author::Api).await.is_err(), "{host}");
    }
    for host in [
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "pbx.lan",
    ] {
        assert!(egress.resolve(host, 80, Author::File).await.is_err(), "{host}");
    }
}

#[tokio::test]
async fn a_range_that_the_owner_allows_is_open_to_names_and_to_the_api() {
    let egress = egress(&["10.0.0.0/8"], &["::ffff:10.1.2.3", "10.1.2.4", "192.168.1.1"]);
    let found = egress.resolve("pbx.lan", 5432, Author::Api).await.unwrap();
    // What is allowed is kept, the rest left out.
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(egress.resolve("10.9.9.9", 80, Author::Api).await.is_ok());
    assert!(egress.resolve("192.168.1.1", 80, Author::Api).await.is_err());
}

#[tokio::test]
async fn a_name_that_leads_nowhere_says_so() {
    let nowhere: Lookup = Arc::new(|_host| Box::pin(async { Err(std::io::Error::other("no such name")) }));
    let egress = egress(&[], &[]).with_lookup(nowhere);
    let trouble = egress
        .connect("nowhere.example", 1, Author::File)
        .await
        .unwrap_err();
    assert_eq!(
        trouble.to_string(),
        "the name nowhere.example cannot be resolved: no such name"
    );
}

/// An authority that nobody knows, and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, name: &str, key: &KeyPair, until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.signed_by(key, &self.0).unwrap().der().clone()
    }

    /// Trust in this authority, with a pin.
    fn trust(&self, dir: &tempfile::TempDir, pin: Option<&str>) -> Trust {
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, self.0.pem()).unwrap();
        Trust::from_keys(Some(&path), pin, "upstream/crm").unwrap()
    }
}

/// A server that shows this certificate, greets, and goes on.
async fn server(certificate: CertificateDer<'static>, key: &KeyPair) -> u16 {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"hello").await;
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
            }
        }
    });
    port
}

async fn greeting(egress: &Egress, port: u16, trust: &Trust) -> Result<String, Trouble> {
    let stream = egress.connect("127.0.0.1", port, Author::File).await?;
    let mut stream = egress.tls(stream, "head-office.example", trust).await?;
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut text))
        .await
        .unwrap()
        .map_err(|error| Trouble::Tls(error.to_string()))?;
    Ok(text)
}

/// Robustness 71: expired, wrong host and self-signed are refused, each with its reason.
#[tokio::test]
async fn a_partner_who_cannot_prove_its_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, stranger, key) = (Authority::new(), Authority::new(), KeyPair::generate().unwrap());
    let trust = authority.trust(&dir, None);
    let egress = egress(&[], &[]);

    let good = server(authority.sign("head-office.example", &key, 2999), &key).await;
    assert_eq!(greeting(&egress, good, &trust).await.unwrap(), "hello");

    let own_name = CertificateParams::new(["head-office.example".to_owned()]).unwrap();
    let self_signed = own_name.self_signed(&key).unwrap().der().clone();
    for (certificate, word) in [
        (authority.sign("head-office.example", &key, 2021), "expired"),
        (
            authority.sign("elsewhere.example", &key, 2999),
            "not valid for name",
        ),
        (self_signed, "BadSignature"),
        (stranger.sign("head-office.example", &key, 2999), "BadSignature"),
    ] {
        let port = server(certificate, &key).await;
        let trouble = greeting(&egress, port, &trust).await.unwrap_err();
        assert!(trouble.to_string().contains(word), "{word}: {trouble}");
        // The same for HTTP.
        let url: reqwest::Url = format!("https://127.0.0.1:{port}/").parse().unwrap();
        let client = egress.http(&url, Author::File, &trust).unwrap();
        assert!(client.get(url).send().await.is_err());
    }
}

#[tokio::test]
async fn a_key_seen_first_is_kept_and_another_is_refused_until_it_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (first, second) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let trust = authority.trust(&dir, Some("first_use"));
    let pins = Arc::new(PinsInMemory::default());
    let egress = Egress::new(Rules::default(), Arc::clone(&pins) as _);
    let certificate = |key| authority.sign("head-office.example", key, 2999);

    let port = server(certificate(&first), &first).await;
    greeting(&egress, port, &trust).await.unwrap();
    let destination = "upstream/crm@head-office.example";
    let kept = pins.pinned(destination).unwrap();
    // Another certificate with the same key is the same partner.
    let port = server(authority.sign("head-office.example", &first, 2998), &first).await;
    greeting(&egress, port, &trust).await.unwrap();

    let port = server(certificate(&second), &second).await;
    let trouble = greeting(&egress, port, &trust).await.unwrap_err();
    assert!(trouble.to_string().contains(&kept.to_string()), "{trouble}");
    let (place, old, new) = pins.refusals().pop().unwrap();
    assert_eq!((place.as_str(), old), (destination, kept));

    pins.remember(destination, new);
    greeting(&egress, port, &trust).await.unwrap();
}

#[tokio::test]
async fn a_pinned_key_needs_no_authority_and_no_other_key_will_do() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let itself = |key| {
        let params = CertificateParams::new(["anything.example".to_owned()]).unwrap();
        params.self_signed(key).unwrap().der().clone()
    };
    let pin = super::Fingerprint::of(&itself(&key)).unwrap();
    let trust = Trust::from_keys(None, Some(&pin.to_string()), "upstream/crm").unwrap();
    assert_eq!(trust.pin, Pin::Exactly(pin));
    let egress = egress(&[], &[]);
    let port = server(itself(&key), &key).await;
    greeting(&egress, port, &trust).await.unwrap();
    let port = server(itself(&other), &other).await;
    assert!(greeting(&egress, port, &trust).await.is_err());
}

#[test]
fn a_trust_that_cannot_be_read_names_its_key() {
    for pin in ["first", "sha256/AAAA", "md5/x"] {
        assert_eq!(Trust::from_keys(None, Some(pin), "x").unwrap_err().0, "tls_pin");
    }
    let missing = std::path::Path::new("/nonexistent/ca.pem");
    assert_eq!(
        Trust::from_keys(Some(missing), None, "x").unwrap_err().0,
        "ca_file"
    );
}
