use super::*;
use crate::ivr::RingResult;
use crate::ivr::rehearsal::{Rehearsal, TAKEN};
use crate::model::{Mailbox, RecordingId, Stamp};

const OWN: &str = r#"
    name = "messages"
    start = "messages"
    [step.messages]
    verb = "messages"
    "#;

const FROM_ELSEWHERE: &str = r#"
    name = "messages"
    start = "messages"
    [step.messages]
    verb = "messages"
    own = false
    "#;

fn id(number: u128) -> RecordingId {
    RecordingId(uuid::Uuid::from_u128(number))
}

fn message(number: u128, state: MessageState, urgent: bool) -> BoxMessage {
    BoxMessage {
        id: id(number),
        state,
        caller: "0501234567".into(),
        left_at: Stamp {
            unix_ms: 1_763_629_200_000,
            offset_seconds: 3 * 3600,
        },
        urgent,
        path: format!("{number}.wav").into(),
    }
}

fn contents() -> BoxContents {
    BoxContents {
        mailbox: Mailbox::Agent("ali".into()),
        messages: vec![
            message(1, MessageState::New, true),
            message(2, MessageState::New, false),
            message(3, MessageState::Saved, false),
        ],
        greeting: None,
        may_call_back: true,
    }
}

/// An agent's phone whose box has been opened.
fn opened() -> Rehearsal {
    let mut agent = Rehearsal::of(OWN);
    assert_eq!(agent.enter(), "open the caller's own box");
    let opened = agent.input(Input::BoxAnswered(BoxAnswer::Opened(contents())));
    assert_eq!(
        opened,
        "play en/vm-new-count + en/num-2 + en/vm-saved-count + en/num-1 + en/vm-menu"
    );
    agent
}

#[test]
fn messages_are_heard_one_after_the_other_and_a_heard_one_is_new_no_longer() {
    let mut agent = opened();
    assert_eq!(agent.press("1"), "play en/vm-urgent + message 1.wav");
    assert_eq!(agent.heard(), "play en/vm-message-menu");
    assert_eq!(
        agent.session.take_deeds(),
        [BoxDeed::Hear(id(1)), BoxDeed::Mark(id(1), MessageState::Saved)]
    );
    assert_eq!(agent.press("6"), "play message 2.wav");
    assert_eq!(agent.press("6"), "play message 3.wav", "cut short, it stays new");
    assert_eq!(
        agent.session.take_deeds(),
        [BoxDeed::Hear(id(2)), BoxDeed::Hear(id(3))]
    );
    assert_eq!(agent.press("4"), "play message 2.wav");
    assert_eq!(agent.press("9"), "play en/vm-kept");
    assert_eq!(
        agent.session.take_deeds(),
        [BoxDeed::Hear(id(2)), BoxDeed::Mark(id(2), MessageState::Saved)]
    );
    assert_eq!(agent.press("6"), "play message 3.wav");
    assert_eq!(
        agent.press("6"),
        "play en/vm-no-more + en/vm-saved-count + en/num-3 + en/vm-menu"
    );
    assert_eq!(agent.press("#"), "play en/goodbye");
    assert_eq!(agent.heard(), "hang up");
}

#[test]
fn a_message_thrown_away_can_be_taken_back() {
    let mut agent = opened();
    agent.press("1");
    assert_eq!(agent.press("7"), "play en/vm-deleted");
    assert_eq!(
        agent.session.take_deeds(),
        [BoxDeed::Hear(id(1)), BoxDeed::Mark(id(1), MessageState::Deleted)]
    );
    assert_eq!(agent.press("7"), "play en/vm-kept");
    assert_eq!(
        agent.session.take_deeds(),
        [BoxDeed::Mark(id(1), MessageState::Saved)]
    );
}

#[test]
fn the_envelope_tells_from_whom_and_when_and_the_sender_is_called_back() {
    let mut agent = opened();
    agent.press("1");
    assert_eq!(
        agent.press("3"),
        "play en/vm-from + en/num-0 + en/num-5 + en/num-0 + en/num-1 + en/num-2 + en/num-3 + en/num-4 + en/num-5 + en/num-6 + en/num-7 + en/vm-received + en/weekday-4 + en/date-the + en/date-20 + en/month-11 + en/num-20 + en/num-20 + en/num-5 + \
         en/num-12 + en/time-oclock + en/time-pm + en/vm-message-menu"
    );
    assert_eq!(agent.press("2"), "call 0501234567 back");
    assert_eq!(
        agent.input(Input::RingEnded(RingResult::NoAnswer)),
        "play en/nobody-available + en/vm-message-menu"
    );
}

#[test]
fn a_greeting_is_recorded_heard_and_put_into_use() {
    let mut agent = opened();
    assert_eq!(agent.press("0"), "play en/vm-greeting-menu");
    assert_eq!(
        agent.press("2"),
        "play en/voicemail-greeting + en/vm-greeting-menu"
    );
    assert_eq!(
        agent.press("1"),
        "take a message after en/vm-greeting-record (90 s, 5 s)"
    );
    assert!(agent.session.awaits_message());
    assert_eq!(agent.input(TAKEN), "play en/vm-greeting-review");
    assert_eq!(
        agent.press("1"),
        "play what was just said + en/vm-greeting-review"
    );
    assert_eq!(agent.press("2"), "play en/vm-greeting-set + en/vm-greeting-menu");
    let ali = Mailbox::Agent("ali".into());
    assert_eq!(agent.session.take_deeds(), [BoxDeed::Greet(ali.clone())]);
    agent.press("3");
    assert_eq!(agent.session.take_deeds(), [BoxDeed::ForgetGreeting(ali)]);
}

/// ROBUSTNESS 43: three tries, then the call ends.
#[test]
fn from_elsewhere_box_and_pin_are_asked_for_three_times_and_the_pin_is_written_nowhere() {
    let mut caller = Rehearsal::of(FROM_ELSEWHERE);
    assert_eq!(caller.enter(), "play en/vm-enter-box");
    assert_eq!(caller.press("1001#"), "play en/vm-enter-pin");
    assert!(caller.session.keeps_secret());
    assert_eq!(caller.press("4321#"), "open box 1001 with PIN 4321");
    assert!(!caller.session.keeps_secret());
    let refused = || Input::BoxAnswered(BoxAnswer::Refused);
    assert_eq!(caller.input(refused()), "play en/vm-wrong + en/vm-enter-box");
    caller.press("1001#1111#");
    assert_eq!(caller.input(refused()), "play en/vm-wrong + en/vm-enter-box");
    caller.press("1001#2222#");
    assert_eq!(caller.input(refused()), "play en/vm-wrong + en/goodbye");
    assert_eq!(caller.heard(), "hang up");
    assert_eq!(caller.session.digits(), "1001#xxxxx1001#xxxxx1001#xxxxx");
}

#[test]
fn whoever_is_locked_out_hears_the_same_as_whoever_is_wrong() {
    let mut caller = Rehearsal::of(FROM_ELSEWHERE);
    caller.enter();
    caller.press("1001#4321#");
    assert_eq!(
        caller.input(Input::BoxAnswered(BoxAnswer::Locked)),
        "play en/vm-wrong + en/goodbye"
    );
}

#[test]
fn a_phone_without_a_box_of_its_own_is_asked_for_one() {
    let mut caller = Rehearsal::of(OWN);
    caller.enter();
    assert_eq!(
        caller.input(Input::BoxAnswered(BoxAnswer::NotOwn)),
        "play en/vm-enter-box"
    );
    caller.press("10");
    assert_eq!(caller.after_seconds(4.0), "play en/vm-enter-pin");
}

#[test]
fn somebody_who_presses_nothing_is_let_go() {
    let mut agent = opened();
    for _ in 0..2 {
        agent.heard();
        assert!(agent.after_seconds(7.0).ends_with("en/vm-menu"));
    }
    agent.heard();
    assert_eq!(agent.after_seconds(7.0), "play en/goodbye");
}

#[test]
fn an_empty_box_says_so() {
    let mut agent = Rehearsal::of(OWN);
    agent.enter();
    let empty = BoxContents {
        messages: Vec::new(),
        ..contents()
    };
    let heard = agent.input(Input::BoxAnswered(BoxAnswer::Opened(empty)));
    assert_eq!(heard, "play en/vm-no-messages + en/vm-menu");
    assert_eq!(agent.press("1"), "play en/vm-no-messages + en/vm-menu");
}

#[test]
fn random_keys_never_panic_and_only_messages_of_the_box_are_touched() {
    let mut dice = crate::model::Dice::from_number(11);
    let mut agent = opened();
    let keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '*'];
    for _ in 0..5_000 {
        match dice.roll(5) {
            0 => agent.heard(),
            1 => agent.input(Input::RingEnded(RingResult::Busy)),
            2 => agent.input(TAKEN),
            _ => {
                let place = usize::try_from(dice.roll(keys.len() as u64)).unwrap();
                agent.press(&keys[place].to_string())
            }
        };
        for deed in agent.session.take_deeds() {
            if let BoxDeed::Mark(marked, _) = deed {
                assert!([id(1), id(2), id(3)].contains(&marked));
            }
        }
    }
}
