//! The page of syncs, and the page of deliveries.

use crate::world::{ADMIN, Answer, World, bearing, cdr};
use axum::body::Body;
use axum::http::{Method, StatusCode};

async fn post(world: &World, token: &str, path: &str, form: &str) -> Answer {
    let request =
        bearing(token, Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    world
        .send(request.body(Body::from(form.to_owned())).unwrap())
        .await
}

async fn get(world: &World, token: &str, path: &str) -> String {
    world
        .send(bearing(token, Method::GET, path).body(Body::empty()).unwrap())
        .await
        .text()
}

const SOUND: &str = "name=onepos&api_url=https%3A%2F%2Fpbx.example%2Fcdrs&domain=d&sync_mode=SCHEDULED&days_back=30\
                     &batch_size=200&timezone=";

/// S0-126, S0-127, S0-128, S0-129, S0-130, S0-138
#[tokio::test]
async fn a_source_is_made_by_the_form_and_a_mistake_keeps_what_was_typed() {
    let world = World::new();
    let html = world.get("/calls/sync").await.text();
    assert!(
        html.contains("Not enabled") && html.contains("Nothing has been synced yet."),
        "{html}"
    );
    let saved = post(
        &world,
        ADMIN,
        "/calls/sync/save",
        &format!("{SOUND}&cron_expression=0+*/5+*+*+*+*"),
    )
    .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let html = world.get(saved.header("location")).await.text();
    assert!(html.contains("onepos is saved."), "{html}");
    let wrong = post(
        &world,
        ADMIN,
        "/calls/sync/save",
        &format!("{SOUND}2&cron_expression=sometimes&api_key=secret-key"),
    )
    .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = wrong.text();
    assert!(
        html.contains("value=\"sometimes\"") && html.contains("class=\"mistake\""),
        "{html}"
    );
    assert!(!html.contains("secret-key"));
}

/// S0-039, S0-128, S0-140, S0-141, S0-142, S0-143, S0-144
#[tokio::test]
async fn a_schedule_is_explained_in_three_languages_with_its_next_five_runs() {
    let world = World::new();
    let explained = async |expression: &str, language: &str| {
        let path = format!("/calls/cron.json?expression={expression}");
        let request = bearing(ADMIN, Method::GET, &path).header("accept-language", language);
        world.send(request.body(Body::empty()).unwrap()).await.json()
    };
    let answer = explained("0+*/5+*+*+*+*", "en").await;
    assert_eq!(answer["is_valid"], true);
    assert!(
        answer["words"].as_str().unwrap().contains("5 minutes"),
        "{answer}"
    );
    assert_eq!(answer["next"][0], "2026-11-20\u{a0}12:05:00");
    assert_eq!(answer["next"].as_array().unwrap().len(), 5);
    let others = [
        explained("0+*/5+*+*+*+*", "vi").await,
        explained("0+*/5+*+*+*+*", "ar").await,
    ];
    assert_ne!(others[0]["words"], others[1]["words"]);
    assert_ne!(others[0]["words"], answer["words"]);
    assert_eq!(explained("whenever", "en").await["is_valid"], false);
}

/// S0-160
#[tokio::test]
async fn who_may_only_look_sees_no_buttons_and_is_refused_without_them() {
    let world = World::new();
    world.file(cdr(1));
    let viewer = world.token("viewer", "cdr:read calls:read", None);
    let html = get(&world, &viewer, "/calls/sync").await;
    assert!(!html.contains("<dialog") && !html.contains("Sync now"), "{html}");
    let html = get(&world, &viewer, "/delivery").await;
    assert!(
        html.contains("head-office") && !html.contains("data-post"),
        "{html}"
    );
    for path in ["start", "test", "save", "remove"] {
        let answer = post(&world, &viewer, &format!("/calls/sync/{path}"), "source=x").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_source_that_is_not_there_is_said_to_be_missing() {
    let world = World::new();
    for path in ["start", "test", "remove"] {
        let answer = post(&world, ADMIN, &format!("/calls/sync/{path}"), "source=nothing").await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}");
        assert!(answer.text().contains("no source with this id"), "{path}");
        let odd = post(
            &world,
            ADMIN,
            &format!("/calls/sync/{path}"),
            "source=%ff%fe&source=x",
        )
        .await;
        assert!(odd.status.is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn the_delivery_page_shows_what_waits_and_that_nothing_is_missing() {
    let world = World::new();
    for number in 0..3 {
        world.file(cdr(number));
    }
    let html = world.get("/delivery").await.text();
    for words in [
        "head-office",
        "Proof of delivery",
        "Nothing is missing.",
        "up to record 3",
        "Send records again",
    ] {
        assert!(html.contains(words), "{words} is missing in {html}");
    }
    let cursor = world.get("/api/v1/cdrs?limit=2").await.json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = serde_json::json!({ "cursor": cursor }).to_string();
    assert_eq!(
        world.post_json("/api/v1/consumers/crm/ack", &body).await.status,
        StatusCode::OK
    );
    let html = world.get("/delivery").await.text();
    assert!(html.contains("crm") && html.contains("1 records"), "{html}");
}
