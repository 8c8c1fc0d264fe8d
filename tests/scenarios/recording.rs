//! What is recorded, from when, by whose wish, and what the caller is told before.

use crate::world::{Manner, Site, World};
use callpost::engine::Command;
use callpost::model::{
    ConsentMark, ConsentRule, Digit, Direction, Entry, NoteKind, RecordAction, RecordRule, RecordWhen,
    RecordingRules, Status,
};

fn rule(record: RecordWhen) -> RecordRule {
    RecordRule {
        record,
        direction: None,
        trunk: None,
        group: None,
        agent: None,
        number: None,
        percent: None,
    }
}

fn code(keys: &str) -> Vec<Digit> {
    keys.chars().map(|key| Digit::from_char(key).unwrap()).collect()
}

/// An office that records by these rules; `*1` and `*2` are the agents' codes.
fn office(rules: RecordingRules) -> World {
    let mut site = Site::office();
    site.recording = Some(RecordingRules {
        record_keys: code("*1"),
        pause_keys: code("*2"),
        ..rules
    });
    let mut world = World::of(site);
    world.set("ali", Manner::answers_after(2.0));
    world
}

/// An office that announces recordings; 9 refuses.
fn announcing(opt_in: Option<char>) -> World {
    office(RecordingRules {
        consent: Some(ConsentRule {
            prompt: "recorded".into(),
            opt_out: Digit::from_char('9'),
            opt_in: opt_in.and_then(Digit::from_char),
        }),
        ..RecordingRules::plain(true)
    })
}

fn order(world: &mut World, action: RecordAction) {
    let call = world.call_id();
    world.command(Command::Record {
        call,
        action,
        by: "office".to_owned(),
    });
}

/// The lines of the ladder about recording, playing and talking.
fn about_recording(world: &World) -> String {
    let tells = ["record", "play", "talk"];
    let lines = world.ladder.lines.iter();
    lines
        .filter(|line| line.contains("media: ") && tells.iter().any(|word| line.contains(word)))
        .map(|line| line.trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

fn was_recorded(world: &mut World) -> bool {
    world.peace();
    world.cdr().recording.is_some()
}

/// S3-006: rules by direction, group, agent, number and percentage.
#[test]
fn the_first_rule_that_fits_says_whether_a_call_is_recorded() {
    let sales = || RecordRule {
        group: Some("sales".into()),
        ..rule(RecordWhen::Answer)
    };
    let ali = |record| RecordRule {
        agent: Some("ali".into()),
        direction: Some(Direction::Inbound),
        ..rule(record)
    };
    for (rules, usual, recorded) in [
        (vec![], true, true),
        (vec![], false, false),
        (vec![sales()], false, true),
        (vec![ali(RecordWhen::Never), sales()], true, false),
        (
            vec![ali(RecordWhen::Answer), rule(RecordWhen::Never)],
            false,
            true,
        ),
    ] {
        let mut world = office(RecordingRules {
            rules: rules.clone(),
            ..RecordingRules::plain(usual)
        });
        world.calls("caller", "8000");
        world.after_seconds(5.0);
        world.hangs_up("caller");
        assert_eq!(was_recorded(&mut world), recorded, "{rules:?}");
    }
}

#[test]
fn a_caller_the_box_hears_already_is_recorded_from_the_ringing_on() {
    let mut world = office(RecordingRules {
        usual: RecordWhen::Ringing,
        ..RecordingRules::plain(true)
    });
    world.calls("caller", "8001");
    world.after_seconds(5.0);
    world.presses("caller", "1");
    world.after_seconds(6.0);
    world.hangs_up("caller");
    world.peace();
    insta::assert_snapshot!(about_recording(&world), @"
     0.0s  media: play en/welcome to caller
     2.0s  media: play en/main-menu to caller
     5.0s  media: play ringback to caller over and over
     5.0s  media: record caller and ali
     7.0s  media: caller and ali talk
     7.0s  media: record caller and ali
    11.0s  media: stop recording caller
    ");
    assert!(world.cdr().recording.as_ref().unwrap().duration_ms > Some(world.cdr().talk_ms));
}

#[test]
fn a_caller_who_is_not_answered_yet_is_recorded_from_the_answer_on() {
    let mut world = office(RecordingRules {
        usual: RecordWhen::Ringing,
        ..RecordingRules::plain(true)
    });
    world.calls("caller", "8000");
    world.after_seconds(6.0);
    world.hangs_up("caller");
    world.peace();
    let facts = world.cdr().recording.clone().unwrap();
    assert_eq!(facts.duration_ms, Some(world.cdr().talk_ms));
}

/// S3-089: silence in the audio, no digits in the record.
#[test]
fn a_paused_recording_hides_the_keys_that_are_pressed_meanwhile() {
    let mut world = office(RecordingRules::plain(true));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.ladder.lines.clear();
    world.presses("caller", "5");
    order(&mut world, RecordAction::Pause);
    order(&mut world, RecordAction::Pause);
    world.presses("caller", "4111");
    assert!(world.engine.snapshot(world.now).calls[0].recording_paused);
    order(&mut world, RecordAction::Resume);
    world.presses("caller", "6");
    world.after_seconds(3.0);
    world.hangs_up("caller");
    world.peace();
    insta::assert_snapshot!(about_recording(&world), @"
    4.0s  media: pause recording caller
    4.0s  media: resume recording caller
    7.0s  media: stop recording caller
    ");
    assert_eq!(world.cdr().digits, "5xxxx6");
    let noted: String = world
        .entries
        .iter()
        .filter_map(|entry| {
            let Entry::CallNoted(note) = entry else {
                return None;
            };
            (note.kind == NoteKind::Digit).then_some(note.detail.as_str())
        })
        .collect();
    assert_eq!(noted, "5xxxx6");
}

#[test]
fn an_agent_pauses_and_resumes_by_keys_and_the_caller_cannot() {
    let mut world = office(RecordingRules::plain(true));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.ladder.lines.clear();
    world.presses("caller", "*2");
    world.presses("ali", "*2");
    world.after_seconds(3.0);
    world.presses("ali", "*");
    world.after_seconds(4.0);
    world.presses("ali", "2");
    world.after_seconds(4.0);
    world.presses("ali", "7*2");
    world.hangs_up("ali");
    world.peace();
    insta::assert_snapshot!(about_recording(&world), @"
     4.0s  media: pause recording caller
    15.0s  media: resume recording caller
    15.0s  media: stop recording caller
    ");
}

#[test]
fn an_agent_starts_and_stops_a_recording_by_keys_and_each_is_a_file() {
    let mut world = office(RecordingRules::plain(false));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.ladder.lines.clear();
    world.presses("ali", "*1");
    world.after_seconds(3.0);
    world.presses("ali", "*1");
    world.after_seconds(1.0);
    world.presses("ali", "*1");
    world.after_seconds(2.0);
    world.hangs_up("caller");
    world.peace();
    insta::assert_snapshot!(about_recording(&world), @"
     4.0s  media: record caller and ali
     7.0s  media: stop recording caller
     8.0s  media: record caller and ali
    10.0s  media: stop recording caller
    ");
    let paths: Vec<_> = world
        .entries
        .iter()
        .filter_map(|entry| {
            let Entry::RecordingOpened(row) = entry else {
                return None;
            };
            Some(row.path.clone())
        })
        .collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert_ne!(paths[0], paths[1]);
}

#[test]
fn a_recording_is_started_and_stopped_by_the_api_and_a_number_that_says_no_stands_until_then() {
    let mut world = office(RecordingRules::plain(false));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    order(&mut world, RecordAction::Stop);
    order(&mut world, RecordAction::Resume);
    assert_eq!(world.engine.snapshot(world.now).calls[0].recording, None);
    order(&mut world, RecordAction::Start);
    assert!(world.engine.snapshot(world.now).calls[0].recording.is_some());
    world.after_seconds(3.0);
    order(&mut world, RecordAction::Stop);
    world.after_seconds(3.0);
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().recording.as_ref().unwrap().duration_ms, Some(3_000));
}

/// S3-088, S3-102: nothing is recorded before the announcement has ended, and the record bears the stamp.
#[test]
fn both_hear_the_announcement_before_a_word_is_recorded() {
    let mut world = announcing(None);
    world.calls("caller", "8000");
    world.after_seconds(8.0);
    world.hangs_up("caller");
    world.peace();
    insta::assert_snapshot!(about_recording(&world), @"
    2.0s  media: play en/recorded to caller
    2.0s  media: play en/recorded to ali
    4.0s  media: caller and ali talk
    4.0s  media: record caller and ali
    8.0s  media: stop recording caller
    ");
    let recording = world.cdr().recording.clone().unwrap();
    assert_eq!(recording.consent, Some(ConsentMark::Announced));
    assert!(recording.duration_ms < Some(world.cdr().talk_ms));
}

#[test]
fn a_caller_who_presses_the_key_is_not_recorded_and_talks_at_once() {
    let mut world = announcing(None);
    world.calls("caller", "8000");
    world.after_seconds(2.5);
    world.presses("caller", "9");
    world.after_seconds(3.0);
    order(&mut world, RecordAction::Start);
    world.after_seconds(1.0);
    world.hangs_up("caller");
    world.peace();
    insta::assert_snapshot!(about_recording(&world), @"
    2.0s  media: play en/recorded to caller
    2.0s  media: play en/recorded to ali
    2.5s  media: caller and ali talk
    ");
    assert_eq!(world.cdr().recording, None);
    assert_eq!(world.cdr().tags, ["recording_refused"]);
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn where_a_key_has_to_agree_silence_is_no_consent() {
    for (pressed, mark) in [("1", Some(ConsentMark::Given)), ("", None)] {
        let mut world = announcing(Some('1'));
        world.calls("caller", "8000");
        world.after_seconds(2.5);
        world.presses("caller", pressed);
        world.after_seconds(8.0);
        world.hangs_up("caller");
        world.peace();
        let recording = world.cdr().recording.clone();
        assert_eq!(
            recording.and_then(|recording| recording.consent),
            mark,
            "{pressed:?}"
        );
    }
}

#[test]
fn whoever_hangs_up_during_the_announcement_was_not_recorded() {
    for who in ["caller", "ali"] {
        let mut world = announcing(None);
        world.calls("caller", "8000");
        world.after_seconds(2.5);
        world.hangs_up(who);
        assert!(!was_recorded(&mut world), "{who}");
        assert_eq!(world.cdr().status, Status::Answer);
    }
}

#[test]
fn a_recording_started_by_hand_is_announced_first() {
    let mut world = office(RecordingRules {
        consent: Some(ConsentRule {
            prompt: "recorded".into(),
            opt_out: None,
            opt_in: None,
        }),
        ..RecordingRules::plain(false)
    });
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.ladder.lines.clear();
    world.presses("ali", "*1");
    world.after_seconds(8.0);
    world.hangs_up("caller");
    world.peace();
    insta::assert_snapshot!(about_recording(&world), @"
     4.0s  media: ali no longer talks
     4.0s  media: play en/recorded to caller
     4.0s  media: play en/recorded to ali
     6.0s  media: caller and ali talk
     6.0s  media: record caller and ali
    12.0s  media: stop recording caller
    ");
}

#[test]
fn a_call_handed_on_stays_paused_and_one_recording() {
    let mut world = office(RecordingRules::plain(true));
    world.set("mona", Manner::answers_after(1.0));
    world.set("ali", Manner::answers_after(0.5));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    order(&mut world, RecordAction::Pause);
    world.transfers("ali", "1002");
    world.after_seconds(5.0);
    order(&mut world, RecordAction::Resume);
    world.after_seconds(2.0);
    world.hangs_up("caller");
    world.peace();
    let opened = world.entries.iter();
    let opened = opened
        .filter(|entry| matches!(entry, Entry::RecordingOpened(_)))
        .count();
    assert_eq!(opened, 1);
    assert_eq!(
        world.cdr().recording.as_ref().unwrap().duration_ms,
        Some(world.cdr().talk_ms)
    );
}
