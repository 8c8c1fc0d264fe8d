//! Messages in boxes: kept through a restart, with what is still to be done about them.

use super::sample::ended;
use super::{Hand, NOON, open};
use crate::model::{
    Entry, Greeting, Mailbox, Message, MessageErrand, MessageState, RecordingId, Stamp, Transcript,
};
use crate::store::{MessageFilter, Options, Store, Todo};

fn message(n: u32) -> Message {
    let call = ended(n);
    Message {
        id: RecordingId(uuid::Uuid::from_u128(u128::from(n))),
        call_id: call.call_id,
        mailbox: Mailbox::Group("sales".into()),
        state: MessageState::New,
        left_at: Stamp {
            unix_ms: NOON + i64::from(n),
            offset_seconds: 0,
        },
        caller_number: "0501234567".into(),
        caller_name: None,
        path: format!("{n}.wav").into(),
        duration_ms: 4_000,
        language: None,
        urgent: false,
    }
}

fn left(n: u32, errands: &[MessageErrand]) -> Entry {
    Entry::MessageLeft {
        message: Box::new(message(n)),
        errands: errands.to_vec(),
    }
}

/// FIELD B7: what is in a box is still there after a restart.
#[test]
fn messages_and_greetings_survive_a_restart_and_those_thrown_away_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_| ());
    for n in 1..=3 {
        room.append(left(n, &[]));
    }
    let id = |n| message(n).id;
    room.append(Entry::MessageMarked {
        id: id(1),
        state: MessageState::Saved,
    });
    room.append(Entry::MessageMarked {
        id: id(2),
        state: MessageState::Deleted,
    });
    let greeting = Greeting {
        id: id(9),
        path: "g.wav".into(),
    };
    for (mailbox, kept) in [
        (Mailbox::House, None),
        (Mailbox::Agent("ali".into()), Some(greeting.clone())),
    ] {
        for greeting in [Some(greeting.clone()), kept] {
            let mailbox = mailbox.clone();
            room.append(Entry::GreetingSet { mailbox, greeting });
        }
    }
    room.settle();
    room.store.shutdown();
    let opened = Store::open(dir.path(), Options::new(Hand::at(NOON).clock())).unwrap();
    let states: Vec<_> = opened
        .messages
        .iter()
        .map(|message| (message.id, message.state))
        .collect();
    assert_eq!(states, [(id(1), MessageState::Saved), (id(3), MessageState::New)]);
    assert_eq!(opened.greetings, [(Mailbox::Agent("ali".into()), greeting)]);
    let gone = MessageFilter {
        state: Some(MessageState::Deleted),
        limit: 10,
        ..MessageFilter::default()
    };
    assert_eq!(
        opened.store.messages().list(&gone).unwrap().len(),
        1,
        "a row stays"
    );
    opened.store.shutdown();
}

#[test]
fn a_messages_errands_are_run_in_order_put_off_given_up_and_forgotten_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_| ());
    room.append(left(1, &[MessageErrand::Transcribe, MessageErrand::Mail]));
    room.append(left(2, &[MessageErrand::Mail]));
    room.settle();
    let messages = room.store.messages();
    let next = || match messages.next_errand().unwrap() {
        Todo::Now(errand) => Some(*errand),
        Todo::At(_) | Todo::Nothing => None,
    };
    let first = next().unwrap();
    assert_eq!(
        (first.kind, first.about.message.id),
        (MessageErrand::Transcribe, message(1).id)
    );
    messages.try_later(&first, 60_000, "busy").unwrap();
    let second = next().unwrap();
    assert_eq!(
        second.about.message.id,
        message(2).id,
        "the first message's mail waits"
    );
    messages.done(&second).unwrap();
    assert_eq!(messages.next_errand().unwrap(), Todo::At(NOON + 60_000));
    messages.give_up(&first, "never").unwrap();
    assert_eq!(next().unwrap().kind, MessageErrand::Mail);
    assert_eq!(messages.errand_counts().unwrap(), (1, 1));
    room.append(Entry::MessageMarked {
        id: message(1).id,
        state: MessageState::Deleted,
    });
    room.settle();
    assert_eq!(messages.next_errand().unwrap(), Todo::Nothing);
}

/// S2-053: the record tells of a message that came while it was filed, and later of what it says.
#[test]
fn a_record_gets_a_version_for_a_late_message_and_one_for_its_transcript() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_| ());
    room.append(Entry::CallClosed(Box::new(ended(1))));
    room.append(left(1, &[]));
    room.settle();
    let said = Transcript {
        text: "call me".to_owned(),
        language: None,
        by: "service".to_owned(),
    };
    let messages = room.store.messages();
    assert!(messages.transcribe(message(1).id, said.clone()).unwrap());
    assert!(!messages.transcribe(message(7).id, said).unwrap());
    let (_, cdr) = room.store.reader().cdr(ended(1).call_id).unwrap().unwrap();
    assert_eq!(cdr.version, 3);
    let voicemail = cdr.voicemail.unwrap();
    assert_eq!(voicemail.id, message(1).id);
    assert_eq!(voicemail.transcript.unwrap().text, "call me");
}

#[test]
fn old_messages_and_those_thrown_away_are_found_by_whoever_sweeps() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_| ());
    room.append(left(1, &[]));
    room.append(left(2, &[]));
    room.append(Entry::MessageMarked {
        id: message(2).id,
        state: MessageState::Deleted,
    });
    room.settle();
    let messages = room.store.messages();
    let sales = Mailbox::Group("sales".into());
    assert_eq!(messages.boxes().unwrap(), std::slice::from_ref(&sales));
    assert_eq!(messages.old(&sales, NOON).unwrap(), []);
    assert_eq!(messages.old(&sales, NOON + 10).unwrap(), [message(1).id]);
    let gone = messages.to_remove(NOON + 10).unwrap();
    assert_eq!(gone.len(), 1);
    messages.file_gone(message(2).id).unwrap();
    assert_eq!(messages.to_remove(NOON + 10).unwrap(), []);
}
