//! Answering challenges as a client: RFC 3261 §22.2, §22.3. Only a trunk we have a password for gets an answer, and
//! only for its own realm and to its own address: a callee behind it who challenges would otherwise collect digests
//! of our password.

use super::UserAgent;
use crate::model::TrunkName;
use crate::sip::digest::{self, Secret};
use crate::sip::{Message, Method, Name};

/// A challenge that was answered, to be answered again without being asked (RFC 7616 §3.4.5, `nc`).
#[derive(Debug, Clone)]
pub(super) struct Known {
    name: Name<'static>,
    challenge: String,
    count: u32,
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
        let proxy = response.status() == Some(407);
        let (asked, name) = if proxy {
            (Name::ProxyAuthenticate, Name::ProxyAuthorization)
        } else {
            (Name::WwwAuthenticate, Name::Authorization)
        };
        let own = self.settings.trunks.iter().find(|own| own.name == *trunk)?;
        if !self.heard_from.is_some_and(|source| own.admits(source)) {
            return None;
        }
        let mut challenges = response.challenges().ok()?;
        if let Some(pinned) = own.realm.as_ref().or(self.realms.get(trunk)) {
            challenges.retain(|challenge| challenge.realm_text() == pinned.as_str());
        }
        let realm = challenges.first()?.realm_text().into_owned();
        let lines: Vec<_> = response.lines(asked).map(crate::sip::text).collect();
        let mut known = Known {
            name,
            challenge: lines.join(", "),
            count: 0,
        };
        let value = self.count_up(trunk, &mut known, &realm, method, uri)?;
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
        let realm = own.realm.as_ref().or(self.realms.get(trunk))?.clone();
        let value = self.count_up(trunk, known, &realm, method, uri)?;
        Some((known.name, value))
    }

    fn count_up(
        &mut self,
        trunk: &TrunkName,
        known: &mut Known,
        realm: &str,
        method: Method<'_>,
        uri: &str,
    ) -> Option<String> {
        let own = self.settings.trunks.iter().find(|own| own.name == *trunk)?;
        let secret = own.credentials.as_ref()?;
        known.count = known.count.checked_add(1)?;
        let cnonce = self.dice.token();
        let mut challenges = crate::sip::Challenge::parse(known.challenge.as_bytes()).ok()?;
        challenges.retain(|challenge| challenge.realm_text() == realm);
        let password = Secret::Password(&secret.password);
        digest::answer(
            &challenges,
            &secret.username,
            password,
            method,
            uri,
            known.count,
            &cnonce,
        )
    }
}
