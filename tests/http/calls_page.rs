//! The page of call records.

use crate::world::{World, bearing, cdr, facts, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::model::{Cdr, Direction, ForeignRecord, Number, RecordingId, Status};

/// The rows of the list, each as its text.
fn rows(html: &str) -> Vec<String> {
    let body = html.split("<tbody").nth(1).unwrap_or_default();
    let body = body.split("</tbody>").next().unwrap_or_default();
    body.split("<tr ").skip(1).map(text).collect()
}

/// What is left of a piece of a page without its tags.
fn text(html: &str) -> String {
    let words = html
        .split('<')
        .map(|piece| piece.split_once('>').map_or("", |(_, text)| text));
    words
        .collect::<Vec<_>>()
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Thirty calls: of five ways to end, of three directions.
fn thirty_calls(world: &World) {
    let statuses = [
        Status::Answer,
        Status::Canceled,
        Status::Busy,
        Status::NoAnswer,
        Status::Failed,
    ];
    let directions = [Direction::Inbound, Direction::Outbound, Direction::Internal];
    for number in 0..30 {
        world.file(Cdr {
            status: statuses[number % 5],
            direction: directions[number % 3],
            ..cdr(u32::try_from(number).unwrap())
        });
    }
}

/// S0-007: the page, and the address the older pages had.
#[tokio::test]
async fn the_list_is_found_at_both_addresses() {
    let world = World::new();
    world.file(cdr(1));
    for address in ["/calls", "/admin/callcenter"] {
        let answer = world.get(address).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text().contains("+966500000001"), "{address}");
    }
}

/// S0-114
#[tokio::test]
async fn the_list_is_turned_page_by_page() {
    let world = World::new();
    thirty_calls(&world);
    let first = world.get("/calls").await.text();
    assert_eq!(rows(&first).len(), 25);
    assert!(first.contains("1–25 of 30 calls"), "{first}");
    assert!(first.contains("rel=\"next\" href=\"/calls?page=2\""), "{first}");
    assert!(!first.contains("rel=\"prev\""));
    assert!(
        rows(&first)[0].contains("+966500000029"),
        "the newest comes first"
    );
    let second = world.get("/calls?page=2").await.text();
    assert_eq!(rows(&second).len(), 5);
    assert!(second.contains("rel=\"prev\" href=\"/calls\""));
    assert!(second.contains("aria-label=\"Page 2\" aria-current=\"page\""));
    let beyond = world.get("/calls?page=9").await;
    assert_eq!(beyond.status, StatusCode::OK);
    assert!(rows(&beyond.text()).is_empty());
    for odd in ["0", "-1", "x", "99999999999999999999", ""] {
        assert_eq!(
            world.get(&format!("/calls?page={odd}")).await.status,
            StatusCode::OK,
            "{odd}"
        );
    }
}

/// S0-115, S0-116
#[tokio::test]
async fn direction_and_every_status_narrow_the_list() {
    let world = World::new();
    thirty_calls(&world);
    for (query, count, word) in [
        ("direction=inbound", 10, "Inbound"),
        ("direction=outbound", 10, "Outbound"),
        ("direction=internal", 10, "Internal"),
        ("status=ANSWER", 6, "Answered"),
        ("status=CANCELED", 6, "Gave up"),
        ("status=BUSY", 6, "Busy"),
        ("status=NO_ANSWER", 6, "No answer"),
        ("status=FAILED", 6, "Failed"),
    ] {
        let html = world.get(&format!("/calls?{query}")).await.text();
        let rows = rows(&html);
        assert_eq!(rows.len(), count, "{query}");
        assert!(rows.iter().all(|row| row.contains(word)), "{query}: {rows:?}");
    }
    let both = world.get("/calls?direction=inbound&status=ANSWER").await.text();
    assert_eq!(rows(&both).len(), 2);
    let kept = world.get("/calls?direction=inbound&page=1").await.text();
    assert!(kept.contains("<option value=\"inbound\" selected>"));
}

/// S0-117
#[tokio::test]
async fn a_number_is_found_by_its_beginning_its_end_any_part_and_as_people_write_it() {
    let world = World::new();
    for (number, caller) in ["+84336626159", "0336626159", "1036"].into_iter().enumerate() {
        let caller_number = Number::from(caller);
        world.file(Cdr {
            caller_number,
            ..cdr(u32::try_from(number).unwrap())
        });
    }
    for (query, count) in [
        ("number=336626159", 2),
        ("number=0336&match=prefix", 1),
        ("number=6159&match=suffix", 2),
        ("number=1036&match=exact", 1),
        ("number=103&match=exact", 0),
        ("number=%28033%29+662-61.59", 1),
        ("number=%2B84&match=prefix", 1),
        ("number=%25", 0),
        ("number=_", 0),
    ] {
        let html = world.get(&format!("/calls?{query}")).await.text();
        assert_eq!(rows(&html).len(), count, "{query}");
    }
}

#[tokio::test]
async fn agent_group_days_and_origin_narrow_the_list_too() {
    let world = World::new();
    world.file(Cdr {
        agent: Some("mona".into()),
        group: Some("support".into()),
        ..cdr(1)
    });
    world.file(cdr(2));
    world.file(Cdr {
        origin: Some(ForeignRecord {
            source: "onepos".into(),
            external_id: "u1".into(),
        }),
        ..cdr(3)
    });
    for (query, count) in [
        ("agent=mona", 1),
        ("group=support", 1),
        ("origin=onepos", 1),
        ("origin=:own", 2),
        ("from=2026-11-20&to=2026-11-20", 3),
        ("to=2026-11-19", 0),
        ("from=2026-11-21", 0),
    ] {
        assert_eq!(
            rows(&world.get(&format!("/calls?{query}")).await.text()).len(),
            count,
            "{query}"
        );
    }
    let odd = world.get("/calls?from=yesterday&status=maybe").await;
    assert_eq!(odd.status, StatusCode::OK);
    assert!(
        odd.text().contains("left out: maybe, yesterday"),
        "{}",
        odd.text()
    );
    assert_eq!(rows(&odd.text()).len(), 3);
}

/// S0-118, S0-119, S0-120, S0-121, S0-122, S0-123, S0-136
#[tokio::test]
async fn a_row_says_everything_in_words() {
    let world = World::new();
    world.file(cdr(5));
    let rows = rows(&world.get("/calls").await.text());
    for words in [
        "Inbound",
        "+966500000005",
        "Front Door",
        "920000123",
        "Ali",
        "2026-11-20 12:05:00",
        "UTC+03:00",
        "1:35",
        "1:11 billable",
        "Answered",
        "This box",
    ] {
        assert!(rows[0].contains(words), "{words} is missing in {}", rows[0]);
    }
}

#[tokio::test]
async fn a_call_is_listed_once_however_often_its_record_changed() {
    let world = World::new();
    world.file(cdr(1));
    world.file(Cdr {
        version: 2,
        linked: Some(ForeignRecord {
            source: "onepos".into(),
            external_id: "u1".into(),
        }),
        ..cdr(1)
    });
    let rows = rows(&world.get("/calls").await.text());
    assert_eq!(rows.len(), 1);
    assert!(rows[0].contains("also onepos"), "{}", rows[0]);
}

/// S0-124
#[tokio::test]
async fn a_recording_can_be_played_and_saved_from_its_row() {
    let world = World::new();
    let id = RecordingId(uuid::Uuid::from_u128(5));
    world.file(Cdr {
        recording: Some(facts(id, "5.wav", b"RIFF")),
        ..cdr(1)
    });
    let html = world.get("/calls").await.text();
    assert!(html.contains(&format!("href=\"/api/v1/recordings/{id}\"")));
    assert!(html.contains(&format!("href=\"/api/v1/recordings/{id}?download=1\"")));
    assert!(html.contains("data-channels=\"2\""));
}

/// ROBUSTNESS 58
#[tokio::test]
async fn what_a_caller_sends_stays_text_in_the_list_and_in_the_filter() {
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }}",
    ] {
        let world = World::new();
        world.file(Cdr {
            caller_name: Some(hostile.to_owned()),
            caller_number: Number::from(hostile),
            dialed_number: Number::from(hostile),
            agent: Some(hostile.into()),
            ..cdr(1)
        });
        let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            "/calls".to_owned(),
            format!("/calls?number={encoded}&agent={encoded}&origin={encoded}&from={encoded}"),
        ] {
            let html = world.get(&path).await.text();
            if hostile.contains(['<', '"', '\'']) {
                assert!(!html.contains(hostile), "{path}");
            }
            assert_eq!(html.matches("<script").count(), 1);
            assert!(!html.contains("<img"), "{path}");
        }
    }
}

/// S0-137
#[tokio::test]
async fn a_person_chooses_the_language_and_the_browser_is_asked_before_that() {
    let world = World::new();
    world.file(cdr(1));
    let page = async |headers: &[(&str, &str)]| {
        let mut request = bearing(crate::world::ADMIN, Method::GET, "/calls");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        world.send(request.body(Body::empty()).unwrap()).await.text()
    };
    assert!(page(&[]).await.contains("<html lang=\"en\" dir=\"ltr\">"));
    let vietnamese = page(&[("accept-language", "vi-VN,vi;q=0.9,en;q=0.8")]).await;
    assert!(vietnamese.contains("<html lang=\"vi\"") && vietnamese.contains("Đã trả lời"));
    let arabic = page(&[("accept-language", "vi"), ("cookie", "callpost_language=ar")]).await;
    assert!(arabic.contains("<html lang=\"ar\" dir=\"rtl\">") && arabic.contains("تم الرد"));
    let form = bearing(crate::world::ADMIN, Method::POST, "/language")
        .header("content-type", "application/x-www-form-urlencoded");
    let body = Body::from("language=vi&back=%2Fcalls%3Fpage%3D2");
    let answer = world.send(form.body(body).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/calls?page=2");
    assert!(answer.header("set-cookie").starts_with("callpost_language=vi;"));
}

#[tokio::test]
async fn the_pages_about_records_need_what_the_records_need() {
    let world = World::new();
    let weak = world.token("weak", "calls:read calls:control", None);
    let answer = world
        .send(bearing(&weak, Method::GET, "/calls").body(Body::empty()).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let stranger = request(Method::GET, "/calls").header("accept", "text/html");
    let answer = world.send(stranger.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/login")
    );
}
