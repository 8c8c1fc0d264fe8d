use super::DeliveryError;
use crate::store::OutboxItem;
use crate::upstream::Config;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Appends each record as one line of JSON and puts it on the disk before it counts as delivered.
#[derive(Debug)]
pub(in crate::upstream) struct File {
    path: PathBuf,
}

impl File {
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        config
            .path
            .clone()
            .map(|path| Self { path })
            .ok_or_else(|| "path is missing".to_owned())
    }

    pub(super) async fn deliver(&mut self, item: &OutboxItem) -> Result<(), DeliveryError> {
        let (path, line) = (self.path.clone(), format!("{}\n", item.numbered_body()));
        let written = tokio::task::spawn_blocking(move || append(&path, &line)).await;
        written
            .map_err(DeliveryError::later)?
            .map_err(DeliveryError::later)
    }
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}
