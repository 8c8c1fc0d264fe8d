//! What `callpost user` and `callpost token` have in common: the people and tokens of a box whose daemon runs, through it,
//! or of one whose daemon does not, in its database.

use super::cdr::{House, Place};
use super::daemon;
use crate::app::{fill_random, monotonic, wall_unix_ms};
use crate::http::PeopleDesk;
use crate::model::Stamp;
use crate::store::{Accounts, Clock, StoreError};
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::sync::Arc;

/// The way to the people and tokens of a box.
pub(super) struct Register {
    house: House,
    token: Option<String>,
    /// When no daemon runs.
    alone: Option<Accounts>,
}

impl Register {
    /// Opens it. Without a daemon and without a database, one is made when `may_make` allows it.
    pub(super) fn open(place: &Place, token: Option<&str>, may_make: bool) -> anyhow::Result<Self> {
        let house = place.open()?;
        let token = token.map(str::to_owned);
        let database = house.data_dir.join("callpost.db");
        if !may_make && !database.exists() {
            bail!(
                "nothing has been kept in {} yet — is this the box's data directory?",
                house.data_dir.display()
            );
        }
        let clock = Clock {
            now: monotonic,
            unix_ms: Arc::new(wall_unix_ms),
        };
        let alone = match Accounts::alone(&house.data_dir, clock) {
            Ok(accounts) => Some(accounts),
            Err(StoreError::InUse { .. }) => None,
            Err(error) => {
                let dir = house.data_dir.display().to_string();
                return Err(error).with_context(|| format!("opening the database in {dir}"));
            }
        };
        Ok(Self { house, token, alone })
    }

    /// Does something, by the daemon when one runs: `request` is its method, address and body.
    pub(super) fn act(
        &self,
        request: (&str, &str, Option<Value>),
        what: &str,
        without: impl FnOnce(&PeopleDesk<'_>, &Site<'_>) -> anyhow::Result<Value>,
    ) -> anyhow::Result<Value> {
        let (method, path, body) = request;
        let Some(accounts) = &self.alone else {
            return daemon::ask(&self.house, self.token.as_deref(), method, path, body.as_ref());
        };
        let site = Site {
            house: &self.house,
            accounts,
        };
        let desk = PeopleDesk::new(accounts, &fill_random);
        let done = without(&desk, &site)?;
        if method != "GET" {
            desk.note_command(site.stamp(wall_unix_ms()), &who(), what)?;
        }
        give_to_owner(&self.house.data_dir);
        Ok(done)
    }
}

/// The box whose daemon does not run.
pub(super) struct Site<'a> {
    house: &'a House,
    /// Its people and tokens.
    pub(super) accounts: &'a Accounts,
}

impl Site<'_> {
    /// A time in ms since 1970 by the site's clock.
    pub(super) fn stamp(&self, unix_ms: i64) -> Stamp {
        let zone = self.house.config.site.zone();
        let offset = |time| zone.to_offset(time).seconds();
        Stamp {
            unix_ms,
            offset_seconds: jiff::Timestamp::from_millisecond(unix_ms).map_or(0, offset),
        }
    }
}

/// Who is at the command line.
fn who() -> String {
    format!("uid {}", rustix::process::geteuid().as_raw())
}

/// What root has made in a directory of the daemon's user becomes that user's.
fn give_to_owner(data_dir: &Path) {
    let Ok(home) = std::fs::metadata(data_dir) else {
        return;
    };
    for name in [
        "callpost.db",
        "callpost.db-wal",
        "callpost.db-shm",
        "callpost.lock",
    ] {
        let path = data_dir.join(name);
        if std::fs::metadata(&path).is_ok_and(|facts| facts.uid() != home.uid())
            && let Err(error) = chown(&path, Some(home.uid()), Some(home.gid()))
        {
            tracing::warn!("{} stays another user's: {error}.", path.display());
        }
    }
}

/// One line from standard input, when a password is to be read from there.
pub(super) fn password_from(stdin: bool) -> anyhow::Result<Option<String>> {
    if !stdin {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .context("reading the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("standard input holds no password");
    }
    Ok(Some(password))
}
