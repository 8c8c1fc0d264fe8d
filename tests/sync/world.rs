//! A box with a real store and a desk, whose wall clock stands where a test puts it.

use crate::stand_in::StandIn;
use callpost::connectors::onepos::Pace;
use callpost::connectors::sync::{FileSource, LogView, Patch, Setup, SourceView, SyncDesk, Wish};
use callpost::egress::{Egress, PinsInMemory, Rules};
use callpost::model::{Cdr, Entry};
use callpost::store::{CdrFilter, Clock, Opened, Options, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// 2026-11-20T09:00:00Z, 16:00 in Ho Chi Minh City.
pub(crate) const NOW: i64 = 1_795_165_200_000;

/// The wall clock; each look moves it on by a millisecond, so that no two things happen at once.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn put(&self, unix_ms: i64) {
        self.0.store(unix_ms, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn clock(&self) -> Clock {
        let hand = Arc::clone(&self.0);
        Clock {
            now: monotonic,
            unix_ms: Arc::new(move || hand.fetch_add(1, Ordering::SeqCst)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn monotonic() -> Instant {
    Instant::now()
}

/// How a box of a test differs from the usual one.
pub(crate) struct Shape {
    pub(crate) zone: &'static str,
    pub(crate) allow: &'static [&'static str],
    pub(crate) file: Vec<FileSource>,
    pub(crate) pace: Pace,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            zone: "Asia/Ho_Chi_Minh",
            allow: &["127.0.0.0/8"],
            file: Vec::new(),
            pace: Pace {
                page: Duration::from_secs(20),
                retries: vec![Duration::from_millis(10); 3],
            },
        }
    }
}

pub(crate) struct World {
    pub(crate) desk: SyncDesk,
    pub(crate) store: Store,
    pub(crate) hand: Hand,
    place: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::shaped(Shape::default())
    }

    pub(crate) fn shaped(shape: Shape) -> Self {
        let hand = Hand(Arc::new(AtomicI64::new(NOW)));
        Self::open(tempfile::tempdir().unwrap(), hand, shape)
    }

    fn open(place: TempDir, hand: Hand, shape: Shape) -> Self {
        let mut options = Options::new(hand.clock());
        options.upstreams = vec!["head-office".to_owned()];
        let Opened { store, .. } = Store::open(place.path(), options).unwrap();
        let allow = shape
            .allow
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        let desk = SyncDesk::open(Setup {
            book: store.sync_book(),
            clock: hand.clock(),
            egress: Egress::new(Rules::new(allow), Arc::new(PinsInMemory::default())),
            site: "branch-01".to_owned(),
            zone: jiff::tz::TimeZone::get(shape.zone).unwrap(),
            file: shape.file,
            pace: shape.pace,
            look_again: Duration::from_millis(10),
        })
        .unwrap();
        Self {
            desk,
            store,
            hand,
            place,
        }
    }

    /// The box is switched off and on again; `clean` is an orderly stop.
    pub(crate) async fn restart(self, clean: bool, shape: Shape) -> Self {
        let Self {
            desk,
            store,
            hand,
            place,
        } = self;
        if clean {
            desk.close().await;
        }
        drop(desk);
        store.shutdown();
        Self::open(place, hand, shape)
    }

    /// Makes an active source for the stand-in.
    pub(crate) async fn source(&self, pbx: &StandIn) -> SourceView {
        self.desk.create(patch(pbx), "ali").await.unwrap()
    }

    /// Syncs and waits for the end.
    pub(crate) async fn sync(&self, source: &str) -> LogView {
        self.sync_range(source, Wish::default()).await
    }

    pub(crate) async fn sync_range(&self, source: &str, wish: Wish) -> LogView {
        let log = self.desk.start(source, wish).await.unwrap();
        self.desk.wait(&log).await.unwrap()
    }

    /// What the lists show: the newest version of every call, the oldest first.
    pub(crate) fn shown(&self) -> Vec<Cdr> {
        self.rows(true)
    }

    /// Every row of the journal.
    pub(crate) fn journal(&self) -> Vec<Cdr> {
        self.rows(false)
    }

    fn rows(&self, latest_only: bool) -> Vec<Cdr> {
        let mut filter = CdrFilter {
            limit: CdrFilter::MOST,
            latest_only,
            ..CdrFilter::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.store.reader().cdrs(&filter).unwrap();
            filter.after = page.last_seq;
            all.extend(page.items.into_iter().map(|(_, cdr)| cdr));
            if !page.has_more {
                return all;
            }
        }
    }

    /// A call of this box ends.
    pub(crate) fn file(&self, cdr: Cdr) {
        self.store
            .journal()
            .try_append(Entry::CallClosed(Box::new(cdr)))
            .unwrap();
        // Answered after everything handed over before it.
        self.store.accounts().remove_user("nobody at all").unwrap();
    }

    /// Puts this in the place of what was kept of a row, as if it had come so.
    pub(crate) fn put_into_quarantine(&self, id: i64, row: &serde_json::Value) {
        let db = rusqlite::Connection::open(self.place.path().join("callpost.db")).unwrap();
        let sql = "UPDATE pbx_quarantine SET raw = ?2 WHERE id = ?1";
        assert_eq!(db.execute(sql, (id, row.to_string())).unwrap(), 1);
    }

    /// Records that wait for the destination.
    pub(crate) fn queued(&self) -> u64 {
        self.store
            .reader()
            .backlog()
            .unwrap()
            .iter()
            .map(|backlog| backlog.pending)
            .sum()
    }
}

/// An active source for the stand-in, whose clock stands in Ho Chi Minh City.
pub(crate) fn patch(pbx: &StandIn) -> Patch {
    Patch {
        name: Some("pbx".to_owned()),
        api_url: Some(pbx.url()),
        domain: Some("tenant".to_owned()),
        is_active: Some(true),
        allow_http: Some(true),
        batch_size: Some(100),
        timezone: Some("Asia/Ho_Chi_Minh".to_owned()),
        ..Patch::default()
    }
}

/// Looks again and again until it is so; a test that waits in vain fails here.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = monotonic() + Duration::from_secs(30);
    while !is_so().await {
        assert!(monotonic() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl World {
    /// The monotonic clock, for figures.
    pub(crate) fn hand_time(&self) -> Instant {
        monotonic()
    }
}
