//! Names into addresses: RFC 3263 §4.1 and §4.2 for requests, over NAPTR, SRV, A and AAAA.

use crate::sip::{DnsServer, Query, ResolveError, Target, Transport};
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::NAPTR;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// One question, all its look-ups together.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);
/// One packet to one server.
const SERVER_TIME: Duration = Duration::from_millis(1500);
/// Questions at a time. Full: the others wait for their turn.
const MOST_QUESTIONS: usize = 16;
/// Of an answer no more records are read than these.
const MOST_NAPTR: usize = 8;
const MOST_SRV: usize = 16;
const MOST_ADDRESSES: usize = 8;
/// And no more targets made of it.
const MOST_TARGETS: usize = 32;
/// Answers that are kept for the day on which DNS fails. Full: one of them is forgotten.
const MOST_KEPT: usize = 64;
/// How long a kept answer, or the knowledge that there is none, is good for.
const MEANWHILE: Duration = Duration::from_secs(30);
/// How long an answer is good for at most, whatever it says itself.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Records the resolver keeps itself.
const CACHE: u64 = 256;

/// The resolver; cheap to clone.
#[derive(Clone)]
pub struct Dns {
    resolver: Option<Arc<TokioResolver>>,
    turns: Arc<Semaphore>,
    kept: Arc<Mutex<HashMap<Asked, Vec<Target>>>>,
}

/// What makes two questions the same.
type Asked = (String, Option<u16>, Option<Transport>);

/// What a question led to, and how long that may be used.
pub type Answer = (Result<Vec<Target>, ResolveError>, Duration);

impl Dns {
    /// Asks these servers, or those of the system when there are none here. Must be called inside a tokio runtime.
    pub fn open(servers: &[DnsServer]) -> Self {
        let resolver = match resolver(servers) {
            Ok(resolver) => Some(Arc::new(resolver)),
            Err(error) => {
                tracing::error!(%error, "DNS cannot be asked: {error}. Trunks known by name are not reached.");
                None
            }
        };
        Self {
            resolver,
            turns: Arc::new(Semaphore::new(MOST_QUESTIONS)),
            kept: Arc::default(),
        }
    }

    /// Looks a name up. Takes a few seconds at most; while DNS fails, the last good answer stands in.
    pub async fn ask(&self, query: &Query) -> Answer {
        let asked = (query.host.to_ascii_lowercase(), query.port, query.transport);
        let answer = async {
            // The semaphore is never closed.
            let _turn = self.turns.acquire().await.map_err(|_| ResolveError::NoAnswer)?;
            let resolver = self.resolver.as_ref().ok_or(ResolveError::NoAnswer)?;
            let mut search = Search {
                resolver,
                good_until: Instant::now() + LONGEST,
            };
            let targets = search.targets(query).await?;
            if targets.is_empty() {
                return Err(ResolveError::NoSuchName);
            }
            Ok((targets, search.good_until))
        };
        let late = |_| Err(ResolveError::NoAnswer);
        match timeout(LOOK_UP_TIME, answer).await.unwrap_or_else(late) {
            Ok((targets, good_until)) => {
                self.keep(asked, &targets);
                (Ok(targets), good_until.saturating_duration_since(Instant::now()))
            }
            Err(ResolveError::NoAnswer) => {
                let kept = self.lock().get(&asked).cloned();
                (kept.ok_or(ResolveError::NoAnswer), MEANWHILE)
            }
            Err(error @ ResolveError::NoSuchName) => (Err(error), MEANWHILE),
        }
    }

    fn keep(&self, asked: Asked, targets: &[Target]) {
        let mut kept = self.lock();
        if kept.len() >= MOST_KEPT
            && !kept.contains_key(&asked)
            && let Some(one) = kept.keys().next().cloned()
        {
            kept.remove(&one);
        }
        kept.insert(asked, targets.to_vec());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Asked, Vec<Target>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Dns").finish_non_exhaustive()
    }
}

fn resolver(servers: &[DnsServer]) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = servers.iter().map(|server| {
            let mut config = NameServerConfig::udp_and_tcp(server.0.ip());
            for connection in &mut config.connections {
                connection.port = server.0.port();
            }
            config
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    set_limits(builder.options_mut());
    builder.build()
}

fn set_limits(options: &mut ResolverOpts) {
    options.timeout = SERVER_TIME;
    options.attempts = 2;
    options.cache_size = CACHE;
    options.positive_max_ttl = Some(LONGEST);
    options.negative_max_ttl = Some(MEANWHILE);
    options.try_tcp_on_error = true;
    // A forged answer has to guess the letters' case, too.
    options.case_randomization = true;
}

/// One question on its way through the records.
struct Search<'a> {
    resolver: &'a TokioResolver,
    /// When the first of the records that were read ends.
    good_until: Instant,
}

impl Search<'_> {
    async fn targets(&mut self, query: &Query) -> Result<Vec<Target>, ResolveError> {
        // The resolver would try a name without a final dot below the machine's own domain as well.
        let name = Name::from_ascii(&query.host).map_err(|_| ResolveError::NoSuchName)?;
        // A port is written: whoever wrote it knows the host (§4.2).
        if let Some(port) = query.port {
            let transport = query.transport.unwrap_or(Transport::Udp);
            return self.hosts(&name, port, transport, 0, 0).await;
        }
        let mut services = match query.transport {
            Some(transport) => vec![(transport, service_name(&name, transport))],
            None => self.services(&name).await?,
        };
        if services.is_empty() {
            let usual = [Transport::Udp, Transport::Tcp, Transport::Tls];
            services = usual
                .map(|transport| (transport, service_name(&name, transport)))
                .to_vec();
        }
        let mut targets = Vec::new();
        for (rank, (transport, service)) in services.into_iter().enumerate() {
            let Some(service) = service else { continue };
            let rank = u16::try_from(rank).unwrap_or(u16::MAX);
            self.servers(&service, transport, rank, &mut targets).await?;
        }
        if targets.is_empty() {
            let transport = query.transport.unwrap_or(Transport::Udp);
            return self.hosts(&name, transport.default_port(), transport, 0, 0).await;
        }
        Ok(targets)
    }

    /// The SRV names that NAPTR offers, the preferred first (§4.1).
    async fn services(&mut self, name: &Name) -> Result<Vec<(Transport, Option<Name>)>, ResolveError> {
        let lookup = self.look_up(name, RecordType::NAPTR).await?;
        let mut offers: Vec<&NAPTR> = records(&lookup)
            .filter_map(|data| {
                if let RData::NAPTR(offer) = data {
                    Some(offer)
                } else {
                    None
                }
            })
            .take(MOST_NAPTR)
            .collect();
        offers.sort_by_key(|offer| (offer.order, offer.preference));
        let known = offers.into_iter().filter_map(|offer| {
            let ends_in_srv = offer.flags.eq_ignore_ascii_case(b"s");
            let transport = transport_of(&offer.services).filter(|_| ends_in_srv)?;
            Some((transport, Some(offer.replacement.clone())))
        });
        Ok(known.collect())
    }

    /// The targets of one SRV name. `rank` is its place among the NAPTR offers, which decides before its own priority.
    async fn servers(
        &mut self,
        service: &Name,
        transport: Transport,
        rank: u16,
        targets: &mut Vec<Target>,
    ) -> Result<(), ResolveError> {
        let lookup = self.look_up(service, RecordType::SRV).await?;
        let mut servers: Vec<_> = records(&lookup)
            .filter_map(|data| {
                if let RData::SRV(server) = data {
                    Some(server)
                } else {
                    None
                }
            })
            .filter(|server| !server.target.is_root()) // "No such service here" (RFC 2782).
            .take(MOST_SRV)
            .collect();
        servers.sort_by_key(|server| (server.priority, std::cmp::Reverse(server.weight)));
        for server in servers {
            if targets.len() >= MOST_TARGETS {
                break;
            }
            let priority = rank.saturating_mul(1000).saturating_add(server.priority.min(999));
            // One host without an address does not spoil the others.
            let hosts = self.hosts(&server.target, server.port, transport, priority, server.weight);
            targets.extend(hosts.await.unwrap_or_default());
        }
        targets.truncate(MOST_TARGETS);
        Ok(())
    }

    async fn hosts(
        &mut self,
        name: &Name,
        port: u16,
        transport: Transport,
        priority: u16,
        weight: u16,
    ) -> Result<Vec<Target>, ResolveError> {
        let (v4, v6) = {
            let v4 = self.resolver.lookup(name.clone(), RecordType::A);
            let v6 = self.resolver.lookup(name.clone(), RecordType::AAAA);
            tokio::join!(v4, v6)
        };
        let mut found = Vec::new();
        let mut trouble = None;
        for outcome in [v4, v6] {
            match self.judge(outcome) {
                Ok(lookup) => found.extend(records(&lookup).filter_map(address).take(MOST_ADDRESSES)),
                Err(error) => trouble = Some(error),
            }
        }
        if let (true, Some(error)) = (found.is_empty(), trouble) {
            return Err(error);
        }
        let target = |ip| Target {
            address: SocketAddr::new(ip, port),
            transport,
            priority,
            weight,
        };
        Ok(found.into_iter().map(target).collect())
    }

    async fn look_up(&mut self, name: &Name, kind: RecordType) -> Result<Option<Lookup>, ResolveError> {
        let outcome = self.resolver.lookup(name.clone(), kind).await;
        self.judge(outcome)
    }

    /// No records of the kind is an answer; no answer is an error.
    fn judge(&mut self, outcome: Result<Lookup, NetError>) -> Result<Option<Lookup>, ResolveError> {
        match outcome {
            Ok(lookup) => {
                self.good_until = self.good_until.min(Instant::from_std(lookup.valid_until()));
                Ok(Some(lookup))
            }
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(None),
            Err(_) => Err(ResolveError::NoAnswer),
        }
    }
}

fn records(lookup: &Option<Lookup>) -> impl Iterator<Item = &RData> {
    let answers = lookup.as_ref().map(Lookup::answers).unwrap_or_default();
    answers.iter().map(|record| &record.data)
}

fn address(data: &RData) -> Option<IpAddr> {
    if let RData::A(address) = data {
        return Some(address.0.into());
    }
    if let RData::AAAA(address) = data {
        return Some(address.0.into());
    }
    None
}

/// `_sip._udp.example.com`; nothing for transports that have no such name (RFC 7118 §6 leaves them to NAPTR).
fn service_name(name: &Name, transport: Transport) -> Option<Name> {
    let service = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws | Transport::Wss => return None,
    };
    let whole = format!("{service}.{name}");
    Name::from_ascii(whole).ok()
}

/// The transport of a NAPTR service field (§4.1); those we cannot open are left out.
fn transport_of(services: &[u8]) -> Option<Transport> {
    [
        ("SIP+D2U", Transport::Udp),
        ("SIP+D2T", Transport::Tcp),
        ("SIPS+D2T", Transport::Tls),
    ]
    .into_iter()
    .find(|(name, _)| services.eq_ignore_ascii_case(name.as_bytes()))
    .map(|(_, transport)| transport)
}
