//! Who subscribed to what, and what is to be told when: RFC 6665 §4.2.

use super::{Line, Messages, Package};
use crate::model::Number;
use crate::sip::dialog::Dialog;
use crate::sip::{Flow, Message};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// One subscription among all of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::sip) struct SubscriptionId(u64);

/// The most subscriptions of one phone: a console of a hundred lamps, and some.
pub(super) const MOST_OF_ONE: usize = 128;
/// The most in all. Reached: 503, the phone asks again later.
pub(super) const MOST: usize = 4096;
/// Between two NOTIFYs of one subscription, unless the phone asked (RFC 3842 §3.9, RFC 4235 §3.10, RFC 3680 §4.8).
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// All subscriptions, and what they are told of.
#[derive(Debug, Default)]
pub(in crate::sip) struct Notifier {
    subscriptions: HashMap<SubscriptionId, Subscription>,
    by_tag: HashMap<Box<str>, SubscriptionId>,
    /// Who watches what.
    watchers: BTreeSet<(Package, Number, SubscriptionId)>,
    /// How many each phone has.
    held: HashMap<Number, usize>,
    /// Which subscription wants to be looked at when; one entry each at most.
    wakes: BTreeSet<(Instant, SubscriptionId)>,
    /// Which may have a NOTIFY to send.
    ready: VecDeque<SubscriptionId>,
    messages: HashMap<Number, Messages>,
    lines: HashMap<Number, Vec<Line>>,
    is_closing: bool,
    last: u64,
}

#[derive(Debug)]
struct Subscription {
    /// Who subscribed, as proven by digest.
    who: Number,
    package: Package,
    /// The extension it is about.
    watched: Number,
    /// `id` of its Event header.
    event_id: Option<String>,
    dialog: Dialog,
    expires_at: Instant,
    version: u32,
    /// Why it ends, once it does: it ends with its next NOTIFY.
    ending: Option<&'static str>,
    /// A NOTIFY waits for its response.
    is_under_way: bool,
    /// There is something to tell …
    is_due: bool,
    /// … and not before then.
    not_before: Instant,
    /// Its connection is gone and the phone has not come back on another.
    is_cut_off: bool,
    wake: Option<Instant>,
}

/// What a SUBSCRIBE asks for, as far as it has been granted.
pub(in crate::sip) struct Wanted {
    /// Who asks, as proven by digest.
    pub(in crate::sip) who: Number,
    /// What for.
    pub(in crate::sip) package: Package,
    /// `id` of its Event header.
    pub(in crate::sip) event_id: Option<String>,
    /// About which extension.
    pub(in crate::sip) watched: Number,
    /// For how long; nothing is a look (RFC 6665 §4.4.3).
    pub(in crate::sip) lasts: Duration,
}

/// Why there is no room for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sip) enum Refused {
    /// This phone has enough of them.
    TooMany,
    /// The box has, or it is about to stop.
    NoRoom,
}

/// A NOTIFY that is to be sent now.
pub(in crate::sip) struct Notify {
    /// Of which subscription.
    pub(in crate::sip) id: SubscriptionId,
    /// Whose.
    pub(in crate::sip) who: Number,
    /// The dialog to send it in; its CSeq has been counted.
    pub(in crate::sip) dialog: Dialog,
    /// What about.
    pub(in crate::sip) package: Package,
    /// `id` of the Event header.
    pub(in crate::sip) event_id: Option<String>,
    /// Which extension.
    pub(in crate::sip) watched: Number,
    /// The version of the body, one more each time.
    pub(in crate::sip) version: u32,
    /// Seconds left, or why it ends with this.
    pub(in crate::sip) standing: Result<u64, &'static str>,
}

impl Notifier {
    /// A new subscription; its first NOTIFY is ready at once (§4.2.1.2).
    pub(in crate::sip) fn subscribe(
        &mut self,
        now: Instant,
        wanted: Wanted,
        dialog: Dialog,
    ) -> Result<SubscriptionId, Refused> {
        let held = self.held.get(&wanted.who).copied().unwrap_or_default();
        if self.is_closing || self.subscriptions.len() >= MOST {
            return Err(Refused::NoRoom);
        }
        if held >= MOST_OF_ONE {
            return Err(Refused::TooMany);
        }
        self.last += 1;
        let id = SubscriptionId(self.last);
        *self.held.entry(wanted.who.clone()).or_default() += 1;
        self.by_tag.insert(dialog.local_tag.as_str().into(), id);
        self.watchers.insert((wanted.package, wanted.watched.clone(), id));
        self.subscriptions.insert(
            id,
            Subscription {
                who: wanted.who,
                package: wanted.package,
                watched: wanted.watched,
                event_id: wanted.event_id,
                dialog,
                expires_at: now + wanted.lasts,
                version: 0,
                ending: wanted.lasts.is_zero().then_some("timeout"),
                is_under_way: false,
                is_due: true,
                not_before: now,
                is_cut_off: false,
                wake: None,
            },
        );
        self.look_at(now, id);
        Ok(id)
    }

    /// The subscription a request inside a dialog belongs to, with who holds it and what it is about.
    pub(in crate::sip) fn of(&self, request: &Message<'_>) -> Option<(SubscriptionId, &Number, Package)> {
        let tag = request.to().tag()?;
        let id = *self.by_tag.get(tag)?;
        let subscription = self.subscriptions.get(&id)?;
        subscription
            .dialog
            .is(request.call_id(), Some(tag), request.from().tag())
            .then_some((id, &subscription.who, subscription.package))
    }

    /// A SUBSCRIBE inside the dialog: refresh, or the end of it with no time (§4.2.1.1, §4.1.2.3). It is told where
    /// things stand at once. The phone may have moved meanwhile. `false` when the request came late (RFC 3261 §12.2.2).
    pub(in crate::sip) fn refresh(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        request: &Message<'_>,
        flow: Flow,
        lasts: Duration,
    ) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return false;
        };
        if subscription.dialog.hear(request).is_err() {
            return false;
        }
        subscription.dialog.retarget(request);
        subscription.dialog.flow = flow;
        subscription.is_cut_off = false;
        subscription.expires_at = now + lasts;
        if lasts.is_zero() {
            subscription.ending = Some("timeout");
        }
        subscription.is_due = true;
        subscription.not_before = now;
        self.look_at(now, id);
        true
    }

    /// Our side of a subscription's dialog: the Contact of the answers to it.
    pub(in crate::sip) fn contact(&self, id: SubscriptionId) -> Option<&str> {
        self.subscriptions
            .get(&id)
            .map(|subscription| subscription.dialog.contact.as_str())
    }

    /// How many messages wait for an extension; nothing when it has no box.
    pub(in crate::sip) fn messages(&self, extension: &Number) -> Option<Messages> {
        self.messages.get(extension).copied()
    }

    /// What an extension's calls are doing.
    pub(in crate::sip) fn lines(&self, extension: &Number) -> &[Line] {
        self.lines.get(extension).map(Vec::as_slice).unwrap_or_default()
    }

    /// The messages of an extension are these now. Whether that is news.
    pub(in crate::sip) fn set_messages(
        &mut self,
        now: Instant,
        extension: &Number,
        messages: Messages,
    ) -> bool {
        if self.messages.insert(extension.clone(), messages) == Some(messages) {
            return false;
        }
        self.changed(now, Package::MessageSummary, extension);
        true
    }

    /// The calls of an extension are these now.
    pub(in crate::sip) fn set_lines(&mut self, now: Instant, extension: &Number, lines: Vec<Line>) {
        if self.lines(extension) == lines {
            return;
        }
        if lines.is_empty() {
            self.lines.remove(extension);
        } else {
            self.lines.insert(extension.clone(), lines);
        }
        self.changed(now, Package::Dialog, extension);
    }

    /// Something about an extension is new: everybody who watches it is told.
    pub(in crate::sip) fn changed(&mut self, now: Instant, package: Package, extension: &Number) {
        for id in self.watching(package, extension) {
            self.make_due(now, id);
        }
    }

    fn make_due(&mut self, now: Instant, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.is_due = true;
        }
        self.look_at(now, id);
    }

    fn watching(&self, package: Package, extension: &Number) -> Vec<SubscriptionId> {
        let first = (package, extension.clone(), SubscriptionId(0));
        self.watchers
            .range(first..)
            .take_while(|(of, about, _)| *of == package && about == extension)
            .map(|(_, _, id)| *id)
            .collect()
    }

    /// Tells the phone at the end of this flow about its own messages, if it has subscribed to them; `false` when it
    /// has not.
    pub(in crate::sip) fn remind(&mut self, now: Instant, extension: &Number, flow: &Flow) -> bool {
        let own = self
            .watching(Package::MessageSummary, extension)
            .into_iter()
            .find(|id| {
                self.subscriptions.get(id).is_some_and(|subscription| {
                    subscription.who == *extension && subscription.dialog.flow.peer == flow.peer
                })
            });
        if let Some(id) = own {
            self.make_due(now, id);
        }
        own.is_some()
    }

    /// A connection is gone: nothing is sent to the phones behind it until they come back.
    pub(in crate::sip) fn flow_closed(&mut self, now: Instant, connection: u64) {
        let on_it: Vec<SubscriptionId> = self
            .subscriptions
            .iter()
            .filter(|(_, subscription)| subscription.dialog.flow.connection == Some(connection))
            .map(|(id, _)| *id)
            .collect();
        for id in on_it {
            if let Some(subscription) = self.subscriptions.get_mut(&id) {
                subscription.is_cut_off = true;
            }
            self.look_at(now, id);
        }
    }

    /// A phone registered over this flow: its subscriptions that lost their connection go on there, and are told.
    pub(in crate::sip) fn came_back(&mut self, now: Instant, who: &Number, flow: Flow) {
        if flow.connection.is_none() || !self.held.contains_key(who) {
            return;
        }
        let cut_off: Vec<SubscriptionId> = self
            .subscriptions
            .iter()
            .filter(|(_, own)| {
                own.is_cut_off && own.who == *who && own.dialog.flow.peer.ip() == flow.peer.ip()
            })
            .map(|(id, _)| *id)
            .collect();
        for id in cut_off {
            if let Some(subscription) = self.subscriptions.get_mut(&id) {
                subscription.is_cut_off = false;
                subscription.dialog.flow = flow;
            }
            self.make_due(now, id);
        }
    }

    /// A NOTIFY was answered, or not at all (408). Who knows nothing of it, or does not answer, is forgotten (§4.2.2).
    pub(in crate::sip) fn answered(&mut self, now: Instant, id: SubscriptionId, status: u16) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        // Failures that pass: what is to be told is told with the next change.
        let is_kept = matches!(status, 200..=299 | 491 | 500 | 503) || subscription.is_cut_off;
        if status < 200 {
            return;
        }
        if !is_kept {
            return self.forget(id);
        }
        subscription.is_under_way = false;
        // The connection broke under it: it is told when the phone comes back on another.
        subscription.is_due |= subscription.is_cut_off;
        self.look_at(now, id);
    }

    /// The next NOTIFY that can be sent.
    pub(in crate::sip) fn next_ready(&mut self, now: Instant) -> Option<Notify> {
        while let Some(id) = self.ready.pop_front() {
            let Some(subscription) = self.subscriptions.get_mut(&id) else {
                continue;
            };
            if !subscription.can_be_told(now) {
                continue;
            }
            subscription.is_due = false;
            subscription.is_under_way = true;
            subscription.not_before = now + AT_MOST_EVERY;
            let left = subscription.expires_at.saturating_duration_since(now);
            subscription.dialog.next_cseq();
            let notify = Notify {
                id,
                who: subscription.who.clone(),
                dialog: subscription.dialog.clone(),
                package: subscription.package,
                event_id: subscription.event_id.clone(),
                watched: subscription.watched.clone(),
                version: subscription.version,
                standing: subscription.ending.map_or(Ok(left.as_secs()), Err),
            };
            subscription.version = subscription.version.wrapping_add(1);
            if subscription.ending.is_some() {
                self.forget(id);
            } else {
                self.look_at(now, id);
            }
            return Some(notify);
        }
        None
    }

    /// When to call [`Notifier::wake`].
    pub(in crate::sip) fn next_deadline(&self) -> Option<Instant> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Time has passed: what has expired ends, what was held back is ready.
    pub(in crate::sip) fn wake(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.wakes.first()
            && at <= now
        {
            self.wakes.remove(&(at, id));
            let Some(subscription) = self.subscriptions.get_mut(&id) else {
                continue;
            };
            subscription.wake = None;
            if subscription.expires_at <= now {
                if subscription.is_cut_off || subscription.ending.is_some() {
                    self.forget(id);
                    continue;
                }
                subscription.ending = Some("timeout");
                subscription.is_due = true;
                subscription.not_before = now;
            }
            self.look_at(now, id);
        }
    }

    /// Extensions that are no more: nobody watches them, and they watch nobody.
    pub(in crate::sip) fn keep_only(&mut self, now: Instant, exists: impl Fn(&Number) -> bool) {
        let gone = self
            .subscriptions
            .iter()
            .filter(|(_, own)| !exists(&own.who) || !exists(&own.watched));
        let gone: Vec<SubscriptionId> = gone.map(|(id, _)| *id).collect();
        self.messages.retain(|extension, _| exists(extension));
        self.end(now, gone, "noresource");
    }

    /// The box is about to stop: phones are asked to come again in a moment (§4.1.3), new ones have to wait.
    pub(in crate::sip) fn close(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.is_closing, true) {
            let mut all: Vec<SubscriptionId> = self.subscriptions.keys().copied().collect();
            all.sort_unstable(); // A story with a seed tells the same again.
            self.end(now, all, "probation;retry-after=10");
        }
    }

    fn end(&mut self, now: Instant, which: Vec<SubscriptionId>, reason: &'static str) {
        for id in which {
            if let Some(subscription) = self.subscriptions.get_mut(&id) {
                subscription.ending = Some(reason);
                subscription.not_before = now;
            }
            self.make_due(now, id);
        }
    }

    /// How many there are.
    pub(in crate::sip) fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// Gives the room of a past rush back.
    pub(in crate::sip) fn shrink(&mut self) {
        const SMALL: usize = 64;
        self.subscriptions.shrink_to(SMALL);
        self.by_tag.shrink_to(SMALL);
        self.ready.shrink_to(SMALL);
    }

    /// Puts a subscription where it will be looked at next: among the ready, or asleep.
    fn look_at(&mut self, now: Instant, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        if subscription.can_be_told(now) {
            self.ready.push_back(id);
        }
        let held_back = subscription.is_due && !subscription.is_under_way && !subscription.is_cut_off;
        let expires = subscription.ending.is_none().then_some(subscription.expires_at);
        let next = [
            expires,
            (held_back && subscription.not_before > now).then_some(subscription.not_before),
        ];
        let next = next.into_iter().flatten().min();
        if subscription.wake == next {
            return;
        }
        if let Some(old) = std::mem::replace(&mut subscription.wake, next) {
            self.wakes.remove(&(old, id));
        }
        if let Some(at) = next {
            self.wakes.insert((at, id));
        }
    }

    fn forget(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.remove(&id) else {
            return;
        };
        self.by_tag.remove(subscription.dialog.local_tag.as_str());
        if let Some(at) = subscription.wake {
            self.wakes.remove(&(at, id));
        }
        self.watchers
            .remove(&(subscription.package, subscription.watched, id));
        if let Some(held) = self.held.get_mut(&subscription.who) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&subscription.who);
            }
        }
    }
}

impl Subscription {
    fn can_be_told(&self, now: Instant) -> bool {
        self.is_due && !self.is_under_way && !self.is_cut_off && self.not_before <= now
    }
}
