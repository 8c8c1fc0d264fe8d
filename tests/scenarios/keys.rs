//! Keys: each is heard once whatever way it is told, and goes on in the form that the other side wants.

use crate::world::{Manner, Site, World};
use callpost::engine::{Command, GuestKind, Wanted};
use callpost::model::Dtmf;

/// An SDP without telephone-event.
const NO_EVENTS: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.100\r\ns=-\r\nc=IN IP4 192.0.2.100\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\na=sendrecv\r\n";

/// The caller talks with ali, whose phone is told of keys so; the ladder begins there.
fn talking(dtmf: Dtmf, caller_knows_events: bool, manner: Manner) -> World {
    let mut site = Site::office().unrecorded();
    site.agents[0].dtmf = dtmf;
    let mut world = World::of(site);
    world.set("ali", manner);
    if caller_knows_events {
        world.calls("caller", "8000");
    } else {
        world.calls_with("caller", "8000", Some(NO_EVENTS.to_owned()));
    }
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world
}

fn answers() -> Manner {
    Manner::answers_after(2.0)
}

/// The lines of the ladder that tell of keys.
fn keys_of(world: &World) -> Vec<String> {
    let about = |line: &&String| {
        ["INFO", "key", "presses", "sings"]
            .iter()
            .any(|word| line.contains(word))
    };
    let lines = world.ladder.lines.iter().filter(about);
    lines
        .map(|line| {
            line.trim_start()
                .split_once("  ")
                .map_or(line.as_str(), |(_, rest)| rest)
                .to_owned()
        })
        .collect()
}

#[test]
fn telephone_events_between_two_who_know_them_pass_as_they_come() {
    let mut world = talking(Dtmf::Auto, true, answers());
    world.presses("caller", "12");
    assert_eq!(
        keys_of(&world),
        ["media: caller presses 1", "media: caller presses 2"]
    );
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "12");
}

#[test]
fn keys_by_info_are_told_by_telephone_event_to_a_phone_that_knows_it() {
    let mut world = talking(Dtmf::Auto, true, answers());
    world.presses_by_info("caller", '5');
    assert_eq!(
        keys_of(&world),
        [
            "caller ──INFO──▶ box",
            "box ──200 INFO──▶ caller",
            "media: tell ali of key 5"
        ]
    );
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "5");
}

#[test]
fn keys_that_are_sung_are_told_by_telephone_event_and_counted() {
    let mut world = talking(Dtmf::Auto, false, answers());
    world.sings("caller", "77");
    assert_eq!(
        keys_of(&world),
        [
            "media: caller sings 7",
            "media: tell ali of key 7",
            "media: caller sings 7",
            "media: tell ali of key 7",
        ]
    );
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "77");
}

#[test]
fn a_phone_that_wants_info_gets_info_one_key_after_the_other() {
    let mut world = talking(Dtmf::Info, true, answers());
    world.presses("caller", "4#");
    world.after_seconds(1.0);
    assert_eq!(
        world.phone("ali").keys_told,
        "Signal=4\r\nDuration=100 Signal=#\r\nDuration=100 "
    );
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "4#");
}

#[test]
fn a_phone_that_refuses_info_after_all_is_told_through_the_media() {
    let manner = Manner {
        refuses_info: true,
        ..answers()
    };
    let mut world = talking(Dtmf::Info, true, manner);
    world.presses("caller", "4");
    world.after_seconds(1.0);
    world.presses("caller", "5");
    world.after_seconds(1.0);
    assert_eq!(
        keys_of(&world),
        [
            "media: caller presses 4",
            "box ──INFO──▶ ali",
            "ali ──415 INFO──▶ box",
            "media: tell ali of key 4",
            "media: caller presses 5",
            "media: tell ali of key 5",
        ]
    );
    world.hangs_up("caller");
    world.peace();
}

#[test]
fn who_tells_by_info_and_knows_no_events_is_told_by_info_in_the_same_words() {
    let mut world = talking(Dtmf::Auto, false, answers());
    world.let_phone("caller", |phone| phone.info_with("application/dtmf", "9"));
    world.presses("ali", "3");
    world.after_seconds(1.0);
    assert_eq!(world.phone("caller").keys_told, "3 ");
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "9", "the agent's keys are not the caller's");
}

#[test]
fn a_key_told_in_three_ways_at_once_is_one_and_the_same_key_again_is_two() {
    let mut world = talking(Dtmf::Inband, true, answers());
    for _ in 0..2 {
        world.sings("caller", "1");
        world.presses("caller", "1");
        world.presses_by_info("caller", '1');
        world.after_seconds(0.3);
    }
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "11");
}

#[test]
fn a_phone_that_wants_tones_is_sung_to_and_offered_no_telephone_event() {
    let mut world = talking(Dtmf::Inband, true, answers());
    assert!(!world.phone("ali").last_invite.contains("telephone-event"));
    world.presses("caller", "8");
    assert_eq!(
        keys_of(&world),
        ["media: caller presses 8", "media: tell ali of key 8"]
    );
    world.sings("ali", "2");
    world.hangs_up("caller");
    world.peace();
}

#[test]
fn a_body_that_tells_of_no_key_is_refused_and_changes_nothing() {
    let mut world = talking(Dtmf::Auto, true, answers());
    for (kind, body) in [
        ("application/dtmf-relay", "Signal=\r\n"),
        ("application/dtmf-relay", "Duration=100\r\n"),
        ("application/dtmf", "boo"),
        ("application/media_control+xml", "<x/>"),
        ("application/dtmf", "16"),
    ] {
        world.let_phone("caller", |phone| phone.info_with(kind, body));
    }
    let answers: Vec<String> = keys_of(&world)
        .into_iter()
        .filter(|line| line.starts_with("box"))
        .collect();
    assert_eq!(
        answers,
        [
            "box ──400 INFO──▶ caller",
            "box ──400 INFO──▶ caller",
            "box ──400 INFO──▶ caller",
            "box ──415 INFO──▶ caller",
            "box ──200 INFO──▶ caller",
        ]
    );
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "");
}

/// S3-089
#[test]
fn while_a_flow_asks_for_a_secret_the_caller_is_kept_off_the_tape_and_the_record_shows_no_key() {
    let mut site = Site::office();
    site.flows.push(
        "name = \"pin\"\nstart = \"pin\"\n[step.pin]\nverb = \"gather\"\nprompt = \"pin\"\nstore = \"pin\"\nsecret = true\nnext = \"hear\"\n[step.hear]\nverb = \"play\"\nprompt = \"thanks\"",
    );
    site.rules.push(callpost::routing::Rule {
        pattern: callpost::routing::Pattern::Exactly("8003".into()),
        then: callpost::routing::Decision::Flow("pin".into()),
        record: None,
    });
    let mut world = World::of(site);
    world.calls("caller", "8003");
    world.after_seconds(1.0);
    world.presses("caller", "12");
    world.presses_by_info("caller", '3');
    world.presses("caller", "#");
    world.after_seconds(10.0);
    insta::assert_snapshot!(world.story());
    let cdr = world.cdr();
    assert_eq!(
        (cdr.digits.as_str(), cdr.collected["pin"].as_str()),
        ("xxxx", "xxx")
    );
    let notes = format!("{:?}", world.entries);
    assert!(!notes.contains("kind: Digit"), "{notes}");
}

#[test]
fn in_a_conversation_of_three_each_of_the_others_is_told() {
    let mut world = talking(Dtmf::Auto, true, answers());
    world.set("omar", answers());
    let call = world.call_id();
    let (who, kind) = (Wanted::Number("1003".into()), GuestKind::Third);
    world.command(Command::Join { call, who, kind });
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world.presses("caller", "6");
    assert_eq!(
        keys_of(&world),
        [
            "media: caller presses 6",
            "media: tell ali of key 6",
            "media: tell third omar of key 6"
        ]
    );
    world.hangs_up("omar");
    world.after_seconds(1.0);
    world.ladder.lines.clear();
    world.presses("caller", "7");
    assert_eq!(
        keys_of(&world),
        ["media: caller presses 7"],
        "two again: events pass"
    );
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "67");
}
