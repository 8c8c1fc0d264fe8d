use serde::Deserialize;
use std::path::PathBuf;

/// `[recording]`: whether conversations are recorded, for how long they are kept, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Record conversations; `record` of a `[[number]]` overrides it. Messages for a voicemail box are always
    /// recorded.
    pub enabled: bool,
    /// Days until a recording may be removed.
    pub retention_days: u32,
    /// Megabytes of the disk that recordings leave free. With less, running ones are ended and none is begun, until
    /// there is room again; calls and their records go on. 0 leaves nothing free.
    pub keep_free_megabytes: u32,
    /// Where conversations go; `<data_dir>/recordings` when not given. Messages go to `<data_dir>/voicemail`.
    pub dir: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            retention_days: 90,
            keep_free_megabytes: 64,
            dir: None,
        }
    }
}

impl Config {
    /// `keep_free_megabytes` in bytes.
    pub fn keep_free_bytes(&self) -> u64 {
        u64::from(self.keep_free_megabytes) * 1024 * 1024
    }
}
