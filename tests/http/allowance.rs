//! How much one token may ask: a bucket that runs empty for it alone.

use crate::world::{Answer, World, bearing};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use std::time::Duration;

async fn ask(world: &World, token: &str, path: &str) -> Answer {
    world
        .send(bearing(token, Method::GET, path).body(Body::empty()).unwrap())
        .await
}

#[tokio::test]
async fn a_token_that_asks_too_much_waits_and_nobody_else_does() {
    let world = World::new();
    let (wild, calm) = (
        world.token("wild", "calls:read cdr:read", None),
        world.token("calm", "calls:read", None),
    );
    for _ in 0..300 {
        assert_eq!(ask(&world, &wild, "/api/v1/calls").await.status, StatusCode::OK);
    }
    let refused = ask(&world, &wild, "/api/v1/calls").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.problem(), "too_many_requests");
    assert_eq!(refused.header("retry-after"), "1");
    // The same bucket behind the other door, in that door's own way.
    let pull = "/api/v2/cdrs?domain=d&limit=1&offset=0&from=2026-11-20+00:00:00&to=2026-11-20+23:59:59";
    for path in [pull.to_owned(), format!("{pull}&api_key={wild}")] {
        let token = if path.contains("api_key") { "" } else { &wild };
        let request = crate::world::request(Method::GET, &path);
        let request = match token {
            "" => request,
            token => request.header("authorization", format!("Bearer {token}")),
        };
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(
            (answer.json()["status"].as_str(), answer.header("retry-after")),
            (Some("error"), "1")
        );
    }
    assert_eq!(ask(&world, &calm, "/api/v1/calls").await.status, StatusCode::OK);
    // 1,200 a minute: one more every 50 ms.
    world.outside.pass(Duration::from_millis(100));
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(ask(&world, &wild, "/api/v1/calls").await.status, status);
    }
    let health = crate::world::request(Method::GET, "/health")
        .body(Body::empty())
        .unwrap();
    assert_eq!(world.send(health).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_shows_no_token_uses_up_nobodys_allowance() {
    let world = World::new();
    let token = world.token("reader", "calls:read", None);
    for _ in 0..400 {
        let stranger = ask(&world, "guess", "/api/v1/calls").await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(&world, &token, "/api/v1/calls").await.status, StatusCode::OK);
}
