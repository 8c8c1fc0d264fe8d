//! How many messages wait in which box, for the lamps of phones (RFC 3842) and for whoever looks.

use super::Engine;
use crate::model::{AgentId, Entry, GroupName, Mailbox, MailboxCount, RecordingId, TapeDone};
use crate::sip::Messages;
use std::collections::BTreeMap;
use std::time::Instant;

/// A shorter message is somebody who changed their mind.
const SHORTEST_MS: u64 = 1000;
/// Messages being taken at once whose box is remembered. Identities begin with the time, so the oldest goes first.
const MOST: usize = 4096;

/// The boxes, and messages on their way into one.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    counts: BTreeMap<Mailbox, Messages>,
    taking: BTreeMap<RecordingId, Mailbox>,
}

impl Mailboxes {
    /// Every box that has held a message.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Mailbox, Messages)> {
        self.counts.iter().map(|(mailbox, count)| (mailbox, *count))
    }

    /// A message for this box is being taken.
    pub(super) fn takes(&mut self, id: RecordingId, group: Option<&GroupName>) {
        let mailbox = group.map_or(Mailbox::House, |group| Mailbox::Group(group.clone()));
        self.taking.insert(id, mailbox);
        if self.taking.len() > MOST {
            self.taking.pop_first();
        }
    }

    /// The box of an agent together with those of the agent's groups.
    fn of_agent(&self, agent: &AgentId, groups: &[GroupName]) -> Option<Messages> {
        let own = std::iter::once(Mailbox::Agent(agent.clone()));
        let boxes = own.chain(groups.iter().cloned().map(Mailbox::Group));
        let counts: Vec<Messages> = boxes
            .filter_map(|mailbox| self.counts.get(&mailbox).copied())
            .collect();
        let sum = |of: fn(&Messages) -> u32| counts.iter().map(of).fold(0_u32, u32::saturating_add);
        (!counts.is_empty()).then(|| Messages {
            new: sum(|count| count.new),
            old: sum(|count| count.old),
        })
    }
}

impl Engine {
    /// Takes the counts of the last run.
    pub fn restore_mailboxes(&mut self, now: Instant, counts: Vec<MailboxCount>) {
        for MailboxCount { mailbox, new, old } in counts {
            self.mailboxes.counts.insert(mailbox, Messages { new, old });
        }
        self.light_all_message_lamps(now);
    }

    /// A recording is complete: if it is a message, there is one more.
    pub(super) fn message_taken(&mut self, now: Instant, done: &TapeDone) {
        let Some(mailbox) = self.mailboxes.taking.remove(&done.id) else {
            return;
        };
        let Ok(facts) = &done.result else { return };
        if facts.duration_ms.is_some_and(|length| length < SHORTEST_MS) {
            return;
        }
        let mut count = self.count_of(&mailbox);
        count.new = count.new.saturating_add(1);
        self.set_count(now, mailbox, count);
    }

    /// Everything in this box has been listened to.
    pub(super) fn mailbox_heard(&mut self, now: Instant, mailbox: Mailbox) {
        let Messages { new, old } = self.count_of(&mailbox);
        let old = old.saturating_add(new);
        if new > 0 {
            self.set_count(now, mailbox, Messages { new: 0, old });
        }
    }

    fn count_of(&self, mailbox: &Mailbox) -> Messages {
        self.mailboxes.counts.get(mailbox).copied().unwrap_or_default()
    }

    fn set_count(&mut self, now: Instant, mailbox: Mailbox, count: Messages) {
        self.mailboxes.counts.insert(mailbox.clone(), count);
        let Messages { new, old } = count;
        self.journal(Entry::MailboxCounted(MailboxCount { mailbox, new, old }));
        self.light_all_message_lamps(now);
    }

    /// Who has gone or come may share a box; only what is news is sent.
    pub(super) fn light_all_message_lamps(&mut self, now: Instant) {
        if self.mailboxes.counts.is_empty() {
            return;
        }
        let told: Vec<_> = self
            .roster
            .agents()
            .filter_map(|agent| {
                let count = self.mailboxes.of_agent(&agent.id, &agent.groups)?;
                Some((self.extension_of(&agent.id)?, count))
            })
            .collect();
        for (extension, count) in told {
            self.sip.set_messages(now, &extension, count);
        }
    }
}
