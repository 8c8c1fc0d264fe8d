//! Who guesses at whose password, and where a user is at home. One entry an account; names nobody has cost nothing.

use super::Proof;
use super::bucket::{Bucket, Rate};
use super::source::Source;
use super::sources::WINDOW;
use crate::model::Number;
use crate::sip::digest::Algorithm;
use std::collections::HashMap;

/// Wrong passwords of one user that are looked at, from wherever they come.
const TRIES: Rate = Rate::per_hour(100, 100);
/// Calls one phone may begin at once, before its rate counts.
const CALLS_AT_ONCE: u64 = 20;
/// Addresses a user is remembered at. Full: the oldest is forgotten.
const HOMES: usize = 4;
/// How long the stronger digest binds a user after it was last proven, in microseconds.
const BINDS: u64 = 24 * 3600 * 1_000_000;

#[derive(Debug, Default)]
struct User {
    tries: Bucket,
    calls: Bucket,
    homes: [Option<Home>; HOMES],
    next_home: usize,
    last_wrong: Option<(Source, u64)>,
    /// When SHA-256 was proven last.
    strong_at: Option<u64>,
}

/// An address a right password came from.
#[derive(Debug, Clone, Copy)]
struct Home {
    source: Source,
    /// Whether it came with MD5 before the user had ever shown to know better.
    knows_md5_alone: bool,
}

impl User {
    fn home(&mut self, source: Source) -> Option<&mut Home> {
        let mut homes = self.homes.iter_mut().flatten();
        homes.find(|home| home.source == source)
    }

    fn settle(&mut self, source: Source) -> &mut Home {
        let old = self
            .homes
            .iter()
            .position(|home| home.is_some_and(|home| home.source == source));
        let place = old.unwrap_or_else(|| {
            self.next_home = (self.next_home + 1) % HOMES;
            self.next_home
        });
        let fresh = Home {
            source,
            knows_md5_alone: false,
        };
        let home = self.homes[place].get_or_insert(fresh);
        if home.source != source {
            *home = fresh;
        }
        home
    }
}

#[derive(Debug)]
pub(super) struct Users {
    users: HashMap<Number, User>,
    /// Stands in for names nobody has, so that they cost the same time.
    nobody: User,
}

impl Users {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a Number>) -> Self {
        let users = names.map(|name| (name.clone(), User::default())).collect();
        Self {
            users,
            nobody: User::default(),
        }
    }

    /// The user of this name, and whether there is one.
    fn named(&mut self, name: &Number) -> (&mut User, bool) {
        match self.users.get_mut(name) {
            Some(user) => (user, true),
            None => (&mut self.nobody, false),
        }
    }

    pub(super) fn keep<'a>(&mut self, names: impl Iterator<Item = &'a Number>) {
        let mut old = std::mem::take(&mut self.users);
        self.users = names
            .map(|name| (name.clone(), old.remove(name).unwrap_or_default()))
            .collect();
    }

    /// Whether the user is at home there and nobody has just been wrong about the password from there.
    pub(super) fn lives_at(&mut self, name: &Number, at: u64, source: Source) -> bool {
        let (user, is_known) = self.named(name);
        let slipped = user
            .last_wrong
            .is_some_and(|(from, when)| from == source && at.saturating_sub(when) <= WINDOW);
        !slipped && user.home(source).is_some() && is_known
    }

    /// Whether one more password may be tried from there. A user's own addresses are always listened to.
    pub(super) fn may_try(&mut self, name: &Number, at: u64, source: Source) -> bool {
        let (user, is_known) = self.named(name);
        let may = user.tries.has(at, TRIES) || user.home(source).is_some();
        may || !is_known
    }

    pub(super) fn tried(&mut self, name: &Number, at: u64, source: Source) {
        let (user, _) = self.named(name);
        user.tries.take(at, TRIES);
        user.last_wrong = Some((source, at));
    }

    /// A user who has shown to know SHA-256 is not let in by MD5, unless it is the old phone that was there before.
    pub(super) fn proven(&mut self, name: &Number, at: u64, source: Source, algorithm: Algorithm) -> Proof {
        let Some(user) = self.users.get_mut(name) else {
            return Proof::Accepted;
        };
        match algorithm {
            Algorithm::Sha256 => {
                user.strong_at = Some(at);
                user.settle(source);
                Proof::Accepted
            }
            Algorithm::Md5 => {
                let bound = user
                    .strong_at
                    .is_some_and(|proven| at.saturating_sub(proven) < BINDS);
                let is_old_phone = user.home(source).is_some_and(|home| home.knows_md5_alone);
                if bound && !is_old_phone {
                    return Proof::Weaker;
                }
                user.settle(source).knows_md5_alone = true;
                Proof::Accepted
            }
        }
    }

    pub(super) fn found_at(&mut self, name: &Number, source: Source) {
        if let Some(user) = self.users.get_mut(name) {
            user.settle(source);
        }
    }

    pub(super) fn may_call(&mut self, name: &Number, at: u64, calls_a_minute: u32) -> bool {
        let rate = Rate::per_minute(calls_a_minute, CALLS_AT_ONCE);
        self.users
            .get_mut(name)
            .is_none_or(|user| user.calls.take(at, rate))
    }
}
