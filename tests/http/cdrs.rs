//! Call records by cursor.

use crate::world::{World, at, cdr};
use axum::http::StatusCode;
use callpost::model::{Direction, Status};
use std::time::Duration;

fn seqs(page: &serde_json::Value) -> Vec<u64> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["seq"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_reader_walks_through_all_records_once_and_in_order() {
    let world = World::new();
    for number in 0..23 {
        world.file(cdr(number));
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&format!("/api/v1/cdrs?limit=5{after}")).await.json();
        seen.extend(seqs(&page));
        assert_eq!(
            (page["oldest_seq"].as_u64(), page["latest_seq"].as_u64()),
            (Some(1), Some(23))
        );
        after = format!("&after={}", page["next_cursor"].as_str().unwrap());
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen, (1..=23).collect::<Vec<u64>>());
    let empty = world.get(&format!("/api/v1/cdrs?limit=5{after}")).await.json();
    assert!(seqs(&empty).is_empty());
    world.file(cdr(23));
    let page = world
        .get(&format!(
            "/api/v1/cdrs?after={}",
            empty["next_cursor"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(seqs(&page), [24]);
}

#[tokio::test]
async fn a_record_shows_every_field_of_the_contract() {
    let world = World::new();
    world.file(cdr(3));
    let page = world.get("/api/v1/cdrs").await.json();
    let record = &page["items"][0];
    for field in [
        "seq",
        "cdr_id",
        "call_id",
        "version",
        "final",
        "site",
        "direction",
        "caller_number",
        "caller_name",
        "dialed_number",
        "callee_number",
        "outbound_caller_id",
        "started_at",
        "ringing_at",
        "answered_at",
        "ended_at",
        "clock_synced",
        "duration_ms",
        "talk_ms",
        "ring_ms",
        "wait_ms",
        "hold_ms",
        "status",
        "sip_code",
        "q850",
        "hangup_by",
        "agent",
        "group",
        "flow",
        "stages",
        "digits",
        "collected",
        "language",
        "recording",
        "trunk",
        "legs",
        "customer",
        "order",
        "notes",
        "tags",
    ] {
        assert!(record.get(field).is_some(), "{field} is missing");
    }
    let id = record["cdr_id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/api/v1/cdrs/{id}")).await.json(), *record);
    assert_eq!(
        world
            .get("/api/v1/cdrs/00000000-0000-0000-0000-000000000000")
            .await
            .problem(),
        "not_found"
    );
    assert_eq!(world.get("/api/v1/cdrs/no-id").await.problem(), "not_found");
}

#[tokio::test]
async fn filters_narrow_and_never_change_the_order() {
    let world = World::new();
    world.file(cdr(1));
    world.file(callpost::model::Cdr {
        status: Status::Busy,
        ..cdr(2)
    });
    world.file(callpost::model::Cdr {
        direction: Direction::Internal,
        ..cdr(3)
    });
    world.file(callpost::model::Cdr {
        caller_number: "4242".into(),
        ..cdr(4)
    });
    for (query, expected) in [
        ("status=BUSY", vec![2]),
        ("status=busy", vec![2]),
        ("direction=internal", vec![3]),
        ("number=4242", vec![4]),
        ("number=920000123&limit=2", vec![1, 2]),
        ("number='%20OR%201=1%20--", vec![]),
        ("order=desc", vec![4, 3, 2, 1]),
        ("order=desc&limit=1", vec![4]),
    ] {
        assert_eq!(
            seqs(&world.get(&format!("/api/v1/cdrs?{query}")).await.json()),
            expected,
            "{query}"
        );
    }
    let from = at(3).to_string();
    assert!(from.contains('+'), "{from}");
    let page = world.get(&format!("/api/v1/cdrs?from={from}")).await.json();
    assert_eq!(
        seqs(&page),
        [3, 4],
        "a plus sign that was not escaped is understood"
    );
    let to = at(2).to_string().replace('+', "%2B");
    assert_eq!(
        seqs(&world.get(&format!("/api/v1/cdrs?to={to}")).await.json()),
        [1, 2]
    );
}

#[tokio::test]
async fn a_mistaken_query_is_named_and_answers_400() {
    let world = World::new();
    for (query, named) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("status=GREAT", "status"),
        ("direction=sideways", "direction"),
        ("from=yesterday", "from"),
        ("to=2026-11-20", "to"),
        ("order=random", "order"),
        ("statsu=BUSY", "statsu"),
        ("status=BUSY&status=FAILED", "status"),
    ] {
        let answer = world.get(&format!("/api/v1/cdrs?{query}")).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::BAD_REQUEST, "bad_request".into()),
            "{query}"
        );
        assert!(
            answer.json()["detail"].as_str().unwrap().contains(named),
            "{}",
            answer.text()
        );
    }
    for cursor in ["x", "AAAA", "%00", "../../etc"] {
        assert_eq!(
            world.get(&format!("/api/v1/cdrs?after={cursor}")).await.problem(),
            "bad_cursor",
            "{cursor}"
        );
    }
}

#[tokio::test]
async fn a_cursor_of_another_store_or_of_the_future_has_expired() {
    let old = World::new();
    old.file(cdr(1));
    let page = old.get("/api/v1/cdrs").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let new = World::new();
    for number in 0..3 {
        new.file(cdr(number));
    }
    let answer = new.get(&format!("/api/v1/cdrs?after={cursor}")).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::GONE, "cursor_expired".into())
    );
}

#[tokio::test]
async fn a_long_poll_answers_the_moment_a_record_is_written() {
    let world = World::new();
    world.file(cdr(1));
    let cursor = world.get("/api/v1/cdrs").await.json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/cdrs?wait=30&after={cursor}");
    let mut poll = std::pin::pin!(world.get(&path));
    let early = tokio::time::timeout(Duration::from_millis(200), poll.as_mut()).await;
    assert!(early.is_err(), "the poll answered without news");
    let seq = world.file(cdr(2));
    let answer = tokio::time::timeout(Duration::from_secs(20), poll)
        .await
        .expect("the poll missed the record");
    assert_eq!(seqs(&answer.json()), [seq]);
}

#[tokio::test]
async fn a_long_poll_without_news_ends_with_an_empty_page_and_the_same_place() {
    let world = World::new();
    let page = world.get("/api/v1/cdrs?wait=1").await.json();
    assert!(seqs(&page).is_empty());
    assert_eq!(page["has_more"], false);
    assert!(page["oldest_seq"].is_null());
}

/// RFC 8288, RFC 9110 §13.1.2
#[tokio::test]
async fn a_page_names_the_next_one_and_is_not_sent_twice() {
    let world = World::new();
    world.file_many((0..5).map(cdr));
    let page = world.get("/api/v1/cdrs?limit=3&status=ANSWER").await;
    let link = page.header("link");
    let next = link
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
    let next = world.get(next.unwrap()).await;
    assert_eq!(seqs(&next.json()), [4, 5]);
    assert_eq!(next.header("link"), "", "the last page has none");
    let cursor = next.json()["next_cursor"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/cdrs?after={cursor}");
    let empty = world.get(&path).await;
    let etag = empty.header("etag").to_owned();
    let again = async |tag: &str| {
        let asked = crate::world::bearing(crate::world::ADMIN, axum::http::Method::GET, &path);
        let asked = asked.header("if-none-match", tag).body(axum::body::Body::empty());
        world.send(asked.unwrap()).await
    };
    let same = again(&etag).await;
    assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again("\"other\"").await.status, StatusCode::OK);
    world.file(cdr(5));
    assert_eq!(seqs(&again(&etag).await.json()), [6], "news has another tag");
}

#[tokio::test]
async fn a_filtered_reader_does_not_look_at_the_same_records_again() {
    let world = World::new();
    world.file_many((0..5).map(cdr));
    let page = world.get("/api/v1/cdrs?status=BUSY").await.json();
    assert!(seqs(&page).is_empty());
    let after = page["next_cursor"].as_str().unwrap().to_owned();
    world.file(callpost::model::Cdr {
        status: Status::Busy,
        ..cdr(5)
    });
    let all = world.get(&format!("/api/v1/cdrs?after={after}")).await.json();
    assert_eq!(seqs(&all), [6]);
}

/// S0-151, S0-152, S0-155
#[tokio::test]
async fn people_groups_origins_and_parts_of_numbers_narrow_too() {
    let world = World::new();
    world.file(cdr(1));
    world.file(callpost::model::Cdr {
        agent: Some("mona".into()),
        group: Some("support".into()),
        ..cdr(2)
    });
    world.file(callpost::model::Cdr {
        origin: Some(callpost::model::ForeignRecord {
            source: "onepos".to_owned(),
            external_id: "2d4cd1f6".to_owned(),
        }),
        ..cdr(3)
    });
    world.file(callpost::model::Cdr { version: 2, ..cdr(1) });
    for (query, expected) in [
        ("agent=mona", vec![2]),
        ("group=support", vec![2]),
        ("group=nobody", vec![]),
        ("origin=onepos", vec![3]),
        ("origin=own", vec![1, 2, 4]),
        ("latest_only=true", vec![2, 3, 4]),
        ("number=966500000002&number_match=suffix", vec![2]),
        (
            "number=+9665000000&number_match=prefix&latest_only=true",
            vec![2, 3, 4],
        ),
        ("number=00000003&number_match=any", vec![3]),
        ("number=%25&number_match=any", vec![]),
    ] {
        let page = world.get(&format!("/api/v1/cdrs?{query}")).await.json();
        assert_eq!(seqs(&page), expected, "{query}");
    }
    for wrong in [
        "number=1&number_match=like",
        "latest_only=perhaps",
        "agent=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        assert_eq!(
            world.get(&format!("/api/v1/cdrs?{wrong}")).await.problem(),
            "bad_request"
        );
    }
}
