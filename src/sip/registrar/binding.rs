use crate::model::{self, Number};
use crate::sip::flow::Flow;
use crate::sip::grammar::Elements;
use crate::sip::message::Message;
use crate::sip::text::text;
use crate::sip::uri::Uri;
use crate::sip::write::Quoted;
use std::time::{Duration, Instant};

/// One phone that can be reached under an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub(super) id: u64,
    /// The user part of the address of record.
    pub extension: Number,
    /// The contact URI as the phone gave it: the Request-URI of requests to it.
    pub contact: String,
    /// The way requests to it take.
    pub flow: Flow,
    /// The proxies between us and the phone, to be named in Route in this order (RFC 3327).
    pub path: Vec<String>,
    /// Parameters of the contact as they came, `;` first, without `expires`.
    pub params: String,
    /// Preference in thousandths.
    pub q: u16,
    /// `+sip.instance`: which device it is (RFC 5626).
    pub instance: Option<String>,
    /// `reg-id`: which of the device's flows (RFC 5626).
    pub reg_id: Option<u32>,
    /// What the phone calls itself.
    pub user_agent: Option<String>,
    /// Call-ID of the last REGISTER.
    pub call_id: String,
    /// CSeq of the last REGISTER.
    pub cseq: u32,
    /// When the registration ends.
    pub expires_at: Instant,
}

/// A binding that is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbound {
    /// The user part of the address of record.
    pub extension: Number,
    /// The contact URI.
    pub contact: String,
}

impl From<Binding> for Unbound {
    fn from(binding: Binding) -> Self {
        Self {
            extension: binding.extension,
            contact: binding.contact,
        }
    }
}

impl Binding {
    /// Tells it from every other binding of this run; a refresh keeps it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether a router stands between the phone and us: its packets come from elsewhere than it says it is.
    pub fn is_behind_router(&self) -> bool {
        let Ok(uri) = Uri::parse(self.contact.as_bytes()) else {
            return false;
        };
        let own = uri.host().and_then(|host| host.ip());
        own.is_some_and(|own| own.to_canonical() != self.flow.peer.ip().to_canonical())
    }

    /// What stands between the phone and us, as a word: `none`, `port` where a router changes the port alone, `router`
    /// where packets come from another address than the phone says it has, `connection` where that does not matter,
    /// because the phone keeps a stream open.
    pub fn nat(&self) -> &'static str {
        let Ok(uri) = Uri::parse(self.contact.as_bytes()) else {
            return "none";
        };
        let named = uri.host().and_then(|host| host.ip());
        let heard = self.flow.peer;
        let is_elsewhere = named.is_none_or(|own| own.to_canonical() != heard.ip().to_canonical());
        match (self.flow.transport.is_reliable(), named) {
            (true, _) if is_elsewhere => "connection",
            (false, Some(_)) if is_elsewhere => "router",
            (false, Some(_)) if uri.port().unwrap_or(5060) != heard.port() => "port",
            (true | false, _) => "none",
        }
    }

    /// The binding as the journal keeps it; `now` is the moment at which the wall clock shows `unix_ms`.
    pub fn journal(&self, now: Instant, unix_ms: i64) -> model::Binding {
        model::Binding {
            extension: self.extension.clone(),
            contact: self.contact.clone(),
            flow: self.way(),
            call_id: self.call_id.clone(),
            cseq: self.cseq,
            q: self.q,
            user_agent: self.user_agent.clone(),
            instance: self.instance.clone(),
            reg_id: self.reg_id,
            expires_at_unix_ms: unix_ms
                .saturating_add(millis(self.expires_at.saturating_duration_since(now))),
        }
    }

    /// The flow and, behind it, the path.
    fn way(&self) -> String {
        let mut way = self.flow.to_string();
        for (place, hop) in self.path.iter().enumerate() {
            way.push_str(if place == 0 { " " } else { ", " });
            way.push_str(hop);
        }
        way
    }

    /// The binding that the journal kept; nothing when it has ended or cannot be read. A wall clock that was set
    /// back meanwhile makes no registration longer than the longest.
    pub(super) fn from_journal(
        id: u64,
        kept: model::Binding,
        now: Instant,
        unix_ms: i64,
        longest: Duration,
    ) -> Option<Self> {
        let left = u64::try_from(kept.expires_at_unix_ms.saturating_sub(unix_ms))
            .ok()
            .filter(|left| *left > 0)?;
        let mut params = String::new();
        if kept.q != 1000 {
            params.push_str(&format!(";q={}.{:03}", kept.q / 1000, kept.q % 1000));
        }
        if let Some(instance) = &kept.instance {
            params.push_str(&format!(";+sip.instance={}", Quoted(instance)));
        }
        if let Some(reg_id) = kept.reg_id {
            params.push_str(&format!(";reg-id={reg_id}"));
        }
        let mut words = kept.flow.splitn(4, ' ');
        let flow: Vec<&str> = words.by_ref().take(3).collect();
        let path = words.next().unwrap_or_default();
        Some(Self {
            path: Elements::of(path.as_bytes())
                .map(|hop| text(hop).into_owned())
                .collect(),
            id,
            extension: kept.extension,
            contact: kept.contact,
            flow: flow.join(" ").parse().ok()?,
            params,
            q: kept.q,
            instance: kept.instance,
            reg_id: kept.reg_id,
            user_agent: kept.user_agent,
            call_id: kept.call_id,
            cseq: kept.cseq,
            expires_at: now + Duration::from_millis(left).min(longest),
        })
    }

    /// A REGISTER of the same Call-ID with no higher CSeq is one that a later one has overtaken (§10.3 step 7).
    pub(super) fn is_overtaken_by(&self, request: &Message<'_>) -> bool {
        self.call_id == request.call_id() && request.cseq().number <= self.cseq
    }

    /// Whether the journal already knows everything but how long it lasts.
    pub(super) fn differs_only_in_time(&self, new: &Self) -> bool {
        self.contact == new.contact
            && self.flow == new.flow
            && self.path == new.path
            && self.q == new.q
            && self.instance == new.instance
            && self.reg_id == new.reg_id
            && self.user_agent == new.user_agent
            && self.call_id == new.call_id
    }

    /// The Contact value of an answer (§10.3 step 8): parameters as they came and the seconds left.
    pub(super) fn as_granted(&self, now: Instant) -> String {
        let left = self.expires_at.saturating_duration_since(now);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        format!("<{}>{};expires={seconds}", self.contact, self.params)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
