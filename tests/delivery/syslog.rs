//! The `syslog` destination against receivers of our own, written from RFC 5424, 5425, 5426 and 6587.
#![expect(
    clippy::unwrap_used,
    reason = "a receiver that does not start should stop the test"
)]

use super::house::{House, SITE, call_id, huge};
use super::servers::make_certificates;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

/// A message, taken apart.
#[derive(Debug)]
struct Message {
    head: String,
    data: String,
    record: serde_json::Value,
}

impl Message {
    /// RFC 5424 §6, as far as we use it.
    fn parse(text: &str) -> Self {
        let (head, rest) = text.split_once(" [").unwrap();
        let (data, body) = rest.split_once("] ").unwrap();
        Self {
            head: head.to_owned(),
            data: data.to_owned(),
            record: serde_json::from_str(body.strip_prefix('\u{feff}').unwrap()).unwrap(),
        }
    }

    fn seq(&self) -> u64 {
        self.record["seq"].as_u64().unwrap()
    }
}

/// Reads frames of RFC 6587 §3.4.1 until the end, or so many.
async fn read_frames(mut stream: impl AsyncRead + Unpin, most: usize, say: &UnboundedSender<Message>) {
    for _ in 0..most {
        let mut length = 0;
        loop {
            match stream.read_u8().await {
                Ok(b' ') => break,
                Ok(digit) => length = length * 10 + usize::from(digit - b'0'),
                Err(_end) => return,
            }
        }
        let mut frame = vec![0; length];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        if say
            .send(Message::parse(std::str::from_utf8(&frame).unwrap()))
            .is_err()
        {
            return;
        }
    }
}

async fn next(messages: &mut UnboundedReceiver<Message>) -> Message {
    let message = tokio::time::timeout(Duration::from_secs(60), messages.recv()).await;
    message.expect("no message came").unwrap()
}

#[tokio::test]
async fn a_datagram_holds_one_record_and_names_it() {
    let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = receiver.local_addr().unwrap().port();
    let house = House::open(&format!("type = 'syslog'\nurl = 'udp://127.0.0.1:{port}'"));
    house.file(0..2);
    house.file_one(huge(2, 70_000));
    let backlog = house.settled(3).await;
    assert_eq!(
        (backlog.delivered, backlog.parked),
        (2, 1),
        "what fits into no datagram is parked"
    );
    house.close().await;
    let mut space = vec![0; 65_536];
    let length = receiver.recv(&mut space).await.unwrap();
    let message = Message::parse(std::str::from_utf8(&space[..length]).unwrap());
    assert_eq!(
        message.head,
        format!("<134>1 2026-11-20T08:00:14.250+03:00 {SITE} callpost - CDR")
    );
    let data = format!(
        "cdr@32473 cdr_id=\"{}\" version=\"1\" seq=\"1\" site=\"{SITE}\" appliance=\"",
        call_id(0, 0)
    );
    assert!(message.data.starts_with(&data), "{}", message.data);
    assert!(message.data.ends_with("status=\"ANSWER\""), "{}", message.data);
    assert_eq!(message.record["digits"], "1");
}

/// The receiver reads a few frames and goes away with the rest unread: all come again on the next connection.
#[tokio::test]
async fn no_record_is_lost_when_a_stream_breaks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (say, mut messages) = unbounded_channel();
    tokio::spawn(async move {
        let mut most = 10;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            read_frames(stream, most, &say).await;
            most *= 10;
        }
    });
    let house = House::open(&format!("type = 'syslog'\nurl = 'tcp://127.0.0.1:{port}'"));
    house.file(0..200);
    house.settled(200).await;
    let mut seen = BTreeSet::new();
    // What the kernel had taken when the receiver left is said again with the next record.
    let mut n = 200;
    while (1..=200).any(|seq| !seen.contains(&seq)) {
        house.file(n..n + 1);
        n += 1;
        house.settled(u64::from(n)).await;
        while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(50), messages.recv()).await {
            assert_eq!(
                message.record["cdr_id"],
                call_id(0, u32::try_from(message.seq()).unwrap() - 1)
            );
            seen.insert(message.seq());
        }
        assert!(
            n < 300,
            "missing: {:?}",
            (1..=200).filter(|seq| !seen.contains(seq)).collect::<Vec<_>>()
        );
    }
    house.close().await;
}

#[tokio::test]
async fn a_receiver_that_is_not_there_keeps_the_records_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let house = House::open(&format!("type = 'syslog'\nurl = 'tcp://127.0.0.1:{port}'"));
    house.file(0..3);
    let backlog = house
        .until("the outage to be noticed", |backlog| backlog.last_error.is_some())
        .await;
    assert_eq!((backlog.delivered, backlog.pending), (0, 3));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let (say, mut messages) = unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        read_frames(stream, usize::MAX, &say).await;
    });
    house.settled(3).await;
    for seq in 1..=3 {
        assert_eq!(next(&mut messages).await.seq(), seq);
    }
    house.close().await;
}

#[tokio::test]
async fn syslog_goes_by_tls_to_a_receiver_that_proves_its_name() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "type = 'syslog'\nurl = 'tls://127.0.0.1:{}'",
        listener.local_addr().unwrap().port()
    );
    let stranger = House::open(&url);
    let certificate = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
    let settings = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let (say, mut messages) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, say) = (acceptor.clone(), say.clone());
            tokio::spawn(async move { receive_by_tls(acceptor, stream, say).await });
        }
    });
    stranger.file(0..1);
    stranger
        .until("the refusal", |backlog| backlog.last_error.is_some())
        .await;
    stranger.close().await;
    assert!(
        messages.try_recv().is_err(),
        "an unknown authority proves nothing"
    );

    let authority = folder.path().join("ca.pem");
    let house = House::open(&format!("{url}\nca_file = '{}'", authority.display()));
    house.file(0..20);
    house.settled(20).await;
    for seq in 1..=20 {
        assert_eq!(next(&mut messages).await.seq(), seq);
    }
    house.close().await;
}

async fn receive_by_tls(acceptor: TlsAcceptor, stream: TcpStream, say: UnboundedSender<Message>) {
    if let Ok(stream) = acceptor.accept(stream).await {
        read_frames(stream, usize::MAX, &say).await;
    }
}
