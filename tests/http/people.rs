//! People and tokens: made, changed, shown once, ended at once, written down.

use crate::world::{ADMIN, Answer, World, bearing, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

async fn ask_with(world: &World, token: &str, method: Method, path: &str) -> Answer {
    world
        .send(bearing(token, method, path).body(Body::empty()).unwrap())
        .await
}

async fn with_json(world: &World, method: Method, path: &str, body: &Value) -> Answer {
    let request = bearing(ADMIN, method, path).header("content-type", "application/json");
    world
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

/// What the audit log says was done, oldest first.
async fn deeds(world: &World) -> Vec<String> {
    let log = world.get("/api/v1/audit?after=0").await.json();
    let items = log["items"].as_array().unwrap();
    items
        .iter()
        .map(|entry| {
            format!(
                "{}: {}",
                entry["by"].as_str().unwrap(),
                entry["what"].as_str().unwrap()
            )
        })
        .collect()
}

/// S4-140, S4-166: no default password; one is made and shown once.
#[tokio::test]
async fn somebody_who_is_added_logs_in_with_the_password_that_was_shown_once() {
    let world = World::new();
    let added = world
        .post_json("/api/v1/users", r#"{"name":" mona ","role":"technician"}"#)
        .await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    let shown = added.json();
    let password = shown["password"].as_str().unwrap();
    assert_eq!(
        (shown["name"].as_str(), shown["role"].as_str()),
        (Some("mona"), Some("technician"))
    );
    assert_eq!(password.len(), 19, "four groups of four: {password}");

    let list = world.get("/api/v1/users").await;
    assert!(
        !list.text().contains(password) && !list.text().contains("argon2"),
        "{}",
        list.text()
    );
    assert_eq!(list.json()["items"][0]["last_login_at"], Value::Null);
    assert_eq!(world.knock("mona", password).await.status, StatusCode::SEE_OTHER);
    let one = world.get("/api/v1/users/mona").await.json();
    assert!(one["last_login_at"].is_string(), "{one}");
    assert_eq!(one["scopes"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn what_is_wrong_with_a_wish_is_said_with_its_cure() {
    let world = World::new();
    world.log_in("mona", "admin").await;
    for (body, code, hint) in [
        (
            json!({"name": "", "role": "viewer"}),
            "bad_request",
            "1 to 64 characters",
        ),
        (
            json!({"name": "a\nb", "role": "viewer"}),
            "bad_request",
            "1 to 64 characters",
        ),
        (
            json!({"name": "eve", "role": "emperor"}),
            "bad_request",
            "viewer, agent, technician, admin",
        ),
        (
            json!({"name": "eve", "role": "viewer", "password": "short"}),
            "bad_request",
            "10 characters",
        ),
        (
            json!({"name": "mona", "role": "viewer"}),
            "name_taken",
            "another name",
        ),
        (json!({"name": "eve"}), "bad_request", "role"),
        (
            json!({"name": "eve", "role": "viewer", "shoe_size": 43}),
            "bad_request",
            "shoe_size",
        ),
    ] {
        let answer = world.post_json("/api/v1/users", &body.to_string()).await;
        assert_eq!(answer.problem(), code, "{body}");
        assert!(answer.text().contains(hint), "{body}: {}", answer.text());
    }
    for (method, path) in [
        (Method::GET, "/api/v1/users/nobody"),
        (Method::DELETE, "/api/v1/users/nobody"),
        (Method::DELETE, "/api/v1/tokens/nothing"),
        (Method::DELETE, "/api/v1/sessions/nothing"),
    ] {
        assert_eq!(world.ask(method, path).await.problem(), "not_found", "{path}");
    }
}

/// A box without an administrator could not be looked after any more.
#[tokio::test]
async fn the_last_administrator_stays_one() {
    let world = World::new();
    world.log_in("mona", "admin").await;
    let demoted = with_json(
        &world,
        Method::PUT,
        "/api/v1/users/mona",
        &json!({"role": "viewer"}),
    )
    .await;
    assert_eq!(
        (demoted.status, demoted.problem()),
        (StatusCode::CONFLICT, "last_admin".to_owned())
    );
    assert_eq!(
        world.ask(Method::DELETE, "/api/v1/users/mona").await.problem(),
        "last_admin"
    );
    world.log_in("omar", "admin").await;
    let demoted = with_json(
        &world,
        Method::PUT,
        "/api/v1/users/mona",
        &json!({"role": "viewer"}),
    )
    .await;
    assert_eq!(demoted.json()["role"], "viewer");
}

#[tokio::test]
async fn a_role_a_password_and_a_removal_count_from_the_next_request_on() {
    let world = World::new();
    let cookie = world.log_in("mona", "viewer").await;
    let may = async |path: &str| world.with_cookie(&cookie, Method::GET, path, "").await.status;
    assert_eq!(may("/api/v1/users").await, StatusCode::FORBIDDEN);
    with_json(
        &world,
        Method::PUT,
        "/api/v1/users/mona",
        &json!({"role": "admin"}),
    )
    .await;
    assert_eq!(may("/api/v1/users").await, StatusCode::OK);
    let made = with_json(&world, Method::POST, "/api/v1/users/mona/password", &json!({})).await;
    let password = made.json()["password"].as_str().unwrap().to_owned();
    assert_eq!(may("/api/v1/users").await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        world.knock("mona", "a+long+password").await.status,
        StatusCode::UNAUTHORIZED
    );
    let back = world.knock("mona", &password).await;
    let cookie = back.header("set-cookie").split(';').next().unwrap().to_owned();
    world.log_in("omar", "admin").await;
    let gone = world.ask(Method::DELETE, "/api/v1/users/mona").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let after = world.with_cookie(&cookie, Method::GET, "/api/v1/calls", "").await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

/// S4-140: shown once, kept as a hash, listed without itself, revoked at once.
#[tokio::test]
async fn a_token_is_shown_once_and_revoked_at_once() {
    let world = World::new();
    let wish = json!({"name": "crm", "scopes": ["cdr:ack", "cdr:read"], "expires_days": 30});
    let made = world.post_json("/api/v1/tokens", &wish.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let shown = made.json();
    let (id, token) = (shown["id"].as_str().unwrap(), shown["token"].as_str().unwrap());
    assert!(token.starts_with("callpost_") && token.len() == 52, "{token}");
    assert_eq!(shown["scopes"], json!(["cdr:read", "cdr:ack"]));
    assert_eq!(shown["expires_at"], "2026-12-20T12:00:00.000+03:00");

    assert_eq!(
        ask_with(&world, token, Method::GET, "/api/v1/cdrs").await.status,
        StatusCode::OK
    );
    assert_eq!(
        ask_with(&world, token, Method::GET, "/api/v1/calls").await.status,
        StatusCode::FORBIDDEN
    );
    let me = ask_with(&world, token, Method::GET, "/api/v1/me").await.json();
    assert_eq!(
        (&me["name"], &me["kind"], &me["role"]),
        (&json!("crm"), &json!("token"), &Value::Null)
    );

    world.settle();
    let list = world.get("/api/v1/tokens").await;
    assert!(!list.text().contains(token), "{}", list.text());
    let listed = list.json()["items"][0].clone();
    assert_eq!(
        (&listed["state"], &listed["created_by"]),
        (&json!("valid"), &json!("CALLPOST_ADMIN_TOKEN"))
    );
    assert_eq!(listed["last_used_at"], "2026-11-20T12:00:00.000+03:00");

    let revoked = world.ask(Method::DELETE, &format!("/api/v1/tokens/{id}")).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(
        ask_with(&world, token, Method::GET, "/api/v1/cdrs")
            .await
            .problem(),
        "unauthorized"
    );
    assert_eq!(
        world.get("/api/v1/tokens").await.json()["items"][0]["state"],
        "revoked"
    );
    assert_eq!(
        deeds(&world).await,
        [
            format!("CALLPOST_ADMIN_TOKEN: POST /api/v1/tokens ({id}, crm: cdr:read cdr:ack)"),
            format!("CALLPOST_ADMIN_TOKEN: DELETE /api/v1/tokens/{id}"),
        ]
    );
}

#[tokio::test]
async fn a_token_ends_when_it_was_said_to() {
    let world = World::new();
    let wish = json!({"name": "crm", "scopes": ["cdr:read"], "expires_at": "2026-11-20T12:01:00+03:00"});
    let token = world.post_json("/api/v1/tokens", &wish.to_string()).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        ask_with(&world, &token, Method::GET, "/api/v1/cdrs").await.status,
        StatusCode::OK
    );
    world.outside.pass(Duration::from_secs(60));
    assert_eq!(
        ask_with(&world, &token, Method::GET, "/api/v1/cdrs")
            .await
            .problem(),
        "unauthorized"
    );
    assert_eq!(
        world.get("/api/v1/tokens").await.json()["items"][0]["state"],
        "expired"
    );
    for (wish, hint) in [
        (
            json!({"name": "x", "scopes": ["cdr:read"], "expires_at": "2026-11-20T12:00:00+03:00"}),
            "past",
        ),
        (json!({"name": "x", "scopes": []}), "scope"),
        (json!({"name": "x", "scopes": ["cdr:write"]}), "cdr:write"),
        (
            json!({"name": "x", "scopes": ["cdr:read"], "expires_days": 0}),
            "expires_days",
        ),
        (json!({"name": " ", "scopes": ["cdr:read"]}), "name"),
        (
            json!({"name": "x", "scopes": ["cdr:read"], "expires_days": 1, "expires_at": "2027-01-01T00:00:00Z"}),
            "both",
        ),
    ] {
        let answer = world.post_json("/api/v1/tokens", &wish.to_string()).await;
        assert_eq!(answer.problem(), "bad_request", "{wish}");
        assert!(answer.text().contains(hint), "{wish}: {}", answer.text());
    }
}

/// S4-146, ROBUSTNESS 64: sessions are listed and ended; one's own password is changed by whoever knows it.
#[tokio::test]
async fn a_person_sees_and_ends_sessions_and_changes_the_password() {
    let world = World::new();
    let here = world.log_in("mona", "agent").await;
    let again = world.knock("mona", "a+long+password").await;
    let there = again.header("set-cookie").split(';').next().unwrap().to_owned();
    let third = world.knock("mona", "a+long+password").await;
    let third = third.header("set-cookie").split(';').next().unwrap().to_owned();
    let get = async |cookie: &str, path: &str| world.with_cookie(cookie, Method::GET, path, "").await;

    let own = get(&here, "/api/v1/me/sessions").await.json();
    let items = own["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "{own}");
    let current: Vec<bool> = items
        .iter()
        .map(|item| item["current"].as_bool().unwrap())
        .collect();
    assert_eq!(current, [false, false, true]);
    let id = items[0]["id"].as_str().unwrap();
    let ended = world
        .with_cookie(&here, Method::DELETE, &format!("/api/v1/me/sessions/{id}"), "")
        .await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&third, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);

    let change = async |old: &str, new: &str| {
        let body = json!({"old": old, "new": new}).to_string();
        let request = request(Method::POST, "/api/v1/me/password")
            .header("cookie", &here)
            .header("origin", crate::world::HERE)
            .header("content-type", "application/json");
        world.send(request.body(Body::from(body)).unwrap()).await
    };
    world.outside.pass(Duration::from_secs(61));
    assert_eq!(
        change("a wrong password", "a longer password").await.problem(),
        "wrong_password"
    );
    assert_eq!(change("a long password", "short").await.problem(), "bad_request");
    assert_eq!(
        change("a long password", "a longer password").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(get(&here, "/api/v1/me").await.json()["role"], "agent");
    assert_eq!(get(&there, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    for _ in 0..2 {
        assert_eq!(
            change("a guess, a guess", "a longer password").await.problem(),
            "wrong_password"
        );
    }
    let refused = change("a guess, a guess", "a longer password").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("retry-after").is_empty());

    let token = world.token("program", "admin", None);
    assert_eq!(
        ask_with(&world, &token, Method::GET, "/api/v1/me/sessions")
            .await
            .problem(),
        "not_a_person"
    );
    let all = world.get("/api/v1/sessions").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

/// A session that is used lives on over a restart of the daemon.
#[tokio::test]
async fn a_session_that_is_used_outlives_its_first_twelve_hours_and_the_daemon() {
    let mut world = World::new();
    let cookie = world.log_in("mona", "viewer").await;
    for _ in 0..13 {
        world.outside.pass(Duration::from_secs(3600));
        let seen = world.with_cookie(&cookie, Method::GET, "/api/v1/me", "").await;
        assert_eq!(seen.status, StatusCode::OK);
    }
    world.settle();
    world.router = callpost::http::router(world.faces());
    let seen = world.with_cookie(&cookie, Method::GET, "/api/v1/me", "").await;
    assert_eq!(
        seen.status,
        StatusCode::OK,
        "the next run of the daemon knows the session"
    );
}

#[tokio::test]
async fn an_administrator_looks_after_people_and_tokens_on_the_page() {
    let world = World::new();
    let cookie = world.log_in("mona", "admin").await;
    let post = async |form: &str| world.with_cookie(&cookie, Method::POST, "/people", form).await;
    let added = post("act=add&name=%3Cb%3Eeve%3C%2Fb%3E&role=viewer&password=").await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    let page = added.text();
    assert!(
        page.contains("<output") && page.contains("&#60;b&#62;eve"),
        "{page}"
    );
    assert!(!page.contains("<b>eve"), "a name is text");
    let taken = post("act=add&name=mona&role=viewer&password=").await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(taken.text().contains("role=\"alert\"") && taken.text().contains("already"));
    let last = post("act=role&name=mona&role=viewer").await;
    assert_eq!(last.status, StatusCode::CONFLICT);

    let none = post("act=token&name=crm&days=30").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.text().contains("value=\"crm\""), "what was typed stays");
    let made = post("act=token&name=crm&days=30&cdr%3Aread=on&cdr%3Aack=on").await;
    let page = made.text();
    let token = page.split("callpost_").nth(1).unwrap().split('<').next().unwrap();
    let token = format!("callpost_{token}");
    assert_eq!(
        ask_with(&world, &token, Method::GET, "/api/v1/cdrs").await.status,
        StatusCode::OK
    );
    let later = world
        .with_cookie(&cookie, Method::GET, "/people", "")
        .await
        .text();
    assert!(later.contains(">crm<") && !later.contains(&token));
    let id = world.get("/api/v1/tokens").await.json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let revoked = post(&format!("act=revoke&id={id}&name=crm")).await;
    assert!(
        revoked.text().contains("The token crm is revoked."),
        "{}",
        revoked.text()
    );
    assert_eq!(
        ask_with(&world, &token, Method::GET, "/api/v1/cdrs").await.status,
        StatusCode::UNAUTHORIZED
    );
    let removed = post("act=remove&name=%3Cb%3Eeve%3C%2Fb%3E").await;
    assert_eq!(removed.status, StatusCode::OK);
    let deeds = deeds(&world).await;
    let done: Vec<&str> = deeds
        .iter()
        .filter_map(|deed| deed.strip_prefix("mona: "))
        .collect();
    assert_eq!(
        done,
        [
            "/login",
            "POST /people (add <b>eve</b>, viewer)",
            &format!("POST /people (token {id}, crm: cdr:read cdr:ack)"),
            &format!("POST /people (revoke {id})"),
            "POST /people (remove <b>eve</b>)",
        ]
    );
}

#[tokio::test]
async fn whoever_is_no_administrator_sees_their_own_account_alone() {
    let world = World::new();
    world.log_in("omar", "admin").await;
    let cookie = world.log_in("mona", "viewer").await;
    let page = world.with_cookie(&cookie, Method::GET, "/people", "").await;
    assert_eq!(page.status, StatusCode::OK);
    let page = page.text();
    assert!(page.contains("You are mona, viewer."), "{page}");
    assert!(
        !page.contains("omar") && !page.contains("action=\"/people\""),
        "{page}"
    );
    let refused = world
        .with_cookie(&cookie, Method::POST, "/people", "act=role&name=mona&role=admin")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let form = "act=password&old=a+long+password&new=a+longer+password";
    let changed = world.with_cookie(&cookie, Method::POST, "/people/me", form).await;
    assert!(
        changed.text().contains("You have another password."),
        "{}",
        changed.text()
    );
    let wrong = world.with_cookie(&cookie, Method::POST, "/people/me", form).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    for (language, word) in [("ar", "حسابك"), ("vi", "Tài khoản của bạn")] {
        let request = request(Method::GET, "/people")
            .header("cookie", format!("{cookie}; callpost_language={language}"));
        let page = world.send(request.body(Body::empty()).unwrap()).await.text();
        assert!(page.contains(word), "{language}: {page}");
    }
}
