//! Agents of the database beside those of the file.

use super::agent::Agent;
use super::links::{Names, check_name};
use super::section::Section;
use super::{Config, Place, Secret};
use crate::agents::Reach;
use crate::model::{AgentId, KeptAgent, KeptDigest, WrittenAgent};
use crate::sdp::Srtp;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};
use std::collections::HashMap;
use std::path::PathBuf;

/// Something that is wrong with an agent of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFault {
    /// Which of its keys.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

/// Why an agent of the database is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// The file names an agent of this identity too.
    InFile,
    /// An agent of the file, or another one of the database, has the extension.
    ExtensionTaken(AgentId),
    /// Its trunk is not in the file any more.
    NoTrunk,
    /// Its password was given for another realm, or never.
    NoPassword,
}

impl Config {
    /// This configuration with the agents of the database behind those of the file, and who is left out. `realm` is
    /// the one that digests are asked for in.
    pub fn with_kept(&self, kept: &[KeptAgent], realm: &str) -> (Self, Vec<(AgentId, LeftOut)>) {
        let (mut config, mut left_out) = (self.clone(), Vec::new());
        for agent in kept {
            match config.fit_in(agent, realm) {
                Ok(agent) => config.agents.push(agent),
                Err(reason) => left_out.push((agent.written.id.clone(), reason)),
            }
        }
        (config, left_out)
    }

    fn fit_in(&self, kept: &KeptAgent, realm: &str) -> Result<Agent, LeftOut> {
        let written = &kept.written;
        let taken = |agent: &&Agent| written.extension.is_some() && agent.extension == written.extension;
        if self.agents.iter().any(|agent| agent.id == written.id) {
            return Err(LeftOut::InFile);
        }
        if let Some(other) = self.agents.iter().find(taken) {
            return Err(LeftOut::ExtensionTaken(other.id.clone()));
        }
        let agent = of_written(written, kept.digest.clone());
        if let Some(Reach::Trunk(trunk, _)) = agent.reach()
            && !self.trunks.iter().any(|own| own.name == trunk)
        {
            return Err(LeftOut::NoTrunk);
        }
        let fits =
            |digest: &KeptDigest| digest.realm == realm && Some(&digest.user) == written.extension.as_ref();
        if written.registers_here() && !kept.digest.as_ref().is_some_and(fits) {
            return Err(LeftOut::NoPassword);
        }
        Ok(agent)
    }

    /// Everything that is wrong with an agent somebody wants to write; `others` are the rest of those in the database.
    /// `password` is the one that was given, `has_password` whether there is one already that goes on.
    pub fn faults_of_agent(
        &self,
        written: &WrittenAgent,
        password: Option<&Secret>,
        has_password: bool,
        others: &[KeptAgent],
    ) -> Vec<AgentFault> {
        let digest = has_password.then(|| KeptDigest {
            user: "".into(),
            realm: String::new(),
            sha256: String::new(),
            md5: String::new(),
        });
        let mut agent = of_written(written, digest);
        if let Some(password) = password {
            agent.password = password.clone();
        }
        let section = Section {
            value: agent,
            label: String::new(),
            place: Place::File(PathBuf::from("the database")),
            keys: HashMap::new(),
            whole: true,
        };
        let (mut mistakes, mut habits) = (Vec::new(), Vec::new());
        check_name(&section, "id", written.id.as_str(), &mut mistakes);
        section.check(&mut mistakes, &mut habits);
        let groups = Names::new("group", self.groups.iter().map(|group| group.name.to_string()));
        for group in &written.groups {
            groups.check(&section, "groups", group, &mut mistakes);
        }
        let trunks = Names::new("trunk", self.trunks.iter().map(|trunk| trunk.name.to_string()));
        if let Some(trunk) = &written.trunk {
            trunks.check(&section, "trunk", trunk, &mut mistakes);
        }
        if written.name.chars().count() > MOST_LETTERS || written.name.chars().any(char::is_control) {
            let problem = format!("is longer than {MOST_LETTERS} characters, or more than one line");
            mistakes.push(section.mistake("name", problem, "shorten it"));
        }
        if let Some(word) = written.srtp.as_ref().filter(|word| srtp(word).is_none()) {
            let problem = format!("\"{word}\" is no way to treat encryption");
            mistakes.push(section.mistake("srtp", problem, "use off, allowed or required"));
        }
        let own = self.agents.iter().map(|agent| (&agent.id, &agent.extension));
        let kept = others
            .iter()
            .map(|other| (&other.written.id, &other.written.extension));
        let mut rest = own.chain(kept).filter(|(id, _)| **id != written.id);
        if let Some((id, Some(extension))) =
            rest.find(|(_, extension)| extension.is_some() && **extension == written.extension)
        {
            let problem = format!("\"{extension}\" is taken already, by {id}");
            mistakes.push(section.mistake("extension", problem, "give one of the two another"));
        }
        // An easy password is a habit in a file; nobody has to be given one here.
        let easy = habits.into_iter().filter(|habit| habit.key == "password");
        mistakes
            .into_iter()
            .chain(easy)
            .map(|mistake| AgentFault {
                key: mistake.key,
                problem: mistake.problem,
                cure: mistake.cure,
            })
            .collect()
    }
}

/// Longest name for people.
const MOST_LETTERS: usize = 64;

impl Agent {
    /// The agent without its secrets.
    pub fn written(&self) -> WrittenAgent {
        WrittenAgent {
            id: self.id.clone(),
            name: self.name.clone(),
            extension: self.extension.clone(),
            trunk: self.trunk.clone(),
            number: self.number.clone(),
            contact: self.contact.clone(),
            groups: self.groups.clone(),
            skills: self.skills.clone(),
            srtp: self.srtp.map(|wish| match wish {
                Srtp::Off => "off".to_owned(),
                Srtp::Allowed => "allowed".to_owned(),
                Srtp::Required => "required".to_owned(),
            }),
            dtmf: self.dtmf,
            nat: self.nat,
            enabled: self.enabled,
        }
    }
}

fn of_written(written: &WrittenAgent, digest: Option<KeptDigest>) -> Agent {
    Agent {
        id: written.id.clone(),
        name: written.name.clone(),
        extension: written.extension.clone(),
        password: Secret::default(),
        digest: digest.filter(|_| written.registers_here()),
        groups: written.groups.clone(),
        skills: written.skills.clone(),
        trunk: written.trunk.clone(),
        number: written.number.clone(),
        contact: written.contact.clone(),
        srtp: written.srtp.as_deref().and_then(srtp),
        dtmf: written.dtmf,
        nat: written.nat,
        enabled: written.enabled,
    }
}

fn srtp(word: &str) -> Option<Srtp> {
    let text: StrDeserializer<'_, Error> = word.into_deserializer();
    Srtp::deserialize(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Surroundings;

    const FILE: &str = r#"
[site]
languages = ["en"]
[[trunk]]
name = "pbx"
host = "127.0.0.20"
[[group]]
name = "sales"
[[agent]]
id = "ali"
extension = "1001"
password = "a quiet word or two"
groups = ["sales"]
"#;

    fn config() -> Config {
        Config::from_text("test.toml", FILE, &Surroundings::default())
            .unwrap()
            .config
    }

    fn kept(id: &str, extension: &str) -> KeptAgent {
        KeptAgent {
            written: WrittenAgent {
                extension: Some(extension.into()),
                ..WrittenAgent::new(id.into())
            },
            digest: Some(KeptDigest {
                user: extension.into(),
                realm: "callpost".to_owned(),
                sha256: "0".repeat(64),
                md5: "0".repeat(32),
            }),
            version: 1,
            changed_at_unix_ms: 0,
            changed_by: "hoa".to_owned(),
        }
    }

    #[test]
    fn the_file_wins_and_who_cannot_be_there_is_told_why() {
        let mut behind = kept("far", "1009");
        behind.written.trunk = Some("gone".into());
        behind.written.number = Some("2009".into());
        let mut moved = kept("moved", "1007");
        moved.written.extension = Some("1008".into());
        let all = [
            kept("ali", "1005"),
            kept("eve", "1001"),
            kept("mona", "1002"),
            kept("twin", "1002"),
            behind,
            moved,
        ];
        let (config, left_out) = config().with_kept(&all, "callpost");
        let there: Vec<&str> = config.agents.iter().map(|agent| agent.id.as_str()).collect();
        assert_eq!(there, ["ali", "mona"]);
        let why: Vec<LeftOut> = left_out.into_iter().map(|(_, why)| why).collect();
        let taken = |id: &str| LeftOut::ExtensionTaken(id.into());
        assert_eq!(
            why,
            [
                LeftOut::InFile,
                taken("ali"),
                taken("mona"),
                LeftOut::NoTrunk,
                LeftOut::NoPassword
            ]
        );
        let (_, left_out) = self::config().with_kept(&all[2..3], "another realm");
        assert_eq!(left_out, [("mona".into(), LeftOut::NoPassword)]);
    }

    #[test]
    fn every_fault_of_a_new_agent_is_told_with_its_key_and_cure() {
        let config = config();
        let good = WrittenAgent {
            extension: Some("1002".into()),
            groups: vec!["sales".into()],
            ..WrittenAgent::new("mona".into())
        };
        let secret = Secret::from("k7mqx2pt9wrd");
        let faults = |written: &WrittenAgent, password: Option<&Secret>| -> Vec<String> {
            let faults = config.faults_of_agent(written, password, false, &[kept("omar", "1003")]);
            faults.into_iter().map(|fault| fault.key).collect()
        };
        assert!(faults(&good, Some(&secret)).is_empty());
        assert_eq!(faults(&good, None), ["extension"], "no password");
        assert_eq!(faults(&good, Some(&Secret::from("1234"))), ["password"]);
        let wrong = WrittenAgent {
            id: "no name".into(),
            name: "two\nlines".to_owned(),
            extension: Some("1003".into()),
            groups: vec!["sale".into()],
            srtp: Some("maybe".to_owned()),
            skills: [("arabic".to_owned(), 11)].into(),
            ..good.clone()
        };
        assert_eq!(
            faults(&wrong, Some(&secret)),
            ["id", "skills", "groups", "name", "srtp", "extension"]
        );
        let nowhere = WrittenAgent::new("door".into());
        assert_eq!(faults(&nowhere, None), [""]);
    }
}
