//! What the second process does.

use super::{Task, sample, say};
use callpost::egress::{Egress, PinsInMemory, Rules};
use callpost::model::{CallKey, Dice, Entry};
use callpost::store::{CdrFilter, Clock, Journal, Opened, Options, Pace, Store, StoreReply};
use callpost::upstream::{BackOff, Config, SinkContext, Upstreams, Waker};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// The machine's clocks.
pub(crate) fn clock() -> Clock {
    let unix_ms = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    Clock {
        now: Instant::now,
        unix_ms: Arc::new(unix_ms),
    }
}

/// Opens a store in this process, as the next start of a daemon would.
#[track_caller]
pub(crate) fn open_here(dir: &Path) -> Opened {
    Store::open(dir, Options::new(clock())).expect("the store opens")
}

/// What the store said about a call.
enum Answer {
    Opened(u32),
    Refused(u32),
    Filed(u32),
}

/// The second process at work.
pub(super) struct Desk {
    store: Store,
    answers: Receiver<Answer>,
    closing: Arc<Mutex<VecDeque<u32>>>,
    /// How often the store has said that it is in trouble since a call was last refused.
    troubles: Arc<AtomicU32>,
}

impl Desk {
    /// Does the whole task and ends the store properly, if it lives that long.
    pub(super) fn work(task: &Task) {
        // An error says that a provider is chosen already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let began = Instant::now();
        let waker: Arc<OnceLock<Waker>> = Arc::default();
        let Some((desk, interrupted)) = Self::open_for(task, &waker) else {
            return;
        };
        say("open", format!("{} {interrupted}", began.elapsed().as_millis()));
        let (stop, stopped) = oneshot::channel();
        let network = desk.forward(task, &waker, stopped);
        desk.file(task);
        if task.drain {
            desk.drain();
        }
        if let Some(reason) = desk.store.trouble() {
            say("trouble", reason);
        }
        if task.abrupt {
            std::process::exit(0);
        }
        // An error says that the forwarders have ended already.
        let _ = stop.send(());
        network.join().expect("the forwarders end well");
        desk.store.shutdown();
        say("done", "");
    }

    fn open_for(task: &Task, waker: &Arc<OnceLock<Waker>>) -> Option<(Self, usize)> {
        for _ in 0..50 {
            let (tell, answers) = channel();
            let closing: Arc<Mutex<VecDeque<u32>>> = Arc::default();
            let troubles: Arc<AtomicU32> = Arc::default();
            match Store::open(&task.dir, options(task, waker, &closing, &troubles, tell)) {
                Ok(opened) => {
                    if let Some(aside) = opened.set_aside {
                        say("set-aside", format!("{aside:?}"));
                    }
                    let desk = Self {
                        store: opened.store,
                        answers,
                        closing,
                        troubles,
                    };
                    return Some((desk, opened.interrupted.len()));
                }
                Err(error) => say("not-open", error),
            }
            if !task.persistent {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// The forwarders on a thread of their own, as the daemon has them.
    fn forward(
        &self,
        task: &Task,
        waker: &Arc<OnceLock<Waker>>,
        stopped: oneshot::Receiver<()>,
    ) -> JoinHandle<()> {
        let back_off = BackOff::hurried(Duration::from_millis(50));
        let (configs, outbox, waker) = (configs(task), self.store.outbox(), Arc::clone(waker));
        let context = SinkContext {
            site: "branch-01".to_owned(),
            appliance_id: self.store.appliance_id().to_owned(),
            clock: clock(),
            egress: Egress::new(Rules::new(Vec::new()), Arc::new(PinsInMemory::default())),
        };
        let mut dice = Dice::from_number(u64::from(task.first));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async move {
                let upstreams = Upstreams::start(&configs, &outbox, &context, back_off, &mut dice)
                    .expect("the destinations are well configured");
                drop(waker.set(upstreams.waker()));
                // An error says that the desk has gone, which is a stop too.
                drop(stopped.await);
                upstreams.shutdown().await;
            });
        })
    }

    /// Files calls, a window of them under way at any time, and says which were acknowledged.
    fn file(&self, task: &Task) {
        let records = self.records();
        let wanted = task.until_records.saturating_sub(records);
        let last = task.first + u32::try_from(wanted).unwrap_or(u32::MAX).min(task.at_most);
        let journal = self.store.journal();
        let (mut next, mut under_way) = (task.first, VecDeque::new());
        while next < last || !under_way.is_empty() {
            while next < last && under_way.len() < task.at_once as usize {
                let cdr = Box::new(sample::draft(next));
                let call = CallKey(next);
                append(&journal, Entry::CallOpened { call, cdr });
                under_way.push_back(next);
                next += 1;
            }
            self.listen(&journal, &mut under_way, Duration::from_millis(task.patience_ms));
        }
    }

    /// Takes one answer of the store and goes on with that call.
    fn listen(&self, journal: &Journal, under_way: &mut VecDeque<u32>, patience: Duration) {
        let Ok(answer) = self.answers.recv_timeout(patience) else {
            for call in under_way.drain(..) {
                say("stuck", call);
            }
            return;
        };
        match answer {
            Answer::Opened(n) => {
                say("opened", n);
                append(journal, sample::digit(n, 1500, "1"));
                self.lock().push_back(n);
                append(journal, Entry::CallClosed(Box::new(sample::ended(n))));
            }
            Answer::Refused(n) => {
                say("refused", n);
                if let Some(reason) = self.store.trouble() {
                    say("trouble", reason);
                }
                under_way.retain(|call| *call != n);
                self.until_well(Duration::from_millis(200));
            }
            Answer::Filed(n) => under_way.retain(|call| *call != n),
        }
    }

    /// A caller who was refused calls again a moment later.
    fn until_well(&self, within: Duration) {
        let deadline = Instant::now() + within;
        // The writer refuses first and says why after that.
        while self.troubles.swap(0, Ordering::SeqCst) == 0
            && self.store.trouble().is_none()
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        while self.store.trouble().is_some() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<u32>> {
        self.closing.lock().expect("nobody panicked over the list")
    }

    fn records(&self) -> u64 {
        let page = self.store.reader().cdrs(&CdrFilter {
            limit: 1,
            newest_first: true,
            ..CdrFilter::default()
        });
        page.ok().and_then(|page| page.latest_seq).unwrap_or(0)
    }

    fn drain(&self) {
        loop {
            let backlog = self.store.reader().backlog().unwrap_or_default();
            if !backlog.is_empty() && backlog.iter().all(|one| one.pending == 0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn configs(task: &Task) -> Vec<Config> {
    let read = |text: &String| toml::from_str(text).expect("the destination is TOML");
    task.upstreams.iter().map(read).collect()
}

fn options(
    task: &Task,
    waker: &Arc<OnceLock<Waker>>,
    closing: &Arc<Mutex<VecDeque<u32>>>,
    troubles: &Arc<AtomicU32>,
    tell: std::sync::mpsc::Sender<Answer>,
) -> Options {
    let mut options = Options::new(clock());
    options.upstreams = configs(task).into_iter().map(|config| config.name).collect();
    options.pace = Pace {
        patience: Duration::from_millis(20),
        retry: Duration::from_millis(10),
        log_pages: 25,
        ..Pace::default()
    };
    let (waker, closing, troubles) = (Arc::clone(waker), Arc::clone(closing), Arc::clone(troubles));
    options.on_reply = Box::new(move |reply| {
        let answer = match reply {
            StoreReply::CallOpened(CallKey(n)) => Answer::Opened(n),
            StoreReply::Filed { .. } | StoreReply::MessageLeft => {
                if let Some(waker) = waker.get() {
                    waker.wake();
                }
                return;
            }
            StoreReply::CallClosed { seq } => {
                // Replies come in the order of the entries.
                let Some(n) = closing.lock().ok().and_then(|mut waiting| waiting.pop_front()) else {
                    return;
                };
                say("filed", format!("{n} {seq}"));
                Answer::Filed(n)
            }
            StoreReply::Failed {
                call: Some(CallKey(n)),
                ..
            } => Answer::Refused(n),
            StoreReply::Failed { call: None, reason } => {
                troubles.fetch_add(1, Ordering::SeqCst);
                return say("trouble", reason);
            }
        };
        drop(tell.send(answer));
    });
    options
}

/// The journal may have no room for a moment; the engine holds entries then and offers them again.
fn append(journal: &Journal, entry: Entry) {
    let mut entry = entry;
    while let Err(back) = journal.try_append(entry) {
        entry = back;
        std::thread::sleep(Duration::from_millis(1));
    }
}
