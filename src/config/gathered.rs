use super::{Agent, Group, Mailbox, NumberRule, Pbx, Route, Site, Trunk, Voicemail};
use crate::engine::BoxBook;
use crate::ivr::{Flow, Verb, aloud};
use crate::mailroom::{BoxOwner, MailConfig, TranscriptionConfig};
use crate::model::{FlowName, Language, Mailbox as BoxName, PromptName};
use crate::prompts::Shelf;
use crate::routing::{Decision, Dialing, Pattern, Plan, Rule};
use crate::{agents, egress, http, keeping, media, recording, sip, store, trace, upstream};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The whole configuration, read, checked and consistent: every name in it exists.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[site]`.
    pub site: Site,
    /// `[sip]`.
    pub sip: sip::Config,
    /// `[guard]`.
    pub guard: sip::guard::Config,
    /// `[media]`.
    pub media: media::Config,
    /// `[dialing]`.
    pub dialing: Dialing,
    /// `[http]`.
    pub http: http::Config,
    /// `[recording]`.
    pub recording: recording::Config,
    /// `[retention]`.
    pub retention: keeping::Config,
    /// `[trace]`.
    pub trace: trace::Config,
    /// `[cdr]`.
    pub cdr: store::Config,
    /// `[egress]`.
    pub egress: egress::Config,
    /// Every `[[trunk]]`.
    pub trunks: Vec<Trunk>,
    /// Every `[[agent]]`.
    pub agents: Vec<Agent>,
    /// Every `[[group]]`.
    pub groups: Vec<Group>,
    /// Every `[[number]]`.
    pub numbers: Vec<NumberRule>,
    /// Every `[[upstream]]`.
    pub upstreams: Vec<upstream::Config>,
    /// Every `[[pbx]]`.
    pub pbxs: Vec<Pbx>,
    /// Every `[[route]]`.
    pub routes: Vec<Route>,
    /// `[voicemail]`.
    pub voicemail: Voicemail,
    /// `[mail]`.
    pub mail: MailConfig,
    /// `[transcription]`.
    pub transcription: TranscriptionConfig,
    /// Every `[[mailbox]]`.
    pub mailboxes: Vec<Mailbox>,
    /// Every `[[storage]]`.
    pub storages: Vec<keeping::Storage>,
    /// The flows, by name.
    pub flows: BTreeMap<FlowName, Arc<Flow>>,
    /// The prompts there are.
    pub prompts: Shelf,
}

/// The flow of `[voicemail] listen_code`.
const OWN_MESSAGES: &str = "voicemail-own";
/// The flow of `[voicemail] ask_code`.
const ANY_MESSAGES: &str = "voicemail-any";

impl Config {
    /// The number plan: the `[[number]]` rules, the extensions of the agents who are enabled, and the ways outside.
    pub fn plan(&self) -> Plan {
        let extensions = self
            .agents
            .iter()
            .filter(|agent| agent.enabled)
            .filter_map(|agent| Some((agent.extension.clone()?, agent.id.clone())));
        let emergency = self.guard.emergency.clone();
        let rules = self.numbers.iter().map(NumberRule::as_rule);
        Plan::new(rules.chain(self.listening_rules()), extensions).with_routes(
            self.routes.iter().map(Route::as_way).collect(),
            self.dialing.clone(),
            emergency,
        )
    }

    /// The codes by which messages are heard; a `[[number]]` of the same code comes before them.
    fn listening_rules(&self) -> impl Iterator<Item = Rule> {
        let codes = [
            (&self.voicemail.listen_code, OWN_MESSAGES),
            (&self.voicemail.ask_code, ANY_MESSAGES),
        ];
        codes
            .into_iter()
            .filter(|(code, _)| !code.is_empty())
            .map(|(code, flow)| Rule {
                pattern: Pattern::Exactly(code.as_str().into()),
                then: Decision::Flow(flow.into()),
                record: None,
            })
    }

    /// The flows of the configuration, and those of the box itself that codes lead to.
    pub fn all_flows(&self) -> BTreeMap<FlowName, Arc<Flow>> {
        let mut flows = self.flows.clone();
        for (name, own) in [(OWN_MESSAGES, true), (ANY_MESSAGES, false)] {
            let name = FlowName::from(name);
            let flow = Arc::new(Flow::messages(&name, own));
            flows.entry(name).or_insert(flow);
        }
        flows
    }

    /// The rules of message boxes as the engine knows them.
    pub fn box_book(&self) -> BoxBook {
        let (mails, transcribes) = (self.mail.is_on(), self.transcription.is_on());
        let usual = self.voicemail.rules(transcribes);
        let of_agents = self.agents.iter().filter(|_| self.voicemail.agents);
        let unwritten = of_agents.map(|agent| (BoxName::Agent(agent.id.clone()), usual.clone()));
        let written = self
            .mailboxes
            .iter()
            .map(|own| (own.name.clone(), own.rules(&self.voicemail, mails, transcribes)));
        BoxBook {
            boxes: unwritten.chain(written).collect(),
            usual,
        }
    }

    /// Whom messages of a box are for.
    pub fn box_owner(&self, mailbox: &BoxName) -> BoxOwner {
        let own = self.mailboxes.iter().find(|own| own.name == *mailbox);
        let first = || {
            self.site
                .languages
                .first()
                .cloned()
                .unwrap_or_else(|| "en".into())
        };
        BoxOwner {
            email: own.map(|own| own.email.clone()).unwrap_or_default(),
            language: own.and_then(|own| own.language.clone()).unwrap_or_else(first),
            keep_days: own
                .and_then(|own| own.keep_days)
                .unwrap_or(self.voicemail.keep_days),
        }
    }

    /// The enabled agents as the agents' room knows them.
    pub fn roster(&self) -> Vec<agents::Agent> {
        let enabled = self.agents.iter().filter(|agent| agent.enabled);
        enabled
            .filter_map(|agent| {
                Some(agents::Agent {
                    id: agent.id.clone(),
                    name: agent.name_for_people().to_owned(),
                    reach: agent.reach()?,
                    groups: agent.groups.clone(),
                    dtmf: agent.dtmf,
                    nat: agent.nat,
                })
            })
            .collect()
    }

    /// The groups as the agents' room knows them.
    pub fn rung_groups(&self) -> Vec<agents::Group> {
        self.groups.iter().map(Group::as_rung).collect()
    }

    /// Whether any flow speaks a text, so that a speech synthesiser is needed.
    pub fn speaks_texts(&self) -> bool {
        self.flows
            .values()
            .any(|flow| flow.steps.values().any(|verb| matches!(verb, Verb::Say(_))))
            || self
                .site
                .languages
                .iter()
                .any(|language| self.prompts.spoken(language).next().is_some())
    }

    /// Puts the parts of numbers on the shelf, for flows that tell them and for who hears how many messages there are:
    /// where nobody has recorded one, it is spoken.
    pub(super) fn add_parts_of_numbers(&mut self) {
        let tells = |flow: &Arc<Flow>| flow.steps.values().any(|verb| matches!(verb, Verb::Tell(_)));
        let is_told = self.flows.values().any(tells);
        for language in &self.site.languages {
            for (name, text) in aloud::parts(language).unwrap_or_default() {
                if is_told {
                    self.prompts.add_spoken(language, &name, &text);
                } else {
                    self.prompts.add_spoken_when_heard(language, &name, &text);
                }
            }
        }
    }

    /// How long recordings stay on this box.
    pub fn retention_rules(&self) -> keeping::Rules {
        keeping::Rules {
            conversation_days: self.recording.retention_days,
            voicemail_days: self.retention.voicemail_days,
            personal_days: self.retention.personal_data_days,
            mark_bytes: self.retention.mark_bytes(self.recording.keep_free_megabytes),
            disk_takes: self.retention.when_full,
            storages: self.enabled_storages().map(keeping::Storage::rule).collect(),
        }
    }

    /// The places that copies of recordings go to now.
    pub fn enabled_storages(&self) -> impl Iterator<Item = &keeping::Storage> {
        self.storages.iter().filter(|storage| storage.enabled)
    }

    /// Where each prompt is used that the configuration names, in the words of its files.
    pub fn prompt_uses(&self) -> BTreeMap<PromptName, Vec<String>> {
        let mut uses: BTreeMap<PromptName, Vec<String>> = BTreeMap::new();
        let mut note = |prompt: PromptName, place: String| uses.entry(prompt).or_default().push(place);
        for (name, flow) in &self.flows {
            for prompt in flow.prompts() {
                note(prompt, format!("flow {name}"));
            }
        }
        if let Some(music) = self.media.music() {
            note(music, "[media] music_on_hold".to_owned());
        }
        for group in &self.groups {
            if let Some(music) = &group.music_on_hold {
                note(music.clone(), format!("group {}", group.name));
            }
        }
        for mailbox in &self.mailboxes {
            if let Some(greeting) = &mailbox.greeting {
                note(greeting.clone(), format!("mailbox {}", mailbox.name));
            }
        }
        let consent = &self.recording.consent_prompt;
        if !consent.is_empty() {
            note(consent.as_str().into(), "[recording] consent_prompt".to_owned());
        }
        uses
    }

    /// The texts that `say` steps always speak, for [`Library::load`](crate::prompts::Library::load).
    pub fn constant_texts(&self) -> Vec<(Option<Language>, String)> {
        self.flows
            .values()
            .flat_map(|flow| flow.constant_texts())
            .collect()
    }
}
