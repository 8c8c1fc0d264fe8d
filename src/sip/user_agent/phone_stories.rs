//! Phones that are asked whether they are there, and many of them at once.

use super::office::{Desk, Office, first_word, line};
use super::{Event, Reach};
use crate::model::Number;
use crate::sip::Flow;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

fn ali() -> Desk {
    Desk::new("1001", "192.0.2.10:5060")
}

fn rung(office: &Office) -> usize {
    office.agent.contacts(office.now, &"1001".into()).count()
}

fn reach(office: &Office) -> Reach {
    let binding = office.agent.registrations(office.now).next().unwrap();
    office.agent.reach(binding)
}

fn probed(office: &mut Office) -> Vec<bool> {
    let mut probed = Vec::new();
    for event in office.events.drain(..) {
        if let Event::PhoneProbed { is_there, .. } = event {
            probed.push(is_there);
        }
    }
    probed
}

#[test]
fn a_registered_phone_is_asked_every_minute_and_the_round_trip_is_measured() {
    let mut office = Office::asking_phones(MINUTE);
    office.register(&ali(), "");
    assert_eq!(reach(&office), Reach::default());
    office.pass(2.0);
    let (flow, question) = office.inbox.remove(0);
    assert!(question.starts_with("OPTIONS sip:1001@192.0.2.10:5060 "));
    office.inbox.clear();
    let asked = office.now;
    office.pass(0.04);
    office.reply(&flow, &question, 405);
    let Reach { is_there, round_trip } = reach(&office);
    assert_eq!(is_there, Some(true), "any answer shows that it is there");
    assert!(round_trip.unwrap() >= office.now - asked);
    let asked = office.pass_answering(600.0, 200);
    assert!((9..=11).contains(&asked.len()), "{}", asked.len());
    assert_eq!(probed(&mut office), [] as [bool; 0], "no news");
}

#[test]
fn a_phone_that_does_not_answer_is_not_rung_until_it_does() {
    let mut office = Office::asking_phones(MINUTE);
    office.register(&ali(), "");
    office.pass_answering(3.0, 200);
    assert_eq!(rung(&office), 1);
    office.pass(70.0 + 32.0);
    assert_eq!((rung(&office), probed(&mut office)), (0, vec![false]));
    assert_eq!(
        office.agent.registrations(office.now).count(),
        1,
        "it stays registered"
    );
    office.inbox.clear();
    office.pass_answering(70.0, 200);
    assert_eq!((rung(&office), probed(&mut office)), (1, vec![true]));
}

#[test]
fn a_phone_that_registers_again_is_rung_again_at_once() {
    let mut office = Office::asking_phones(MINUTE);
    office.register(&ali(), "");
    office.pass(2.0 + 33.0);
    assert_eq!(rung(&office), 0);
    office.register(&ali(), "");
    assert_eq!(rung(&office), 1);
    office.inbox.clear();
    office.pass(0.1);
    assert!(
        office.inbox.iter().any(|(_, text)| first_word(text) == "OPTIONS"),
        "and asked"
    );
}

#[test]
fn phones_that_are_gone_are_asked_no_more() {
    let mut office = Office::asking_phones(MINUTE);
    office.register(&ali(), "");
    office.pass_answering(3.0, 200);
    office.register(&ali(), "Expires: 0\r\n");
    let asked = office.pass_answering(300.0, 200);
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(office.agent.next_deadline(), None);
}

#[test]
fn no_phone_is_asked_where_that_is_switched_off() {
    let mut office = Office::new();
    office.register(&ali(), "");
    office.pass(600.0);
    assert!(office.inbox.is_empty());
}

/// ROBUSTNESS 87: ten thousand phones come back within a minute of the power. All are registered, none is refused, the
/// questions that follow come evenly, and nothing is left of the rush.
#[test]
fn ten_thousand_phones_register_within_a_minute() {
    const PHONES: u32 = 10_000;
    let extension = |number: u32| Number::from(format!("{}", 100_000 + number));
    let mut office = Office::with((0..PHONES).map(extension).collect(), MINUTE);
    let mut questions: BTreeMap<u64, u32> = BTreeMap::new();
    let start = office.now;
    let mut most_open = 0;
    for number in 0..PHONES {
        let name: &'static str = Box::leak(extension(number).to_string().into_boxed_str());
        let desk = Desk::new(
            name,
            &format!("198.18.{}.{}:5060", number / 250, number % 250 + 1),
        );
        let answer = office.register(&desk, "");
        assert_eq!(first_word(&answer), "200", "phone {number}");
        let asked = office.pass_answering(0.006, 200);
        *questions.entry((office.now - start).as_secs()).or_default() += asked.len() as u32;
        most_open = most_open.max(office.agent.load().0);
    }
    assert!((office.now - start).as_secs() <= 60);
    assert_eq!(office.agent.registrations(office.now).count(), 10_000);
    let bound = office
        .events
        .iter()
        .filter(|event| matches!(event, Event::Bound(_)))
        .count();
    assert_eq!(bound, 10_000);
    // A response is kept for those who ask again, for 32 seconds: that is the most there can be.
    assert!(most_open <= 3 * 10_000 * 32 / 60, "{most_open}");
    for _ in 0..120 {
        let asked = office.pass_answering(1.0, 200);
        *questions.entry((office.now - start).as_secs()).or_default() += asked.len() as u32;
    }
    let busiest = questions.values().max().unwrap();
    assert!(
        *busiest <= 400,
        "twice the even rate at most: {busiest} in a second"
    );
    let everybody_is_there = office
        .agent
        .registrations(office.now)
        .all(|phone| office.agent.reach(phone).is_there == Some(true));
    assert!(everybody_is_there);
}

/// The box itself lost its power: what the journal knows is rung without a word from the phones.
#[test]
fn after_a_restart_phones_are_rung_before_they_register() {
    let mut office = Office::new();
    office.register(&ali(), "Expires: 600\r\nUser-Agent: desk\r\n");
    let kept: Vec<_> = office
        .agent
        .registrations(office.now)
        .map(|binding| binding.journal(office.now, 1_000_000))
        .collect();
    let mut after = Office::asking_phones(MINUTE);
    after.agent.restore(after.now, 1_000_000, kept);
    assert_eq!(rung(&after), 1);
    after.pass(2.0);
    let (flow, question) = after.inbox.remove(0);
    assert_eq!(
        flow,
        "udp 192.0.2.10:5060 192.0.2.1:5060".parse::<Flow>().unwrap()
    );
    assert_eq!(line(&question, "To"), "<sip:1001@callpost>");
}
