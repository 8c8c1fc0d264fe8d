//! What went over the wire in a call, as the API and its page give it.

use crate::world::{ADMIN, NOON, World, bearing, cdr, now};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::model::{CallId, LegId};
use callpost::sip::Flow;
use callpost::trace::Way;
use std::time::Duration;

/// A call whose caller's name tries to be a script, as a box would have traced it.
fn trace(world: &World, call: CallId) {
    let tap = world.traces.tap(now(), NOON.unix_ms);
    let caller: Flow = "udp 127.0.0.20:5060 127.0.0.1:5060".parse().unwrap();
    let head = |first: &str, call_id: &str, more: &str| {
        format!(
            "{first}\r\nFrom: \"<script>alert(1)</script>\" <sip:1@h>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n{more}\r\n"
        )
    };
    let invite = head(
        "INVITE sip:500@h SIP/2.0",
        "a@h",
        "Authorization: Digest username=\"ali\", response=\"6629fae4\"\r\n",
    );
    let mut at = now();
    let mut say = |way, bytes: String| {
        tap.message(at, way, &caller, bytes.as_bytes());
        at += Duration::from_millis(20);
    };
    say(Way::Received, invite);
    say(Way::Received, head("INVITE sip:500@h SIP/2.0", "stranger@h", ""));
    say(Way::Sent, head("SIP/2.0 180 Ringing", "a@h", ""));
    say(
        Way::Sent,
        head(
            "SIP/2.0 486 Busy Here",
            "a@h",
            "Reason: Q.850;cause=17;text=\"User busy\"\r\n",
        ),
    );
    tap.belongs(call, LegId::CALLER, "a@h");
}

/// S2-012
#[tokio::test]
async fn a_calls_ladder_is_given_as_steps_as_letters_and_as_a_capture() {
    let world = World::new();
    let record = cdr(1);
    let call = record.call_id;
    world.file(record);
    trace(&world, call);
    let path = format!("/api/v1/calls/{call}/ladder");
    let answer = world.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.json();
    let steps = body["steps"].as_array().unwrap();
    let titles: Vec<_> = steps.iter().map(|step| step["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["INVITE", "180 Ringing", "486 Busy Here"]);
    assert_eq!(steps[2]["reason"], "User busy");
    assert_eq!(steps[1]["offset_us"], 40_000);
    let invite = steps[0]["message"].as_str().unwrap();
    assert!(
        invite.contains("username=\"ali\", response=\"********\""),
        "{invite}"
    );

    let drawn = world.get(&format!("{path}?format=text")).await.text();
    assert!(
        drawn.contains("180 Ringing") && drawn.contains("486 Busy Here (User"),
        "{drawn}"
    );

    let metrics = world.get("/metrics").await.text();
    assert!(
        metrics.contains("callpost_trace_messages_total{how=\"written\"} 3"),
        "{metrics}"
    );

    let capture = world.get(&format!("/api/v1/calls/{call}/pcap")).await;
    assert_eq!(capture.headers["content-type"], "application/vnd.tcpdump.pcap");
    assert_eq!(capture.body[..4], 0xa1b2_c3d4_u32.to_le_bytes());
}

#[tokio::test]
async fn a_call_nobody_traced_and_a_wrong_wish_are_named() {
    let world = World::new();
    let record = cdr(1);
    let call = record.call_id;
    world.file(record);
    let path = format!("/api/v1/calls/{call}/ladder");
    assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.get(&format!("{path}?format=svg")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        world.get("/api/v1/calls/x/pcap").await.status,
        StatusCode::NOT_FOUND
    );
}

/// ROBUSTNESS 58: what arrives by SIP is shown as text.
#[tokio::test]
async fn the_calls_page_shows_ladder_course_and_sound_and_runs_nothing() {
    let world = World::new();
    let record = cdr(1);
    let call = record.call_id;
    world.file(record);
    trace(&world, call);
    for language in ["en", "ar", "vi"] {
        let request =
            bearing(ADMIN, Method::GET, &format!("/calls/{call}")).header("accept-language", language);
        let page = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, StatusCode::OK);
        let html = page.text();
        assert!(
            html.contains("<svg") && html.contains("486 Busy Here"),
            "{language}"
        );
        assert!(html.contains("&#60;script&#62;alert(1)"), "{language}");
        assert!(!html.contains("<script>alert(1)"), "{language}");
    }
    let missing = world.get("/calls/018f0000-0000-7000-8000-000000000000").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_known_to_be_wrong_is_told_to_programs_and_people() {
    let world = World::new();
    let mut record = cdr(1);
    record.cause = Some("session_expired".to_owned());
    let call = record.call_id;
    world.file(record);
    let answer = world.get(&format!("/api/v1/calls/{call}/verdict")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let item = &answer.json()["items"][0];
    assert_eq!(
        (item["code"].as_str(), item["severity"].as_str()),
        (Some("session_expired"), Some("fault"))
    );
    assert!(
        item["text"].as_str().unwrap().starts_with("The far side stopped"),
        "{item}"
    );
    assert!(item["cure"].is_string());
    for (language, word) in [
        ("en", "stopped refreshing"),
        ("ar", "تجديد الجلسة"),
        ("vi", "làm mới phiên"),
    ] {
        let request =
            bearing(ADMIN, Method::GET, &format!("/calls/{call}")).header("accept-language", language);
        let page = world.send(request.body(Body::empty()).unwrap()).await;
        assert!(page.text().contains(word), "{language}");
    }
    let unknown = world
        .get("/api/v1/calls/018f0000-0000-7000-8000-000000000000/verdict")
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
