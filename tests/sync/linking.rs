//! A call that the PBX and this box both saw is shown once.

use crate::stand_in::{FIRST, StandIn, row};
use crate::world::{World, patch};
use callpost::connectors::sync::Patch;
use callpost::model::{CallId, Cdr, Direction, HangupBy, Number, Stamp, Status};
use serde_json::json;
use std::collections::BTreeMap;

/// Our own record of a call at the n-th second.
fn own(n: i64, caller: &str, dialed: &str) -> Cdr {
    let at = Stamp {
        unix_ms: (FIRST + n) * 1000,
        offset_seconds: 7 * 3600,
    };
    let id = CallId(uuid::Uuid::from_u128(u128::try_from(n + 1).unwrap()));
    Cdr {
        cdr_id: id,
        call_id: id,
        version: 1,
        is_final: true,
        site: "branch-01".to_owned(),
        direction: Direction::Inbound,
        caller_number: Number::from(caller),
        caller_name: None,
        dialed_number: Number::from(dialed),
        callee_number: None,
        outbound_caller_id: None,
        started_at: at,
        ringing_at: None,
        answered_at: None,
        ended_at: Some(at),
        clock_synced: true,
        duration_ms: 1000,
        talk_ms: 0,
        ring_ms: 0,
        wait_ms: 0,
        hold_ms: 0,
        status: Status::Answer,
        sip_code: None,
        q850: None,
        hangup_by: HangupBy::Caller,
        cause: None,
        agent: None,
        group: None,
        flow: None,
        stages: Vec::new(),
        digits: String::new(),
        collected: BTreeMap::new(),
        language: None,
        recording: None,
        earlier_recordings: Vec::new(),
        voicemail: None,
        trunk: None,
        legs: Vec::new(),
        customer: None,
        order: None,
        notes: Vec::new(),
        tags: Vec::new(),
        transfers: Vec::new(),
        sip_call_id: None,
        origin: None,
        linked: None,
        diverted: Vec::new(),
    }
}

/// S0-001
#[tokio::test]
async fn a_call_both_saw_is_our_own_with_the_pbxs_identity_beside_it() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let mut theirs = row(100);
    theirs["caller_id_number"] = json!("0901 234 567");
    theirs["destination_number"] = json!("02871220655");
    pbx.put(vec![theirs, row(101)]);
    world.file(own(103, "+84901234567", "+842871220655"));
    let source = world.source(&pbx).await;
    let log = world.sync(&source.id).await;
    assert_eq!((log.records_created, log.records_linked), (2, 1));

    let shown = world.shown();
    assert_eq!(shown.len(), 2, "one of them is a call of the PBX alone");
    let ours = shown.iter().find(|cdr| cdr.origin.is_none()).unwrap();
    assert_eq!(ours.version, 2);
    let linked = ours.linked.as_ref().unwrap();
    assert_eq!(
        (linked.source.as_str(), linked.external_id.as_str()),
        ("pbx", row(100)["uuid"].as_str().unwrap())
    );

    let again = world.sync(&source.id).await;
    assert_eq!(
        (again.records_unchanged, world.journal().len()),
        (2, 3),
        "a second fetch files nothing"
    );
    let theirs = world.desk.record_of(ours.cdr_id).await.unwrap().unwrap();
    assert!(theirs.linked && theirs.raw.contains("0901 234 567"));
}

#[tokio::test]
async fn the_same_call_id_is_the_same_call_whatever_the_numbers() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let mut by_field = row(100);
    by_field["sip_call_id"] = json!("a84b4c76e66710@192.0.2.4");
    let mut by_identity = row(200);
    by_identity["uuid"] = json!("f81d4fae-7dec@192.0.2.5");
    let mut other = row(300);
    other["sip_call_id"] = json!("another@192.0.2.4");
    other["caller_id_number"] = json!("7777");
    other["destination_number"] = json!("8888");
    pbx.put(vec![by_field, by_identity, other]);
    let with = |n, call_id: &str| Cdr {
        sip_call_id: Some(call_id.to_owned()),
        ..own(n, "7777", "8888")
    };
    world.file(with(1500, "a84b4c76e66710@192.0.2.4"));
    world.file(with(201, "f81d4fae-7dec@192.0.2.5"));
    world.file(with(302, "yet-another@192.0.2.4"));
    let source = world.source(&pbx).await;
    let log = world.sync(&source.id).await;
    assert_eq!(log.records_linked, 2);
    // Same numbers, same time, but both tell a Call-ID and they differ: two calls.
    assert_eq!(world.shown().len(), 4);
}

/// Two calls of the same numbers within a minute stay two calls.
#[tokio::test]
async fn each_of_our_calls_is_taken_once_and_the_nearest_in_time_first() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let theirs = |n: i64| {
        let mut row = row(n);
        row["caller_id_number"] = json!("1036");
        row["destination_number"] = json!("7000");
        row
    };
    pbx.put(vec![theirs(100), theirs(130), theirs(160)]);
    world.file(own(101, "1036", "7000"));
    world.file(own(131, "1036", "7000"));
    world.file(own(900, "1036", "7000"));
    let source = world.source(&pbx).await;
    let log = world.sync(&source.id).await;
    assert_eq!((log.records_created, log.records_linked), (3, 2));
    let shown = world.shown();
    assert_eq!(
        shown.len(),
        4,
        "two linked, one of ours alone, one of the PBX alone"
    );
    for (n, external) in [(101, 100), (131, 130)] {
        let at = (FIRST + n) * 1000;
        let ours = shown
            .iter()
            .find(|cdr| cdr.origin.is_none() && cdr.started_at.unix_ms == at)
            .unwrap();
        let name = row(external)["uuid"].as_str().unwrap().to_owned();
        assert_eq!(ours.linked.as_ref().unwrap().external_id, name);
    }
}

/// The PBX's record may be fetched while our own call has not been filed; then it gives way as soon as ours is.
#[tokio::test]
async fn a_record_that_came_before_our_own_gives_way_to_it() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let mut theirs = row(100);
    theirs["caller_id_number"] = json!("1036");
    theirs["destination_number"] = json!("7000");
    pbx.put(vec![theirs]);
    let source = world.source(&pbx).await;
    world.sync(&source.id).await;
    let foreign = world.shown().pop().unwrap().cdr_id;
    world.file(own(500, "1036", "7000"));
    assert_eq!(world.shown().len(), 2, "that was another call");
    world.file(own(101, "1036", "7000"));
    let mut shown = world.shown();
    assert_eq!(shown.len(), 2, "no fetch has to come first");
    shown.retain(|cdr| cdr.linked.is_some());
    assert_eq!(shown.len(), 1, "the call is shown once");
    assert!(shown[0].origin.is_none() && shown[0].linked.is_some());
    // Those who got the PBX's record are told that it gave way, and to which.
    let last = world
        .journal()
        .into_iter()
        .rfind(|cdr| cdr.cdr_id == foreign)
        .unwrap();
    assert_eq!(last.version, 2);
    assert_eq!(last.linked.unwrap().external_id, shown[0].cdr_id.to_string());

    // What the PBX says later changes nothing of that.
    let mut later = row(100);
    later["caller_id_number"] = json!("1036");
    later["destination_number"] = json!("7000");
    later["billsec"] = json!("67");
    pbx.put(vec![later]);
    let log = world.sync(&source.id).await;
    assert_eq!((log.records_updated, log.records_linked), (1, 0));
    assert_eq!((world.shown().len(), world.journal().len()), (2, 5));
}

/// S0-011, S0-034
#[tokio::test]
async fn two_sources_keep_their_records_apart_and_one_pbx_is_not_asked_twice() {
    let (one, two, world) = (StandIn::start().await, StandIn::start().await, World::new());
    one.put(vec![row(1)]);
    two.put(vec![row(1)]);
    let first = world.source(&one).await;
    let named = Patch {
        name: Some("other".to_owned()),
        ..patch(&two)
    };
    let second = world.desk.create(named, "ali").await.unwrap();
    world.sync(&first.id).await;
    world.sync(&second.id).await;
    assert_eq!(world.shown().len(), 2);
    let again = Patch {
        name: Some("third".to_owned()),
        ..patch(&one)
    };
    let refused = world.desk.create(again, "ali").await.unwrap_err();
    assert!(refused.to_string().contains("filed twice"), "{refused}");
}

/// Removing a source and making it again must not double its calls.
#[tokio::test]
async fn a_source_that_comes_back_knows_its_records() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(vec![row(1), row(2)]);
    let source = world.source(&pbx).await;
    world.sync(&source.id).await;
    world.desk.delete(&source.id, "ali").await.unwrap();
    let back = world.source(&pbx).await;
    let log = world.sync(&back.id).await;
    assert_eq!((log.records_created, log.records_unchanged), (0, 2));
    assert_eq!(world.journal().len(), 2);
}
