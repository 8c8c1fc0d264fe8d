//! Health, status, live calls, agents, metrics.

use crate::world::{NOON, World, call_id, cdr, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::agents::AgentState;
use callpost::engine::Command;
use callpost::model::{RecordAction, TransferKind};
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn health(world: &World) -> (StatusCode, serde_json::Value) {
    let answer = world
        .send(request(Method::GET, "/health").body(Body::empty()).unwrap())
        .await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_well_box_says_so_to_everybody() {
    let world = World::new();
    let (status, body) = health(&world).await;
    assert_eq!(status, StatusCode::OK);
    let expected = serde_json::json!({
        "status": "ok", "service": "callpost", "version": "0.1.0", "uptime_seconds": 273_930,
        "connected": true, "timestamp": NOON,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_box_that_cannot_serve_calls_answers_503_with_every_reason() {
    let world = World::new();
    world
        .health
        .troubles
        .lock()
        .unwrap()
        .push("The database cannot be written: disk full.".to_owned());
    world.engine.change(|snapshot| snapshot.accepting_calls = false);
    let (status, body) = health(&world).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["status"], "unavailable");
    assert_eq!(body["reasons"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_silent_engine_is_unhealthy_but_the_door_still_answers() {
    let world = World::new();
    *world.engine.snapshot.lock().unwrap() = None;
    let (status, body) = health(&world).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["connected"], false);
    let answer = world.get("/api/v1/status").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::SERVICE_UNAVAILABLE, "engine_silent".into())
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(world.get("/").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn strangers_cannot_make_the_engine_work_more_than_once_a_second() {
    let world = World::new();
    health(&world).await;
    world.engine.change(|snapshot| snapshot.accepting_calls = false);
    assert_eq!(health(&world).await.0, StatusCode::OK);
    world.outside.pass(Duration::from_secs(1));
    assert_eq!(health(&world).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn status_is_the_snapshot_with_the_box_around_it() {
    let world = World::new();
    world.file(cdr(1));
    let status = world.get("/api/v1/status").await.json();
    for key in [
        "calls",
        "registrations",
        "trunks",
        "agents",
        "queues",
        "outbox",
        "consumers",
        "disk",
        "clock",
        "alarms",
    ] {
        assert!(!status[key].is_null(), "{key} is missing");
    }
    assert_eq!(status["calls"][0]["stage"], "talking");
    assert_eq!(status["journal"]["latest_seq"], 1);
    assert_eq!(status["outbox"][0]["upstream"], "head-office");
    assert_eq!(status["outbox"][0]["pending"], 1);
    assert_eq!(status["version"], "0.1.0");
    assert!(status["memory"]["resident_bytes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_live_call_can_be_looked_at_and_ended() {
    let world = World::new();
    let calls = world.get("/api/v1/calls").await.json();
    assert_eq!(calls["items"].as_array().unwrap().len(), 2);
    let id = call_id(1);
    let call = world.get(&format!("/api/v1/calls/{id}")).await.json();
    assert_eq!(call["agent"], "ali");
    let answer = world
        .ask(Method::POST, &format!("/api/v1/calls/{id}/hangup"))
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(world.engine.told(), [Command::HangUp(id)]);
}

/// S4-053.
#[tokio::test]
async fn a_live_call_is_handed_on_held_and_resumed() {
    let world = World::new();
    let id = call_id(1);
    let path = |what: &str| format!("/api/v1/calls/{id}/{what}");
    let answer = world.post_json(&path("transfer"), r#"{"to":" 1002 "}"#).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["kind"], "blind");
    for what in ["hold", "resume"] {
        let answer = world.ask(Method::POST, &path(what)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{what}");
    }
    let transfer = Command::Transfer {
        call: id,
        to: "1002".into(),
        kind: TransferKind::Blind,
    };
    assert_eq!(
        world.engine.told(),
        [transfer, Command::Hold(id), Command::Resume(id)]
    );
}

/// S3-089, FIELD A6: by the API too.
#[tokio::test]
async fn a_recording_is_started_and_paused_by_the_api() {
    let world = World::new();
    let (talks, rings) = (call_id(1), call_id(2));
    let path = |id| format!("/api/v1/calls/{id}/record");
    let answer = world.post_json(&path(talks), r#"{"action":"start"}"#).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let told = world.engine.told();
    assert!(
        matches!(&told[..], [Command::Record { call, action: RecordAction::Start, .. }] if *call == talks),
        "{told:?}"
    );
    for (id, body, status, code) in [
        (talks, r#"{"action":"burn"}"#, 400, "bad_request"),
        (rings, r#"{"action":"start"}"#, 409, "not_talking"),
        (call_id(77), r#"{"action":"stop"}"#, 404, "not_found"),
    ] {
        let answer = world.post_json(&path(id), body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.json()["code"], code, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_handed_on_is_said_with_its_reason() {
    let world = World::new();
    let (talks, rings) = (call_id(1), call_id(2));
    for (id, body, status, code) in [
        (talks, r#"{"to":""}"#, 400, "bad_request"),
        (talks, r#"{"to":"1002","kind":"warm"}"#, 400, "bad_request"),
        (
            talks,
            r#"{"to":"1002","kind":"attended"}"#,
            409,
            "no_consultation",
        ),
        (rings, r#"{"to":"1002"}"#, 409, "not_talking"),
        (call_id(77), r#"{"to":"1002"}"#, 404, "not_found"),
    ] {
        let answer = world
            .post_json(&format!("/api/v1/calls/{id}/transfer"), body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.json()["code"], code, "{body}");
    }
    let answer = world
        .ask(Method::POST, &format!("/api/v1/calls/{rings}/hold"))
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(world.engine.told().is_empty());
}

#[tokio::test]
async fn a_call_that_is_not_there_cannot_be_ended() {
    let world = World::new();
    for id in [
        call_id(77).to_string(),
        "1".to_owned(),
        "../1".to_owned(),
        "%00".to_owned(),
    ] {
        let answer = world
            .ask(Method::POST, &format!("/api/v1/calls/{id}/hangup"))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
    }
    assert!(world.engine.told().is_empty());
}

#[tokio::test]
async fn a_busy_engine_asks_to_try_again() {
    let world = World::new();
    world.engine.busy.store(true, Ordering::SeqCst);
    let answer = world
        .ask(Method::POST, &format!("/api/v1/calls/{}/hangup", call_id(1)))
        .await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::SERVICE_UNAVAILABLE, "engine_busy".into())
    );
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn an_agent_can_be_put_on_a_break() {
    let world = World::new();
    let agents = world.get("/api/v1/agents").await.json();
    assert_eq!(agents["items"][1]["state"], "ringing");
    assert_eq!(world.get("/api/v1/agents/mona").await.json()["name"], "Mona");
    let answer = world
        .post_json(
            "/api/v1/agents/mona/state",
            r#"{"state":"on_break","reason":"prayer"}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let expected = Command::SetAgentState {
        agent: "mona".into(),
        state: AgentState::OnBreak,
        reason: Some("prayer".to_owned()),
    };
    assert_eq!(world.engine.told(), [expected]);
}

#[tokio::test]
async fn only_states_a_person_chooses_can_be_set() {
    let world = World::new();
    for (body, status) in [
        (r#"{"state":"busy"}"#, 400),
        (r#"{"state":"ringing"}"#, 400),
        (r#"{"state":1}"#, 400),
        (r#"{"state":"offline","why":"x"}"#, 400),
        (r#"{}"#, 400),
        ("", 400),
        ("[", 400),
    ] {
        let answer = world.post_json("/api/v1/agents/ali/state", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (status, "bad_request"),
            "{body}"
        );
    }
    let long = format!(r#"{{"state":"offline","reason":"{}"}}"#, "x".repeat(201));
    assert_eq!(
        world.post_json("/api/v1/agents/ali/state", &long).await.status,
        StatusCode::BAD_REQUEST
    );
    let answer = world
        .post_json("/api/v1/agents/nobody/state", r#"{"state":"offline"}"#)
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let form = crate::world::bearing(crate::world::ADMIN, Method::POST, "/api/v1/agents/ali/state")
        .header("content-type", "text/plain")
        .body(Body::from(r#"{"state":"offline"}"#))
        .unwrap();
    assert_eq!(world.send(form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(world.engine.told().is_empty());
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads() {
    let world = World::new();
    world.file(cdr(1));
    let answer = world.get("/metrics").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text();
    for line in [
        "callpost_calls_live 2",
        "callpost_calls_live_by_stage{stage=\"ringing\"} 1",
        "callpost_calls_total 52",
        "callpost_agents{state=\"busy\"} 1",
        "callpost_trunk_up{trunk=\"pbx\"} 1",
        "callpost_group_waiting{group=\"sales\"} 1",
        "callpost_cdr_latest_seq 1",
        "callpost_outbox_pending{upstream=\"head-office\"} 1",
        "callpost_disk_free_bytes 5000000000",
    ] {
        assert!(
            text.lines().any(|have| have == line),
            "{line} is missing in\n{text}"
        );
    }
    every_sample_belongs_to_the_family_before_it(&text);
}

fn every_sample_belongs_to_the_family_before_it(text: &str) {
    let mut family = String::new();
    let mut families = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} comes twice");
            assert_eq!(rest.ends_with(" counter"), family.ends_with("_total"), "{rest}");
        } else if !line.starts_with('#') {
            assert_eq!(line.split(['{', ' ']).next().unwrap(), family);
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        }
    }
}
