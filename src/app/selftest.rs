//! What a look at everything is to look at, out of the configuration.

use super::{Taken, clock, kernel, random_seed, secure};
use crate::checkup::{
    Area, FileProblem, Greeting, KnownCertificate, Line, Report, Server, ServerKind, TrunkWanted, Wanted,
};
use crate::config::Config;
use crate::egress::{Author, Egress, PinsInMemory, Trust};
use crate::keeping::{Storage, StorageKind};
use crate::mailroom::Security;
use crate::model::WallClock;
use crate::net::{Dns, TlsDoor};
use crate::prompts::Library;
use crate::sip::DnsServer;
use crate::upstream::{Config as Upstream, Target};
use crate::{checkup, store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a trunk's answer is waited for.
const PATIENCE: Duration = Duration::from_secs(4);

/// Looks at everything this configuration needs, beside the daemon or without one; `told` hears of each line as it comes
/// and of how much is still to come. Takes some seconds; must be called inside a tokio runtime.
pub async fn selftest(config: Config, data_dir: PathBuf, told: impl FnMut(&Line, usize)) -> Report {
    let now = clock::monotonic();
    let wall = WallClock::new(now, clock::wall_unix_ms(), false, config.site.zone());
    let at = wall.stamp(now);
    let resolver = Dns::open(&config.sip.dns_servers);
    // A look pins nothing, so it needs no book that lasts.
    let egress = Egress::new(config.egress.rules(), Arc::new(PinsInMemory::default()));
    let gathered = tokio::task::spawn_blocking(move || wanted(&config, &data_dir)).await;
    match gathered {
        Ok(wanted) => checkup::look(wanted, egress, resolver, at, told).await,
        Err(error) => checkup::broken(at, &error.to_string()),
    }
}

/// Reads files: certificates, prompts.
fn wanted(config: &Config, data_dir: &Path) -> Wanted {
    let daemon = store::holder_of(data_dir);
    let mut problems = prompt_problems(config);
    let certificates = certificates(config, data_dir, &mut problems);
    let listen = config.sip.listen.iter();
    Wanted {
        data_dir: data_dir.to_owned(),
        recordings: config.recording.dir.clone(),
        keep_free_bytes: config.recording.keep_free_bytes(),
        daemon,
        listen: listen.map(|listen| (listen.transport, listen.address)).collect(),
        taken: if daemon.is_none() {
            Taken::look(config).all()
        } else {
            Vec::new()
        },
        rtp_ports: config.media.rtp_ports,
        advertised: config.media.advertised_address,
        dns_servers: config.sip.dns_servers.iter().map(|DnsServer(at)| *at).collect(),
        trunks: config
            .trunks
            .iter()
            .map(|trunk| TrunkWanted {
                trunk: trunk.for_sip(&config.dialing.country_code),
                trust: trunk.trust().map_err(in_words),
            })
            .collect(),
        servers: servers(config),
        certificates,
        problems,
        clock: kernel::clock_reading(),
        clock_looks_set: clock::looks_set(clock::wall_unix_ms()),
        patience: PATIENCE,
        unix_ms: clock::wall_unix_ms,
        now: clock::monotonic,
        seed: random_seed(),
    }
}

fn in_words((key, problem): (&'static str, String)) -> String {
    format!("{key}: {problem}")
}

fn prompt_problems(config: &Config) -> Vec<FileProblem> {
    let opened = Library::load(&config.prompts, &config.site.languages, None, &[]);
    opened
        .problems
        .into_iter()
        .map(|problem| FileProblem {
            area: Area::Prompts,
            file: problem.path.display().to_string(),
            problem: problem.problem,
            cure: problem.cure,
            is_grave: false,
        })
        .collect()
}

fn certificates(config: &Config, data_dir: &Path, problems: &mut Vec<FileProblem>) -> Vec<KnownCertificate> {
    if !config.sip.wants_certificate() {
        return Vec::new();
    }
    let files = secure::files(config, data_dir);
    if config.sip.tls_certificate.is_none() && !files.certificate.exists() {
        // The first start makes it.
        return Vec::new();
    }
    match TlsDoor::open(&files) {
        Ok(door) => door
            .all_facts()
            .iter()
            .map(|facts| KnownCertificate {
                of: facts
                    .names
                    .first()
                    .cloned()
                    .unwrap_or_else(|| facts.subject.clone()),
                not_before_unix_ms: facts.not_before_unix_ms,
                not_after_unix_ms: facts.not_after_unix_ms,
            })
            .collect(),
        Err(trouble) => {
            problems.push(FileProblem {
                area: Area::Certificate,
                file: files.certificate.display().to_string(),
                problem: trouble.to_string(),
                cure: trouble.cure.to_owned(),
                is_grave: true,
            });
            Vec::new()
        }
    }
}

fn servers(config: &Config) -> Vec<Server> {
    let mut servers: Vec<Server> = config
        .upstreams
        .iter()
        .filter(|upstream| upstream.enabled)
        .map(|upstream| Server {
            area: Area::Upstream,
            name: upstream.name.clone(),
            kind: way_to(upstream),
        })
        .collect();
    servers.extend(config.enabled_storages().map(|storage| Server {
        area: Area::Storage,
        name: storage.name.clone(),
        kind: way_to_storage(storage),
    }));
    servers.extend(config.pbxs.iter().filter(|pbx| pbx.enabled).map(|pbx| Server {
        area: Area::Pbx,
        name: pbx.name.clone(),
        kind: http(&pbx.api_url, pbx.ca_file.as_deref(), pbx.tls_pin.as_deref()),
    }));
    if config.mail.is_on() {
        let mail = &config.mail;
        servers.push(Server {
            area: Area::Mail,
            name: mail.server.clone(),
            kind: ServerKind::Stream {
                host: mail.server.clone(),
                port: mail.port(),
                tls: (mail.tls == Security::Tls).then(|| trust(mail.ca_file.as_deref(), None)),
                greeting: Greeting::Smtp,
            },
        });
    }
    if config.transcription.is_on() {
        let service = &config.transcription;
        servers.push(Server {
            area: Area::Transcription,
            name: String::new(),
            kind: match service.command.first() {
                Some(program) => ServerKind::Program(program.clone()),
                None => http(&service.url, service.ca_file.as_deref(), None),
            },
        });
    }
    servers
}

fn way_to(upstream: &Upstream) -> ServerKind {
    match &upstream.target {
        Target::Webhook(section) => http(
            &section.url,
            section.ca_file.as_deref(),
            section.tls_pin.as_deref(),
        ),
        Target::File(section) => ServerKind::File(section.path.clone()),
        // NATS begins in clear and becomes TLS after its first word.
        Target::Nats(section) => stream(&section.url, 4222, None, Greeting::Nats),
        Target::Postgres(section) => stream(&section.url, 5432, None, Greeting::Postgres),
        Target::Mqtt(section) => {
            let is_secret = section.url.starts_with("mqtts:");
            let tls = is_secret.then(|| trust(section.ca_file.as_deref(), section.tls_pin.as_deref()));
            stream(
                &section.url,
                if is_secret { 8883 } else { 1883 },
                tls,
                Greeting::Mqtt,
            )
        }
        Target::Syslog(section) => {
            let is_secret = section.url.starts_with("tls:");
            if section.url.starts_with("udp:") {
                return match place(&section.url, 514) {
                    Ok((host, port)) => ServerKind::Datagram { host, port },
                    Err(problem) => ServerKind::Unusable(problem),
                };
            }
            let tls = is_secret.then(|| trust(section.ca_file.as_deref(), section.tls_pin.as_deref()));
            stream(
                &section.url,
                if is_secret { 6514 } else { 514 },
                tls,
                Greeting::Nothing,
            )
        }
    }
}

fn way_to_storage(storage: &Storage) -> ServerKind {
    let user = || storage.user.clone().unwrap_or_default();
    let usual = match storage.kind {
        StorageKind::Local => return ServerKind::Directory(storage.dir.clone().unwrap_or_default()),
        StorageKind::S3 => {
            let region = storage.region.as_deref().unwrap_or("us-east-1");
            format!("https://s3.{region}.amazonaws.com")
        }
        StorageKind::Gcs => "https://storage.googleapis.com".to_owned(),
        StorageKind::Azure => format!("https://{}.blob.core.windows.net", user()),
        StorageKind::Webdav => String::new(),
    };
    let url = storage.url.clone().unwrap_or(usual);
    http(&url, storage.ca_file.as_deref(), storage.tls_pin.as_deref())
}

fn http(url: &str, ca_file: Option<&Path>, tls_pin: Option<&str>) -> ServerKind {
    ServerKind::Http {
        url: url.to_owned(),
        author: Author::File,
        trust: trust(ca_file, tls_pin),
    }
}

fn stream(url: &str, usual: u16, tls: Option<Result<Trust, String>>, greeting: Greeting) -> ServerKind {
    match place(url, usual) {
        Ok((host, port)) => ServerKind::Stream {
            host,
            port,
            tls,
            greeting,
        },
        Err(problem) => ServerKind::Unusable(problem),
    }
}

fn trust(ca_file: Option<&Path>, tls_pin: Option<&str>) -> Result<Trust, String> {
    Trust::from_keys(ca_file, tls_pin, "selftest").map_err(in_words)
}

fn place(url: &str, usual: u16) -> Result<(String, u16), String> {
    let url: reqwest::Url = url.parse().map_err(|error| format!("`url` is none: {error}"))?;
    let host = url.host_str().ok_or_else(|| "`url` names no host".to_owned())?;
    let host = host.trim_matches(['[', ']']).to_owned();
    Ok((host, url.port().unwrap_or(usual)))
}
