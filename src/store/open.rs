use super::connection::{damage, open_for_writing};
use super::error::is_damage;
use super::filing::close;
use super::journal::Journal;
use super::keeping::{Ageing, ConditionWatch, Reserve};
use super::late::{Mending, StampOf};
use super::queue::queue;
use super::salvage::{self, SetAside};
use super::seal::{self, Seal};
use super::tables::{
    boot, calls, cdrs, consumers, messages, meta, outbox, ranges, recordings, registrations,
};
use super::waking::{KnownWaking, Waking};
use super::writer::{Lot, Refreshes, Writer};
use super::{
    Accounts, AgentShelf, Clock, Consumers, Deliveries, Evidence, Mender, Messages, Options, Outbox,
    PinShelf, Reader, StoreError, SyncBook, Upkeep, Uploads, birth, checking, interrupted, late, lock, log,
    rescue,
};
use crate::model::{Binding, Cdr, Greeting, Mailbox, Message, RecordingFacts, RecordingRow, TapeDone, Turns};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The open store: owner of the writer thread.
pub struct Store {
    journal: Journal,
    reader: Reader,
    appliance_id: String,
    clock: Clock,
    trouble: Arc<Mutex<Option<String>>>,
    condition: ConditionWatch,
    seal: Arc<Seal>,
    /// What goes on beside the writer: the check of a large file, the rest of a salvage.
    check: Option<checking::Check>,
    rescue: Option<rescue::Rescue>,
    turns: Turns,
    writer: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Store")
            .field("trouble", &self.trouble())
            .finish_non_exhaustive()
    }
}

/// What [`Store::open`] found.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Records of the calls that a killed daemon left open; they are filed and queued already.
    pub interrupted: Vec<Cdr>,
    /// Registrations that still hold.
    pub bindings: Vec<Binding>,
    /// Messages that were not thrown away, the oldest first.
    pub messages: Vec<Message>,
    /// The greetings that boxes' owners recorded.
    pub greetings: Vec<(Mailbox, Greeting)>,
    /// How many unfinished recordings were mended.
    pub mended: usize,
    /// Set when the database was damaged: where it is kept now, and what could be saved from it.
    pub set_aside: Option<SetAside>,
    /// How many milliseconds the clock was behind when an earlier run began in this waking of the machine, when it has
    /// been set since; for [`Journal::clock_set`], if the clock can be believed now.
    pub behind_ms: Option<i64>,
}

/// Tells from any thread whether the database can be written.
#[derive(Debug, Clone)]
pub struct TroubleWatch(Arc<Mutex<Option<String>>>);

impl TroubleWatch {
    /// Why it cannot be written now, when it cannot.
    pub fn now(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Store {
    /// Opens the store in a data directory, which is made when it is missing.
    ///
    /// # Errors
    /// When another daemon uses the directory, or when it cannot be written at all. A damaged database is no
    /// error: it is set aside and told in [`Opened::set_aside`].
    pub fn open(dir: &Path, options: Options) -> Result<Opened, StoreError> {
        fs::create_dir_all(dir).map_err(|cause| StoreError::File {
            path: dir.to_owned(),
            cause,
        })?;
        let lock = lock::take(dir)?;
        let path = dir.join("callpost.db");
        let Options {
            upstreams,
            clock,
            on_reply,
            mend,
            keep,
            pace,
            stamp_of,
            waking,
        } = options;
        birth::finish(&path)?;
        birth::make_if_missing(&path)?;
        let (connection, set_aside) = open_sound(&path, clock.unix_ms())?;
        begin_with_an_empty_log(&connection)?;
        let found = start(
            &connection,
            &upstreams,
            mend,
            clock.unix_ms(),
            &stamp_of,
            waking.as_ref(),
        )?;
        let (last_before, behind_ms) = (found.last_before(), found.behind_ms(waking.as_ref()));
        if set_aside.as_ref().is_some_and(|aside| !aside.rest_follows) {
            // Told now, by whoever opened the store.
            SetAside::forget(&connection)?;
        }
        let seal = Arc::new(Seal::new(dir, keep.seal_key().as_ref()));
        seal_keys(&connection, &seal);

        let ageing = Ageing::resume(&connection, clock.now(), clock.unix_ms())?;
        let condition = ConditionWatch::default();
        let (jobs, queue) = queue(pace.queue);
        let trouble = Arc::new(Mutex::new(None));
        let turns = Turns::default();
        let writer = Writer {
            connection,
            syncs: None,
            path: path.clone(),
            jobs: queue,
            turns: turns.clone(),
            on_reply,
            born: clock.now(),
            clock: clock.clone(),
            pace,
            boot: found.boot,
            filed: found.latest_seq,
            last_before,
            waking: found.waking,
            mending: found.mending.into_iter().collect(),
            stamp_of,
            trouble: Arc::clone(&trouble),
            lot: Lot::default(),
            refreshes: Refreshes::default(),
            open_calls: BTreeSet::new(),
            next_heartbeat: None,
            retry_at: None,
            in_doubt: false,
            reserve: Reserve::new(dir, u64::from(keep.reserve_megabytes) << 20),
            keep,
            ageing,
            condition: condition.clone(),
            // At once: the reserve is made before it is needed.
            next_tidy: Some(clock.now()),
            _lock: lock,
        };
        let writer = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run())
            .map_err(|cause| StoreError::File {
                path: path.clone(),
                cause,
            })?;
        let journal = Journal::new(jobs, clock.clone());
        let rescue = set_aside
            .as_ref()
            .and_then(|aside| rescue::go_on(aside, &journal));
        let store = Self {
            check: checking::begin(&path, journal.clone(), condition.clone()),
            rescue,
            journal,
            reader: Reader::new(path, found.epoch),
            appliance_id: found.appliance_id,
            clock,
            trouble,
            condition,
            seal,
            turns,
            writer: Some(writer),
        };
        let Found {
            interrupted,
            bindings,
            messages,
            greetings,
            mended,
            ..
        } = found;
        Ok(Opened {
            store,
            interrupted,
            bindings,
            messages,
            greetings,
            mended,
            set_aside,
            behind_ms,
        })
    }

    /// The way in for entries.
    pub fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// How often the writer has come round; [`Journal::nudge`] makes it do so.
    pub fn turns(&self) -> Turns {
        self.turns.clone()
    }

    /// The way to look.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// What waits for the destinations.
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.journal.clone(), self.clock.clone())
    }

    /// What becomes of recordings after their calls.
    pub fn evidence(&self) -> Evidence {
        Evidence::new(self.journal.clone(), self.clock.clone())
    }

    /// Takes recordings away when their time has come.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep::new(self.journal.clone(), self.clock.clone())
    }

    /// What waits for the places that copies of recordings go to.
    pub fn uploads(&self) -> Uploads {
        Uploads::new(self.journal.clone(), self.clock.clone())
    }

    /// Where pinned keys are kept.
    pub fn pins(&self) -> PinShelf {
        PinShelf::new(self.journal.clone())
    }

    /// Which box this is, for those who gather records of many: a uuid made with the first database and kept
    /// through salvage.
    pub fn appliance_id(&self) -> &str {
        &self.appliance_id
    }

    /// Readers that acknowledge.
    pub fn consumers(&self) -> Consumers {
        Consumers::new(self.journal.clone(), self.clock.clone())
    }

    /// What people do about destinations.
    pub fn deliveries(&self) -> Deliveries {
        Deliveries::new(self.journal.clone(), self.clock.clone())
    }

    /// People, sessions and tokens.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.journal.clone(), self.reader.clone(), self.clock.clone())
    }

    /// Agents made by the API.
    pub fn agents(&self) -> AgentShelf {
        AgentShelf::new(self.journal.clone(), self.reader.clone(), self.clock.clone())
    }

    /// Sources beside the box, fetches, and what was fetched.
    pub fn sync_book(&self) -> SyncBook {
        SyncBook::new(
            self.journal.clone(),
            self.reader.clone(),
            self.clock.clone(),
            Arc::clone(&self.seal),
        )
    }

    /// Messages in boxes.
    pub fn messages(&self) -> Messages {
        Messages::new(self.journal.clone(), self.reader.clone(), self.clock.clone())
    }

    /// Looks at [`Store::trouble`] from another thread.
    pub fn trouble_watch(&self) -> TroubleWatch {
        TroubleWatch(Arc::clone(&self.trouble))
    }

    /// How the database is, beside whether it can be written; looked at from any thread.
    pub fn condition(&self) -> ConditionWatch {
        self.condition.clone()
    }

    /// Why the database cannot be written now, when it cannot.
    pub fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Writes everything that was handed over so far and ends the writer. Later entries are handed back.
    pub fn shutdown(mut self) {
        if let Some(check) = self.check.take() {
            check.end();
        }
        if let Some(rescue) = self.rescue.take() {
            rescue.end();
        }
        self.journal.stop();
        let Some(writer) = self.writer.take() else { return };
        if writer.join().is_err() {
            tracing::error!("The store's writer had died before the shutdown.");
        }
    }
}

/// What the first transaction of a run finds and leaves.
struct Found {
    boot: String,
    epoch: String,
    appliance_id: String,
    /// The highest `seq` filed before the writer starts; 0 in an empty store.
    latest_seq: u64,
    interrupted: Vec<Cdr>,
    bindings: Vec<Binding>,
    messages: Vec<Message>,
    greetings: Vec<(Mailbox, Greeting)>,
    mended: usize,
    /// Times that an earlier run has not finished mending.
    mending: Option<Mending>,
    waking: Option<KnownWaking>,
}

impl Found {
    /// The last row that was filed before this waking of the machine; where nobody tells of wakings, before this run.
    fn last_before(&self) -> u64 {
        let waking = self.waking.as_ref();
        waking.map_or(self.latest_seq, |waking| waking.last_before)
    }

    fn behind_ms(&self, waking: Option<&Waking>) -> Option<i64> {
        self.waking.as_ref()?.behind_ms(waking?)
    }
}

/// Opens the database, or sets it aside and opens a fresh one with what can be saved.
fn open_sound(path: &Path, unix_ms: i64) -> Result<(Connection, Option<SetAside>), StoreError> {
    let reason = match open_and_check(path) {
        Ok(connection) => {
            let noted = SetAside::noted(&connection)?;
            return Ok((connection, noted));
        }
        Err(Unsound::Damaged(reason)) => reason,
        Err(Unsound::Unusable(error)) => return Err(error),
    };
    tracing::error!(
        reason,
        "The database is damaged: {reason}. It is set aside and a fresh one begun."
    );
    let aside = salvage::set_aside(path, unix_ms)?;
    let draft = birth::begin_draft(path)?;
    let saved = salvage::save_what_is_readable(&aside, &draft, reason);
    birth::replace(draft, path)?;
    tracing::warn!(
        cdrs = saved.cdrs,
        rows = saved.rows,
        complete = saved.complete,
        "Salvage is done."
    );
    Ok((open_for_writing(path)?, Some(saved)))
}

/// A key that cannot be sealed now is tried again at the next start; the telephones do not wait for it.
fn seal_keys(connection: &Connection, seal: &Seal) {
    match seal::seal_what_is_open(connection, seal) {
        Ok(0) => {}
        Ok(keys) => tracing::info!(keys, "The keys of {keys} PBX sources are sealed now."),
        Err(error) => tracing::warn!(%error, "The keys of PBX sources could not be sealed: {error}."),
    }
    for source in seal::lost(connection, seal).unwrap_or_default() {
        tracing::error!(
            source,
            "The key of the PBX source {source} cannot be opened: seal.key is not the one it was sealed with. Put that \
             one back, or enter the key again."
        );
    }
}

/// The disk may have failed the last run, and what it could not write may still look written.
fn begin_with_an_empty_log(connection: &Connection) -> Result<(), rusqlite::Error> {
    match log::empty(connection) {
        Ok(_) => Ok(()),
        Err(error) if log::is_in_doubt(&error) => Err(error),
        // No space is no reason not to answer the telephone.
        Err(error) => {
            tracing::warn!(%error, "The write-ahead log cannot be folded back now: {error}.");
            Ok(())
        }
    }
}

/// Why a database is not used as it is.
enum Unsound {
    /// Only a fresh one helps.
    Damaged(String),
    /// A fresh one would fare no better: no permission, no space.
    Unusable(StoreError),
}

fn open_and_check(path: &Path) -> Result<Connection, Unsound> {
    if fs::metadata(path).is_ok_and(|facts| facts.len() == 0) {
        return Err(Unsound::Damaged("the file is empty".to_owned()));
    }
    let connection = open_for_writing(path).map_err(judge)?;
    match damage(&connection, path) {
        Ok(None) => Ok(connection),
        Ok(Some(complaint)) => Err(Unsound::Damaged(complaint)),
        Err(error) => Err(judge(StoreError::Database(error))),
    }
}

fn judge(error: StoreError) -> Unsound {
    let damaged = match &error {
        StoreError::Database(cause) => is_damage(cause),
        // A migration that fails for another reason than damage (a full disk) must not cost the database.
        StoreError::Migration(rusqlite_migration::Error::RusqliteError { err, .. }) => is_damage(err),
        StoreError::Migration(_) => false,
        StoreError::InUse { .. }
        | StoreError::File { .. }
        | StoreError::Body(_)
        | StoreError::NotWritten(_)
        | StoreError::Closed => false,
    };
    if damaged {
        Unsound::Damaged(error.to_string())
    } else {
        Unsound::Unusable(error)
    }
}

/// The first transaction of a run: recordings are mended, open calls closed, and this run takes over.
fn start(
    connection: &Connection,
    upstreams: &[String],
    mend: Mender,
    unix_ms: i64,
    stamp_of: &StampOf,
    waking: Option<&Waking>,
) -> Result<Found, StoreError> {
    let mended = mend(&recordings::unfinished(connection)?);
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let found = take_over(connection, upstreams, &mended, unix_ms, stamp_of, waking);
    match found {
        Ok(_) => connection.execute_batch("COMMIT")?,
        // The error that stopped the start says more than one about the rollback.
        Err(_) => drop(connection.execute_batch("ROLLBACK")),
    }
    found
}

fn take_over(
    connection: &Connection,
    upstreams: &[String],
    mended: &[RecordingFacts],
    unix_ms: i64,
    stamp_of: &StampOf,
    waking: Option<&Waking>,
) -> Result<Found, StoreError> {
    let mending = Mending::left_over(connection, cdrs::highest_filed(connection)?, stamp_of)?;
    outbox::enable_only(connection, upstreams)?;
    outbox::recall(connection)?;
    settle_recordings(connection, mended, unix_ms)?;
    let interrupted = close_interrupted(connection, unix_ms)?;
    registrations::expire(connection, unix_ms)?;
    let epoch = match meta::get(connection, "epoch")? {
        Some(epoch) => epoch,
        None => begin_epoch(connection, unix_ms)?,
    };
    let appliance_id = match meta::get(connection, "appliance_id")? {
        Some(id) => id,
        None => name_the_box(connection, unix_ms)?,
    };
    let boot = new_uuid(unix_ms)?;
    boot::begin(connection, &boot, unix_ms)?;
    let bindings = registrations::all(connection)?;
    let (messages, greetings) = (messages::kept(connection)?, messages::greetings(connection)?);
    let latest_seq = cdrs::highest_filed(connection)?;
    let waking = waking
        .map(|waking| KnownWaking::recognise(connection, waking, latest_seq))
        .transpose()?;
    Ok(Found {
        boot,
        epoch,
        appliance_id,
        latest_seq,
        interrupted,
        bindings,
        messages,
        greetings,
        mended: mended.len(),
        mending,
        waking,
    })
}

fn settle_recordings(
    connection: &Connection,
    mended: &[RecordingFacts],
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let settle = |id, result| late::tape_done(connection, &TapeDone { id, result }, unix_ms);
    for facts in mended {
        recordings::complete(connection, facts)?;
        settle(facts.id, Ok(facts.clone()))?;
    }
    let lost: Vec<RecordingRow> = recordings::unfinished(connection)?;
    for row in lost {
        let reason = "interrupted before any audio was written";
        recordings::fail(connection, row.id, reason)?;
        settle(row.id, Err(reason.to_owned()))?;
    }
    Ok(())
}

fn close_interrupted(connection: &Connection, unix_ms: i64) -> Result<Vec<Cdr>, StoreError> {
    let last = boot::last(connection)?;
    let mut closed = Vec::new();
    for call in calls::all_open(connection)? {
        let id = call.draft.call_id;
        let alive_ms = last
            .as_ref()
            .filter(|boot| boot.id == call.boot)
            .map_or(0, |boot| {
                boot.heartbeat_elapsed_ms.saturating_sub(call.opened_elapsed_ms)
            });
        let notes = calls::notes(connection, id)?;
        let recordings = recordings::of_call(connection, id)?;
        let cdr = interrupted::closed(call.draft, &notes, alive_ms, recordings);
        close(connection, &cdr, unix_ms)?;
        closed.push(cdr);
    }
    Ok(closed)
}

/// A database that begins anew has a new epoch, so that a puller's cursor into the old one is recognised.
fn begin_epoch(connection: &Connection, unix_ms: i64) -> Result<String, StoreError> {
    let epoch = new_uuid(unix_ms)?;
    meta::set(connection, "epoch", Some(&epoch))?;
    meta::set(connection, "created_ms", Some(&unix_ms.to_string()))?;
    // What was acknowledged in an earlier life of this database says nothing about the numbers of this one.
    consumers::begin_again(connection)?;
    ranges::cut_off(connection, cdrs::highest_filed(connection)?)?;
    Ok(epoch)
}

/// The box's own name; unlike the epoch it outlives the database.
fn name_the_box(connection: &Connection, unix_ms: i64) -> Result<String, StoreError> {
    let id = new_uuid(unix_ms)?;
    meta::set(connection, "appliance_id", Some(&id))?;
    Ok(id)
}

fn new_uuid(unix_ms: i64) -> Result<String, StoreError> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::NotWritten(format!("no randomness: {error}")))?;
    let millis = u64::try_from(unix_ms).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .to_string())
}
