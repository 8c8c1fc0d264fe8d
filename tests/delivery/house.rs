//! A store with records in it and a forwarder for one destination, as the daemon has them.
#![expect(
    clippy::unwrap_used,
    reason = "a house that cannot be built should stop the test"
)]

use callpost::egress::{Egress, PinsInMemory, Rules};
use callpost::model::{Cdr, Dice, Entry};
use callpost::store::{Backlog, Clock, Options, Store};
use callpost::upstream::{BackOff, Config, SinkContext, Upstreams, Waker};
use serde_json::{Value, json};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// An appliance without telephones: records come in by hand and go to one destination.
pub(super) struct House {
    store: Store,
    config: Config,
    upstreams: Option<Upstreams>,
    waker: Waker,
    _folder: TempDir,
}

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);
const NAME: &str = "head-office";

/// The site in every record.
pub(super) const SITE: &str = "branch-01";

impl House {
    /// Opens a house whose destination has these keys. Must be called inside the runtime.
    pub(super) fn open(keys: &str) -> Self {
        let mut house = Self::closed(keys);
        house.start();
        house
    }

    /// The same, with nothing forwarded yet.
    pub(super) fn closed(keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(clock());
        options.upstreams = vec![NAME.to_owned()];
        let store = Store::open(folder.path(), options).unwrap().store;
        let config: Config = toml::from_str(&format!("name = '{NAME}'\n{keys}")).unwrap();
        let mistakes = config.mistakes();
        assert!(mistakes.is_empty(), "{mistakes:?}");
        Self {
            store,
            config,
            upstreams: None,
            waker: Waker::default(),
            _folder: folder,
        }
    }

    /// Begins to forward.
    pub(super) fn start(&mut self) {
        let upstreams = start(&self.store, self.config.clone());
        self.waker = upstreams.waker();
        self.upstreams = Some(upstreams);
    }

    /// Files the records of these calls.
    pub(super) fn file(&self, calls: impl IntoIterator<Item = u32>) {
        for n in calls {
            self.file_one(cdr(n));
        }
    }

    /// Files one record and wakes the forwarder.
    pub(super) fn file_one(&self, cdr: Value) {
        let cdr: Cdr = serde_json::from_value(cdr).unwrap();
        let mut entry = Entry::CallClosed(Box::new(cdr));
        while let Err(back) = self.store.journal().try_append(entry) {
            entry = back;
            std::thread::sleep(Duration::from_millis(1));
        }
        self.waker.wake();
    }

    pub(super) fn backlog(&self) -> Backlog {
        self.store.reader().backlog().unwrap().remove(0)
    }

    /// Waits until this holds of the backlog.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Backlog) -> bool) -> Backlog {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.waker.wake();
            let backlog = self.backlog();
            if holds(&backlog) {
                return backlog;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}: {backlog:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many have been filed and nothing waits any more.
    pub(super) async fn settled(&self, filed: u64) -> Backlog {
        self.until("everything to settle", |backlog| {
            backlog.pending == 0 && backlog.delivered + backlog.parked >= filed
        })
        .await
    }

    pub(super) async fn close(mut self) {
        self.upstreams.take().unwrap().shutdown().await;
    }
}

fn start(store: &Store, config: Config) -> Upstreams {
    Upstreams::start(
        &[config],
        &store.outbox(),
        &context(SITE, store.appliance_id()),
        BackOff::hurried(Duration::from_millis(200)),
        &mut Dice::from_number(1),
    )
    .unwrap()
}

/// What a sink knows of its box.
pub(super) fn context(site: &str, appliance_id: &str) -> SinkContext {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
    // So that a test may call a server of its own by the name of this machine.
    let own = ["127.0.0.1/32", "::1/128"].map(|range| range.parse().unwrap());
    let rules = Rules::new(own.to_vec());
    SinkContext {
        site: site.to_owned(),
        appliance_id: appliance_id.to_owned(),
        clock: clock(),
        egress: Egress::new(rules, Arc::new(PinsInMemory::default())),
    }
}

pub(super) fn clock() -> Clock {
    let unix_ms =
        || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    Clock {
        now: Instant::now,
        unix_ms: Arc::new(unix_ms),
    }
}

/// The identity of the n-th call of a box.
pub(super) fn call_id(of_box: u32, n: u32) -> String {
    format!("0193b000-0000-7000-8000-{of_box:04x}{n:08x}")
}

/// The record of the n-th call.
pub(super) fn cdr(n: u32) -> Value {
    cdr_of(SITE, 0, n)
}

/// The record of the n-th call of a box of a fleet.
pub(super) fn cdr_of(site: &str, of_box: u32, n: u32) -> Value {
    let id = call_id(of_box, n);
    let stamp = |second: u32| {
        let second = n * 20 + second;
        format!(
            "2026-11-20T{:02}:{:02}:{:02}.250+03:00",
            8 + second / 3600 % 12,
            second / 60 % 60,
            second % 60
        )
    };
    json!({
        "cdr_id": id, "call_id": id, "version": 1, "final": true, "site": site, "direction": "inbound",
        "caller_number": format!("+9665{n:08}"), "caller_name": "Huda", "dialed_number": "+966112345678",
        "callee_number": "1001", "outbound_caller_id": null,
        "started_at": stamp(0), "ringing_at": stamp(1), "answered_at": stamp(4), "ended_at": stamp(14),
        "clock_synced": true, "duration_ms": 14_000, "talk_ms": 10_000, "ring_ms": 3000, "wait_ms": 4000, "hold_ms": 0,
        "status": "ANSWER", "sip_code": null, "q850": 16, "hangup_by": "caller", "cause": null, "agent": "ali",
        "group": "sales", "flow": "main", "stages": ["welcome", "menu"], "digits": "1", "collected": {},
        "language": "ar", "recording": null, "trunk": "pbx", "legs": [], "customer": null, "order": null,
        "notes": [], "tags": []
    })
}

/// The same with a note so long that hardly anybody takes it.
pub(super) fn huge(n: u32, bytes: usize) -> Value {
    let mut cdr = cdr(n);
    cdr["notes"] = json!(["x".repeat(bytes)]);
    cdr
}
