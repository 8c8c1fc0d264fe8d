//! One message: RFC 3261 §7. Read once, copied never: headers are spans of the packet, types are made when
//! asked for. What every receiver needs — Via, From, To, Call-ID, CSeq — is read and checked at once, so that
//! a [`Message`] in hand is one that can be answered.

use super::fault::Fault;
use super::grammar::Elements;
use super::headers::{
    self, Accept, CSeq, Challenge, Contacts, ContentType, Credentials, Diversion, EventPackage, HistoryInfo,
    Join, NameAddr, Privacy, RAck, Reason, ReferTo, ReferredBy, Replaces, RetryAfter, SessionExpires,
    SubscriptionState, Via, Warning, delta_seconds, tokens,
};
use super::malformed::Malformed;
use super::method::Method;
use super::multipart;
use super::name::Name;
use super::reading::Reading;
use super::start_line::StartLine;
use super::text::{text, unquote};
use super::uri::Uri;
use std::borrow::Cow;
use std::fmt;

/// A header line: its name and its value, white space at the ends removed and folds as they came.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Which header.
    pub name: Name<'a>,
    /// Its value.
    pub value: &'a [u8],
}

/// A message that can be answered.
#[derive(Clone)]
pub struct Message<'a> {
    pub(super) start: StartLine<'a>,
    pub(super) headers: Vec<Header<'a>>,
    pub(super) via: Via<'a>,
    pub(super) from: NameAddr<'a>,
    pub(super) to: NameAddr<'a>,
    pub(super) call_id: &'a str,
    pub(super) cseq: CSeq<'a>,
    pub(super) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram, or one message out of a stream.
    ///
    /// Bytes behind the Content-Length are cut off, a body shorter than it is an error, and without one the
    /// body is what is left (§18.3). The error knows whether and how to answer.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed<'a>> {
        Reading::read(bytes).finish()
    }

    /// The first line.
    pub fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// Whether it asks.
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The method: of a request its own, of a response that of the request (both stand in CSeq).
    pub fn method(&self) -> Method<'a> {
        self.cseq.method
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> Option<Uri<'a>> {
        match self.start {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Response { .. } => None,
        }
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(status),
        }
    }

    /// The topmost Via: the hop before us (§20.42).
    pub fn top_via(&self) -> &Via<'a> {
        &self.via
    }

    /// Who asks (§20.20). RFC 2543 peers send no tag.
    pub fn from(&self) -> &NameAddr<'a> {
        &self.from
    }

    /// Who is asked (§20.39).
    pub fn to(&self) -> &NameAddr<'a> {
        &self.to
    }

    /// The Call-ID (§20.8).
    pub fn call_id(&self) -> &'a str {
        self.call_id
    }

    /// The CSeq (§20.16). Of a request, its method is the request's.
    pub fn cseq(&self) -> CSeq<'a> {
        self.cseq
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// All header lines in their order.
    pub fn headers(&self) -> &[Header<'a>] {
        &self.headers
    }

    /// The first line of that name as it came.
    pub fn header(&self, name: Name<'_>) -> Option<&'a [u8]> {
        self.lines(name).next()
    }

    /// The first line of that name as text: unfolded, UTF-8 or Latin-1.
    pub fn text(&self, name: Name<'_>) -> Option<Cow<'a, str>> {
        self.header(name).map(text)
    }

    /// Every line of that name as it came.
    pub fn lines(&self, name: Name<'_>) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |header| header.name == name)
            .map(|header| header.value)
    }

    /// Every element of a list header, however they are spread over lines (§7.3.1).
    pub fn values(&self, name: Name<'_>) -> impl Iterator<Item = &'a [u8]> {
        self.lines(name).flat_map(Elements::of)
    }

    /// Every hop, the nearest first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'a>, Fault>> {
        self.values(Name::Via)
            .map(|value| Via::parse(value).map_err(|problem| Fault::header(Name::Via, problem)))
    }

    /// The contacts (§20.10).
    pub fn contacts(&self) -> Result<Contacts<'a>, Fault> {
        Contacts::parse(self.lines(Name::Contact)).map_err(|problem| Fault::header(Name::Contact, problem))
    }

    /// The one contact of an INVITE, a 2xx and everything else that names a dialog's target.
    pub fn contact_uri(&self) -> Result<Option<Uri<'a>>, Fault> {
        let first = self.values(Name::Contact).next().map(NameAddr::parse).transpose();
        let first = first.map_err(|problem| Fault::header(Name::Contact, problem))?;
        Ok(first.map(|contact| contact.uri))
    }

    /// The way a request still has to go (§20.34).
    pub fn routes(&self) -> Result<Vec<NameAddr<'a>>, Fault> {
        self.list(Name::Route, headers::hop)
    }

    /// The proxies that want to stay in the way (§20.30).
    pub fn record_routes(&self) -> Result<Vec<NameAddr<'a>>, Fault> {
        self.list(Name::RecordRoute, headers::hop)
    }

    /// The proxies between a registrar and a phone, the nearest to the registrar first (RFC 3327 §3).
    pub fn path(&self) -> Result<Vec<NameAddr<'a>>, Fault> {
        self.list(Name::Path, headers::hop)
    }

    /// Who a trusted neighbour says it is (RFC 3325 §9.1).
    pub fn p_asserted_identity(&self) -> Result<Vec<NameAddr<'a>>, Fault> {
        headers::identities(self.values(Name::PAssertedIdentity))
            .map_err(|problem| Fault::header(Name::PAssertedIdentity, problem))
    }

    /// Who forwarded the call, the last one first (RFC 5806).
    pub fn diversions(&self) -> Result<Vec<Diversion<'a>>, Fault> {
        self.list(Name::Diversion, Diversion::parse)
    }

    /// The stations of the call on its way here, the first one first (RFC 7044).
    pub fn history(&self) -> Result<Vec<HistoryInfo<'a>>, Fault> {
        self.list(Name::HistoryInfo, HistoryInfo::parse)
    }

    /// Every address of a list header such as P-Associated-URI or Remote-Party-ID.
    pub fn addresses(&self, name: Name<'_>) -> Result<Vec<NameAddr<'a>>, Fault> {
        self.list(name, NameAddr::parse)
    }

    /// Where a REFER points (RFC 3515 §2.1).
    pub fn refer_to(&self) -> Result<Option<ReferTo<'a>>, Fault> {
        self.single(Name::ReferTo, ReferTo::parse)
    }

    /// On whose behalf (RFC 3892 §3).
    pub fn referred_by(&self) -> Result<Option<ReferredBy<'a>>, Fault> {
        self.single(Name::ReferredBy, ReferredBy::parse)
    }

    /// The dialog this INVITE takes the place of (RFC 3891 §6.1).
    pub fn replaces(&self) -> Result<Option<Replaces<'a>>, Fault> {
        self.single(Name::Replaces, Replaces::parse)
    }

    /// The dialog this INVITE wants to be mixed into (RFC 3911 §7.1).
    pub fn join(&self) -> Result<Option<Join<'a>>, Fault> {
        self.single(Name::Join, Join::parse)
    }

    /// What a SUBSCRIBE, NOTIFY or PUBLISH is about (RFC 6665 §8.2.1).
    pub fn event(&self) -> Result<Option<EventPackage<'a>>, Fault> {
        self.single(Name::Event, EventPackage::parse)
    }

    /// How a subscription stands (RFC 6665 §8.2.3).
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState<'a>>, Fault> {
        self.single(Name::SubscriptionState, SubscriptionState::parse)
    }

    /// For how long the session lives unless it is refreshed (RFC 4028 §4).
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, Fault> {
        self.single(Name::SessionExpires, SessionExpires::parse)
    }

    /// The shortest session time somebody on the way takes, in seconds (RFC 4028 §5).
    pub fn min_se(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::MinSe, headers::min_se)
    }

    /// How many hops are left (§20.22); 0–255.
    pub fn max_forwards(&self) -> Result<Option<u8>, Fault> {
        self.single(Name::MaxForwards, |value| {
            headers::small(value, u32::from(u8::MAX))
                .and_then(|hops| u8::try_from(hops).map_err(|_| "too large"))
        })
    }

    /// Seconds until a registration, subscription or invitation ends (§20.19).
    pub fn expires(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::Expires, delta_seconds)
    }

    /// The least seconds a registrar grants (§20.23).
    pub fn min_expires(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::MinExpires, delta_seconds)
    }

    /// When to try again (§20.33).
    pub fn retry_after(&self) -> Result<Option<RetryAfter>, Fault> {
        self.single(Name::RetryAfter, RetryAfter::parse)
    }

    /// The number of a reliable provisional response (RFC 3262 §7.1).
    pub fn rseq(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::RSeq, |value| headers::small(value, u32::MAX))
    }

    /// What a PRACK acknowledges (RFC 3262 §7.2).
    pub fn rack(&self) -> Result<Option<RAck<'a>>, Fault> {
        self.single(Name::RAck, RAck::parse)
    }

    /// What the body is (§20.15).
    pub fn content_type(&self) -> Result<Option<ContentType<'a>>, Fault> {
        self.single(Name::ContentType, headers::content_type)
    }

    /// Why, one value a protocol (RFC 3326).
    pub fn reasons(&self) -> Result<Vec<Reason<'a>>, Fault> {
        self.list(Name::Reason, Reason::parse)
    }

    /// What else is said about a response (§20.43).
    pub fn warnings(&self) -> Result<Vec<Warning<'a>>, Fault> {
        self.list(Name::Warning, Warning::parse)
    }

    /// Whether the sender takes bodies of this type. Who does not say takes SDP (§20.1); an empty Accept takes none.
    pub fn accepts(&self, kind: &str) -> Result<bool, Fault> {
        if self.header(Name::Accept).is_none() {
            return Ok(kind.eq_ignore_ascii_case("application/sdp"));
        }
        let ranges = self.list(Name::Accept, Accept::parse)?;
        Ok(ranges.iter().any(|range| range.takes(kind)))
    }

    /// The body of this type: the whole body, or the part of it that is (RFC 5621). Nothing when there is none. 415
    /// when a part that may not be passed over is of another type, or the body is encoded.
    pub fn part(&self, kind: &str) -> Result<Option<&'a [u8]>, Fault> {
        if self.body.is_empty() {
            return Ok(None);
        }
        let mut encodings = self.tokens(Name::ContentEncoding);
        if encodings.any(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(Fault {
                status: 415,
                ..Fault::header(Name::ContentEncoding, "an unknown one")
            });
        }
        match self.content_type()? {
            Some(found) => multipart::find(kind, &found, self.body, 0),
            None => Ok(None),
        }
    }

    /// Tokens of a list header: Require, Supported, Allow, Unsupported, Proxy-Require, Privacy.
    pub fn tokens(&self, name: Name<'_>) -> impl Iterator<Item = &'a str> {
        self.lines(name).flat_map(tokens)
    }

    /// Extensions without which the request may not be served (§20.32).
    pub fn require(&self) -> impl Iterator<Item = &'a str> {
        self.tokens(Name::Require)
    }

    /// Whether the sender knows this extension (§20.37); naming it in Require says so too.
    pub fn supports(&self, extension: &str) -> bool {
        let mut named = self.tokens(Name::Supported).chain(self.require());
        named.any(|token| token.eq_ignore_ascii_case(extension))
    }

    /// Whether the sender takes requests of this method (§20.5); nothing when it did not say.
    pub fn allows(&self, method: Method<'_>) -> Option<bool> {
        self.header(Name::Allow)?;
        Some(
            self.tokens(Name::Allow)
                .any(|token| Method::from_token(token) == method),
        )
    }

    /// What the sender wants hidden (RFC 3323 §4.2).
    pub fn privacy(&self) -> Result<Option<Privacy<'a>>, Fault> {
        self.single(Name::Privacy, Privacy::parse)
    }

    /// Whether the sender asks for this kind of privacy, however badly it says so: `id`, `header`, `user`, … (RFC 3323 §4.2).
    pub fn wants_privacy(&self, kind: &str) -> bool {
        self.tokens(Name::Privacy)
            .any(|token| token.eq_ignore_ascii_case(kind))
    }

    /// What the sender calls itself: User-Agent of a request, Server of a response (§20.35, §20.41).
    pub fn user_agent(&self) -> Option<Cow<'a, str>> {
        self.text(Name::UserAgent).or_else(|| self.text(Name::Server))
    }

    /// The Digest credentials for this realm (§20.7); those for other realms and schemes are passed over.
    pub fn authorization(&self, realm: &str) -> Result<Option<Credentials<'a>>, Fault> {
        self.credentials(Name::Authorization, realm)
    }

    /// The Digest credentials for this realm that a proxy is meant to read (§20.28).
    pub fn proxy_authorization(&self, realm: &str) -> Result<Option<Credentials<'a>>, Fault> {
        self.credentials(Name::ProxyAuthorization, realm)
    }

    fn credentials(&self, name: Name<'_>, realm: &str) -> Result<Option<Credentials<'a>>, Fault> {
        for line in self.lines(name) {
            let found = Credentials::parse(line).map_err(|problem| Fault::header(name, problem))?;
            if let Some(found) = found.filter(|found| unquote(found.realm) == realm) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The Digest challenges of a 401 (WWW-Authenticate) or a 407 (Proxy-Authenticate), the server's favourite first.
    pub fn challenges(&self) -> Result<Vec<Challenge<'a>>, Fault> {
        let proxy = self.status() == Some(407);
        let name = if proxy {
            Name::ProxyAuthenticate
        } else {
            Name::WwwAuthenticate
        };
        let mut all = Vec::new();
        for line in self.lines(name) {
            all.extend(Challenge::parse(line).map_err(|problem| Fault::header(name, problem))?);
        }
        Ok(all)
    }

    /// Every value of a list header (§7.3.1).
    fn list<T>(
        &self,
        name: Name<'_>,
        read: impl Fn(&'a [u8]) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, Fault> {
        let read = |value| read(value).map_err(|problem| Fault::header(name, problem));
        self.values(name).map(read).collect()
    }

    /// A header that may stand only once (§7.3.1).
    fn single<T>(
        &self,
        name: Name<'_>,
        read: impl FnOnce(&'a [u8]) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Fault> {
        let mut lines = self.lines(name);
        let Some(value) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() {
            return Err(Fault::header(name, "more than one"));
        }
        read(value)
            .map(Some)
            .map_err(|problem| Fault::header(name, problem))
    }
}

/// The first line and whose call it is; nothing secret.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            StartLine::Request { method, uri } => write!(out, "{method} {uri}")?,
            StartLine::Response { status, .. } => write!(out, "{status} ({})", self.cseq.method)?,
        }
        write!(out, " [{} {}]", self.call_id, self.cseq.number)
    }
}
