//! The configuration is changed while the box runs: checked, rehearsed, written down, swapped in, tried, and taken back when
//! it has cut something off.

mod change;
mod desk;
mod door;
mod judge;
mod paper;
mod rehearsed;
mod trial;
mod versions;
mod view;

pub use door::{SettingsDesk, Setup};

use crate::config::{Surroundings, Texts};
use std::path::PathBuf;

/// Where a configuration is written that was only in the binary so far; the next start finds it there.
pub(super) const FIRST_FILE: &str = "config/callpost.toml";

/// What a configuration was read from, to be read and written again.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The file that was named.
    pub named: Option<PathBuf>,
    /// The texts.
    pub texts: Option<Texts>,
    /// Environment and credentials.
    pub around: Surroundings,
}
