//! The key to a PBX goes to the PBX and nowhere else.

use crate::stand_in::{Bad, StandIn, row};
use crate::world::{World, patch};
use axum::http::StatusCode;
use callpost::connectors::sync::Patch;
use serde_json::json;

const KEY: &str = "hush-hush";

/// S0-037, S0-059, S0-163
#[tokio::test]
async fn a_key_never_comes_back_out_whatever_goes_wrong() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let mut telling = row(1);
    telling["note"] = json!(format!("your key {KEY} is fine"));
    telling["api_key"] = json!(KEY);
    telling["uuid"] = json!("");
    pbx.put(vec![telling.clone(), row(2)]);
    let keyed = Patch {
        api_key: Some(KEY.to_owned()),
        ..patch(&pbx)
    };
    let source = world.desk.create(keyed, "ali").await.unwrap();
    assert!(source.has_api_key);
    let message: &str = r#"{"status":"error","message":"key hush-hush is not welcome"}"#;
    pbx.answer_next(vec![
        None,
        Some(Bad::Says(StatusCode::UNAUTHORIZED, message)),
        Some(Bad::Says(StatusCode::OK, message)),
        Some(Bad::Says(StatusCode::OK, "hush-hush")),
    ]);
    let mut seen = String::new();
    for _ in 0..4 {
        let log = world.sync(&source.id).await;
        seen.push_str(&serde_json::to_string(&log).unwrap());
    }
    assert!(seen.contains("401") && seen.contains("is not welcome"), "{seen}");
    pbx.lock("another");
    let desk = &world.desk;
    seen.push_str(&serde_json::to_string(&desk.test(&source.id).await.unwrap()).unwrap());
    seen.push_str(&serde_json::to_string(&desk.sources().await.unwrap()).unwrap());
    seen.push_str(&serde_json::to_string(&desk.history(&source.id).await.unwrap()).unwrap());
    seen.push_str(&serde_json::to_string(&desk.quarantine(None, 0, 50).await.unwrap()).unwrap());
    seen.push_str(&serde_json::to_string(&desk.advice(&source.id).await.unwrap()).unwrap());
    seen.push_str(&serde_json::to_string(&world.journal()).unwrap());
    seen.push_str(&format!("{:?}", world.store.sync_book().sources().unwrap()));
    assert!(!seen.contains(KEY), "{seen}");
    assert!(seen.contains("is fine"), "the rest of what the PBX sent is kept");

    // Taken away again.
    let without = Patch {
        api_key: Some(String::new()),
        ..Patch::default()
    };
    assert!(!desk.update(&source.id, without, "ali").await.unwrap().has_api_key);
    let other = Patch {
        days_back: Some(7),
        ..Patch::default()
    };
    let kept = Patch {
        api_key: Some(KEY.to_owned()),
        ..Patch::default()
    };
    desk.update(&source.id, kept, "ali").await.unwrap();
    assert!(
        desk.update(&source.id, other, "ali").await.unwrap().has_api_key,
        "a key that is not named stays"
    );
}
