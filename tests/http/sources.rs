//! The PBXs beside the box, through the API.

use crate::stand_in::{Bad, StandIn, rows};
use crate::world::{ADMIN, Answer, World, bearing};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

async fn send(world: &World, method: Method, path: &str, body: Value) -> Answer {
    let request = bearing(ADMIN, method, path).header("content-type", "application/json");
    world
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

fn settings(pbx: &StandIn) -> Value {
    json!({
        "name": "pbx", "api_url": pbx.url(), "domain": "tenant", "is_active": true, "allow_http": true,
        "api_key": "hush-hush", "timezone": "Asia/Ho_Chi_Minh", "batch_size": 2,
    })
}

async fn made(world: &World, pbx: &StandIn) -> String {
    let answer = send(world, Method::POST, "/api/v1/cdr/sources", settings(pbx)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// S0-089, S0-138, S0-164
#[tokio::test]
async fn a_source_is_made_looked_at_changed_and_removed() {
    let (world, pbx) = (World::new(), StandIn::start().await);
    let sample = world.get("/api/v1/cdr/sources").await.json();
    assert_eq!(sample["items"][0]["is_active"], false);
    let sample = sample["items"][0]["id"].as_str().unwrap().to_owned();
    let gone = world
        .ask(Method::DELETE, &format!("/api/v1/cdr/sources/{sample}"))
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);

    let id = made(&world, &pbx).await;
    let path = format!("/api/v1/cdr/sources/{id}");
    let change = json!({"cron_expression": "0 0 9 * * 1", "sync_mode": "SCHEDULED"});
    let changed = send(&world, Method::PUT, &path, change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    let shown = world.get(&path).await.json();
    assert_eq!(shown["schedule_in_words"]["en"], "on Monday at 09:00");
    assert_eq!(shown["schedule_in_words"]["vi"], "vào Thứ Hai lúc 09:00");
    assert_eq!(shown["next_runs"].as_array().unwrap().len(), 5);
    assert_eq!(shown["next_run_at"], shown["next_runs"][0]);
    let history = world.get(&format!("{path}/history")).await.json();
    let change = json!({"cron_expression": "0 0 9 * * 1", "sync_mode": "SCHEDULED"});
    assert_eq!(history["items"][0]["change"], change);
    assert_eq!(history["items"][0]["author"], "CALLPOST_ADMIN_TOKEN");
    assert_eq!(
        world.ask(Method::DELETE, &path).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND);
}

/// S0-035: the address is tried when it is saved, and the failing step is named.
#[tokio::test]
async fn saving_an_active_source_tries_the_way_to_it() {
    let (world, pbx) = (World::new(), StandIn::start().await);
    pbx.put(rows(1));
    let answer = send(&world, Method::POST, "/api/v1/cdr/sources", settings(&pbx))
        .await
        .json();
    assert_eq!(answer["test"]["ok"], true, "{answer}");
    let path = format!("/api/v1/cdr/sources/{}", answer["id"].as_str().unwrap());
    let answer = send(
        &world,
        Method::PUT,
        &path,
        json!({"api_url": "http://127.0.0.1:1/cdrs"}),
    )
    .await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "a PBX that is off can be saved all the same"
    );
    assert_eq!(answer.json()["test"]["failing_step"], "tcp");
    let tested = send(&world, Method::POST, &format!("{path}/test"), json!({}))
        .await
        .json();
    assert_eq!(
        (&tested["ok"], &tested["failing_step"]),
        (&json!(false), &json!("tcp"))
    );
    assert_eq!(tested["steps"].as_array().unwrap().len(), 5);
}

/// S0-002, S0-087, S0-101, S0-164
#[tokio::test]
async fn a_sync_is_started_followed_and_refused_while_one_runs() {
    let (world, pbx) = (World::new(), StandIn::start().await);
    pbx.put(rows(3));
    let id = made(&world, &pbx).await;
    let started = send(&world, Method::POST, "/api/v1/cdr/sync", json!({})).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text());
    let log = started.json()["log_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/cdr/sync/logs/{log}?wait=20");
    let mut shown = world.get(&path).await.json();
    while shown["status"] == "running" {
        shown = world.get(&path).await.json();
    }
    assert_eq!(
        (&shown["status"], &shown["records_created"]),
        (&json!("success"), &json!(3))
    );

    pbx.answer_next(vec![Some(Bad::Hangs)]);
    let one = format!("/api/v1/cdr/sources/{id}/sync");
    assert_eq!(
        send(&world, Method::POST, &one, json!({})).await.status,
        StatusCode::ACCEPTED
    );
    let second = send(&world, Method::POST, "/api/v1/cdr/sync", json!({"source": "pbx"})).await;
    assert_eq!(
        (second.status, second.problem()),
        (StatusCode::CONFLICT, "already_running".into())
    );

    let logs = world.get("/api/v1/cdr/sync/logs?page=1&limit=1").await.json();
    let pages = json!({"current_page": 1, "total_pages": 2, "total_items": 2});
    assert_eq!(logs["pagination"], pages);
    let stats = world.get("/api/v1/cdr/sync/stats").await.json();
    assert_eq!(
        (&stats["total_records_synced"], &stats["batch_size"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(
        world.get("/api/v1/cdr/quarantine").await.json()["pagination"]["total_items"],
        0
    );
}

/// S0-037, S0-163
#[tokio::test]
async fn no_answer_shows_a_key() {
    let (world, pbx) = (World::new(), StandIn::start().await);
    let id = made(&world, &pbx).await;
    for path in [
        "/api/v1/cdr/sources".to_owned(),
        format!("/api/v1/cdr/sources/{id}"),
        format!("/api/v1/cdr/sources/{id}/history"),
    ] {
        let answer = world.get(&path).await;
        assert!(!answer.text().contains("hush"), "{path}: {}", answer.text());
    }
    assert_eq!(
        world.get(&format!("/api/v1/cdr/sources/{id}")).await.json()["has_api_key"],
        true
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_cure() {
    let (world, pbx) = (World::new(), StandIn::start().await);
    made(&world, &pbx).await;
    for (body, status, code) in [
        (json!({"name": "pbx"}), StatusCode::CONFLICT, "taken"),
        (
            json!({"name": "two", "batch_size": 1001}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_source",
        ),
        (
            json!({"name": "two", "cron_expression": "* *"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_source",
        ),
        (
            json!({"name": "two", "api_url": "http://pbx.example/"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_source",
        ),
        (json!({"nmae": "two"}), StatusCode::BAD_REQUEST, "bad_request"),
    ] {
        let answer = send(&world, Method::POST, "/api/v1/cdr/sources", body.clone()).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (status, code),
            "{body}"
        );
    }
    for (body, status) in [
        (json!({"source": "nobody"}), StatusCode::NOT_FOUND),
        (json!({"from": "yesterday"}), StatusCode::BAD_REQUEST),
        (
            json!({"from": "2026-11-20T12:00:00Z", "to": "2026-11-19T12:00:00Z"}),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = send(&world, Method::POST, "/api/v1/cdr/sync", body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
    }
    for path in [
        "/api/v1/cdr/sync/logs?limit=0",
        "/api/v1/cdr/sync/logs?page=0",
        "/api/v1/cdr/quarantine?limit=501",
    ] {
        assert_eq!(world.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

/// S0-128: a form checks while somebody writes.
#[tokio::test]
async fn a_schedule_is_told_in_words_while_it_is_written() {
    let world = World::new();
    let good = world
        .get("/api/v1/cdr/schedule?cron=0+*/5+*+*+*+*&language=ar")
        .await
        .json();
    assert_eq!(
        (&good["valid"], &good["words"]),
        (&json!(true), &json!("كل 5 دقيقة"))
    );
    assert_eq!(good["next_runs"].as_array().unwrap().len(), 5);
    let bad = world.get("/api/v1/cdr/schedule?cron=often").await.json();
    assert_eq!(bad["valid"], false);
    assert!(bad["error"].as_str().unwrap().contains("six fields"));
}

/// S0-080
#[tokio::test]
async fn a_recording_at_the_pbx_is_played_through_the_box_with_seek() {
    let (world, pbx) = (World::new(), StandIn::start().await);
    pbx.lock("hush-hush");
    pbx.put(rows(2));
    let id = made(&world, &pbx).await;
    let started = send(
        &world,
        Method::POST,
        &format!("/api/v1/cdr/sources/{id}/sync"),
        json!({}),
    )
    .await
    .json();
    let path = format!(
        "/api/v1/cdr/sync/logs/{}?wait=20",
        started["log_id"].as_str().unwrap()
    );
    while world.get(&path).await.json()["status"] == "running" {}
    let records = world.get("/api/v1/cdrs").await.json();
    let record = records["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|cdr| !cdr["recording"].is_null())
        .unwrap();
    let path = format!(
        "/api/v1/recordings/{}",
        record["recording"]["id"].as_str().unwrap()
    );
    let whole = world.get(&path).await;
    assert_eq!(
        (whole.status, whole.header("content-type")),
        (StatusCode::OK, "audio/mpeg")
    );
    assert_eq!(whole.text(), "ID3 this is a recording");
    let request = bearing(ADMIN, Method::GET, &path).header("range", "bytes=4-7");
    let part = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (part.status, part.header("content-range")),
        (StatusCode::PARTIAL_CONTENT, "bytes 4-7/23")
    );
    assert_eq!(part.text(), "this");
}
