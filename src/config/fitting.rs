use super::draft::{Draft, Found};
use super::links::{Names, check_name, check_unique};
use super::section::Section;
use super::{Agent, Mistake, NumberRule, Place, flows};
use crate::agents::{Overflow, Reach};
use crate::ivr::Known;
use crate::model::{GroupName, Mailbox as BoxName, PromptName};
use crate::routing::digits_only;
use crate::sip::Transport;

impl Draft {
    /// Looks at each section by itself and at whether they fit together.
    pub(super) fn check(&self, found: &mut Found) {
        self.check_sections(found);
        self.check_names(&mut found.mistakes);
        self.check_links(&mut found.mistakes);
        self.check_recording(&mut found.mistakes);
        self.check_overflows(&mut found.mistakes);
        self.check_sockets(&mut found.mistakes);
        self.check_encryption(&mut found.mistakes);
        self.check_flows(found);
        self.check_music(&mut found.mistakes);
        self.check_habits(found);
    }

    fn check_sections(&self, found: &mut Found) {
        let Found { mistakes, warnings } = found;
        self.site.check(mistakes);
        for (key, message) in self.sip.value.mistakes() {
            mistakes.push(self.sip.mistake_in_two(key, &message));
        }
        for (key, message) in self.guard.value.mistakes() {
            mistakes.push(self.guard.mistake_in_two(key, &message));
        }
        for (key, message) in self.media.value.mistakes() {
            mistakes.push(self.media.mistake_in_two(key, &message));
        }
        for (key, message) in self.dialing.value.mistakes() {
            mistakes.push(self.dialing.mistake_in_two(key, &message));
        }
        for (key, message) in self.cdr.value.mistakes() {
            mistakes.push(self.cdr.mistake_in_two(key, &message));
        }
        for (key, message) in self.egress.value.mistakes() {
            mistakes.push(self.egress.mistake_in_two(key, &message));
        }
        if self.http.value.requests_per_minute == 0 {
            let cure = "use 60 or more; 1200 is usual";
            mistakes.push(self.http.mistake("requests_per_minute", "0 lets nobody in", cure));
        }
        for (key, message) in self.recording.value.mistakes() {
            mistakes.push(self.recording.mistake_in_two(key, &message));
        }
        self.voicemail.check(mistakes);
        for (key, message) in self.mail.value.mistakes() {
            mistakes.push(self.mail.mistake_in_two(key, &message));
        }
        for (key, message) in self.transcription.value.mistakes() {
            mistakes.push(self.transcription.mistake_in_two(key, &message));
        }
        let (can_mail, languages) = (self.mail.value.is_on(), &self.site.value.languages);
        for mailbox in &self.mailboxes.read {
            mailbox.check(can_mail, languages, mistakes);
        }
        let keep_free = self.recording.value.keep_free_megabytes;
        for (key, message) in self.retention.value.mistakes(keep_free) {
            mistakes.push(self.retention.mistake_in_two(key, &message));
        }
        for (key, message) in self.trace.value.mistakes() {
            mistakes.push(self.trace.mistake_in_two(key, &message));
        }
        for storage in self.storages.read.iter().filter(|storage| storage.whole) {
            for (key, problem, cure) in storage.value.mistakes() {
                mistakes.push(storage.mistake(key, problem, cure));
            }
        }
        self.trunks
            .read
            .iter()
            .for_each(|trunk| trunk.check(mistakes, warnings));
        self.agents
            .read
            .iter()
            .for_each(|agent| agent.check(mistakes, warnings));
        self.groups.read.iter().for_each(|group| group.check(mistakes));
        self.numbers.read.iter().for_each(|number| number.check(mistakes));
        self.pbxs.read.iter().for_each(|pbx| pbx.check(mistakes));
        self.routes.read.iter().for_each(|route| route.check(mistakes));
        for upstream in self.upstreams.read.iter().filter(|upstream| upstream.whole) {
            for (key, problem, cure) in upstream.value.mistakes() {
                mistakes.push(upstream.mistake(key, problem, cure));
            }
        }
    }

    /// Names are plain, and no two of a kind are alike.
    fn check_names(&self, mistakes: &mut Vec<Mistake>) {
        self.trunks
            .read
            .iter()
            .for_each(|it| check_name(it, "name", it.value.name.as_str(), mistakes));
        self.agents
            .read
            .iter()
            .for_each(|it| check_name(it, "id", it.value.id.as_str(), mistakes));
        self.groups
            .read
            .iter()
            .for_each(|it| check_name(it, "name", it.value.name.as_str(), mistakes));
        self.upstreams
            .read
            .iter()
            .for_each(|it| check_name(it, "name", &it.value.name, mistakes));
        self.storages
            .read
            .iter()
            .for_each(|it| check_name(it, "name", &it.value.name, mistakes));
        check_unique(
            &self.storages.read,
            "name",
            |storage| Some(storage.name.clone()),
            mistakes,
        );
        check_unique(
            &self.trunks.read,
            "name",
            |trunk| Some(trunk.name.to_string()),
            mistakes,
        );
        check_unique(
            &self.agents.read,
            "id",
            |agent| Some(agent.id.to_string()),
            mistakes,
        );
        check_unique(
            &self.agents.read,
            "extension",
            |agent| Some(agent.extension.as_ref()?.to_string()),
            mistakes,
        );
        check_unique(
            &self.groups.read,
            "name",
            |group| Some(group.name.to_string()),
            mistakes,
        );
        check_unique(
            &self.numbers.read,
            "match",
            |rule| Some(same_number(rule)),
            mistakes,
        );
        check_unique(
            &self.upstreams.read,
            "name",
            |upstream| Some(upstream.name.clone()),
            mistakes,
        );
        check_unique(&self.pbxs.read, "name", |pbx| Some(pbx.name.clone()), mistakes);
        check_unique(
            &self.mailboxes.read,
            "name",
            |mailbox| Some(mailbox.name.to_string()),
            mistakes,
        );
        check_unique(
            &self.mailboxes.read,
            "number",
            |mailbox| Some(mailbox.number.as_ref()?.to_string()),
            mistakes,
        );
        check_unique(
            &self.routes.read,
            "name",
            |route| Some(route.name.clone()),
            mistakes,
        );
    }

    /// Every name that is used exists.
    fn check_links(&self, mistakes: &mut Vec<Mistake>) {
        let trunks = Names::new("trunk", self.trunks.names.clone());
        let agents = Names::new("agent", self.agents.names.clone());
        let groups = Names::new("group", self.groups.names.clone());
        let flows = Names::new("flow", self.flows.iter().map(|draft| draft.flow.name.to_string()));
        for agent in &self.agents.read {
            agent
                .value
                .groups
                .iter()
                .for_each(|group| groups.check(agent, "groups", group, mistakes));
            agent
                .value
                .trunk
                .iter()
                .for_each(|trunk| trunks.check(agent, "trunk", trunk, mistakes));
        }
        for route in &self.routes.read {
            let named = &route.value.trunks;
            named
                .iter()
                .for_each(|trunk| trunks.check(route, "trunks", trunk, mistakes));
        }
        let has_country = !self.dialing.value.country_code.is_empty();
        for trunk in self
            .trunks
            .read
            .iter()
            .filter(|trunk| trunk.value.needs_country())
        {
            if !has_country {
                let cure = "write country_code = \"966\" or the like under [dialing]";
                mistakes.push(trunk.mistake("number_form", "needs to know the country", cure));
            }
        }
        for group in &self.groups.read {
            match group.value.overflow() {
                Overflow::Flow(name) => flows.check(group, "overflow", name, mistakes),
                Overflow::Group(name) => groups.check(group, "overflow", name, mistakes),
                Overflow::Agent(id) => agents.check(group, "overflow", id, mistakes),
                Overflow::Voicemail | Overflow::HangUp => {}
            }
        }
        for mailbox in &self.mailboxes.read {
            match &mailbox.value.name {
                BoxName::House => {}
                BoxName::Group(name) => groups.check(mailbox, "name", name, mistakes),
                BoxName::Agent(id) => agents.check(mailbox, "name", id, mistakes),
            }
        }
        for rule in &self.numbers.read {
            rule.value
                .flow
                .iter()
                .for_each(|name| flows.check(rule, "flow", name, mistakes));
            rule.value
                .group
                .iter()
                .for_each(|name| groups.check(rule, "group", name, mistakes));
            rule.value
                .agent
                .iter()
                .for_each(|id| agents.check(rule, "agent", id, mistakes));
        }
    }

    /// Groups that hand a caller on in a circle would do so for ever.
    fn check_overflows(&self, mistakes: &mut Vec<Mistake>) {
        let next = |name: &GroupName| {
            let group = self.groups.read.iter().find(|group| group.value.name == *name)?;
            match group.value.overflow() {
                Overflow::Group(next) => Some(next),
                Overflow::Voicemail | Overflow::Flow(_) | Overflow::Agent(_) | Overflow::HangUp => None,
            }
        };
        let mut told: Vec<&GroupName> = Vec::new();
        for group in &self.groups.read {
            let mut way = vec![&group.value.name];
            while let Some(name) = way.last().and_then(|last| next(last)) {
                let back = way.contains(&name);
                way.push(name);
                if back {
                    break;
                }
            }
            let comes_back = way.len() > 1 && way.last() == way.first();
            if comes_back && !told.contains(&&group.value.name) {
                let names: Vec<&str> = way.iter().map(|name| name.as_str()).collect();
                let problem = format!("hands the caller on in a circle: {}", names.join(" → "));
                mistakes.push(group.mistake(
                    "overflow",
                    problem,
                    "let one of them end in \"voicemail\" or \"hangup\"",
                ));
                told.extend(way);
            }
        }
    }

    /// No two parts of the box want the same port.
    fn check_sockets(&self, mistakes: &mut Vec<Mistake>) {
        let [first, last] = self.media.value.rtp_ports;
        for listen in &self.sip.value.listen {
            let port = listen.address.port();
            if listen.transport == Transport::Udp && (first..=last).contains(&port) {
                let problem = format!("[{first}, {last}] holds the SIP port {port}");
                mistakes.push(self.media.mistake(
                    "rtp_ports",
                    problem,
                    "choose ports beside it, such as [10000, 10999]",
                ));
            }
            // Port 0 is any free one, so two of them are no conflict.
            let is_same = listen.address == self.http.value.listen && port != 0;
            if listen.transport.is_reliable() && is_same {
                let problem = format!("{} is taken by {listen}", listen.address);
                mistakes.push(
                    self.http
                        .mistake("listen", problem, "choose another port; 8080 is usual"),
                );
            }
        }
    }

    fn check_flows(&self, found: &mut Found) {
        let groups: Vec<GroupName> = self
            .groups
            .names
            .iter()
            .map(|name| GroupName::from(name.as_str()))
            .collect();
        let has_prompt = |language: &_, name: &_| self.prompts.has(language, name);
        let known = Known {
            groups: &groups,
            languages: &self.site.value.languages,
            has_prompt: &has_prompt,
        };
        let heads: Vec<Section<String>> = self
            .flows
            .iter()
            .map(|draft| draft.head.with(draft.flow.name.to_string()))
            .collect();
        check_unique(&heads, "name", |name| Some(name.clone()), &mut found.mistakes);
        self.flows
            .iter()
            .for_each(|draft| flows::check_flow(draft, &known, found));
        for language in self
            .site
            .value
            .languages
            .iter()
            .filter(|language| !self.prompts.speaks(language))
        {
            let cure = format!("make prompts/{language}/ or take the language out");
            found.mistakes.push(self.site.mistake(
                "languages",
                format!("there are no prompts in \"{language}\""),
                cure,
            ));
        }
        for problem in self.prompts.problems() {
            found.mistakes.push(Mistake {
                place: Place::File(problem.path.clone()),
                key: String::new(),
                problem: problem.problem.clone(),
                cure: problem.cure.clone(),
            });
        }
    }

    /// What is heard on hold is there to be heard.
    fn check_music(&self, mistakes: &mut Vec<Mistake>) {
        let languages = &self.site.value.languages;
        let is_missing =
            |name: &PromptName| !languages.iter().any(|language| self.prompts.has(language, name));
        let problem = |name: &PromptName| format!("there is no prompt \"{name}\"");
        let cure = "put the file into a folder of prompts/, or write \"hold-music\"";
        if let Some(name) = self.media.value.music().filter(is_missing) {
            mistakes.push(self.media.mistake("music_on_hold", problem(&name), cure));
        }
        for group in &self.groups.read {
            if let Some(name) = group.value.music_on_hold.as_ref().filter(|name| is_missing(name)) {
                mistakes.push(group.mistake("music_on_hold", problem(name), cure));
            }
        }
    }

    /// What is allowed and still hardly meant.
    fn check_habits(&self, found: &mut Found) {
        // A box without any agent is a new one, or one whose agents are kept by the API.
        for group in self.groups.read.iter().filter(|_| !self.agents.names.is_empty()) {
            let served = |agent: &Section<Agent>| {
                agent.value.enabled && agent.value.groups.contains(&group.value.name)
            };
            if !self.agents.read.iter().any(served) && self.agents.read.len() == self.agents.names.len() {
                let cure = format!("write groups = [\"{}\"] at an agent", group.value.name);
                found.warnings.push(group.mistake("", "has nobody to ring", cure));
            }
        }
        for agent in &self.agents.read {
            let behind = match agent.value.reach() {
                Some(Reach::Trunk(trunk, _)) => trunk,
                Some(Reach::Extension(_) | Reach::Contact(_)) | None => continue,
            };
            let trunk = self.trunks.read.iter().find(|trunk| trunk.value.name == behind);
            let spoken = |transport| {
                self.sip
                    .value
                    .listen
                    .iter()
                    .any(|listen| listen.transport == transport)
            };
            let transport = trunk.and_then(|trunk| trunk.value.known_transport());
            if let (Some(trunk), Some(transport)) = (trunk, transport.filter(|transport| !spoken(*transport)))
            {
                let cure = format!("add a {transport}:// to [sip] listen");
                found.mistakes.push(trunk.mistake(
                    "transport",
                    format!("nothing listens for {transport}"),
                    cure,
                ));
            }
        }
    }
}

/// Two ways to write one number are one number.
fn same_number(rule: &NumberRule) -> String {
    let number = rule.plain_number();
    match digits_only(&number) {
        Some(digits) => digits.to_owned(),
        None => number,
    }
}
