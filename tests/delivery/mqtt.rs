//! The `mqtt` destination against mosquitto.
#![expect(
    clippy::unwrap_used,
    reason = "a broker that does not answer should stop the test"
)]

use super::house::{House, SITE, call_id, huge};
use super::servers::{Kind, Server};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const PLAIN: Kind = Kind::Mosquitto {
    tls: false,
    login: false,
};

fn keys(server: &Server, more: &str) -> String {
    format!("type = 'mqtt'\nurl = 'mqtt://127.0.0.1:{}'\n{more}", server.port)
}

/// A message as a subscriber gets it.
struct Heard {
    topic: String,
    retain: bool,
    record: Value,
}

/// Listens to every topic, with a session that outlives the broker.
async fn listener(server: &Server) -> UnboundedReceiver<Heard> {
    let mut options = MqttOptions::new("listener", "127.0.0.1", server.port);
    options
        .set_clean_session(false)
        .set_max_packet_size(1_000_000, 1_000_000);
    let (client, mut events) = AsyncClient::new(options, 16);
    client.subscribe("callpost/#", QoS::AtLeastOnce).await.unwrap();
    let (say, heard) = unbounded_channel();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        // The client lives as long as its events are asked for.
        let _client = client;
        let mut ready = Some(ready);
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::SubAck(_))) => {
                    ready.take().map(|ready| ready.send(()));
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let heard = Heard {
                        topic: message.topic.clone(),
                        retain: message.retain,
                        record: serde_json::from_slice(&message.payload).unwrap(),
                    };
                    if say.send(heard).is_err() {
                        return;
                    }
                }
                Ok(_other) => {}
                Err(_broker_is_away) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    is_ready.await.unwrap();
    heard
}

/// What comes until so many different records were heard.
async fn hear(heard: &mut UnboundedReceiver<Heard>, different: usize) -> Vec<Heard> {
    let mut seqs = BTreeSet::new();
    let mut all = Vec::new();
    while seqs.len() < different {
        let message = tokio::time::timeout(Duration::from_secs(60), heard.recv()).await;
        let message = message
            .unwrap_or_else(|_| panic!("only {} of {different} came", seqs.len()))
            .unwrap();
        seqs.insert(message.record["seq"].as_u64().unwrap());
        all.push(message);
    }
    all
}

/// Each record comes to the subscriber, in order, a double only under the same id, though the broker was away.
#[tokio::test]
async fn every_record_reaches_the_subscriber_though_the_broker_goes_away() {
    let mut server = Server::start(PLAIN);
    let mut heard = listener(&server).await;
    let house = House::open(&keys(&server, ""));
    house.file(0..400);
    house
        .until("some to arrive", |backlog| backlog.delivered > 0)
        .await;
    server.stop();
    house.file(400..500);
    house
        .until("the outage to be noticed", |backlog| backlog.last_error.is_some())
        .await;
    server.start_again();
    let backlog = house.settled(500).await;
    assert_eq!((backlog.delivered, backlog.parked), (500, 0));
    house.close().await;

    let messages = hear(&mut heard, 500).await;
    let topic = format!("callpost/{SITE}/");
    assert!(
        messages
            .iter()
            .all(|message| message.topic.starts_with(&topic) && !message.retain)
    );
    let mut ids: Vec<Option<String>> = vec![None; 501];
    for message in &messages {
        let seq = usize::try_from(message.record["seq"].as_u64().unwrap()).unwrap();
        let id = message.record["cdr_id"].as_str().unwrap().to_owned();
        assert_eq!(id, call_id(0, u32::try_from(seq).unwrap() - 1));
        assert!(
            ids[seq].replace(id.clone()).is_none_or(|known| known == id),
            "a double under another id"
        );
    }
    let mut seen = BTreeSet::new();
    let first_times: Vec<u64> = messages
        .iter()
        .map(|message| message.record["seq"].as_u64().unwrap())
        .filter(|seq| seen.insert(*seq))
        .collect();
    assert!(first_times.is_sorted(), "in order, repetitions aside");
}

#[tokio::test]
async fn a_record_too_large_for_the_broker_is_parked_and_the_others_go_on() {
    let server = Server::start(PLAIN);
    let mut heard = listener(&server).await;
    let house = House::open(&keys(&server, "max_kilobytes = 64"));
    house.file(0..3);
    house.file_one(huge(3, 70_000));
    house.file(4..8);
    let backlog = house.settled(8).await;
    assert_eq!((backlog.delivered, backlog.parked), (7, 1));
    house.close().await;
    let seqs: BTreeSet<u64> = hear(&mut heard, 7)
        .await
        .iter()
        .map(|message| message.record["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(Vec::from_iter(seqs), [1, 2, 3, 5, 6, 7, 8]);
}

#[tokio::test]
async fn a_box_logs_in_to_the_broker_and_a_wrong_password_only_makes_it_wait() {
    let server = Server::start(Kind::Mosquitto {
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
    assert!(error.contains("does not") && !error.contains("guess"), "{error}");
    stranger.close().await;

    let house = House::open(&keys(&server, "user = 'box'\npassword = 'hush'"));
    house.file(0..5);
    assert_eq!(house.settled(5).await.delivered, 5);
    house.close().await;
}

#[tokio::test]
async fn the_broker_is_spoken_to_by_tls_when_it_proves_its_name() {
    let server = Server::start(Kind::Mosquitto {
        tls: true,
        login: false,
    });
    let url = format!("type = 'mqtt'\nurl = 'mqtts://127.0.0.1:{}'", server.port);
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

/// With a ping between two calls the broker does not take the box for gone.
#[tokio::test]
async fn the_connection_is_kept_alive_while_nobody_calls() {
    let server = Server::start(PLAIN);
    let house = House::open(&keys(&server, "keep_alive_seconds = 2"));
    house.file(0..1);
    house.settled(1).await;
    house
        .until("pings in the broker's log", |_| {
            server.log().matches("Received PINGREQ from callpost-").count() >= 2
        })
        .await;
    house.file(1..2);
    assert_eq!(house.settled(2).await.last_error, None);
    assert_eq!(server.log().matches("New client connected").count(), 1);
    house.close().await;
}
