use super::reader::{Element, Reader};
use super::secret::SecretPlaces;
use super::section::Section;
use super::source::Source;
use super::{Agent, Config, Group, Mailbox, Mistake, NumberRule, Pbx, Place, Route, Site, Trunk, Voicemail};
use crate::agents::Overflow;
use crate::ivr::{Flow, nearest};
use crate::mailroom::{MailConfig, TranscriptionConfig};
use crate::model::StepName;
use crate::prompts::Shelf;
use crate::{egress, http, keeping, media, recording, routing, sip, store, trace, upstream};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Sections that stand once.
const TABLES: [&str; 14] = [
    "site",
    "sip",
    "guard",
    "media",
    "dialing",
    "http",
    "recording",
    "retention",
    "trace",
    "cdr",
    "egress",
    "voicemail",
    "mail",
    "transcription",
];
/// Sections that may stand often, each with the key that names one of them.
pub(super) const LISTS: [(&str, &str); 9] = [
    ("trunk", "name"),
    ("agent", "id"),
    ("group", "name"),
    ("number", "match"),
    ("upstream", "name"),
    ("pbx", "name"),
    ("route", "name"),
    ("storage", "name"),
    ("mailbox", "name"),
];

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

/// A flow that was read, with the places of its steps and keys.
#[derive(Debug)]
pub(super) struct FlowDraft {
    pub(super) flow: Flow,
    pub(super) head: Section<()>,
    pub(super) places: BTreeMap<StepName, (Place, HashMap<String, Place>)>,
    /// Whether every step of it could be read.
    pub(super) whole: bool,
    /// Whether it is one of the box itself, which nobody can edit.
    pub(super) shipped: bool,
}

/// Every section as it was read, before it is known to fit the others.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) site: Section<Site>,
    pub(super) sip: Section<sip::Config>,
    pub(super) guard: Section<sip::guard::Config>,
    pub(super) media: Section<media::Config>,
    pub(super) dialing: Section<routing::Dialing>,
    pub(super) http: Section<http::Config>,
    pub(super) recording: Section<recording::Config>,
    pub(super) retention: Section<keeping::Config>,
    pub(super) trace: Section<trace::Config>,
    pub(super) cdr: Section<store::Config>,
    pub(super) egress: Section<egress::Config>,
    pub(super) trunks: List<Trunk>,
    pub(super) agents: List<Agent>,
    pub(super) groups: List<Group>,
    pub(super) numbers: List<NumberRule>,
    pub(super) upstreams: List<upstream::Config>,
    pub(super) pbxs: List<Pbx>,
    pub(super) routes: List<Route>,
    pub(super) voicemail: Section<Voicemail>,
    pub(super) mail: Section<MailConfig>,
    pub(super) transcription: Section<TranscriptionConfig>,
    pub(super) mailboxes: List<Mailbox>,
    pub(super) storages: List<keeping::Storage>,
    pub(super) flows: Vec<FlowDraft>,
    pub(super) prompts: Shelf,
}

/// The elements of a list that could be read, and the names of all of them: a table with a mistake still exists.
#[derive(Debug)]
pub(super) struct List<T> {
    pub(super) read: Vec<Section<T>>,
    pub(super) names: Vec<String>,
}

impl Draft {
    /// Reads every section of the file.
    pub(super) fn read<'s>(
        source: &'s Source,
        root: &mut DeTable<'s>,
        secrets: &SecretPlaces,
        found: &mut Found,
    ) -> Self {
        let mut reader = Reader::new(source);
        // The sections that are no list and have a secret.
        for section in ["cdr", "recording", "mail", "transcription"] {
            if let Some(DeValue::Table(table)) = root.get_mut(section).map(Spanned::get_mut) {
                reader.mistakes.extend(secrets.bring_in(source, section, table));
            }
        }
        let draft = Self {
            site: reader.take_section(root, "site"),
            sip: reader.take_section(root, "sip"),
            guard: reader.take_section(root, "guard"),
            media: reader.take_section(root, "media"),
            dialing: reader.take_section(root, "dialing"),
            http: reader.take_section(root, "http"),
            recording: reader.take_section(root, "recording"),
            retention: reader.take_section(root, "retention"),
            trace: reader.take_section(root, "trace"),
            cdr: reader.take_section(root, "cdr"),
            egress: reader.take_section(root, "egress"),
            trunks: take_list(&mut reader, root, 0, source, secrets),
            agents: take_list(&mut reader, root, 1, source, secrets),
            groups: take_list(&mut reader, root, 2, source, secrets),
            numbers: take_list(&mut reader, root, 3, source, secrets),
            upstreams: take_list_with(&mut reader, root, 4, source, secrets, read_upstream),
            pbxs: take_list(&mut reader, root, 5, source, secrets),
            routes: take_list(&mut reader, root, 6, source, secrets),
            storages: take_list(&mut reader, root, 7, source, secrets),
            voicemail: reader.take_section(root, "voicemail"),
            mail: reader.take_section(root, "mail"),
            transcription: reader.take_section(root, "transcription"),
            mailboxes: take_list(&mut reader, root, 8, source, secrets),
            flows: Vec::new(),
            prompts: Shelf::shipped(),
        };
        for (name, value) in root.iter() {
            let known = TABLES.into_iter().chain(LISTS.map(|(name, _)| name));
            let cure = match nearest(name.get_ref(), known.clone()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("use one of: {}", known.collect::<Vec<_>>().join(", ")),
            };
            let from_variable = source.variable(&value.span()).is_some();
            let span = if from_variable { value.span() } else { name.span() };
            reader.tell(&span, name.get_ref(), "unknown section", &cure);
        }
        found.mistakes.append(&mut reader.mistakes);
        draft
    }

    /// Adds flows and prompts. Flows of the box itself stay only where the configuration names them.
    pub(super) fn add(&mut self, mut flows: Vec<FlowDraft>, shipped: bool, prompts: Shelf) {
        if shipped {
            flows.retain(|draft| self.names_flow(&draft.flow));
            flows.iter_mut().for_each(|draft| draft.shipped = true);
        }
        self.flows = flows;
        self.prompts = prompts;
    }

    /// The configuration, once nothing is wrong with it.
    pub(super) fn finish(self) -> Config {
        fn values<T>(list: List<T>) -> Vec<T> {
            list.read.into_iter().map(|section| section.value).collect()
        }
        let mut config = Config {
            site: self.site.value,
            sip: self.sip.value,
            guard: self.guard.value,
            media: self.media.value,
            dialing: self.dialing.value,
            http: self.http.value,
            recording: self.recording.value,
            retention: self.retention.value,
            trace: self.trace.value,
            cdr: self.cdr.value,
            egress: self.egress.value,
            trunks: values(self.trunks),
            agents: values(self.agents),
            groups: values(self.groups),
            numbers: values(self.numbers),
            upstreams: values(self.upstreams),
            pbxs: values(self.pbxs),
            routes: values(self.routes),
            voicemail: self.voicemail.value,
            mail: self.mail.value,
            transcription: self.transcription.value,
            mailboxes: values(self.mailboxes),
            storages: values(self.storages),
            flows: self
                .flows
                .into_iter()
                .map(|draft| (draft.flow.name.clone(), Arc::new(draft.flow)))
                .collect(),
            prompts: self.prompts,
        };
        config.add_parts_of_numbers();
        config
    }

    fn names_flow(&self, flow: &Flow) -> bool {
        let by_number = self
            .numbers
            .read
            .iter()
            .any(|rule| rule.value.flow.as_ref() == Some(&flow.name));
        let overflow = Overflow::Flow(flow.name.clone());
        by_number
            || self
                .groups
                .read
                .iter()
                .any(|group| *group.value.overflow() == overflow)
    }
}

fn take_list<'s, T: DeserializeOwned>(
    reader: &mut Reader<'s>,
    root: &mut DeTable<'s>,
    list: usize,
    source: &Source,
    secrets: &SecretPlaces,
) -> List<T> {
    take_list_with(reader, root, list, source, secrets, |reader, element| {
        reader.read_element(element)
    })
}

/// Which keys a destination has depends on its type, so that is looked at first.
fn read_upstream<'s>(reader: &mut Reader<'s>, element: Element<'s>) -> Section<Option<upstream::Config>> {
    let written = element.table.get("type").and_then(|kind| kind.get_ref().as_str());
    // One that is misspelt is read as the one that was probably meant, so that every other mistake is told too.
    let meant = written.and_then(|kind| nearest(kind, upstream::Kind::NAMES));
    let kind = written.into_iter().chain(meant).find_map(upstream::Kind::named);
    reader.read_element_with(element, |value| upstream::Config::read(kind, value))
}

fn take_list_with<'s, T>(
    reader: &mut Reader<'s>,
    root: &mut DeTable<'s>,
    list: usize,
    source: &Source,
    secrets: &SecretPlaces,
    read: impl Fn(&mut Reader<'s>, Element<'s>) -> Section<Option<T>>,
) -> List<T> {
    let Some((name, key)) = LISTS.get(list) else {
        return List {
            read: Vec::new(),
            names: Vec::new(),
        };
    };
    let mut taken = List {
        read: Vec::new(),
        names: Vec::new(),
    };
    for mut element in reader.take_list(root, name, key) {
        taken.names.extend(element.own_name.clone());
        let without = secrets.bring_in(source, &element.label, &mut element.table);
        let whole = without.is_empty();
        reader.mistakes.extend(without);
        let section = read(reader, element);
        let Section {
            value,
            label,
            place,
            keys,
            whole: read,
        } = section;
        taken.read.extend(value.map(|value| Section {
            value,
            label,
            place,
            keys,
            whole: read && whole,
        }));
    }
    taken
}
