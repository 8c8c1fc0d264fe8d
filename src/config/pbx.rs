use super::Mistake;
use super::Secret;
use super::section::Section;
use serde::Deserialize;

/// `[[pbx]]`: a PBX whose call records are fetched. Read and checked, not yet served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pbx {
    /// Its name.
    pub name: String,
    /// What kind of PBX it is, such as `onepos`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The address of its records.
    #[serde(default)]
    pub api_url: String,
    /// The domain asked for.
    #[serde(default)]
    pub domain: String,
    /// The key to its records; `api_key_file` names a file with it.
    #[serde(default)]
    pub api_key: Secret,
    /// `manual` or `scheduled`.
    #[serde(default)]
    pub sync: String,
    /// When, as six fields, seconds first.
    #[serde(default)]
    pub cron: String,
    /// How far back the first fetch reaches.
    #[serde(default = "month")]
    pub days_back: u32,
    /// Records a page.
    #[serde(default = "batch")]
    pub batch: u32,
}

fn month() -> u32 {
    30
}

fn batch() -> u32 {
    200
}

impl Section<Pbx> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>, warnings: &mut Vec<Mistake>) {
        let pbx = &self.value;
        if !pbx.api_url.is_empty()
            && !pbx.api_url.starts_with("https://")
            && !pbx.api_url.starts_with("http://")
        {
            let problem = format!("\"{}\" is no address", pbx.api_url);
            mistakes.push(self.mistake("api_url", problem, "write it like \"https://…/api/v2/cdrs\""));
        }
        if !(1..=1000).contains(&pbx.batch) {
            mistakes.push(self.mistake(
                "batch",
                format!("{} is no page", pbx.batch),
                "use 1 to 1000; 200 is usual",
            ));
        }
        warnings.push(self.mistake(
            "",
            "is not served by this version",
            "leave it; a later version fetches its records",
        ));
    }
}
