//! The quarantine: rows that are no calls as they came, looked at again or thrown away.

use crate::stand_in::{StandIn, row, rows};
use crate::world::World;
use callpost::connectors::sync::DeskError;
use callpost::store::Released;
use serde_json::{Value, json};

/// A box with three rows in quarantine: one without identity, one without begin, one that is no object.
async fn three_rows() -> (World, String) {
    let (pbx, world) = (StandIn::start().await, World::new());
    let mut all = rows(5);
    all[1]["uuid"] = Value::Null;
    all[2]["start_epoch"] = json!("noon");
    all[3] = json!("not a call");
    pbx.put(all);
    let source = world.source(&pbx).await;
    world.sync(&source.id).await;
    (world, source.id)
}

fn reasons(rows: &[callpost::connectors::sync::QuarantineView]) -> Vec<&str> {
    let mut reasons: Vec<&str> = rows.iter().map(|row| row.reason.as_str()).collect();
    reasons.sort_unstable();
    reasons
}

/// S0-106: what the box that was here before could not read is tried again by the one that can.
#[tokio::test]
async fn a_row_that_is_a_call_after_all_becomes_a_record_and_the_others_stay_with_their_reasons() {
    let (world, source) = three_rows().await;
    let held = world.desk.quarantine(Some(&source), 0, 50).await.unwrap();
    let before = reasons(&held.items);
    assert_eq!(
        world.desk.retry_all(&source, "mona").await.unwrap(),
        Released {
            kept: 3,
            ..Released::default()
        },
        "nothing has changed, so nothing is released"
    );
    let again = world.desk.quarantine(Some(&source), 0, 50).await.unwrap();
    assert_eq!(reasons(&again.items), before);

    // An earlier release of the box put a sound row there.
    let without_begin = held
        .items
        .iter()
        .find(|row| row.reason.contains("start_epoch"))
        .unwrap();
    world.put_into_quarantine(without_begin.id, &row(2));
    let queued = world.queued();
    let released = world.desk.retry(without_begin.id, "mona").await.unwrap();
    assert_eq!((released.taken_over, released.kept), (1, 0));
    let found = world.shown();
    let record = found
        .iter()
        .find(|cdr| cdr.origin.as_ref().unwrap().external_id == row(2)["uuid"])
        .unwrap();
    assert_eq!(record.dialed_number.as_str(), row(2)["destination_number"]);
    assert_eq!(world.queued(), queued + 1, "it goes upstream like any other");
    assert_eq!(world.desk.source(&source).await.unwrap().total_records_synced, 3);
    assert_eq!(world.desk.quarantine(None, 0, 50).await.unwrap().total, 2);
    assert!(matches!(
        world.desk.retry(without_begin.id, "mona").await,
        Err(DeskError::NotFound)
    ));
    let history = world.desk.history(&source).await.unwrap();
    let change = json!({ "quarantine": { "tried_again": 1, "taken_over": 1 } });
    assert_eq!(
        (history[0].author.as_str(), &history[0].change),
        ("mona", &change)
    );
}

/// What was kept is older than what the PBX has said since, so it does not go over it; and half a row is no row.
#[tokio::test]
async fn an_old_row_of_a_call_that_is_known_by_now_changes_nothing_and_half_a_row_is_not_believed() {
    let (world, source) = three_rows().await;
    let held = world.desk.quarantine(Some(&source), 0, 50).await.unwrap();
    let mut stale = row(4);
    stale["billsec"] = json!("1");
    world.put_into_quarantine(held.items[0].id, &stale);
    let mut half = row(9);
    half["_cut"] = json!(20_000);
    world.put_into_quarantine(held.items[1].id, &half);
    let journal = world.journal().len();
    let released = world.desk.retry_all(&source, "mona").await.unwrap();
    assert_eq!((released.taken_over, released.known, released.kept), (0, 1, 2));
    assert_eq!(world.journal().len(), journal);
    let rest = world.desk.quarantine(Some(&source), 0, 50).await.unwrap();
    assert!(
        reasons(&rest.items).contains(&"only a part of it was kept; fetch its time again"),
        "{rest:?}"
    );
}

/// S0-106, S0-058
#[tokio::test]
async fn a_row_is_thrown_away_and_comes_back_when_the_pbx_sends_it_again() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(vec![json!("not a call"), json!("nor this"), row(1)]);
    let source = world.source(&pbx).await;
    world.sync(&source.id).await;
    let held = world.desk.quarantine(None, 0, 50).await.unwrap();
    let first = held.items.iter().find(|row| row.raw["value"] == "not a call");
    let one = first.unwrap().id;
    world.desk.discard(one, "mona").await.unwrap();
    assert!(matches!(
        world.desk.discard(one, "mona").await,
        Err(DeskError::NotFound)
    ));
    assert_eq!(world.desk.quarantine(None, 0, 50).await.unwrap().total, 1);

    // Of all, those alone that somebody has seen.
    let seen = world.desk.newest_quarantined(&source.id).await.unwrap();
    pbx.put(vec![json!("not a call"), json!("news")]);
    world.sync(&source.id).await;
    let gone = world.desk.discard_all(&source.id, seen, "mona").await.unwrap();
    assert_eq!(gone, 1);
    let rest = world.desk.quarantine(None, 0, 50).await.unwrap();
    assert_eq!(rest.total, 2, "what came since stays, and what came back");
    assert_eq!(world.shown().len(), 1);
}
