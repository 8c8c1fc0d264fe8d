//! The way to a PBX by TLS, with a certificate of its own authority or a pinned key; and with a key or without one.

use crate::stand_in::{StandIn, rows};
use crate::world::{Shape, World, patch};
use callpost::connectors::sync::{FileSource, LogView, Patch, Settings};
use callpost::egress::Fingerprint;
use callpost::store::{ApiKey, SyncStatus};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority of the PBX's own, and a certificate it signed for its address.
struct Papers {
    authority: CertifiedIssuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Papers {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap().der().clone();
        Self {
            authority,
            certificate,
            key,
        }
    }

    fn ca_file(&self, dir: &tempfile::TempDir) -> PathBuf {
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, self.authority.pem()).unwrap();
        path
    }

    fn pin(&self) -> String {
        Fingerprint::of(&self.certificate).unwrap().to_string()
    }
}

/// A door with TLS before the stand-in.
async fn door(papers: &Papers, inside: SocketAddr) -> u16 {
    let key = PrivateKeyDer::try_from(papers.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![papers.certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (outer, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outer) = acceptor.accept(outer).await else {
                    return;
                };
                let mut inner = TcpStream::connect(inside).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    port
}

/// Syncs from `https://127.0.0.1:<port>` with this trust.
async fn sync(port: u16, ca_file: Option<PathBuf>, tls_pin: Option<String>) -> LogView {
    let file = FileSource {
        name: "pbx".to_owned(),
        api_key: ApiKey::from("k3y"),
        settings: Settings {
            api_url: format!("https://127.0.0.1:{port}/api/v2/cdrs"),
            domain: "tenant".to_owned(),
            is_active: true,
            timezone: Some("Asia/Ho_Chi_Minh".to_owned()),
            ca_file,
            tls_pin,
            ..Settings::default()
        },
    };
    let world = World::shaped(Shape {
        file: vec![file],
        ..Shape::default()
    });
    let source = world.desk.sources().await.unwrap().remove(0);
    world.sync(&source.id).await
}

/// S0-006, S0-162: the certificate is verified always, by the authority that is named or by the pinned key.
#[tokio::test]
async fn a_pbx_is_asked_by_https_and_only_when_it_proves_who_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let papers = Papers::new();
    let pbx = StandIn::start().await;
    pbx.put(rows(7));
    let port = door(&papers, pbx.address).await;
    let by_authority = sync(port, Some(papers.ca_file(&dir)), None).await;
    assert_eq!(
        (by_authority.status, by_authority.records_created),
        (SyncStatus::Success, 7),
        "{:?}",
        by_authority.error_message
    );
    let by_pin = sync(port, None, Some(papers.pin())).await;
    assert_eq!(by_pin.status, SyncStatus::Success, "{:?}", by_pin.error_message);

    let asked = pbx.asked().len();
    let unknown = sync(port, None, None).await;
    let another = sync(port, None, Some(Papers::new().pin())).await;
    for refused in [unknown, another] {
        assert_eq!(refused.status, SyncStatus::Error);
        let said = refused.error_message.unwrap();
        assert!(!said.is_empty() && !said.contains("k3y"), "{said}");
    }
    assert_eq!(
        pbx.asked().len(),
        asked,
        "nothing is said to one who did not prove who it is"
    );
}

/// S0-161, S0-037
#[tokio::test]
async fn a_pbx_without_a_key_is_asked_without_one_and_one_with_a_key_gets_it() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(1));
    let source = world.source(&pbx).await;
    assert!(!source.has_api_key);
    assert_eq!(world.sync(&source.id).await.status, SyncStatus::Success);
    let keyed = Patch {
        api_key: Some("k3y".to_owned()),
        ..patch(&pbx)
    };
    world.desk.update(&source.id, keyed, "ali").await.unwrap();
    assert_eq!(world.sync(&source.id).await.status, SyncStatus::Success);
    // Each sync asks for a page and for the empty one behind it.
    let key = Some("Bearer k3y".to_owned());
    assert_eq!(pbx.keys(), [None, None, key.clone(), key]);
}
