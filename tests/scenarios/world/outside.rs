//! The outside obeys: media orders to the studio, entries to the journal, notices to the log.

use super::promises::check_record;
use super::studio::Report;
use super::{Happening, Watched, World, ladder};
use callpost::engine::{Input, Notice, Output};
use callpost::media::MediaOrder;
use callpost::model::{CallKey, Cdr, Entry, LegId, LegKey, MessageState, NoteKind, TapeDone, TapeMessage};
use callpost::sip::Query;
use std::collections::BTreeMap;
use std::time::Duration;

impl World {
    pub(super) fn obey(&mut self, output: Output) {
        match output {
            Output::Send { flow, bytes } => self.box_sends(flow, &bytes),
            Output::Close(connection) => self.write(|| format!("connection {connection} is closed")),
            Output::Media(order) => self.order(&order),
            Output::Tape(TapeMessage::Refuse { id, reason }) => {
                self.write(|| format!("no recording: {reason}"));
                let result = Err(reason);
                self.plan(
                    Duration::ZERO,
                    Happening::Report(Report::Tape(TapeDone { id, result })),
                );
            }
            Output::Tape(message) => self.studio.tape(self.now, message),
            Output::Journal(entry) => self.keep(entry),
            // In a story no connection is too silent.
            Output::Keep { .. } => {}
            Output::Dialog { call, leg, call_id } => drop(self.dialogs.insert(call_id, (call, leg))),
            Output::Resolve(query) => self.look_up(query),
            Output::Notice(notice) => self.notice(notice),
        }
    }

    /// DNS: the names a story knows, and silence for every other.
    pub(super) fn look_up(&mut self, query: Query) {
        if let Some((result, ttl)) = self.names.get(&query.host).cloned() {
            self.plan(
                Duration::from_millis(20),
                Happening::Resolved(query.token, result, ttl),
            );
        }
    }

    pub(super) fn order(&mut self, order: &MediaOrder) {
        if !self.ladder.quiet
            && let Some(line) = ladder::order(order, |leg| self.leg_name(leg))
        {
            self.write(|| format!("media: {line}"));
        }
        if let MediaOrder::Bridge { a, .. } = order {
            self.note_losers(*a);
        }
        if let MediaOrder::Play { leg, .. } = order
            && leg.leg != LegId::CALLER
        {
            // Whoever has just answered hears the announcement first.
            self.winners.extend(self.hearing.clone());
        }
        for (after, report) in self.studio.obey(self.now, order) {
            self.plan(after, Happening::Report(report));
        }
    }

    pub(super) fn keep(&mut self, entry: Entry) {
        match &entry {
            Entry::CallOpened { call, cdr } => self.call_opened(*call, cdr),
            Entry::CallNoted(note) => {
                if note.kind == NoteKind::Dialed
                    && let Some(leg) = note.leg
                    && let Some(key) = self.by_id.get(&note.call_id)
                    && let Some(watched) = self.calls.get_mut(key)
                {
                    watched.agents.insert(leg, note.detail.clone());
                }
            }
            Entry::CallClosed(cdr) => self.call_closed(cdr),
            Entry::Bound(binding) => {
                let extension = binding.extension.clone();
                self.write(|| format!("journal: {extension} bound"));
            }
            Entry::Refreshed(bindings) => {
                let extensions: Vec<String> = bindings
                    .iter()
                    .map(|binding| binding.extension.to_string())
                    .collect();
                self.write(|| format!("journal: {} still there", extensions.join(" ")));
            }
            Entry::MessageLeft { message, .. } => {
                let seconds = message.duration_ms as f64 / 1000.0;
                let line = match message.state {
                    MessageState::Deleted => format!("journal: {seconds:.1} s said for nothing"),
                    MessageState::New | MessageState::Saved => {
                        let urgent = if message.urgent { "an urgent" } else { "a" };
                        format!(
                            "journal: {urgent} message of {seconds:.1} s for {}",
                            message.mailbox
                        )
                    }
                };
                self.write(|| line);
            }
            Entry::MessageHeard { by, .. } => {
                let line = format!("journal: {} hears a message", by.as_str());
                self.write(|| line);
            }
            Entry::MessageMarked { state, .. } => {
                let line = format!("journal: a message is {state}");
                self.write(|| line);
            }
            Entry::GreetingSet { mailbox, greeting } => {
                let what = if greeting.is_some() { "a new" } else { "no" };
                let line = format!("journal: {mailbox} has {what} greeting of its own");
                self.write(|| line);
            }
            Entry::Unbound { extension, .. } => {
                let extension = extension.clone();
                self.write(|| format!("journal: {extension} unbound"));
            }
            Entry::RecordingOpened(_) => {}
        }
        if !self.ladder.quiet {
            self.entries.push(entry);
        }
    }

    pub(super) fn call_opened(&mut self, call: CallKey, cdr: &Cdr) {
        let call_id = self.hearing.clone().expect("a call was opened without an INVITE");
        let caller_phone = *self.owners.get(&call_id).expect("a call from nobody");
        let watched = Watched {
            id: cdr.call_id,
            caller: self.phones[caller_phone].name.clone(),
            caller_phone,
            invited: self.now,
            journaled: false,
            agents: BTreeMap::new(),
            closed: 0,
        };
        let before = self.calls.insert(call, watched);
        assert!(before.is_none(), "a call was opened twice");
        self.by_call_id.insert(call_id, call);
        self.by_id.insert(cdr.call_id, call);
        self.write(|| "journal: call opened".to_owned());
        if let Some(after) = self.journal_takes {
            let on_disk = self.journal_writes;
            self.plan(after, Happening::Journaled(call, on_disk));
        }
    }

    pub(super) fn call_closed(&mut self, cdr: &Cdr) {
        let key = self.by_id.get(&cdr.call_id);
        match key.and_then(|key| self.calls.get_mut(key)) {
            Some(watched) => watched.closed += 1,
            None => assert!(cdr.cause.is_some(), "a record without a call: {cdr:?}"),
        }
        check_record(cdr);
        self.write(|| format!("journal: call closed, {}", cdr.status.as_str()));
        self.cdrs.push(cdr.clone());
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        match &notice {
            Notice::CallRefused { .. }
            | Notice::PortFailed { .. }
            | Notice::PhoneGone { .. }
            | Notice::PhoneChanged { .. }
            | Notice::AddressBanned { .. }
            | Notice::BanLifted { .. }
            | Notice::WeakerDigest { .. }
            | Notice::Stranger { .. }
            | Notice::TrunkChanged { outage: Some(_), .. } => self.write(|| format!("log: {notice}")),
            Notice::RecordingFailed { reason, .. } => {
                self.write(|| format!("log: recording failed: {reason}"))
            }
            Notice::JournalLate { .. } => self.write(|| "log: the journal is late".to_owned()),
            Notice::CallArrived { .. }
            | Notice::CallAnswered { .. }
            | Notice::CallTransferred { .. }
            | Notice::CallEnded { .. }
            | Notice::PhoneRegistered { .. }
            | Notice::Noise { .. }
            | Notice::TrunkRegistration { .. }
            | Notice::TrunkChanged { outage: None, .. } => {}
        }
        if !self.ladder.quiet {
            self.notices.push(notice);
        }
    }

    pub(super) fn tape_done(&mut self, done: TapeDone) {
        if let Err(reason) = &done.result {
            self.write(|| format!("recorder: {reason}"));
        }
        self.handle(Input::Tape(done));
    }

    pub(super) fn leg_name(&self, leg: LegKey) -> String {
        let Some(watched) = self.calls.get(&leg.call) else {
            return leg.to_string();
        };
        if leg.leg == LegId::CALLER {
            return watched.caller.clone();
        }
        watched
            .agents
            .get(&leg.leg)
            .cloned()
            .unwrap_or_else(|| leg.to_string())
    }
}
