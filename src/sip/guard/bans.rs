//! Who is shut out. A table of its own: no flood of other addresses can push a ban out of it.

use super::source::Source;
use crate::model::Number;
use std::collections::HashMap;
use std::time::Instant;

/// Bans at once. Each costs its owner ten answered challenges from an address of its own. Full: a new one takes the
/// place of the one that ends first.
const MOST: usize = 4096;

/// An address that is shut out for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Whose packets are dropped.
    pub source: Source,
    /// Since when.
    pub since: Instant,
    /// Until when.
    pub until: Instant,
    /// Whose password was tried last.
    pub user: Number,
    /// Packets dropped so far.
    pub dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Bans {
    bans: HashMap<Source, (u64, Ban)>,
}

impl Bans {
    /// Whether this source is shut out; counts the packet if it is.
    pub(super) fn stops(&mut self, at: u64, source: Source) -> bool {
        if self.bans.is_empty() {
            return false;
        }
        match self.bans.get_mut(&source) {
            None => false,
            Some((until, _)) if *until <= at => {
                self.bans.remove(&source);
                false
            }
            Some((_, ban)) => {
                ban.dropped += 1;
                true
            }
        }
    }

    pub(super) fn add(&mut self, at: u64, until: u64, ban: Ban) {
        if self.bans.len() >= MOST {
            self.bans.retain(|_, (until, _)| *until > at);
        }
        if self.bans.len() >= MOST {
            let first = self.bans.iter().min_by_key(|(_, (until, _))| *until);
            let first = first.map(|(source, _)| *source);
            first.and_then(|source| self.bans.remove(&source));
        }
        self.bans.insert(ban.source, (until, ban));
    }

    pub(super) fn lift(&mut self, at: u64, source: Source) -> bool {
        self.bans.remove(&source).is_some_and(|(until, _)| until > at)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Ban> {
        self.bans.values().map(|(_, ban)| ban)
    }
}
