//! What a browser is shown.

use crate::world::{World, agent, at, cdr, request, talking};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::agents::AgentState;
use callpost::engine::{CallView, LegView, RegistrationView, Severity};
use callpost::model::{Cdr, Number, Quality, QualityThere, RecordingId, Status};
use serde_json::json;

const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</template><svg onload=alert(1)>",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "\u{202e}drowssap\u{0}\u{1b}[31m",
    "]]><!--",
];

/// A trunk that is down says why and since when, and what its registrar says, in the reader's language.
#[tokio::test]
async fn a_trunk_that_is_down_says_why_and_since_when() {
    let world = World::new();
    world.engine.change(|snapshot| {
        let trunk = &mut snapshot.trunks[0];
        (trunk.state, trunk.since) = ("down", Some(at(-7)));
        trunk.reason = Some("it takes no calls now (503)".to_owned());
        (trunk.registration, trunk.registration_status) = ("refused", Some(403));
    });
    let page = world.get("/").await.text();
    assert!(page.contains("it takes no calls now (503) · since "), "{page}");
    assert!(page.contains("registration refused (403)"));
}

#[tokio::test]
async fn the_page_shows_everything_at_first_paint() {
    let world = World::new();
    world.file(cdr(1));
    world.file(Cdr {
        status: Status::Voicemail,
        agent: None,
        callee_number: None,
        ..cdr(2)
    });
    let html = world.get("/").await.text();
    for words in [
        "branch-01",
        "Taking calls, with a warning",
        "The trunk pbx answers slowly",
        "Talking with Ali",
        "Ringing sales",
        "3 phones ring",
        "+966500000001",
        "Deskphone 4.2",
        "127.0.0.10:5060",
        "In a call",
        "1 waiting",
        "Answered",
        "Voicemail",
        "1:18",
        "12:00:00",
    ] {
        assert!(html.contains(words), "{words} is missing");
    }
}

#[tokio::test]
async fn how_a_call_sounds_is_shown_by_its_worst_way_once_it_is_measured() {
    let world = World::new();
    let shown = async |there: Option<QualityThere>| {
        world.engine.change(|snapshot| {
            let leg = |quality| LegView {
                leg: 0,
                agent: None,
                number: "1001".to_owned(),
                state: "up",
                seconds: 9,
                quality,
            };
            let quality = Quality {
                mos: Some(4.41),
                loss_percent: Some(0.0),
                there,
                ..Quality::default()
            };
            snapshot.calls = vec![CallView {
                legs: vec![leg(None), leg(Some(quality))],
                ..talking(1)
            }];
        });
        world.get("/now.json").await.json()["calls"][0]["voice"].clone()
    };
    let there = |mos, loss| {
        Some(QualityThere {
            mos: Some(mos),
            loss_percent: Some(loss),
            jitter_ms: None,
        })
    };
    let well = json!({"state": "good", "word": "voice 4.4"});
    assert_eq!(shown(None).await, well);
    assert_eq!(shown(there(4.4, 0.01)).await, well);
    let worse = json!({"state": "warn", "word": "voice 3.4, 2.5 % lost"});
    assert_eq!(shown(there(3.41, 2.5)).await, worse);
    assert_eq!(shown(there(2.0, 20.0)).await["state"], "bad");
    assert!(world.get("/").await.text().contains("voice 2.0, 20.0 % lost"));
}

#[tokio::test]
async fn what_a_caller_sends_is_text_and_nothing_else() {
    for text in HOSTILE {
        let world = World::new();
        world.engine.change(|snapshot| {
            snapshot.calls = vec![CallView {
                caller_number: text.into(),
                caller_name: Some(text.to_owned()),
                dialed_number: text.into(),
                group: Some(text.into()),
                ..talking(1)
            }];
            snapshot.agents = vec![agent(text, text, AgentState::OnBreak)];
            snapshot.agents[0].reason = Some(text.to_owned());
            snapshot.registrations = vec![RegistrationView {
                extension: text.into(),
                contact: text.to_owned(),
                user_agent: Some(text.to_owned()),
                ..snapshot.registrations[0].clone()
            }];
            snapshot.alarms[0].text = text.to_owned();
            snapshot.alarms[0].severity = Severity::Critical;
        });
        world.file(Cdr {
            caller_name: Some(text.to_owned()),
            caller_number: Number::from(text),
            ..cdr(1)
        });
        let html = world.get("/").await.text();
        if text.contains(['<', '>', '"', '\'']) {
            assert!(!html.contains(text), "{text} stands in the page as it came");
        }
        assert_eq!(html.matches("<script").count(), 1, "{text}");
        assert!(
            !html.contains("<img") && !html.contains("<svg onload") && !html.contains("<!--"),
            "{text}"
        );
        for tag in html.split('<').filter_map(|rest| rest.split('>').next()) {
            let outside_quotes: String = tag.split('"').step_by(2).collect();
            assert!(!outside_quotes.contains(" on"), "{text}: {tag}");
        }
        assert_eq!(
            world.get("/now.json").await.header("content-type"),
            "application/json"
        );
    }
}

#[tokio::test]
async fn no_page_needs_what_the_policy_forbids() {
    let world = World::new();
    world.file(cdr(1));
    for html in [
        world.get("/").await.text(),
        world
            .send(request(Method::GET, "/login").body(Body::empty()).unwrap())
            .await
            .text(),
    ] {
        assert!(
            !html.contains(" style=") && !html.contains("<style"),
            "an inline style"
        );
        assert!(
            !html.contains(" onclick=") && !html.contains("javascript:"),
            "an inline script"
        );
        for script in html.split("<script").skip(1) {
            assert!(
                script.contains(" src=\"/assets/") && script.contains("></script>"),
                "{script:.80}"
            );
        }
        for address in html.split("href=\"").chain(html.split("src=\"")).skip(1) {
            let address = address.split('"').next().unwrap();
            assert!(!address.contains("//"), "{address} lies elsewhere");
        }
    }
}

#[tokio::test]
async fn the_script_is_given_the_words_the_page_was_painted_with() {
    let world = World::new();
    let recording = RecordingId(uuid::Uuid::from_u128(5));
    let facts = crate::world::facts(recording, "5.wav", b"RIFF");
    world.file(Cdr {
        recording: Some(facts),
        caller_number: Number::anonymous(),
        ..cdr(1)
    });
    let view = world.get("/now.json").await.json();
    assert_eq!(view["standing"]["state"], "warn");
    assert_eq!(view["calls"][0]["stage"]["word"], "Talking with Ali");
    assert_eq!(view["calls"][0]["timer"]["seconds"], 78);
    assert_eq!(view["calls"][1]["detail"], "3 phones ring · English");
    assert_eq!(view["records"][0]["caller"], "Withheld");
    assert_eq!(
        view["records"][0]["audio"],
        format!("/api/v1/recordings/{recording}")
    );
    assert_eq!(view["records"][0]["talk"], "1:11");
    assert_eq!(view["figures"]["waiting"]["value"], "1");
    let html = world.get("/").await.text();
    assert!(html.contains(&format!("href=\"/api/v1/recordings/{recording}\"")));
}

#[tokio::test]
async fn a_quiet_box_says_so_instead_of_showing_empty_tables() {
    let world = World::new();
    world.engine.change(|snapshot| {
        snapshot.calls.clear();
        snapshot.agents.clear();
        snapshot.registrations.clear();
        snapshot.alarms.clear();
    });
    let html = world.get("/").await.text();
    for words in [
        "Taking calls",
        "The lines are quiet.",
        "No agents are configured.",
        "No phone is registered.",
        "No call has ended yet.",
    ] {
        assert!(html.contains(words), "{words} is missing");
    }
}

#[tokio::test]
async fn a_visitor_who_may_only_look_sees_no_buttons_that_act() {
    let world = World::new();
    let viewer = world.token("viewer", "calls:read cdr:read", None);
    let html = world
        .send(
            crate::world::bearing(&viewer, Method::GET, "/")
                .body(Body::empty())
                .unwrap(),
        )
        .await
        .text();
    assert!(!html.contains(">Hang up<"));
}

#[tokio::test]
async fn assets_are_kept_by_browsers_until_the_program_changes() {
    let world = World::new();
    let html = world.get("/").await.text();
    let address = html
        .split("href=\"")
        .find(|rest| rest.starts_with("/assets/callpost.css"))
        .unwrap();
    let address = address.split('"').next().unwrap();
    let answer = world.get(address).await;
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    assert!(answer.header("cache-control").contains("immutable"));
    let again = request(Method::GET, address).header("if-none-match", answer.header("etag"));
    assert_eq!(
        world.send(again.body(Body::empty()).unwrap()).await.status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        world.get("/assets/now.js").await.header("content-type"),
        "text/javascript; charset=utf-8"
    );
}
