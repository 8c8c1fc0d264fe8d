use super::draft::{Draft, FlowDraft, Found, LISTS};
use super::secret::SecretPlaces;
use super::source::Source;
use super::tls_files::TlsPlaces;
use super::{Config, Mistake, Place, environment, flows, named, report, shipped};
use crate::model::Language;
use crate::prompts::{Library, OwnPrompts, Problem, Shelf, Synthesiser};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a configuration is looked for when none is named.
const USUAL_PLACES: [&str; 2] = ["config/callpost.toml", "/etc/callpost/callpost.toml"];
/// What messages call the configuration that is in the binary.
const SHIPPED: &str = "(shipped) callpost.toml";

/// A configuration without a mistake.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The files it was read from; none when it is the shipped one.
    pub files: Vec<PathBuf>,
    /// What is worth a look.
    pub warnings: Vec<Mistake>,
    /// Files with secrets and certificates that it names; whether they are there is another matter.
    pub named_files: Vec<PathBuf>,
    /// The names of the environment variables that were laid over it.
    pub variables: Vec<String>,
    /// Where the keys that name files of TLS stand.
    pub(super) tls_places: TlsPlaces,
}

impl Loaded {
    /// Decodes every prompt and tries the speech synthesiser if a flow needs one, as `check` does: prompts that
    /// cannot be played, then what is worth a look.
    pub fn check_sounds(&self) -> (Vec<Mistake>, Vec<Mistake>) {
        let config = &self.config;
        let opened = Library::load(&config.prompts, &config.site.languages, None, &[]);
        let mistakes = opened.problems.into_iter().map(as_mistake).collect();
        let warnings = match Synthesiser::new(None).check() {
            Err(problem) if config.speaks_texts() => {
                let unrecorded = config
                    .site
                    .languages
                    .iter()
                    .filter_map(|language| self.unrecorded(language));
                std::iter::once(as_mistake(problem)).chain(unrecorded).collect()
            }
            Err(_) | Ok(()) => Vec::new(),
        };
        (mistakes, warnings)
    }

    /// The parts of numbers that nobody can say in this language, without a recording and without a synthesiser.
    fn unrecorded(&self, language: &Language) -> Option<Mistake> {
        let names: Vec<&str> = self
            .config
            .prompts
            .spoken(language)
            .map(|name| name.as_str())
            .collect();
        (!names.is_empty()).then(|| Mistake {
            place: Place::File(PathBuf::from(format!("prompts/{language}"))),
            key: String::new(),
            problem: format!(
                "{} parts of numbers are not recorded: {}",
                names.len(),
                names.join(", ")
            ),
            cure: "record each as a prompt of this name, or install espeak-ng".to_owned(),
        })
    }
}

fn as_mistake(problem: Problem) -> Mistake {
    let Problem { path, problem, cure } = problem;
    Mistake {
        place: Place::File(path),
        key: String::new(),
        problem,
        cure,
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum Unloadable {
    /// Everything that is wrong with it, and what is worth a look besides.
    Mistakes {
        /// What must be mended.
        mistakes: Vec<Mistake>,
        /// What is worth a look.
        warnings: Vec<Mistake>,
    },
    /// The file cannot be read at all.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why, in plain words.
        cause: String,
    },
}

impl fmt::Display for Unloadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistakes { mistakes, .. } => out.write_str(report(mistakes).trim_end()),
            Self::Unreadable { path, cause } => write!(out, "{}: {cause}", path.display()),
        }
    }
}

impl std::error::Error for Unloadable {}

/// What lies around a configuration: the environment variables and the credentials systemd hands to the service.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Environment variables; those that begin with `CALLPOST__` count.
    pub variables: Vec<(String, String)>,
    /// `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
    /// Where the data lies, in place of `[site] data_dir`.
    pub data_dir: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process. A variable that is no UTF-8 is left out.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            data_dir: None,
        }
    }

    /// The same with the data somewhere else than the configuration says.
    #[must_use]
    pub fn with_data_in(self, data_dir: Option<PathBuf>) -> Self {
        Self { data_dir, ..self }
    }
}

impl Config {
    /// Loads the named file, or else the first that exists of `./config/callpost.toml` and
    /// `/etc/callpost/callpost.toml`, or else the shipped configuration, with the environment of this process.
    /// Flows and prompts lie beside the file; prompts that were given to the running box lie with its data.
    ///
    /// # Errors
    /// Every mistake at once, or that the file cannot be read.
    pub fn load(path: Option<&Path>) -> Result<Loaded, Unloadable> {
        Self::load_in(path, &Surroundings::of_process())
    }

    /// The same in other surroundings.
    ///
    /// # Errors
    /// Every mistake at once, or that the file cannot be read.
    pub fn load_in(path: Option<&Path>, around: &Surroundings) -> Result<Loaded, Unloadable> {
        let usual = || {
            USUAL_PLACES
                .map(PathBuf::from)
                .into_iter()
                .find(|path| path.exists())
        };
        let Some(path) = path.map(Path::to_owned).or_else(usual) else {
            return read(PathBuf::from(SHIPPED), shipped::CONFIG.to_owned(), None, around);
        };
        match fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => read(path.clone(), text, Some(&path), around),
            Ok(Err(_)) => Err(Unloadable::Unreadable {
                path,
                cause: "is no UTF-8 text".to_owned(),
            }),
            Err(error) => Err(Unloadable::Unreadable {
                path,
                cause: format!("cannot be read: {error}"),
            }),
        }
    }

    /// Reads a configuration from a text, with the shipped flows and prompts. `name` is what messages call it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn from_text(name: &str, text: &str, around: &Surroundings) -> Result<Loaded, Unloadable> {
        read(PathBuf::from(name), text.to_owned(), None, around)
    }
}

fn read(
    path: PathBuf,
    text: String,
    file: Option<&Path>,
    around: &Surroundings,
) -> Result<Loaded, Unloadable> {
    let mut variables = environment::ours(around.variables.iter().cloned());
    let database = environment::database_url(&around.variables, &mut variables);
    let source = Source {
        path,
        text,
        variables,
    };
    let beside = file.map(|file| file.parent().map_or_else(PathBuf::new, Path::to_owned));
    let mut found = Found::default();
    found.mistakes.extend(database);
    let mut root = source.parse().map_err(|mistakes| Unloadable::Mistakes {
        mistakes,
        warnings: Vec::new(),
    })?;
    found
        .mistakes
        .extend(environment::lay_over(&source, &mut root, &LISTS));
    let named_files = named::named_files(&source, around.credentials.as_deref(), beside.as_deref());
    let secrets = SecretPlaces {
        credentials: around.credentials.clone(),
        beside: beside.clone(),
    };
    let mut draft = Draft::read(&source, &mut root, &secrets, &mut found);
    let mut files: Vec<PathBuf> = file.map(Path::to_owned).into_iter().collect();
    let shelf = match &beside {
        Some(folder) => Shelf::gather(&folder.join("prompts")),
        None => Shelf::shipped(),
    };
    let data_dir = around.data_dir.as_ref().unwrap_or(&draft.site.value.data_dir);
    let shelf = shelf.with_own(&OwnPrompts::below(data_dir));
    match beside
        .map(|folder| folder.join("flows"))
        .filter(|folder| folder.is_dir())
    {
        Some(folder) => draft.add(flows_of(&folder, &mut files, &mut found), false, shelf),
        None => draft.add(shipped_flows(&mut found), true, shelf),
    }
    draft.check(&mut found);
    let Found { mistakes, warnings } = found;
    if mistakes.is_empty() {
        let tls_places = TlsPlaces::of(&draft);
        return Ok(Loaded {
            tls_places,
            config: draft.finish(),
            files,
            warnings,
            named_files,
            variables: source.variables.iter().map(|(name, _)| name.clone()).collect(),
        });
    }
    Err(Unloadable::Mistakes { mistakes, warnings })
}

/// Every `*.toml` of the folder, in the order of their names.
fn flows_of(folder: &Path, files: &mut Vec<PathBuf>, found: &mut Found) -> Vec<FlowDraft> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            found.mistakes.push(unreadable(folder, &error.to_string()));
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    let mut drafts = Vec::new();
    for path in paths {
        match fs::read_to_string(&path) {
            Ok(text) => drafts.extend(flows::read_flow(&Source::file(path.clone(), text), found)),
            Err(error) => found.mistakes.push(unreadable(&path, &error.to_string())),
        }
        files.push(path);
    }
    drafts
}

fn shipped_flows(found: &mut Found) -> Vec<FlowDraft> {
    shipped::FLOWS
        .iter()
        .filter_map(|(name, text)| {
            flows::read_flow(&Source::file(PathBuf::from(name), (*text).to_owned()), found)
        })
        .collect()
}

fn unreadable(path: &Path, cause: &str) -> Mistake {
    Mistake {
        place: Place::File(path.to_owned()),
        key: String::new(),
        problem: format!("cannot be read: {cause}"),
        cure: "let the user of the daemon read it".to_owned(),
    }
}
