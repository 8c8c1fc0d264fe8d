//! Many records.

use crate::stand_in::{FIRST, StandIn, rows};
use crate::world::{World, patch};
use callpost::connectors::sync::{Patch, Wish};
use callpost::store::SyncStatus;

/// Resident memory of this process in kB.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// S0-150, S0-158: records are streamed, page by page. The figures are printed; the bounds are those that a slow machine
/// keeps too. `SYNC_ROWS` sets how many.
#[test]
fn many_records_are_fetched_page_by_page_without_filling_the_memory() {
    // In a process of its own: the other tests of this one would be measured as well.
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crowd::alone",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    println!("{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success());
}

#[tokio::test]
#[ignore = "measured in a process of its own by the test above"]
async fn alone() {
    let count: i64 = std::env::var("SYNC_ROWS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(count));
    let usual = Patch {
        batch_size: Some(200),
        ..patch(&pbx)
    };
    let source = world.desk.create(usual, "ali").await.unwrap();
    // The range has to hold all of them, one a second.
    world.hand.put(world.hand.now() + count * 1000);
    // The first page warms up what every process needs once.
    let few = Wish {
        from_ms: Some(FIRST * 1000),
        to_ms: Some((FIRST + 99) * 1000),
        ..Wish::default()
    };
    assert_eq!(world.sync_range(&source.id, few).await.records_created, 100);
    let (before, begun) = (resident_kb(), world.hand_time());
    let log = world.sync(&source.id).await;
    let (took, grown) = (begun.elapsed(), resident_kb().saturating_sub(before));
    println!(
        "{count} records in {:.1} s; resident memory, stand-in included, grew by {grown} kB",
        took.as_secs_f32()
    );
    assert_eq!(
        (log.status, log.error_message.as_deref()),
        (SyncStatus::Success, None)
    );
    assert_eq!(log.records_fetched, u64::try_from(count).unwrap());
    assert!(grown < 16 * 1024, "{grown} kB");
}
