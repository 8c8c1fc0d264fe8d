use super::RegistrationTimes;
use super::digest::{Algorithm, Ha1};
use super::guard::Rules;
use super::{Flow, Manners, Target, TargetSet, Transport};
use crate::model::{GroupName, Number, TrunkName};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

/// Who may speak SIP with us, as whom, and where we listen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[sip] realm`: of the digest, and the host part of our own addresses.
    pub realm: String,
    /// What passwords are proven with, the favourite first.
    pub digests: Vec<Algorithm>,
    /// What the box calls itself in User-Agent and Server.
    pub product: String,
    /// How long registrations last.
    pub registrations: RegistrationTimes,
    /// How often a registered phone is asked whether it is there; never, when nothing.
    pub qualify_every: Option<Duration>,
    /// Our sockets.
    pub listeners: Vec<Listener>,
    /// Phones that register here.
    pub accounts: Vec<Account>,
    /// Trunks in order.
    pub trunks: Vec<Trunk>,
    /// How strangers are treated.
    pub guard: Rules,
}

/// A socket of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// What it carries.
    pub transport: Transport,
    /// The address peers reach it at: the bound one, with `0.0.0.0` replaced by an address of the machine.
    pub address: SocketAddr,
}

/// A phone that registers here.
#[derive(Debug, Clone)]
pub struct Account {
    /// The user part of the address of record, and the user name of the digest.
    pub extension: Number,
    /// What the password was turned into.
    pub ha1: Ha1,
    /// The groups whose phones may take calls that ring at each other's, as far as this one is of them.
    pub pickup: Vec<GroupName>,
}

impl Account {
    /// Whether it may take what rings at the other.
    pub(super) fn may_pick_up_for(&self, other: &Self) -> bool {
        self.pickup.iter().any(|group| other.pickup.contains(group))
    }
}

/// A PBX or carrier beside us, known by its address.
#[derive(Debug, Clone)]
pub struct Trunk {
    /// Its name.
    pub name: TrunkName,
    /// Host name or address as configured.
    pub host: String,
    /// Port; when none is written, DNS or the transport says it.
    pub port: Option<u16>,
    /// Over what; when it is not written, DNS says it, and for an address it is UDP.
    pub transport: Option<Transport>,
    /// Where it is, as far as that is known.
    pub targets: TargetSet,
    /// From where its requests are believed, beside its own addresses.
    pub allow: Vec<Network>,
    /// What we answer its challenges with.
    pub credentials: Option<Secret>,
    /// Whether we register there.
    pub register: bool,
    /// The only realm whose challenges are answered; the first one that is heard when nothing is written.
    pub realm: Option<String>,
    /// Between two probes; nothing when it is never asked whether it is there.
    pub probe_every: Option<Duration>,
    /// How calls leave by it.
    pub manners: Manners,
    /// Whether it may take the place of somebody who has handed their part in a conversation on to it (RFC 3891 §3), and
    /// hand its own part on to another trunk.
    pub takes_over: bool,
}

impl Trunk {
    /// A trunk at this host that asks for nothing and gets nothing but calls.
    pub fn new(name: TrunkName, host: &str, port: Option<u16>, transport: Option<Transport>) -> Self {
        Self {
            name,
            host: host.to_owned(),
            port,
            transport,
            targets: TargetSet::of(host, port, transport),
            allow: Vec::new(),
            credentials: None,
            register: false,
            realm: None,
            probe_every: Some(Duration::from_secs(30)),
            manners: Manners::default(),
            takes_over: false,
        }
    }

    /// Whether a request from this address is this trunk's.
    pub fn admits(&self, source: IpAddr) -> bool {
        self.targets.contains(source) || self.allow.iter().any(|network| network.contains(source))
    }

    /// Whether it is found at the same place as the other.
    pub fn is_where(&self, other: &Self) -> bool {
        self.name == other.name
            && self.host == other.host
            && self.port == other.port
            && self.transport == other.transport
    }

    /// Whether we register there as we do at the other, so that one registration serves for both.
    pub(super) fn registers_like(&self, other: &Self) -> bool {
        self.is_where(other)
            && self.register == other.register
            && self.credentials == other.credentials
            && self.realm == other.realm
    }

    /// The user part of our own address there.
    pub(super) fn user(&self) -> &str {
        self.credentials
            .as_ref()
            .map_or("", |secret| secret.username.as_str())
    }

    /// Our address there (RFC 3261 §10): a user of its host, without port and transport (§19.1.1, table 1).
    pub fn address_of_record(&self) -> String {
        format!("sip:{}@{}", super::UserPart(self.user()), self.written_host())
    }

    fn written_host(&self) -> String {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        if bare.contains(':') {
            format!("[{bare}]")
        } else {
            bare.to_owned()
        }
    }

    /// The Request-URI of a request to it, for this user or for itself (RFC 3261 §19.1). The host is what was
    /// written: carriers tell their customers apart by it.
    pub fn uri(&self, user: Option<&str>) -> String {
        let at = user
            .map(|user| format!("{}@", super::UserPart(user)))
            .unwrap_or_default();
        let host = self.written_host();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let transport = self.transport.map_or("", Transport::uri_parameter);
        format!("sip:{at}{host}{port}{transport}")
    }
}

/// The way to a target from one of our sockets; nothing when none of them speaks its transport.
pub(super) fn way_to(listeners: &[Listener], target: &Target) -> Option<Flow> {
    let local = local_for(listeners, target.transport, target.address)?;
    Some(Flow {
        transport: target.transport,
        local,
        peer: target.address,
        connection: None,
    })
}

/// Whether DNS may send us there: to a host that could be the one asked for, and not to ourselves.
pub(super) fn is_fit(listeners: &[Listener], target: &Target) -> bool {
    let ip = target.address.ip().to_canonical();
    let odd = match ip {
        IpAddr::V4(ip) => ip.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    let loopback_is_strange = ip.is_loopback() && !listeners.iter().any(|own| own.address.ip().is_loopback());
    let is_us = listeners
        .iter()
        .any(|own| own.address == target.address && own.transport == target.transport);
    let unreachable = way_to(listeners, target).is_none();
    !(odd
        || ip.is_unspecified()
        || ip.is_multicast()
        || target.address.port() == 0
        || loopback_is_strange
        || is_us
        || unreachable)
}

/// The socket of ours that speaks this transport and the peer's address family; on a machine with several, the
/// one closest to the peer: loopback speaks to loopback.
pub(super) fn local_for(
    listeners: &[Listener],
    transport: Transport,
    peer: SocketAddr,
) -> Option<SocketAddr> {
    let fits = |listener: &&Listener| {
        listener.transport == transport && listener.address.is_ipv4() == peer.is_ipv4()
    };
    let close = |listener: &&Listener| listener.address.ip().is_loopback() == peer.ip().is_loopback();
    let mut fitting = listeners.iter().filter(fits);
    let first = fitting.clone().next()?;
    Some(fitting.find(close).unwrap_or(first).address)
}

/// A user name and a password. The password is needed in the clear to answer a challenge whose realm we do not
/// choose; it never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:…", self.username)
    }
}

/// A range of addresses, `192.168.1.0/24` or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// One address alone.
    pub fn single(address: IpAddr) -> Self {
        Self {
            address,
            prefix: if address.is_ipv4() { 32 } else { 128 },
        }
    }

    /// Whether the address lies within. An IPv4 address mapped into IPv6 counts as what it is.
    pub fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix.min(32));
                u64::from(own.to_bits()) >> shift == u64::from(other.to_bits()) >> shift
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix.min(128)))
                    .unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("`{address}` is not an IP address"))?;
        let whole = Self::single(address);
        let Some(prefix) = prefix else { return Ok(whole) };
        match prefix.parse::<u8>() {
            Ok(prefix) if prefix <= whole.prefix => Ok(Self { address, prefix }),
            Ok(_) | Err(_) => Err(format!(
                "`/{prefix}` is not a prefix length of 0 to {}",
                whole.prefix
            )),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let table = [
            ("192.168.1.0/24", "192.168.1.77", true),
            ("192.168.1.0/24", "192.168.2.1", false),
            ("127.0.0.20", "127.0.0.20", true),
            ("127.0.0.20", "127.0.0.21", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "fe80::1", true),
        ];
        for (network, address, inside) in table {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                inside,
                "{network} {address}"
            );
        }
        for bad in ["", "192.168.1", "192.168.1.0/33", "::/129", "10.0.0.0/x"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
