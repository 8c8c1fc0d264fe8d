//! Messages in boxes: found, heard, marked, written down.

use crate::world::{ADMIN, Answer, NOON, World, bearing, cdr};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::engine::Command;
use callpost::model::{Entry, Mailbox, Message, MessageState, RecordingId};
use serde_json::{Value, json};

const SOUND: &[u8] = b"RIFF....WAVE and a voice";

/// A message of this number in the box, with its file and its call's record.
fn leave(world: &World, number: u128, mailbox: Mailbox) -> RecordingId {
    let id = world.record(number, &format!("{number}.wav"), SOUND);
    let message = Message {
        id,
        call_id: cdr(u32::try_from(number).unwrap()).cdr_id,
        mailbox,
        state: MessageState::New,
        left_at: NOON,
        caller_number: "0501234567".into(),
        caller_name: Some("Sara <b>".to_owned()),
        path: format!("{number}.wav").into(),
        duration_ms: 4_000,
        language: Some("ar".into()),
        urgent: number == 2,
    };
    let entry = Entry::MessageLeft {
        message: Box::new(message),
        errands: Vec::new(),
    };
    world.store.journal().try_append(entry).unwrap();
    world.settle();
    id
}

fn sales() -> Mailbox {
    Mailbox::Group("sales".into())
}

async fn send(world: &World, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let request = bearing(token, method, path).header("content-type", "application/json");
    world
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

/// S2-021: messages are listed, by box and by state, newest first and page by page.
#[tokio::test]
async fn messages_are_found_by_box_and_state() {
    let world = World::new();
    leave(&world, 1, sales());
    leave(&world, 2, sales());
    leave(&world, 3, Mailbox::Agent("ali".into()));
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["mailbox"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = world.get("/api/v1/messages").await.json();
    assert_eq!(ids(&all), ["agent:ali", "group:sales", "group:sales"]);
    assert_eq!(all["items"][1]["urgent"], json!(true));
    let of_sales = world
        .get("/api/v1/messages?mailbox=group:sales&limit=1")
        .await
        .json();
    assert_eq!((ids(&of_sales).len(), &of_sales["has_more"]), (1, &json!(true)));
    let before = of_sales["next_before"].as_str().unwrap();
    let rest = world
        .get(&format!("/api/v1/messages?mailbox=group:sales&before={before}"))
        .await
        .json();
    assert_eq!((ids(&rest).len(), &rest["has_more"]), (1, &json!(false)));
    assert_eq!(
        world.get("/api/v1/messages?state=saved").await.json()["items"],
        json!([])
    );
    for wrong in ["mailbox=x", "state=gone", "limit=0", "before=x", "other=1"] {
        let answer = world.get(&format!("/api/v1/messages?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn whoever_may_mark_messages_has_heard_one_that_was_played_and_a_reader_has_not() {
    let world = World::new();
    let id = leave(&world, 1, sales());
    let path = format!("/api/v1/messages/{id}/audio");
    let reader = world.token("reader", "cdr:read calls:read", None);
    let get = |token: &str, path: &str, range: &str| {
        let request = bearing(token, Method::GET, path).header("range", range);
        world.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(
        get(&reader, &path, "bytes=0-").await.status,
        StatusCode::PARTIAL_CONTENT
    );
    assert_eq!(
        get(ADMIN, &path, "bytes=10-").await.status,
        StatusCode::PARTIAL_CONTENT
    );
    let peek = format!("{path}?peek=1");
    assert_eq!(
        get(ADMIN, &peek, "bytes=0-").await.status,
        StatusCode::PARTIAL_CONTENT
    );
    assert_eq!(world.engine.told(), []);
    let heard = get(ADMIN, &path, "bytes=0-").await;
    assert_eq!(heard.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        world.engine.told(),
        [Command::MarkMessage(id, MessageState::Saved)]
    );
}

#[tokio::test]
async fn a_message_is_marked_and_thrown_away() {
    let world = World::new();
    let id = leave(&world, 1, sales());
    let path = format!("/api/v1/messages/{id}");
    let heard = send(&world, ADMIN, Method::POST, &path, json!({ "state": "heard" })).await;
    assert_eq!(
        (heard.status, heard.json()["state"].clone()),
        (StatusCode::ACCEPTED, json!("saved"))
    );
    let gone = send(&world, ADMIN, Method::DELETE, &path, json!(null)).await;
    assert_eq!(gone.status, StatusCode::ACCEPTED);
    assert_eq!(
        world.engine.told(),
        [
            Command::MarkMessage(id, MessageState::Saved),
            Command::MarkMessage(id, MessageState::Deleted)
        ]
    );
    let odd = send(&world, ADMIN, Method::POST, &path, json!({ "state": "burnt" })).await;
    assert_eq!(odd.problem(), "bad_request");
    let nobody = "/api/v1/messages/00000000-0000-0000-0000-0000000000aa";
    assert_eq!(
        send(&world, ADMIN, Method::DELETE, nobody, json!(null))
            .await
            .problem(),
        "not_found"
    );
}

/// S1-099, S2-052: a transcript is a further version of the call's record.
#[tokio::test]
async fn what_a_message_says_is_written_down_and_stands_in_the_record() {
    let world = World::new();
    world.file(cdr(1));
    let id = leave(&world, 1, sales());
    let path = format!("/api/v1/messages/{id}/transcript");
    assert_eq!(world.get(&path).await.problem(), "not_found");
    let written = send(&world, ADMIN, Method::PUT, &path, json!({ "text": " call me " })).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.text());
    assert_eq!(world.get(&path).await.json()["text"], json!("call me"));
    let record = world.get(&format!("/api/v1/cdrs/{}", cdr(1).cdr_id)).await.json();
    assert_eq!(record["version"], json!(3), "the message, then the transcript");
    assert_eq!(record["voicemail"]["mailbox"], json!("group:sales"));
    assert_eq!(record["voicemail"]["transcript"]["text"], json!("call me"));
    let empty = send(&world, ADMIN, Method::PUT, &path, json!({ "text": "  " })).await;
    assert_eq!(empty.problem(), "bad_request");
}

#[tokio::test]
async fn the_page_shows_messages_and_nothing_a_caller_wrote_is_markup() {
    let world = World::new();
    let id = leave(&world, 2, sales());
    for (language, word) in [("en", "Urgent"), ("ar", "عاجلة"), ("vi", "Khẩn")] {
        let request = bearing(ADMIN, Method::GET, "/calls/messages").header("accept-language", language);
        let page = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, StatusCode::OK);
        let html = page.text();
        assert!(
            html.contains(word) && html.contains(&format!("/api/v1/messages/{id}/audio")),
            "{html}"
        );
        assert!(!html.contains("Sara <b>"));
    }
}
