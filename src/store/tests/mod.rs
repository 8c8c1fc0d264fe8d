//! The store as its users meet it: opened in a directory, written to, killed, opened again.

mod accounts;
mod agents;
mod any_story;
mod audit;
mod by_start;
mod consumers;
mod damage;
mod deliveries;
mod evidence;
mod keeping;
mod late;
mod list_truth;
mod lists;
mod machine;
mod messages;
mod outbox;
mod restart;
pub(crate) mod sample;
mod versions;
mod writing;

use super::{Clock, Opened, Options, Store, StoreReply};
use crate::model::Entry;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A wall clock that stands where a test puts it, beside the real monotonic one.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn at(unix_ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(unix_ms)))
    }

    pub(crate) fn put(&self, unix_ms: i64) {
        self.0.store(unix_ms, Ordering::SeqCst);
    }

    #[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
    pub(crate) fn clock(&self) -> Clock {
        let hand = Arc::clone(&self.0);
        Clock {
            now: Instant::now,
            unix_ms: Arc::new(move || hand.load(Ordering::SeqCst)),
        }
    }
}

/// Noon of some day, in ms since 1970.
pub(crate) const NOON: i64 = 1_795_003_200_000;

/// An open store and what it says.
pub(crate) struct Room {
    pub(crate) store: Store,
    pub(crate) replies: Receiver<StoreReply>,
}

/// Opens a store in `dir` with these destinations; `adjust` may change the options first.
pub(crate) fn open(dir: &Path, upstreams: &[&str], adjust: impl FnOnce(&mut Options)) -> (Room, Findings) {
    let (say, replies) = channel();
    let mut options = Options::new(Hand::at(NOON).clock());
    options.upstreams = upstreams.iter().map(|name| (*name).to_owned()).collect();
    options.on_reply = Box::new(move |reply| drop(say.send(reply)));
    adjust(&mut options);
    let Opened {
        store,
        interrupted,
        bindings,
        messages: _,
        greetings: _,
        mended,
        set_aside,
        behind_ms,
    } = Store::open(dir, options).unwrap();
    (
        Room { store, replies },
        Findings {
            interrupted,
            bindings,
            mended,
            set_aside,
            behind_ms,
        },
    )
}

/// What opening found, without the store.
pub(crate) struct Findings {
    pub(crate) interrupted: Vec<crate::model::Cdr>,
    pub(crate) bindings: Vec<crate::model::Binding>,
    pub(crate) mended: usize,
    pub(crate) set_aside: Option<super::SetAside>,
    pub(crate) behind_ms: Option<i64>,
}

impl Room {
    pub(crate) fn append(&self, entry: Entry) {
        self.store.journal().try_append(entry).unwrap();
    }

    /// The next word of the store; a test that waits in vain fails here instead of hanging.
    pub(crate) fn reply(&self) -> StoreReply {
        loop {
            match self.replies.recv_timeout(Duration::from_secs(20)).unwrap() {
                StoreReply::Filed { .. } | StoreReply::MessageLeft => {}
                other @ (StoreReply::CallOpened(_)
                | StoreReply::CallClosed { .. }
                | StoreReply::Failed { .. }) => {
                    return other;
                }
            }
        }
    }

    /// Waits until new rows are told of.
    pub(crate) fn filed(&self) -> u64 {
        loop {
            if let StoreReply::Filed { seq } = self.replies.recv_timeout(Duration::from_secs(20)).unwrap() {
                return seq;
            }
        }
    }

    /// Everything handed over so far is written when this returns.
    pub(crate) fn settle(&self) {
        self.store
            .journal()
            .change(super::journal::Durability::Synced, |_connection| Ok(()))
            .unwrap();
    }
}

/// SHA-256, hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
