//! What people do about destinations: enable one that said it is gone, accept a changed key.

use crate::world::{World, cdr};
use axum::http::{Method, StatusCode};

#[tokio::test]
async fn a_destination_that_is_gone_stays_visible_and_can_be_enabled() {
    let world = World::new();
    world.file(cdr(1));
    let outbox = world.store.outbox();
    outbox.begin("head-office", "first address").unwrap();
    outbox.next_batch("head-office", 1).unwrap();
    outbox
        .gone("head-office", &[1], "the receiver answered 410 Gone", Some(410))
        .unwrap();
    let status = world.get("/api/v1/status").await.json();
    let shown = &status["outbox"][0];
    assert_eq!(shown["state"], "disabled");
    assert_eq!((&shown["last_code"], &shown["pending"]), (&410.into(), &1.into()));
    let metrics = world.get("/metrics").await.text();
    assert!(
        metrics.contains("callpost_outbox_state{upstream=\"head-office\",state=\"disabled\"} 1"),
        "{metrics}"
    );

    let answer = world
        .ask(Method::POST, "/api/v1/upstreams/head-office/enable")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let status = world.get("/api/v1/status").await.json();
    assert_eq!(status["outbox"][0]["state"], "ok");
    let answer = world.ask(Method::POST, "/api/v1/upstreams/nobody/enable").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_changed_key_is_shown_beside_the_pinned_one_and_can_be_accepted() {
    let world = World::new();
    let status = world.get("/api/v1/status").await.json();
    let pin = &status["tls_pins"][0];
    assert_eq!(
        (&pin["kept"], &pin["shown"]),
        (&"sha256/old".into(), &"sha256/new".into())
    );
    let answer = world
        .ask(Method::POST, "/api/v1/upstreams/head-office/accept-key")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = world
        .ask(Method::POST, "/api/v1/upstreams/other/accept-key")
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
