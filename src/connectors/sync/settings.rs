use super::Schedule;
use crate::egress::{Author, Trust};
use jiff::tz::TimeZone;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The schedule of a source that names none: every hour.
pub const USUAL_CRON: &str = "0 0 * * * *";
/// The address of the sample: a name that never exists (RFC 2606).
const SAMPLE_URL: &str = "https://pbx.example/api/v2/cdrs";

/// How a source is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SyncMode {
    /// When somebody says so.
    #[serde(alias = "manual")]
    Manual,
    /// By its cron expression.
    #[serde(alias = "scheduled")]
    Scheduled,
}

impl SyncMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Scheduled => "SCHEDULED",
        }
    }
}

/// The settings of a source, but for its name and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The address of its records.
    pub api_url: String,
    /// The tenant asked for.
    pub domain: String,
    /// Whether it is asked by schedule.
    pub sync_mode: SyncMode,
    /// When: six fields, seconds first.
    pub cron_expression: String,
    /// Whether it is asked at all.
    pub is_active: bool,
    /// How many days the first fetch reaches back.
    pub days_back: u32,
    /// Rows a page.
    pub batch_size: u32,
    /// How much of the time before the last fetch is asked for again, for the late records of long calls.
    pub overlap_hours: u32,
    /// The zone of the PBX's clock; the site's when absent.
    pub timezone: Option<String>,
    /// Whether plain `http://` is allowed, which shows calls and key to everybody on the way.
    pub allow_http: bool,
    /// Which key the PBX has to show: `first_use`, or `sha256/…` as curl's `--pinnedpubkey` has it. For a certificate
    /// that no known authority signed, the latter is the way.
    pub tls_pin: Option<String>,
    /// A file with the authorities that may have signed the PBX's certificate; in the configuration file only.
    pub ca_file: Option<std::path::PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_url: String::new(),
            domain: String::new(),
            sync_mode: SyncMode::Manual,
            cron_expression: USUAL_CRON.to_owned(),
            is_active: false,
            days_back: 30,
            batch_size: 200,
            overlap_hours: 24,
            timezone: None,
            allow_http: false,
            tls_pin: None,
            ca_file: None,
        }
    }
}

/// A source as the configuration file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSource {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: Settings,
    /// The key to its records.
    pub api_key: crate::store::ApiKey,
}

/// What somebody wants changed; what is left out stays as it is.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patch {
    /// The name people know it by.
    pub name: Option<String>,
    /// See [`Settings`].
    pub api_url: Option<String>,
    /// See [`Settings`].
    pub domain: Option<String>,
    /// The key to its records; `""` takes it away. It never comes back out.
    pub api_key: Option<String>,
    /// See [`Settings`].
    pub sync_mode: Option<SyncMode>,
    /// See [`Settings`].
    pub cron_expression: Option<String>,
    /// See [`Settings`].
    pub is_active: Option<bool>,
    /// See [`Settings`].
    pub days_back: Option<u32>,
    /// See [`Settings`].
    pub batch_size: Option<u32>,
    /// See [`Settings`].
    pub overlap_hours: Option<u32>,
    /// See [`Settings`]; `""` stands for the site's zone.
    pub timezone: Option<String>,
    /// See [`Settings`].
    pub allow_http: Option<bool>,
    /// See [`Settings`]; `""` takes it away.
    pub tls_pin: Option<String>,
}

/// Everything but the key.
impl std::fmt::Debug for Patch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Patch")
            .field("name", &self.name)
            .field("api_url", &self.api_url)
            .field("domain", &self.domain)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("sync_mode", &self.sync_mode)
            .field("cron_expression", &self.cron_expression)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

impl Patch {
    /// Puts the changes into the settings.
    pub(super) fn apply(&self, settings: &mut Settings) {
        fn put<T: Clone>(place: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                *place = value.clone();
            }
        }
        put(
            &mut settings.api_url,
            &self.api_url.as_ref().map(|url| url.trim().to_owned()),
        );
        put(
            &mut settings.domain,
            &self.domain.as_ref().map(|domain| domain.trim().to_owned()),
        );
        put(&mut settings.sync_mode, &self.sync_mode);
        put(
            &mut settings.cron_expression,
            &self.cron_expression.as_ref().map(|text| text.trim().to_owned()),
        );
        put(&mut settings.is_active, &self.is_active);
        put(&mut settings.days_back, &self.days_back);
        put(&mut settings.batch_size, &self.batch_size);
        put(&mut settings.overlap_hours, &self.overlap_hours);
        put(&mut settings.allow_http, &self.allow_http);
        if let Some(zone) = &self.timezone {
            settings.timezone = Some(zone.trim().to_owned()).filter(|zone| !zone.is_empty());
        }
        if let Some(pin) = &self.tls_pin {
            settings.tls_pin = Some(pin.trim().to_owned()).filter(|pin| !pin.is_empty());
        }
    }
}

/// Something wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which setting, by its name in the API.
    pub key: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub cure: String,
}

impl Settings {
    /// The sample that is there before anybody made a source: inactive, and leading nowhere.
    pub fn sample() -> Self {
        Self {
            api_url: SAMPLE_URL.to_owned(),
            domain: "example".to_owned(),
            ..Self::default()
        }
    }

    /// Everything wrong with them. An inactive source may be incomplete.
    pub fn faults(&self, author: Author) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut find = |key, problem: String, cure: &str| {
            faults.push(Fault {
                key,
                problem,
                cure: cure.to_owned(),
            });
        };
        if let Err((problem, cure)) = self.url(author)
            && (self.is_active || !self.api_url.is_empty())
        {
            find("api_url", problem, cure);
        }
        if self.domain.chars().count() > 253 || self.domain.chars().any(char::is_control) {
            find(
                "domain",
                "is no domain".to_owned(),
                "write the tenant's name, such as \"branch-01\"",
            );
        }
        if let Err(message) = Schedule::parse(&self.cron_expression) {
            let (problem, cure) = message.split_once("; ").unwrap_or((&message, "write six fields"));
            find("cron_expression", problem.to_owned(), cure);
        }
        if !(1..=3650).contains(&self.days_back) {
            find(
                "days_back",
                format!("{} is no number of days", self.days_back),
                "use 1 to 3650; 30 is usual",
            );
        }
        if !(1..=1000).contains(&self.batch_size) {
            find(
                "batch_size",
                format!("{} is no page", self.batch_size),
                "use 1 to 1000; 200 is usual",
            );
        }
        if !(2..=720).contains(&self.overlap_hours) {
            let problem = format!("{} hours is no overlap", self.overlap_hours);
            find("overlap_hours", problem, "use 2 to 720; 24 is usual");
        }
        if let Some((key, problem)) = Trust::mistakes(self.tls_pin.as_deref()) {
            find(key, problem, "write \"first_use\" or \"sha256/…\"");
        }
        if let Some(zone) = &self.timezone
            && TimeZone::get(zone).is_err()
        {
            find(
                "timezone",
                format!("\"{zone}\" is no time zone"),
                "write region and city, such as \"Asia/Riyadh\"",
            );
        }
        faults
    }

    /// The address, once it is one that may be used.
    ///
    /// # Errors
    /// The problem and its cure.
    pub fn url(&self, author: Author) -> Result<Url, (String, &'static str)> {
        const CURE: &str = "write it like \"https://pbx.example:8080/api/v2/cdrs\"";
        if self.api_url.len() > 2000 {
            return Err(("is longer than 2000 characters".to_owned(), CURE));
        }
        let url = Url::parse(&self.api_url).map_err(|_error| ("is no address".to_owned(), CURE))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(("names no host".to_owned(), CURE));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let cure = "leave the password out and give it as the api key";
            return Err(("holds a password, and addresses are shown".to_owned(), cure));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.allow_http || (author == Author::File && is_this_machine(&url)) => Ok(url),
            "http" => {
                let cure = "use https, or set allow_http = true when the way to the PBX is trusted";
                Err((
                    "is plain http, which shows calls and key to everybody on the way".to_owned(),
                    cure,
                ))
            }
            _ => Err(("is neither https nor http".to_owned(), CURE)),
        }
    }

    /// The zone of the PBX's clock.
    pub fn zone(&self, site: &TimeZone) -> TimeZone {
        let named = self.timezone.as_ref().and_then(|name| TimeZone::get(name).ok());
        named.unwrap_or_else(|| site.clone())
    }

    /// Whether the schedule counts.
    pub fn is_scheduled(&self) -> bool {
        self.is_active && self.sync_mode == SyncMode::Scheduled
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(change: impl FnOnce(&mut Settings)) -> Vec<&'static str> {
        let mut settings = Settings {
            api_url: "https://pbx.example:8080/api/v2/cdrs".into(),
            is_active: true,
            ..Settings::default()
        };
        change(&mut settings);
        settings
            .faults(Author::Api)
            .into_iter()
            .map(|fault| fault.key)
            .collect()
    }

    /// S0-042, S0-041, S0-039
    #[test]
    fn each_fault_names_its_setting() {
        assert!(keys(|_| ()).is_empty());
        assert!(Settings::sample().faults(Author::Api).is_empty());
        assert_eq!(keys(|settings| settings.batch_size = 0), ["batch_size"]);
        assert_eq!(keys(|settings| settings.batch_size = 1001), ["batch_size"]);
        assert_eq!(keys(|settings| settings.days_back = 0), ["days_back"]);
        assert_eq!(
            keys(|settings| settings.cron_expression = "now and then".into()),
            ["cron_expression"]
        );
        assert_eq!(
            keys(|settings| settings.timezone = Some("Mars/Olympus".into())),
            ["timezone"]
        );
        for url in [
            "",
            "pbx",
            "ftp://pbx.example/x",
            "https://",
            "https://sam:pw@pbx.example/",
        ] {
            assert_eq!(
                keys(|settings| settings.api_url = url.into()),
                ["api_url"],
                "{url}"
            );
        }
    }

    /// S0-162
    #[test]
    fn plain_http_needs_the_flag_or_the_machine_itself_named_in_the_file() {
        let with = |url: &str, allow_http, author| {
            let settings = Settings {
                api_url: url.into(),
                allow_http,
                ..Settings::default()
            };
            settings.url(author).is_ok()
        };
        assert!(with("https://pbx.example/x", false, Author::Api));
        assert!(!with("http://pbx.example/x", false, Author::Api));
        assert!(!with("http://pbx.example/x", false, Author::File));
        assert!(with("http://pbx.example/x", true, Author::Api));
        assert!(with("http://127.0.0.1:9/x", false, Author::File));
        assert!(with("http://[::1]:9/x", false, Author::File));
        assert!(!with("http://127.0.0.1:9/x", false, Author::Api));
        assert!(!with("http://localhost:9/x", false, Author::File));
    }

    /// S0-037, S0-163
    #[test]
    fn a_key_does_not_show() {
        let patch: Patch = serde_json::from_str(r#"{"api_key":"hush"}"#).unwrap();
        assert!(!format!("{patch:?}").contains("hush"));
    }
}
