//! A PBX that answers `GET /api/v2/cdrs` as its clients expect, and badly when a test says so.

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// When its first call began: 2026-11-20T06:00:00Z.
pub(crate) const FIRST: i64 = 1_795_154_400;

/// How it answers one request in place of the right answer.
#[derive(Clone)]
pub(crate) enum Bad {
    /// This status with this body.
    Says(StatusCode, &'static str),
    /// The connection is cut after half of the answer.
    Half,
    /// Nothing, for ever.
    Hangs,
    /// The body never ends.
    Endless,
    /// A redirect to this place.
    Redirect(String),
    /// The right rows with this `next_offset`.
    Next(Value),
    /// The first page, whatever was asked for.
    FirstPage,
}

#[derive(Default)]
struct Inside {
    rows: Vec<(Option<i64>, Value)>,
    key: Option<String>,
    most: Option<usize>,
    mood: VecDeque<Option<Bad>>,
    always: Option<Bad>,
    asked: Vec<BTreeMap<String, String>>,
    keys: Vec<Option<String>>,
    ranges: Vec<String>,
}

/// The stand-in; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct StandIn {
    inside: Arc<Mutex<Inside>>,
    pub(crate) address: SocketAddr,
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Mutex::new(Inside::default()));
        let router = Router::new()
            .route("/api/v2/cdrs", get(answer))
            .route("/recordings/{*path}", get(recording))
            .with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inside, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v2/cdrs", self.address)
    }

    /// It has these calls.
    pub(crate) fn put(&self, rows: Vec<Value>) {
        let start = |row: &Value| row["start_epoch"].as_str().and_then(|text| text.parse().ok());
        self.inside.lock().unwrap().rows = rows.into_iter().map(|row| (start(&row), row)).collect();
    }

    /// It lets nobody in without this key.
    pub(crate) fn lock(&self, key: &str) {
        self.inside.lock().unwrap().key = Some(key.to_owned());
    }

    /// It never sends more rows than this a page.
    pub(crate) fn page_at_most(&self, rows: usize) {
        self.inside.lock().unwrap().most = Some(rows);
    }

    /// The next answers; `None` is a right one.
    pub(crate) fn answer_next(&self, mood: Vec<Option<Bad>>) {
        self.inside.lock().unwrap().mood.extend(mood);
    }

    /// Every answer.
    pub(crate) fn answer_always(&self, bad: Option<Bad>) {
        self.inside.lock().unwrap().always = bad;
    }

    /// The parameters of each request so far.
    pub(crate) fn asked(&self) -> Vec<BTreeMap<String, String>> {
        self.inside.lock().unwrap().asked.clone()
    }

    /// The key each request showed.
    pub(crate) fn keys(&self) -> Vec<Option<String>> {
        self.inside.lock().unwrap().keys.clone()
    }

    pub(crate) fn forget_asked(&self) {
        self.inside.lock().unwrap().asked.clear();
    }

    /// The Range of each recording that was asked for.
    pub(crate) fn ranges(&self) -> Vec<String> {
        self.inside.lock().unwrap().ranges.clone()
    }
}

/// The n-th call, one a second; every third unanswered.
pub(crate) fn row(n: i64) -> Value {
    let begun = FIRST + n;
    let answered = n % 3 != 0;
    json!({
        "uuid": format!("{n:08x}-8efb-11f0-ac6e-e3cd36bb494f"),
        "direction": if n % 2 == 0 { "outbound" } else { "inbound" },
        "caller_id_number": format!("{}", 1000 + n % 50),
        "outbound_caller_id_number": "842871220655",
        "destination_number": format!("03366{:05}", n % 100_000),
        "start_epoch": begun.to_string(),
        "end_epoch": (begun + 92).to_string(),
        "answer_epoch": if answered { (begun + 26).to_string() } else { "0".to_owned() },
        "duration": "92",
        "billsec": if answered { "66" } else { "0" },
        "sip_hangup_disposition": if n % 2 == 0 { "by_caller" } else { "by_callee" },
        "record_path": if answered { json!(format!("/tenant/archive/2026/Nov/20/{n}.mp3")) } else { Value::Null },
        "call_status": if answered { "ANSWER" } else { "NO_ANSWER" },
    })
}

pub(crate) fn rows(count: i64) -> Vec<Value> {
    (0..count).map(row).collect()
}

async fn answer(
    State(inside): State<Arc<Mutex<Inside>>>,
    Query(asked): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let (bad, page, hangs) = {
        let mut inside = inside.lock().unwrap();
        inside.asked.push(asked.clone());
        let key = headers.get(header::AUTHORIZATION);
        inside.keys.push(key.map(|key| key.to_str().unwrap().to_owned()));
        if !lets_in(&inside, &headers) {
            let body = json!({"status": "error", "message": "the key is wrong: hush-hush"});
            return (StatusCode::UNAUTHORIZED, body.to_string()).into_response();
        }
        let bad = inside.mood.pop_front().unwrap_or_else(|| inside.always.clone());
        let mut asked = asked;
        if matches!(bad, Some(Bad::FirstPage)) {
            asked.insert("offset".to_owned(), "0".to_owned());
        }
        (
            bad.clone(),
            page(&inside, &asked),
            matches!(bad, Some(Bad::Hangs)),
        )
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    match bad {
        None | Some(Bad::FirstPage | Bad::Hangs) => json_of(&page),
        Some(Bad::Says(status, body)) => (status, body).into_response(),
        Some(Bad::Half) => half(&page),
        Some(Bad::Endless) => endless(),
        Some(Bad::Redirect(to)) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Some(Bad::Next(next)) => {
            let mut page = page;
            page["next_offset"] = next;
            json_of(&page)
        }
    }
}

fn lets_in(inside: &Inside, headers: &HeaderMap) -> bool {
    inside.key.as_ref().is_none_or(|key| {
        headers
            .get(header::AUTHORIZATION)
            .is_some_and(|value| value.to_str().unwrap() == format!("Bearer {key}"))
    })
}

/// `from` and `to` are the PBX's own clock; this one stands in Ho Chi Minh City, without summer time.
fn epoch(text: &str) -> i64 {
    let civil: jiff::civil::DateTime = text.replace(' ', "T").parse().unwrap();
    civil.in_tz("Asia/Ho_Chi_Minh").unwrap().timestamp().as_second()
}

fn page(inside: &Inside, asked: &BTreeMap<String, String>) -> Value {
    let number = |name: &str| asked[name].parse::<usize>().unwrap();
    let (from, to) = (epoch(&asked["from"]), epoch(&asked["to"]));
    let limit = number("limit").min(inside.most.unwrap_or(usize::MAX));
    let offset = number("offset");
    let in_range = |row: &&(Option<i64>, Value)| row.0.is_none_or(|start| (from..=to).contains(&start));
    let found = inside.rows.iter().filter(in_range).skip(offset).take(limit);
    let found: Vec<&Value> = found.map(|(_, row)| row).collect();
    json!({
        "status": "success",
        "result_in_page": found.len(),
        "start_offset": offset.to_string(),
        "next_offset": offset + found.len(),
        "data": found,
    })
}

fn json_of(page: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], page.to_string()).into_response()
}

/// Announces the whole and sends half.
fn half(page: &Value) -> Response {
    let text = page.to_string();
    let half = text[..text.len() / 2].to_owned();
    Response::builder()
        .header(header::CONTENT_LENGTH, text.len())
        .body(Body::new(Pieces {
            pieces: VecDeque::from([half]),
            endless: false,
        }))
        .unwrap()
}

fn endless() -> Response {
    Response::new(Body::new(Pieces {
        pieces: VecDeque::new(),
        endless: true,
    }))
}

struct Pieces {
    pieces: VecDeque<String>,
    endless: bool,
}

impl http_body::Body for Pieces {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        let piece = match (self.pieces.pop_front(), self.endless) {
            (Some(piece), _) => Ok(http_body::Frame::data(piece.into())),
            (None, true) => Ok(http_body::Frame::data(bytes::Bytes::from(vec![b' '; 64 * 1024]))),
            (None, false) => Err(std::io::Error::other("cut")),
        };
        std::task::Poll::Ready(Some(piece))
    }
}

async fn recording(State(inside): State<Arc<Mutex<Inside>>>, headers: HeaderMap) -> Response {
    let range = headers
        .get(header::RANGE)
        .map(|range| range.to_str().unwrap().to_owned());
    let audio = b"ID3 this is a recording";
    let mut inside = inside.lock().unwrap();
    if !lets_in(&inside, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    inside.ranges.push(range.clone().unwrap_or_default());
    let kind = (header::CONTENT_TYPE, "audio/mpeg");
    match range.as_deref() {
        Some("bytes=4-7") => {
            let span = (header::CONTENT_RANGE, "bytes 4-7/23");
            (StatusCode::PARTIAL_CONTENT, [kind, span], &audio[4..8]).into_response()
        }
        _ => ([kind], &audio[..]).into_response(),
    }
}
