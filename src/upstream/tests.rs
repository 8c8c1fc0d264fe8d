use super::{BackOff, Config, SinkContext, Target, Upstreams};
use crate::egress::{Egress, PinsInMemory, Rules};
use crate::model::Dice;
use crate::store::tests::sample::{call_id, closing};
use crate::store::tests::{Room, open};
use crate::store::{Backlog, Clock, DeliveryState};
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
    /// Takes it, and says this.
    Say(&'static str),
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

    /// Of a batch, or of a record alone.
    fn seqs(&self) -> Vec<u64> {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        match body["data"].as_array() {
            Some(records) => records
                .iter()
                .map(|record| record["seq"].as_u64().unwrap())
                .collect(),
            None => vec![self.seq()],
        }
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
        Deed::Say(body) => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        Deed::TakeAndHangUp => String::new(),
        Deed::Stammer => "HTTP/1.1 20".to_owned(),
        Deed::TakeAndBabble => "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_owned(),
    };
    let _ = say.send(request);
    let _ = stream.write_all(answer.as_bytes()).await;
    if matches!(deed, Deed::TakeAndBabble) {
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    }
    matches!(deed, Deed::Take | Deed::Say(_) | Deed::Answer(..))
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
    start_with(room, config, BackOff::hurried(Duration::from_millis(20)))
}

fn start_with(room: &Room, config: Config, back_off: BackOff) -> Upstreams {
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
        back_off,
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

/// DC-007, Robustness 85.
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

/// Robustness 85: a poison record is set aside and the queue goes on.
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

/// Waits until the destination stands like this.
async fn stands(room: &Room, state: DeliveryState) -> Backlog {
    let stands = async {
        loop {
            let backlog = backlog(room);
            if backlog.state == state {
                return backlog;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), stands)
        .await
        .unwrap()
}

fn drained(arrived: &mut UnboundedReceiver<Arrived>) -> Vec<Arrived> {
    std::iter::from_fn(|| arrived.try_recv().ok()).collect()
}

/// Waits that nobody lives to see the end of.
fn for_ever() -> BackOff {
    BackOff::default()
}

#[tokio::test]
async fn a_destination_that_is_gone_is_left_alone_until_it_is_enabled_or_leads_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 3);
    let (url, mut arrived) = receiver(vec![Deed::Take, Deed::Answer(410, ""), Deed::Take]).await;
    let upstreams = start(&room, webhook(&url));
    let backlog = stands(&room, DeliveryState::Disabled).await;
    assert_eq!((backlog.pending, backlog.last_code), (2, Some(410)));
    assert!(backlog.last_error.unwrap().contains("410"));
    upstreams.waker().wake();
    upstreams.shutdown().await;
    assert_eq!(drained(&mut arrived).len(), 2);

    // A restart alone changes nothing.
    let upstreams = start(&room, webhook(&url));
    upstreams.waker().wake();
    upstreams.shutdown().await;
    assert_eq!(drained(&mut arrived).len(), 0);

    // Somebody enables it.
    let upstreams = start(&room, webhook(&url));
    assert!(room.store.outbox().enable("crm").unwrap());
    upstreams.waker().hurry();
    assert_eq!(all_settled(&room).await.state, DeliveryState::Ok);
    upstreams.shutdown().await;
    assert_eq!(drained(&mut arrived).len(), 2);
    assert!(!room.store.outbox().enable("nobody").unwrap());
}

#[tokio::test]
async fn another_address_is_tried_although_the_old_one_was_gone() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 2);
    let (gone, _) = receiver(vec![Deed::Answer(410, "")]).await;
    let upstreams = start(&room, webhook(&gone));
    stands(&room, DeliveryState::Disabled).await;
    upstreams.shutdown().await;
    let (url, _arrived) = receiver(vec![Deed::Take]).await;
    let upstreams = start(&room, webhook(&url));
    assert_eq!(all_settled(&room).await.delivered, 2);
    upstreams.shutdown().await;
}

/// 401, 403 and 404 are about the destination: nothing is parked, and after a wait one record is the probe.
#[tokio::test]
async fn a_destination_that_lets_nobody_in_backs_off_and_parks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 4);
    let deeds = [401, 403, 404, 401, 403, 404, 302, 500].map(|status| Deed::Answer(status, ""));
    let (url, mut arrived) = receiver(deeds.into_iter().chain([Deed::Take]).collect()).await;
    let upstreams = start(&room, webhook(&url));
    let backlog = all_settled(&room).await;
    assert_eq!((backlog.delivered, backlog.parked, backlog.failures), (4, 0, 0));
    upstreams.shutdown().await;
    let order: Vec<u64> = drained(&mut arrived).iter().map(Arrived::seq).collect();
    assert_eq!(order, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4]);
}

#[tokio::test]
async fn while_it_backs_off_nothing_is_sent_and_a_restart_or_a_hand_tries_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 2);
    let (url, mut arrived) = receiver(vec![Deed::Answer(503, ""), Deed::Answer(503, ""), Deed::Take]).await;
    let upstreams = start_with(&room, webhook(&url), for_ever());
    let first = stands(&room, DeliveryState::BackingOff).await;
    assert_eq!((first.failures, first.last_code), (1, Some(503)));
    let now = (clock().unix_ms)();
    assert!(
        (now + 3000..=now + 6000).contains(&first.retry_at_ms),
        "five seconds, give or take a fifth"
    );
    // A new record does not wake a destination that is left alone.
    room.append(closing(9));
    room.settle();
    upstreams.waker().wake();
    upstreams.shutdown().await;
    assert_eq!(drained(&mut arrived).len(), 1);

    let upstreams = start_with(&room, webhook(&url), for_ever());
    next(&mut arrived).await;
    let second = stands(&room, DeliveryState::BackingOff).await;
    assert_eq!(second.failures, 2, "the next wait is the second of the schedule");
    assert!(second.retry_at_ms > now + 200_000);
    room.store.outbox().enable("crm").unwrap();
    upstreams.waker().hurry();
    assert_eq!(all_settled(&room).await.delivered, 3);
    upstreams.shutdown().await;
}

#[tokio::test]
async fn a_try_that_somebody_asked_for_does_not_lengthen_the_next_wait() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 1);
    let (url, mut arrived) = receiver(vec![Deed::Answer(503, "")]).await;
    let upstreams = start_with(&room, webhook(&url), for_ever());
    next(&mut arrived).await;
    let mut before = stands(&room, DeliveryState::BackingOff).await;
    for _ in 0..3 {
        room.store.outbox().enable("crm").unwrap();
        upstreams.waker().hurry();
        next(&mut arrived).await;
        let after = stands(&room, DeliveryState::BackingOff).await;
        assert_eq!(after.failures, 1);
        assert!(
            after.retry_at_ms < before.retry_at_ms + 60_000,
            "still about five seconds"
        );
        before = after;
    }
    upstreams.shutdown().await;
}

#[tokio::test]
async fn retry_after_is_kept_in_seconds_and_as_a_date() {
    for headers in [
        "retry-after: 7200\r\n",
        "date: Fri, 20 Nov 2026 12:00:00 GMT\r\nretry-after: Fri, 20 Nov 2026 14:00:00 GMT\r\n",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let room = room_with(dir.path(), 1);
        let (url, _arrived) = receiver(vec![Deed::Answer(429, headers)]).await;
        let upstreams = start(&room, webhook(&url));
        let backlog = stands(&room, DeliveryState::BackingOff).await;
        let left = backlog.retry_at_ms - (clock().unix_ms)();
        assert!((7_100_000..=7_200_000).contains(&left), "{headers}: {left}");
        upstreams.shutdown().await;
    }
}

fn with(url: &str, keys: &str) -> Config {
    toml::from_str(&format!("name='crm'\ntype='webhook'\nurl='{url}'\n{keys}")).unwrap()
}

#[tokio::test]
async fn a_batch_arrives_whole_and_the_others_follow_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 25);
    let (url, mut arrived) = receiver(vec![Deed::Take]).await;
    let upstreams = start(&room, with(&url, "batch=10"));
    assert_eq!(all_settled(&room).await.delivered, 25);
    upstreams.shutdown().await;
    let batches: Vec<Vec<u64>> = drained(&mut arrived).iter().map(Arrived::seqs).collect();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    assert!(batches.concat().is_sorted());
}

#[tokio::test]
async fn one_bad_record_in_a_batch_is_found_and_parked_and_the_rest_arrives() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 4);
    let refuse = Deed::Answer(422, "");
    // The batch, then each alone; the second is refused until it is parked.
    let deeds = vec![refuse, Deed::Take, refuse, refuse, refuse, Deed::Take];
    let (url, mut arrived) = receiver(deeds).await;
    let upstreams = start(&room, with(&url, "batch=10\npark_after=3"));
    let backlog = all_settled(&room).await;
    assert_eq!((backlog.delivered, backlog.parked), (3, 1));
    upstreams.shutdown().await;
    let sent: Vec<Vec<u64>> = drained(&mut arrived).iter().map(Arrived::seqs).collect();
    assert_eq!(sent[0], [1, 2, 3, 4]);
    assert_eq!(sent[1..5], [[1], [2], [2], [2]]);
}

#[tokio::test]
async fn a_receiver_may_say_what_it_took_of_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 3);
    let result = format!(
        r#"{{"accepted":["{0}_1"],"rejected":[{{"id":"{1}_1","reason":"no such tenant","permanent":true}}]}}"#,
        call_id(0),
        call_id(1)
    );
    let (url, mut arrived) = receiver(vec![Deed::Say(result.leak()), Deed::Take]).await;
    let upstreams = start(&room, with(&url, "batch=10"));
    let backlog = all_settled(&room).await;
    assert_eq!((backlog.delivered, backlog.parked), (2, 1));
    upstreams.shutdown().await;
    let sent: Vec<Vec<u64>> = drained(&mut arrived).iter().map(Arrived::seqs).collect();
    assert_eq!(
        sent,
        [vec![1, 2, 3], vec![3]],
        "what was not named goes out again"
    );
}

#[tokio::test]
async fn where_order_is_off_the_newest_go_between_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 200);
    let (url, mut arrived) = receiver(vec![Deed::Take]).await;
    let upstreams = start(&room, with(&url, "order='newest_too'"));
    assert_eq!(all_settled(&room).await.delivered, 200);
    upstreams.shutdown().await;
    let order: Vec<u64> = drained(&mut arrived).iter().map(Arrived::seq).collect();
    assert_eq!(order[..10], [1, 2, 3, 4, 200, 5, 6, 7, 8, 199]);
    let all: BTreeSet<u64> = order.iter().copied().collect();
    assert_eq!((all.len(), order.len()), (200, 200));
}

#[tokio::test]
async fn where_order_is_off_a_refused_record_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 3);
    let (url, mut arrived) = receiver(vec![Deed::Answer(422, ""), Deed::Take]).await;
    let upstreams = start_with(&room, with(&url, "order='newest_too'"), for_ever());
    let order: Vec<u64> = vec![
        next(&mut arrived).await.seq(),
        next(&mut arrived).await.seq(),
        next(&mut arrived).await.seq(),
    ];
    assert_eq!(order, [1, 2, 3]);
    let both = async {
        while backlog(&room).delivered < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    upstreams.shutdown().await;
    assert_eq!((backlog(&room).delivered, backlog(&room).pending), (2, 1));
}

#[tokio::test]
async fn the_pace_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 6);
    let (url, _arrived) = receiver(vec![Deed::Take]).await;
    let begun = tokio::time::Instant::now();
    let upstreams = start(&room, with(&url, "rate_per_second=20"));
    all_settled(&room).await;
    upstreams.shutdown().await;
    assert!(
        begun.elapsed() >= Duration::from_millis(250),
        "six records at 20 a second"
    );
}

#[tokio::test]
async fn what_a_receiver_wants_to_be_told_stands_in_the_headers() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 1);
    let (url, mut arrived) = receiver(vec![Deed::Take]).await;
    let keys = "headers={X-Tenant='branch'}\nuser='sam'\npassword='secret'\nsignature='github'\nsecret='sixteen letters.'\nformat='freeswitch'";
    let upstreams = start(&room, with(&url, keys));
    let request = next(&mut arrived).await;
    assert_eq!(request.header("x-tenant"), Some("branch"));
    assert_eq!(request.header("authorization"), Some("Basic c2FtOnNlY3JldA=="));
    assert!(
        request
            .header("x-hub-signature-256")
            .unwrap()
            .starts_with("sha256=")
    );
    assert!(
        request
            .head
            .contains(&format!("?key=hush&uuid=a_{} HTTP", call_id(0))),
        "{}",
        request.head
    );
    assert!(request.body.starts_with("cdr=%7B"));
    all_settled(&room).await;
    upstreams.shutdown().await;
}
