//! The loop over pages: what it takes over, where it ends, what a second fetch changes.

use crate::stand_in::{Bad, StandIn, row, rows};
use crate::world::{NOW, World, patch};
use callpost::connectors::sync::{Patch, Wish};
use callpost::store::SyncStatus;
use serde_json::{Value, json};

/// S0-001, S0-002, S0-004, S0-005, S0-044, S0-046, S0-051, S0-055, S0-056, S0-057, S0-060, S0-061, S0-090, S0-098,
/// S0-099, S0-100, S0-101, S0-103, S0-110, S0-164
#[tokio::test]
async fn a_manual_sync_brings_every_call_into_the_journal_and_counts_it() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(250));
    let source = world.source(&pbx).await;
    let mut news = world.desk.progress();
    let log = world.sync(&source.id).await;

    assert_eq!(
        (log.status, log.error_message.as_deref()),
        (SyncStatus::Success, None)
    );
    assert_eq!(log.sync_type, "MANUAL");
    assert_eq!((log.records_fetched, log.records_created), (250, 250));
    assert_eq!((log.records_updated, log.records_skipped), (0, 0));
    assert!(log.duration_ms.is_some() && log.completed_at >= Some(log.started_at));
    let offsets: Vec<String> = pbx.asked().iter().map(|asked| asked["offset"].clone()).collect();
    assert_eq!(offsets, ["0", "100", "200"], "page by page");
    let shown = world.shown();
    assert_eq!(shown.len(), 250);
    assert!(
        shown
            .iter()
            .all(|cdr| cdr.origin.as_ref().unwrap().source == "pbx")
    );
    assert_eq!(world.queued(), 250, "they go upstream like our own");

    let after = world.desk.source(&source.id).await.unwrap();
    assert_eq!(
        (after.total_records_synced, after.last_sync_status.as_deref()),
        (250, Some("success"))
    );
    assert!(after.last_sync_at.is_some());
    let stats = world.desk.stats().await.unwrap();
    assert_eq!((stats.total_records_synced, stats.batch_size), (250, 100));

    // Live: after each of the three pages, and at the end.
    let mut told = Vec::new();
    while let Ok(progress) = news.try_recv() {
        told.push((progress.status, progress.counts.fetched));
    }
    let running = SyncStatus::Running;
    assert_eq!(
        told,
        [
            (running, 100),
            (running, 200),
            (running, 250),
            (SyncStatus::Success, 250)
        ]
    );
}

/// S0-053, S0-063, S0-064, S0-065, S0-066, S0-067, S0-092, S0-097
#[tokio::test]
async fn the_first_fetch_asks_for_thirty_days_and_the_next_for_a_day_before_the_last() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let source = world.source(&pbx).await;
    world.sync(&source.id).await;
    let asked = pbx.asked();
    assert_eq!(asked[0]["from"], "2026-10-21 16:00:00");
    assert_eq!(asked[0]["to"], "2026-11-20 16:00:00");
    assert_eq!(
        (asked[0]["domain"].as_str(), asked[0]["limit"].as_str()),
        ("tenant", "100")
    );
    assert_eq!(asked.len(), 1, "an empty page is the end");

    pbx.forget_asked();
    world.hand.put(NOW + 3_600_000);
    let log = world.sync(&source.id).await;
    assert_eq!(pbx.asked()[0]["from"], "2026-11-19 16:00:00");
    assert_eq!(
        log.from.to_string(),
        "2026-11-19T16:00:00.000+07:00".replace(".000", &log.from.to_string()[19..23])
    );

    pbx.forget_asked();
    let wish = Wish {
        from_ms: Some(NOW - 60_000),
        to_ms: Some(NOW),
        ..Wish::default()
    };
    world.sync_range(&source.id, wish).await;
    assert_eq!(
        (pbx.asked()[0]["from"].as_str(), pbx.asked()[0]["to"].as_str()),
        ("2026-11-20 15:59:00", "2026-11-20 16:00:00")
    );
}

/// S0-030: when it was fetched and when it last changed. S0-057, S0-100, S0-107, S0-011, S0-031, S0-149
#[tokio::test]
async fn a_second_fetch_doubles_nothing_and_a_changed_call_is_a_new_version() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(120));
    let source = world.source(&pbx).await;
    world.sync(&source.id).await;
    let again = world.sync(&source.id).await;
    assert_eq!((again.records_fetched, again.records_created), (120, 0));
    assert_eq!((again.records_updated, again.records_unchanged), (120, 120));
    assert_eq!(world.journal().len(), 120, "an unchanged call files nothing");

    let mut changed = rows(120);
    changed[7]["billsec"] = json!("80");
    changed[8]["link"] = json!("https://pbx.example/?signature=new");
    pbx.put(changed);
    let third = world.sync(&source.id).await;
    assert_eq!((third.records_updated, third.records_unchanged), (120, 119));
    assert_eq!((world.journal().len(), world.shown().len()), (121, 120));
    let newest = world.journal().pop().unwrap();
    assert_eq!((newest.version, newest.talk_ms), (2, 80_000));
    let kept = world
        .desk
        .record_of(named(&world, 8).cdr_id)
        .await
        .unwrap()
        .unwrap();
    assert!(
        kept.synced_ms >= NOW && kept.updated_ms > kept.synced_ms,
        "{kept:?}"
    );
    assert!(
        kept.raw.contains("new"),
        "what the PBX sent is kept as it came last: {}",
        kept.raw
    );
    assert_eq!(
        world.desk.source(&source.id).await.unwrap().total_records_synced,
        120
    );
}

/// S0-071, S0-102
#[tokio::test]
async fn the_end_is_a_page_that_is_not_full_an_empty_page_or_no_next_offset() {
    for (count, requests) in [(0, 1), (50, 2), (100, 2), (150, 2), (200, 3), (250, 3)] {
        let (pbx, world) = (StandIn::start().await, World::new());
        pbx.put(rows(count));
        let source = world.source(&pbx).await;
        let log = world.sync(&source.id).await;
        assert_eq!(log.records_created, u64::try_from(count).unwrap());
        assert_eq!(pbx.asked().len(), requests, "{count} calls");
    }
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(250));
    pbx.answer_next(vec![Some(Bad::Next(Value::Null))]);
    let source = world.source(&pbx).await;
    let log = world.sync(&source.id).await;
    assert_eq!(
        (log.status, log.records_created),
        (SyncStatus::Success, 100),
        "null: the PBX has no more"
    );
}

/// S0-102
#[tokio::test]
async fn a_next_offset_that_does_not_grow_ends_the_fetch_and_says_so() {
    for next in [json!(0), json!("0")] {
        let (pbx, world) = (StandIn::start().await, World::new());
        pbx.put(rows(250));
        pbx.answer_always(Some(Bad::Next(next)));
        let source = world.source(&pbx).await;
        let log = world.sync(&source.id).await;
        assert_eq!(log.status, SyncStatus::Error);
        let said = log.error_message.unwrap();
        assert!(said.contains("offset 0"), "{said}");
        assert_eq!(pbx.asked().len(), 1);
    }
    // One that grows while the page stays the same.
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(250));
    pbx.answer_next(vec![None, Some(Bad::FirstPage), Some(Bad::FirstPage)]);
    let source = world.source(&pbx).await;
    let log = world.sync(&source.id).await;
    assert_eq!(
        log.error_message.as_deref(),
        Some("the PBX sent the same page twice")
    );
    assert_eq!(pbx.asked().len(), 2);
}

/// A PBX may allow smaller pages than were asked for; nothing is lost by it.
#[tokio::test]
async fn a_pbx_that_sends_smaller_pages_than_asked_is_read_to_its_end() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(95));
    pbx.page_at_most(30);
    let source = world.source(&pbx).await;
    let log = world.sync(&source.id).await;
    assert_eq!((log.status, log.records_created), (SyncStatus::Success, 95));
}

/// S0-042, S0-113, S0-130
#[tokio::test]
async fn the_batch_size_is_what_the_pbx_is_asked_for() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let source = world.source(&pbx).await;
    let one = Patch {
        batch_size: Some(1),
        ..Patch::default()
    };
    world.desk.update(&source.id, one, "ali").await.unwrap();
    pbx.put(rows(3));
    let log = world.sync(&source.id).await;
    assert_eq!((log.records_created, pbx.asked().len()), (3, 4));
    assert_eq!(pbx.asked()[0]["limit"], "1");
}

/// S0-033, S0-058, S0-106, S0-108
#[tokio::test]
async fn rows_that_are_no_calls_go_to_quarantine_and_the_others_are_taken_over() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let mut all = rows(10);
    all[2]["uuid"] = Value::Null;
    all[3]["start_epoch"] = json!("noon");
    all[4]["call_status"] = json!("TELEPORTED");
    all[5] = json!("not a call");
    all[6]["direction"] = Value::Null;
    pbx.put(all);
    let source = world.source(&pbx).await;
    let log = world.sync(&source.id).await;
    assert_eq!(log.status, SyncStatus::Success, "{:?}", log.error_message);
    assert_eq!(
        (log.records_fetched, log.records_created, log.records_skipped),
        (10, 6, 4)
    );
    let odd = world.shown().into_iter().find(|cdr| cdr.cause.is_some()).unwrap();
    assert_eq!(odd.cause.as_deref(), Some("status:TELEPORTED"));

    let held = world.desk.quarantine(Some(&source.id), 0, 50).await.unwrap();
    let mut reasons: Vec<&str> = held.items.iter().map(|row| row.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [
            "`direction` is missing",
            "`start_epoch` is no number",
            "`uuid` is missing",
            "the record is no object"
        ]
    );
    assert!(
        held.items
            .iter()
            .all(|row| row.log_id == log.id && !row.raw.is_null())
    );
    // The same rows again are the same rows.
    world.sync(&source.id).await;
    let again = world.desk.quarantine(None, 0, 2).await.unwrap();
    assert_eq!((again.total, again.items.len(), again.items[0].times), (4, 2, 2));
}

/// S0-080: the box fetches and plays the PBX's recording through it.
#[tokio::test]
async fn a_recording_that_lies_at_the_pbx_is_fetched_with_its_range_and_key() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.lock("k3y");
    pbx.put(vec![row(1)]);
    let keyed = Patch {
        api_key: Some("k3y".to_owned()),
        ..patch(&pbx)
    };
    let source = world.desk.create(keyed, "ali").await.unwrap();
    world.sync(&source.id).await;
    let cdr = world.shown().pop().unwrap();
    assert_eq!(
        cdr.recording.as_ref().unwrap().path,
        "/tenant/archive/2026/Nov/20/1.mp3"
    );
    let answer = world.desk.recording(cdr.cdr_id, Some("bytes=4-7")).await.unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.bytes().await.unwrap().as_ref(), b"this");
    assert_eq!(pbx.ranges(), ["bytes=4-7"]);
}

/// S0-048, S0-049, S0-164: the log by pages, the newest first.
#[tokio::test]
async fn the_log_is_shown_by_pages_newest_first() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let source = world.source(&pbx).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(world.sync(&source.id).await.id);
    }
    ids.reverse();
    let first = world.desk.logs(None, 0, 3).await.unwrap();
    let second = world.desk.logs(Some(&source.id), 3, 3).await.unwrap();
    assert_eq!((first.total, second.total), (5, 5));
    let shown: Vec<String> = first
        .items
        .into_iter()
        .chain(second.items)
        .map(|log| log.id)
        .collect();
    assert_eq!(shown, ids);
    assert_eq!(
        world.desk.logs(Some("no such source"), 0, 3).await.unwrap().total,
        0
    );
}

/// What is shown of the n-th call of the PBX.
fn named(world: &World, n: i64) -> callpost::model::Cdr {
    let name = row(n)["uuid"].as_str().unwrap().to_owned();
    let is_it = |cdr: &callpost::model::Cdr| {
        cdr.origin
            .as_ref()
            .is_some_and(|origin| origin.external_id == name)
    };
    world.shown().into_iter().find(is_it).unwrap()
}
