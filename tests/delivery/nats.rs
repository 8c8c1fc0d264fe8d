//! The `nats` destination against nats-server.
#![expect(
    clippy::unwrap_used,
    reason = "a server that does not answer should stop the test"
)]

use super::house::{House, SITE, call_id, huge};
use super::servers::{Kind, Server};
use async_nats::{ConnectOptions, jetstream};
use serde_json::Value;
use std::collections::BTreeSet;

const PLAIN: Kind = Kind::Nats {
    tls: false,
    login: false,
};

fn keys(server: &Server, more: &str) -> String {
    format!("type = 'nats'\nurl = 'nats://127.0.0.1:{}'\n{more}", server.port)
}

/// A message of the stream: its subject, its identity, the record.
struct Stored {
    subject: String,
    id: String,
    record: Value,
}

/// Everything in the stream, in its order.
async fn stored(server: &Server, login: ConnectOptions) -> Vec<Stored> {
    let client = login
        .connect(format!("nats://127.0.0.1:{}", server.port))
        .await
        .unwrap();
    let mut stream = jetstream::new(client).get_stream("CDR").await.unwrap();
    let state = stream.info().await.unwrap().state.clone();
    let mut found = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        found.push(Stored {
            subject: message.subject.to_string(),
            id: message.headers.get("Nats-Msg-Id").unwrap().to_string(),
            record: serde_json::from_slice(&message.payload).unwrap(),
        });
    }
    found
}

fn seqs(messages: &[Stored]) -> Vec<u64> {
    messages
        .iter()
        .map(|message| message.record["seq"].as_u64().unwrap())
        .collect()
}

/// The name of the server is said in the handshake (RFC 6066 §3), so that one address may serve several names.
#[tokio::test]
async fn the_server_is_called_by_its_name() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let house = House::open(&format!("type = 'nats'\nurl = 'tls://localhost:{port}'"));
    house.file(0..1);
    let patience = std::time::Duration::from_secs(60);
    let accepted = tokio::time::timeout(patience, listener.accept()).await;
    let (mut stream, _) = accepted.expect("it is called").unwrap();
    let greeting = r#"INFO {"server_id":"a","server_name":"a","version":"2.9.0","go":"","host":"0.0.0.0","port":4222,"max_payload":1048576,"proto":1,"client_id":1,"tls_required":true}"#;
    stream
        .write_all(format!("{greeting}\r\n").as_bytes())
        .await
        .unwrap();
    let mut hello = Vec::new();
    let mut piece = [0; 4096];
    while !hello.windows(9).any(|bytes| bytes == b"localhost") {
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "the handshake named nobody");
        hello.extend_from_slice(&piece[..length]);
    }
    assert_eq!(hello[0], 0x16, "a handshake of TLS");
    drop(stream);
    house.close().await;
}

/// The stream is made with the first record; every record lies in it once, in order, under the site's subject and its
/// own identity, whatever happens to the server.
#[tokio::test]
async fn every_record_is_in_the_stream_once_and_in_order_though_the_server_is_killed() {
    let mut server = Server::start(PLAIN);
    let house = House::open(&keys(&server, ""));
    house.file(0..400);
    house
        .until("some to arrive", |backlog| backlog.delivered > 0)
        .await;
    server.kill();
    house.file(400..500);
    house
        .until("the outage to be noticed", |backlog| backlog.last_error.is_some())
        .await;
    server.start_again();
    let backlog = house.settled(500).await;
    assert_eq!((backlog.delivered, backlog.parked), (500, 0));
    house.close().await;

    let messages = stored(&server, ConnectOptions::new()).await;
    let subject = format!("cdr.{SITE}.");
    assert!(
        messages
            .iter()
            .all(|message| message.subject.starts_with(&subject))
    );
    let ids: BTreeSet<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids.len(), 500, "missing");
    assert_eq!(messages.len(), 500, "doubles are recognised by the stream");
    assert!(seqs(&messages).is_sorted());
    let third = messages
        .iter()
        .find(|message| message.record["seq"] == 3)
        .unwrap();
    assert_eq!(third.id, format!("{}_1", call_id(0, 2)));
}

#[tokio::test]
async fn a_record_too_large_for_the_server_is_parked_and_the_others_go_on() {
    let server = Server::start(PLAIN);
    let house = House::open(&keys(&server, ""));
    house.file(0..3);
    house.file_one(huge(3, 70_000));
    house.file(4..8);
    let backlog = house.settled(8).await;
    assert_eq!((backlog.delivered, backlog.parked), (7, 1));
    house.close().await;
    assert_eq!(
        seqs(&stored(&server, ConnectOptions::new()).await),
        [1, 2, 3, 5, 6, 7, 8]
    );
}

#[tokio::test]
async fn a_box_logs_in_to_nats_and_a_wrong_password_only_makes_it_wait() {
    let server = Server::start(Kind::Nats {
        tls: false,
        login: true,
    });
    let stranger = House::open(&keys(&server, "user = 'box'\npassword = 'guess'"));
    stranger.file(0..1);
    let backlog = stranger
        .until("the refusal", |backlog| backlog.last_error.is_some())
        .await;
    assert_eq!((backlog.pending, backlog.parked), (1, 0));
    let error = backlog.last_error.unwrap();
    assert!(
        error.contains("uthorization") && !error.contains("guess"),
        "{error}"
    );
    stranger.close().await;

    let house = House::open(&keys(&server, "user = 'box'\npassword = 'hush'"));
    house.file(0..5);
    house.settled(5).await;
    house.close().await;
    let login = ConnectOptions::with_user_and_password("box".to_owned(), "hush".to_owned());
    assert_eq!(seqs(&stored(&server, login).await), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn nats_is_spoken_to_by_tls_with_a_server_that_proves_its_name() {
    let server = Server::start(Kind::Nats {
        tls: true,
        login: false,
    });
    let url = format!("type = 'nats'\nurl = 'tls://127.0.0.1:{}'", server.port);
    let stranger = House::open(&url);
    stranger.file(0..1);
    let backlog = stranger
        .until("the refusal", |backlog| backlog.last_error.is_some())
        .await;
    assert_eq!(backlog.delivered, 0, "an unknown authority proves nothing");
    stranger.close().await;

    let house = House::open(&format!("{url}\nca_file = '{}'", server.authority().display()));
    house.file(0..20);
    assert_eq!(house.settled(20).await.delivered, 20);
    house.close().await;
}

#[tokio::test]
async fn a_subject_of_another_stream_is_not_taken_for_delivered() {
    let server = Server::start(PLAIN);
    let client = async_nats::connect(format!("nats://127.0.0.1:{}", server.port))
        .await
        .unwrap();
    let other = jetstream::stream::Config {
        name: "OTHER".to_owned(),
        subjects: vec!["cdr.>".to_owned()],
        ..jetstream::stream::Config::default()
    };
    jetstream::new(client).create_stream(other).await.unwrap();
    let house = House::open(&keys(&server, ""));
    house.file(0..2);
    let backlog = house
        .until("the refusal", |backlog| backlog.last_error.is_some())
        .await;
    assert_eq!((backlog.delivered, backlog.parked, backlog.pending), (0, 0, 2));
    assert!(backlog.last_error.unwrap().contains("another stream"));
    house.close().await;
}
