use super::{AgentId, GroupName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A box that messages are left in: `house`, `group:sales`, `agent:ali`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mailbox {
    /// The box of the house, for messages that belong to no group.
    House,
    /// The box of a group: all its agents hear of it.
    Group(GroupName),
    /// An agent's own box.
    Agent(AgentId),
}

impl fmt::Display for Mailbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::House => out.write_str("house"),
            Self::Group(name) => write!(out, "group:{name}"),
            Self::Agent(id) => write!(out, "agent:{id}"),
        }
    }
}

impl FromStr for Mailbox {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "house" => Ok(Self::House),
            Some(("group", name)) if !name.is_empty() => Ok(Self::Group(name.into())),
            Some(("agent", id)) if !id.is_empty() => Ok(Self::Agent(id.into())),
            Some(_) | None => Err("not `house`, `group:NAME` or `agent:ID`"),
        }
    }
}

impl TryFrom<String> for Mailbox {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse()
    }
}

impl From<Mailbox> for String {
    fn from(mailbox: Mailbox) -> Self {
        mailbox.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_read_back_as_it_was_written() {
        for text in ["house", "group:sales", "agent:ali"] {
            assert_eq!(text.parse::<Mailbox>().unwrap().to_string(), text);
        }
        for bad in ["", "group:", "box:x", "home"] {
            assert!(bad.parse::<Mailbox>().is_err(), "{bad}");
        }
    }
}
