use super::{AgentId, Dtmf, GroupName, Number, TrunkName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// An agent as somebody wrote it down: in the configuration file, or by the API into the database. Without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenAgent {
    /// Identity in records and in the API.
    pub id: AgentId,
    /// Name for people; the identity when empty.
    #[serde(default)]
    pub name: String,
    /// What phones of the house dial to reach the agent; also the user name the phone registers with.
    #[serde(default)]
    pub extension: Option<Number>,
    /// The trunk behind which the phone is.
    #[serde(default)]
    pub trunk: Option<TrunkName>,
    /// The phone's number behind the trunk.
    #[serde(default)]
    pub number: Option<Number>,
    /// The phone's fixed SIP address.
    #[serde(default)]
    pub contact: Option<String>,
    /// Groups whose calls ring here.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// What the agent is good at, from 1 to 10.
    #[serde(default)]
    pub skills: BTreeMap<String, u8>,
    /// Whether the phone's voice is encrypted: `off`, `allowed` or `required`; as the site says when nothing is written.
    #[serde(default)]
    pub srtp: Option<String>,
    /// How the phone tells of keys and is told of them.
    #[serde(default)]
    pub dtmf: Dtmf,
    /// Whether a router hides where the phone's voice comes from; what its SDP shows decides when nothing is said.
    #[serde(default)]
    pub nat: Option<bool>,
    /// Whether the agent can be rung and register at all.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

impl WrittenAgent {
    /// Somebody of this identity who has no phone yet.
    pub fn new(id: AgentId) -> Self {
        Self {
            id,
            name: String::new(),
            extension: None,
            trunk: None,
            number: None,
            contact: None,
            groups: Vec::new(),
            skills: BTreeMap::new(),
            srtp: None,
            dtmf: Dtmf::default(),
            nat: None,
            enabled: true,
        }
    }

    /// Whether the phone registers here, so that it needs a password.
    pub fn registers_here(&self) -> bool {
        self.extension.is_some() && self.trunk.is_none() && self.contact.is_none()
    }

    /// What people call the agent.
    pub fn name_for_people(&self) -> &str {
        if self.name.is_empty() {
            self.id.as_str()
        } else {
            &self.name
        }
    }
}

/// What is kept of a password: H(user:realm:password) by each algorithm (RFC 7616 §3.4.2), with what it holds for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDigest {
    /// The user name of the digest.
    pub user: Number,
    /// The realm; under another one the password has to be given anew.
    pub realm: String,
    /// By SHA-256, in hexadecimal.
    pub sha256: String,
    /// By MD5, in hexadecimal.
    pub md5: String,
}

/// Shows no hash.
impl fmt::Debug for KeptDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeptDigest({}@{})", self.user, self.realm)
    }
}

/// An agent of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAgent {
    /// Who it is.
    pub written: WrittenAgent,
    /// What the phone's password was turned into; nothing for a phone that does not register here.
    #[serde(default)]
    pub digest: Option<KeptDigest>,
    /// How often it was written; 1 for a new one.
    pub version: u64,
    /// When it was written last, in milliseconds since 1970.
    pub changed_at_unix_ms: i64,
    /// By whom.
    pub changed_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_show_and_a_missing_word_has_its_usual_meaning() {
        let digest = KeptDigest {
            user: "1001".into(),
            realm: "callpost".to_owned(),
            sha256: "5ec7e7".to_owned(),
            md5: "5ec7e7".to_owned(),
        };
        assert_eq!(format!("{digest:?}"), "KeptDigest(1001@callpost)");
        let read: WrittenAgent = serde_json::from_str(r#"{"id":"ali"}"#).unwrap();
        assert_eq!(read, WrittenAgent::new("ali".into()));
        assert!(read.enabled && !read.registers_here());
    }
}
