use super::{BackOff, Config, SinkContext, Target, Upstreams};
use crate::egress::{Egress, PinsInMemory, Rules};
use crate::model::Dice;
use crate::store::tests::sample::{call_id, closing};
use crate::store::tests::{Room, open};
use crate::store::{Backlog, Clock};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the receiver does with one request.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Takes it.
    Take,
    /// Takes it, and the answer never arrives.
    TakeAndHangUp,
    /// Answers this status and these headers.
    Answer(u16, &'static str),
    /// Answers half a status line.
    Stammer,
    /// Acknowledges, then sends for ever.
    TakeAndBabble,
}

/// A request as it arrived.
#[derive(Debug)]
struct Arrived {
    head: String,
    body: String,
}

impl Arrived {
    fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| {
            line.split_once(':')
                .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
        })?;
        Some(line.split_once(':')?.1.trim())
    }

    fn seq(&self) -> u64 {
        let record: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        record["seq"].as_u64().unwrap()
    }
}

/// Listens on loopback and does these deeds in turn, the last one for ever.
async fn receiver(deeds: Vec<Deed>) -> (String, UnboundedReceiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cdrs?key=hush", listener.local_addr().unwrap());
    let (say, arrived) = unbounded_channel();
    tokio::spawn(async move {
        let mut deeds = deeds.into_iter().peekable();
        let mut last = Deed::Take;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            loop {
                let Some(request) = read_request(&mut stream).await else {
                    break;
                };
                last = deeds.next().unwrap_or(last);
                if !carry_out(last, request, &mut stream, &say).await {
                    break;
                }
            }
        }
    });
    (url, arrived)
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Arrived> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let mut arrived = Arrived {
        head,
        body: String::new(),
    };
    let length: usize = arrived.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    arrived.body = String::from_utf8(body).unwrap();
    Some(arrived)
}

/// Whether the connection stays open.
async fn carry_out(
    deed: Deed,
    request: Arrived,
    stream: &mut BufReader<TcpStream>,
    say: &UnboundedSender<Arrived>,
) -> bool {
    let answer = match deed {
        Deed::Take => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        Deed::Answer(status, headers) => {
            format!("HTTP/1.1 {status} So\r\n{headers}content-length: 4\r\n\r\nsorr")
        }
        Deed::TakeAndHangUp => String::new(),
        Deed::Stammer => "HTTP/1.1 20".to_owned(),
        Deed::TakeAndBabble => "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_owned(),
    };
    let _ = say.send(request);
    let _ = stream.write_all(answer.as_bytes()).await;
    if matches!(deed, Deed::TakeAndBabble) {
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    }
    matches!(deed, Deed::Take | Deed::Answer(..))
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn clock() -> Clock {
    let unix_ms =
        || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    Clock {
        now: Instant::now,
        unix_ms: Arc::new(unix_ms),
    }
}

fn webhook(url: &str) -> Config {
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    toml::from_str(&format!(
        "name='crm'\ntype='webhook'\nurl='{url}'\nsecret='{secret}'"
    ))
    .unwrap()
}

fn start(room: &Room, config: Config) -> Upstreams {
    let context = SinkContext {
        site: "desk".to_owned(),
        appliance_id: "0190-box".to_owned(),
        clock: clock(),
        egress: Egress::new(Rules::default(), Arc::new(PinsInMemory::default())),
    };
    Upstreams::start(
        &[config],
        &room.store.outbox(),
        &context,
        BackOff::hurried(Duration::from_millis(20)),
        &mut Dice::from_number(1),
    )
    .unwrap()
}

fn room_with(dir: &std::path::Path, records: u32) -> Room {
    let (room, _) = open(dir, &["crm"], |options| options.clock = clock());
    for n in 0..records {
        room.append(closing(n));
    }
    room.settle();
    room
}

fn backlog(room: &Room) -> Backlog {
    room.store.reader().backlog().unwrap().remove(0)
}

/// Waits until nothing is owed any more; a test that waits in vain fails here.
async fn all_settled(room: &Room) -> Backlog {
    let settled = async {
        loop {
            let backlog = backlog(room);
            if backlog.pending == 0 {
                return backlog;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled)
        .await
        .unwrap()
}

async fn next(arrived: &mut UnboundedReceiver<Arrived>) -> Arrived {
    tokio::time::timeout(Duration::from_secs(30), arrived.recv())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_record_arrives_signed_and_numbered() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 1);
    let (url, mut arrived) = receiver(vec![Deed::Take]).await;
    let config = webhook(&url);
    let Target::Webhook(section) = &config.target else {
        panic!("a webhook")
    };
    let section = section.clone();
    let upstreams = start(&room, config);
    let request = next(&mut arrived).await;
    let id = format!("{}_1", call_id(0));
    assert!(request.head.starts_with("POST /cdrs?key=hush HTTP/1.1\r\n"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("webhook-id"), Some(id.as_str()));
    let seconds: i64 = request.header("webhook-timestamp").unwrap().parse().unwrap();
    let expected = section.signature(&id, seconds, &request.body);
    assert_eq!(request.header("webhook-signature"), Some(expected.as_str()));
    let record: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        (record["seq"].as_u64(), record["status"].as_str()),
        (Some(1), Some("NO_ANSWER"))
    );
    assert_eq!(all_settled(&room).await.delivered, 1);
    upstreams.shutdown().await;
}

#[tokio::test]
async fn a_bad_receiver_gets_every_record_in_order_and_repeats_only_under_the_same_id() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 8);
    let deeds = vec![
        Deed::Answer(500, ""),
        Deed::Take,
        Deed::TakeAndHangUp,
        Deed::Stammer,
        Deed::Answer(302, "location: http://127.0.0.1:9/\r\n"),
        Deed::Take,
        Deed::Answer(503, ""),
        Deed::Answer(429, "retry-after: 0\r\n"),
        Deed::Answer(401, ""),
        Deed::TakeAndBabble,
        Deed::Take,
    ];
    let (url, mut arrived) = receiver(deeds).await;
    let upstreams = start(&room, webhook(&url));
    let backlog = all_settled(&room).await;
    assert_eq!(
        (backlog.delivered, backlog.parked, backlog.last_error),
        (8, 0, None)
    );
    upstreams.shutdown().await;

    let mut order = Vec::new();
    let mut ids = BTreeSet::new();
    while let Ok(request) = arrived.try_recv() {
        ids.insert((request.seq(), request.header("webhook-id").unwrap().to_owned()));
        order.push(request.seq());
    }
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(
        ids.len(),
        8,
        "one id a record, however often it was sent: {order:?}"
    );
    assert_eq!(order.len(), 8 + 7, "{order:?}");
}

#[tokio::test]
async fn a_record_that_is_never_taken_is_parked_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 3);
    let refuse = Deed::Answer(422, "");
    let (url, mut arrived) = receiver(vec![
        Deed::Take,
        refuse,
        refuse,
        refuse,
        refuse,
        refuse,
        Deed::Take,
    ])
    .await;
    let upstreams = start(&room, webhook(&url));
    let backlog = all_settled(&room).await;
    assert_eq!((backlog.delivered, backlog.parked), (2, 1));
    upstreams.shutdown().await;
    let mut order = Vec::new();
    while let Ok(request) = arrived.try_recv() {
        order.push(request.seq());
    }
    assert_eq!(order, [1, 2, 2, 2, 2, 2, 3]);
}

#[tokio::test]
async fn a_committed_record_wakes_the_forwarder() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 0);
    let (url, mut arrived) = receiver(vec![Deed::Take]).await;
    let upstreams = start(&room, webhook(&url));
    let waker = upstreams.waker();
    for n in 0..3 {
        room.append(closing(n));
        room.settle();
        waker.wake();
        assert_eq!(next(&mut arrived).await.seq(), u64::from(n) + 1);
    }
    upstreams.shutdown().await;
}

#[tokio::test]
async fn an_outage_is_told_in_plain_words_and_without_the_url() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 1);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?key=hush", nobody.local_addr().unwrap());
    drop(nobody);
    let upstreams = start(&room, webhook(&url));
    let told = async {
        loop {
            if let Some(error) = backlog(&room).last_error {
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    assert!(error.contains("refused") && !error.contains("hush"), "{error}");
    upstreams.shutdown().await;
    assert_eq!(backlog(&room).pending, 1);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_silent_receiver() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 2);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstreams = start(
        &room,
        webhook(&format!("http://{}/", silent.local_addr().unwrap())),
    );
    let (_held, _) = silent.accept().await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), upstreams.shutdown())
        .await
        .unwrap();
    let crate::store::Batch::Items(items) = room.store.outbox().next_batch("crm", 10).unwrap() else {
        panic!("both records wait again")
    };
    assert_eq!(
        items
            .iter()
            .map(|item| (item.seq, item.attempts))
            .collect::<Vec<_>>(),
        [(1, 0), (2, 0)]
    );
}

#[tokio::test]
async fn a_file_gets_one_line_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 3);
    let path = dir.path().join("cdrs.jsonl");
    let config = toml::from_str(&format!("name='crm'\ntype='file'\npath='{}'", path.display())).unwrap();
    let upstreams = start(&room, config);
    all_settled(&room).await;
    upstreams.shutdown().await;
    let text = std::fs::read_to_string(path).unwrap();
    let seqs: Vec<u64> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(seqs, [1, 2, 3]);
}

#[tokio::test]
async fn a_disabled_destination_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 1);
    let config = Config {
        enabled: false,
        ..webhook("http://127.0.0.1:9/")
    };
    let upstreams = start(&room, config);
    upstreams.waker().wake();
    upstreams.shutdown().await;
    assert_eq!(backlog(&room).pending, 1);
}
