//! The pull of a hosted PBX: programs written for it change their address and nothing else.

use crate::world::{ADMIN, Answer, World, bearing, call_id, cdr, facts, request};
use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode};
use callpost::http::{InternalAs, OneposConfig, VoicemailAs, router};
use callpost::model::{Cdr, Direction, HangupBy, RecordingId, Stamp, Status};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// The day of the tests, by the site's clock.
const DAY: &str = "from=2026-11-20+00:00:00&to=2026-11-20+23:59:59";

fn path(rest: &str) -> String {
    format!("/api/v2/cdrs?domain=tazaspa102019&limit=200&offset=0&{DAY}{rest}")
}

async fn rows(world: &World, rest: &str) -> Vec<Value> {
    let answer = world.get(&path(rest)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["data"].as_array().unwrap().clone()
}

/// Asks a box with another `[http.onepos]` section.
async fn ask(world: &World, section: OneposConfig, path: &str) -> Answer {
    let mut faces = world.faces();
    faces.config.onepos = section;
    let asked = bearing(ADMIN, Method::GET, path).body(Body::empty()).unwrap();
    let (parts, body) = router(faces).oneshot(asked).await.unwrap().into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, 32 << 20).await.unwrap().to_vec(),
    }
}

fn answered(number: u32) -> Cdr {
    let started_at = cdr(number).started_at;
    let later = |seconds: i64| {
        Some(Stamp {
            unix_ms: started_at.unix_ms + seconds * 1000,
            ..started_at
        })
    };
    Cdr {
        direction: Direction::Outbound,
        caller_number: "1036".into(),
        outbound_caller_id: Some("842871220655".into()),
        dialed_number: "0336626159".into(),
        answered_at: later(26),
        ended_at: later(92),
        duration_ms: 92_000,
        talk_ms: 66_000,
        ..cdr(number)
    }
}

/// S0-062, S0-063, S0-064, S0-065, S0-066, S0-067, S0-068, S0-069, S0-070, S0-071, S0-072, S0-073, S0-074, S0-075,
/// S0-076, S0-077, S0-078, S0-079, S0-081
#[tokio::test]
async fn a_record_has_the_pbx_s_fields_in_the_pbx_s_types() {
    let world = World::new();
    world.file(answered(3));
    let page = world.get(&path("")).await.json();
    let epoch = at_second(3);
    let expected = json!({
        "status": "success", "result_in_page": 1, "start_offset": "0", "next_offset": 1,
        "data": [{
            "uuid": call_id(1003).to_string(), "direction": "outbound", "caller_id_number": "1036",
            "outbound_caller_id_number": "842871220655", "destination_number": "0336626159",
            "start_epoch": epoch.to_string(), "end_epoch": (epoch + 92).to_string(),
            "answer_epoch": (epoch + 26).to_string(), "duration": "92", "billsec": "66",
            "sip_hangup_disposition": "by_caller", "record_path": null, "call_status": "ANSWER",
        }],
    });
    assert_eq!(page, expected);
}

fn at_second(minutes: i64) -> i64 {
    crate::world::at(minutes).unix_ms / 1000
}

/// S0-073, S0-079, S0-081: nothing but the words pullers know.
#[tokio::test]
async fn every_way_a_call_can_go_is_one_that_pullers_know() {
    let world = World::new();
    let unanswered = |number, status, hangup_by| Cdr {
        status,
        hangup_by,
        answered_at: None,
        talk_ms: 0,
        direction: Direction::Inbound,
        ..answered(number)
    };
    world.file(unanswered(1, Status::Canceled, HangupBy::Caller));
    world.file(unanswered(2, Status::Busy, HangupBy::Callee));
    world.file(unanswered(3, Status::NoAnswer, HangupBy::System));
    world.file(unanswered(4, Status::Failed, HangupBy::System));
    world.file(unanswered(5, Status::Voicemail, HangupBy::Caller));
    world.file(Cdr {
        direction: Direction::Internal,
        hangup_by: HangupBy::Callee,
        ..answered(6)
    });
    let shown = |row: &Value| {
        [
            "direction",
            "call_status",
            "sip_hangup_disposition",
            "answer_epoch",
            "billsec",
        ]
        .map(|field| row[field].as_str().unwrap().to_owned())
    };
    let rows = rows(&world, "").await;
    let answer = (at_second(6) + 26).to_string();
    let seen: Vec<_> = rows.iter().map(shown).collect();
    assert_eq!(
        seen,
        [
            ["inbound", "CANCELED", "by_caller", "0", "0"],
            ["inbound", "BUSY", "recv_refuse", "0", "0"],
            ["inbound", "NO_ANSWER", "", "0", "0"],
            ["inbound", "FAILED", "", "0", "0"],
            ["inbound", "NO_ANSWER", "by_caller", "0", "0"],
            ["outbound", "ANSWER", "by_callee", &answer, "66"],
        ]
    );
    let section = OneposConfig {
        internal_as: InternalAs::Inbound,
        voicemail_as: VoicemailAs::Answer,
        ..OneposConfig::default()
    };
    let page = ask(&world, section, &path("")).await.json();
    assert_eq!(page["data"][4]["call_status"], "ANSWER");
    assert_eq!(page["data"][5]["direction"], "inbound");
    let section = OneposConfig {
        internal_as: InternalAs::Omit,
        ..OneposConfig::default()
    };
    let first = ask(&world, section.clone(), &path("")).await.json();
    assert_eq!(
        (first["result_in_page"].as_u64(), first["next_offset"].as_u64()),
        (Some(5), Some(5))
    );
    let beyond = ask(&world, section, &path("").replace("offset=0", "offset=5"))
        .await
        .json();
    assert_eq!(beyond["result_in_page"], 0, "what is omitted takes no place");
}

/// S0-067, S0-071: pages hold still while calls are added, and the last one is empty.
#[tokio::test]
async fn pages_follow_one_another_and_the_one_beyond_the_end_is_empty() {
    let world = World::new();
    for number in (0..25).rev() {
        world.file(answered(number));
    }
    let page = async |offset: u64| {
        let asked = path("")
            .replace("limit=200", "limit=5")
            .replace("offset=0", &format!("offset={offset}"));
        world.get(&asked).await.json()
    };
    let mut seen = Vec::new();
    let mut offset = 0;
    loop {
        let page = page(offset).await;
        assert_eq!(
            (page["status"].as_str(), page["start_offset"].as_str()),
            (Some("success"), Some(offset.to_string().as_str()))
        );
        let rows = page["data"].as_array().unwrap().clone();
        seen.extend(
            rows.iter()
                .map(|row| row["start_epoch"].as_str().unwrap().to_owned()),
        );
        offset = page["next_offset"].as_u64().unwrap();
        assert_eq!(offset, seen.len() as u64);
        if rows.is_empty() {
            break;
        }
        if offset == 10 {
            world.file(answered(30));
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    assert_eq!(
        (seen.len(), seen),
        (26, sorted),
        "a call that came in between stands behind the others"
    );
}

/// S0-065, S0-066, S0-153, S0-154: by the site's clock, both ends included, the number exactly.
#[tokio::test]
async fn a_window_is_by_the_sites_clock_and_filters_are_exact() {
    let world = World::new();
    world.file_many((0..5).map(answered));
    world.file(Cdr {
        caller_number: "+966500000001".into(),
        ..answered(5)
    });
    let count = async |query: &str| {
        let answer = world
            .get(&format!("/api/v2/cdrs?domain=any&limit=200&offset=0&{query}"))
            .await;
        answer.json()["result_in_page"].as_u64()
    };
    // Noon in Riyadh is nine o'clock in Greenwich.
    for (query, rows) in [
        ("from=2026-11-20+12:00:00&to=2026-11-20+12:02:00", 3),
        ("from=2026-11-20%2012:01:00&to=2026-11-20%2012:01:59", 1),
        ("from=2026-11-20+09:00:00&to=2026-11-20+11:59:59", 0),
        ("date_from=2026-11-20&date_to=2026-11-20", 6),
        ("date_from=2026-11-21&date_to=2026-11-21", 0),
    ] {
        assert_eq!(count(query).await, Some(rows), "{query}");
    }
    for (filter, rows) in [
        ("&caller_id_number=1036", 5),
        ("&caller_id_number=103", 0),
        ("&caller_id_number=%2B966500000001", 1),
        ("&caller_id_number=+966500000001", 1),
        ("&caller_id_number=&destination_number=0336626159", 6),
        ("&destination_number=' OR 1=1 --", 0),
    ] {
        assert_eq!(
            count(&format!("{DAY}{}", filter.replace(' ', "%20"))).await,
            Some(rows),
            "{filter}"
        );
    }
}

/// S0-028, S0-063
#[tokio::test]
async fn another_tenant_has_no_calls_here() {
    let world = World::new();
    world.file(answered(1));
    let section = OneposConfig {
        domain: "branch".to_owned(),
        ..OneposConfig::default()
    };
    let other = ask(&world, section.clone(), &path("")).await;
    assert_eq!(
        (other.status, other.json()),
        (
            StatusCode::OK,
            json!({ "status": "success", "result_in_page": 0, "start_offset": "0", "next_offset": 0, "data": [] })
        )
    );
    let own = ask(&world, section, &path("").replace("tazaspa102019", "branch")).await;
    assert_eq!(own.json()["result_in_page"], 1);
}

/// S0-163: what was wrong is named, and nothing else.
#[tokio::test]
async fn mistakes_are_told_in_the_pbx_s_way_and_counted() {
    let world = World::new();
    let wrong = [
        ("limit=200", "limit=0", "limit"),
        ("limit=200", "limit=many", "limit"),
        ("offset=0", "offset=-1", "offset"),
        ("domain=tazaspa102019", "domain=", "domain"),
        ("from=2026-11-20+00:00:00", "from=today", "from"),
        ("to=2026-11-20+23:59:59", "x=1", "to"),
        ("offset=0", "offset=0&callback=alert(1)", "callback"),
        ("offset=0", "offset=%ff", "offset"),
    ];
    for (part, other, named) in wrong {
        let answer = world.get(&path("").replace(part, other)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{other}");
        assert_eq!(answer.header("content-type"), "application/json");
        let body = answer.json();
        assert_eq!(body["status"], "error", "{other}");
        assert!(
            body["message"].as_str().unwrap().contains(named),
            "{other}: {body}"
        );
    }
    let metrics = world.get("/metrics").await.text();
    let counted = format!("callpost_http_answers_total{{status=\"400\"}} {}\n", wrong.len());
    assert!(metrics.contains(&counted), "{metrics}");
    let posted = world.ask(Method::POST, "/api/v2/cdrs").await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_token_opens_this_door_as_bearer_or_in_the_address_and_only_this_door() {
    let world = World::new();
    world.file(answered(1));
    let reader = world.token("reader", "cdr:read", None);
    let other = world.token("other", "calls:control", None);
    let status = async |path: &str| {
        world
            .send(request(Method::GET, path).body(Body::empty()).unwrap())
            .await
            .status
    };
    assert_eq!(status(&path(&format!("&api_key={reader}"))).await, StatusCode::OK);
    assert_eq!(
        status(&path(&format!("&api_key={other}"))).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(status(&path("&api_key=wrong")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&path("")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(&format!("/api/v1/cdrs?api_key={reader}")).await,
        StatusCode::UNAUTHORIZED
    );
    let with_both = bearing("wrong", Method::GET, &path(&format!("&api_key={reader}")));
    let answer = world.send(with_both.body(Body::empty()).unwrap()).await;
    assert_eq!(
        answer.status,
        StatusCode::UNAUTHORIZED,
        "a wrong header is not passed over"
    );
}

#[tokio::test]
async fn an_answer_for_a_page_is_a_script_that_calls_its_function_and_nothing_else() {
    let world = World::new();
    world.file(Cdr {
        caller_number: "</script>\u{2028}".into(),
        ..answered(1)
    });
    let answer = world.get(&path("&callback=jQuery19_1757.cb&_=1")).await;
    assert_eq!(
        answer.header("content-type"),
        "application/javascript; charset=utf-8"
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let text = answer.text();
    let inside = text
        .strip_prefix("jQuery19_1757.cb(")
        .and_then(|rest| rest.strip_suffix(");"));
    let page: Value = serde_json::from_str(inside.unwrap()).unwrap();
    assert_eq!(page["result_in_page"], 1);
    assert!(
        !text.contains('\u{2028}'),
        "no older browser sees the end of a line"
    );
    let refused = world
        .get(&path("&callback=f&limit=x").replacen("limit=200&", "", 1))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().starts_with("f({\"") && refused.text().contains("\"status\":\"error\""));
}

/// S0-080: `record_path` leads to the sound, by Range as well.
#[tokio::test]
async fn a_recording_is_played_from_the_path_of_its_record() {
    let world = World::new();
    let audio: Vec<u8> = (0..9000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let id = world.record(1001, "2026/11/20/a.wav", &audio);
    world.file(Cdr {
        recording: Some(facts(id, "recordings/2026/11/20/a.wav", &audio)),
        ..answered(1)
    });
    world.file(Cdr {
        recording: Some(callpost::model::RecordingFacts {
            bytes: None,
            ..facts(RecordingId(call_id(7).0), "x.wav", b"")
        }),
        ..answered(2)
    });
    world.file(Cdr {
        origin: Some(callpost::model::ForeignRecord {
            source: "onepos".to_owned(),
            external_id: "e-1".to_owned(),
        }),
        recording: Some(callpost::model::RecordingFacts {
            bytes: None,
            ..facts(RecordingId(call_id(1003).0), "/t/archive/2026/Nov/20/x.mp3", b"")
        }),
        ..answered(3)
    });
    let rows = rows(&world, "").await;
    assert_eq!(
        rows[2]["record_path"],
        format!("/tazaspa102019/archive/2026/Nov/20/{}.mp3", call_id(1003)),
        "what lies at the PBX is played through the box"
    );
    let record_path = rows[0]["record_path"].as_str().unwrap();
    assert_eq!(
        record_path,
        format!("/tazaspa102019/archive/2026/Nov/20/{}.wav", call_id(1001))
    );
    assert_eq!(
        rows[1]["record_path"],
        Value::Null,
        "not before the file is complete"
    );
    let whole = world.get(&format!("/recordings{record_path}")).await;
    assert_eq!(
        (whole.status, whole.header("content-type")),
        (StatusCode::OK, "audio/wav")
    );
    assert!(whole.body == audio);
    let part =
        bearing(ADMIN, Method::GET, &format!("/recordings{record_path}")).header("range", "bytes=100-199");
    let part = world.send(part.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (part.status, part.header("content-range")),
        (StatusCode::PARTIAL_CONTENT, "bytes 100-199/9000")
    );
    assert!(part.body == audio[100..200]);
    let other = call_id(1001);
    for wrong in [
        format!("/x/archive/2026/Nov/21/{other}.wav"),
        format!("/x/{other}.wav"),
        format!("/x/archive/2026/Nov/20/{other}.mp3"),
        format!("/x/archive/2026/Nov/20/{}.wav", call_id(1002)),
        "/x/archive/2026/Nov/20/..%2f..%2fcallpost.db".to_owned(),
        "/../../etc/passwd".to_owned(),
        "/".to_owned(),
    ] {
        let answer = world.get(&format!("/recordings{wrong}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

/// S0-158: 10,000 rows in pages of 200, each accepted by the rules of the program of seed 0. And S0-153: an address of
/// the allow list needs no token.
#[expect(
    clippy::print_stdout,
    reason = "the figure, for those who run it with --nocapture"
)]
#[tokio::test]
async fn the_program_of_the_seed_and_the_page_of_the_browser_pull_ten_thousand_rows() {
    let world = World::new();
    let begin = crate::world::NOON.unix_ms;
    world.file_many((0..10_000_u32).map(|number| {
        let second = i64::from(number / 3);
        Cdr {
            cdr_id: call_id(u128::from(number) * 7919 % 10_007 + 5000),
            call_id: call_id(u128::from(number) * 7919 % 10_007 + 5000),
            started_at: Stamp {
                unix_ms: begin + second * 1000 + i64::from(number % 3) * 300,
                offset_seconds: 3 * 3600,
            },
            direction: [Direction::Inbound, Direction::Outbound, Direction::Internal][number as usize % 3],
            status: [Status::Answer, Status::NoAnswer, Status::Busy, Status::Voicemail][number as usize % 4],
            ..answered(1)
        }
    }));
    let mut faces = world.faces();
    faces.config.onepos.allow = vec!["127.0.0.0/8".parse().unwrap()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v2/cdrs", listener.local_addr().unwrap());
    let _serving = tokio::spawn(callpost::http::serve(
        listener,
        None,
        faces,
        std::future::pending::<()>(),
    ));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/clients");
    let (from, to) = ("2026-11-20 00:00:00", "2026-11-20 23:59:59");

    let mut sync = Command::new("python3");
    sync.arg(format!("{folder}/sync.py"))
        .args([&url, "tazaspa102019", from, to, "200"]);
    let done = run(sync).await;
    assert_eq!(
        (done["fetched"].as_u64(), done["stored"].as_u64()),
        (Some(10_000), Some(10_000)),
        "{done}"
    );
    assert_eq!(
        (done["pages"].as_u64(), done["sorted"].as_bool()),
        (Some(51), Some(true)),
        "{done}"
    );
    assert_eq!(done["skipped"], json!([]));
    println!(
        "10,000 rows were pulled in {:.2} s.",
        done["seconds"].as_f64().unwrap()
    );

    let raw =
        "GET /api/v2/cdrs?domain=a&limit=2&offset=0&from=2026-11-20 00:00:00&to=2026-11-20 23:59:59 HTTP/1.1";
    let answer = exchange(
        &url,
        &format!("{raw}\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
    .await;
    assert!(
        answer.contains("\"result_in_page\":2"),
        "blanks as they are: {answer}"
    );

    let key = world.token("page", "cdr:read", None);
    let mut page = Command::new("node");
    page.arg(format!("{folder}/jsonp.mjs"))
        .args([&url, &key, from, to]);
    let done = run(page).await;
    assert_eq!(done, json!({ "pages": 51, "rows": 10_000, "unique": 10_000 }));
}

/// Sends these bytes and reads to the end.
async fn exchange(url: &str, bytes: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Runs a client to its end; what it says.
async fn run(mut client: Command) -> Value {
    let run = move || client.stdin(Stdio::null()).output();
    let output = tokio::task::spawn_blocking(run)
        .await
        .unwrap()
        .expect("the client starts");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{complained}");
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said} {complained}"))
}
