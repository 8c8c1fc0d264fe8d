use super::Mistake;
use super::Secret;
use super::section::Section;
use crate::connectors::sync::{FileSource, Settings, SyncMode, USUAL_CRON};
use crate::egress::Author;
use crate::store::ApiKey;
use serde::Deserialize;
use std::path::PathBuf;

/// `[[pbx]]`: a PBX beside the box whose call records are fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pbx {
    /// Its name: in records, in the log, on the page. A source made through the API under the same name gives way.
    pub name: String,
    /// What kind of PBX it is: `onepos`, which stands for every PBX that answers `GET …/api/v2/cdrs` as that one does.
    #[serde(rename = "type")]
    kind: Kind,
    /// The address of its records, such as `https://pbx.example:8080/api/v2/cdrs`.
    #[serde(default)]
    pub api_url: String,
    /// The tenant asked for.
    #[serde(default)]
    pub domain: String,
    /// The key to its records, sent as a bearer token; `api_key_file` names a file with it.
    #[serde(default)]
    pub api_key: Secret,
    /// `manual` or `scheduled`.
    #[serde(default = "manual")]
    sync: SyncMode,
    /// When: six fields, seconds first, by the site's clock. Every hour when absent.
    #[serde(default = "hourly")]
    pub cron: String,
    /// Whether it is asked at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How many days the first fetch reaches back.
    #[serde(default = "month")]
    pub days_back: u32,
    /// Records a page, 1 to 1000.
    #[serde(default = "batch")]
    pub batch: u32,
    /// How much of the time before the last fetch is asked for again, for the late records of long calls.
    #[serde(default = "day")]
    pub overlap_hours: u32,
    /// The zone of the PBX's clock; the site's when absent.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Whether plain `http://` is allowed, which shows calls and key to everybody on the way.
    #[serde(default)]
    pub allow_http: bool,
    /// Which key the PBX has to show: `first_use` or `sha256/…`.
    #[serde(default)]
    pub tls_pin: Option<String>,
    /// A file with the authorities that may have signed the PBX's certificate.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Onepos,
}

fn manual() -> SyncMode {
    SyncMode::Manual
}

fn hourly() -> String {
    USUAL_CRON.to_owned()
}

fn yes() -> bool {
    true
}

fn month() -> u32 {
    30
}

fn batch() -> u32 {
    200
}

fn day() -> u32 {
    24
}

impl Pbx {
    /// The source as the connectors' room knows it.
    pub fn as_source(&self) -> FileSource {
        let Kind::Onepos = self.kind;
        FileSource {
            name: self.name.clone(),
            api_key: ApiKey::from(self.api_key.expose()),
            settings: Settings {
                api_url: self.api_url.clone(),
                domain: self.domain.clone(),
                sync_mode: self.sync,
                cron_expression: self.cron.clone(),
                is_active: self.enabled,
                days_back: self.days_back,
                batch_size: self.batch,
                overlap_hours: self.overlap_hours,
                timezone: self.timezone.clone(),
                allow_http: self.allow_http,
                tls_pin: self.tls_pin.clone(),
                ca_file: self.ca_file.clone(),
            },
        }
    }
}

impl Section<Pbx> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>) {
        if !self.whole {
            return;
        }
        for fault in self.value.as_source().settings.faults(Author::File) {
            let key = match fault.key {
                "batch_size" => "batch",
                "cron_expression" => "cron",
                key => key,
            };
            mistakes.push(self.mistake(key, fault.problem, fault.cure));
        }
    }
}
