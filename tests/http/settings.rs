//! The configuration, changed while the box runs: nothing that is wrong gets in, what cuts something off goes out again.

use crate::world::{ADMIN, Answer, CONFIGURED, FLOW, World, bearing};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

impl World {
    async fn toml(&self, method: Method, path: &str, tag: &str, text: &str) -> Answer {
        let request = bearing(ADMIN, method, path)
            .header("content-type", "application/toml")
            .header("if-match", format!("\"{tag}\""));
        self.send(request.body(Body::from(text.to_owned())).unwrap())
            .await
    }

    /// The text in use and its tag.
    async fn text(&self, path: &str) -> (String, String) {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let body = answer.json();
        let tag = body["etag"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("etag"), format!("\"{tag}\""));
        (body["text"].as_str().unwrap().to_owned(), tag)
    }

    async fn change(&self, query: &str, from: &str, to: &str) -> Answer {
        let (text, tag) = self.text("/api/v1/config").await;
        assert!(text.contains(from), "{from} is not in {text}");
        let path = format!("/api/v1/config{query}");
        self.toml(Method::PUT, &path, &tag, &text.replace(from, to)).await
    }

    async fn history(&self) -> Vec<Value> {
        let body = self.get("/api/v1/config/history").await.json();
        body["items"].as_array().unwrap().clone()
    }

    fn on_disk(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }
}

fn sentences(body: &Value) -> Vec<&str> {
    let changes = body["changes"].as_array().unwrap().iter();
    changes.map(|change| change["text"].as_str().unwrap()).collect()
}

/// Waits until the box has done by itself what it is to do.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never so");
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let world = World::new();
    let answer = world.get("/api/v1/config").await;
    let body = answer.json();
    let text = body["text"].as_str().unwrap();
    assert!(!answer.text().contains("-secret"), "{text}");
    assert!(
        text.contains("password = \"(kept secret ") && text.contains("# the branch"),
        "{text}"
    );
    assert_eq!(body["file"], world.config().display().to_string());
    assert_eq!(body["version"], 1);
    assert_eq!(body["read_only"], Value::Null);
    assert_eq!(body["flows"][0]["name"], "main");
    assert_eq!(body["flows"][0]["used_by"], json!(["number 1000"]));
    let bare = bearing(ADMIN, Method::GET, "/api/v1/config").header("accept", "application/toml");
    let bare = world.send(bare.body(Body::empty()).unwrap()).await;
    assert_eq!(bare.text(), text);
    let flow = world.get("/api/v1/flows/main").await.json();
    assert_eq!(flow["text"], FLOW);
    assert_eq!(world.get("/api/v1/flows/night").await.problem(), "not_found");
    assert_eq!(
        world.get("/api/v1/flows/..%2Fsecret").await.problem(),
        "bad_request"
    );
}

#[tokio::test]
async fn every_mistake_is_told_with_its_line_and_nothing_changes() {
    let world = World::new();
    let wrong = CONFIGURED
        .replace("ring_seconds = 20", "ring_second = 20")
        .replace("flow = \"main\"", "flow = \"mian\"");
    let answer = world.toml(Method::POST, "/api/v1/config/check", "", &wrong).await;
    let body = answer.json();
    assert_eq!(body["ok"], false);
    let told: Vec<String> = body["mistakes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {}",
                one["line"], one["key"], one["problem"], one["cure"]
            )
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("21 \"group.sales.ring_second\""), "{told:?}");
    assert!(told[0].contains("did you mean"), "{told:?}");
    assert!(told[1].starts_with("25 \"number.1000.flow\""), "{told:?}");
    let (_, tag) = world.text("/api/v1/config").await;
    let refused = world.toml(Method::PUT, "/api/v1/config", &tag, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.problem(), "mistakes");
    assert_eq!(refused.json()["mistakes"], body["mistakes"]);
    assert_eq!(world.on_disk(), CONFIGURED);
    assert!(world.swapped.lock().unwrap().is_empty());
    assert_eq!(world.history().await.len(), 1);
}

#[tokio::test]
async fn a_change_is_told_before_it_is_made_then_made_with_its_secrets_kept() {
    let world = World::new();
    let (text, tag) = world.text("/api/v1/config").await;
    let wanted = text.replace("ring_seconds = 20", "ring_seconds = 25").replace(
        "[[group]]",
        "[[agent]]\nid = \"mona\"\nextension = \"1002\"\npassword = \"new-secret\"\n\n[[group]]",
    );
    let told = world
        .toml(Method::POST, "/api/v1/config/diff", "", &wanted)
        .await
        .json();
    assert_eq!(told["ok"], true, "{told}");
    assert_eq!(
        sentences(&told),
        ["agent mona is added", "group sales changes: ring_seconds 20 → 25"]
    );
    assert_eq!(told["needs_restart"], false);
    let path = "/api/v1/config?reason=a+second+desk";
    let answer = world.toml(Method::PUT, path, &tag, &wanted).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["version"], 2);
    assert_eq!(sentences(&body), sentences(&told));
    assert!(world.on_disk().contains("password = \"phone-secret\""));
    assert!(world.on_disk().contains("password = \"new-secret\""));
    let swapped = world.swapped.lock().unwrap().clone();
    assert_eq!(swapped.len(), 1);
    assert_eq!(swapped[0].agents[1].id.as_str(), "mona");
    assert_eq!(swapped[0].agents[0].password.expose(), "phone-secret");
    let history = world.history().await;
    assert_eq!(history[0]["id"], 2);
    assert_eq!(history[0]["by"], "CALLPOST_ADMIN_TOKEN");
    assert_eq!(history[0]["reason"], "a second desk");
    assert_eq!(history[0]["changes"], json!(["+agent mona", "~group sales"]));
    assert_eq!(
        (&history[0]["in_use"], &history[1]["in_use"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(history[1]["way"], "found");
    // Whoever still has the text of before is told, and cannot undo the change unknowingly.
    let late = world.toml(Method::PUT, "/api/v1/config", &tag, &text).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(late.problem(), "changed_meanwhile");
    let bare = bearing(ADMIN, Method::PUT, "/api/v1/config").header("content-type", "application/toml");
    let bare = world.send(bare.body(Body::from(text)).unwrap()).await;
    assert_eq!(bare.problem(), "precondition_required");
}

#[tokio::test]
async fn one_click_goes_back_to_an_earlier_version() {
    let world = World::new();
    world.change("", "ring_seconds = 20", "ring_seconds = 25").await;
    let version = world.get("/api/v1/config/history/1").await;
    assert!(!version.text().contains("-secret"));
    let version = version.json();
    let back = version["to_go_back"][0]["text"].as_str().unwrap();
    assert_eq!(back, "group sales changes: ring_seconds 25 → 20");
    assert_eq!(version["flows"][0]["name"], "main");
    let answer = world
        .ask(Method::POST, "/api/v1/config/history/1/return?trial_seconds=0")
        .await;
    assert_eq!(answer.json()["version"], 3, "{}", answer.text());
    assert_eq!(world.on_disk(), CONFIGURED);
    assert_eq!(world.history().await[0]["way"], "returned");
    let gone = world.ask(Method::POST, "/api/v1/config/history/99/return").await;
    assert_eq!(gone.problem(), "not_found");
}

#[tokio::test]
async fn a_change_that_nobody_confirms_is_taken_back() {
    let world = World::new();
    let answer = world
        .change(
            "?confirm=true&trial_seconds=1",
            "ring_seconds = 20",
            "ring_seconds = 25",
        )
        .await;
    let body = answer.json();
    assert_eq!(body["trial"]["wants_confirmation"], true, "{body}");
    assert_eq!(body["trial"]["returns_to"], 1);
    until(async || world.on_disk() == CONFIGURED).await;
    until(async || world.get("/api/v1/config").await.json()["taken_back"].is_object()).await;
    let view = world.get("/api/v1/config").await.json();
    assert_eq!(view["taken_back"]["reason"], "nobody confirmed it within 1 s");
    assert_eq!(view["trial"], Value::Null);
    let history = world.history().await;
    assert_eq!(
        (&history[0]["way"], &history[0]["by"]),
        (&json!("taken_back"), &json!("callpost"))
    );
    let swapped = world.swapped.lock().unwrap().clone();
    let rings: Vec<_> = swapped
        .iter()
        .map(|config| config.rung_groups()[0].ring_time.as_secs())
        .collect();
    assert_eq!(rings, [25, 20]);
}

#[tokio::test]
async fn a_change_that_is_confirmed_stays() {
    let world = World::new();
    world
        .change(
            "?confirm=true&trial_seconds=1",
            "ring_seconds = 20",
            "ring_seconds = 25",
        )
        .await;
    let confirmed = world.ask(Method::POST, "/api/v1/config/confirm").await;
    assert_eq!(confirmed.json()["confirmed"], true);
    let again = world.ask(Method::POST, "/api/v1/config/confirm").await;
    assert_eq!(again.problem(), "nothing_on_trial");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(world.on_disk().contains("ring_seconds = 25"));
}

#[tokio::test]
async fn a_change_after_which_a_trunk_or_a_phone_is_gone_is_taken_back() {
    let world = World::new();
    world.change("?trial_seconds=1", "127.0.0.20", "127.0.0.21").await;
    world.engine.change(|snapshot| {
        snapshot.trunks[0].state = "down";
        snapshot.registrations.clear();
    });
    let missing = world.get("/api/v1/config").await.json()["trial"]["missing"].clone();
    assert_eq!(missing, json!(["phone 1001", "trunk pbx"]));
    until(async || world.on_disk() == CONFIGURED).await;
    until(async || world.get("/api/v1/config").await.json()["taken_back"].is_object()).await;
    let reason = world.get("/api/v1/config").await.json()["taken_back"]["reason"].clone();
    assert_eq!(reason, "phone 1001, trunk pbx did not come back within 1 s");
}

/// What was taken out on purpose is not missed, and a change within a trial joins it.
#[tokio::test]
async fn what_was_removed_is_not_missed_and_two_changes_are_one_trial() {
    let world = World::new();
    let agent = "[[agent]]\nid = \"ali\"\nextension = \"1001\"\n";
    let (text, tag) = world.text("/api/v1/config").await;
    let begin = text.find(agent).unwrap();
    let end = text.find("[[group]]").unwrap();
    let without = format!("{}{}", &text[..begin], &text[end..]);
    let answer = world
        .toml(Method::PUT, "/api/v1/config?trial_seconds=2", &tag, &without)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    world.engine.change(|snapshot| snapshot.registrations.clear());
    let second = world
        .change("?trial_seconds=1", "ring_seconds = 20", "ring_seconds = 25")
        .await;
    assert_eq!(second.json()["trial"]["returns_to"], 1);
    until(async || world.get("/api/v1/config").await.json()["trial"].is_null()).await;
    assert!(world.on_disk().contains("ring_seconds = 25"), "nothing is missed");
    assert!(!world.on_disk().contains("1001"));
}

#[tokio::test]
async fn flows_are_made_changed_and_removed_the_same_way() {
    let world = World::new();
    let night = "start = \"bye\"\n[step.bye]\nverb = \"hangup\"\n";
    let new = bearing(ADMIN, Method::PUT, "/api/v1/flows/night")
        .header("content-type", "application/toml")
        .header("if-none-match", "*");
    let made = world.send(new.body(Body::from(night)).unwrap()).await;
    assert_eq!(
        sentences(&made.json()),
        ["flow night is added"],
        "{}",
        made.text()
    );
    let file = world.config().with_file_name("flows/night.toml");
    assert_eq!(fs::read_to_string(&file).unwrap(), night);
    let (_, tag) = world.text("/api/v1/flows/night").await;
    let wrong = world
        .toml(
            Method::PUT,
            "/api/v1/flows/night",
            &tag,
            &night.replace("hangup", "hangpu"),
        )
        .await;
    assert_eq!(wrong.problem(), "mistakes");
    let first = wrong.json()["mistakes"][0].clone();
    assert_eq!(
        (&first["line"], &first["key"]),
        (&json!(3), &json!("step.bye.verb"))
    );
    assert!(first["file"].as_str().unwrap().ends_with("flows/night.toml"));
    let (_, main) = world.text("/api/v1/flows/main").await;
    let used = world.toml(Method::DELETE, "/api/v1/flows/main", &main, "").await;
    assert_eq!(used.problem(), "mistakes", "a number leads to it");
    let removed = world.toml(Method::DELETE, "/api/v1/flows/night", &tag, "").await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text());
    assert!(!file.exists());
    let back = world.ask(Method::POST, "/api/v1/config/history/2/return").await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text());
    assert_eq!(fs::read_to_string(&file).unwrap(), night);
}

#[tokio::test]
async fn what_was_changed_by_hand_is_not_written_over() {
    let world = World::new();
    let by_hand = CONFIGURED.replace("# the branch", "# by hand");
    fs::write(world.config(), &by_hand).unwrap();
    assert_eq!(world.get("/api/v1/config").await.json()["changed_on_disk"], true);
    let refused = world.change("", "ring_seconds = 20", "ring_seconds = 25").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.problem(), "changed_on_disk");
    assert_eq!(world.on_disk(), by_hand);
    let read = world.ask(Method::POST, "/api/v1/config/reload").await;
    assert_eq!(read.json()["version"], 2, "{}", read.text());
    assert_eq!(world.get("/api/v1/config").await.json()["changed_on_disk"], false);
    let made = world.change("", "ring_seconds = 20", "ring_seconds = 25").await;
    assert_eq!(made.status, StatusCode::OK);
    fs::write(world.config(), "[site\n").unwrap();
    let broken = world.ask(Method::POST, "/api/v1/config/reload").await;
    assert_eq!(broken.problem(), "mistakes");
}

/// ROBUSTNESS 96
#[tokio::test]
async fn a_place_that_cannot_be_written_is_a_clear_problem_and_changes_nothing() {
    let world = World::new();
    let folder = world.config().parent().unwrap().to_owned();
    // A folder stands where the new file is written first: also root is stopped by that.
    fs::create_dir(folder.join(".callpost.toml.new")).unwrap();
    let view = world.get("/api/v1/config").await.json();
    assert!(
        view["read_only"]["problem"]
            .as_str()
            .unwrap()
            .contains("cannot be written"),
        "{view}"
    );
    let refused = world.change("", "ring_seconds = 20", "ring_seconds = 25").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.problem(), "read_only");
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("Nothing was changed. Cure: ")
    );
    assert_eq!(world.on_disk(), CONFIGURED);
    assert!(world.swapped.lock().unwrap().is_empty());
    assert_eq!(world.history().await.len(), 1);
}

#[tokio::test]
async fn which_program_is_started_is_not_decided_over_the_network() {
    let world = World::new();
    let refused = world
        .change(
            "",
            "[[trunk]]",
            "[transcription]\ncommand = [\"/bin/sh\", \"{file}\"]\n\n[[trunk]]",
        )
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
    assert_eq!(refused.problem(), "at_the_box_only");
    assert_eq!(world.on_disk(), CONFIGURED);
}

#[tokio::test]
async fn what_waits_for_a_restart_is_told() {
    let world = World::new();
    let made = world
        .change(
            "",
            "[[trunk]]",
            "[http]\nlisten = \"127.0.0.1:9090\"\n\n[[trunk]]",
        )
        .await;
    let told = made.json();
    assert_eq!(
        sentences(&told),
        ["[http] is added (counts after the next start)"],
        "{told}"
    );
    let view = world.get("/api/v1/config").await.json();
    assert_eq!(view["after_restart"], json!(["http.listen"]));
}

#[tokio::test]
async fn a_call_is_rehearsed_by_the_text_in_use_and_by_a_changed_one() {
    let world = World::new();
    let story = json!({ "from": "0512345678", "to": "1000", "press": "1", "at": "2026-11-20T20:10:00+03:00",
                        "answer": "ali" });
    let answer = world.post_json("/api/v1/simulate", &story.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let ladder = answer.json()["ladder"].clone();
    let told: Vec<String> = ladder
        .as_array()
        .unwrap()
        .iter()
        .map(|rung| {
            format!(
                "{} {}",
                rung["who"].as_str().unwrap(),
                rung["text"].as_str().unwrap()
            )
        })
        .collect();
    let wanted = [
        "caller presses 1",
        "box rings ali at 1001",
        "box connects the caller with ali",
    ];
    for wanted in wanted {
        assert!(told.iter().any(|told| told == wanted), "{wanted}: {told:#?}");
    }
    let mut changed = story.clone();
    changed["flow"] = "main".into();
    changed["text"] = FLOW.replace("keys = { 1 ", "keys = { 2 ").into();
    let answer = world.post_json("/api/v1/simulate", &changed.to_string()).await;
    assert!(!answer.text().contains("rings ali"), "{}", answer.text());
    changed["text"] = "start = 1".into();
    let answer = world.post_json("/api/v1/simulate", &changed.to_string()).await;
    assert_eq!(answer.problem(), "mistakes");
    let mut nowhere = story;
    nowhere["to"] = "999999".into();
    let answer = world.post_json("/api/v1/simulate", &nowhere.to_string()).await;
    assert_eq!(answer.problem(), "no_story");
    assert_eq!(
        world.get("/api/v1/audit").await.json()["items"],
        json!([]),
        "questions are no deeds"
    );
}
