//! Recordings as evidence: held, redacted, deleted, encrypted, and proven to be there.

use crate::world::{ADMIN, Answer, World, bearing, sha256};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::model::RecordingId;
use serde_json::Value;
use std::time::Duration;

const PATH: &str = "2026/11/20/a.wav";
const KEY: &str = "abababababababababababababababababababababababababababababababab";
const NEXT: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";

/// Two seconds of two loud channels in µ-law.
pub(crate) fn wav() -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [
        &b"RIFF"[..],
        &(50 + 32_000_u32).to_le_bytes(),
        b"WAVEfmt ",
        &18_u32.to_le_bytes(),
        &7_u16.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &8000_u32.to_le_bytes(),
        &16_000_u32.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &8_u16.to_le_bytes(),
        &0_u16.to_le_bytes(),
        b"fact",
        &4_u32.to_le_bytes(),
        &16_000_u32.to_le_bytes(),
        b"data",
        &32_000_u32.to_le_bytes(),
    ] {
        bytes.extend_from_slice(part);
    }
    bytes.resize(58 + 32_000, 0x21);
    bytes
}

async fn post(world: &World, id: RecordingId, what: &str, body: &str) -> Answer {
    world
        .post_json(&format!("/api/v1/recordings/{id}/{what}"), body)
        .await
}

async fn delete(world: &World, id: RecordingId) -> Answer {
    let path = format!("/api/v1/recordings/{id}?reason=asked%20for");
    world.ask(Method::DELETE, &path).await
}

async fn audio(world: &World, id: RecordingId) -> Answer {
    world.get(&format!("/api/v1/recordings/{id}")).await
}

async fn history(world: &World, id: RecordingId) -> Value {
    world
        .get(&format!("/api/v1/recordings/{id}/history"))
        .await
        .json()
}

fn deeds(history: &Value) -> Vec<&str> {
    let items = history["items"].as_array().unwrap().iter();
    items.map(|item| item["what"].as_str().unwrap()).collect()
}

/// What a look at everything finds.
async fn look(world: &World) -> Value {
    look_until(world, |_| true).await
}

/// The same, past what an earlier look found.
async fn look_until(world: &World, is_it: impl Fn(&Value) -> bool) -> Value {
    let begun = world.ask(Method::POST, "/api/v1/recordings/verify").await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    // Asked now and then: a token has so many requests, and the clock of this world stands.
    for _ in 0..600 {
        let answer = world.get("/api/v1/recordings/verify").await;
        if answer.status == StatusCode::OK
            && let found = answer.json()
            && is_it(&found)
        {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the look at the recordings never ends");
}

/// S2-011, S2-062: the span is silent, the tombstone has both hashes, the record has a new version.
#[tokio::test]
async fn a_span_is_redacted_with_its_hashes_in_the_history() {
    let world = World::new();
    let id = world.record(7, PATH, &wav());
    let answer = post(
        &world,
        id,
        "redact",
        r#"{"from":0.5,"to":1.25,"reason":"card number"}"#,
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    let (before, after) = (
        answer.json()["sha256_before"].clone(),
        answer.json()["sha256"].clone(),
    );
    assert_eq!(before, sha256(&wav()));
    let heard = audio(&world, id).await.body;
    assert_eq!(after, sha256(&heard));
    let span = 58 + 8000..58 + 20_000;
    assert!(heard[span.clone()].iter().all(|byte| *byte == 0xff));
    assert!(
        heard[58..span.start]
            .iter()
            .chain(&heard[span.end..])
            .all(|byte| *byte == 0x21)
    );
    let told = history(&world, id).await;
    assert_eq!(deeds(&told), ["written", "redaction_begun", "redacted"]);
    let redacted = &told["items"][2];
    assert_eq!((&redacted["before"], &redacted["after"]), (&before, &after));
    assert_eq!(redacted["span_ms"], serde_json::json!([500, 1250]));
    assert_eq!(redacted["reason"], "card number");
    assert!(redacted["by"].is_string() && redacted["at"].is_string());
    assert_eq!(look(&world).await["sound"], true);
}

#[tokio::test]
async fn what_cannot_be_redacted_is_said_and_left_as_it_is() {
    let world = World::new();
    let id = world.record(7, PATH, &wav());
    let open = world.open_recording(8, "2026/11/20/b.wav", &wav());
    let failed = world.fail_recording(9, "no audio came");
    let unknown = RecordingId(uuid::Uuid::from_u128(77));
    for (id, body, status) in [
        (id, r#"{"from":1,"to":1}"#, 400),
        (id, r#"{"from":-1,"to":1}"#, 400),
        (id, r#"{"from":9,"to":10}"#, 400),
        (id, r#"{"from":0,"to":1,"x":2}"#, 400),
        (open, r#"{"from":0,"to":1}"#, 409),
        (failed, r#"{"from":0,"to":1}"#, 404),
        (unknown, r#"{"from":0,"to":1}"#, 404),
    ] {
        let answer = post(&world, id, "redact", body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {:?}", answer.json());
    }
    assert!(audio(&world, id).await.body == wav());
}

/// FIELD A6: a legal hold wins over everything.
#[tokio::test]
async fn a_held_recording_is_not_deleted_until_it_is_released() {
    let world = World::new();
    let id = world.record(7, PATH, &wav());
    let answer = post(&world, id, "hold", r#"{"reason":"case 12"}"#).await;
    assert_eq!(answer.json()["changed"], true);
    assert_eq!(
        post(&world, id, "hold", r#"{"reason":"again"}"#).await.json()["changed"],
        false
    );
    let refused = delete(&world, id).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.problem(), "legal_hold");
    assert_eq!(audio(&world, id).await.status, StatusCode::OK);
    assert!(history(&world, id).await["held_since"].is_string());
    post(&world, id, "release", r#"{"reason":"closed"}"#).await;
    assert_eq!(delete(&world, id).await.status, StatusCode::NO_CONTENT);
    assert_eq!(audio(&world, id).await.status, StatusCode::GONE);
    assert_eq!(delete(&world, id).await.status, StatusCode::NOT_FOUND);
    let told = history(&world, id).await;
    assert_eq!(deeds(&told), ["written", "held", "released", "removed"]);
    assert_eq!(
        told["items"][3]["before"],
        sha256(&wav()),
        "the tombstone keeps the hash"
    );
    let found = look(&world).await;
    assert_eq!(
        (&found["sound"], &found["recordings"]["removed"]),
        (&true.into(), &1.into())
    );
}

/// S3-084, S4-144: at rest nobody reads it; players do, by Range too.
#[tokio::test]
async fn an_encrypted_recording_is_played_in_parts_and_not_without_its_key() {
    let mut world = World::new();
    let id = world.record(7, PATH, &wav());
    let refused = post(&world, id, "rekey", "{}").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    world.with_keys(KEY);
    assert_eq!(post(&world, id, "rekey", "{}").await.json()["changed"], true);
    assert_eq!(post(&world, id, "rekey", "{}").await.json()["changed"], false);
    let on_disk = std::fs::read(world.recordings().join(format!("{PATH}.sealed"))).unwrap();
    assert!(!on_disk.windows(64).any(|window| window == [0x21; 64]));
    assert!(!world.recordings().join(PATH).exists());
    let whole = audio(&world, id).await;
    assert_eq!(whole.header("content-type"), "audio/wav");
    assert!(whole.body == wav());
    for (range, first, last) in [
        ("bytes=0-57", 0, 57),
        ("bytes=50-100", 50, 100),
        ("bytes=-10", 32_048, 32_057),
    ] {
        let request = bearing(ADMIN, Method::GET, &format!("/api/v1/recordings/{id}")).header("range", range);
        let part = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert!(part.body == wav()[first..=last], "{range}");
    }
    post(&world, id, "redact", r#"{"from":0,"to":1}"#).await;
    assert!(
        audio(&world, id).await.body[58..16_058]
            .iter()
            .all(|byte| *byte == 0xff)
    );
    world.with_keys(&format!("{NEXT}\n{KEY}"));
    assert_eq!(post(&world, id, "rekey", "{}").await.json()["changed"], true);
    world.with_keys(NEXT);
    assert_eq!(audio(&world, id).await.status, StatusCode::OK);
    assert_eq!(look(&world).await["sound"], true);
    world.with_keys(KEY);
    let refused = audio(&world, id).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.problem(), "no_key");
    assert_eq!(
        look(&world).await["recordings"]["problems"][0]["judgement"],
        "no_key"
    );
}

/// B4: expected, present, playable; tampering is found.
#[tokio::test]
async fn a_file_that_was_changed_or_taken_is_found() {
    let world = World::new();
    assert_eq!(
        world.get("/api/v1/recordings/verify").await.status,
        StatusCode::NOT_FOUND
    );
    world.record(7, PATH, &wav());
    world.record(8, "2026/11/20/b.wav", &wav());
    let found = look(&world).await;
    assert_eq!(found["sound"], true, "{found}");
    assert_eq!(found["chain"]["entries"], 2);
    let mut changed = wav();
    changed[5000] ^= 1;
    std::fs::write(world.recordings().join(PATH), changed).unwrap();
    std::fs::remove_file(world.recordings().join("2026/11/20/b.wav")).unwrap();
    std::fs::write(world.recordings().join("stranger.wav"), b"x").unwrap();
    let found = look_until(&world, |found| found["sound"] == false).await;
    let problems = found["recordings"]["problems"].as_array().unwrap();
    let judged: Vec<_> = problems
        .iter()
        .map(|item| item["judgement"].as_str().unwrap())
        .collect();
    assert_eq!(judged, ["changed", "missing"]);
    assert_eq!(found["recordings"]["orphans"][0], "recordings/stranger.wav");
    assert_eq!(found["recordings"]["expected"], 2);
}
