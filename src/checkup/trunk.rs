//! The way to a trunk, step by step: its name, the connection, TLS, OPTIONS, and a REGISTER that asks who is registered.

use super::alg;
use super::asking::{Asked, Asker, Stream, Wire, bracketed};
use super::network::{Seen, about_translation};
use super::reach::{Silence, connection, datagrams, own_address, silence};
use super::report::in_ms;
use super::{Area, Line, Step, TrunkWanted, Wanted, Whom};
use crate::egress::Egress;
use crate::model::Dice;
use crate::net::{CertificateFacts, Dns};
use crate::sip::{Framer, Message, Method, Name, Query, ResolveError, Target, Transport, Trunk, digest};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A server that takes a connection does so within this.
const CONNECTING: Duration = Duration::from_secs(5);
/// So many addresses of one name are tried.
const MOST_TARGETS: usize = 3;
/// Padding that makes a message longer than what one packet holds, and one that fits into every network's packets
/// (RFC 3261 §18.1.1).
const LONG: usize = 2000;
const SHORT: usize = 800;
/// An answer that takes longer is heard in a conversation.
const SLOW: Duration = Duration::from_millis(250);
/// So long before its end a certificate is worth a line.
const SOON_MS: i64 = 21 * 24 * 3600 * 1000;

/// Everything about one trunk.
pub(super) async fn look(
    wanted: &Wanted,
    own: &TrunkWanted,
    egress: &Egress,
    dns: &Dns,
    dice: Dice,
) -> Vec<Line> {
    let mut walk = Walk {
        wanted,
        trunk: &own.trunk,
        steps: Vec::new(),
        dice,
        begun: (wanted.now)(),
    };
    match walk.go(own, egress, dns).await {
        Ok(lines) => lines,
        Err(line) => vec![*line],
    }
}

struct Walk<'a> {
    wanted: &'a Wanted,
    trunk: &'a Trunk,
    steps: Vec<Step>,
    dice: Dice,
    begun: Instant,
}

/// What the end of a walk looks like when it was cut short.
type Stop = Box<Line>;

impl Walk<'_> {
    async fn go(&mut self, own: &TrunkWanted, egress: &Egress, dns: &Dns) -> Result<Vec<Line>, Stop> {
        let targets = self.find(dns).await?;
        let (target, mut wire, mut asker, certificate) = self.connect(&targets, own, egress).await?;
        let (asked, answer) = self.options(&target, &mut wire, &mut asker).await?;
        let message = Message::parse(&answer).map_err(|_| self.unreadable(&target))?;
        let status = message.status().unwrap_or_default();
        let way = alg::judge(&asker, &asked, target.address.ip(), &message);
        let seen = Seen {
            from: asker.local.ip(),
            by_trunk: message
                .top_via()
                .received()
                .or_else(|| message.top_via().rport().map(|_| asker.local.ip())),
            trunk: target.address.ip(),
        };
        let who = product(&message);
        let mut lines = vec![alg::about(self.name(), &way)];
        lines.push(about_translation(&seen, self.name(), self.wanted.advertised));
        if target.transport == Transport::Udp {
            lines.push(self.long_messages(&mut wire, &mut asker).await);
        }
        lines.extend(certificate.and_then(|facts| about_end(self.name(), &facts, (self.wanted.unix_ms)())));
        let trunk = if self.trunk.register && self.trunk.credentials.is_some() {
            self.register(&target, &mut wire, &mut asker, &who).await?
        } else {
            self.answers(status, &target, &who)
        };
        lines.insert(0, self.ending(trunk));
        Ok(lines)
    }

    fn name(&self) -> &str {
        self.trunk.name.as_str()
    }

    fn now(&self) -> Instant {
        (self.wanted.now)()
    }

    fn took_since(&self, then: Instant) -> Duration {
        self.now().saturating_duration_since(then)
    }

    fn step(&mut self, step: &'static str, ok: bool, since: Instant, text: impl Into<String>) {
        let ms = in_ms(self.took_since(since));
        self.steps.push(Step {
            step,
            ok,
            ms,
            text: text.into(),
        });
    }

    /// A line with the steps that led to it, and the time they took.
    fn ending(&mut self, line: Line) -> Line {
        let took = self.took_since(self.begun);
        line.took(took).by_way_of(std::mem::take(&mut self.steps))
    }

    fn stop(&mut self, text: impl Into<String>, cure: &str, whom: Whom) -> Stop {
        let line = Line::fail(Area::Trunk, self.name(), text, cure, whom);
        Box::new(self.ending(line))
    }

    fn unreadable(&mut self, target: &Target) -> Stop {
        let (text, cure, whom) = Silence::Garbled.in_words(target.address, target.transport);
        self.stop(text, cure, whom)
    }

    async fn find(&mut self, dns: &Dns) -> Result<Vec<Target>, Stop> {
        let bare = self.trunk.host.trim_matches(['[', ']']);
        if let Ok(address) = bare.parse::<IpAddr>() {
            let transport = self.trunk.transport.unwrap_or(Transport::Udp);
            let port = self.trunk.port.unwrap_or_else(|| transport.default_port());
            return Ok(vec![Target {
                address: SocketAddr::new(address, port),
                transport,
                priority: 0,
                weight: 0,
            }]);
        }
        let since = self.now();
        let query = Query {
            token: 0,
            host: self.trunk.host.clone(),
            port: self.trunk.port,
            transport: self.trunk.transport,
        };
        let (found, _) = dns.ask(&query).await;
        match found {
            Ok(mut targets) => {
                targets.sort_by_key(|target| target.priority);
                targets.truncate(MOST_TARGETS);
                let shown: Vec<String> = targets
                    .iter()
                    .map(|target| format!("{}://{}", target.transport.as_str(), target.address))
                    .collect();
                self.step("dns", true, since, shown.join(", "));
                Ok(targets)
            }
            Err(error) => {
                let host = self.trunk.host.clone();
                self.step("dns", false, since, error.to_string());
                let (cure, whom) = match error {
                    ResolveError::NoSuchName => (
                        "look at `host` of the trunk: the name is misspelt or has no address",
                        Whom::Box,
                    ),
                    ResolveError::NoAnswer => ("look after DNS: see the line `dns`", Whom::Network),
                };
                Err(self.stop(format!("the name {host} leads nowhere: {error}"), cure, whom))
            }
        }
    }

    /// The first target that takes a connection.
    async fn connect(
        &mut self,
        targets: &[Target],
        own: &TrunkWanted,
        egress: &Egress,
    ) -> Result<(Target, Wire, Asker, Option<CertificateFacts>), Stop> {
        let mut last = None;
        for target in targets {
            match self.connect_to(target, own, egress).await {
                Ok((wire, local, certificate)) => {
                    let asker = Asker::new(target.transport, local, &mut self.dice);
                    return Ok((*target, wire, asker, certificate));
                }
                Err(stop) => last = Some(stop),
            }
        }
        Err(last.unwrap_or_else(|| {
            let host = self.trunk.host.clone();
            self.stop(
                format!("{host} has no address"),
                "look at `host` of the trunk",
                Whom::Box,
            )
        }))
    }

    async fn connect_to(
        &mut self,
        target: &Target,
        own: &TrunkWanted,
        egress: &Egress,
    ) -> Result<(Wire, SocketAddr, Option<CertificateFacts>), Stop> {
        let (at, transport, since) = (target.address, target.transport, self.now());
        let from = own_address(self.wanted, transport, at);
        if transport == Transport::Udp {
            return match datagrams(from, at).await {
                Ok((socket, local)) => Ok((Wire::Udp(socket), local, None)),
                Err(error) => Err(self.no_connection("connect", since, target, &silence(&error))),
            };
        }
        let stream = match timeout(CONNECTING, connection(from, at)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.no_connection("connect", since, target, &silence(&error))),
            Err(_) => return Err(self.no_connection("connect", since, target, &Silence::NoAnswer)),
        };
        let local = stream.local_addr().unwrap_or(from);
        self.step("connect", true, since, at.to_string());
        if transport != Transport::Tls {
            return Ok((Wire::Stream(Box::new(stream), Framer::new()), local, None));
        }
        let since = self.now();
        let shaken = match &own.trust {
            Ok(trust) => egress
                .tls(stream, &self.trunk.host, trust)
                .await
                .map_err(|trouble| trouble.to_string()),
            Err(problem) => Err(problem.clone()),
        };
        match shaken {
            Ok(stream) => {
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let facts = shown.and_then(CertificateFacts::of);
                let text = facts
                    .as_ref()
                    .map_or_else(String::new, |facts| facts.subject.clone());
                self.step("tls", true, since, text);
                let stream: Box<dyn Stream> = Box::new(stream);
                Ok((Wire::Stream(stream, Framer::new()), local, facts))
            }
            Err(reason) => {
                self.step("tls", false, since, reason.clone());
                let cure = "the trunk's certificate has to be valid now, for the name in `host`, and from an authority the box \
                            knows: see `ca_file` and `tls_pin`; the clock has to be right";
                Err(self.stop(format!("TLS with {at} fails: {reason}"), cure, Whom::Pbx))
            }
        }
    }

    fn no_connection(
        &mut self,
        step: &'static str,
        since: Instant,
        target: &Target,
        silence: &Silence,
    ) -> Stop {
        let (text, cure, whom) = silence.in_words(target.address, target.transport);
        self.step(step, false, since, text.clone());
        self.stop(text, cure, whom)
    }

    async fn options(
        &mut self,
        target: &Target,
        wire: &mut Wire,
        asker: &mut Asker,
    ) -> Result<(Asked, Vec<u8>), Stop> {
        let since = self.now();
        let asked = self.ask_for_options(asker, &[]);
        match wire.ask(&asked, self.wanted.patience).await {
            Ok(answer) => {
                let status = Message::parse(&answer).ok().and_then(|message| message.status());
                self.step("options", true, since, format!("{}", status.unwrap_or_default()));
                Ok((asked, answer))
            }
            Err(silence) => Err(self.no_connection("options", since, target, &silence)),
        }
    }

    fn ask_for_options(&mut self, asker: &mut Asker, more: &[(Name<'_>, &str)]) -> Asked {
        let uri = self.trunk.uri(None);
        let from = format!("sip:callpost@{}", bracketed(asker.local));
        asker.request(Method::Options, &uri, (&from, &uri), more, &mut self.dice)
    }

    fn answers(&self, status: u16, target: &Target, who: &str) -> Line {
        let at = target.address;
        if status == 503 || status == 500 {
            return Line::warn(
                Area::Trunk,
                self.name(),
                format!("{at}{who} is there, but says that it cannot serve now ({status})"),
                "ask the PBX what it lacks",
                Whom::Pbx,
            );
        }
        let round_trip = self.last_ms("options");
        if u128::from(round_trip) > SLOW.as_millis() {
            return Line::warn(
                Area::Trunk,
                self.name(),
                format!("{at}{who} answers OPTIONS ({status}), but only after {round_trip} ms"),
                "so long a way is heard in a conversation: look at the line between the box and the PBX",
                Whom::Network,
            );
        }
        Line::ok(
            Area::Trunk,
            self.name(),
            format!("{at}{who} answers OPTIONS ({status}) in {round_trip} ms"),
        )
    }

    fn last_ms(&self, step: &str) -> u64 {
        self.steps
            .iter()
            .rev()
            .find(|taken| taken.step == step)
            .map_or(0, |taken| taken.ms)
    }

    /// A REGISTER without a contact asks who is registered, and changes nothing (RFC 3261 §10.2.3).
    async fn register(
        &mut self,
        target: &Target,
        wire: &mut Wire,
        asker: &mut Asker,
        who: &str,
    ) -> Result<Line, Stop> {
        let Some(login) = self.trunk.credentials.clone() else {
            return Ok(self.answers(200, target, who));
        };
        let since = self.now();
        let uri = self.trunk.uri(None);
        let aor = self.trunk.address_of_record();
        let mut more: Vec<(Name<'static>, String)> = Vec::new();
        for round in 0..2 {
            let shown: Vec<(Name<'_>, &str)> =
                more.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let asked = asker.request(Method::Register, &uri, (&aor, &aor), &shown, &mut self.dice);
            let answer = match wire.ask(&asked, self.wanted.patience).await {
                Ok(answer) => answer,
                Err(silence) => return Err(self.no_connection("register", since, target, &silence)),
            };
            let message = Message::parse(&answer).map_err(|_| self.unreadable(target))?;
            let status = message.status().unwrap_or_default();
            if !matches!(status, 401 | 407) {
                return self.registered(status, &message, since, target, who);
            }
            if round == 1 {
                self.step("register", false, since, format!("{status} again"));
                let text = format!(
                    "{}{who} refuses user {}: the password is wrong ({status})",
                    target.address, login.username
                );
                let cure = "look at `username` and `password` of the trunk: capital letters and spaces count";
                return Err(self.stop(text, cure, Whom::Box));
            }
            let challenges = message.challenges().unwrap_or_default();
            let fitting: Vec<_> = challenges
                .iter()
                .filter(|challenge| {
                    self.trunk
                        .realm
                        .as_ref()
                        .is_none_or(|realm| *realm == challenge.realm_text())
                })
                .copied()
                .collect();
            if let (true, Some(other), Some(realm)) =
                (fitting.is_empty(), challenges.first(), &self.trunk.realm)
            {
                let text = format!(
                    "it asks for a password in the realm {}, and only {realm} is trusted with it",
                    other.realm_text()
                );
                self.step("register", false, since, format!("{status}"));
                return Err(self.stop(text, "look at `realm` of the trunk", Whom::Box));
            }
            let cnonce = self.dice.token();
            let secret = digest::Secret::Password(&login.password);
            let value = digest::answer(
                &fitting,
                &login.username,
                secret,
                Method::Register,
                &uri,
                1,
                &cnonce,
            );
            let Some(value) = value else {
                self.step("register", false, since, format!("{status}"));
                let cure = "the PBX has to ask by Digest with MD5 or SHA-256";
                return Err(self.stop(
                    "it asks for a password in a way the box does not know",
                    cure,
                    Whom::Pbx,
                ));
            };
            let header = if status == 407 {
                Name::ProxyAuthorization
            } else {
                Name::Authorization
            };
            more = vec![(header, value)];
        }
        Ok(self.answers(200, target, who))
    }

    fn registered(
        &mut self,
        status: u16,
        message: &Message<'_>,
        since: Instant,
        target: &Target,
        who: &str,
    ) -> Result<Line, Stop> {
        let at = target.address;
        let is_good = (200..300).contains(&status);
        self.step("register", is_good, since, status.to_string());
        let user = self
            .trunk
            .credentials
            .as_ref()
            .map(|login| login.username.clone())
            .unwrap_or_default();
        if is_good {
            let contacts = message.values(Name::Contact).count();
            let state = match contacts {
                0 => "nothing is registered there now".to_owned(),
                1 => "one contact is registered".to_owned(),
                many => format!("{many} contacts are registered"),
            };
            let options = self.last_ms("options");
            return Ok(Line::ok(
                Area::Trunk,
                self.name(),
                format!("{at}{who} answers OPTIONS in {options} ms and lets user {user} in; {state}"),
            ));
        }
        let (cure, whom) = match status {
            403 => (
                "ask the PBX whether this user may register from this address",
                Whom::Pbx,
            ),
            404 => (
                "look at `username` of the trunk: the PBX does not know it",
                Whom::Box,
            ),
            408 | 500..=599 => (
                "ask the PBX what it lacks; the box tries again by itself",
                Whom::Pbx,
            ),
            _ => ("ask the PBX why; its log tells more", Whom::Pbx),
        };
        Err(self.stop(
            format!("{at}{who} does not register user {user} ({status})"),
            cure,
            whom,
        ))
    }

    /// A message that does not fit into one packet, as an INVITE with many codecs and a long way is.
    async fn long_messages(&mut self, wire: &mut Wire, asker: &mut Asker) -> Line {
        let mut passes = async |walk: &mut Self, bytes: usize| {
            let padding = "x".repeat(bytes);
            let asked = walk.ask_for_options(asker, &[(Name::Other("X-Callpost-Padding"), &padding)]);
            wire.ask(&asked, walk.wanted.patience).await.is_ok()
        };
        if passes(self, LONG).await {
            return Line::ok(Area::Mtu, self.name(), "messages longer than a packet arrive");
        }
        let text = if passes(self, SHORT).await {
            "messages that fit into one packet arrive, longer ones do not: packets in pieces are lost on the way"
        } else {
            "only the shortest messages arrive, those of a thousand bytes do not"
        };
        Line::warn(
            Area::Mtu,
            self.name(),
            text,
            "use transport = \"tcp\" for this trunk, offer fewer codecs, or have the routers let fragments through",
            Whom::Network,
        )
    }
}

/// What the far side calls itself, in brackets.
fn product(message: &Message<'_>) -> String {
    let name = message.text(Name::Server).or_else(|| message.user_agent());
    name.map(|name| format!(" ({})", name.chars().take(60).collect::<String>()))
        .unwrap_or_default()
}

/// A certificate that ends soon.
pub(super) fn about_end(name: &str, facts: &CertificateFacts, now_unix_ms: i64) -> Option<Line> {
    let left = facts.not_after_unix_ms.saturating_sub(now_unix_ms);
    (left < SOON_MS).then(|| {
        Line::warn(
            Area::Certificate,
            name,
            format!(
                "the certificate of the other side ends in {} days",
                left.max(0) / (24 * 3600 * 1000)
            ),
            "have it renewed before: the box refuses one that has ended",
            Whom::Pbx,
        )
    })
}
