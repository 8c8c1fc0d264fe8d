//! What a backup of this box is made of, out of its configuration.

use super::clock;
use crate::backup::{Job, Targets};
use crate::config::{Config, Loaded};
use crate::model::WallClock;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that belongs to the box of this configuration.
pub fn backup_job(
    loaded: &Loaded,
    data_dir: Option<&Path>,
    recordings: bool,
    work_dir: Option<&Path>,
) -> Job {
    let config = &loaded.config;
    let data_dir = whole(data_dir.unwrap_or(&config.site.data_dir));
    let mut config_files: BTreeSet<PathBuf> = loaded.files.iter().map(|file| whole(file)).collect();
    let config_dir = loaded
        .files
        .first()
        .and_then(|file| whole(file).parent().map(Path::to_owned))
        .unwrap_or_default();
    if !loaded.files.is_empty() {
        gather(&config_dir.join("prompts"), &mut config_files);
    }
    let mut named_files = Vec::new();
    for file in &loaded.named_files {
        let file = whole(file);
        if file.starts_with(&config_dir) {
            config_files.insert(file);
        } else if !file.starts_with(&data_dir) {
            named_files.push(file);
        }
    }
    let now = clock::monotonic();
    let wall = WallClock::new(now, clock::wall_unix_ms(), false, config.site.zone());
    Job {
        roots: super::roots(config, &data_dir),
        work_dir: work_dir.unwrap_or(&data_dir).to_owned(),
        data_dir,
        config_dir,
        config_files: config_files.into_iter().collect(),
        named_files,
        left_out: loaded.variables.clone(),
        recordings,
        site: config.site.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: wall.stamp(now),
    }
}

/// Where a backup goes back to. What was there keeps a name with this moment in it.
pub fn restore_targets(config_dir: &Path, data_dir: &Path, config: Option<&Config>) -> Targets {
    Targets {
        data_dir: whole(data_dir),
        config_dir: whole(config_dir),
        recordings: config.and_then(|config| config.recording.dir.clone()),
        before: (clock::wall_unix_ms() / 1000).to_string(),
    }
}

/// The path from the root on, whether anything is there or not.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Every file below a folder.
fn gather(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.is_file() {
            files.insert(path);
        }
    }
}
