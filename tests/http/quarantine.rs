//! Rows of a PBX that could not be taken over: the API and the page.

use crate::stand_in::{StandIn, row, rows};
use crate::world::{ADMIN, Answer, World, bearing};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

async fn send(world: &World, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let request = bearing(token, method, path).header("content-type", "application/json");
    world
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

async fn form(world: &World, token: &str, path: &str, body: String) -> Answer {
    let request =
        bearing(token, Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    world.send(request.body(Body::from(body)).unwrap()).await
}

/// A box that has fetched one call and three rows that are none; the identity of the source.
async fn box_with_three() -> (World, StandIn, String) {
    let (world, pbx) = (World::new(), StandIn::start().await);
    let mut all = rows(4);
    all[1]["uuid"] = Value::Null;
    all[2]["start_epoch"] = json!("<b>noon</b>");
    all[3] = json!("not a call");
    pbx.put(all);
    let settings = json!({
        "name": "branch-pbx", "api_url": pbx.url(), "domain": "tenant", "is_active": true, "allow_http": true,
        "timezone": "Asia/Ho_Chi_Minh",
    });
    let made = send(&world, ADMIN, Method::POST, "/api/v1/cdr/sources", settings).await;
    let source = made.json()["id"].as_str().unwrap().to_owned();
    sync(&world, &source).await;
    (world, pbx, source)
}

async fn sync(world: &World, source: &str) {
    let path = format!("/api/v1/cdr/sources/{source}/sync");
    let started = send(world, ADMIN, Method::POST, &path, json!({})).await.json();
    let log = format!(
        "/api/v1/cdr/sync/logs/{}?wait=20",
        started["log_id"].as_str().unwrap()
    );
    while world.get(&log).await.json()["status"] == "running" {}
}

async fn listed(world: &World) -> Vec<Value> {
    let page = world.get("/api/v1/cdr/quarantine").await.json();
    page["items"].as_array().unwrap().clone()
}

/// S0-106, S0-058, S0-029: each row with its reason and what came; tried again, thrown away.
#[tokio::test]
async fn the_api_shows_each_row_tries_it_again_and_throws_it_away() {
    let (world, _pbx, source) = box_with_three().await;
    let rows = listed(&world).await;
    assert_eq!(rows.len(), 3);
    for row in &rows {
        let path = format!("/api/v1/cdr/quarantine/{}", row["id"]);
        let one = world.get(&path).await.json();
        assert_eq!(one, *row);
        assert_eq!(one["source_id"], source);
        assert!(!one["reason"].as_str().unwrap().is_empty() && !one["raw"].is_null());
        let again = send(&world, ADMIN, Method::POST, &format!("{path}/retry"), json!({})).await;
        assert_eq!(
            again.json(),
            json!({ "taken_over": 0, "known": 0, "linked": 0, "kept": 1 })
        );
    }
    let all = send(
        &world,
        ADMIN,
        Method::POST,
        "/api/v1/cdr/quarantine/retry",
        json!({ "source": "branch-pbx" }),
    )
    .await;
    assert_eq!(all.json()["kept"], 3);

    let first = format!("/api/v1/cdr/quarantine/{}", rows[0]["id"]);
    assert_eq!(
        world.ask(Method::DELETE, &first).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.ask(Method::DELETE, &first).await.problem(), "not_found");
    assert_eq!(world.get(&first).await.status, StatusCode::NOT_FOUND);
    let discard = "/api/v1/cdr/quarantine/discard";
    let blind = send(&world, ADMIN, Method::POST, discard, json!({})).await;
    assert_eq!(blind.problem(), "bad_request", "nothing goes that nobody saw");
    let newest = rows.iter().map(|row| row["id"].as_i64().unwrap()).max().unwrap();
    let gone = send(&world, ADMIN, Method::POST, discard, json!({ "up_to": newest })).await;
    assert_eq!(gone.json(), json!({ "discarded": 2 }));
    assert!(listed(&world).await.is_empty());
    for path in [
        "/api/v1/cdr/quarantine/x",
        "/api/v1/cdr/quarantine/99999999999999999999",
    ] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let nobody = send(
        &world,
        ADMIN,
        Method::POST,
        "/api/v1/cdr/quarantine/retry",
        json!({ "source": "nobody" }),
    )
    .await;
    assert_eq!(nobody.problem(), "not_found");
    let history = world
        .get(&format!("/api/v1/cdr/sources/{source}/history"))
        .await
        .json();
    assert_eq!(
        history["items"][0]["change"],
        json!({ "quarantine": { "thrown_away": 2 } })
    );
}

#[tokio::test]
async fn who_may_only_read_sees_the_rows_and_changes_none() {
    let (world, _pbx, source) = box_with_three().await;
    let reader = world.token("reader", "cdr:read", None);
    let id = listed(&world).await[0]["id"].clone();
    for (method, path) in [
        (Method::POST, format!("/api/v1/cdr/quarantine/{id}/retry")),
        (Method::POST, "/api/v1/cdr/quarantine/retry".to_owned()),
        (Method::POST, "/api/v1/cdr/quarantine/discard".to_owned()),
        (Method::DELETE, format!("/api/v1/cdr/quarantine/{id}")),
    ] {
        let answer = send(&world, &reader, method, &path, json!({ "up_to": 99 })).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["/calls/quarantine/retry", "/calls/quarantine/discard"] {
        let sent = format!("source={source}&id={id}");
        assert_eq!(
            form(&world, &reader, path, sent).await.status,
            StatusCode::FORBIDDEN
        );
    }
    let page = bearing(&reader, Method::GET, "/calls/quarantine")
        .body(Body::empty())
        .unwrap();
    let html = world.send(page).await.text();
    assert!(html.contains("`uuid` is missing") && !html.contains("<button class=\"solid\" id=\"retry-all\""));
    assert_eq!(listed(&world).await.len(), 3);
}

/// The sync page leads there; whatever the PBX sent is shown as text.
#[tokio::test]
async fn the_page_lists_the_rows_and_says_what_a_button_did() {
    let (world, pbx, source) = box_with_three().await;
    let html = world.get("/calls/sync").await.text();
    let place = format!("/calls/quarantine?source={source}");
    assert!(
        html.contains("Records in quarantine: 3") && html.contains(&place),
        "{html}"
    );
    let html = world.get(&place).await.text();
    for words in [
        "`uuid` is missing",
        "`start_epoch` is no number",
        "the record is no object",
        "&lt;b&gt;noon&#",
        "Try all again",
        "Delete all of them (3)?",
    ] {
        let shown =
            html.contains(words) || html.contains(&words.replace("&lt;", "&#60;").replace("&gt;", "&#62;"));
        assert!(shown, "{words} is missing in {html}");
    }
    assert!(!html.contains("<b>noon"));

    let after = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        answer.header("location").to_owned()
    };
    let tried = after(
        form(
            &world,
            ADMIN,
            "/calls/quarantine/retry",
            format!("source={source}"),
        )
        .await,
    );
    assert!(world.get(&tried).await.text().contains("Still not readable: 3,"));
    let id = listed(&world).await[0]["id"].clone();
    let sent = format!("source={source}&id={id}&page=1");
    let gone = after(form(&world, ADMIN, "/calls/quarantine/discard", sent.clone()).await);
    assert!(world.get(&gone).await.text().contains("Deleted: 1."));
    let twice = form(&world, ADMIN, "/calls/quarantine/discard", sent).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.text().contains("Not done"));

    // What comes after the page was drawn is not thrown away with the rest.
    let newest = listed(&world)
        .await
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .max()
        .unwrap();
    pbx.put(vec![json!("news"), row(9)]);
    sync(&world, &source).await;
    let sent = format!("source={source}&up_to={newest}");
    after(form(&world, ADMIN, "/calls/quarantine/discard", sent).await);
    assert_eq!(listed(&world).await.len(), 1);
    for language in ["ar", "vi"] {
        let page = bearing(ADMIN, Method::GET, &place).header("accept-language", language);
        let html = world.send(page.body(Body::empty()).unwrap()).await.text();
        assert!(!html.contains("Try all again") && html.contains(&format!("lang=\"{language}\"")));
    }
    let odd = world.get("/calls/quarantine?source=nothing&page=x").await;
    assert_eq!(odd.status, StatusCode::OK);
    assert!(odd.text().contains("Nothing is in quarantine."));
}
