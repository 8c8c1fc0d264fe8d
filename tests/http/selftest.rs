//! `GET` and `POST /api/v1/selftest`.

use crate::world::{World, bearing};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::checkup::{Outcome, Report};

fn report() -> Report {
    Report {
        at: crate::world::NOON,
        took_ms: 1200,
        outcome: Outcome::Warn,
        lines: Vec::new(),
    }
}

#[tokio::test]
async fn a_self_test_is_begun_followed_and_read() {
    let world = World::new();
    let before = world.get("/api/v1/selftest").await.json();
    assert_eq!(
        (&before["running"], before["report"].is_null()),
        (&false.into(), true)
    );
    let begun = world.ask(Method::POST, "/api/v1/selftest").await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    assert_eq!(begun.json()["running"], true);
    // Whoever asks for one while one is under way gets that one.
    let again = world.ask(Method::POST, "/api/v1/selftest").await;
    assert_eq!(again.status, StatusCode::ACCEPTED);

    let waiting = world.get("/api/v1/selftest?wait=60");
    let ending = async {
        world.caretaker.selftest.send_modify(|now| {
            now.running = false;
            now.report = Some(report());
        });
    };
    let (seen, ()) = tokio::join!(waiting, ending);
    let seen = seen.json();
    assert_eq!(
        (&seen["report"]["outcome"], &seen["report"]["took_ms"]),
        (&"warn".into(), &1200.into())
    );
}

#[tokio::test]
async fn a_self_test_is_begun_by_who_may_change_the_box_and_seen_by_who_may_look() {
    let world = World::new();
    let token = world.token("a reader's token", "calls:read", None);
    for (method, status) in [
        (Method::POST, StatusCode::FORBIDDEN),
        (Method::GET, StatusCode::OK),
    ] {
        let ask = bearing(&token, method, "/api/v1/selftest");
        assert_eq!(world.send(ask.body(Body::empty()).unwrap()).await.status, status);
    }
    let answer = world.get("/api/v1/selftest?wait=3600").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}
