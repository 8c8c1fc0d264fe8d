//! Who changed, saw and heard what: written down by whoever serves it, shown to the administrator alone.

use crate::world::{ADMIN, World, bearing, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::Value;

/// Who, by which way, what kind of thing, to what; oldest first.
async fn log(world: &World) -> Vec<[String; 4]> {
    let answer = world.get("/api/v1/audit?after=0").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let items = answer.json()["items"].as_array().unwrap().clone();
    items
        .iter()
        .map(|entry| ["by", "way", "did", "what"].map(|name| text(entry, name)))
        .collect()
}

fn entry(by: &str, did: &str, what: &str) -> [String; 4] {
    [by, "token", did, what].map(str::to_owned)
}

/// S2-013: a player that fetches a file in parts listens once; another person listens for themselves.
#[tokio::test]
async fn who_listened_to_which_recording_is_written_down() {
    let world = World::new();
    let id = world.record(7, "2026/11/20/a.wav", &[0x21; 4000]);
    let path = format!("/api/v1/recordings/{id}");
    for part in ["bytes=0-99", "bytes=100-1999"] {
        let ask = bearing(ADMIN, Method::GET, &path).header("range", part);
        let answer = world.send(ask.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    }
    let look = world.ask(Method::HEAD, &path).await;
    assert_eq!(look.status, StatusCode::OK);
    let token = world.token("a supervisor", "cdr:read", None);
    let ask = bearing(&token, Method::GET, &path).body(Body::empty()).unwrap();
    assert_eq!(world.send(ask).await.status, StatusCode::OK);
    let nothing = world
        .get("/api/v1/recordings/00000000-0000-0000-0000-0000000000ff")
        .await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    let heard = format!("GET {path}");
    assert_eq!(
        log(&world).await,
        [
            entry("CALLPOST_ADMIN_TOKEN", "heard", &heard),
            entry("a supervisor", "heard", &heard)
        ]
    );
}

#[tokio::test]
async fn what_is_changed_is_written_down_and_what_is_refused_is_not() {
    let world = World::new();
    world.ask(Method::DELETE, "/api/v1/bans/198.51.100.8").await;
    world.ask(Method::DELETE, "/api/v1/bans/198.51.100.7").await;
    world.get("/api/v1/cdrs").await;
    world.post_json("/graphql", r#"{"query":"{ __typename }"}"#).await;
    let change = r#"{"query":"mutation { deleteCallCenterConfig(id: \"none\") }"}"#;
    world.post_json("/graphql", change).await;
    world
        .get("/api/v1/cdrs/export?format=csv&number=0501234567")
        .await;
    assert_eq!(
        log(&world).await,
        [
            entry(
                "CALLPOST_ADMIN_TOKEN",
                "changed",
                "DELETE /api/v1/bans/198.51.100.7"
            ),
            entry("CALLPOST_ADMIN_TOKEN", "changed", "POST /graphql"),
            entry(
                "CALLPOST_ADMIN_TOKEN",
                "exported",
                "GET /api/v1/cdrs/export?format=csv&number=0501234567"
            ),
        ]
    );
}

#[tokio::test]
async fn the_audit_log_comes_in_pages_and_proves_itself() {
    let world = World::new();
    for _ in 0..3 {
        world.ask(Method::DELETE, "/api/v1/bans/198.51.100.7").await;
    }
    let page = world.get("/api/v1/audit?limit=2").await.json();
    assert_eq!(
        (&page["items"][0]["place"], &page["next"]),
        (&3.into(), &2.into())
    );
    assert_eq!(page["has_more"], true);
    let rest = world.get("/api/v1/audit?limit=2&before=2").await.json();
    assert_eq!(
        (&rest["items"][0]["place"], &rest["next"]),
        (&1.into(), &Value::Null)
    );
    let proof = world.get("/api/v1/audit/verify").await.json();
    assert_eq!(
        (&proof["sound"], &proof["chain"]["entries"]),
        (&true.into(), &3.into())
    );
    assert_eq!(proof["chain"]["head"], page["items"][0]["hash"]);
    for path in ["/api/v1/audit?limit=0", "/api/v1/audit?before=1&after=1"] {
        assert_eq!(world.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let token = world.token("a technician", "cdr:read config:write", None);
    let ask = bearing(&token, Method::GET, "/api/v1/audit");
    let refused = world.send(ask.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let stranger = request(Method::GET, "/api/v1/audit").body(Body::empty()).unwrap();
    assert_eq!(world.send(stranger).await.status, StatusCode::UNAUTHORIZED);
}
