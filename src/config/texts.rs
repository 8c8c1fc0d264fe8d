use super::{Mistake, Place, Unloadable, shipped};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a configuration is looked for when none is named.
const USUAL_PLACES: [&str; 2] = ["config/callpost.toml", "/etc/callpost/callpost.toml"];
/// What messages call the configuration that is in the binary.
const SHIPPED: &str = "(shipped) callpost.toml";

/// What a person writes to configure the box, as text: the file, and the flows beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// What messages call the file.
    pub(super) name: PathBuf,
    /// Where the file is; nothing for the one in the binary, or one that is only looked at.
    pub(super) file: Option<PathBuf>,
    /// What it says.
    pub(super) text: String,
    /// The flows by the names of their files, such as `main.toml`.
    pub(super) flows: BTreeMap<String, String>,
    /// Whether the flows are those of the binary, which nobody has written down.
    pub(super) shipped_flows: bool,
}

impl Texts {
    /// Reads the named file, or else the first that exists of `./config/callpost.toml` and
    /// `/etc/callpost/callpost.toml`, or else takes the shipped configuration; then the flows beside it. A flow that
    /// cannot be read is a mistake, and left out.
    ///
    /// # Errors
    /// That the file cannot be read.
    pub fn read(path: Option<&Path>) -> Result<(Self, Vec<Mistake>), Unloadable> {
        let usual = || {
            USUAL_PLACES
                .map(PathBuf::from)
                .into_iter()
                .find(|path| path.exists())
        };
        let Some(path) = path.map(Path::to_owned).or_else(usual) else {
            return Ok((Self::shipped(), Vec::new()));
        };
        let text = match fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => {
                return Err(Unloadable::Unreadable {
                    path,
                    cause: "is no UTF-8 text".to_owned(),
                });
            }
            Err(error) => {
                return Err(Unloadable::Unreadable {
                    path,
                    cause: format!("cannot be read: {error}"),
                });
            }
        };
        let mut texts = Self::of_text(path.clone(), text);
        let mut mistakes = Vec::new();
        let folder = folder_of(&path).join("flows");
        if folder.is_dir() {
            texts.shipped_flows = false;
            (texts.flows, mistakes) = flows_in(&folder);
        }
        texts.file = Some(path);
        Ok((texts, mistakes))
    }

    /// The configuration in the binary.
    pub fn shipped() -> Self {
        Self::of_text(PathBuf::from(SHIPPED), shipped::CONFIG.to_owned())
    }

    /// A text that is no file, with the flows of the binary.
    pub(super) fn of_text(name: PathBuf, text: String) -> Self {
        let flows = shipped::FLOWS
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self {
            name,
            file: None,
            text,
            flows: flows.collect(),
            shipped_flows: true,
        }
    }

    /// Where the file is; nothing for the configuration in the binary.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What the file says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The flows by the names of their files, such as `main.toml`.
    pub fn flows(&self) -> &BTreeMap<String, String> {
        &self.flows
    }

    /// Whether the flows are those of the binary, which nobody has written down.
    pub fn has_shipped_flows(&self) -> bool {
        self.shipped_flows
    }

    /// The same with another text of the file.
    #[must_use]
    pub fn with_text(&self, text: String) -> Self {
        Self { text, ..self.clone() }
    }

    /// The same with another text of a flow, or without the flow. From then on the flows are somebody's own.
    #[must_use]
    pub fn with_flow(&self, file: &str, text: Option<String>) -> Self {
        let mut changed = self.clone();
        match text {
            Some(text) => changed.flows.insert(file.to_owned(), text),
            None => changed.flows.remove(file),
        };
        changed.shipped_flows = false;
        changed
    }

    /// The same as if it were this file: what is in the binary is about to be written down there.
    #[must_use]
    pub fn at(&self, file: PathBuf) -> Self {
        Self {
            name: file.clone(),
            file: Some(file),
            ..self.clone()
        }
    }

    /// The folder of the file: flows, prompts and secrets lie in it.
    pub fn folder(&self) -> Option<PathBuf> {
        self.file.as_deref().map(folder_of)
    }

    /// Where the file lies, or a flow by the name of its file; nothing for what is in the binary.
    pub fn file_of(&self, flow: Option<&str>) -> Option<PathBuf> {
        match flow {
            None => self.file.clone(),
            Some(_) if self.shipped_flows => None,
            Some(flow) => Some(self.folder()?.join("flows").join(flow)),
        }
    }

    /// What messages call a flow.
    pub(super) fn flow_name(&self, file: &str) -> PathBuf {
        self.file_of(Some(file))
            .unwrap_or_else(|| PathBuf::from(format!("(shipped) flows/{file}")))
    }
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// Every `*.toml` of the folder.
fn flows_in(folder: &Path) -> (BTreeMap<String, String>, Vec<Mistake>) {
    let (mut flows, mut mistakes) = (BTreeMap::new(), Vec::new());
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            mistakes.push(unreadable(folder, &error.to_string()));
            return (flows, mistakes);
        }
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    for path in paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            mistakes.push(unreadable(&path, "its name is no UTF-8"));
            continue;
        };
        match fs::read_to_string(&path) {
            Ok(text) => drop(flows.insert(name.to_owned(), text)),
            Err(error) => mistakes.push(unreadable(&path, &error.to_string())),
        }
    }
    (flows, mistakes)
}

fn unreadable(path: &Path, cause: &str) -> Mistake {
    Mistake {
        place: Place::File(path.to_owned()),
        key: String::new(),
        problem: format!("cannot be read: {cause}"),
        cure: "let the user of the daemon read it".to_owned(),
    }
}
