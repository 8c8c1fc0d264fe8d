use super::Mistake;
use super::draft::Draft;
use super::links::Names;
use crate::model::PromptName;

impl Draft {
    /// Every name in the rules of `[recording]` exists, and so does the announcement in every language.
    pub(super) fn check_recording(&self, mistakes: &mut Vec<Mistake>) {
        let section = &self.recording;
        let trunks = Names::new("trunk", self.trunks.names.clone());
        let agents = Names::new("agent", self.agents.names.clone());
        let groups = Names::new("group", self.groups.names.clone());
        for rule in &section.value.rule {
            rule.trunk
                .iter()
                .for_each(|name| trunks.check(section, "rule", name, mistakes));
            rule.group
                .iter()
                .for_each(|name| groups.check(section, "rule", name, mistakes));
            rule.agent
                .iter()
                .for_each(|name| agents.check(section, "rule", name, mistakes));
        }
        let prompt = &section.value.consent_prompt;
        if prompt.is_empty() {
            return;
        }
        let name = PromptName::from(prompt.as_str());
        for language in &self.site.value.languages {
            if !self.prompts.has(language, &name) {
                let problem = format!("there is no prompt \"{prompt}\" in \"{language}\"");
                let cure = format!("put prompts/{language}/{prompt}.wav there, or use \"recorded\"");
                mistakes.push(section.mistake("consent_prompt", problem, cure));
            }
        }
    }
}
