use super::section::Section;
use super::trunk::is_host;
use super::{Mistake, Secret, links};
use crate::agents::Reach;
use crate::model::{AgentId, Dtmf, GroupName, KeptDigest, Number, TrunkName};
use crate::sdp::Srtp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[[agent]]`: somebody who takes calls. The phone registers here (`extension`), or is a phone of the PBX
/// (`trunk` and `number`), or stands at a fixed address (`contact`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Identity in records and in the API.
    pub id: AgentId,
    /// Name for people; the identity when absent.
    #[serde(default)]
    pub name: String,
    /// What phones of the house dial to reach the agent; also the user name the phone registers with.
    #[serde(default)]
    pub extension: Option<Number>,
    /// The password the phone registers with; `password_file` names a file with it.
    #[serde(default)]
    pub password: Secret,
    /// What is kept of the password of an agent of the database.
    #[serde(skip)]
    pub digest: Option<KeptDigest>,
    /// Groups whose calls ring here.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// What the agent is good at, from 1 to 10.
    #[serde(default)]
    pub skills: BTreeMap<String, u8>,
    /// The trunk behind which the phone is.
    #[serde(default)]
    pub trunk: Option<TrunkName>,
    /// The phone's number behind the trunk.
    #[serde(default)]
    pub number: Option<Number>,
    /// The phone's fixed SIP address, `sip:door@192.168.1.30`.
    #[serde(default)]
    pub contact: Option<String>,
    /// Whether the phone's voice is encrypted: `off`, `allowed` or `required`; as `[media]` says when absent.
    #[serde(default)]
    pub srtp: Option<Srtp>,
    /// How the phone tells of keys and is told of them: `auto`, `rfc4733`, `info` or `inband`.
    #[serde(default)]
    pub dtmf: Dtmf,
    /// Whether a router stands between the phone and the box and hides where its voice comes from. Its place is then
    /// learned, once, from packets that come from where it signals. When absent: only when its SDP names a private
    /// address while it signals from a public one.
    #[serde(default)]
    pub nat: Option<bool>,
    /// Whether the agent can be rung and register at all.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

impl Agent {
    /// What people call the agent.
    pub fn name_for_people(&self) -> &str {
        if self.name.is_empty() {
            self.id.as_str()
        } else {
            &self.name
        }
    }

    /// Where the phone is. `Config` holds only agents that have one.
    pub fn reach(&self) -> Option<Reach> {
        match (&self.trunk, &self.number, &self.contact, &self.extension) {
            (Some(trunk), Some(number), _, _) => Some(Reach::Trunk(trunk.clone(), number.clone())),
            (_, _, Some(contact), _) => Some(Reach::Contact(contact.clone())),
            (_, _, None, Some(extension)) => Some(Reach::Extension(extension.clone())),
            (_, _, None, None) => None,
        }
    }
}

impl Section<Agent> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>, warnings: &mut Vec<Mistake>) {
        let agent = &self.value;
        if let Some(extension) = agent
            .extension
            .as_ref()
            .filter(|it| !links::is_user_part(it.as_str()))
        {
            let problem = format!("\"{extension}\" cannot be dialled");
            mistakes.push(self.mistake("extension", problem, "use digits, or letters without spaces"));
        }
        if let Some(number) = agent
            .number
            .as_ref()
            .filter(|it| !links::is_user_part(it.as_str()))
        {
            mistakes.push(self.mistake("number", format!("\"{number}\" cannot be dialled"), "use digits"));
        }
        if let Some(contact) = agent.contact.as_ref().filter(|contact| !is_sip_address(contact)) {
            let problem = format!("\"{contact}\" is no SIP address");
            mistakes.push(self.mistake("contact", problem, "write it like \"sip:door@192.168.1.30\""));
        }
        for (skill, level) in agent
            .skills
            .iter()
            .filter(|(_, level)| !(1..=10).contains(*level))
        {
            mistakes.push(self.mistake("skills", format!("{skill} = {level} is no level"), "use 1 to 10"));
        }
        if self.whole {
            self.check_reach(mistakes, warnings);
        }
    }

    /// One phone, and all that is needed to reach it.
    fn check_reach(&self, mistakes: &mut Vec<Mistake>, warnings: &mut Vec<Mistake>) {
        let agent = &self.value;
        let elsewhere = agent.trunk.is_some() || agent.number.is_some() || agent.contact.is_some();
        let password = agent.password.expose();
        match (&agent.trunk, &agent.number) {
            (Some(_), None) => {
                mistakes.push(self.mistake(
                    "trunk",
                    "stands without `number`",
                    "write the phone's number there",
                ));
            }
            (None, Some(_)) => {
                mistakes.push(self.mistake(
                    "number",
                    "stands without `trunk`",
                    "name the trunk the phone is behind",
                ));
            }
            (Some(_), Some(_)) if agent.contact.is_some() => {
                mistakes.push(self.mistake("contact", "is a second phone", "keep it, or trunk and number"));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        if elsewhere && !password.is_empty() {
            let cure = "take it out; a phone that does not register here needs none";
            mistakes.push(self.mistake("password", "is for a phone that registers here", cure));
        } else if !elsewhere && agent.extension.is_none() {
            let cure = "write extension and password_file, or trunk and number, or contact";
            mistakes.push(self.mistake("", "has no phone", cure));
        } else if !elsewhere && password.is_empty() && agent.digest.is_none() {
            let cure = "write password_file = \"…\" or password = \"…\"";
            mistakes.push(self.mistake(
                "extension",
                "stands without a password, so anybody could be it",
                cure,
            ));
        } else if !elsewhere
            && !password.is_empty()
            && (password.len() < 8 || agent.extension.as_ref().is_some_and(|it| it.as_str() == password))
        {
            let cure = "use 12 or more characters; phones remember them";
            warnings.push(self.mistake("password", "is easy to guess", cure));
        }
    }
}

/// The shape of an address the box can send an INVITE to. The SIP room reads it in full when it is dialled.
fn is_sip_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")) else {
        return false;
    };
    let host = rest.split([';', '?']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (host, port) = match host.rsplit_once(':') {
        Some((before, port)) if !port.contains(']') => (before, Some(port)),
        Some(_) | None => (host, None),
    };
    let plain = !text
        .chars()
        .any(|letter| letter.is_whitespace() || letter.is_control() || "<>\"".contains(letter));
    plain && is_host(host) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_address_is_one_the_box_can_call() {
        for good in [
            "sip:door@127.0.0.22:6001",
            "sip:192.168.1.30",
            "sip:gate@[fd00::1]:5060;transport=tcp",
        ] {
            assert!(is_sip_address(good), "{good}");
        }
        for bad in [
            "door@127.0.0.22",
            "sip:",
            "sip:door@",
            "sip:a@b:99999",
            "sip:a b@c",
            "tel:+966",
        ] {
            assert!(!is_sip_address(bad), "{bad}");
        }
    }
}
