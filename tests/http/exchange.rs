//! What stands around every request: its name, the tag of its answer, the sites that may ask.

use crate::world::{ADMIN, Answer, World, bearing, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};

async fn with_header(world: &World, path: &str, name: &str, value: &str) -> Answer {
    let request = bearing(ADMIN, Method::GET, path).header(name, value);
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_request_keeps_the_name_it_came_with_and_a_problem_carries_it() {
    let world = World::new();
    let own = with_header(&world, "/api/v1/calls", "x-request-id", "crm-42.a_b").await;
    assert_eq!(own.header("x-request-id"), "crm-42.a_b");
    for wrong in ["", "a b", "a/b", &"x".repeat(65)] {
        let made = with_header(&world, "/api/v1/calls", "x-request-id", wrong).await;
        assert_ne!(made.header("x-request-id"), wrong);
        assert!(!made.header("x-request-id").is_empty());
    }
    for path in ["/api/v1/nowhere", "/api/v1/cdrs?limit=many", "/api/v1/calls/x"] {
        let problem = with_header(&world, path, "x-request-id", "crm-43").await;
        assert_eq!(problem.json()["request_id"], "crm-43", "{path}");
    }
    let stranger = request(Method::GET, "/api/v1/calls").body(Body::empty()).unwrap();
    let refused = world.send(stranger).await;
    assert_eq!(refused.json()["request_id"], refused.header("x-request-id"));
}

#[tokio::test]
async fn an_answer_that_has_not_changed_is_not_sent_again() {
    let world = World::new();
    world.token("one", "cdr:read", None);
    let first = world.get("/api/v1/tokens").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let strong = tag.trim_start_matches("W/").to_owned();
    for known in [tag.clone(), strong, "*".to_owned(), format!("\"other\", {tag}")] {
        let same = with_header(&world, "/api/v1/tokens", "if-none-match", &known).await;
        assert_eq!(
            (same.status, same.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{known}"
        );
        assert_eq!(same.header("etag"), tag);
    }
    world.token("two", "cdr:read", None);
    let other = with_header(&world, "/api/v1/tokens", "if-none-match", &tag).await;
    assert_eq!(other.status, StatusCode::OK);
    assert_ne!(other.header("etag"), tag);
    let refused = with_header(&world, "/api/v1/nowhere", "if-none-match", "*").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

/// S1-088, S4-137: the same origin alone, unless the configuration names others.
#[tokio::test]
async fn another_site_asks_with_a_token_where_it_is_named_and_never_with_a_session() {
    let mut world = World::new();
    let mut faces = world.faces();
    faces.config.cors_origins = vec!["https://crm.example".to_owned()];
    world.router = callpost::http::router(faces);
    let preflight = async |origin: &str| {
        let request = request(Method::OPTIONS, "/api/v1/calls")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        world.send(request.body(Body::empty()).unwrap()).await
    };
    let allowed = preflight("https://crm.example").await;
    assert_eq!(allowed.status, StatusCode::NO_CONTENT);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://crm.example"
    );
    assert!(
        allowed
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    for foreign in [
        "https://evil.example",
        "https://crm.example.evil.example",
        "null",
        "http://crm.example",
    ] {
        let refused = preflight(foreign).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{foreign}");
        assert_eq!(refused.header("access-control-allow-origin"), "", "{foreign}");
    }
    let asked = with_header(&world, "/api/v1/calls", "origin", "https://crm.example").await;
    assert_eq!(asked.status, StatusCode::OK);
    assert_eq!(asked.header("access-control-allow-origin"), "https://crm.example");
    assert_eq!(asked.header("vary"), "origin");
    let cookie = world.log_in("mona", "admin").await;
    let ridden = request(Method::POST, "/api/v1/users")
        .header("cookie", &cookie)
        .header("origin", "https://crm.example");
    let refused = world.send(ridden.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.problem(), "foreign_origin");
}
