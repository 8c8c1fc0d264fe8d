use super::act::Act;
use super::badges::{Badge, badge};
use super::now_view::{BanRow, Clock, Painter, Timer};
use super::text::{clock_of, encoded, fill};
use super::words::PhoneWords;
use crate::agents::AgentState;
use crate::engine::{AgentView, RegistrationView};
use crate::http::agent_book::{AgentCard, AgentSource, AgentTrouble};
use crate::http::people::Scope;
use serde::Serialize;

/// What the page "Phones" shows, as ready words. Painted by the template first, then fetched as JSON every two seconds.
#[derive(Debug, Default, Serialize)]
pub(super) struct PhonesView {
    pub(super) clock: Clock,
    pub(super) agents: Vec<AgentLine>,
    pub(super) phones: Vec<PhoneLine>,
    pub(super) bans: Vec<BanRow>,
}

/// An agent who is written down, with the phones that are registered for them.
#[derive(Debug, Default, Serialize)]
pub(super) struct AgentLine {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) number: String,
    pub(super) groups: String,
    pub(super) state: Badge,
    pub(super) reason: String,
    pub(super) timer: Timer,
    pub(super) tally: String,
    /// The phone's model, or that there is none.
    pub(super) phone: String,
    /// Where the agent is written down.
    pub(super) source: String,
    /// Why the agent is not there.
    pub(super) trouble: String,
    /// To take a break, or to come back.
    pub(super) rest: Act,
    /// Addresses; empty when this visitor may not, or there is nothing to see.
    pub(super) edit: String,
    pub(super) sheet: String,
}

/// A registered phone.
#[derive(Debug, Default, Serialize)]
pub(super) struct PhoneLine {
    pub(super) key: String,
    pub(super) extension: String,
    pub(super) who: String,
    pub(super) device: String,
    pub(super) address: String,
    pub(super) answers: Badge,
    pub(super) network: Badge,
    /// What to do about the network, when the phone does not answer.
    pub(super) advice: String,
    pub(super) expires: String,
}

impl Painter<'_> {
    /// The page about phones, with everybody who is written down.
    pub(super) fn phones(&self, cards: &[AgentCard]) -> PhonesView {
        let p = self.words.of_phones();
        let snapshot = self.snapshot;
        PhonesView {
            clock: self.clock(),
            agents: cards.iter().map(|card| self.agent_line(p, card)).collect(),
            phones: snapshot
                .registrations
                .iter()
                .map(|phone| self.phone_line(p, phone))
                .collect(),
            bans: snapshot.bans.iter().map(|ban| self.ban(ban)).collect(),
        }
    }

    fn agent_line(&self, p: &PhoneWords, card: &AgentCard) -> AgentLine {
        let id = &card.written.id;
        let is_this = |agent: &&AgentView| card.trouble.is_none() && agent.id == *id;
        let view = self.snapshot.agents.iter().find(is_this);
        let row = view.map(|view| self.agent(view)).unwrap_or_default();
        let may_edit = self.visitor.may(Scope::AgentsWrite);
        let steps = |last: &str| format!("/phones/agents/{}{last}", encoded(id.as_str()));
        let groups: Vec<&str> = card.written.groups.iter().map(|group| group.as_str()).collect();
        AgentLine {
            // Two of one identity may be written down: one in the file, one in the database.
            key: match card.source {
                AgentSource::File => id.to_string(),
                AgentSource::Database => format!("{id} ·"),
            },
            name: card.written.name_for_people().to_owned(),
            number: number(card),
            groups: groups.join(", "),
            state: if view.is_some() {
                row.state
            } else {
                badge("offline", p.switched_off)
            },
            reason: row.reason,
            timer: row.timer,
            tally: row.tally,
            phone: self.phone_of(p, card),
            source: match card.source {
                AgentSource::File => p.in_file.to_owned(),
                AgentSource::Database => p.made_here.to_owned(),
            },
            trouble: card
                .trouble
                .as_ref()
                .map(|why| trouble(p, why))
                .unwrap_or_default(),
            rest: view.map(|view| self.rest(view)).unwrap_or_default(),
            edit: if may_edit { steps("") } else { String::new() },
            sheet: if may_edit && card.written.registers_here() {
                steps("/sheet")
            } else {
                String::new()
            },
        }
    }

    /// To take a break, or to come back from one.
    pub(super) fn rest(&self, agent: &AgentView) -> Act {
        let p = self.words.of_phones();
        let to = format!("/api/v1/agents/{}/state", encoded(agent.id.as_str()));
        let act = match agent.state {
            AgentState::OnBreak => Act::post(p.comes_back, to, r#"{"state":"available"}"#),
            AgentState::Available | AgentState::WrapUp => {
                Act::post(p.takes_break, to, r#"{"state":"on_break"}"#)
            }
            AgentState::Ringing | AgentState::Busy | AgentState::Offline => Act::default(),
        };
        act.only_if(self.visitor.may(Scope::AgentsState))
    }

    fn phone_of(&self, p: &PhoneWords, card: &AgentCard) -> String {
        if !card.written.registers_here() {
            return String::new();
        }
        let is_theirs = |phone: &&RegistrationView| Some(&phone.extension) == card.written.extension.as_ref();
        let mut phones = self.snapshot.registrations.iter().filter(is_theirs);
        let Some(first) = phones.next() else {
            return p.no_phone.to_owned();
        };
        let first = first.user_agent.clone().unwrap_or_else(|| first.address.clone());
        match phones.count() {
            0 => first,
            more => fill(p.phones_more, &[("who", &first), ("n", &more.to_string())]),
        }
    }

    fn phone_line(&self, p: &PhoneWords, phone: &RegistrationView) -> PhoneLine {
        let is_silent = phone.state == "unreachable";
        let (network, advice) = reached(p, phone);
        PhoneLine {
            key: format!("{} {}", phone.extension, phone.contact),
            extension: phone.extension.to_string(),
            who: phone
                .agent
                .as_ref()
                .map(|agent| self.agent_name(agent))
                .unwrap_or_default(),
            device: phone.user_agent.clone().unwrap_or_default(),
            address: format!("{} {}", phone.transport, phone.address),
            answers: match phone.round_trip_ms {
                _ if is_silent => badge("bad", self.words.phone_silent),
                Some(millis) => {
                    let state = if millis > SLOW_MS { "warn" } else { "good" };
                    let shown = if millis < 1.0 {
                        format!("{millis:.1}")
                    } else {
                        format!("{millis:.0}")
                    };
                    badge(state, &fill(self.words.round_trip, &[("n", &shown)]))
                }
                None => badge("quiet", p.not_asked),
            },
            network,
            advice: if is_silent {
                advice.to_owned()
            } else {
                String::new()
            },
            expires: clock_of(phone.expires_seconds),
        }
    }
}

/// A phone that takes longer to answer than this is heard late in every conversation (ITU-T G.114).
const SLOW_MS: f32 = 300.0;

/// What stands between, in words, and what helps when the phone does not answer.
fn reached(p: &PhoneWords, phone: &RegistrationView) -> (Badge, &'static str) {
    let r = &p.reached;
    match phone.nat {
        "port" => (badge("note", r.port), r.router_silent),
        "router" => {
            let inside = host_of(&phone.contact);
            let values = [("inside", inside), ("outside", phone.address.as_str())];
            (badge("note", &fill(r.router, &values)), r.router_silent)
        }
        "connection" => (badge("good", r.connection), ""),
        _ => (badge("good", r.directly), ""),
    }
}

/// The host and port of a contact: `192.168.1.20:5060` of `sip:1001@192.168.1.20:5060;ob`.
fn host_of(contact: &str) -> &str {
    let plain = contact.split_once(':').map_or(contact, |(_, rest)| rest);
    let plain = plain.split([';', '?']).next().unwrap_or_default();
    plain.rsplit_once('@').map_or(plain, |(_, host)| host)
}

fn number(card: &AgentCard) -> String {
    let written = &card.written;
    let number = written.number.as_ref().filter(|_| written.trunk.is_some());
    let number = number.or(written.extension.as_ref()).map(ToString::to_string);
    number.or_else(|| written.contact.clone()).unwrap_or_default()
}

fn trouble(p: &PhoneWords, why: &AgentTrouble) -> String {
    let t = &p.trouble;
    match why {
        AgentTrouble::InFile => t.in_file.to_owned(),
        AgentTrouble::ExtensionTaken(other) => fill(t.extension_taken, &[("who", other.as_str())]),
        AgentTrouble::NoTrunk => t.no_trunk.to_owned(),
        AgentTrouble::NoPassword => t.no_password.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_host_of_a_contact_stands_alone() {
        for (contact, host) in [
            ("sip:1001@192.168.1.20:5060;ob", "192.168.1.20:5060"),
            ("sip:192.168.1.20", "192.168.1.20"),
            ("sip:a@[fd00::1]:5062?x=y", "[fd00::1]:5062"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(host_of(contact), host);
        }
    }
}
