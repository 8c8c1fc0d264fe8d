//! The registrar: RFC 3261 §10.3, with the device instances of RFC 5626 §4.1 and the path of RFC 3327 §5.3.
//!
//! Who registers has been proven by digest and is given as an extension; what is left is §10.3 from step 5 on.
//! Bindings are found by extension, by deadline and by connection, never by looking through all of them.

mod binding;
mod target;
mod wish;

#[cfg(test)]
mod stories;

pub use binding::{Binding, Unbound};

use super::flow::Flow;
use super::headers::Contacts;
use super::limits;
use super::message::Message;
use super::name::Name;
use super::text::text;
use crate::model::{self, Number};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wish::{Ask, Wish};

/// How long registrations last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationTimes {
    /// The shortest granted; shorter wishes earn 423 (§10.3 step 7).
    pub min: Duration,
    /// The longest granted; longer wishes get this.
    pub max: Duration,
    /// Granted when no wish is uttered.
    pub default: Duration,
}

impl Default for RegistrationTimes {
    fn default() -> Self {
        let [min, max] = [60, 3600].map(Duration::from_secs);
        Self {
            min,
            max,
            default: max,
        }
    }
}

/// All addresses of record with their bindings.
#[derive(Debug, Default)]
pub struct Registrar {
    times: RegistrationTimes,
    phones: BTreeMap<Number, Vec<Binding>>,
    /// When which binding ends; exactly one entry a binding.
    deadlines: BTreeMap<(Instant, u64), Number>,
    /// Which bindings hang on which connection.
    connections: BTreeSet<(u64, u64, Number)>,
    /// Where phones that registered by datagram are, and how many bindings each place has.
    peers: BTreeMap<SocketAddr, usize>,
    count: usize,
    last_id: u64,
}

/// What a REGISTER came to: the answer, and what changed.
#[derive(Debug)]
pub struct Registered<'r> {
    /// The status to answer with.
    pub status: u16,
    /// The same for people.
    pub reason: Cow<'static, str>,
    /// Headers of the answer: the contacts of the extension (§10.3 step 8), or the Min-Expires of a 423.
    pub headers: Vec<(Name<'static>, String)>,
    /// What the journal has to know, in order; nothing when the answer is a refusal.
    pub changes: Vec<Change<'r>>,
}

/// A change of one binding.
#[derive(Debug)]
pub enum Change<'r> {
    /// A contact is new, or something about it is.
    Bound(&'r Binding),
    /// A contact was confirmed; only its expiry and its CSeq moved.
    Refreshed {
        /// The contact.
        binding: &'r Binding,
        /// When it would have ended without that.
        before: Instant,
    },
    /// A contact is gone: removed, replaced by another contact of the same device, or expired.
    Unbound(Unbound),
}

/// Why a REGISTER changes nothing.
#[derive(Debug)]
struct Refusal {
    status: u16,
    reason: Cow<'static, str>,
    headers: Vec<(Name<'static>, String)>,
}

impl Refusal {
    fn new(status: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            reason: reason.into(),
            headers: Vec::new(),
        }
    }
}

/// A change whose binding is still to be looked up.
enum Step {
    Bound(u64),
    Refreshed(u64, Instant),
    Unbound(Unbound),
}

/// What a phone and the proxies before it hear besides the contacts: the path that was stored (RFC 3327 §5.3), and
/// whether its flow is the way to it and how often it has to be heard there (RFC 5626 §6 and §10), so that a router on
/// the way does not forget it: by an empty line on a stream, by STUN over UDP.
fn told_back(request: &Message<'_>, flow: &Flow) -> Vec<(Name<'static>, String)> {
    let path = request
        .lines(Name::Path)
        .map(|line| (Name::Path, text(line).into_owned()));
    let mut told: Vec<_> = path.collect();
    let is_outbound = match request.contacts() {
        Ok(Contacts::List(list)) => list
            .iter()
            .any(|contact| contact.instance().is_some() && contact.reg_id().is_some()),
        Ok(Contacts::All) | Err(_) => false,
    };
    if is_outbound && request.supports("outbound") {
        let seconds = if flow.transport.is_reliable() { 120 } else { 30 };
        told.push((Name::Require, "outbound".to_owned()));
        told.push((Name::FlowTimer, seconds.to_string()));
    }
    told
}

impl Registrar {
    /// A registrar without bindings.
    pub fn new(times: RegistrationTimes) -> Self {
        Self {
            times,
            ..Self::default()
        }
    }

    /// Carries out a REGISTER that was proven to come from `extension`, over `flow`. All of it happens, or nothing.
    pub fn register(
        &mut self,
        now: Instant,
        extension: &Number,
        request: &Message<'_>,
        flow: &Flow,
    ) -> Registered<'_> {
        let ask = match self.admit(now, extension, request, flow) {
            Ok(ask) => ask,
            Err(Refusal {
                status,
                reason,
                headers,
            }) => {
                return Registered {
                    status,
                    reason,
                    headers,
                    changes: Vec::new(),
                };
            }
        };
        let mut steps: Vec<Step> = self
            .expire_of(now, extension)
            .into_iter()
            .map(Step::Unbound)
            .collect();
        match ask {
            Ask::Look => {}
            Ask::RemoveAll => steps.extend(self.remove_all(extension)),
            Ask::Change(wishes) => {
                for wish in wishes {
                    self.carry_out(now, extension, wish, &mut steps);
                }
            }
        }
        let mut registered = self.tell(now, extension, steps);
        registered.headers.extend(told_back(request, flow));
        registered
    }

    /// Steps 6 and 7: everything that can be wrong, before anything is changed.
    fn admit<'a>(
        &self,
        now: Instant,
        extension: &Number,
        request: &'a Message<'a>,
        flow: &Flow,
    ) -> Result<Ask, Refusal> {
        let ask = Ask::read(request, flow, &self.times)?;
        let alive: Vec<&Binding> = self
            .bindings(extension)
            .filter(|binding| binding.expires_at > now)
            .collect();
        let overtaken = |binding: &&&Binding| binding.is_overtaken_by(request);
        let late = match &ask {
            Ask::Look => false,
            Ask::RemoveAll => alive.iter().any(|binding| overtaken(&binding)),
            Ask::Change(wishes) => {
                let meant = |binding: &&&Binding| wishes.iter().any(|wish| wish.is_about(binding));
                alive.iter().filter(meant).any(|binding| overtaken(&binding))
            }
        };
        if late {
            return Err(Refusal::new(500, "CSeq Out Of Order"));
        }
        match &ask {
            Ask::Change(wishes) if wish::contacts_after(&alive, wishes) > limits::CONTACTS => {
                Err(Refusal::new(403, "Too Many Contacts"))
            }
            Ask::Change(_) | Ask::Look | Ask::RemoveAll => Ok(ask),
        }
    }

    fn remove_all(&mut self, extension: &Number) -> Vec<Step> {
        self.forget(extension).into_iter().map(Step::Unbound).collect()
    }

    /// Step 7 for one contact.
    fn carry_out(&mut self, now: Instant, extension: &Number, wish: Wish, steps: &mut Vec<Step>) {
        let old = self
            .bindings(extension)
            .find(|binding| wish.is_about(binding))
            .map(|binding| binding.id);
        let old = old.and_then(|id| self.take(extension, id));
        if wish.seconds == 0 {
            steps.extend(old.map(|binding| Step::Unbound(binding.into())));
            return;
        }
        let id = match &old {
            Some(binding) => binding.id,
            None => self.fresh_id(),
        };
        let new = wish.binding(id, extension, now);
        match old {
            Some(old) if old.contact != new.contact => {
                steps.push(Step::Unbound(old.into()));
                steps.push(Step::Bound(id));
            }
            Some(old) if old.differs_only_in_time(&new) => steps.push(Step::Refreshed(id, old.expires_at)),
            Some(_) | None => steps.push(Step::Bound(id)),
        }
        self.put(new);
    }

    /// Step 8: the answer with all contacts there are.
    fn tell(&mut self, now: Instant, extension: &Number, steps: Vec<Step>) -> Registered<'_> {
        let all = self.phones.get(extension).map(Vec::as_slice).unwrap_or_default();
        let find = |id: u64| all.iter().find(|binding| binding.id == id);
        let changes = steps.into_iter().filter_map(|step| match step {
            Step::Bound(id) => find(id).map(Change::Bound),
            Step::Refreshed(id, before) => find(id).map(|binding| Change::Refreshed { binding, before }),
            Step::Unbound(gone) => Some(Change::Unbound(gone)),
        });
        let headers = all
            .iter()
            .map(|binding| (Name::Contact, binding.as_granted(now)))
            .collect();
        Registered {
            status: 200,
            reason: Cow::Borrowed("OK"),
            headers,
            changes: changes.collect(),
        }
    }

    /// The contacts of an extension, the most wanted first (`q`), and among equals the newest. A device with several
    /// flows is one contact: it would ring once for each of them otherwise (RFC 5626 §6).
    pub fn contacts(&self, now: Instant, extension: &Number) -> Vec<&Binding> {
        let mut alive: Vec<&Binding> = self
            .bindings(extension)
            .filter(|binding| binding.expires_at > now)
            .collect();
        alive.sort_by_key(|binding| std::cmp::Reverse((binding.q, binding.id)));
        let mut devices = BTreeSet::new();
        alive.retain(|binding| match (&binding.instance, binding.reg_id) {
            (Some(device), Some(_)) => devices.insert(device.clone()),
            (Some(_) | None, _) => true,
        });
        alive
    }

    /// One contact of an extension, by the URI it registered.
    pub fn find(&self, extension: &Number, contact: &str) -> Option<&Binding> {
        self.bindings(extension)
            .find(|binding| binding.contact == contact)
    }

    /// One contact of an extension, by its number.
    pub fn by_id(&self, extension: &Number, id: u64) -> Option<&Binding> {
        self.bindings(extension).find(|binding| binding.id == id)
    }

    /// Whether a phone is registered from this place by datagram.
    pub fn knows(&self, peer: SocketAddr) -> bool {
        self.peers.contains_key(&peer)
    }

    /// Every binding, by extension.
    pub fn all(&self) -> impl Iterator<Item = &Binding> {
        self.phones.values().flatten()
    }

    /// How many bindings there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// When the next registration ends.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first_key_value().map(|((at, _), _)| *at)
    }

    /// Removes the registrations that have ended.
    pub fn expire(&mut self, now: Instant) -> Vec<Unbound> {
        let mut gone = Vec::new();
        while let Some((&(at, id), extension)) = self.deadlines.first_key_value()
            && at <= now
        {
            let extension = extension.clone();
            self.deadlines.remove(&(at, id));
            gone.extend(self.take(&extension, id).map(Unbound::from));
        }
        gone
    }

    fn expire_of(&mut self, now: Instant, extension: &Number) -> Vec<Unbound> {
        let over = self
            .bindings(extension)
            .filter(|binding| binding.expires_at <= now);
        let ids: Vec<u64> = over.map(|binding| binding.id).collect();
        ids.into_iter()
            .filter_map(|id| self.take(extension, id))
            .map(Unbound::from)
            .collect()
    }

    /// Removes the registrations that came over a connection which is closed now: nothing can reach their phones
    /// (RFC 5626 §5.3).
    pub fn flow_closed(&mut self, connection: u64) -> Vec<Unbound> {
        let first = (connection, 0, Number::from(""));
        let hanging = self
            .connections
            .range(first..)
            .take_while(|(on, _, _)| *on == connection);
        let hanging: Vec<(u64, Number)> = hanging
            .map(|(_, id, extension)| (*id, extension.clone()))
            .collect();
        hanging
            .into_iter()
            .filter_map(|(id, extension)| self.take(&extension, id))
            .map(Unbound::from)
            .collect()
    }

    /// Removes every registration of an extension, because it has no account any more or another password.
    pub fn forget(&mut self, extension: &Number) -> Vec<Unbound> {
        let gone = self.phones.remove(extension).unwrap_or_default();
        for binding in &gone {
            self.unlink(binding);
        }
        gone.into_iter().map(Unbound::from).collect()
    }

    /// Takes in the bindings that the journal kept, at a time when the wall clock shows `unix_ms`. Returns those
    /// that have ended meanwhile or cannot be read.
    pub fn restore(&mut self, now: Instant, unix_ms: i64, kept: Vec<model::Binding>) -> Vec<Unbound> {
        let mut over = Vec::new();
        for kept in kept {
            let unbound = Unbound {
                extension: kept.extension.clone(),
                contact: kept.contact.clone(),
            };
            let id = self.fresh_id();
            match Binding::from_journal(id, kept, now, unix_ms, self.times.max) {
                Some(binding) => self.put(binding),
                None => over.push(unbound),
            }
        }
        over
    }

    fn bindings(&self, extension: &Number) -> impl Iterator<Item = &Binding> {
        self.phones.get(extension).into_iter().flatten()
    }

    fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn put(&mut self, binding: Binding) {
        self.deadlines
            .insert((binding.expires_at, binding.id), binding.extension.clone());
        if let Some(connection) = binding.flow.connection {
            self.connections
                .insert((connection, binding.id, binding.extension.clone()));
        }
        if binding.flow.connection.is_none() {
            *self.peers.entry(binding.flow.peer).or_default() += 1;
        }
        self.count += 1;
        self.phones
            .entry(binding.extension.clone())
            .or_default()
            .push(binding);
    }

    fn take(&mut self, extension: &Number, id: u64) -> Option<Binding> {
        let bindings = self.phones.get_mut(extension)?;
        let place = bindings.iter().position(|binding| binding.id == id)?;
        let binding = bindings.remove(place);
        if bindings.is_empty() {
            self.phones.remove(extension);
        }
        self.unlink(&binding);
        Some(binding)
    }

    fn unlink(&mut self, binding: &Binding) {
        self.count -= 1;
        if binding.flow.connection.is_none()
            && let Some(bindings) = self.peers.get_mut(&binding.flow.peer)
        {
            *bindings -= 1;
            if *bindings == 0 {
                self.peers.remove(&binding.flow.peer);
            }
        }
        self.deadlines.remove(&(binding.expires_at, binding.id));
        if let Some(connection) = binding.flow.connection {
            self.connections
                .remove(&(connection, binding.id, binding.extension.clone()));
        }
    }
}
