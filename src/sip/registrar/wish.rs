use super::target;
use super::{Binding, Refusal, RegistrationTimes};
use crate::model::Number;
use crate::sip::fault::Fault;
use crate::sip::flow::Flow;
use crate::sip::headers::{Contact, Contacts};
use crate::sip::limits;
use crate::sip::message::Message;
use crate::sip::name::Name;
use crate::sip::text::text;
use crate::sip::uri::Uri;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What a REGISTER asks for.
pub(super) enum Ask {
    /// No contact: which contacts are there (§10.2.3)?
    Look,
    /// `Contact: *` with `Expires: 0` (§10.2.2).
    RemoveAll,
    /// These contacts, added, refreshed or removed (§10.2.1, §10.2.4).
    Change(Vec<Wish>),
}

/// One contact that a REGISTER names.
pub(super) struct Wish {
    contact: String,
    params: String,
    way: Flow,
    path: Vec<String>,
    q: u16,
    instance: Option<String>,
    reg_id: Option<u32>,
    user_agent: Option<String>,
    call_id: String,
    cseq: u32,
    /// For how long; 0 removes it.
    pub(super) seconds: u64,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::new(fault.status, fault.to_string())
    }
}

impl Ask {
    pub(super) fn read(
        request: &Message<'_>,
        flow: &Flow,
        times: &RegistrationTimes,
    ) -> Result<Self, Refusal> {
        let expires = request.expires()?;
        let list = match request.contacts()? {
            Contacts::All if expires == Some(0) => return Ok(Self::RemoveAll),
            Contacts::All => return Err(Refusal::new(400, "Bad Contact: * without Expires 0")),
            Contacts::List(list) => list,
        };
        if list.len() > limits::CONTACTS {
            return Err(Refusal::new(403, "Too Many Contacts"));
        }
        if list.is_empty() {
            return Ok(Self::Look);
        }
        let path = path_of(request)?;
        let wishes = list
            .iter()
            .map(|contact| Wish::read(contact, expires, &path, request, flow, times));
        wishes.collect::<Result<_, _>>().map(Self::Change)
    }
}

impl Wish {
    fn read(
        contact: &Contact<'_>,
        expires: Option<u32>,
        path: &[String],
        request: &Message<'_>,
        flow: &Flow,
        times: &RegistrationTimes,
    ) -> Result<Self, Refusal> {
        let seconds = granted(contact.expires().or(expires), times)?;
        let uri = contact.uri();
        if seconds > 0 {
            target::check(&uri, flow)?;
        }
        Ok(Self {
            contact: uri.text().into_owned(),
            params: echoed(contact),
            way: target::way(&uri, request.top_via(), flow),
            path: path.to_vec(),
            q: contact.q(),
            instance: contact.instance(),
            reg_id: contact.reg_id(),
            user_agent: request.user_agent().map(|name| name.into_owned()),
            call_id: request.call_id().to_owned(),
            cseq: request.cseq().number,
            seconds,
        })
    }

    /// Whether it means this binding: the same URI by §19.1.4, or the same flow of the same device (RFC 5626 §6).
    pub(super) fn is_about(&self, binding: &Binding) -> bool {
        // One that the journal kept no longer knows which of the device's flows it was.
        let same_flow = self.reg_id == binding.reg_id || binding.reg_id.is_none();
        let device = self.instance.is_some() && self.instance == binding.instance && same_flow;
        device || is_same(&self.contact, &binding.contact)
    }

    pub(super) fn binding(self, id: u64, extension: &Number, now: Instant) -> Binding {
        Binding {
            id,
            extension: extension.clone(),
            contact: self.contact,
            flow: self.way,
            path: self.path,
            params: self.params,
            q: self.q,
            instance: self.instance,
            reg_id: self.reg_id,
            user_agent: self.user_agent,
            call_id: self.call_id,
            cseq: self.cseq,
            expires_at: now + Duration::from_secs(self.seconds),
        }
    }
}

/// The hops a REGISTER came through, as they have to be named on the way back (RFC 3327 §5.3).
fn path_of(request: &Message<'_>) -> Result<Vec<String>, Refusal> {
    let hops: Vec<String> = request
        .path()?
        .iter()
        .map(|hop| text(hop.raw).into_owned())
        .collect();
    if hops.len() > limits::PATH {
        return Err(Refusal::new(403, "Path Too Long"));
    }
    Ok(hops)
}

/// How many contacts there will be when these wishes have been carried out, at most.
pub(super) fn contacts_after(alive: &[&Binding], wishes: &[Wish]) -> usize {
    let untouched = alive
        .iter()
        .filter(|binding| !wishes.iter().any(|wish| wish.is_about(binding)))
        .count();
    let wanted = wishes.iter().filter(|wish| wish.seconds > 0);
    untouched + wanted.count()
}

/// Step 7: how long this contact is granted; an expiry between 0 and the shortest is refused, for the phone to
/// ask again.
fn granted(wanted: Option<u32>, times: &RegistrationTimes) -> Result<u64, Refusal> {
    let wanted = wanted.map_or(times.default, |seconds| Duration::from_secs(seconds.into()));
    if wanted > Duration::ZERO && wanted < times.min {
        let shortest = vec![(Name::MinExpires, times.min.as_secs().to_string())];
        return Err(Refusal {
            headers: shortest,
            ..Refusal::new(423, "Interval Too Brief")
        });
    }
    Ok(wanted.min(times.max).as_secs())
}

/// The contact's parameters as they are to be repeated: all but the expiry, which we decide.
fn echoed(contact: &Contact<'_>) -> String {
    let mut params = String::new();
    for param in contact
        .0
        .params
        .iter()
        .filter(|param| !param.name.eq_ignore_ascii_case("expires"))
    {
        // Writing to a string cannot fail.
        let _ = match param.raw {
            Some(value) => write!(params, ";{}={}", param.name, text(value)),
            None => write!(params, ";{}", param.name),
        };
    }
    params
}

fn is_same(one: &str, two: &str) -> bool {
    match (Uri::parse(one.as_bytes()), Uri::parse(two.as_bytes())) {
        (Ok(first), Ok(second)) => first.is_same(&second),
        (_, Err(_)) | (Err(_), _) => one == two,
    }
}
