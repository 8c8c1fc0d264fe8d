use crate::http::agent_book::AgentCard;
use crate::model::{Dtmf, GroupName, Number, Secret, TrunkName, WrittenAgent};
use std::collections::BTreeMap;

/// What the form of an agent sends, and what it is filled with. Everything is text, as people type it.
#[derive(Clone, Default)]
pub(super) struct AgentForm {
    /// Whether the agent is there already, so that its identity stays.
    pub(super) is_known: bool,
    /// The version it shows; nobody's change is lost to a form that was opened before it.
    pub(super) version: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) extension: String,
    /// `here`, `trunk` or `contact`.
    pub(super) place: String,
    pub(super) trunk: String,
    pub(super) number: String,
    pub(super) contact: String,
    /// Never filled; empty keeps the one there is.
    password: String,
    pub(super) groups: Vec<String>,
    /// `arabic=5, english=8`.
    pub(super) skills: String,
    pub(super) srtp: String,
    pub(super) dtmf: String,
    /// `yes`, `no` or nothing.
    pub(super) nat: String,
    pub(super) is_enabled: bool,
    /// Whether there is a password already.
    pub(super) has_password: bool,
}

/// How phones may tell of keys, as the form sends it.
const WAYS_OF_KEYS: [(&str, Dtmf); 4] = [
    ("auto", Dtmf::Auto),
    ("rfc4733", Dtmf::Rfc4733),
    ("info", Dtmf::Info),
    ("inband", Dtmf::Inband),
];

impl AgentForm {
    /// The form of an agent who is not there yet.
    pub(super) fn blank() -> Self {
        Self {
            place: "here".to_owned(),
            dtmf: "auto".to_owned(),
            is_enabled: true,
            ..Self::default()
        }
    }

    /// The form, filled with what is.
    pub(super) fn of(card: &AgentCard) -> Self {
        let written = &card.written;
        let text = |value: &Option<Number>| value.as_ref().map(ToString::to_string).unwrap_or_default();
        let place = match (&written.trunk, &written.contact) {
            (Some(_), _) => "trunk",
            (None, Some(_)) => "contact",
            (None, None) => "here",
        };
        let skills: Vec<String> = written
            .skills
            .iter()
            .map(|(skill, level)| format!("{skill}={level}"))
            .collect();
        let dtmf = WAYS_OF_KEYS.iter().find(|(_, way)| *way == written.dtmf);
        Self {
            is_known: true,
            version: card.version.to_string(),
            id: written.id.to_string(),
            name: written.name.clone(),
            extension: text(&written.extension),
            place: place.to_owned(),
            trunk: written
                .trunk
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            number: text(&written.number),
            contact: written.contact.clone().unwrap_or_default(),
            password: String::new(),
            groups: written.groups.iter().map(ToString::to_string).collect(),
            skills: skills.join(", "),
            srtp: written.srtp.clone().unwrap_or_default(),
            dtmf: dtmf.map_or("auto", |(word, _)| word).to_owned(),
            nat: match written.nat {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            }
            .to_owned(),
            is_enabled: written.enabled,
            has_password: card.has_password,
        }
    }

    /// What was sent: pairs, because a group comes once for each.
    pub(super) fn sent(pairs: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            let value = value.trim().to_owned();
            match name.as_str() {
                "known" => form.is_known = value == "yes",
                "version" => form.version = value,
                "id" => form.id = value,
                "name" => form.name = value,
                "extension" => form.extension = value,
                "place" => form.place = value,
                "trunk" => form.trunk = value,
                "number" => form.number = value,
                "contact" => form.contact = value,
                "password" => form.password = value,
                "group" => form.groups.push(value),
                "skills" => form.skills = value,
                "srtp" => form.srtp = value,
                "dtmf" => form.dtmf = value,
                "nat" => form.nat = value,
                "enabled" => form.is_enabled = true,
                _ => {}
            }
        }
        form
    }

    /// Whether a group is chosen.
    pub(super) fn serves(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// The agent it describes. Of the three places only the chosen one counts. A level that is no number becomes 0,
    /// which is refused by the field's name.
    pub(super) fn written(&self) -> WrittenAgent {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let chosen = |place: &str, text: &str| some(text).filter(|_| self.place == place);
        let skills = self.skills.split(',').filter_map(|skill| {
            let skill = skill.trim();
            let (name, level) = skill.split_once('=').unwrap_or((skill, "0"));
            let level = level.trim().parse().unwrap_or(0);
            (!skill.is_empty()).then(|| (name.trim().to_owned(), level))
        });
        let dtmf = WAYS_OF_KEYS.iter().find(|(word, _)| *word == self.dtmf);
        WrittenAgent {
            name: self.name.clone(),
            extension: some(&self.extension).map(Number::from),
            trunk: chosen("trunk", &self.trunk).map(TrunkName::from),
            number: chosen("trunk", &self.number).map(Number::from),
            contact: chosen("contact", &self.contact),
            groups: self
                .groups
                .iter()
                .map(|group| GroupName::from(group.as_str()))
                .collect(),
            skills: skills.collect::<BTreeMap<_, _>>(),
            srtp: some(&self.srtp),
            dtmf: dtmf.map(|(_, way)| *way).unwrap_or_default(),
            nat: match self.nat.as_str() {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            enabled: self.is_enabled,
            ..WrittenAgent::new(self.id.as_str().into())
        }
    }

    /// The password that was typed in, for a phone that registers here.
    pub(super) fn password(&self) -> Option<Secret> {
        let is_given = !self.password.is_empty() && self.place == "here";
        is_given.then(|| Secret::from(self.password.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::agent_book::AgentSource;

    #[test]
    fn what_a_form_was_filled_with_comes_back_as_it_was() {
        let written = WrittenAgent {
            name: "Mona".to_owned(),
            extension: Some("1002".into()),
            groups: vec!["sales".into(), "doors".into()],
            skills: [("arabic".to_owned(), 5), ("english".to_owned(), 8)].into(),
            srtp: Some("required".to_owned()),
            dtmf: Dtmf::Info,
            nat: Some(true),
            ..WrittenAgent::new("mona".into())
        };
        let card = AgentCard {
            written: written.clone(),
            source: AgentSource::Database,
            has_password: true,
            trouble: None,
            version: 3,
            changed_at_unix_ms: None,
            changed_by: None,
        };
        let form = AgentForm::of(&card);
        let mut pairs = vec![
            ("known", "yes"),
            ("version", &form.version),
            ("id", &form.id),
            ("name", &form.name),
            ("extension", &form.extension),
            ("place", &form.place),
            // A place that was left behind does not count.
            ("trunk", "pbx"),
            ("contact", "sip:door@127.0.0.1"),
            ("skills", &form.skills),
            ("srtp", &form.srtp),
            ("dtmf", &form.dtmf),
            ("nat", &form.nat),
            ("enabled", "on"),
            ("password", " "),
        ];
        pairs.extend(form.groups.iter().map(|group| ("group", group.as_str())));
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sent = AgentForm::sent(pairs.collect());
        assert_eq!(sent.written(), written);
        assert_eq!(sent.password(), None);
        assert!(sent.serves("doors") && !sent.serves("door"));
    }
}
