use serde::Deserialize;

/// `[trace]`: the SIP messages of calls, kept for whoever asks why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether they are kept at all.
    pub enabled: bool,
    /// Days until they go.
    pub keep_days: u32,
    /// Room they take at most; the oldest go first. A call takes some 3 kB.
    pub most_megabytes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            keep_days: 7,
            most_megabytes: 64,
        }
    }
}

impl Config {
    /// What is wrong with this section: the key, and the problem with its cure behind a dash.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.keep_days == 0 {
            let what = "0 keeps nothing — use 1 or more, or `enabled = false`";
            found.push(("keep_days", what.to_owned()));
        }
        if self.most_megabytes == 0 {
            let what = "0 leaves no room — use 1 or more, or `enabled = false`";
            found.push(("most_megabytes", what.to_owned()));
        }
        found
    }
}
