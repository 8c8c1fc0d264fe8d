//! Who calls, as a phone or a trunk is told: From, P-Asserted-Identity (RFC 3325), Remote-Party-ID, Privacy (RFC 3323).

use super::{Invitation, UserAgent};
use crate::model::TrunkName;
use crate::sip::{Address, CallerId, Name, UserPart};

/// The parts of an INVITE that say who calls.
#[derive(Debug)]
pub(super) struct Identity {
    /// From without its tag.
    pub(super) from: String,
    /// The user part of our Contact.
    pub(super) contact_user: String,
    /// Further headers.
    pub(super) headers: Vec<(Name<'static>, String)>,
}

/// What an anonymous caller's From is (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

impl UserAgent {
    /// How an invitation names its caller on this way.
    pub(super) fn identity(&self, invitation: &Invitation, trunk: Option<&TrunkName>) -> Identity {
        let trunk = trunk.and_then(|name| self.settings.trunks.iter().find(|own| own.name == *name));
        let name = invitation.caller_name.as_deref();
        let number = match trunk {
            Some(trunk) => trunk.manners.number_form.write(invitation.caller_number.as_str()),
            None => invitation.caller_number.as_str().to_owned(),
        };
        let uri = format!("sip:{}@{}", UserPart(&number), self.settings.realm);
        let shown = address(name, &uri);
        let Some(trunk) = trunk else {
            let from = if invitation.hidden {
                ANONYMOUS.to_owned()
            } else {
                shown
            };
            let contact_user = if invitation.hidden {
                "anonymous".to_owned()
            } else {
                number
            };
            return Identity {
                from,
                contact_user,
                headers: Vec::new(),
            };
        };
        // A carrier that takes the number from a header of its own wants our account in From.
        let account = trunk.credentials.as_ref().map(|_| trunk.address_of_record());
        let hidden = invitation.hidden && trunk.manners.hides;
        let mut headers = Vec::new();
        match trunk.manners.caller_id {
            CallerId::From => {}
            CallerId::AssertedIdentity => headers.push((Name::PAssertedIdentity, shown.clone())),
            CallerId::RemotePartyId => {
                let privacy = if hidden { "full" } else { "off" };
                let value = format!("{shown};party=calling;privacy={privacy};screen=yes");
                headers.push((Name::RemotePartyId, value));
            }
        }
        if hidden {
            if trunk.manners.caller_id == CallerId::From {
                headers.push((Name::PAssertedIdentity, shown.clone()));
            }
            headers.push((Name::Privacy, "id".to_owned()));
        }
        let from = match (hidden, trunk.manners.caller_id, account) {
            (true, _, _) => ANONYMOUS.to_owned(),
            (false, CallerId::AssertedIdentity | CallerId::RemotePartyId, Some(account)) => {
                address(name, &account)
            }
            (false, CallerId::From | CallerId::AssertedIdentity | CallerId::RemotePartyId, _) => shown,
        };
        let user = trunk.user();
        let contact_user = match (hidden, trunk.register && !user.is_empty()) {
            (true, _) => "anonymous".to_owned(),
            // A registrar knows us by the contact we registered.
            (false, true) => user.to_owned(),
            (false, false) => number,
        };
        Identity {
            from,
            contact_user,
            headers,
        }
    }
}

fn address(display: Option<&str>, uri: &str) -> String {
    let address = Address {
        display,
        uri,
        tag: None,
    };
    address.to_string()
}
