//! Readers that acknowledge what they have pulled.

use crate::world::{Answer, World, at, bearing, cdr};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

async fn cursor_after(world: &World, records: usize) -> String {
    let page = world.get(&format!("/api/v1/cdrs?limit={records}")).await.json();
    page["next_cursor"].as_str().unwrap().to_owned()
}

async fn acknowledge(world: &World, name: &str, cursor: &str) -> Answer {
    let body = json!({ "cursor": cursor }).to_string();
    world
        .post_json(&format!("/api/v1/consumers/{name}/ack"), &body)
        .await
}

fn filled(records: u32) -> World {
    let world = World::new();
    world.file_many((0..records).map(cdr));
    world
}

async fn consumer(world: &World, name: &str) -> Value {
    let list = world.get("/api/v1/consumers").await.json();
    let items = list["items"].as_array().unwrap().clone();
    items.into_iter().find(|item| item["name"] == name).unwrap()
}

/// S0-159: a token with `cdr:ack` is enough, and nothing less is.
#[tokio::test]
async fn an_acknowledgement_is_monotonic_idempotent_and_says_how_far_behind_the_reader_is() {
    let world = filled(5);
    let third = cursor_after(&world, 3).await;
    let first = cursor_after(&world, 1).await;
    let answer = acknowledge(&world, "billing", &third).await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::OK, json!({ "acked_seq": 3, "lag": 2 }))
    );
    for cursor in [&third, &first] {
        let answer = acknowledge(&world, "billing", cursor).await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::OK, json!({ "acked_seq": 3, "lag": 2 }))
        );
    }
    world.file(cdr(5));
    let known = consumer(&world, "billing").await;
    assert_eq!(
        (known["acked_seq"].as_u64(), known["lag"].as_u64()),
        (Some(3), Some(3))
    );
    assert_eq!(known["required"], false);
    assert!(
        known["last_ack_at"].as_str().unwrap().ends_with("+03:00"),
        "{known}"
    );
    let status = world.get("/api/v1/status").await.json();
    assert_eq!(status["consumers"][0]["name"], "billing");
    let metrics = world.get("/metrics").await.text();
    assert!(
        metrics.contains("callpost_consumer_lag{consumer=\"billing\"} 3\n"),
        "{metrics}"
    );
    let ack_only = world.token("ack", "cdr:ack", None);
    let request = bearing(&ack_only, Method::POST, "/api/v1/consumers/billing/ack")
        .header("content-type", "application/json")
        .body(Body::from(json!({ "cursor": third }).to_string()));
    assert_eq!(world.send(request.unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cursor_of_another_store_or_beyond_the_end_acknowledges_nothing() {
    let world = filled(2);
    let other = filled(4);
    let foreign = cursor_after(&other, 1).await;
    let answer = acknowledge(&world, "billing", &foreign).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::GONE, "cursor_expired".to_owned())
    );
    let problem = answer.json();
    assert_eq!(problem["error"], "cursor_expired");
    let oldest = problem["oldest_cursor"].as_str().unwrap();
    let page = world.get(&format!("/api/v1/cdrs?after={oldest}")).await.json();
    assert_eq!(
        page["items"][0]["seq"], 1,
        "the cursor that comes along begins with the oldest record"
    );
    for (path, body, code) in [
        (
            "/api/v1/consumers/billing/ack",
            json!({ "cursor": "nonsense" }),
            "bad_cursor",
        ),
        ("/api/v1/consumers/billing/ack", json!({}), "bad_request"),
        (
            "/api/v1/consumers/b%20c/ack",
            json!({ "cursor": oldest }),
            "bad_request",
        ),
        (
            "/api/v1/consumers/billing/seek",
            json!({ "seq": 3 }),
            "cursor_expired",
        ),
        (
            "/api/v1/consumers/billing/seek",
            json!({ "seq": 1, "to": "oldest" }),
            "bad_request",
        ),
        (
            "/api/v1/consumers/billing/seek",
            json!({ "to": "the moon" }),
            "bad_request",
        ),
        (
            "/api/v1/consumers/billing/seek",
            json!({ "time": "noon" }),
            "bad_request",
        ),
        ("/api/v1/consumers/billing/seek", json!({}), "bad_request"),
    ] {
        let answer = world.post_json(path, &body.to_string()).await;
        assert_eq!(answer.problem(), code, "{path} {body}");
    }
    let items = world.get("/api/v1/consumers").await.json()["items"].clone();
    assert_eq!(
        items.as_array().unwrap().len(),
        1,
        "only the one the configuration requires: {items}"
    );
}

#[tokio::test]
async fn a_required_reader_is_shown_before_it_was_ever_heard_of() {
    let world = filled(3);
    let known = consumer(&world, "crm").await;
    assert_eq!(
        (known["required"].clone(), known["lag"].as_u64()),
        (json!(true), Some(3))
    );
    assert_eq!(known["last_ack_at"], Value::Null);
    acknowledge(&world, "crm", &cursor_after(&world, 2).await).await;
    let known = consumer(&world, "crm").await;
    assert_eq!(
        (known["required"].clone(), known["acked_seq"].as_u64()),
        (json!(true), Some(2))
    );
}

#[tokio::test]
async fn an_administrator_moves_a_reader_and_the_reader_goes_on_from_there() {
    let world = filled(5);
    acknowledge(&world, "billing", &cursor_after(&world, 5).await).await;
    let third = cursor_after(&world, 3).await;
    for (target, acked_seq) in [
        (json!({ "to": "oldest" }), 0),
        (json!({ "to": "latest" }), 5),
        (json!({ "seq": 1 }), 1),
        (json!({ "time": at(2).to_string() }), 2),
        (json!({ "cursor": third }), 3),
    ] {
        let answer = world
            .post_json("/api/v1/consumers/billing/seek", &target.to_string())
            .await;
        assert_eq!(
            answer.json()["acked_seq"],
            acked_seq,
            "{target}: {}",
            answer.text()
        );
        let next = world.get("/api/v1/cdrs?consumer=billing&limit=1").await.json();
        let first = next["items"][0]["seq"].as_u64();
        assert_eq!(first, (acked_seq < 5).then_some(acked_seq + 1), "{target}");
    }
    let gone = world.ask(Method::DELETE, "/api/v1/consumers/billing").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let gone = world.ask(Method::DELETE, "/api/v1/consumers/billing").await;
    assert_eq!(gone.problem(), "not_found");
}

/// A puller that is killed between its page and its acknowledgement reads the page again and loses nothing.
#[tokio::test]
async fn a_puller_that_is_killed_at_any_place_misses_nothing() {
    let world = filled(20);
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..30 {
        let page = world.get("/api/v1/cdrs?consumer=billing&limit=4").await.json();
        for item in page["items"].as_array().unwrap() {
            seen.insert(item["seq"].as_u64().unwrap());
        }
        let killed_before_its_acknowledgement = round % 3 == 0;
        if !killed_before_its_acknowledgement {
            acknowledge(&world, "billing", page["next_cursor"].as_str().unwrap()).await;
        }
    }
    assert_eq!(seen, (1..=20).collect());
    assert_eq!(consumer(&world, "billing").await["lag"], 0);
}
