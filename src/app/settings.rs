//! The configuration in the engine's words.

use crate::config::Config;
use crate::engine::{Encryption, Settings};
use crate::sip::digest::Ha1;
use crate::sip::{self, Account, Listener, Transport};
use std::net::{IpAddr, SocketAddr};

/// More calls than this box has ever been measured with are not let in.
/// `realm` is the one that digests are asked for in since the start.
pub(super) fn engine_settings(config: &Config, realm: &str, sockets: &[(Transport, SocketAddr)]) -> Settings {
    let [first, last] = config.media.rtp_ports;
    Settings {
        site: config.site.name.clone(),
        zone: config.site.zone(),
        languages: config.site.languages.clone().into(),
        sip: sip_settings(config, realm, sockets),
        codecs: config.media.known_codecs(),
        advertised: config.media.advertised_address,
        early_ringback: config.media.early_ringback,
        music_on_hold: config.media.music(),
        rtp_ports: (first, last),
        record: config.recording.rules().into(),
        agents: config.roster(),
        groups: config.rung_groups(),
        plan: config.plan(),
        flows: config.all_flows(),
        trunks: config
            .trunks
            .iter()
            .map(|trunk| (trunk.name.clone(), trunk.rules()))
            .collect(),
        voicemail: config.box_book(),
        encryption: encryption(config),
        most_calls: usize::try_from(config.site.max_calls).unwrap_or(usize::MAX),
    }
}

/// Whose voice is encrypted. The phone of an agent behind a trunk keeps to the trunk's rule.
fn encryption(config: &Config) -> Encryption {
    let wishes = || {
        let enabled = config.agents.iter().filter(|agent| agent.enabled);
        enabled.filter_map(|agent| Some((agent, agent.srtp?)))
    };
    Encryption {
        srtp: config.media.srtp,
        over_plain_sip: config.media.srtp_over_plain_sip,
        best_effort: config.media.srtp_best_effort,
        phones: wishes()
            .filter_map(|(agent, srtp)| Some((agent.extension.clone()?, srtp)))
            .collect(),
        contacts: wishes()
            .filter_map(|(agent, srtp)| Some((agent.contact.clone()?, srtp)))
            .collect(),
    }
}

fn sip_settings(config: &Config, realm: &str, sockets: &[(Transport, SocketAddr)]) -> sip::Settings {
    let accounts = config
        .agents
        .iter()
        .filter(|agent| agent.enabled)
        .filter_map(|agent| {
            let extension = agent.extension.clone()?;
            let ha1 = match &agent.digest {
                Some(kept) => Ha1::from_hex(&kept.sha256, &kept.md5)?,
                None if agent.password.expose().is_empty() => return None,
                None => Ha1::new(extension.as_str(), realm, agent.password.expose()),
            };
            let pickup = config.groups.iter().filter(|group| group.pickup);
            let pickup = pickup.map(|group| group.name.clone());
            let pickup = pickup.filter(|group| agent.groups.contains(group)).collect();
            Some(Account {
                extension,
                ha1,
                pickup,
            })
        })
        .collect();
    let country = &config.dialing.country_code;
    let trunks = config.trunks.iter().map(|trunk| trunk.for_sip(country)).collect();
    sip::Settings {
        realm: realm.to_owned(),
        digests: config.sip.digests.clone(),
        product: concat!("callpost/", env!("CARGO_PKG_VERSION")).to_owned(),
        registrations: config.sip.registration_times(),
        qualify_every: config.sip.qualify_every(),
        listeners: sockets
            .iter()
            .map(|(transport, address)| Listener {
                transport: *transport,
                address: shown(*address),
            })
            .collect(),
        accounts,
        trunks,
        guard: config.guard.rules(),
    }
}

/// The address to show peers where we listen on all of them: the one the machine's default route leaves from. Dialogs
/// with a peer show the address that peer was heard on; this one is for calls that begin here.
pub(super) fn shown(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    // Connecting a datagram socket sends nothing; the address is of the documentation range (RFC 5737, RFC 3849).
    let (any, far) = if address.is_ipv4() {
        ("0.0.0.0:0", "192.0.2.1:9")
    } else {
        ("[::]:0", "[2001:db8::1]:9")
    };
    let local = std::net::UdpSocket::bind(any).and_then(|socket| {
        socket.connect(far)?;
        socket.local_addr()
    });
    let loopback: IpAddr = if address.is_ipv4() {
        [127, 0, 0, 1].into()
    } else {
        [0u16, 0, 0, 0, 0, 0, 0, 1].into()
    };
    SocketAddr::new(local.map_or(loopback, |local| local.ip()), address.port())
}
