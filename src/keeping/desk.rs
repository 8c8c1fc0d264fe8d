use super::preview::Around;
use super::pruner::Pruner;
use super::storage::{DistantCopy, Storage, StorageView, Target, Tested};
use super::{KeepingWatch, Preview, Setup};
use crate::model::RecordingId;
use crate::store::{Clock, StoreError, Uploads};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What people see of the keeping of recordings, and ask of it. Cheap to clone.
#[derive(Clone)]
pub struct KeepingDesk {
    pub(super) shared: Arc<Shared>,
}

/// What the desk and the keeper's thread share.
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) pruner: Pruner,
    pub(super) uploads: Uploads,
    pub(super) storages: Vec<Arc<Storage>>,
    pub(super) clock: Clock,
    pub(super) watch: KeepingWatch,
    /// Who asked for a look now.
    pub(super) asked: Mutex<Option<String>>,
    pub(super) wake: Notify,
    pub(super) hurry: Vec<Arc<Notify>>,
    /// Places that copies were heard from, ready to be read again.
    pub(super) heard_from: Mutex<BTreeMap<String, Arc<Target>>>,
}

/// A look was asked for already and has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a look at the recordings is asked for already")]
pub struct Busy;

impl KeepingDesk {
    /// A desk; [`Keeper::start`](super::Keeper::start) carries out what is asked.
    pub fn new(setup: Setup) -> Self {
        let storages: Vec<Arc<Storage>> = setup.storages.iter().cloned().map(Arc::new).collect();
        let pruner = Pruner {
            reader: setup.reader.clone(),
            upkeep: setup.upkeep.clone(),
            roots: setup.roots.clone(),
            rules: setup.rules.clone(),
            wall: {
                let (unix_ms, stamp_of) = (Arc::clone(&setup.clock.unix_ms), Arc::clone(&setup.stamp_of));
                Arc::new(move || stamp_of(unix_ms()))
            },
            aged_ms: Arc::clone(&setup.aged_ms),
            free: Arc::clone(&setup.free),
        };
        let hurry = storages.iter().map(|_| Arc::default()).collect();
        Self {
            shared: Arc::new(Shared {
                pruner,
                uploads: setup.uploads.clone(),
                storages,
                clock: setup.clock.clone(),
                watch: KeepingWatch::default(),
                asked: Mutex::new(None),
                wake: Notify::new(),
                hurry,
                heard_from: Mutex::default(),
                setup,
            }),
        }
    }

    /// What the rules will take and when; `limit` recordings are told one by one. Waits for the disk.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn preview(&self, limit: usize) -> Result<Preview, StoreError> {
        let setup = &self.shared.setup;
        let around = Around {
            rules: &setup.rules,
            night: setup.night,
            zone: &setup.zone,
            stamp_of: &setup.stamp_of,
            free_bytes: (setup.free)(&setup.roots.recordings),
        };
        Preview::look(&setup.reader, &around, (self.shared.clock.unix_ms)(), limit)
    }

    /// Has recordings looked through now; what is due goes.
    ///
    /// # Errors
    /// [`Busy`] when that was asked for already.
    pub fn run_now(&self, by: &str) -> Result<(), Busy> {
        let mut asked = self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.is_some() {
            return Err(Busy);
        }
        *asked = Some(by.to_owned());
        self.shared.wake.notify_one();
        Ok(())
    }

    /// How it stands with every place. Waits for the disk.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn storages(&self) -> Result<Vec<StorageView>, StoreError> {
        let now = (self.shared.clock.unix_ms)();
        let all = self.shared.setup.reader.storages()?;
        Ok(all
            .into_iter()
            .map(|backlog| {
                let storage = self.storage(&backlog.storage).map(Arc::as_ref);
                StorageView::of(backlog, storage, now)
            })
            .collect())
    }

    /// Has everything that waits for a place tried at once. How many recordings that are; nothing when there is no such
    /// place. Waits for the disk.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn retry(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let Some(place) = self
            .shared
            .storages
            .iter()
            .position(|storage| storage.name == name)
        else {
            return Ok(None);
        };
        let waiting = self.shared.uploads.hurry(name)?;
        if let Some(hurry) = self.shared.hurry.get(place) {
            hurry.notify_one();
        }
        Ok(waiting)
    }

    /// There is something new to be copied: every place that may be asked now is.
    pub fn hurry(&self) {
        for hurry in &self.shared.hurry {
            hurry.notify_one();
        }
    }

    /// Writes, reads and deletes a small object at a place; nothing when there is no such place. `nonce` is part of its
    /// name.
    pub async fn test(&self, name: &str, nonce: &str) -> Option<Tested> {
        let storage = self.storage(name)?;
        Some(Tested::run(storage, &self.shared.setup.egress, nonce).await)
    }

    /// Opens a verified copy of a recording for reading, wherever one can be read. Nothing when there is none; else why not
    /// even one can be read. Waits for the places, so it is called from a thread that may wait, inside the runtime.
    ///
    /// # Errors
    /// Each place with what it said, in plain words.
    pub fn listen(&self, id: RecordingId) -> Result<Option<DistantCopy>, String> {
        let reader = &self.shared.setup.reader;
        let copies = reader.copies(id).map_err(|error| error.to_string())?;
        let mut troubles = Vec::new();
        for (name, key, length) in copies {
            match self.open_copy(&name, key, length) {
                Ok(copy) => return Ok(Some(copy)),
                Err(trouble) => troubles.push(format!("{name}: {trouble}")),
            }
        }
        if troubles.is_empty() {
            return Ok(None);
        }
        Err(troubles.join("; "))
    }

    fn open_copy(&self, name: &str, key: String, length: u64) -> Result<DistantCopy, String> {
        let storage = self.storage(name).ok_or("it is not configured any more")?;
        let heard_from = || {
            let places = &self.shared.heard_from;
            places.lock().unwrap_or_else(PoisonError::into_inner)
        };
        let known = heard_from().get(name).cloned();
        let target = match known {
            Some(target) => target,
            None => {
                let target = Target::open(storage, &self.shared.setup.egress);
                Arc::new(target.map_err(|trouble| trouble.to_string())?)
            }
        };
        let runtime = tokio::runtime::Handle::current();
        let copy = DistantCopy::open(Arc::clone(&target), key, length, runtime);
        match &copy {
            Ok(_) => heard_from().insert(name.to_owned(), target),
            // A connection that went wrong is not used again.
            Err(_) => heard_from().remove(name),
        };
        copy.map_err(|error| error.to_string())
    }

    /// The alarms there are.
    pub fn watch(&self) -> KeepingWatch {
        self.shared.watch.clone()
    }

    fn storage(&self, name: &str) -> Option<&Arc<Storage>> {
        self.shared.storages.iter().find(|storage| storage.name == name)
    }
}

impl std::fmt::Debug for KeepingDesk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("KeepingDesk").finish_non_exhaustive()
    }
}
