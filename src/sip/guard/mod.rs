//! The guard (RFC 3261 §26): who is heard at all, whose password is looked at, who is shut out. It stands between the socket and
//! everything else, and costs a stranger's packet less than reading it would.
//!
//! All its tables have a size that no number of attackers changes: [`sources`] remembers what an address did lately,
//! [`users`] who guesses at whose password, [`bans`] who is shut out, [`offers`] which digests a phone stumbles over.
//! An address is only ever shut out for wrong answers to a challenge that was sent to it, so that nobody can have
//! another shut out by writing that one's address on a packet.

mod bans;
mod bucket;
mod config;
mod offers;
mod rules;
mod scanners;
mod source;
mod sources;
mod users;

pub use bans::Ban;
pub use config::Config;
pub use offers::{Asker, Offer};
pub use rules::Rules;
pub use source::Source;

use super::digest::Algorithm;
use crate::model::{Dice, Number};
use bans::Bans;
use bucket::{Bucket, Rate};
use offers::Offers;
use sources::Sources;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use users::Users;

/// Requests of an address nobody has vouched for: what many phones behind one router send after a power cut, and a
/// trickle afterwards.
const STRANGER: Rate = Rate::per_second(50, 1000);
/// Requests of an address that has shown to take part: a right password, or an answer to something we sent there.
const VOUCHED: Rate = Rate::per_second(500, 1000);
/// Answers that are longer than the request they answer, to an address that may be forged: a phone gets in by one of
/// them, a probe learns that the box lives, and nobody can drown another in them.
const LONG_ANSWERS: Rate = Rate::per_second(1, 30);
/// What a request that turned out to be welcome gets back: its own price and that of the one that was challenged.
const WELCOME: u64 = 2;
/// Lines about strangers in the log.
const LINES: Rate = Rate::per_second(10, 10);
/// How long an answer to us or a request inside a call vouches for its address.
const VOUCHES: Duration = Duration::from_secs(60);
/// How long a right password vouches for it: as long as registrations usually last.
const PROVES: Duration = Duration::from_secs(3600);

/// What becomes of a packet before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is read.
    Serve,
    /// Its address sends more than it may; it is dropped.
    TooMuch,
    /// Its address is shut out; it is dropped, and its connection closed.
    Banned,
}

/// What a right password is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is who it says it is.
    Accepted,
    /// It came with a weaker digest than this phone has shown to know.
    Weaker,
}

/// What was dropped, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Packets of addresses that sent too much, were shut out, or were scanners.
    pub packets: u64,
    /// Addresses shut out.
    pub bans: u64,
}

/// See the room's own words.
#[derive(Debug)]
pub struct Guard {
    rules: Rules,
    epoch: Instant,
    sources: Sources,
    users: Users,
    bans: Bans,
    offers: Offers,
    lines: Bucket,
    dropped: Dropped,
}

impl Guard {
    /// A guard who has seen nobody.
    pub fn new<'a>(
        now: Instant,
        rules: Rules,
        users: impl Iterator<Item = &'a Number>,
        dice: &mut Dice,
    ) -> Self {
        Self {
            rules,
            epoch: now,
            sources: Sources::new(),
            users: Users::of(users),
            bans: Bans::default(),
            offers: Offers::new(dice.number()),
            lines: Bucket::default(),
            dropped: Dropped::default(),
        }
    }

    /// Takes over new rules and users. What is known of addresses stays.
    pub fn reconfigure<'a>(&mut self, rules: Rules, users: impl Iterator<Item = &'a Number>) {
        self.rules = rules;
        self.users.keep(users);
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether a packet from this address is read. `trusted`: it is a trunk's, or of a trusted network.
    pub fn admit(&mut self, now: Instant, address: IpAddr, trusted: bool) -> Verdict {
        if trusted {
            return Verdict::Serve;
        }
        let (at, source) = (self.at(now), Source::of(address));
        if self.bans.stops(at, source) {
            self.dropped.packets += 1;
            return Verdict::Banned;
        }
        let Some(seen) = self.sources.find(source) else {
            return Verdict::Serve;
        };
        // Of an address that takes part the answers and the requests inside calls are read whatever else it sends.
        if seen.is_vouched(at) || seen.requests.has(at, STRANGER) {
            return Verdict::Serve;
        }
        self.dropped.packets += 1;
        Verdict::TooMuch
    }

    /// Takes the price of something that came unasked: a request outside of calls, a stray answer, noise. False: the
    /// address has no more to spend, and is not answered.
    pub fn charge(&mut self, now: Instant, address: IpAddr) -> bool {
        let at = self.at(now);
        let seen = self.sources.enter(Source::of(address));
        let rate = if seen.is_vouched(at) { VOUCHED } else { STRANGER };
        let paid = seen.requests.take(at, rate);
        if !paid {
            self.dropped.packets += 1;
        }
        paid
    }

    /// Whether this is the name of a program that looks for boxes to break into, and such are to be ignored.
    pub fn ignores(&mut self, agent: &str) -> bool {
        let ignored = self.rules.drop_scanners && scanners::is_scanner(agent);
        if ignored {
            self.dropped.packets += 1;
        }
        ignored
    }

    /// An answer to something we sent there came from this address, or a request inside a call of ours.
    pub fn vouch(&mut self, now: Instant, address: IpAddr) {
        let until = self.at(now).saturating_add(micros(VOUCHES));
        let seen = self.sources.enter(Source::of(address));
        seen.vouched_until = seen.vouched_until.max(until);
    }

    /// Whether this address has shown to take part, or to be who it says it is.
    pub fn is_vouched(&mut self, now: Instant, address: IpAddr) -> bool {
        let at = self.at(now);
        self.sources
            .find(Source::of(address))
            .is_some_and(|seen| seen.is_vouched(at))
    }

    /// Whether an answer longer than its request may be sent to this address.
    pub fn may_answer_at_length(&mut self, now: Instant, address: IpAddr) -> bool {
        let at = self.at(now);
        let seen = self.sources.enter(Source::of(address));
        seen.long_answers.take(at, LONG_ANSWERS)
    }

    /// Whether this user's password may be tried from this address now. `is_owner` tells whether the user is
    /// registered from this very address and port: whoever is at home is never locked out.
    pub fn evaluates(
        &mut self,
        now: Instant,
        address: IpAddr,
        user: &Number,
        trusted: bool,
        is_owner: impl FnOnce() -> bool,
    ) -> bool {
        let (at, source) = (self.at(now), Source::of(address));
        let too_many = !trusted
            && self
                .sources
                .find(source)
                .is_some_and(|seen| seen.has_guessed_enough(at));
        let welcome =
            (!too_many || self.users.lives_at(user, at, source)) && self.users.may_try(user, at, source);
        welcome || is_owner()
    }

    /// A password was wrong that was asked for at this address. The ban, when it was one too many.
    pub fn wrong(&mut self, now: Instant, address: IpAddr, user: &Number, trusted: bool) -> Option<Ban> {
        let (at, source) = (self.at(now), Source::of(address));
        self.users.tried(user, at, source);
        let seen = self.sources.enter(source);
        seen.guessed(at);
        if trusted || !seen.has_guessed_enough(at) || seen.is_good(at) {
            return None;
        }
        seen.forget_guesses();
        self.dropped.bans += 1;
        let ban = Ban {
            source,
            since: now,
            until: now + self.rules.ban,
            user: user.clone(),
            dropped: 0,
        };
        self.bans.add(at, self.at(ban.until), ban.clone());
        Some(ban)
    }

    /// A right password came from this address.
    pub fn proven(&mut self, now: Instant, address: IpAddr, user: &Number, algorithm: Algorithm) -> Proof {
        let (at, source) = (self.at(now), Source::of(address));
        match self.users.proven(user, at, source, algorithm) {
            Proof::Accepted => self.proven_at_best(now, address, user),
            Proof::Weaker => Proof::Weaker,
        }
    }

    /// A right password came from this address by the best digest the box takes.
    pub fn proven_at_best(&mut self, now: Instant, address: IpAddr, user: &Number) -> Proof {
        self.lives_at(now, user, address);
        let seen = self.sources.enter(Source::of(address));
        seen.requests.give_back(WELCOME, VOUCHED);
        Proof::Accepted
    }

    /// A user is at home at this address: proven now, or registered there before the box started.
    pub fn lives_at(&mut self, now: Instant, user: &Number, address: IpAddr) {
        let source = Source::of(address);
        let until = self.at(now).saturating_add(micros(PROVES));
        let seen = self.sources.enter(source);
        seen.good_until = seen.good_until.max(until);
        seen.vouched_until = seen.vouched_until.max(until);
        self.users.found_at(user, source);
    }

    /// Whether this user may begin one more call now.
    pub fn may_call(&mut self, now: Instant, user: &Number) -> bool {
        let at = self.at(now);
        self.users.may_call(user, at, self.rules.calls_a_minute)
    }

    /// What phones learn to be asked by; see [`offers`].
    pub fn offers(&mut self, now: Instant) -> (&mut Offers, u64) {
        let at = self.at(now);
        (&mut self.offers, at)
    }

    /// Whether one more line about strangers may be written now.
    pub fn may_tell(&mut self, now: Instant) -> bool {
        let at = self.at(now);
        self.lines.take(at, LINES)
    }

    /// Who is shut out now, the latest first.
    pub fn bans(&self, now: Instant) -> Vec<&Ban> {
        let mut bans: Vec<&Ban> = self.bans.all().filter(|ban| ban.until > now).collect();
        bans.sort_by_key(|ban| (std::cmp::Reverse(ban.since), ban.source));
        bans
    }

    /// Lets an address in again; false when it was not shut out.
    pub fn lift(&mut self, now: Instant, source: Source) -> bool {
        let at = self.at(now);
        if let Some(seen) = self.sources.find(source) {
            seen.forget_guesses();
        }
        self.bans.lift(at, source)
    }

    /// What was dropped.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Microseconds since the guard began.
    fn at(&self, now: Instant) -> u64 {
        micros(now.saturating_duration_since(self.epoch))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod stories;
