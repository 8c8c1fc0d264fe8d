use super::Mistake;
use super::section::Section;
use crate::model::Language;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::path::PathBuf;

/// `[site]`: which box this is and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Site {
    /// The name of the box in every record, so that a fleet can tell its boxes apart.
    pub name: String,
    /// The zone of the site's clock, by its name in the IANA data base, such as `Asia/Riyadh`.
    pub timezone: String,
    /// The country, two letters (ISO 3166-1), such as `SA`.
    pub country: Option<String>,
    /// The languages callers can hear, the preferred first; each has a folder of prompts.
    pub languages: Vec<Language>,
    /// Where everything lives that must survive a restart.
    pub data_dir: PathBuf,
    /// How long calls may go on after the daemon was asked to stop.
    pub drain_seconds: u32,
    /// Calls at once; a further one is answered 503.
    pub max_calls: u32,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: "callpost".to_owned(),
            timezone: "UTC".to_owned(),
            country: None,
            languages: vec![Language::from("en")],
            data_dir: PathBuf::from("data"),
            drain_seconds: 30,
            max_calls: 200,
        }
    }
}

impl Site {
    /// The zone of the site's clock. `Config` holds only names that are known.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }
}

impl Section<Site> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>) {
        let site = &self.value;
        if site.name.trim().is_empty() || site.name.chars().any(char::is_control) {
            mistakes.push(self.mistake("name", "is empty", "give the box a name, such as \"branch-01\""));
        }
        if TimeZone::get(&site.timezone).is_err() {
            let problem = format!("\"{}\" is no time zone", site.timezone);
            mistakes.push(self.mistake(
                "timezone",
                problem,
                "write region and city, such as \"Asia/Riyadh\"",
            ));
        }
        if let Some(country) = site.country.as_ref().filter(|country| !is_country(country)) {
            let problem = format!("\"{country}\" is no country code");
            mistakes.push(self.mistake("country", problem, "write two letters, such as \"SA\""));
        }
        if site.languages.is_empty() {
            mistakes.push(self.mistake("languages", "is empty", "name one at least, such as [\"en\"]"));
        }
        for language in site
            .languages
            .iter()
            .filter(|language| !is_language(language.as_str()))
        {
            let problem = format!("\"{language}\" is no language");
            mistakes.push(self.mistake("languages", problem, "write tags such as \"en\" or \"pt-BR\""));
        }
        for (place, language) in site.languages.iter().enumerate() {
            if site
                .languages
                .iter()
                .take(place)
                .any(|earlier| earlier == language)
            {
                mistakes.push(self.mistake(
                    "languages",
                    format!("\"{language}\" stands twice"),
                    "name it once",
                ));
            }
        }
        if site.data_dir.as_os_str().is_empty() {
            mistakes.push(self.mistake(
                "data_dir",
                "is empty",
                "name a folder, such as \"/var/lib/callpost\"",
            ));
        }
        if site.max_calls == 0 {
            mistakes.push(self.mistake("max_calls", "0 lets no call in", "use 1 or more; 200 is usual"));
        }
        if site.drain_seconds > 3600 {
            let problem = format!("{} keeps a restart waiting", site.drain_seconds);
            mistakes.push(self.mistake("drain_seconds", problem, "use 3600 or less; 30 is usual"));
        }
    }
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase())
}

/// The shape of a language tag (RFC 5646 §2.1); it also names a folder.
fn is_language(text: &str) -> bool {
    let parts_are_plain = text.split('-').all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|letter| letter.is_ascii_alphanumeric())
    });
    let first = text.split('-').next().unwrap_or_default();
    parts_are_plain
        && (2..=3).contains(&first.len())
        && first.bytes().all(|letter| letter.is_ascii_alphabetic())
}
