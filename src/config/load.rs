use super::draft::{Draft, FlowDraft, Found, LISTS};
use super::secret::SecretPlaces;
use super::source::Source;
use super::texts::Texts;
use super::tls_files::TlsPlaces;
use super::{Config, Mistake, Place, environment, flows, named, report};
use crate::model::Language;
use crate::prompts::{Library, OwnPrompts, Problem, Shelf, Synthesiser};
use std::fmt;
use std::path::{Path, PathBuf};

/// A configuration without a mistake.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The files it was read from; none when it is the shipped one.
    pub files: Vec<PathBuf>,
    /// What it was read from, as text.
    pub texts: Texts,
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

    /// The names of the variables that stand over keys of the file.
    pub fn overriding(&self) -> Vec<String> {
        let ours = environment::ours(self.variables.iter().cloned());
        ours.into_iter().map(|(name, _)| name).collect()
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
        let (texts, unread) = Texts::read(path)?;
        read(texts, unread, around)
    }

    /// Reads a configuration from texts as if they lay where they say they do: secrets, certificates and prompts are
    /// looked for there.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn of_texts(texts: Texts, around: &Surroundings) -> Result<Loaded, Unloadable> {
        read(texts, Vec::new(), around)
    }

    /// Reads a configuration from a text, with the shipped flows and prompts. `name` is what messages call it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn from_text(name: &str, text: &str, around: &Surroundings) -> Result<Loaded, Unloadable> {
        read(
            Texts::of_text(PathBuf::from(name), text.to_owned()),
            Vec::new(),
            around,
        )
    }
}

fn read(texts: Texts, unread: Vec<Mistake>, around: &Surroundings) -> Result<Loaded, Unloadable> {
    let mut variables = environment::ours(around.variables.iter().cloned());
    let database = environment::database_url(&around.variables, &mut variables);
    let source = Source {
        path: texts.name.clone(),
        text: texts.text.clone(),
        variables,
    };
    let beside = texts.folder();
    let mut found = Found::default();
    found.mistakes.extend(database.into_iter().chain(unread));
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
    let shelf = match &beside {
        Some(folder) => Shelf::gather(&folder.join("prompts")),
        None => Shelf::shipped(),
    };
    let data_dir = around.data_dir.as_ref().unwrap_or(&draft.site.value.data_dir);
    let shelf = shelf.with_own(&OwnPrompts::below(data_dir));
    draft.add(flows_of(&texts, &mut found), texts.shipped_flows, shelf);
    draft.check(&mut found);
    let Found { mistakes, warnings } = found;
    if mistakes.is_empty() {
        let tls_places = TlsPlaces::of(&draft);
        return Ok(Loaded {
            tls_places,
            config: draft.finish(),
            files: files_of(&texts),
            texts,
            warnings,
            named_files,
            variables: source.variables.iter().map(|(name, _)| name.clone()).collect(),
        });
    }
    Err(Unloadable::Mistakes { mistakes, warnings })
}

/// Every flow, in the order of the names of the files.
fn flows_of(texts: &Texts, found: &mut Found) -> Vec<FlowDraft> {
    let read = texts.flows.iter().filter_map(|(file, text)| {
        flows::read_flow(&Source::file(texts.flow_name(file), text.clone()), found)
    });
    read.collect()
}

fn files_of(texts: &Texts) -> Vec<PathBuf> {
    let flows = texts.flows.keys().filter(|_| !texts.shipped_flows);
    let flows = flows.map(|file| texts.flow_name(file));
    texts.file.iter().cloned().chain(flows).collect()
}
