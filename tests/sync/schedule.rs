//! When a source is asked by itself.

use crate::stand_in::{Bad, StandIn, rows};
use crate::world::{NOW, Shape, World, patch, until};
use callpost::connectors::sync::{Patch, SyncMode};
use callpost::store::SyncStatus;

fn every(cron: &str, pbx: &StandIn) -> Patch {
    Patch {
        sync_mode: Some(SyncMode::Scheduled),
        cron_expression: Some(cron.to_owned()),
        ..patch(pbx)
    }
}

async fn logs(world: &World) -> u64 {
    world.desk.logs(None, 0, 1).await.unwrap().total
}

/// S0-003, S0-038, S0-039, S0-049, S0-093
#[tokio::test]
async fn a_scheduled_source_is_asked_when_its_time_comes() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(3));
    let source = world
        .desk
        .create(every("0 */5 * * * *", &pbx), "ali")
        .await
        .unwrap();
    assert_eq!(source.next_run_at.unwrap().unix_ms, NOW + 300_000);
    assert_eq!(logs(&world).await, 0);
    world.hand.put(NOW + 300_000);
    until("the sync of 16:05", async || logs(&world).await == 1).await;
    let log = world.desk.logs(None, 0, 1).await.unwrap().items.remove(0);
    let log = world.desk.wait(&log.id).await.unwrap();
    assert_eq!(
        (log.sync_type.as_str(), log.status),
        ("SCHEDULED", SyncStatus::Success)
    );
    world.hand.put(NOW + 600_000);
    until("the sync of 16:10", async || logs(&world).await == 2).await;

    // The stored expression is what runs, at once.
    let daily = Patch {
        cron_expression: Some("0 0 17 * * *".to_owned()),
        ..Patch::default()
    };
    let changed = world.desk.update(&source.id, daily, "ali").await.unwrap();
    assert_eq!(changed.next_run_at.unwrap().unix_ms, NOW + 3_600_000);
    world.hand.put(NOW + 900_000);
    tokio::task::yield_now().await;
    world.hand.put(NOW + 3_600_000);
    until("the sync of 17:00", async || logs(&world).await == 3).await;
}

/// S0-003
#[tokio::test]
async fn a_time_that_passed_while_the_box_was_off_is_served_once_at_start() {
    let (pbx, world) = (StandIn::start().await, World::new());
    world
        .desk
        .create(every("0 0 * * * *", &pbx), "ali")
        .await
        .unwrap();
    world.hand.put(NOW + 1_800_000);
    let hand = world.hand.clone();
    hand.put(NOW + 5 * 3_600_000 + 60_000);
    let world = world.restart(true, Shape::default()).await;
    until("the missed sync", async || logs(&world).await == 1).await;
    world
        .desk
        .wait(&world.desk.logs(None, 0, 1).await.unwrap().items[0].id)
        .await
        .unwrap();

    // Started again a minute later, nothing was missed.
    hand.put(NOW + 5 * 3_600_000 + 120_000);
    let world = world.restart(true, Shape::default()).await;
    hand.put(NOW + 6 * 3_600_000);
    until("the next sync", async || logs(&world).await == 2).await;
}

/// S0-109, S0-148
#[tokio::test]
async fn a_source_that_is_manual_or_inactive_is_passed_over_and_says_why() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let manual = world.source(&pbx).await;
    let shown = async || world.desk.source(&manual.id).await.unwrap();
    assert_eq!(shown().await.next_run_at, None);
    world.hand.put(NOW + 3_600_000);
    until("the reason", async || shown().await.last_skip.is_some()).await;
    assert_eq!(shown().await.last_skip.unwrap().code, "manual");
    let advice = world.desk.advice(&manual.id).await.unwrap();
    let codes: Vec<&str> = advice
        .iter()
        .filter(|advice| advice.about == "not_scheduled")
        .map(|advice| advice.code)
        .collect();
    assert_eq!(codes, ["manual", "skipped"]);

    let off = Patch {
        is_active: Some(false),
        sync_mode: Some(SyncMode::Scheduled),
        ..Patch::default()
    };
    world.desk.update(&manual.id, off, "ali").await.unwrap();
    until("the other reason", async || {
        world.hand.put(world.hand.now() + 3_600_000);
        shown()
            .await
            .last_skip
            .is_some_and(|skip| skip.code == "inactive")
    })
    .await;
    assert_eq!(logs(&world).await, 0);
}

/// S0-148
#[tokio::test]
async fn a_time_that_comes_while_the_sync_before_runs_is_passed_over() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let source = world
        .desk
        .create(every("0 */5 * * * *", &pbx), "ali")
        .await
        .unwrap();
    pbx.answer_next(vec![Some(Bad::Hangs)]);
    world.hand.put(NOW + 300_000);
    until("the first", async || logs(&world).await == 1).await;
    world.hand.put(NOW + 600_000);
    until("the reason", async || {
        let skip = world.desk.source(&source.id).await.unwrap().last_skip;
        skip.is_some_and(|skip| skip.code == "already_running")
    })
    .await;
    assert_eq!(logs(&world).await, 1);
}

#[tokio::test]
async fn a_box_whose_clock_was_never_set_asks_nobody() {
    let (pbx, world) = (StandIn::start().await, World::new());
    world.hand.put(86_400_000);
    let source = world
        .desk
        .create(every("0 */5 * * * *", &pbx), "ali")
        .await
        .unwrap();
    until("the reason", async || {
        world.hand.put(world.hand.now() + 300_000);
        let skip = world.desk.source(&source.id).await.unwrap().last_skip;
        skip.is_some_and(|skip| skip.code == "clock_not_set")
    })
    .await;
    assert_eq!(logs(&world).await, 0);
}

/// S0-039, S0-085, S0-128
#[tokio::test]
async fn a_schedule_is_shown_in_words_with_its_next_five_runs() {
    let world = World::new();
    let runs = world.desk.next_runs("0 0 9 * * 1", 5).unwrap();
    let runs: Vec<String> = runs.iter().map(|run| run.to_string()[..16].to_owned()).collect();
    assert_eq!(
        runs,
        [
            "2026-11-23T09:00",
            "2026-11-30T09:00",
            "2026-12-07T09:00",
            "2026-12-14T09:00",
            "2026-12-21T09:00"
        ]
    );
    assert_eq!(world.desk.describe("0 */5 * * * *", "vi").unwrap(), "mỗi 5 phút");
    assert!(world.desk.describe("0 */5 * * *x", "en").is_err());
}
