//! Destinations: how far each is, the proof of delivery, and what a person does about them.

use crate::world::{World, at, cdr};
use axum::http::StatusCode;
use callpost::store::Batch;
use serde_json::{Value, json};

const HERE: &str = "/api/v1/upstreams/head-office";

fn filled(records: u32) -> World {
    let world = World::new();
    world.file_many((0..records).map(cdr));
    world
}

fn take_all(world: &World) -> Vec<u64> {
    match world.store.outbox().next_batch("head-office", 1000).unwrap() {
        Batch::Items(items) => items.iter().map(|item| item.seq).collect(),
        Batch::WaitUntil(_) | Batch::Empty => Vec::new(),
    }
}

async fn post(world: &World, what: &str, body: Value) -> (StatusCode, Value) {
    let answer = world
        .post_json(&format!("{HERE}/{what}"), &body.to_string())
        .await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn the_proof_of_delivery_accounts_for_every_record_and_finds_no_gap() {
    let world = filled(6);
    let outbox = world.store.outbox();
    take_all(&world);
    outbox.delivered("head-office", &[1, 2, 3]).unwrap();
    outbox.park("head-office", 4, "422 Unprocessable").unwrap();
    outbox.put_back("head-office", &[5, 6]).unwrap();
    let proof = world
        .get(&format!("{HERE}/proof?from_seq=2&to_seq=6"))
        .await
        .json();
    for (count, expected) in [
        ("filed", 5),
        ("sent", 3),
        ("acknowledged", 2),
        ("pending", 2),
        ("parked", 1),
        ("deleted_unacknowledged", 0),
        ("gaps", 0),
    ] {
        assert_eq!(proof[count], expected, "{count} in {proof}");
    }
    assert_eq!(
        proof["ranges"]["acknowledged"],
        json!([{ "from_seq": 2, "to_seq": 3 }])
    );
    let all = world.get(&format!("{HERE}/proof")).await.json();
    assert_eq!(
        (
            all["from_seq"].as_u64(),
            all["to_seq"].as_u64(),
            all["filed"].as_u64()
        ),
        (Some(1), Some(6), Some(6))
    );
    assert_eq!(
        world
            .get(&format!("{HERE}/proof?from_seq=3&to_seq=2"))
            .await
            .problem(),
        "bad_request"
    );
    assert_eq!(
        world.get("/api/v1/upstreams/nobody/proof").await.problem(),
        "not_found"
    );
}

#[tokio::test]
async fn a_replay_counts_first_and_then_sends_the_range_again_once() {
    let world = filled(6);
    take_all(&world);
    world
        .store
        .outbox()
        .delivered("head-office", &[1, 2, 3, 4, 5, 6])
        .unwrap();
    let (status, counted) = post(
        &world,
        "replay",
        json!({ "from_seq": 2, "to_seq": 4, "dry_run": true }),
    )
    .await;
    assert_eq!((status, counted["records"].as_u64()), (StatusCode::OK, Some(3)));
    assert!(take_all(&world).is_empty(), "a dry run sends nothing");
    let (status, begun) = post(&world, "replay", json!({ "from_seq": 2, "to_seq": 4 })).await;
    assert_eq!(
        (status, begun["queued"].as_u64(), begun["state"].as_str()),
        (StatusCode::ACCEPTED, Some(3), Some("done"))
    );
    let (_, again) = post(&world, "replay", json!({ "from_seq": 2, "to_seq": 4 })).await;
    assert_eq!(again["queued"], 0, "what waits is not queued twice");
    let shown = world.get(HERE).await.json();
    assert_eq!(
        (
            shown["pending"].as_u64(),
            shown["replay"]["progress_percent"].as_u64()
        ),
        (Some(3), Some(100))
    );
    assert_eq!(shown["replay"]["asked_by"], "CALLPOST_ADMIN_TOKEN");
    assert_eq!(take_all(&world), [2, 3, 4]);
    let (from, to) = (at(4).to_string(), at(9).to_string());
    let (_, by_time) = post(&world, "replay", json!({ "from": from, "to": to })).await;
    assert_eq!(
        (by_time["records"].as_u64(), by_time["from_seq"].as_u64()),
        (Some(2), Some(5))
    );
    assert_eq!(take_all(&world), [5, 6]);
}

#[tokio::test]
async fn a_mistaken_replay_is_named_and_queues_nothing() {
    let world = filled(2);
    take_all(&world);
    world.store.outbox().delivered("head-office", &[1, 2]).unwrap();
    for wish in [
        json!({}),
        json!({ "from_seq": 2, "to_seq": 1 }),
        json!({ "from_seq": "one" }),
        json!({ "from_seq": -1, "to_seq": 1 }),
        json!({ "from": "yesterday" }),
        json!({ "from": at(2).to_string(), "to": at(1).to_string() }),
        json!({ "from_seq": 1, "until": 2 }),
    ] {
        let (status, problem) = post(&world, "replay", wish.clone()).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("bad_request")),
            "{wish}"
        );
    }
    let (status, beyond) = post(&world, "replay", json!({ "from_seq": 7, "to_seq": 9 })).await;
    assert_eq!((status, beyond["records"].as_u64()), (StatusCode::OK, Some(0)));
    let nobody = world
        .post_json("/api/v1/upstreams/nobody/replay", "{\"from_seq\":1}")
        .await;
    assert_eq!(nobody.problem(), "not_found");
    assert!(take_all(&world).is_empty());
    let metrics = world.get("/metrics").await.text();
    assert!(
        metrics.contains("callpost_http_answers_total{status=\"400\"} 7\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn parked_records_are_shown_tried_again_or_given_up_with_a_reason() {
    let world = filled(4);
    take_all(&world);
    for seq in 1..=4 {
        world
            .store
            .outbox()
            .park("head-office", seq, "422 <b>no</b>")
            .unwrap();
    }
    let page = world.get(&format!("{HERE}/parked?limit=3")).await.json();
    assert_eq!(
        (
            page["items"].as_array().unwrap().len(),
            page["has_more"].as_bool()
        ),
        (3, Some(true))
    );
    assert_eq!(
        (
            page["items"][0]["seq"].as_u64(),
            page["items"][0]["error"].as_str()
        ),
        (Some(1), Some("422 <b>no</b>"))
    );
    assert_eq!(page["items"][0]["record"]["caller_number"], "+966500000000");
    let (_, tried) = post(&world, "parked/retry", json!({ "seqs": [2, 77] })).await;
    assert_eq!(tried["queued"], 1);
    assert_eq!(take_all(&world), [2]);
    for mistake in [
        json!({ "seqs": [1] }),
        json!({ "seqs": [1], "reason": "  " }),
        json!({ "seqs": [], "reason": "a test" }),
        json!({ "seqs": [1], "all": true, "reason": "a test" }),
        json!({ "reason": "a test" }),
        json!({ "all": true, "reason": "x".repeat(201) }),
    ] {
        let (status, _) = post(&world, "parked/drop", mistake.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{mistake}");
    }
    let (_, dropped) = post(
        &world,
        "parked/drop",
        json!({ "all": true, "reason": "calls of the fitter" }),
    )
    .await;
    assert_eq!(dropped["dropped"], 3);
    let proof = world.get(&format!("{HERE}/proof")).await.json();
    assert_eq!(
        (
            proof["dropped"].as_u64(),
            proof["parked"].as_u64(),
            proof["gaps"].as_u64()
        ),
        (Some(3), Some(0), Some(0))
    );
}

#[tokio::test]
async fn what_waits_is_tried_now_when_a_person_says_so() {
    let world = filled(1);
    take_all(&world);
    let in_an_hour = at(60).unix_ms;
    world
        .store
        .outbox()
        .retry("head-office", 1, in_an_hour, "503")
        .unwrap();
    assert!(take_all(&world).is_empty());
    let (status, hurried) = post(&world, "retry", json!({})).await;
    assert_eq!(
        (status, hurried["hurried"].as_u64()),
        (StatusCode::ACCEPTED, Some(1))
    );
    assert_eq!(take_all(&world), [1]);
    let list = world.get("/api/v1/upstreams").await.json();
    assert_eq!(list["items"][0]["upstream"], "head-office");
    assert_eq!(world.get("/api/v1/upstreams/nobody").await.problem(), "not_found");
}
