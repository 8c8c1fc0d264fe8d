use super::open;
use crate::model::{KeptDigest, WrittenAgent};
use crate::store::{AgentChange, AgentWritten};

fn change(id: &str, of_version: u64) -> AgentChange {
    AgentChange {
        written: WrittenAgent {
            extension: Some("1001".into()),
            ..WrittenAgent::new(id.into())
        },
        digest: Some(KeptDigest {
            user: "1001".into(),
            realm: "callpost".to_owned(),
            sha256: "0".repeat(64),
            md5: "0".repeat(32),
        }),
        of_version,
        by: "hoa".to_owned(),
    }
}

#[test]
fn an_agent_survives_a_restart_and_a_late_change_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let shelf = room.store.agents();
    assert_eq!(shelf.write(change("ali", 0)).unwrap(), AgentWritten::Done(1));
    assert_eq!(shelf.write(change("ali", 0)).unwrap(), AgentWritten::Overtaken);
    assert_eq!(shelf.write(change("mona", 3)).unwrap(), AgentWritten::Overtaken);
    assert_eq!(shelf.write(change("ali", 1)).unwrap(), AgentWritten::Done(2));
    room.store.shutdown();

    let (room, _) = open(dir.path(), &[], |_options| ());
    let shelf = room.store.agents();
    let kept = shelf.all().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].version, kept[0].changed_by.as_str()), (2, "hoa"));
    assert!(kept[0].digest.is_some());
    assert!(shelf.remove(&"ali".into()).unwrap());
    assert!(!shelf.remove(&"ali".into()).unwrap());
    assert!(shelf.all().unwrap().is_empty());
}
