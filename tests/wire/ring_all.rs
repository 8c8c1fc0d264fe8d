//! All free agents ring at once, one wins, and every other phone is told the truth.

use crate::harness::appliance::agent_state;
use crate::harness::household::{MAIN_NUMBER, password};
use crate::harness::sip::{Dialog, Message};
use crate::harness::sipp::script;
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, Voice, eventually};
use std::net::{SocketAddrV4, UdpSocket};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// S2-044, S2-057, S2-058, DC-004.
#[test]
fn eight_agents_ring_one_wins_and_seven_are_told_that_somebody_else_took_the_call() {
    let street = Street::claim();
    let (winner_at, losers_at) = (street.house(40), street.house(41));
    let mut household =
        direct("sales", 20, 1).contact("winner", &format!("sip:winner@{winner_at}:5060"), &["sales"]);
    for number in 1..=7 {
        let uri = format!("sip:loser{number}@{losers_at}:5060");
        household = household.contact(&format!("loser{number}"), &uri, &["sales"]);
    }
    let appliance = Appliance::open(&street, &household);
    let losers = script("agent_is_told_elsewhere", losers_at)
        .calls(7)
        .wait_for_calls();
    let winner = script("agent_answers", winner_at)
        .calls(1)
        .pausing(Duration::from_millis(500))
        .wait_for_calls();
    let caller = script("caller_talks", street.pbx())
        .calls(1)
        .pausing(Duration::from_millis(700));
    let caller = caller.call(street.box_sip(), "8000");
    caller.finish();
    winner.finish();
    losers.finish();
    appliance.until_quiet();

    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("agent")),
        ("ANSWER", "winner")
    );
    let mut results = record.results();
    results.sort();
    assert_eq!(results, [&["answered"][..], &["answered_elsewhere"; 7]].concat());
    assert!(
        record.millis("ring_ms") >= 400 && record.millis("talk_ms") >= 600,
        "measured: {record:#?}"
    );
    for agent in ["winner", "loser1", "loser7"] {
        assert_eq!(
            agent_state(&appliance.status(), agent),
            "available",
            "{agent} is free again"
        );
    }
}

/// S2-057, S2-058.
#[test]
fn an_answer_that_crosses_its_cancel_is_acknowledged_and_ended_with_the_same_reasons() {
    let street = Street::claim();
    let (winner_at, late_at) = (street.house(40), street.house(41));
    let mut household =
        direct("sales", 20, 1).contact("winner", &format!("sip:winner@{winner_at}:5060"), &["sales"]);
    for number in 1..=3 {
        household = household.contact(
            &format!("late{number}"),
            &format!("sip:late{number}@{late_at}:5060"),
            &["sales"],
        );
    }
    let appliance = Appliance::open(&street, &household);
    let late = script("agent_answers_as_cancelled", late_at)
        .calls(3)
        .wait_for_calls();
    let winner = script("agent_answers", winner_at)
        .calls(1)
        .pausing(Duration::from_millis(300))
        .wait_for_calls();
    let caller = script("caller_talks", street.pbx())
        .calls(1)
        .pausing(Duration::from_millis(700));
    let caller = caller.call(street.box_sip(), "8000");
    caller.finish();
    late.finish();
    winner.finish();
    appliance.until_quiet();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("agent")),
        ("ANSWER", "winner")
    );
}

/// S2-057: exactly one winner, whichever answer the box reads first.
#[test]
fn two_answers_in_the_same_moment_have_one_winner_every_time() {
    let street = Street::claim();
    let server = street.box_sip();
    let phones =
        [51, 52].map(|house| Phone::new("desk", SocketAddrV4::new(street.house(house), 5060), server));
    let mut household = direct("sales", 20, 1);
    for (phone, agent) in phones.iter().zip(["one", "two"]) {
        household = household.contact(agent, &phone.contact(), &["sales"]);
    }
    let appliance = Appliance::open(&street, &household);
    let caller = trunk_phone(&street);
    let voice = Voice::at(street.pbx());
    for round in 1..=10 {
        let dialling = caller.dial("8000", voice.address);
        let invites = phones.each_ref().map(|phone| phone.expect_request("INVITE"));
        for (phone, invite) in phones.iter().zip(&invites) {
            Dialog::answer(phone, invite, voice.address);
        }
        let talk = dialling.answered();

        // Both are acknowledged, as RFC 3261 §13.2.2.4 asks; one of them is hung up on at once.
        for (phone, invite) in phones.iter().zip(&invites) {
            phone.expect("an ACK", |message| is_request_of(message, "ACK", invite));
        }
        let (loser, bye) = eventually("one of the two is hung up on", PATIENCE, || {
            phones
                .iter()
                .enumerate()
                .find_map(|(place, phone)| Some((place, bye_within(phone, 5)?)))
        });
        assert!(
            bye.says_completed_elsewhere(),
            "the loser of round {round} is told why: {bye:?}"
        );
        phones[loser].answer(&bye, "200 OK", "");
        let winner = &phones[1 - loser];
        assert!(
            bye_within(winner, 50).is_none(),
            "the winner of round {round} talks on"
        );
        talk.hang_up();
        winner.answer(&winner.expect_request("BYE"), "200 OK", "");
        appliance.until_quiet();
    }
    for record in appliance.until_recorded(10) {
        let mut results = record.results();
        results.sort();
        assert_eq!(results, ["answered", "answered_elsewhere"]);
    }
}

/// S2-044: one tick, all phones.
#[test]
fn the_invites_of_sixteen_agents_leave_in_one_moment() {
    let street = Street::claim();
    let phone = Phone::new(
        "crew",
        SocketAddrV4::new(street.house(50), 5060),
        street.box_sip(),
    );
    let mut household = direct("sales", 20, 1);
    for number in 0..16 {
        household = household.contact(
            &format!("a{number}"),
            &format!("sip:a{number}@{}", phone.at()),
            &["sales"],
        );
    }
    let appliance = Appliance::open(&street, &household);
    let caller = trunk_phone(&street);
    let voice = Voice::at(street.pbx());
    let dialling = caller.dial("8000", voice.address);
    let invites: Vec<Message> = (0..16).map(|_| phone.expect_request("INVITE")).collect();
    let arrived: Vec<Instant> = phone.heard().iter().map(|(at, _)| *at).collect();
    let spread = arrived[15] - arrived[0];
    assert!(
        spread < Duration::from_millis(150),
        "the last INVITE came {spread:?} after the first"
    );
    for (number, invite) in invites.iter().enumerate() {
        phone.answer(invite, "486 Busy Here", &format!("busy{number}"));
    }
    dialling.refused(486);
    assert_eq!(appliance.only_record().text("status"), "BUSY");
}

/// S2-043, S2-046, S2-055: who talks, who is away and who is not registered is not rung.
#[test]
fn only_agents_who_are_free_are_rung() {
    let street = Street::claim();
    let phones = [51, 52, 53].map(|house| {
        Phone::new(
            "desk",
            SocketAddrV4::new(street.house(house), 5060),
            street.box_sip(),
        )
    });
    let mut household =
        direct("sales", 20, 1)
            .number("8001", r#"agent="one""#)
            .phone("absent", "1009", &["sales"]);
    for (phone, agent) in phones.iter().zip(["one", "two", "three"]) {
        household = household.contact(agent, &phone.contact(), &["sales"]);
    }
    let appliance = Appliance::open(&street, &household);
    appliance.post(
        "/api/v1/agents/two/state",
        r#"{"state":"on_break","reason":"lunch"}"#,
    );
    appliance.until("two is at lunch", |status| {
        agent_state(status, "two") == "on_break"
    });
    let voice = Voice::at(street.pbx());

    let first = trunk_phone(&street);
    let dialling = first.dial("8001", voice.address);
    let busy = Dialog::accept(&phones[0], &phones[0].expect_request("INVITE"), voice.address);
    let talk = dialling.answered();
    assert_eq!(agent_state(&appliance.status(), "one"), "busy");

    let second = Phone::new(
        "+966507777777",
        SocketAddrV4::new(street.pbx(), 5062),
        street.box_sip(),
    );
    let dialling = second.dial("8000", voice.address);
    let free = Dialog::accept(&phones[2], &phones[2].expect_request("INVITE"), voice.address);
    dialling.answered().hang_up();
    free.hung_up_on();
    talk.hang_up();
    busy.hung_up_on();
    appliance.until("one is free again", |status| {
        agent_state(status, "one") == "available"
    });
    assert!(phones[1].heard().is_empty(), "a phone on a break stays silent");
    let records = appliance.until_recorded(2);
    let group_call = records
        .iter()
        .find(|record| record.text("dialed_number") == "8000")
        .expect("it is on record");
    assert_eq!(
        group_call.legs().len(),
        2,
        "the caller and the one free agent: {group_call:#?}"
    );
}

/// S2-049, S2-059: two rounds, and who registers in between is rung in the second.
#[test]
fn an_agent_who_comes_in_joins_the_next_round() {
    let street = Street::claim();
    let early = Phone::new(
        "1001",
        SocketAddrV4::new(street.house(51), 5060),
        street.box_sip(),
    );
    let late = Phone::new(
        "1002",
        SocketAddrV4::new(street.house(52), 5060),
        street.box_sip(),
    );
    let household =
        direct("sales", 1, 2)
            .phone("early", "1001", &["sales"])
            .phone("late", "1002", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    assert_eq!(early.register(&password("1001"), "MD5", 600).status(), Some(200));

    let voice = Voice::at(street.pbx());
    let caller = trunk_phone(&street);
    let dialling = caller.dial("8000", voice.address);
    let first_round = early.expect_request("INVITE");
    early.answer(&first_round, "180 Ringing", "first");
    assert_eq!(late.register(&password("1002"), "MD5", 600).status(), Some(200));
    let cancel = early.expect_request("CANCEL");
    assert!(!cancel.says_completed_elsewhere(), "nobody took it: {cancel:?}");
    early.answer(&cancel, "200 OK", "first");
    early.answer(&first_round, "487 Request Terminated", "first");

    let second_round = early.expect("the second round", |message| {
        message.request() == Some("INVITE") && message.header("Call-ID") != first_round.header("Call-ID")
    });
    early.answer(&second_round, "180 Ringing", "second");
    let talk = Dialog::accept(&late, &late.expect_request("INVITE"), voice.address);
    let cancel = early.expect("the second CANCEL", |message| {
        is_request_of(message, "CANCEL", &second_round)
    });
    assert!(cancel.says_completed_elsewhere(), "somebody took it: {cancel:?}");
    early.answer(&cancel, "200 OK", "second");
    early.answer(&second_round, "487 Request Terminated", "second");
    dialling.answered().hang_up();
    talk.hung_up_on();

    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "late"));
    let attempts: Vec<_> = record.legs().iter().map(|leg| leg.number("attempt")).collect();
    assert_eq!(attempts, [Some(0), Some(1), Some(2), Some(2)]);
}

/// S2-044: busy, declining, redirecting, unreachable and silent phones do not keep the call from the one who answers.
#[test]
fn phones_that_refuse_redirect_or_stay_silent_do_not_stop_the_one_that_answers() {
    let street = Street::claim();
    let house = |number| street.house(number);
    let household = direct("sales", 10, 1)
        .contact("busy", &format!("sip:busy@{}:5060", house(41)), &["sales"])
        .contact(
            "declines",
            &format!("sip:declines@{}:5060", house(42)),
            &["sales"],
        )
        .contact("moved", &format!("sip:moved@{}:5060", house(43)), &["sales"])
        .contact("broken", &format!("sip:broken@{}:5060", house(44)), &["sales"])
        .contact("switched-off", &format!("sip:off@{}:5060", house(45)), &["sales"])
        .contact("silent", &format!("sip:silent@{}:5060", house(46)), &["sales"])
        .contact("ali", &format!("sip:ali@{}:5060", house(40)), &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let _silent = UdpSocket::bind((house(46), 5060)).expect("the silent phone is there");
    let refusals = [
        (41, "486 Busy Here"),
        (42, "603 Decline"),
        (43, "302 Moved Temporarily"),
        (44, "500 Server Internal Error"),
    ];
    let refusing: Vec<_> = refusals
        .into_iter()
        .map(|(number, status)| {
            script("agent_refuses", house(number))
                .calls(1)
                .refusing_with(status)
                .wait_for_calls()
        })
        .collect();
    let ali = script("agent_answers", house(40))
        .calls(1)
        .pausing(Duration::from_millis(900))
        .wait_for_calls();
    let caller = script("caller_talks", street.pbx())
        .calls(1)
        .pausing(Duration::from_millis(300));
    caller.call(street.box_sip(), "8000").finish();
    ali.finish();
    refusing.into_iter().for_each(crate::harness::Sipp::finish);

    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "ali"));
    for (agent, result) in [
        ("busy", "busy"),
        ("declines", "declined"),
        ("moved", "redirected"),
        ("broken", "failed"),
        ("ali", "answered"),
    ] {
        let leg = record
            .legs()
            .into_iter()
            .find(|leg| leg.text("agent") == agent)
            .expect("each has a leg");
        assert_eq!(leg.text("result"), result, "of {agent}");
    }
}

/// All busy and nowhere else to go: the caller is told so, and the record says so.
#[test]
fn when_every_phone_is_busy_the_caller_is_told_busy() {
    let street = Street::claim();
    let at = street.house(41);
    let household = direct("sales", 10, 1)
        .contact("one", &format!("sip:one@{at}:5060"), &["sales"])
        .contact("two", &format!("sip:two@{at}:5060"), &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let busy = script("agent_refuses", at)
        .calls(2)
        .refusing_with("486 Busy Here")
        .wait_for_calls();
    let caller = trunk_phone(&street);
    let voice = Voice::at(street.pbx());
    caller.dial("8000", voice.address).refused(486);
    busy.finish();
    let record = appliance.only_record();
    assert_eq!(record.text("status"), "BUSY");
    assert_eq!(record.number("q850"), Some(17));
    assert_eq!(record.results(), ["busy", "busy"]);
}

/// Nobody of the first group takes the call, so the next group rings.
#[test]
fn when_nobody_answers_the_groups_overflow_rings() {
    let street = Street::claim();
    let (sleepy_at, ali_at) = (street.house(41), street.house(40));
    let household = Household::new()
        .group("night", "ring_seconds=1\nattempts=1\noverflow=\"group:day\"")
        .group("day", "ring_seconds=10\nattempts=1")
        .number("8000", r#"group="night""#)
        .contact("sleepy", &format!("sip:sleepy@{sleepy_at}:5060"), &["night"])
        .contact("ali", &format!("sip:ali@{ali_at}:5060"), &["day"]);
    let appliance = Appliance::open(&street, &household);
    let sleepy = script("agent_rings_out", sleepy_at).calls(1).wait_for_calls();
    let ali = script("agent_answers", ali_at)
        .calls(1)
        .pausing(Duration::from_millis(200))
        .wait_for_calls();
    let caller = script("caller_talks", street.pbx())
        .calls(1)
        .pausing(Duration::from_millis(300));
    caller.call(street.box_sip(), "8000").finish();
    sleepy.finish();
    ali.finish();
    let record = appliance.only_record();
    assert_eq!((record.text("agent"), record.text("group")), ("ali", "day"));
    assert_eq!(record.results(), ["no_answer", "answered"]);
}

/// A caller who hangs up while phones ring stops them all.
#[test]
fn a_caller_who_gives_up_stops_every_phone() {
    let street = Street::claim();
    let at = street.house(41);
    let mut household = direct("sales", 20, 2);
    for number in 1..=4 {
        household = household.contact(
            &format!("a{number}"),
            &format!("sip:a{number}@{at}:5060"),
            &["sales"],
        );
    }
    let appliance = Appliance::open(&street, &household);
    let agents = script("agent_rings_out", at).calls(4).wait_for_calls();
    let caller = script("caller_gives_up", street.pbx())
        .calls(1)
        .pausing(Duration::from_millis(400));
    caller.call(street.box_sip(), "8000").finish();
    agents.finish();
    appliance.until_quiet();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("hangup_by")),
        ("CANCELED", "caller")
    );
    assert_eq!(record.results(), ["canceled"; 4]);
}

/// The same after the menu has answered the caller: a BYE instead of a CANCEL.
#[test]
fn a_caller_who_hangs_up_in_the_menus_ringing_stops_every_phone() {
    let street = Street::claim();
    let at = street.house(41);
    let mut household = Household::with_menu(20, 2);
    for number in 1..=2 {
        household = household.contact(
            &format!("a{number}"),
            &format!("sip:a{number}@{at}:5060"),
            &["sales"],
        );
    }
    let appliance = Appliance::open(&street, &household);
    let agents = script("agent_rings_out", at).calls(2).wait_for_calls();
    let (caller, voice) = (trunk_phone(&street), Voice::at(street.pbx()));
    let call = caller.dial(MAIN_NUMBER, voice.address).answered();
    voice.hum(call.audio, 440);
    voice.press('1');
    appliance.until("phones ring", |status| status["calls"][0]["stage"] == "ringing");
    eventually("the caller hears that phones ring", PATIENCE, || {
        (crate::harness::tone::heard(&voice.heard(), 425) >= Duration::from_millis(200)).then_some(())
    });
    call.hang_up();
    agents.finish();
    assert_eq!(appliance.only_record().text("status"), "CANCELED");
}

/// A household whose number 8000 rings the group at once, without a menu, and that has no mailbox.
fn direct(group: &str, ring_seconds: u32, attempts: u32) -> Household {
    let rules = format!("ring_seconds={ring_seconds}\nattempts={attempts}\noverflow=\"hangup\"");
    Household::new()
        .group(group, &rules)
        .number("8000", &format!("group=\"{group}\""))
}

fn trunk_phone(street: &Street) -> Rc<Phone> {
    Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    )
}

fn is_request_of(message: &Message, method: &str, invite: &Message) -> bool {
    message.request() == Some(method) && message.header("Call-ID") == invite.header("Call-ID")
}

/// The BYE that comes next, if one comes within so many milliseconds.
fn bye_within(phone: &Phone, milliseconds: u64) -> Option<Message> {
    let deadline = Instant::now() + Duration::from_millis(milliseconds);
    while let Some(rest) = deadline.checked_duration_since(Instant::now()) {
        if let Some(message) = phone
            .hear(rest)
            .filter(|message| message.request() == Some("BYE"))
        {
            return Some(message);
        }
    }
    None
}
