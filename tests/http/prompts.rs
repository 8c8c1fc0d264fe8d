//! What the box says: listed, heard, replaced and put back.

use crate::world::{ADMIN, Answer, World, bearing};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::Value;

const TONE: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/config/sounds/tone.flac"
));
const OTHER_TONE: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/config/sounds/tone.mp3"
));

/// Two languages, and a menu of the box's own whose prompts have names.
const OFFICE: &str =
    "[site]\nname=\"branch-01\"\nlanguages=[\"en\",\"ar\"]\n[media]\nmusic_on_hold=\"hold-music\"\n";

fn world() -> World {
    let mut world = World::new();
    world.with_prompts(OFFICE);
    world
}

async fn send(world: &World, token: &str, method: Method, path: &str, body: impl Into<Body>) -> Answer {
    let request = bearing(token, method, path).header("content-type", "audio/flac");
    world.send(request.body(body.into()).unwrap()).await
}

async fn put(world: &World, path: &str, file: &'static [u8]) -> Answer {
    send(world, ADMIN, Method::PUT, path, file).await
}

async fn one(world: &World, language: &str, name: &str) -> Value {
    world
        .get(&format!("/api/v1/prompts/{language}/{name}"))
        .await
        .json()
}

#[tokio::test]
async fn every_prompt_is_listed_with_where_it_comes_from_and_how_long_it_sounds() {
    let world = world();
    let list = world.get("/api/v1/prompts").await.json();
    let items = list["items"].as_array().unwrap();
    assert!(items.len() > 80, "{} prompts", items.len());
    let goodbye = items
        .iter()
        .find(|one| one["language"] == "ar" && one["name"] == "goodbye")
        .unwrap();
    assert_eq!(goodbye["origin"], "shipped");
    assert_eq!(
        (&goodbye["covers"], &goodbye["problem"]),
        (&Value::Null, &Value::Null)
    );
    assert!(goodbye["length_ms"].as_u64().unwrap() > 500, "{goodbye}");
    let music = one(&world, "en", "hold-music").await;
    assert_eq!(music["used_by"], serde_json::json!(["[media] music_on_hold"]));
    // Nobody has recorded the parts of numbers: the synthesiser says them.
    let seven = items.iter().find(|one| one["origin"] == "spoken").unwrap();
    assert!(!seven["text"].as_str().unwrap().is_empty() && seven["length_ms"].is_null());
    assert_eq!(
        world.get("/api/v1/prompts/en/nothing").await.status,
        StatusCode::NOT_FOUND
    );
}

/// The next caller hears the upload, and when it is deleted what was heard before; nobody restarts anything.
#[tokio::test]
async fn an_upload_is_heard_at_once_and_its_deletion_brings_back_what_was_there() {
    let world = world();
    let path = "/api/v1/prompts/en/welcome";
    let before = one(&world, "en", "welcome").await;
    let answer = put(&world, path, TONE).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let taken = answer.json();
    assert_eq!(
        (&taken["origin"], &taken["covers"]),
        (&"uploaded".into(), &"shipped".into())
    );
    assert_ne!(taken["length_ms"], before["length_ms"]);
    assert_eq!(
        std::fs::read(world.own_prompts().join("en/welcome.flac")).unwrap(),
        TONE
    );
    let heard = world.get(&format!("{path}/audio")).await;
    assert_eq!(heard.header("content-type"), "audio/wav");
    assert_eq!(heard.header("accept-ranges"), "bytes");
    let samples = (heard.body.len() - 44) as u64 / 2;
    assert_eq!(samples / 160, taken["length_ms"].as_u64().unwrap().div_ceil(20));
    // Another kind of file takes its place.
    assert_eq!(put(&world, path, OTHER_TONE).await.status, StatusCode::OK);
    assert!(!world.own_prompts().join("en/welcome.flac").exists());
    let back = send(&world, ADMIN, Method::DELETE, path, Body::empty()).await;
    assert_eq!(
        (back.status, &back.json()["origin"]),
        (StatusCode::OK, &"shipped".into())
    );
    assert_eq!(one(&world, "en", "welcome").await, before);
    assert_eq!(
        std::fs::read_dir(world.own_prompts().join("en")).unwrap().count(),
        0
    );
}

#[tokio::test]
async fn a_prompt_of_a_new_name_comes_and_goes() {
    let world = world();
    let path = "/api/v1/prompts/en/summer-offer";
    assert_eq!(put(&world, path, TONE).await.status, StatusCode::OK);
    assert_eq!(one(&world, "en", "summer-offer").await["covers"], Value::Null);
    // The next start finds it.
    let mut again = world;
    again.with_prompts(OFFICE);
    assert_eq!(one(&again, "en", "summer-offer").await["origin"], "uploaded");
    let gone = send(&again, ADMIN, Method::DELETE, path, Body::empty()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(again.get(path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_heard_is_refused_with_its_cause_and_changes_nothing() {
    let world = world();
    let path = "/api/v1/prompts/en/welcome";
    for (file, cause) in [
        (&b""[..], "is empty"),
        (b"this is a letter, and no sound", "is no sound file"),
        (&TONE[..200], ""),
    ] {
        let answer = put(&world, path, file).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            answer.text()
        );
        assert_eq!(answer.problem(), "unusable_sound");
        let told = answer.json();
        assert!(told["cause"].as_str().unwrap().starts_with(cause), "{told}");
    }
    assert_eq!(one(&world, "en", "welcome").await["origin"], "shipped");
    assert!(!world.own_prompts().exists());
    for (path, code) in [
        ("/api/v1/prompts/fr/welcome", "unknown_language"),
        ("/api/v1/prompts/en/Welcome", "bad_request"),
        ("/api/v1/prompts/en/..", "bad_request"),
        ("/api/v1/prompts/en/a%2Fb", "bad_request"),
    ] {
        assert_eq!(put(&world, path, TONE).await.problem(), code, "{path}");
    }
    assert!(!world.own_prompts().exists());
}

#[tokio::test]
async fn a_file_may_have_ten_megabytes_and_no_more() {
    let world = world();
    let path = "/api/v1/prompts/en/welcome";
    let most = 10 * 1024 * 1024;
    let answer = send(&world, ADMIN, Method::PUT, path, vec![0; most]).await;
    assert_eq!(answer.problem(), "unusable_sound", "all of it came here");
    let long = || Body::from(vec![0; most + 17 * 1024]);
    let answer = send(&world, ADMIN, Method::PUT, path, long()).await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too_large")
    );
    assert!(answer.text().contains("10 MB"), "{}", answer.text());
    // Nor does a body that does not say how long it is.
    let pieces = (0..most / 1024 + 17).map(|_| Ok::<_, std::io::Error>(vec![0; 1024]));
    let stream = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = send(&world, ADMIN, Method::PUT, path, stream).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Other addresses take what they took before.
    let answer = send(
        &world,
        ADMIN,
        Method::POST,
        "/api/v1/messages/x",
        vec![b' '; 65 * 1024],
    )
    .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn only_what_was_given_to_the_running_box_is_taken_from_it() {
    let world = world();
    let path = "/api/v1/prompts/en/goodbye";
    let answer = send(&world, ADMIN, Method::DELETE, path, Body::empty()).await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::CONFLICT, "prompt_not_ours")
    );
    let answer = send(
        &world,
        ADMIN,
        Method::DELETE,
        "/api/v1/prompts/en/nothing",
        Body::empty(),
    )
    .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

/// Whoever may see calls may listen; only who may change the configuration may change what callers hear, and the audit
/// log has it.
#[tokio::test]
async fn changing_what_callers_hear_needs_its_scope_and_leaves_a_trace() {
    let world = world();
    let viewer = world.token("viewer", "calls:read cdr:read", None);
    let keeper = world.token("keeper", "config:write", None);
    let path = "/api/v1/prompts/en/welcome";
    let audio = send(
        &world,
        &viewer,
        Method::GET,
        &format!("{path}/audio"),
        Body::empty(),
    )
    .await;
    assert_eq!(audio.status, StatusCode::OK);
    for method in [Method::PUT, Method::DELETE] {
        let answer = send(&world, &viewer, method, path, TONE).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(
        send(&world, &keeper, Method::PUT, path, TONE).await.status,
        StatusCode::OK
    );
    let log = world.get("/api/v1/audit").await.json();
    let newest = &log["items"][0];
    assert_eq!(newest["what"], format!("PUT {path}"));
    assert_eq!(newest["by"], "keeper");
}

/// A form as a browser sends it.
fn form(language: &str, name: &str, file: &[u8]) -> Vec<u8> {
    let part = |name: &str| format!("--q\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    let mut body = format!("{}{language}\r\n{}{name}\r\n", part("language"), part("name")).into_bytes();
    body.extend(b"--q\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.flac\"\r\n");
    body.extend(b"Content-Type: audio/flac\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--q--\r\n");
    body
}

async fn post_form(world: &World, path: &str, body: Vec<u8>) -> Answer {
    let kind = "multipart/form-data; boundary=q";
    let request = bearing(ADMIN, Method::POST, path).header("content-type", kind);
    world.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn the_page_takes_an_upload_without_a_script_and_says_what_was_wrong() {
    let world = world();
    let page = world.get("/prompts").await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "What callers hear",
        "welcome",
        "enctype=\"multipart/form-data\"",
        "[media] music_on_hold",
    ] {
        assert!(page.text().contains(words), "{words}");
    }
    let answer = post_form(&world, "/prompts/upload", form("ar", "welcome", TONE)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let page = world.get(answer.header("location")).await.text();
    assert!(page.contains("welcome is heard from the next call on."), "{page}");
    assert!(page.contains("Back to the one before"));
    let answer = post_form(&world, "/prompts/upload", form("ar", "welcome", b"a letter")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("Not taken: This file is no sound file"));
    let answer = post_form(&world, "/prompts/upload", b"--q\r\n".to_vec()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    // The same form by the API.
    let kind = "multipart/form-data; boundary=q";
    let request = bearing(ADMIN, Method::PUT, "/api/v1/prompts/en/welcome").header("content-type", kind);
    let answer = world
        .send(request.body(Body::from(form("", "", TONE))).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn while_the_prompts_are_being_read_the_page_says_so() {
    let world = World::new();
    let answer = world.get("/api/v1/prompts").await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "prompts_loading")
    );
    let page = world.get("/prompts").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text().contains("still being read"));
}
