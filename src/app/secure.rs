//! TLS of the signalling: our own certificate, read or made, watched and alarmed, and whom to believe on the way out.

use super::{clock, settings};
use crate::config::Config;
use crate::egress::{Egress, Trust};
use crate::engine::{Alarm, Severity};
use crate::net::{CertificateFacts, TlsCaller, TlsDoor, TlsFiles, make_certificate};
use anyhow::Context as _;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// So long before its end a certificate is an alarm.
const SOON: Duration = Duration::from_secs(21 * 24 * 3600);

/// The certificate phones and trunks are shown.
#[derive(Debug)]
pub(super) struct Shown {
    door: TlsDoor,
    files: Mutex<TlsFiles>,
    data_dir: PathBuf,
    /// Why the files could not be read the last time.
    trouble: Mutex<Option<String>>,
}

impl Shown {
    /// Reads the configured certificate, or the box's own, which is made when it is not there; nothing when nobody is
    /// listened to by TLS.
    pub(super) fn open(config: &Config, data_dir: &Path) -> anyhow::Result<Option<Arc<Self>>> {
        if !config.sip.wants_certificate() {
            return Ok(None);
        }
        let files = files(config, data_dir);
        if config.sip.tls_certificate.is_none() && !(files.certificate.exists() && files.key.exists()) {
            let names = own_names(config);
            make_certificate(&files, names, clock::wall_unix_ms())
                .context("making a certificate for [sip]")?;
            tracing::info!(
                "The box made a certificate of its own: {}.",
                files.certificate.display()
            );
        }
        let door = TlsDoor::open(&files)
            .map_err(anyhow::Error::msg)
            .context("[sip] tls_certificate")?;
        Ok(Some(Arc::new(Self {
            door,
            files: Mutex::new(files),
            data_dir: data_dir.to_owned(),
            trouble: Mutex::default(),
        })))
    }

    pub(super) fn door(&self) -> TlsDoor {
        self.door.clone()
    }

    pub(super) fn facts(&self) -> Arc<CertificateFacts> {
        self.door.facts()
    }

    /// Takes over what the configuration names now. Connections under way keep what they began with.
    pub(super) fn reload(&self, config: &Config) {
        let files = files(config, &self.data_dir);
        *lock(&self.files) = files.clone();
        self.read(&files);
    }

    fn read(&self, files: &TlsFiles) {
        let outcome = self.door.renew(files).map_err(|trouble| trouble.to_string());
        match &outcome {
            Ok(()) => tracing::info!(
                fingerprint = self.door.facts().fingerprint,
                "The certificate of SIP was read again."
            ),
            Err(reason) => {
                tracing::error!(
                    "The certificate of SIP cannot be taken over, the one before stays: {reason}."
                );
            }
        }
        *lock(&self.trouble) = outcome.err();
    }

    /// Takes changed files over, for as long as the runtime lives.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut known = self.stamp();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.stamp();
            if now != known {
                known = now;
                let files = lock(&self.files).clone();
                self.read(&files);
            }
        }
    }

    /// What changes when a file is written: its time, its length, and which files they are.
    fn stamp(&self) -> Vec<(PathBuf, Option<(SystemTime, u64)>)> {
        let files = lock(&self.files).clone();
        let others = files.others.into_iter();
        let others = others.flat_map(|other| [Some(other.certificate), Some(other.key)]);
        let all = [Some(files.certificate), Some(files.key), files.client_ca];
        let look = |path: PathBuf| {
            let facts = std::fs::metadata(&path).ok();
            let seen = facts.and_then(|facts| Some((facts.modified().ok()?, facts.len())));
            (path, seen)
        };
        all.into_iter().chain(others).flatten().map(look).collect()
    }

    /// What a technician has to know. A clock that is not set yet cannot tell what is old.
    pub(super) fn alarms(&self) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        if let Some(reason) = lock(&self.trouble).as_ref() {
            alarms.push(Alarm {
                severity: Severity::Critical,
                code: "certificate_unreadable",
                text: format!("The new certificate of SIP cannot be taken over: {reason}. The one before is still shown."),
            });
        }
        let now = clock::wall_unix_ms();
        if clock::looks_set(now) {
            let all = self.door.all_facts();
            alarms.extend(all.iter().filter_map(|facts| about_its_end(facts, now)));
        }
        alarms
    }
}

fn about_its_end(facts: &CertificateFacts, now_unix_ms: i64) -> Option<Alarm> {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let left = facts.not_after_unix_ms.saturating_sub(now_unix_ms);
    if left <= 0 {
        return Some(Alarm {
            severity: Severity::Critical,
            code: "certificate_expired",
            text: format!(
                "The certificate of SIP{} has ended: phones that check it cannot log in by TLS. Give the box a new one \
                 (tls_certificate in [sip]).",
                of_whom(facts)
            ),
        });
    }
    let soon = i64::try_from(SOON.as_millis()).unwrap_or(i64::MAX);
    (left <= soon).then(|| Alarm {
        severity: Severity::Warning,
        code: "certificate_ends_soon",
        text: format!(
            "The certificate of SIP{} ends in {} days. Give the box a new one in time (tls_certificate in [sip]).",
            of_whom(facts),
            left / DAY_MS
        ),
    })
}

/// The first name it is good for, as said in the middle of a sentence.
fn of_whom(facts: &CertificateFacts) -> String {
    facts
        .names
        .first()
        .map_or(String::new(), |name| format!(" for {name}"))
}

/// Where the certificate and its key lie.
pub(super) fn files(config: &Config, data_dir: &Path) -> TlsFiles {
    let own = data_dir.join("tls");
    let sip = &config.sip;
    TlsFiles {
        certificate: sip.tls_certificate.clone().unwrap_or_else(|| own.join("sip.pem")),
        key: sip.tls_key.clone().unwrap_or_else(|| own.join("sip.key")),
        others: sip.tls_others.clone(),
        client_ca: sip.tls_client_ca.clone(),
        client_optional: sip.tls_client_optional,
    }
}

/// What a certificate of our own is good for: the names of the pages and the addresses of the sockets.
fn own_names(config: &Config) -> Vec<String> {
    let mut names = config.http.hosts.clone();
    for listen in config
        .sip
        .listen
        .iter()
        .filter(|listen| listen.transport.is_secure())
    {
        let address = settings::shown(listen.address).ip().to_string();
        if !names.contains(&address) {
            names.push(address);
        }
    }
    names
}

/// Whom to believe behind the addresses that TLS connections are opened to: a trunk has to prove the name it is
/// configured with, everybody else the address.
pub(super) struct Believed {
    egress: Egress,
    trunks: Mutex<BTreeMap<String, Trusted>>,
}

struct Trusted {
    trust: Trust,
    /// Where DNS says it is.
    addresses: Vec<IpAddr>,
}

impl Believed {
    pub(super) fn new(egress: Egress, config: &Config) -> anyhow::Result<Self> {
        let believed = Self {
            egress,
            trunks: Mutex::default(),
        };
        believed.reload(config).map_err(anyhow::Error::msg)?;
        Ok(believed)
    }

    /// Takes over the trunks of a new configuration.
    pub(super) fn reload(&self, config: &Config) -> Result<(), String> {
        let mut trunks = BTreeMap::new();
        let mut known = lock(&self.trunks);
        for trunk in &config.trunks {
            let host = bare(&trunk.host);
            let trust = trunk
                .trust()
                .map_err(|(key, problem)| format!("trunk.{}.{key}: {problem}", trunk.name))?;
            let addresses = match known.remove(&host) {
                Some(before) => before.addresses,
                None => host.parse().into_iter().collect(),
            };
            trunks.insert(host, Trusted { trust, addresses });
        }
        *known = trunks;
        Ok(())
    }

    /// DNS says that this host is at these addresses.
    pub(super) fn learn(&self, host: &str, addresses: impl Iterator<Item = IpAddr>) {
        if let Some(trusted) = lock(&self.trunks).get_mut(&bare(host)) {
            trusted.addresses = addresses.collect();
        }
    }
}

impl TlsCaller for Believed {
    fn settings_for(&self, peer: SocketAddr) -> Result<(ServerName<'static>, Arc<ClientConfig>), String> {
        let (host, trust) = {
            let trunks = lock(&self.trunks);
            let is_there = |trusted: &Trusted| trusted.addresses.contains(&peer.ip());
            let trunk = trunks.iter().find(|(_, trusted)| is_there(trusted));
            trunk.map_or_else(
                || (peer.ip().to_string(), Trust::public().of_sip()),
                |(host, trusted)| (host.clone(), trusted.trust.clone()),
            )
        };
        let settings = self
            .egress
            .tls_config(&host, &trust)
            .map_err(|error| error.to_string())?;
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        Ok((name, settings))
    }
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.')
        .to_ascii_lowercase()
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
