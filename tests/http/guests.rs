//! A supervisor or a third party is brought into a live call.

use crate::world::{World, agent, call_id};
use axum::http::StatusCode;
use callpost::agents::AgentState;
use callpost::engine::{Command, GuestKind, Wanted};

/// Omar is free; mona's phone rings.
fn office() -> World {
    let world = World::new();
    world.engine.change(|snapshot| {
        let omar = agent("omar", "Omar", AgentState::OnBreak);
        snapshot.agents.push(omar);
    });
    world
}

/// S1-101.
#[tokio::test]
async fn a_supervisor_listens_whispers_and_barges_in_by_order() {
    let world = office();
    let call = call_id(1);
    let path = format!("/api/v1/calls/{call}/monitor");
    for (body, mode) in [
        (r#"{"agent":"omar"}"#, "listen"),
        (r#"{"agent":"omar","mode":"whisper"}"#, "whisper"),
        (r#"{"number":" 1009 ","mode":"barge"}"#, "barge"),
    ] {
        let answer = world.post_json(&path, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{body}");
        assert_eq!(answer.json()["mode"], mode);
    }
    let omar = Wanted::Agent("omar".into());
    let join = |who: &Wanted, kind| Command::Join {
        call,
        who: who.clone(),
        kind,
    };
    assert_eq!(
        world.engine.told(),
        [
            join(&omar, GuestKind::Listen),
            join(&omar, GuestKind::Whisper),
            join(&Wanted::Number("1009".into()), GuestKind::Barge),
        ]
    );
}

#[tokio::test]
async fn a_third_party_is_asked_to_join() {
    let world = World::new();
    let call = call_id(1);
    let answer = world
        .post_json(
            &format!("/api/v1/calls/{call}/join"),
            r#"{"number":"0501234567"}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let who = Wanted::Number("0501234567".into());
    let kind = GuestKind::Third;
    assert_eq!(world.engine.told(), [Command::Join { call, who, kind }]);
}

#[tokio::test]
async fn who_cannot_come_is_said_with_the_reason() {
    let world = office();
    let (talks, rings) = (call_id(1), call_id(2));
    for (id, body, status, code) in [
        (talks, r#"{}"#, 400, "bad_request"),
        (talks, r#"{"agent":"omar","number":"1"}"#, 400, "bad_request"),
        (talks, r#"{"agent":"omar","mode":"spy"}"#, 400, "bad_request"),
        (talks, r#"{"agent":""}"#, 400, "bad_request"),
        (talks, r#"{"agent":"nobody"}"#, 404, "not_found"),
        (talks, r#"{"agent":"mona"}"#, 409, "agent_engaged"),
        (rings, r#"{"agent":"omar"}"#, 409, "not_talking"),
        (call_id(77), r#"{"agent":"omar"}"#, 404, "not_found"),
    ] {
        let answer = world
            .post_json(&format!("/api/v1/calls/{id}/monitor"), body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.json()["code"], code, "{body}");
    }
    assert!(world.engine.told().is_empty());
}
