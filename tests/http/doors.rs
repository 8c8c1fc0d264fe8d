//! Who gets in, and what every answer carries.

use crate::world::{ADMIN, World, bearing, request};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use callpost::http::routes;
use std::time::Duration;

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

const SHUT: [StatusCode; 2] = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];

const SCOPES: [&str; 7] = [
    "cdr:read",
    "cdr:ack",
    "calls:read",
    "calls:control",
    "agents:state",
    "agents:write",
    "config:write",
];

/// A path with something in each of its places.
fn named(path: &str) -> String {
    path.replace("{id}", "00000000-0000-0000-0000-000000000009")
        .replace("{name}", "head-office")
        .replace("{*path}", "tenant/archive/2025/Sep/11/x.wav")
}

/// Paths of a dialect, whose errors look as that system's do.
fn speaks_a_dialect(path: &str) -> bool {
    path.starts_with("/api/v2/") || path.starts_with("/recordings/")
}

fn paths() -> Vec<String> {
    let mut paths: Vec<String> = routes().iter().map(|route| named(route.path)).collect();
    paths.extend(
        [
            "/nowhere",
            "/api",
            "/api/v1/nowhere",
            "/assets/other.js",
            "/favicon.ico",
        ]
        .map(str::to_owned),
    );
    paths.dedup();
    paths
}

#[tokio::test]
async fn no_route_and_no_method_lets_a_stranger_in() {
    let world = World::new();
    let expired = world.token("expired", "admin", Some(0));
    let revoked = world.token("revoked", "admin", None);
    assert!(world.store.accounts().revoke_token(&revoked).unwrap());
    let keys = [
        None,
        Some("Bearer wrong".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Basic {ADMIN}")),
        Some(ADMIN.to_owned()),
        Some(format!("Bearer {ADMIN}x")),
        Some(format!("Bearer {expired}")),
        Some(format!("Bearer {revoked}")),
    ];
    for path in paths() {
        for method in METHODS {
            for key in &keys {
                let mut request = request(method.clone(), &path);
                if let Some(key) = key {
                    request = request.header("authorization", key);
                }
                let answer = world.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(
                    answer.status,
                    StatusCode::UNAUTHORIZED,
                    "{method} {path} with {key:?}"
                );
                assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"callpost\"");
                if speaks_a_dialect(&path) && method == Method::GET {
                    assert_eq!(answer.json()["status"], "error", "{path}");
                } else if method != Method::HEAD {
                    assert_eq!(answer.problem(), "unauthorized");
                }
            }
        }
    }
    assert!(world.engine.told().is_empty());
}

#[tokio::test]
async fn a_token_without_the_routes_scope_is_forbidden_and_one_with_it_passes() {
    let world = World::new();
    for route in routes() {
        let path = named(route.path);
        if route.scope == "any" {
            let knows_nothing = world.token(&format!("any {} {path}", route.method), "", None);
            let request = bearing(&knows_nothing, route.method.clone(), &path);
            let admitted = world.send(request.body(Body::empty()).unwrap()).await.status;
            assert!(!SHUT.contains(&admitted), "{} {path}: {admitted}", route.method);
            continue;
        }
        let includes = |scope: &str| scope == "agents:write" && route.scope == "agents:state";
        let others: Vec<&str> = SCOPES
            .into_iter()
            .filter(|scope| *scope != route.scope && !includes(scope))
            .collect();
        let weak = world.token(&format!("weak {} {path}", route.method), &others.join(" "), None);
        let strong = world.token(&format!("strong {} {path}", route.method), &route.scope, None);
        let send = async |token: &str| {
            world
                .send(
                    bearing(token, route.method.clone(), &path)
                        .body(Body::empty())
                        .unwrap(),
                )
                .await
        };
        let refused = send(&weak).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{} {path}", route.method);
        if speaks_a_dialect(&path) {
            assert_eq!(refused.json()["status"], "error", "{path}");
        } else {
            assert_eq!(refused.problem(), "forbidden");
        }
        assert!(refused.text().contains(&route.scope), "{}", refused.text());
        let admitted = send(&strong).await.status;
        assert!(!SHUT.contains(&admitted), "{} {path}: {admitted}", route.method);
    }
    assert!(world.engine.told().is_empty());
}

/// What each role may do (S4-141).
const ROLES: [(&str, &[&str]); 4] = [
    ("viewer", &["cdr:read", "calls:read"]),
    ("agent", &["cdr:read", "calls:read", "agents:state"]),
    ("technician", &SCOPES),
    ("admin", &["admin"]),
];

/// ROBUSTNESS 63, S4-141: every route there is, for a person of each role.
#[tokio::test]
async fn a_person_gets_as_far_as_the_role_goes_and_no_further() {
    let world = World::new();
    for (role, scopes) in ROLES {
        let cookie = world.log_in(role, role).await;
        for route in routes().iter().filter(|route| route.path != "/logout") {
            let path = named(route.path);
            if speaks_a_dialect(&path) {
                continue;
            }
            let may = route.scope == "any" || role == "admin" || scopes.contains(&route.scope.as_str());
            world.outside.pass(Duration::from_secs(1));
            let answer = world.with_cookie(&cookie, route.method.clone(), &path, "").await;
            let what = format!("{role}: {} {path}: {}", route.method, answer.status);
            if may {
                assert!(!SHUT.contains(&answer.status), "{what}");
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
                assert_eq!(answer.problem(), "forbidden", "{what}");
            }
        }
    }
    assert!(world.engine.told().is_empty());
}

/// ROBUSTNESS 65, 66: a cookie alone changes nothing; the request has to come from a page of ours.
#[tokio::test]
async fn a_foreign_page_cannot_use_a_visitors_session() {
    let world = World::new();
    let cookie = world.log_in("mona", "admin").await;
    let origins = [
        None,
        Some("null"),
        Some("http://evil.example"),
        Some("http://127.0.0.1:8081"),
    ];
    for route in routes().iter().filter(|route| route.method != Method::GET) {
        let path = named(route.path);
        for origin in origins {
            world.outside.pass(Duration::from_secs(1));
            let mut request = request(route.method.clone(), &path).header("cookie", &cookie);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{} {path} from {origin:?}",
                route.method
            );
            assert_eq!(answer.problem(), "foreign_origin");
        }
    }
    assert!(world.engine.told().is_empty());
    let still = world.with_cookie(&cookie, Method::GET, "/api/v1/me", "").await;
    assert_eq!(still.json()["role"], "admin");
}

#[tokio::test]
async fn only_health_and_the_way_in_are_open() {
    let world = World::new();
    for path in [
        "/health",
        "/login",
        "/assets/callpost.css",
        "/assets/callpost.svg",
    ] {
        let answer = world
            .send(request(Method::GET, path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(
            !answer.text().contains("+9665"),
            "{path} shows a number to strangers"
        );
    }
}

#[tokio::test]
async fn a_browser_without_a_session_is_shown_the_way_in() {
    let world = World::new();
    let browser = |path: &str| {
        request(Method::GET, path)
            .header("accept", "text/html,*/*;q=0.8")
            .body(Body::empty())
    };
    let answer = world.send(browser("/").unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/login");
    let answer = world.send(browser("/api/v1/status").unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_turned_away_even_with_the_right_token() {
    let world = World::new();
    for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", ""] {
        for path in ["/", "/health", "/login", "/api/v1/status"] {
            let request = Request::get(path)
                .header("host", host)
                .header("authorization", format!("Bearer {ADMIN}"));
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host} {path}");
            assert_eq!(answer.problem(), "unknown_host");
        }
    }
    let without_host = world
        .send(Request::get("/health").body(Body::empty()).unwrap())
        .await;
    assert_eq!(without_host.status, StatusCode::MISDIRECTED_REQUEST);
    let foreign_target = Request::get("http://evil.example/health").header("host", "localhost");
    let answer = world.send(foreign_target.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    for host in ["callpost.branch.example", "localhost:8080", "[::1]:8080"] {
        let answer = world
            .send(
                Request::get("/health")
                    .header("host", host)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_a_browser_and_its_own_id() {
    let world = World::new();
    let mut ids = std::collections::BTreeSet::new();
    let answers = [
        world.get("/").await,
        world.get("/api/v1/status").await,
        world.get("/api/v1/nowhere").await,
        world.ask(Method::DELETE, "/api/v1/status").await,
        world
            .send(request(Method::GET, "/login").body(Body::empty()).unwrap())
            .await,
        world
            .send(request(Method::GET, "/").body(Body::empty()).unwrap())
            .await,
        world
            .send(
                Request::get("/")
                    .header("host", "evil.example")
                    .body(Body::empty())
                    .unwrap(),
            )
            .await,
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(
            ids.insert(answer.header("x-request-id").to_owned()),
            "an id came twice"
        );
    }
}

#[tokio::test]
async fn errors_of_the_libraries_are_problems_too() {
    let world = World::new();
    let answer = world.ask(Method::DELETE, "/api/v1/cdrs").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed".into())
    );
    assert!(
        answer.header("allow").contains("GET"),
        "{}",
        answer.header("allow")
    );
    let answer = world.get("/api/v1/nowhere").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::NOT_FOUND, "not_found".into())
    );
    let answer = world.get("/api/v1/cdrs?limit=many").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::BAD_REQUEST, "bad_request".into())
    );
    let answer = world.get("/api/v1/calls/%ff").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::BAD_REQUEST, "bad_request".into())
    );
}

#[tokio::test]
async fn a_body_over_64_kilobytes_is_refused_whether_or_not_it_says_so() {
    let world = World::new();
    let large = "x".repeat(64 * 1024 + 1);
    let answer = world.post_json("/api/v1/agents/ali/state", &large).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too_large".into())
    );
    let pieces = of_unknown_length(large);
    let request =
        bearing(ADMIN, Method::POST, "/api/v1/agents/ali/state").header("content-type", "application/json");
    let answer = world.send(request.body(pieces).unwrap()).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too_large".into())
    );
}

/// A body whose length is not known beforehand.
fn of_unknown_length(text: String) -> Body {
    struct Pieces(Option<String>);
    impl http_body::Body for Pieces {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.take().map(|text| Ok(http_body::Frame::data(text.into()))))
        }
    }
    Body::new(Pieces(Some(text)))
}
