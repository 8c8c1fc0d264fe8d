//! Sources: the sample, what may be changed by whom, and what is remembered of it.

use crate::stand_in::{StandIn, rows};
use crate::world::{Shape, World, patch};
use callpost::connectors::sync::{DeskError, FileSource, Patch, Settings, SyncMode};
use callpost::store::ApiKey;

/// S0-138, S0-034, S0-036, S0-038, S0-039, S0-040, S0-041, S0-042, S0-043
#[tokio::test]
async fn at_the_first_look_there_is_a_sample_that_is_inactive_and_leads_nowhere() {
    let world = World::new();
    let sources = world.desk.sources().await.unwrap();
    let [sample] = sources.as_slice() else {
        panic!("{sources:?}")
    };
    assert!(!sample.is_active && !sample.has_api_key && !sample.from_file);
    assert_eq!(sample.sync_mode, SyncMode::Manual);
    assert_eq!((sample.days_back, sample.batch_size), (30, 200));
    assert_eq!(
        (sample.domain.as_str(), sample.cron_expression.as_str()),
        ("example", "0 0 * * * *")
    );
    assert_eq!(
        (sample.last_sync_status.as_deref(), sample.total_records_synced),
        (None, 0)
    );
    assert!(
        sample.api_url.contains("pbx.example"),
        "no vendor's address: {}",
        sample.api_url
    );
    assert_eq!(sample.last_sync_at, None);
    assert_eq!(world.desk.sources().await.unwrap().len(), 1, "it is made once");
    world.desk.delete(&sample.id, "ali").await.unwrap();
    assert!(world.desk.sources().await.unwrap().is_empty(), "and not again");
}

/// S0-047, S0-088, S0-164
#[tokio::test]
async fn a_change_changes_what_it_names_and_the_history_says_who_did_it() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let source = world.source(&pbx).await;
    let change = Patch {
        days_back: Some(7),
        sync_mode: Some(SyncMode::Scheduled),
        api_key: Some("k".to_owned()),
        ..Patch::default()
    };
    let changed = world.desk.update(&source.id, change, "mona").await.unwrap();
    assert_eq!((changed.days_back, changed.batch_size), (7, 100));
    assert!(changed.updated_at > source.updated_at && changed.created_at == source.created_at);
    let history = world.desk.history(&source.id).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].author, "mona");
    let expected = serde_json::json!({"days_back": 7, "sync_mode": "SCHEDULED", "api_key": "set"});
    assert_eq!(history[0].change, expected);
    assert_eq!(history[1].author, "ali");
}

#[tokio::test]
async fn a_source_that_cannot_be_is_refused_with_every_fault_and_its_cure() {
    let world = World::new();
    let bad = Patch {
        name: Some("  ".to_owned()),
        api_url: Some("http://pbx.example/x".to_owned()),
        batch_size: Some(0),
        cron_expression: Some("often".to_owned()),
        ..Patch::default()
    };
    let Err(DeskError::Faults(faults)) = world.desk.create(bad, "ali").await else {
        panic!()
    };
    let keys: Vec<&str> = faults.iter().map(|fault| fault.key).collect();
    assert_eq!(keys, ["api_url", "cron_expression", "batch_size", "name"]);
    assert!(world.store.sync_book().sources().unwrap().is_empty());

    let named = |name: &str| Patch {
        name: Some(name.to_owned()),
        ..Patch::default()
    };
    let one = world.desk.create(named("one"), "ali").await.unwrap();
    world.desk.create(named("two"), "ali").await.unwrap();
    for refused in [
        world.desk.create(named("one"), "ali").await.unwrap_err(),
        world.desk.update(&one.id, named("two"), "ali").await.unwrap_err(),
    ] {
        assert!(matches!(refused, DeskError::Taken(_)), "{refused}");
    }
    let nobody = world
        .desk
        .update("no such id", Patch::default(), "ali")
        .await
        .unwrap_err();
    assert!(matches!(nobody, DeskError::NotFound));
}

/// S0-034: `[[pbx]]` of the file wins over the API for the same name.
#[tokio::test]
async fn a_source_of_the_file_is_changed_in_the_file_alone_and_may_be_synced_now() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(2));
    world.source(&pbx).await;
    let of_file = |days_back| FileSource {
        name: "pbx".to_owned(),
        api_key: ApiKey::from("from the file"),
        settings: Settings {
            api_url: pbx.url(),
            domain: "tenant".to_owned(),
            is_active: true,
            days_back,
            ..Settings::default()
        },
    };
    let shape = |file| Shape {
        allow: &[],
        file,
        ..Shape::default()
    };
    let world = world.restart(true, shape(vec![of_file(9)])).await;
    let sources = world.desk.sources().await.unwrap();
    let [source] = sources.as_slice() else {
        panic!("{sources:?}")
    };
    assert!(source.from_file && source.days_back == 9 && source.has_api_key);
    let change = Patch {
        days_back: Some(3),
        ..Patch::default()
    };
    assert!(matches!(
        world.desk.update(&source.id, change, "ali").await,
        Err(DeskError::FromFile)
    ));
    assert!(matches!(
        world.desk.delete(&source.id, "ali").await,
        Err(DeskError::FromFile)
    ));
    // A loopback address that the owner of the box wrote is its own permission; http needs no flag there.
    assert_eq!(world.sync(&source.id).await.records_created, 2);
    assert_eq!(
        world.desk.history(&source.id).await.unwrap()[0].author,
        "configuration file"
    );

    let world = world.restart(true, shape(vec![of_file(9)])).await;
    assert_eq!(
        world.desk.sources().await.unwrap()[0].total_records_synced,
        2,
        "figures survive a restart"
    );
    assert_eq!(
        world.desk.history(&source.id).await.unwrap().len(),
        2,
        "nothing changed"
    );
    let world = world.restart(true, shape(Vec::new())).await;
    assert!(
        world.desk.sources().await.unwrap().is_empty(),
        "out of the file, out of the list"
    );
    assert_eq!(world.shown().len(), 2, "its records stay");
}

/// S0-046, S0-043, S0-044, S0-045
#[tokio::test]
async fn what_a_source_has_done_survives_a_restart() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(5));
    let source = world.source(&pbx).await;
    world.sync(&source.id).await;
    let renamed = Patch {
        name: Some("main".to_owned()),
        ..patch(&pbx)
    };
    world.desk.update(&source.id, renamed, "ali").await.unwrap();
    let world = world.restart(true, Shape::default()).await;
    world.hand.put(world.hand.now() + 61_000);
    let after = world.desk.source(&source.id).await.unwrap();
    assert_eq!((after.name.as_str(), after.total_records_synced), ("main", 5));
    assert_eq!(after.last_sync_status.as_deref(), Some("success"));
    assert_eq!(after.last_sync_age_seconds, Some(61));
    assert_eq!(
        world.sync(&source.id).await.records_unchanged,
        5,
        "its records are known under the new name"
    );
}
