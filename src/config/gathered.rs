use super::{Agent, Group, NumberRule, Pbx, Route, Site, Trunk};
use crate::ivr::{Flow, Verb, aloud};
use crate::model::{FlowName, Language};
use crate::prompts::Shelf;
use crate::routing::{Dialing, Plan};
use crate::{agents, egress, http, keeping, media, recording, sip, store, upstream};
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
    /// Every `[[storage]]`.
    pub storages: Vec<keeping::Storage>,
    /// The flows, by name.
    pub flows: BTreeMap<FlowName, Arc<Flow>>,
    /// The prompts there are.
    pub prompts: Shelf,
}

impl Config {
    /// The number plan: the `[[number]]` rules, the extensions of the agents who are enabled, and the ways outside.
    pub fn plan(&self) -> Plan {
        let extensions = self
            .agents
            .iter()
            .filter(|agent| agent.enabled)
            .filter_map(|agent| Some((agent.extension.clone()?, agent.id.clone())));
        let emergency = self.guard.emergency.clone();
        Plan::new(self.numbers.iter().map(NumberRule::as_rule), extensions).with_routes(
            self.routes.iter().map(Route::as_way).collect(),
            self.dialing.clone(),
            emergency,
        )
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

    /// Puts the parts of numbers on the shelf, for flows that tell them: where nobody has recorded one, it is spoken.
    pub(super) fn add_parts_of_numbers(&mut self) {
        let tells = |flow: &Arc<Flow>| flow.steps.values().any(|verb| matches!(verb, Verb::Tell(_)));
        if !self.flows.values().any(tells) {
            return;
        }
        for language in &self.site.languages {
            for (name, text) in aloud::parts(language).unwrap_or_default() {
                self.prompts.add_spoken(language, &name, &text);
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

    /// The texts that `say` steps always speak, for [`Library::load`](crate::prompts::Library::load).
    pub fn constant_texts(&self) -> Vec<(Option<Language>, String)> {
        self.flows
            .values()
            .flat_map(|flow| flow.constant_texts())
            .collect()
    }
}
