//! Answering challenges as a client: RFC 3261 §22.2, §22.3. Only a trunk we have a password for gets an answer, and
//! only for its own realm and to its own address: a callee behind it who challenges would otherwise collect digests
//! of our password.

use super::UserAgent;
use crate::model::{Dice, TrunkName};
use crate::sip::digest::{self, Secret};
use crate::sip::settings::Trunk;
use crate::sip::{Message, Method, Name};
use std::net::IpAddr;

/// A challenge that was answered, to be answered again without being asked (RFC 7616 §3.4.5, `nc`).
#[derive(Debug, Clone)]
pub(super) struct Known {
    name: Name<'static>,
    challenge: String,
    count: u32,
}

/// A challenge, and what we know of who sends it.
pub(super) struct Challenged<'a> {
    /// The trunk that is asked, with its password.
    pub(super) trunk: &'a Trunk,
    /// The only realm that gets an answer, once one is known.
    pub(super) pinned: Option<&'a str>,
    /// From where the challenge came.
    pub(super) source: Option<IpAddr>,
    /// The challenge.
    pub(super) response: &'a Message<'a>,
    /// Of the request that was challenged.
    pub(super) method: Method<'a>,
    /// Its Request-URI.
    pub(super) uri: &'a str,
}

impl Challenged<'_> {
    /// The header that answers it, with its realm; nothing when it is not for us to answer.
    pub(super) fn answer(&self, dice: &mut Dice) -> Option<(Name<'static>, String, Known, String)> {
        let proxy = self.response.status() == Some(407);
        let (asked, name) = if proxy {
            (Name::ProxyAuthenticate, Name::ProxyAuthorization)
        } else {
            (Name::WwwAuthenticate, Name::Authorization)
        };
        if !self.source.is_some_and(|source| self.trunk.admits(source)) {
            return None;
        }
        let mut challenges = self.response.challenges().ok()?;
        if let Some(pinned) = self.trunk.realm.as_deref().or(self.pinned) {
            challenges.retain(|challenge| challenge.realm_text() == pinned);
        }
        let realm = challenges.first()?.realm_text().into_owned();
        let lines: Vec<_> = self.response.lines(asked).map(crate::sip::text).collect();
        let mut known = Known {
            name,
            challenge: lines.join(", "),
            count: 0,
        };
        let value = known.count_up(self.trunk, &realm, self.method, self.uri, dice)?;
        Some((name, value, known, realm))
    }
}

impl Known {
    fn count_up(
        &mut self,
        trunk: &Trunk,
        realm: &str,
        method: Method<'_>,
        uri: &str,
        dice: &mut Dice,
    ) -> Option<String> {
        let secret = trunk.credentials.as_ref()?;
        self.count = self.count.checked_add(1)?;
        let cnonce = dice.token();
        let mut challenges = crate::sip::Challenge::parse(self.challenge.as_bytes()).ok()?;
        challenges.retain(|challenge| challenge.realm_text() == realm);
        let password = Secret::Password(&secret.password);
        digest::answer(
            &challenges,
            &secret.username,
            password,
            method,
            uri,
            self.count,
            &cnonce,
        )
    }
}

impl UserAgent {
    /// The credentials for a challenge of this trunk; nothing when it is not for us to answer.
    pub(super) fn credentials_for(
        &mut self,
        trunk: &TrunkName,
        response: &Message<'_>,
        method: Method<'_>,
        uri: &str,
    ) -> Option<(Name<'static>, String, Known)> {
        let own = self.settings.trunks.iter().find(|own| own.name == *trunk)?;
        let challenged = Challenged {
            trunk: own,
            pinned: self.realms.get(trunk).map(String::as_str),
            source: self.heard_from,
            response,
            method,
            uri,
        };
        let (name, value, known, realm) = challenged.answer(&mut self.dice)?;
        self.realms.entry(trunk.clone()).or_insert(realm);
        Some((name, value, known))
    }

    /// The credentials for a challenge that has been answered before, its nonce used once more.
    pub(super) fn credentials_again(
        &mut self,
        trunk: &TrunkName,
        known: &mut Known,
        method: Method<'_>,
        uri: &str,
    ) -> Option<(Name<'static>, String)> {
        let own = self.settings.trunks.iter().find(|own| own.name == *trunk)?;
        let realm = own.realm.as_ref().or(self.realms.get(trunk))?;
        let value = known.count_up(own, realm, method, uri, &mut self.dice)?;
        Some((known.name, value))
    }
}
