//! Agents made, changed and removed by the API, beside those of the configuration file.

use crate::world::{ADMIN, Answer, World, bearing};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::engine::Settings;
use serde_json::{Value, json};

async fn send(world: &World, method: Method, path: &str, body: &Value) -> Answer {
    let request = bearing(ADMIN, method, path).header("content-type", "application/json");
    world
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

fn omar() -> Value {
    json!({ "id": "omar", "name": "Omar", "extension": "1003", "groups": ["sales"], "skills": { "arabic": 5 } })
}

/// The extensions that may register, as the engine was told last.
fn accounts(world: &World) -> Vec<String> {
    let adopted = world.adopted.lock().unwrap();
    let accounts = |settings: &Settings| {
        let accounts = settings.sip.accounts.iter();
        accounts.map(|account| account.extension.to_string()).collect()
    };
    adopted.last().map(accounts).unwrap_or_default()
}

#[tokio::test]
async fn an_agent_is_made_with_a_password_that_is_told_once_and_can_register_at_once() {
    let world = World::new();
    let made = world.post_json("/api/v1/agents", &omar().to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.header("location"), "/api/v1/agents/omar");
    let told = made.json();
    let password = told["password"].as_str().unwrap();
    assert_eq!(password.len(), 12);
    assert_eq!(told["source"], "database");
    assert_eq!(told["written"]["skills"]["arabic"], 5);
    assert_eq!(accounts(&world), ["1001", "1003"]);

    let shown = world.get("/api/v1/agents/omar").await;
    assert_eq!(shown.header("etag"), "\"1\"");
    assert_eq!(shown.json()["has_password"], true);
    let list = world.get("/api/v1/agents").await;
    for answer in [&shown, &list] {
        let text = answer.text();
        assert!(
            !text.contains(password) && !text.contains("sha256") && !text.contains("md5"),
            "{text}"
        );
    }
    let list = list.json();
    let ids: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["ali", "mona", "omar"]);
    assert_eq!(list["items"][0]["source"], "file");
    assert_eq!(
        list["items"][0]["state"], "busy",
        "how the agent stands is there too"
    );
    assert_eq!(list["items"][2]["state"], "offline");
}

#[tokio::test]
async fn a_change_keeps_the_password_unless_the_extension_is_another() {
    let world = World::new();
    world.post_json("/api/v1/agents", &omar().to_string()).await;
    let mut wish = omar();
    wish["name"] = json!("Omar at the door");
    let changed = send(&world, Method::PUT, "/api/v1/agents/omar", &wish).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert!(changed.json()["password"].is_null());
    assert_eq!(changed.header("etag"), "\"2\"");
    let before = world.adopted.lock().unwrap()[0].sip.accounts[1].ha1.clone();
    assert!(world.adopted.lock().unwrap()[1].sip.accounts[1].ha1 == before);

    wish["extension"] = json!("1004");
    let changed = send(&world, Method::PUT, "/api/v1/agents/omar", &wish)
        .await
        .json();
    assert_eq!(
        changed["password"].as_str().unwrap().len(),
        12,
        "a digest holds for one user name"
    );
    assert_eq!(accounts(&world), ["1001", "1004"]);

    wish.as_object_mut().unwrap().remove("extension");
    wish["contact"] = json!("sip:omar@127.0.0.44");
    let changed = send(&world, Method::PUT, "/api/v1/agents/omar", &wish)
        .await
        .json();
    assert_eq!(changed["has_password"], false);
    assert_eq!(accounts(&world), ["1001"]);
    let refused = world.post_json("/api/v1/agents/omar/password", "{}").await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::CONFLICT, "no_password")
    );
}

#[tokio::test]
async fn a_new_password_is_made_or_taken_and_the_old_one_is_over() {
    let world = World::new();
    world.post_json("/api/v1/agents", &omar().to_string()).await;
    let made = world.post_json("/api/v1/agents/omar/password", "{}").await.json();
    assert_eq!(made["password"].as_str().unwrap().len(), 12);
    let taken = world
        .post_json(
            "/api/v1/agents/omar/password",
            r#"{"password":"a word of my own"}"#,
        )
        .await;
    assert_eq!(taken.status, StatusCode::OK);
    assert!(taken.json()["password"].is_null(), "who brings it knows it");
    let hashes: Vec<_> = {
        let adopted = world.adopted.lock().unwrap();
        let told = adopted
            .iter()
            .map(|settings| settings.sip.accounts[1].ha1.clone());
        told.collect()
    };
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
    let short = world
        .post_json("/api/v1/agents/omar/password", r#"{"password":"1003"}"#)
        .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(short.json()["faults"][0]["key"], "password");
}

#[tokio::test]
async fn nobody_overwrites_a_change_they_have_not_seen() {
    let world = World::new();
    world.post_json("/api/v1/agents", &omar().to_string()).await;
    let put = async |tag: &str| {
        let request = bearing(ADMIN, Method::PUT, "/api/v1/agents/omar")
            .header("content-type", "application/json")
            .header("if-match", tag);
        world
            .send(request.body(Body::from(omar().to_string())).unwrap())
            .await
    };
    assert_eq!(put("\"1\"").await.status, StatusCode::OK);
    let late = put("\"1\"").await;
    assert_eq!(
        (late.status, late.problem().as_str()),
        (StatusCode::PRECONDITION_FAILED, "overtaken")
    );
    assert_eq!(put("*").await.status, StatusCode::OK);
    assert_eq!(put("three").await.problem(), "bad_request");
}

#[tokio::test]
async fn what_cannot_be_an_agent_is_refused_with_every_fault_and_its_cure() {
    let world = World::new();
    let wrong = json!({
        "id": "o m a r", "extension": "1001", "groups": ["sale"], "skills": { "arabic": 11 }, "srtp": "maybe"
    });
    let refused = world.post_json("/api/v1/agents", &wrong.to_string()).await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "bad_agent")
    );
    let faults = refused.json()["faults"].clone();
    let keys: Vec<&str> = faults
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["id", "skills", "groups", "srtp", "extension"]);
    assert!(
        faults.to_string().contains("did you mean \\\"sales\\\"?"),
        "{faults}"
    );
    for (body, code) in [
        (json!({ "id": "ali", "extension": "1009" }), "taken"),
        (
            json!({ "id": "omar", "extension": "1003", "colour": "red" }),
            "bad_request",
        ),
        (json!({ "id": "omar", "password": 7 }), "bad_request"),
        (json!({ "extension": "1003" }), "bad_request"),
    ] {
        let refused = world.post_json("/api/v1/agents", &body.to_string()).await;
        assert_eq!(refused.problem(), code, "{body}");
    }
    assert!(world.adopted.lock().unwrap().is_empty(), "nothing has changed");
}

#[tokio::test]
async fn agents_of_the_file_are_changed_there_and_those_made_here_are_removed_here() {
    let world = World::new();
    for (method, path) in [
        (Method::PUT, "/api/v1/agents/ali"),
        (Method::DELETE, "/api/v1/agents/ali"),
    ] {
        let refused = send(&world, method, path, &json!({ "id": "ali", "extension": "1001" })).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (StatusCode::CONFLICT, "from_file")
        );
    }
    let refused = world.post_json("/api/v1/agents/ali/password", "{}").await;
    assert_eq!(refused.problem(), "from_file");
    world.post_json("/api/v1/agents", &omar().to_string()).await;
    let renamed = send(
        &world,
        Method::PUT,
        "/api/v1/agents/omar",
        &json!({ "id": "eve" }),
    )
    .await;
    assert_eq!(renamed.problem(), "bad_request");
    let gone = world.ask(Method::DELETE, "/api/v1/agents/omar").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(accounts(&world), ["1001"]);
    let gone = world.ask(Method::DELETE, "/api/v1/agents/omar").await;
    assert_eq!(gone.problem(), "not_found");
    assert_eq!(
        send(&world, Method::PUT, "/api/v1/agents/omar", &omar())
            .await
            .problem(),
        "not_found"
    );
}

/// Whoever takes calls may take a break; who may register is for those who look after the box.
#[tokio::test]
async fn a_break_needs_less_than_making_agents() {
    let world = World::new();
    let token = world.token("a wallboard", "calls:read agents:state", None);
    let ask = |method: Method, path: &str, body: &Value| {
        bearing(&token, method, path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let rest = ask(
        Method::POST,
        "/api/v1/agents/ali/state",
        &json!({ "state": "on_break" }),
    );
    assert_eq!(world.send(rest).await.status, StatusCode::ACCEPTED);
    for (method, path) in [
        (Method::POST, "/api/v1/agents"),
        (Method::PUT, "/api/v1/agents/ali"),
        (Method::DELETE, "/api/v1/agents/ali"),
        (Method::POST, "/api/v1/agents/ali/password"),
        (Method::GET, "/phones/agents/ali"),
        (Method::GET, "/phones/agents/ali/sheet"),
        (Method::POST, "/phones/agents"),
    ] {
        let refused = world.send(ask(method.clone(), path, &omar())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    let page = world.send(ask(Method::GET, "/phones", &json!({}))).await.text();
    assert!(!page.contains("/phones/agents/new"));
}
