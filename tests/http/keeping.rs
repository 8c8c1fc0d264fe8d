//! How long recordings stay, and the places that copies go to, as the API tells it.

use crate::world::{ADMIN, NOON, World, bearing, cdr, facts, sha256};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::model::{Cdr, RecordingId, Stamp};

/// S3-087: which rule takes what and when, without taking anything.
#[tokio::test]
async fn the_preview_says_which_rule_takes_what_and_when() {
    let world = World::new();
    let id = world.record(1001, "2026/11/20/a.wav", &[7; 320]);
    let preview = world.get("/api/v1/recordings/retention?limit=5").await.json();
    assert_eq!((&preview["recordings"], &preview["due"]), (&1.into(), &0.into()));
    let rule = &preview["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["days"]),
        (&"recording.retention_days".into(), &90.into())
    );
    let next = &preview["next"][0];
    assert_eq!(next["id"], id.to_string());
    assert_eq!(next["due_at"], "2027-02-18T12:00:00.000+03:00");
    let answer = world.get("/api/v1/recordings/retention?limit=1001").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_look_can_be_asked_for_once_at_a_time() {
    let world = World::new();
    let ask = || world.ask(Method::POST, "/api/v1/recordings/retention/run");
    assert_eq!(ask().await.status, StatusCode::ACCEPTED);
    assert_eq!(ask().await.status, StatusCode::CONFLICT);
}

/// S0-027: what has left the box is told with its rule, in place of a file that is missing.
#[tokio::test]
async fn a_recording_that_was_removed_says_when_and_why() {
    let world = World::new();
    let audio = [7; 320];
    let id = world.record(1001, "2026/11/20/a.wav", &audio);
    world.file(Cdr {
        recording: Some(facts(id, "recordings/2026/11/20/a.wav", &audio)),
        ..cdr(1)
    });
    let upkeep = world.store.upkeep();
    let rule = "recording.retention_days".to_owned();
    assert_eq!(upkeep.begin_removals(vec![(id, rule.clone())]).unwrap(), [id]);
    let row = world.store.reader().recording(id).unwrap().unwrap().row;
    upkeep
        .finish_removals(
            vec![(row, rule)],
            Stamp {
                unix_ms: NOON.unix_ms,
                ..NOON
            },
        )
        .unwrap();
    let answer = world.get(&format!("/api/v1/recordings/{id}")).await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::GONE, "recording_removed")
    );
    let text = answer.text();
    assert!(
        text.contains("recording.retention_days") && text.contains("no copy"),
        "{text}"
    );
    let item = world.get("/api/v1/recordings").await.json()["items"][0].clone();
    assert_eq!(
        (&item["state"], &item["removed_by"]),
        (&"removed".into(), &"recording.retention_days".into())
    );
    assert_eq!(item["bytes"], 320);
    let _ = RecordingId(id.0);
}

/// S3-124: a place is tested by its steps, and shown with what waits for it.
#[tokio::test]
async fn a_place_is_shown_tested_and_tried_again() {
    let world = World::new();
    world.store.uploads().begin(&["nas".to_owned()]).unwrap();
    world.record(1001, "2026/11/20/a.wav", &[7; 320]);
    let place = world.get("/api/v1/storages").await.json()["items"][0].clone();
    assert_eq!(
        (&place["storage"], &place["type"]),
        (&"nas".into(), &"local".into())
    );
    assert_eq!(
        (&place["pending"], &place["pending_bytes"]),
        (&1.into(), &320.into())
    );
    let status = world.get("/api/v1/status").await.json();
    assert_eq!(status["storages"][0]["storage"], "nas");
    let metrics = world.get("/metrics").await.text();
    assert!(
        metrics.contains("callpost_storage_pending{storage=\"nas\"} 1"),
        "{metrics}"
    );
    let tested = world.ask(Method::POST, "/api/v1/storages/nas/test").await.json();
    assert_eq!(
        (&tested["ok"], &tested["failed"]),
        (&false.into(), &"write".into())
    );
    let retried = world.ask(Method::POST, "/api/v1/storages/nas/retry").await.json();
    assert_eq!(retried["recordings"], 1);
    for path in ["/api/v1/storages/other/test", "/api/v1/storages/other/retry"] {
        assert_eq!(world.ask(Method::POST, path).await.status, StatusCode::NOT_FOUND);
    }
}

/// Has the recording copied to the place as it lies here, and takes the file away by this rule.
fn leave(world: &World, id: RecordingId, path: &str, rule: &str) {
    let uploads = world.store.uploads();
    uploads.begin(&["nas".to_owned()]).unwrap();
    let job = uploads.take("nas").unwrap().unwrap();
    assert_eq!(job.row.id, id);
    let row = job.row.clone();
    let bytes = std::fs::read(world.recordings().join(path)).unwrap();
    let key = format!("branch-01/{path}");
    let copy = world.mount().join(&key);
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    std::fs::write(&copy, &bytes).unwrap();
    let length = bytes.len() as u64;
    uploads
        .verified("nas", job, &key, length, &sha256(&bytes), None)
        .unwrap();
    let upkeep = world.store.upkeep();
    upkeep.begin_removals(vec![(id, rule.to_owned())]).unwrap();
    std::fs::remove_file(world.recordings().join(path)).unwrap();
    upkeep
        .finish_removals(vec![(row, rule.to_owned())], NOON)
        .unwrap();
}

async fn hear(world: &World, id: RecordingId, range: &str) -> crate::world::Answer {
    let path = format!("/api/v1/recordings/{id}");
    let request = bearing(ADMIN, Method::GET, &path).header("range", range);
    world.send(request.body(Body::empty()).unwrap()).await
}

/// What a rule took is heard from its copy, through the box; what a person deleted is not.
#[tokio::test]
async fn a_recording_that_a_rule_took_is_heard_from_its_copy() {
    let world = World::new();
    let audio: Vec<u8> = (0..600_000_u32).map(|place| (place % 251) as u8).collect();
    let path = "2026/11/20/a.wav";
    let id = world.record(1001, path, &audio);
    leave(&world, id, path, "recording.retention_days");
    let all = world.get(&format!("/api/v1/recordings/{id}")).await;
    assert_eq!(
        (all.status, all.header("content-type")),
        (StatusCode::OK, "audio/wav")
    );
    assert!(all.body == audio);
    let part = hear(&world, id, "bytes=500000-500099").await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.header("content-range"), "bytes 500000-500099/600000");
    assert!(part.body == audio[500_000..500_100]);
    std::fs::remove_dir_all(world.mount()).unwrap();
    let answer = hear(&world, id, "bytes=0-9").await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::BAD_GATEWAY, "copy_out_of_reach")
    );
    assert!(
        answer.text().contains("is the disk mounted?"),
        "{}",
        answer.text()
    );
    let other = "2026/11/20/b.wav";
    let deleted = world.record(1002, other, &audio);
    leave(&world, deleted, other, "deleted by sara");
    let answer = hear(&world, deleted, "bytes=0-9").await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::GONE, "recording_removed")
    );
}

/// An encrypted copy is opened here: the place it lies at never had the key.
#[tokio::test]
async fn an_encrypted_copy_is_heard_as_what_was_said() {
    let mut world = World::new();
    world.with_keys(&"ab".repeat(32));
    let audio = crate::evidence::wav();
    let id = world.record(1001, "2026/11/20/a.wav", &audio);
    let sealed = world
        .post_json(&format!("/api/v1/recordings/{id}/rekey"), "")
        .await;
    assert_eq!(sealed.status, StatusCode::OK, "{}", sealed.text());
    leave(
        &world,
        id,
        "2026/11/20/a.wav.sealed",
        "storage.nas.keep_local_days",
    );
    let part = hear(&world, id, "bytes=58-1057").await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{}", part.text());
    assert!(part.body == audio[58..1058]);
    world.with_keys("");
    let answer = hear(&world, id, "bytes=0-9").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// A redaction goes to the copies at once, also when one of them is just being sent, and is shown until it is there.
#[tokio::test]
async fn a_redaction_waits_for_its_copies_in_the_open() {
    let world = World::new();
    let path = "2026/11/20/a.wav";
    let audio = crate::evidence::wav();
    let id = world.record(1001, path, &audio);
    let uploads = world.store.uploads();
    uploads.begin(&["nas".to_owned()]).unwrap();
    let job = uploads.take("nas").unwrap().unwrap();
    let body = r#"{"from": 0, "to": 1, "reason": "a card number"}"#;
    let redacted = world
        .post_json(&format!("/api/v1/recordings/{id}/redact"), body)
        .await;
    assert_eq!(redacted.status, StatusCode::OK, "{}", redacted.text());
    assert_eq!(redacted.json()["copies"][0]["state"], "waiting");
    // What was under way arrives: it is what was said before.
    uploads
        .verified("nas", job, "a.wav", 32_058, &sha256(&audio), None)
        .unwrap();
    let history = format!("/api/v1/recordings/{id}/history");
    let copies = world.get(&history).await.json()["copies"].clone();
    assert_eq!(copies[0]["state"], "waiting", "{copies}");
    let job = uploads.take("nas").unwrap().unwrap();
    let now = job.sha256.clone().unwrap();
    assert_ne!(now, sha256(&audio));
    uploads.verified("nas", job, "a.wav", 32_058, &now, None).unwrap();
    let copies = world.get(&history).await.json()["copies"].clone();
    assert_eq!(
        (&copies[0]["storage"], &copies[0]["state"]),
        (&"nas".into(), &"verified".into())
    );
    assert!(uploads.take("nas").unwrap().is_none());
}

/// A hold is seen in the list.
#[tokio::test]
async fn a_recording_under_hold_says_so_in_the_list() {
    let world = World::new();
    let id = world.record(1001, "2026/11/20/a.wav", &[7; 320]);
    let item = |list: serde_json::Value| list["items"][0]["held_since"].clone();
    assert!(item(world.get("/api/v1/recordings").await.json()).is_null());
    let held = world
        .post_json(
            &format!("/api/v1/recordings/{id}/hold"),
            r#"{"reason": "case 12"}"#,
        )
        .await;
    assert_eq!(held.status, StatusCode::OK);
    let since = item(world.get("/api/v1/recordings").await.json());
    assert!(
        since.as_str().is_some_and(|since| since.starts_with("20")),
        "{since}"
    );
}

/// What recordings and messages cost, for who watches many boxes.
#[tokio::test]
async fn the_metrics_tell_of_recorder_and_errands() {
    let world = World::new();
    let metrics = world.get("/metrics").await.text();
    for line in [
        "callpost_recorder_dropped_seconds_total 0.12",
        "callpost_recorder_writes_total 0",
        "callpost_recorder_queue_deepest 0",
        "callpost_message_errands{state=\"given_up\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}
