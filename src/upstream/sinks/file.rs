use super::{SinkContext, Unready};
use crate::store::OutboxItem;
use crate::upstream::config::SectionMistake;
use crate::upstream::{Delivered, Verdict};
use serde::Deserialize;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The keys of `type = "file"`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Section {
    /// The file that records are appended to, one JSON object a line.
    pub path: PathBuf,
}

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        if self.path.as_os_str().is_empty() {
            let cure = "write the file to append to, such as cdrs.jsonl";
            found.push(("path", "is missing".to_owned(), cure.to_owned()));
        }
        found
    }
}

/// Appends each record as one line of JSON and puts it on the disk before it counts as delivered.
#[derive(Debug)]
pub(in crate::upstream) struct File {
    path: PathBuf,
}

impl File {
    pub(super) fn new(section: &Section, _context: &SinkContext) -> Result<Self, Unready> {
        Ok(Self {
            path: section.path.clone(),
        })
    }

    pub(super) fn batch(&self) -> usize {
        100
    }

    pub(super) async fn deliver(&mut self, items: &[OutboxItem]) -> Delivered {
        let path = self.path.clone();
        let lines: String = items.iter().map(|item| item.numbered_body() + "\n").collect();
        match tokio::task::spawn_blocking(move || append(&path, &lines)).await {
            Ok(Ok(())) => Delivered::Each(vec![Verdict::Done; items.len()]),
            Ok(Err(error)) => Delivered::later(error),
            Err(error) => Delivered::later(error),
        }
    }
}

fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}
