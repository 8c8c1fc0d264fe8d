//! How long recordings stay, and the places that copies go to, as the API tells it.

use crate::world::{NOON, World, cdr, facts};
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
