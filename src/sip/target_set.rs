//! Where the far side of a name is: RFC 3263 answers turned into an order of addresses to try.
//!
//! DNS is asked by the shell; here its answers are kept as long as they live, one address is drawn by priority and
//! weight (RFC 2782), one that fails is left alone for a while, and the last good answer outlives a DNS that fails.

use super::Transport;
use crate::model::Dice;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use thiserror::Error;

/// More targets than this are not kept of one answer.
const MOST_TARGETS: usize = 32;
/// An answer is kept at least so long, whatever its TTL says, and at most so long.
const TTL: std::ops::RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_secs(86_400);
/// After a question that failed or was never answered.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// An address that failed is left alone so long while there is another.
const PENALTY: Duration = Duration::from_secs(60);

/// A question to DNS (RFC 3263 §4): where are requests for this host sent?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    /// Comes back with the answer.
    pub token: u64,
    /// The host name; never an address.
    pub host: String,
    /// The port, when one is written: then only A and AAAA are asked for (§4.2).
    pub port: Option<u16>,
    /// The transport, when it is chosen already: then NAPTR is not asked for (§4.1).
    pub transport: Option<Transport>,
}

/// One address of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where.
    pub address: SocketAddr,
    /// Over what.
    pub transport: Transport,
    /// The lowest is tried first (RFC 2782); 0 when no SRV record says.
    pub priority: u16,
    /// The share among those of one priority; 0 when no SRV record says.
    pub weight: u16,
}

/// Why a name led nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// DNS says that there is no such name, or none for SIP.
    #[error("DNS knows no address for it")]
    NoSuchName,
    /// No DNS server gave an answer that could be used.
    #[error("DNS gives no answer")]
    NoAnswer,
}

/// The addresses of one host, and how they have been doing.
#[derive(Debug, Clone)]
pub struct TargetSet {
    known: Vec<Known>,
    /// Nothing when the host is an address.
    name: Option<Name>,
    current: Option<Target>,
}

#[derive(Debug, Clone)]
struct Known {
    target: Target,
    shunned_until: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Name {
    host: String,
    port: Option<u16>,
    transport: Option<Transport>,
    /// The question under way.
    asked: Option<u64>,
    /// When to ask; at once when nothing was ever asked.
    ask_at: Option<Instant>,
    trouble: Option<ResolveError>,
}

impl TargetSet {
    /// The set of a host as configured: an address is its own only target, a name is asked for.
    pub fn of(host: &str, port: Option<u16>, transport: Option<Transport>) -> Self {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(ip) = bare.parse::<IpAddr>() else {
            let name = Name {
                host: host.to_owned(),
                port,
                transport,
                asked: None,
                ask_at: None,
                trouble: None,
            };
            return Self {
                known: Vec::new(),
                name: Some(name),
                current: None,
            };
        };
        let transport = transport.unwrap_or(Transport::Udp);
        let target = Target {
            address: SocketAddr::new(ip, port.unwrap_or(transport.default_port())),
            transport,
            priority: 0,
            weight: 0,
        };
        Self {
            known: vec![Known {
                target,
                shunned_until: None,
            }],
            name: None,
            current: None,
        }
    }

    /// When [`TargetSet::question`] has one; `now` when nothing was asked yet, nothing for an address.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let name = self.name.as_ref()?;
        Some(name.ask_at.unwrap_or(now))
    }

    /// The question that is due, with this token.
    pub fn question(&mut self, now: Instant, token: u64) -> Option<Query> {
        let name = self.name.as_mut()?;
        if name.ask_at.is_some_and(|at| at > now) {
            return None;
        }
        name.asked = Some(token);
        name.ask_at = Some(now + ASK_AGAIN);
        Some(Query {
            token,
            host: name.host.clone(),
            port: name.port,
            transport: name.transport,
        })
    }

    /// Whether the question with this token is ours and waits for its answer.
    pub fn asked(&self, token: u64) -> bool {
        self.name.as_ref().is_some_and(|name| name.asked == Some(token))
    }

    /// Takes the answer. Addresses that `fit` does not like are left out; when nothing is left, or DNS failed, the last
    /// good answer stays.
    pub fn resolved(
        &mut self,
        now: Instant,
        result: Result<Vec<Target>, ResolveError>,
        ttl: Duration,
        fit: impl Fn(&Target) -> bool,
    ) {
        let Some(name) = &mut self.name else { return };
        name.asked = None;
        let result = result.and_then(|mut targets| {
            targets.retain(fit);
            targets.sort_by_key(|target| target.priority);
            targets.truncate(MOST_TARGETS);
            (!targets.is_empty())
                .then_some(targets)
                .ok_or(ResolveError::NoSuchName)
        });
        match result {
            Ok(targets) => {
                name.trouble = None;
                name.ask_at = Some(now + ttl.clamp(*TTL.start(), *TTL.end()));
                self.take(targets);
            }
            Err(error) => {
                name.trouble = Some(error);
                name.ask_at = Some(now + ASK_AGAIN);
            }
        }
    }

    /// A target that stays keeps what is held against it.
    fn take(&mut self, targets: Vec<Target>) {
        let old = std::mem::take(&mut self.known);
        self.known = targets
            .into_iter()
            .map(|target| Known {
                target,
                shunned_until: old
                    .iter()
                    .find(|known| is_same(&known.target, &target))
                    .and_then(|known| known.shunned_until),
            })
            .collect();
        let current = self.current.take();
        self.current = current.filter(|own| self.known.iter().any(|known| is_same(&known.target, own)));
    }

    /// What DNS said last, when that was no address.
    pub fn trouble(&self) -> Option<ResolveError> {
        self.name.as_ref()?.trouble
    }

    /// The target everything goes to until it fails or a better one is fit again: the REGISTER, the probes and the
    /// calls of a trunk meet the same machine, which is the one that knows us.
    pub fn current(&mut self, now: Instant, dice: &mut Dice) -> Option<Target> {
        let best = self.fit(now).map(|known| known.target.priority).min();
        let stays = self.current.filter(|own| {
            let is_fit = self.fit(now).any(|known| is_same(&known.target, own));
            is_fit && best == Some(own.priority)
        });
        self.current = stays
            .or_else(|| self.draw(now, &[], dice))
            .or_else(|| self.least_bad());
        self.current
    }

    /// The next target for a request that these did not serve (RFC 3263 §4.3).
    pub fn after(&mut self, now: Instant, tried: &[Target], dice: &mut Dice) -> Option<Target> {
        let next = self.draw(now, tried, dice);
        self.current = next.or(self.current);
        next
    }

    /// This target served a request: nothing is held against it any more.
    pub fn served(&mut self, target: &Target) {
        if let Some(known) = self.known.iter_mut().find(|known| is_same(&known.target, target)) {
            known.shunned_until = None;
        }
    }

    /// This target did not serve a request, and is left alone for a while.
    pub fn failed(&mut self, now: Instant, target: &Target) {
        if let Some(known) = self.known.iter_mut().find(|known| is_same(&known.target, target)) {
            known.shunned_until = Some(now + PENALTY);
        }
    }

    /// Whether there is any target, and each of them failed lately.
    pub fn is_exhausted(&self, now: Instant) -> bool {
        !self.known.is_empty() && self.fit(now).next().is_none()
    }

    /// Whether one of the targets has this address.
    pub fn contains(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.known
            .iter()
            .any(|known| known.target.address.ip().to_canonical() == source)
    }

    /// The target that is asked now, or would be first.
    pub fn now(&self) -> Option<Target> {
        self.current
            .or_else(|| self.known.first().map(|known| known.target))
    }

    /// Every target, the first to be tried first.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.known.iter().map(|known| &known.target)
    }

    fn fit(&self, now: Instant) -> impl Iterator<Item = &Known> {
        self.known
            .iter()
            .filter(move |known| known.shunned_until.is_none_or(|until| until <= now))
    }

    /// RFC 2782, "Weight": among those of the lowest priority each has a chance as large as its weight; those of
    /// weight 0 have a very small one.
    fn draw(&self, now: Instant, tried: &[Target], dice: &mut Dice) -> Option<Target> {
        let untried = |known: &&Known| !tried.iter().any(|own| is_same(own, &known.target));
        let priority = self
            .fit(now)
            .filter(untried)
            .map(|known| known.target.priority)
            .min()?;
        let mut equal: Vec<Target> = self
            .fit(now)
            .filter(untried)
            .map(|known| known.target)
            .filter(|target| target.priority == priority)
            .collect();
        if let [only] = equal.as_slice() {
            return Some(*only); // No dice where there is no choice.
        }
        if equal.iter().all(|target| target.weight == 0) {
            return equal.first().copied(); // The order of the answer, which DNS servers turn round by themselves.
        }
        equal.sort_by_key(|target| target.weight != 0);
        let sum: u64 = equal.iter().map(|target| u64::from(target.weight)).sum();
        let mut rolled = dice.roll(sum + 1);
        for target in &equal {
            let weight = u64::from(target.weight);
            if rolled <= weight {
                return Some(*target);
            }
            rolled -= weight;
        }
        equal.last().copied()
    }

    /// When all of them failed lately, the one whose failure is longest ago.
    fn least_bad(&self) -> Option<Target> {
        self.known
            .iter()
            .min_by_key(|known| (known.shunned_until, known.target.priority))
            .map(|known| known.target)
    }
}

fn is_same(a: &Target, b: &Target) -> bool {
    a.address == b.address && a.transport == b.transport
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const TTL_OF_TEST: Duration = Duration::from_secs(300);

    #[expect(clippy::disallowed_methods, reason = "a story needs some instant to begin at")]
    fn origin() -> Instant {
        Instant::now()
    }

    fn target(last: u8, priority: u16, weight: u16) -> Target {
        Target {
            address: SocketAddr::from(([192, 0, 2, last], 5060)),
            transport: Transport::Udp,
            priority,
            weight,
        }
    }

    fn resolved(now: Instant, targets: &[Target]) -> TargetSet {
        let mut set = TargetSet::of("sip.example.com", None, None);
        set.question(now, 1).unwrap();
        set.resolved(now, Ok(targets.to_vec()), TTL_OF_TEST, |_| true);
        set
    }

    #[test]
    fn an_address_is_its_own_target_and_is_never_asked_for() {
        let now = origin();
        let mut set = TargetSet::of("[2001:db8::1]", None, Some(Transport::Tls));
        let target = set.current(now, &mut Dice::from_number(1)).unwrap();
        assert_eq!(target.address.to_string(), "[2001:db8::1]:5061");
        assert_eq!((set.next_deadline(now), set.question(now, 1)), (None, None));
    }

    /// RFC 2782: the lowest priority alone, and there by weight.
    #[test]
    fn targets_are_drawn_by_priority_and_weight() {
        let now = origin();
        let set = resolved(
            now,
            &[
                target(1, 20, 0),
                target(2, 10, 60),
                target(3, 10, 20),
                target(4, 10, 0),
            ],
        );
        let mut dice = Dice::from_number(7);
        let mut drawn: BTreeMap<u8, u32> = BTreeMap::new();
        for _ in 0..8000 {
            let target = set.draw(now, &[], &mut dice).unwrap();
            let IpAddr::V4(ip) = target.address.ip() else {
                panic!()
            };
            *drawn.entry(ip.octets()[3]).or_default() += 1;
        }
        assert_eq!(drawn.get(&1), None, "{drawn:?}");
        assert!((5700..6300).contains(&drawn[&2]), "{drawn:?}");
        assert!((1800..2200).contains(&drawn[&3]), "{drawn:?}");
        assert!((1..300).contains(&drawn[&4]), "{drawn:?}");
    }

    /// RFC 3263 §4.3.
    #[test]
    fn each_target_is_tried_once_and_the_way_back_opens_after_the_penalty() {
        let now = origin();
        let mut dice = Dice::from_number(1);
        let mut set = resolved(now, &[target(2, 20, 0), target(1, 10, 0)]);
        let first = set.current(now, &mut dice).unwrap();
        assert_eq!(first, target(1, 10, 0));
        set.failed(now, &first);
        let second = set.after(now, &[first], &mut dice).unwrap();
        assert_eq!(
            (second, set.current(now, &mut dice)),
            (target(2, 20, 0), Some(second))
        );
        assert_eq!(set.after(now, &[first, second], &mut dice), None);
        set.failed(now, &second);
        assert!(set.is_exhausted(now));
        assert_eq!(
            set.current(now, &mut dice),
            Some(first),
            "somebody has to be asked"
        );
        assert_eq!(set.current(now + PENALTY, &mut dice), Some(first));
    }

    /// ROBUSTNESS 72: what DNS said last good is used on.
    #[test]
    fn the_last_good_answer_outlives_a_dns_that_fails() {
        let now = origin();
        let mut set = resolved(now, &[target(1, 0, 0)]);
        let later = now + TTL_OF_TEST;
        assert_eq!(set.question(later - Duration::from_secs(1), 2), None);
        assert!(set.question(later, 2).is_some());
        set.resolved(later, Err(ResolveError::NoAnswer), Duration::ZERO, |_| true);
        assert_eq!(set.trouble(), Some(ResolveError::NoAnswer));
        assert_eq!(
            set.current(later, &mut Dice::from_number(1)),
            Some(target(1, 0, 0))
        );
        assert!(
            set.question(later + ASK_AGAIN, 3).is_some(),
            "and it is asked again"
        );
        set.resolved(later + ASK_AGAIN, Ok(vec![target(2, 0, 0)]), TTL_OF_TEST, |_| {
            false
        });
        assert!(
            set.contains([192, 0, 2, 1].into()),
            "an answer that is unfit is none"
        );
    }

    #[test]
    fn an_answer_of_ten_thousand_records_keeps_a_few() {
        let now = origin();
        let many: Vec<Target> = (0..10_000).map(|place| target(1, place, 0)).collect();
        assert_eq!(resolved(now, &many).targets().count(), MOST_TARGETS);
    }
}
