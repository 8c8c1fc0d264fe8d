//! What people write about a call, and the course of a call detail by detail.

use crate::world::{ADMIN, Answer, NOON, World, at, bearing, call_id, cdr};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::model::{CallKey, CallNote, Entry, LegId, NoteKind};
use serde_json::json;

async fn note(world: &World, token: &str, id: &str, text: &str) -> Answer {
    let request = bearing(token, Method::POST, &format!("/api/v1/cdrs/{id}/notes"))
        .header("content-type", "application/json");
    let body = json!({ "text": text }).to_string();
    world.send(request.body(Body::from(body)).unwrap()).await
}

/// S0-031: a note is a new version, and pullers get it like any other.
#[tokio::test]
async fn a_note_makes_a_new_version_of_the_record() {
    let world = World::new();
    let seq = world.file(cdr(1));
    let id = cdr(1).cdr_id.to_string();
    let cursor = world.get("/api/v1/cdrs").await.json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = note(&world, ADMIN, &id, "  asked for a call back \n").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.json(), json!({ "cdr_id": id, "seq": seq + 1 }));
    let shown = world.get(&format!("/api/v1/cdrs/{id}")).await.json();
    assert_eq!(
        (&shown["version"], &shown["notes"]),
        (&json!(2), &json!(["asked for a call back"]))
    );
    let news = world.get(&format!("/api/v1/cdrs?after={cursor}")).await.json();
    assert_eq!(news["items"].as_array().unwrap().len(), 1);
    assert_eq!(news["items"][0]["cdr_id"], json!(id));
}

#[tokio::test]
async fn a_note_that_cannot_be_is_refused_and_changes_nothing() {
    let world = World::new();
    world.file(cdr(1));
    let id = cdr(1).cdr_id.to_string();
    for text in ["", "   ", &"x".repeat(2001)] {
        assert_eq!(note(&world, ADMIN, &id, text).await.problem(), "bad_request");
    }
    assert_eq!(
        note(&world, ADMIN, &call_id(77).to_string(), "x").await.problem(),
        "not_found"
    );
    assert_eq!(
        note(&world, ADMIN, "no-id", "x").await.status,
        StatusCode::NOT_FOUND
    );
    let reader = world.token("reader", "cdr:read calls:read", None);
    assert_eq!(note(&world, &reader, &id, "x").await.problem(), "forbidden");
    for number in 0..100 {
        let written = note(&world, ADMIN, &id, &format!("{number}")).await;
        assert_eq!(written.status, StatusCode::CREATED);
    }
    assert_eq!(
        note(&world, ADMIN, &id, "one more").await.problem(),
        "too_many_notes"
    );
    let shown = world.get(&format!("/api/v1/cdrs/{id}")).await.json();
    assert_eq!(shown["notes"].as_array().unwrap().len(), 100);
}

/// The course of a call that goes on, and of one that has ended; a mended clock moves all of it.
#[tokio::test]
async fn the_course_of_a_call_is_told_detail_by_detail_while_it_goes_on_and_afterwards() {
    let world = World::new();
    let record = cdr(5);
    let id = record.call_id;
    let path = format!("/api/v1/cdrs/{id}/events");
    let append = |entry| world.store.journal().try_append(entry).unwrap();
    let detail = |offset_ms, leg: Option<u32>, kind, detail: &str| {
        Entry::CallNoted(CallNote {
            call_id: id,
            at: NOON,
            offset_ms,
            leg: leg.map(LegId),
            kind,
            detail: detail.to_owned(),
        })
    };
    append(Entry::CallOpened {
        call: CallKey(5),
        cdr: Box::new(record.clone()),
    });
    append(detail(0, Some(0), NoteKind::Created, ""));
    append(detail(40, None, NoteKind::Stage, "welcome"));
    append(detail(700, None, NoteKind::Digit, "1"));
    append(detail(900, Some(1), NoteKind::Dialed, "ali"));
    world.settle();
    let live = world.get(&path).await.json();
    let kinds = |answer: &serde_json::Value| -> Vec<String> {
        let items = answer["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(&live), ["created", "stage", "digit", "dialed"]);

    append(detail(2000, Some(1), NoteKind::Answered, "ali"));
    append(detail(9000, None, NoteKind::Ended, "caller"));
    world.file(record);
    let told = world.get(&path).await.json();
    assert_eq!(told["call_id"], json!(id.to_string()));
    assert_eq!(
        kinds(&told),
        ["created", "stage", "digit", "dialed", "answered", "ended"]
    );
    let answered = &told["items"][4];
    let expected = at(5).unix_ms + 2000;
    assert_eq!(
        (&answered["offset_ms"], &answered["leg"], &answered["detail"]),
        (&json!(2000), &json!(1), &json!("ali"))
    );
    let shown: jiff::Timestamp = answered["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        shown.as_millisecond(),
        expected,
        "counted from the record's start, whatever the clock said then"
    );
    let stranger = format!("/api/v1/cdrs/{}/events", call_id(77));
    assert_eq!(world.get(&stranger).await.problem(), "not_found");
    let weak = world.token("weak", "calls:read", None);
    let refused = bearing(&weak, Method::GET, &path).body(Body::empty()).unwrap();
    assert_eq!(world.send(refused).await.status, StatusCode::FORBIDDEN);
}
