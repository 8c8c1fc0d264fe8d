use super::audit::AuditNote;
use super::connection::open_for_writing;
use super::journal::{Durability, Journal};
use super::tables::{audit, meta, people};
use super::{Clock, Reader, StoreError, birth, lock};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// People, their sessions and the tokens of machines. In the daemon, reads go beside the writer, changes through it: a
/// second writing connection would now and then find the database busy, and a claim or a revocation shares
/// its fsync with the calls. While no daemon runs, [`Accounts::alone`] works on the database itself. Every method may
/// wait for the disk, so async code calls it from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Accounts {
    way: Way,
    clock: Clock,
    /// When each token's last use was written, so that a busy token does not wear the flash.
    last_uses: Arc<Mutex<BTreeMap<String, i64>>>,
}

/// How the tables are reached.
#[derive(Debug, Clone)]
enum Way {
    /// Beside and through the daemon's writer.
    Daemon(Journal, Reader),
    /// Nobody else works in the data directory.
    Alone(Arc<Mutex<Alone>>),
}

#[derive(Debug)]
struct Alone {
    connection: Connection,
    _lock: lock::DirectoryLock,
}

/// A person who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The log-in name.
    pub name: String,
    /// The password as an argon2 string (PHC format).
    pub password_hash: String,
    /// What the person may do; `http` knows the words.
    pub role: String,
    /// When the account was made, in ms since 1970.
    pub created_ms: i64,
    /// When the person last logged in, in ms since 1970.
    pub seen_ms: Option<i64>,
}

/// What became of a change to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChange {
    /// It is done.
    Done,
    /// There is nobody of this name.
    Unknown,
    /// Nothing was changed: nobody else has this role, and somebody has to.
    LastOfRole,
}

/// A session about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// SHA-256 of the cookie, hexadecimal.
    pub cookie_hash: String,
    /// Who logged in.
    pub user: String,
    /// When it ends unless it is used, in ms since 1970.
    pub expires_ms: i64,
    /// The address the person came from.
    pub from: Option<String>,
    /// What the browser calls itself.
    pub browser: Option<String>,
}

/// A log-in that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie, hexadecimal.
    pub cookie_hash: String,
    /// Who logged in.
    pub user: String,
    /// What that person may do now.
    pub role: String,
    /// When it began, in ms since 1970.
    pub created_ms: i64,
    /// When the session ends unless it is used, in ms since 1970.
    pub expires_ms: i64,
    /// When it was last used, to the hour, in ms since 1970.
    pub seen_ms: Option<i64>,
    /// The address the person came from.
    pub from: Option<String>,
    /// What the browser calls itself.
    pub browser: Option<String>,
}

/// A token about to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Identity for lists and revocation; not secret.
    pub id: String,
    /// What it is for, in somebody's words.
    pub name: String,
    /// SHA-256 of the token, hexadecimal.
    pub hash: String,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// When it ends, in ms since 1970; `None` lasts until revoked.
    pub expires_ms: Option<i64>,
    /// Who makes it.
    pub made_by: Option<String>,
}

/// A token of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Identity for lists and revocation; not secret.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// When it was made, in ms since 1970.
    pub created_ms: i64,
    /// When it ends, in ms since 1970.
    pub expires_ms: Option<i64>,
    /// When it was revoked, in ms since 1970.
    pub revoked_ms: Option<i64>,
    /// When it was last used, to the minute, in ms since 1970.
    pub last_used_ms: Option<i64>,
    /// Who made it, where that is known.
    pub made_by: Option<String>,
}

const CLAIM: &str = "claim_code_hash";
const USE_NOTED_EVERY_MS: i64 = 60_000;

impl Accounts {
    pub(super) fn new(journal: Journal, reader: Reader, clock: Clock) -> Self {
        Self {
            way: Way::Daemon(journal, reader),
            clock,
            last_uses: Arc::default(),
        }
    }

    /// The accounts of a data directory in which no daemon works; none can start there as long as this lives. The
    /// database is made when there is none yet.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a daemon works in the directory: it has to be asked then. Otherwise when the
    /// database cannot be opened or made.
    pub fn alone(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|cause| StoreError::File {
            path: dir.to_owned(),
            cause,
        })?;
        let lock = lock::take(dir)?;
        let path = dir.join("callpost.db");
        birth::finish(&path)?;
        birth::make_if_missing(&path)?;
        let alone = Alone {
            connection: open_for_writing(&path)?,
            _lock: lock,
        };
        Ok(Self {
            way: Way::Alone(Arc::new(Mutex::new(alone))),
            clock,
            last_uses: Arc::default(),
        })
    }

    fn look<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        match &self.way {
            Way::Daemon(_, reader) => reader.look(|connection| Ok(question(connection)?)),
            Way::Alone(alone) => {
                let alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(question(&alone.connection)?)
            }
        }
    }

    fn change<T: Send + 'static>(
        &self,
        durability: Durability,
        change: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.way {
            Way::Daemon(journal, _) => journal.change(durability, change),
            Way::Alone(alone) => {
                let mut alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
                let transaction = alone.connection.transaction()?;
                let outcome = change(&transaction)?;
                transaction.commit()?;
                Ok(outcome)
            }
        }
    }

    /// Runs a change that nobody waits for and that is no loss.
    fn change_some_time(
        &self,
        change: impl FnOnce(&Connection) -> Result<(), rusqlite::Error> + Send + 'static,
    ) {
        match &self.way {
            Way::Daemon(journal, _) => journal.change_unwatched(change),
            Way::Alone(_) => drop(self.change(Durability::Patient, change)),
        }
    }

    /// The hash of the one-time claim code, while it has not been used.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn claim_code_hash(&self) -> Result<Option<String>, StoreError> {
        self.look(|connection| meta::get(connection, CLAIM))
    }

    /// Keeps the hash of a new claim code, in place of the one before.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_claim_code_hash(&self, hash: &str) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.change(Durability::Synced, move |connection| {
            meta::set(connection, CLAIM, Some(&hash))
        })
    }

    /// Uses the claim code up and makes the first account, both or neither. False when the code is not this
    /// one (any more) or the name is taken.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn claim(
        &self,
        code_hash: &str,
        name: &str,
        password_hash: &str,
        role: &str,
    ) -> Result<bool, StoreError> {
        let code_hash = code_hash.to_owned();
        let user = self.new_user(name, password_hash, role);
        self.change(Durability::Synced, move |connection| {
            if meta::get(connection, CLAIM)?.as_deref() != Some(&code_hash)
                || !people::insert(connection, &user)?
            {
                return Ok(false);
            }
            meta::set(connection, CLAIM, None)?;
            Ok(true)
        })
    }

    /// Everybody who may log in, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.look(people::users)
    }

    /// One person.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        self.look(|connection| people::find(connection, name))
    }

    /// Makes an account; false when the name is taken.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn create_user(&self, name: &str, password_hash: &str, role: &str) -> Result<bool, StoreError> {
        let user = self.new_user(name, password_hash, role);
        self.change(Durability::Synced, move |connection| {
            people::insert(connection, &user)
        })
    }

    fn new_user(&self, name: &str, password_hash: &str, role: &str) -> User {
        User {
            name: name.to_owned(),
            password_hash: password_hash.to_owned(),
            role: role.to_owned(),
            created_ms: self.clock.unix_ms(),
            seen_ms: None,
        }
    }

    /// Changes a password and ends the person's sessions, but for the one of `kept_session` (its cookie's hash); false
    /// when there is no such person.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_password(
        &self,
        name: &str,
        password_hash: &str,
        kept_session: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (name, password_hash) = (name.to_owned(), password_hash.to_owned());
        let kept = kept_session.map(str::to_owned);
        self.change(Durability::Synced, move |connection| {
            people::set_password(connection, &name, &password_hash, kept.as_deref())
        })
    }

    /// Gives somebody another role, unless nobody would have the role `needed` then.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_role(&self, name: &str, role: &str, needed: &str) -> Result<PersonChange, StoreError> {
        let [name, role, needed] = [name, role, needed].map(str::to_owned);
        self.change(Durability::Synced, move |connection| {
            people::set_role(connection, &name, &role, &needed)
        })
    }

    /// Removes an account and its sessions, whatever its role; false when there is no such person.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn remove_user(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.change(Durability::Synced, move |connection| {
            Ok(people::remove(connection, &name, None)? == PersonChange::Done)
        })
    }

    /// Removes an account and its sessions, unless nobody would have the role `needed` then.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn dismiss(&self, name: &str, needed: &str) -> Result<PersonChange, StoreError> {
        let [name, needed] = [name, needed].map(str::to_owned);
        self.change(Durability::Synced, move |connection| {
            people::remove(connection, &name, Some(&needed))
        })
    }

    /// Begins a session. Sessions that have ended go at the same time.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn open_session(&self, session: NewSession) -> Result<(), StoreError> {
        let now = self.clock.unix_ms();
        self.change(Durability::AtOnce, move |connection| {
            people::note_log_in(connection, &session.user, now)?;
            people::open_session(connection, &session, now)
        })
    }

    /// The session of a cookie (by the SHA-256 of it, hexadecimal), while it holds and its person exists.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn session(&self, cookie_hash: &str) -> Result<Option<Session>, StoreError> {
        let now = self.clock.unix_ms();
        self.look(|connection| people::session_of(connection, cookie_hash, now))
    }

    /// The sessions that hold: everybody's, or one person's; the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sessions(&self, of: Option<&str>) -> Result<Vec<Session>, StoreError> {
        let now = self.clock.unix_ms();
        self.look(|connection| people::sessions(connection, of, now))
    }

    /// A session was used: it holds until `expires_ms`. Written down when there is time.
    pub fn prolong_session(&self, cookie_hash: &str, expires_ms: i64) {
        let (hash, now) = (cookie_hash.to_owned(), self.clock.unix_ms());
        self.change_some_time(move |connection| people::prolong(connection, &hash, now, expires_ms));
    }

    /// Ends a session; false when there is none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn close_session(&self, cookie_hash: &str) -> Result<bool, StoreError> {
        let hash = cookie_hash.to_owned();
        self.change(Durability::Synced, move |connection| {
            people::end_session(connection, &hash)
        })
    }

    /// Makes a token; false when its id or hash exists already.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn create_token(&self, token: NewToken) -> Result<bool, StoreError> {
        let now = self.clock.unix_ms();
        self.change(Durability::Synced, move |connection| {
            people::insert_token(connection, &token, now)
        })
    }

    /// Every token ever made, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.look(people::tokens)
    }

    /// The token with this SHA-256 (hexadecimal), while it holds. Its use is noted, to the minute.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        let now = self.clock.unix_ms();
        let found = self.look(|connection| people::token_of(connection, hash, now))?;
        if let Some(token) = &found {
            self.note_use(&token.id, now);
        }
        Ok(found)
    }

    fn note_use(&self, id: &str, now: i64) {
        let mut last_uses = self.last_uses.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = last_uses.get(id).copied().unwrap_or(i64::MIN);
        if (noted..noted.saturating_add(USE_NOTED_EVERY_MS)).contains(&now) {
            return;
        }
        last_uses.insert(id.to_owned(), now);
        drop(last_uses);
        let id = id.to_owned();
        self.change_some_time(move |connection| people::note_use(connection, &id, now));
    }

    /// Revokes a token at once; false when there is no such token.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn revoke_token(&self, id: &str) -> Result<bool, StoreError> {
        let (id, now) = (id.to_owned(), self.clock.unix_ms());
        self.change(Durability::Synced, move |connection| {
            people::revoke(connection, &id, now)
        })
    }

    /// Adds an entry to the audit log, and waits until it is on the disk.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn note_deed(&self, note: AuditNote) -> Result<(), StoreError> {
        self.change(Durability::Synced, move |connection| {
            audit::add(connection, &note)
        })
    }
}
