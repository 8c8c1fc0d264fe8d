use super::desk::{Desk, text_of};
use super::rehearsed::call_every_number;
use super::versions::Authorship;
use super::{FIRST_FILE, paper, view};
use crate::app::clock;
use crate::config::{Change, Config, Loaded, Texts};
use crate::http::{Applied, Basis, ChangeOrder, Checked, Draft, Part, Refused};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// A configuration that is ready to be swapped in.
pub(super) struct Ready {
    pub(super) loaded: Loaded,
    pub(super) checked: Checked,
    pub(super) changes: Vec<Change>,
}

impl Desk {
    /// The texts with a draft in them, its masks taken off.
    pub(super) fn drafted(&self, texts: &Texts, draft: &Draft) -> Result<Texts, Checked> {
        let known = text_of(texts, &draft.part).unwrap_or_default();
        let name = texts.file_of(draft.part.file().as_deref());
        let name = name.unwrap_or_else(|| PathBuf::from("callpost.toml"));
        let revealed = draft
            .text
            .as_deref()
            .map(|text| self.masks.reveal(&name, text, &[known, texts.text()]))
            .transpose()
            .map_err(|mistakes| Checked {
                mistakes: view::faults(&mistakes),
                warnings: Vec::new(),
            })?;
        Ok(match (&draft.part, revealed) {
            (Part::Main, Some(text)) => texts.with_text(text),
            (Part::Main, None) => texts.clone(),
            (Part::Flow(_), text) => texts.with_flow(&draft.part.file().unwrap_or_default(), text),
        })
    }

    /// Reads, checks and rehearses.
    pub(super) fn prepare(&self, before: &Texts, after: Texts) -> Result<Ready, Checked> {
        let loaded = Config::of_texts(after, &self.around).map_err(view::unloadable)?;
        let (mistakes, warnings) = loaded.check_tls_files(clock::wall_unix_ms());
        let mut checked = Checked {
            mistakes: view::faults(&mistakes),
            warnings: view::faults(&[loaded.warnings.clone(), warnings].concat()),
        };
        let (broken, odd) = call_every_number(&loaded.config, &*self.sounds);
        checked.mistakes.extend(broken);
        checked.warnings.extend(odd);
        if !checked.mistakes.is_empty() {
            return Err(checked);
        }
        Ok(Ready {
            changes: before.changes_to(&loaded.texts),
            loaded,
            checked,
        })
    }

    pub(super) fn apply(
        self: &Arc<Self>,
        draft: &Draft,
        order: &ChangeOrder,
        up: BTreeSet<String>,
    ) -> Result<Applied, Refused> {
        let texts = self.texts();
        let now = text_of(&texts, &draft.part);
        let tag = now.map(|text| self.masks.tag(text));
        match (&order.basis, &tag) {
            (_, None) if draft.text.is_none() => return Err(Refused::Unknown),
            (Basis::Any, _) | (Basis::Nothing, None) => {}
            (Basis::Tag(wanted), Some(tag)) if wanted == tag => {}
            (Basis::Tag(_) | Basis::Nothing, _) => {
                return Err(Refused::Overtaken {
                    etag: tag.unwrap_or_default(),
                });
            }
        }
        let drafted = self.drafted(&texts, draft).map_err(Refused::Mistakes)?;
        let mut applied = self.change_to(&texts, drafted, order, ("changed", up))?;
        applied.etag = text_of(&self.texts(), &draft.part)
            .map(|text| self.masks.tag(text))
            .unwrap_or_default();
        Ok(applied)
    }

    pub(super) fn go_back(
        self: &Arc<Self>,
        id: u64,
        order: &ChangeOrder,
        up: BTreeSet<String>,
    ) -> Option<Result<Applied, Refused>> {
        let version = self.versions.get(id)?;
        let texts = self.texts();
        let wanted = version.texts(&texts);
        Some(self.change_to(&texts, wanted, order, ("returned", up)))
    }

    /// Checks, rehearses, writes, swaps in, and begins the trial.
    pub(super) fn change_to(
        self: &Arc<Self>,
        before: &Texts,
        wanted: Texts,
        order: &ChangeOrder,
        (way, up): (&'static str, BTreeSet<String>),
    ) -> Result<Applied, Refused> {
        if let Some(file) = self.changed_on_disk(before) {
            return Err(Refused::ChangedOnDisk { file });
        }
        let wanted = match wanted.file() {
            Some(_) => wanted,
            None => wanted.at(PathBuf::from(FIRST_FILE)),
        };
        let ready = self.prepare(before, wanted).map_err(Refused::Mistakes)?;
        if way == "changed"
            && let Some(key) = for_the_box_alone(&ready.changes)
        {
            return Err(Refused::AtTheBox { key });
        }
        let returns_to = self.running().version;
        let author = Authorship {
            by: &order.by,
            way,
            reason: &order.reason,
        };
        let texts = ready.loaded.texts.clone();
        let version = self.put_down(before, &texts, &ready.changes, author)?;
        self.swap_in(&ready.loaded, version);
        let names: Vec<String> = ready.changes.iter().map(view::in_short).collect();
        tracing::info!(
            by = %order.by,
            version,
            "The configuration is version {version} now, by {}: {}.",
            order.by,
            names.join(", ")
        );
        if let Some(returns_to) = returns_to.filter(|_| order.trial_seconds > 0) {
            self.begin_trial(order, returns_to, version, up);
        }
        self.tell_alarms();
        let running = self.running();
        let trial = running.trial.clone();
        let config = Arc::clone(&running.config);
        drop(running);
        Ok(Applied {
            version,
            etag: self.masks.tag(texts.text()),
            changes: ready.changes.iter().map(view::change).collect(),
            warnings: ready.checked.warnings,
            trial: trial.map(|trial| self.trial_view(&trial, None, &config)),
        })
    }

    /// Keeps the version, then writes the files that differ.
    pub(super) fn put_down(
        &self,
        before: &Texts,
        after: &Texts,
        changes: &[Change],
        author: Authorship<'_>,
    ) -> Result<u64, Refused> {
        let in_short = changes.iter().map(view::in_short).collect();
        let version = self
            .versions
            .keep((self.wall)(), author, after, in_short)
            .map_err(|error| Refused::ReadOnly(paper::explained(self.versions.folder(), &error)))?;
        for (file, text) in files_to_write(before, after) {
            let written = match text {
                Some(text) => paper::replace(&file, text),
                None => paper::remove(&file),
            };
            if let Err(error) = written {
                self.versions.forget(version);
                return Err(Refused::ReadOnly(paper::explained(&file, &error)));
            }
        }
        Ok(version)
    }

    pub(super) fn swap_in(&self, loaded: &Loaded, version: u64) {
        (self.swap)(&loaded.config);
        let mut running = self.running();
        running.texts = Arc::new(loaded.texts.clone());
        running.config = Arc::new(loaded.config.clone());
        running.version = Some(version);
        running.taken_back = None;
    }

    pub(super) fn reread(&self, order: &ChangeOrder) -> Result<Applied, Refused> {
        let before = self.texts();
        let named = self.named.as_deref().or(before.file());
        let loaded = Config::load_in(named, &self.around)
            .map_err(|refused| Refused::Mistakes(view::unloadable(refused)))?;
        let changes = before.changes_to(&loaded.texts);
        let version = if loaded.texts == *before {
            self.running().version
        } else {
            self.keep_found_by(&loaded.texts, &order.by, &order.reason, &changes)
        };
        let version = version.unwrap_or_default();
        self.swap_in(&loaded, version);
        // Whoever changes the files by hand is at the box, and knows.
        self.running().trial = None;
        self.forget_pending();
        self.tell_alarms();
        Ok(Applied {
            version,
            etag: self.masks.tag(loaded.texts.text()),
            changes: changes.iter().map(view::change).collect(),
            warnings: view::faults(&loaded.warnings),
            trial: None,
        })
    }

    pub(super) fn keep_found(&self, texts: &Texts) -> Option<u64> {
        self.keep_found_by(texts, "", "", &[])
    }

    /// What was found in the files becomes a version. Where it cannot be kept, the box runs all the same.
    pub(super) fn keep_found_by(
        &self,
        texts: &Texts,
        by: &str,
        reason: &str,
        changes: &[Change],
    ) -> Option<u64> {
        let author = Authorship {
            by,
            way: "found",
            reason,
        };
        let in_short = changes.iter().map(view::in_short).collect();
        match self.versions.keep((self.wall)(), author, texts, in_short) {
            Ok(id) => Some(id),
            Err(error) => {
                tracing::warn!(%error, "This version of the configuration cannot be kept: {error}.");
                None
            }
        }
    }
}

/// Flows before the file that names them, and what goes last.
fn files_to_write<'t>(before: &Texts, after: &'t Texts) -> Vec<(PathBuf, Option<&'t str>)> {
    let mut files = Vec::new();
    let Some(main) = after.file() else { return files };
    if !after.has_shipped_flows() {
        let is_written = |file: &String, text: &String| {
            !before.has_shipped_flows() && before.flows().get(file) == Some(text)
        };
        let flows = after
            .flows()
            .iter()
            .filter(|(file, text)| !is_written(file, text));
        files
            .extend(flows.filter_map(|(file, text)| Some((after.file_of(Some(file))?, Some(text.as_str())))));
    }
    if before.file() != Some(main) || before.text() != after.text() {
        files.push((main.to_owned(), Some(after.text())));
    }
    if !before.has_shipped_flows() {
        let gone = before
            .flows()
            .keys()
            .filter(|file| !after.flows().contains_key(*file));
        files.extend(gone.filter_map(|file| Some((after.file_of(Some(file))?, None))));
    }
    files
}

/// A key that says which program the box starts. Who may write the configuration over the network may not choose that.
fn for_the_box_alone(changes: &[Change]) -> Option<String> {
    changes
        .iter()
        .filter(|change| change.section == "transcription")
        .flat_map(|change| &change.keys)
        .find(|key| key.key == "command" && key.after.as_deref().is_some_and(|after| after != "[]"))
        .map(|_| "transcription.command".to_owned())
}
