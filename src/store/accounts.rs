use super::journal::{Durability, Journal};
use super::tables::meta;
use super::{Clock, Reader, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// People, their sessions and the tokens of machines. Reads go beside the writer, changes through it: a
/// second writing connection would now and then find the database busy, and a claim or a revocation shares
/// its fsync with the calls. Every method may wait for the disk, so async code calls it from
/// `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Accounts {
    journal: Journal,
    reader: Reader,
    clock: Clock,
    /// When each token's last use was written, so that a busy token does not wear the flash.
    last_uses: Arc<Mutex<BTreeMap<String, i64>>>,
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
}

/// A log-in that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who logged in.
    pub user: String,
    /// What that person may do now.
    pub role: String,
    /// When the session ends, in ms since 1970.
    pub expires_ms: i64,
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
}

const CLAIM: &str = "claim_code_hash";
const USE_NOTED_EVERY_MS: i64 = 60_000;

impl Accounts {
    pub(super) fn new(journal: Journal, reader: Reader, clock: Clock) -> Self {
        Self {
            journal,
            reader,
            clock,
            last_uses: Arc::default(),
        }
    }

    /// The hash of the one-time claim code, while it has not been used.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn claim_code_hash(&self) -> Result<Option<String>, StoreError> {
        self.reader.look(|connection| Ok(meta::get(connection, CLAIM)?))
    }

    /// Keeps the hash of a new claim code, in place of the one before.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_claim_code_hash(&self, hash: &str) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.journal.change(Durability::Synced, move |connection| {
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
        self.journal.change(Durability::Synced, move |connection| {
            if meta::get(connection, CLAIM)?.as_deref() != Some(&code_hash)
                || !insert_user(connection, &user)?
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
        let sql = "SELECT name, password_hash, role, created_ms FROM users ORDER BY name";
        self.reader.look(|connection| {
            Ok(connection
                .prepare(sql)?
                .query_map([], user)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// One person.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let sql = "SELECT name, password_hash, role, created_ms FROM users WHERE name = ?1";
        self.reader.look(|connection| {
            Ok(connection
                .prepare_cached(sql)?
                .query_row([name], user)
                .optional()?)
        })
    }

    /// Makes an account; false when the name is taken.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn create_user(&self, name: &str, password_hash: &str, role: &str) -> Result<bool, StoreError> {
        let user = self.new_user(name, password_hash, role);
        self.journal.change(Durability::Synced, move |connection| {
            insert_user(connection, &user)
        })
    }

    fn new_user(&self, name: &str, password_hash: &str, role: &str) -> User {
        User {
            name: name.to_owned(),
            password_hash: password_hash.to_owned(),
            role: role.to_owned(),
            created_ms: self.clock.unix_ms(),
        }
    }

    /// Changes a password and ends the person's sessions; false when there is no such person.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, StoreError> {
        let (name, password_hash) = (name.to_owned(), password_hash.to_owned());
        self.journal.change(Durability::Synced, move |connection| {
            connection.execute("DELETE FROM sessions WHERE user = ?1", params![name])?;
            let sql = "UPDATE users SET password_hash = ?2 WHERE name = ?1";
            Ok(connection.execute(sql, params![name, password_hash])? == 1)
        })
    }

    /// Removes an account and its sessions; false when there is no such person.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn remove_user(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.journal.change(Durability::Synced, move |connection| {
            connection.execute("DELETE FROM sessions WHERE user = ?1", params![name])?;
            Ok(connection.execute("DELETE FROM users WHERE name = ?1", params![name])? == 1)
        })
    }

    /// Begins a session under the SHA-256 (hexadecimal) of its cookie. Sessions that have ended go at the
    /// same time.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn open_session(&self, cookie_hash: &str, user: &str, expires_ms: i64) -> Result<(), StoreError> {
        let (hash, user, now) = (cookie_hash.to_owned(), user.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            connection.execute("DELETE FROM sessions WHERE expires_ms <= ?1", params![now])?;
            connection.execute(
                "INSERT OR REPLACE INTO sessions (hash, user, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)",
                params![hash, user, now, expires_ms],
            )?;
            Ok(())
        })
    }

    /// The session of a cookie, while it holds and its person exists.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn session(&self, cookie_hash: &str) -> Result<Option<Session>, StoreError> {
        let now = self.clock.unix_ms();
        let sql = "SELECT s.user, u.role, s.expires_ms FROM sessions s JOIN users u ON u.name = s.user
                   WHERE s.hash = ?1 AND s.expires_ms > ?2";
        self.reader.look(|connection| {
            let session = connection
                .prepare_cached(sql)?
                .query_row(params![cookie_hash, now], |row| {
                    Ok(Session {
                        user: row.get(0)?,
                        role: row.get(1)?,
                        expires_ms: row.get(2)?,
                    })
                });
            Ok(session.optional()?)
        })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn close_session(&self, cookie_hash: &str) -> Result<(), StoreError> {
        let hash = cookie_hash.to_owned();
        self.journal.change(Durability::Synced, move |connection| {
            connection
                .execute("DELETE FROM sessions WHERE hash = ?1", params![hash])
                .map(|_gone| ())
        })
    }

    /// Makes a token; false when its id or hash exists already.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn create_token(&self, token: NewToken) -> Result<bool, StoreError> {
        let now = self.clock.unix_ms();
        self.journal.change(Durability::Synced, move |connection| {
            let added = connection.execute(
                "INSERT OR IGNORE INTO tokens (id, name, hash, scopes, created_ms, expires_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    token.id,
                    token.name,
                    token.hash,
                    token.scopes,
                    now,
                    token.expires_ms
                ],
            )?;
            Ok(added == 1)
        })
    }

    /// Every token ever made, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let sql = "SELECT id, name, scopes, created_ms, expires_ms, revoked_ms, last_used_ms
                   FROM tokens ORDER BY created_ms DESC, id";
        self.reader.look(|connection| {
            Ok(connection
                .prepare(sql)?
                .query_map([], token)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// The token with this SHA-256 (hexadecimal), while it holds. Its use is noted, to the minute.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        let now = self.clock.unix_ms();
        let sql = "SELECT id, name, scopes, created_ms, expires_ms, revoked_ms, last_used_ms FROM tokens
                   WHERE hash = ?1 AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?2)";
        let found = self.reader.look(|connection| {
            Ok(connection
                .prepare_cached(sql)?
                .query_row(params![hash, now], token)
                .optional()?)
        })?;
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
        self.journal.change_unwatched(move |connection| {
            connection
                .execute(
                    "UPDATE tokens SET last_used_ms = ?2 WHERE id = ?1",
                    params![id, now],
                )
                .map(|_changed| ())
        });
    }

    /// Revokes a token at once; false when there is no such token.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn revoke_token(&self, id: &str) -> Result<bool, StoreError> {
        let (id, now) = (id.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::Synced, move |connection| {
            let sql = "UPDATE tokens SET revoked_ms = ifnull(revoked_ms, ?2) WHERE id = ?1";
            Ok(connection.execute(sql, params![id, now])? == 1)
        })
    }
}

fn insert_user(connection: &Connection, user: &User) -> Result<bool, rusqlite::Error> {
    let added = connection.execute(
        "INSERT OR IGNORE INTO users (name, password_hash, role, created_ms) VALUES (?1, ?2, ?3, ?4)",
        params![user.name, user.password_hash, user.role, user.created_ms],
    )?;
    Ok(added == 1)
}

fn user(row: &Row<'_>) -> Result<User, rusqlite::Error> {
    Ok(User {
        name: row.get(0)?,
        password_hash: row.get(1)?,
        role: row.get(2)?,
        created_ms: row.get(3)?,
    })
}

fn token(row: &Row<'_>) -> Result<Token, rusqlite::Error> {
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        scopes: row.get(2)?,
        created_ms: row.get(3)?,
        expires_ms: row.get(4)?,
        revoked_ms: row.get(5)?,
        last_used_ms: row.get(6)?,
    })
}
