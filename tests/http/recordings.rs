//! Recordings, whole and in parts.

use crate::world::{ADMIN, Answer, World, bearing, sha256};
use axum::body::Body;
use axum::http::{Method, StatusCode};

const PATH: &str = "2026/11/20/a.wav";

/// Longer than two chunks, and every byte tells its place.
fn audio() -> Vec<u8> {
    (0..150_001u32).map(|place| (place % 251) as u8).collect()
}

async fn ask(world: &World, method: Method, number: u128, headers: &[(&str, &str)]) -> Answer {
    let id = uuid::Uuid::from_u128(number);
    let mut request = bearing(ADMIN, method, &format!("/api/v1/recordings/{id}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_whole_recording_comes_as_it_lies_on_disk() {
    let world = World::new();
    world.record(7, PATH, &audio());
    let answer = ask(&world, Method::GET, 7, &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "audio/wav");
    assert_eq!(answer.header("content-length"), "150001");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("etag"), format!("\"{}\"", sha256(&audio())));
    assert!(
        answer
            .header("content-disposition")
            .starts_with("inline; filename=\"")
    );
    assert!(answer.body == audio());
}

#[tokio::test]
async fn parts_of_a_recording_are_the_bytes_asked_for() {
    let world = World::new();
    world.record(7, PATH, &audio());
    let all = audio();
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=65535-65537", 65_535, 65_537),
        ("bytes=1000-140000", 1000, 140_000),
        ("bytes=150000-", 150_000, 150_000),
        ("bytes=-1", 150_000, 150_000),
        ("bytes=-999999", 0, 150_000),
        ("bytes=0-999999", 0, 150_000),
    ] {
        let answer = ask(&world, Method::GET, 7, &[("range", range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {first}-{last}/150001")
        );
        assert_eq!(answer.header("content-length"), (last - first + 1).to_string());
        assert!(answer.body == all[first..=last], "{range}");
    }
    for range in [
        "bytes=150001-",
        "bytes=-0",
        "bytes=0-1,5-6",
        "bytes=0-,0-,0-,0-,0-,0-",
    ] {
        let answer = ask(&world, Method::GET, 7, &[("range", range)]).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(answer.header("content-range"), "bytes */150001");
        assert_eq!(answer.problem(), "range_not_satisfiable");
    }
    for range in ["bytes=9-3", "bytes=x-y", "lines=1-2", "bytes"] {
        let answer = ask(&world, Method::GET, 7, &[("range", range)]).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::OK, 150_001),
            "{range}"
        );
    }
}

#[tokio::test]
async fn head_tells_everything_but_the_audio() {
    let world = World::new();
    world.record(7, PATH, &audio());
    let answer = ask(&world, Method::HEAD, 7, &[]).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), "150001");
    let answer = ask(&world, Method::HEAD, 7, &[("range", "bytes=0-9")]).await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::PARTIAL_CONTENT, 0)
    );
    assert_eq!(answer.header("content-length"), "10");
}

#[tokio::test]
async fn a_part_is_only_sent_of_the_version_the_client_has() {
    let world = World::new();
    world.record(7, PATH, &audio());
    let etag = format!("\"{}\"", sha256(&audio()));
    let answer = ask(
        &world,
        Method::GET,
        7,
        &[("range", "bytes=0-9"), ("if-range", &etag)],
    )
    .await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    for other in ["\"other\"", &format!("W/{etag}"), "Wed, 21 Oct 2015 07:28:00 GMT"] {
        let answer = ask(
            &world,
            Method::GET,
            7,
            &[("range", "bytes=0-9"), ("if-range", other)],
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK, "{other}");
    }
    for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let answer = ask(&world, Method::GET, 7, &[("if-none-match", &known)]).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{known}"
        );
    }
}

#[tokio::test]
async fn a_recording_that_still_grows_is_served_as_far_as_it_is() {
    let world = World::new();
    world.open_recording(8, PATH, b"RIFF so far");
    let answer = ask(&world, Method::GET, 8, &[]).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (StatusCode::OK, "RIFF so far")
    );
    assert_eq!(answer.header("etag"), "");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_says_why() {
    let world = World::new();
    assert_eq!(ask(&world, Method::GET, 99, &[]).await.problem(), "not_found");
    world.fail_recording(9, "The disk was full.");
    let answer = ask(&world, Method::GET, 9, &[]).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::NOT_FOUND, "recording_failed".into())
    );
    world.record(10, PATH, &audio());
    std::fs::remove_file(world.recordings().join(PATH)).unwrap();
    let answer = ask(&world, Method::GET, 10, &[]).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::NOT_FOUND, "file_missing".into())
    );
    for id in [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "a.wav",
        "..%5c..%5c",
        "2026%2f11%2f20%2fa.wav",
        "%00",
    ] {
        let answer = world.get(&format!("/api/v1/recordings/{id}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
    }
}

#[tokio::test]
async fn a_link_that_leads_out_of_the_directory_is_not_followed() {
    let world = World::new();
    let id = world.record(7, PATH, &audio());
    let secret = world.recordings().with_file_name("secret");
    std::fs::write(&secret, b"outside").unwrap();
    let file = world.recordings().join(PATH);
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(secret, file).unwrap();
    let answer = world.get(&format!("/api/v1/recordings/{id}")).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::NOT_FOUND, "file_missing".into())
    );
}

#[tokio::test]
async fn the_list_shows_the_newest_first_and_goes_back_page_by_page() {
    let world = World::new();
    for number in 1..=5 {
        world.record(number, &format!("{number}.wav"), b"RIFF");
    }
    let page = world.get("/api/v1/recordings?limit=2").await.json();
    assert_eq!(page["has_more"], true);
    assert_eq!(page["items"][0]["state"], "done");
    assert_eq!(page["items"][0]["bytes"], 4);
    let mut seen = page["items"].as_array().unwrap().len();
    let mut before = page["next_before"].as_str().map(str::to_owned);
    while let Some(last) = before {
        let page = world
            .get(&format!("/api/v1/recordings?limit=2&before={last}"))
            .await
            .json();
        seen += page["items"].as_array().unwrap().len();
        before = page["next_before"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, 5);
    assert_eq!(
        world.get("/api/v1/recordings?limit=0").await.problem(),
        "bad_request"
    );
    assert_eq!(
        world.get("/api/v1/recordings?before=x").await.problem(),
        "bad_request"
    );
}

#[tokio::test]
async fn a_recording_can_be_saved_under_the_calls_own_id() {
    let world = World::new();
    let id = world.record(7, PATH, b"RIFF");
    let answer = world.get(&format!("/api/v1/recordings/{id}?download=1")).await;
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"00000000-0000-0000-0000-000000000007.wav\""
    );
}
