use super::open;
use super::sample::{call_id, closing, digit, opening};
use crate::store::{CdrFilter, StoreReply};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// One thing that can happen to a store; calls are named by small numbers so that they meet.
#[derive(Debug, Clone)]
enum Step {
    Open(u32),
    Note(u32),
    Close(u32),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u32).prop_map(Step::Open),
        4 => (0..12_u32).prop_map(Step::Note),
        4 => (0..12_u32).prop_map(Step::Close),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever comes in whatever order, with restarts between: every call that was opened or closed has
    /// exactly one record in the end, numbered without a gap, and the destination is owed each of them once.
    #[test]
    fn every_call_has_exactly_one_record(steps in prop::collection::vec(step(), 1..80)) {
        let dir = tempfile::tempdir().unwrap();
        let mut room = open(dir.path(), &["crm"], |_options| ()).0;
        let mut expected = BTreeSet::new();
        for step in steps {
            match step {
                // The core opens a call once; after its end it never does.
                Step::Open(n) if expected.contains(&call_id(n)) => {}
                Step::Open(n) => {
                    expected.insert(call_id(n));
                    room.append(opening(n));
                }
                Step::Note(n) => room.append(digit(n, 10, "5")),
                Step::Close(n) => {
                    expected.insert(call_id(n));
                    room.append(closing(n));
                }
                Step::Restart => {
                    room.store.shutdown();
                    let failed = room.replies.iter().any(|reply| matches!(reply, StoreReply::Failed { .. }));
                    prop_assert!(!failed, "an entry was refused");
                    room = open(dir.path(), &["crm"], |_options| ()).0;
                }
            }
        }
        room.store.shutdown();
        let room = open(dir.path(), &["crm"], |_options| ()).0;
        let page = room.store.reader().cdrs(&CdrFilter::default()).unwrap();
        let seqs: Vec<u64> = page.items.iter().map(|(seq, _)| *seq).collect();
        let calls: Vec<_> = page.items.iter().map(|(_, cdr)| cdr.call_id).collect();
        prop_assert_eq!(seqs, (1..=expected.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(calls.len(), expected.len());
        prop_assert_eq!(calls.into_iter().collect::<BTreeSet<_>>(), expected.clone());
        prop_assert_eq!(room.store.reader().backlog().unwrap()[0].pending, expected.len() as u64);
    }
}
