//! `callpost config`: the configuration of the running daemon, changed with a net beneath. Asks it through its API.

use super::cdr::{House, Place};
use super::daemon::ask_with;
use super::{complain, say};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A change is checked, rehearsed, written and swapped in; calls go on. It is on trial for a minute: when a trunk or a phone
/// that was up is not up at its end, or when it was to be confirmed and was not, the box takes it back by itself.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The admin token of the daemon has to stand in CALLPOST_ADMIN_TOKEN.\n\
                  Example: callpost config apply new.toml --reason \"second carrier\" --confirm"
)]
pub(super) struct Arguments {
    /// The configuration file, to know where the daemon listens; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// A flow, by the name of its file without the ending, in place of the configuration file.
    #[arg(long, global = true)]
    flow: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the text in use, its secrets hidden.
    Show,
    /// How it stands: file, version, what is on trial, what waits for a restart.
    Status,
    /// Tell what a text would change, and every mistake in it.
    Diff {
        /// The text; `-` for the standard input.
        file: PathBuf,
    },
    /// Change to a text.
    Apply {
        /// The text; `-` for the standard input. Secrets that `show` hides keep their value.
        file: PathBuf,
        #[command(flatten)]
        trial: Trial,
    },
    /// List the kept versions, the newest first.
    History,
    /// Go back to a version.
    Return {
        /// Which version, as `history` shows it.
        #[arg(value_name = "VERSION")]
        number: u64,
        #[command(flatten)]
        trial: Trial,
    },
    /// Keep what is on trial.
    Confirm,
    /// Read the files again, as SIGHUP does.
    Reload,
}

#[derive(Debug, clap::Args)]
struct Trial {
    /// Why, for the history.
    #[arg(long, default_value = "")]
    reason: String,
    /// Take the change back unless `callpost config confirm` comes in time.
    #[arg(long)]
    confirm: bool,
    /// For how long it is on trial, in seconds; 0 for not at all.
    #[arg(long, default_value_t = 60)]
    trial_seconds: u32,
}

impl Trial {
    fn query(&self) -> String {
        format!(
            "reason={}&confirm={}&trial_seconds={}",
            encoded(&self.reason),
            self.confirm,
            self.trial_seconds
        )
    }
}

pub(super) fn config(arguments: &Arguments) -> ExitCode {
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let daemon = Daemon {
        house: Place::new(arguments.config.clone(), None).open()?,
    };
    let part = match &arguments.flow {
        Some(flow) => format!("/api/v1/flows/{}", encoded(flow)),
        None => "/api/v1/config".to_owned(),
    };
    match &arguments.what {
        What::Show => {
            let found = daemon.ask("GET", &part, &[], None)?;
            say(found["text"].as_str().unwrap_or_default().trim_end());
        }
        What::Status => status(&daemon.ask("GET", "/api/v1/config", &[], None)?),
        What::Diff { file } => {
            let text = read(file)?;
            let found = daemon.ask("POST", &format!("{part}/diff"), TOML, Some(&text))?;
            tell_changes(&found);
            if found["ok"] != true {
                return Ok(ExitCode::FAILURE);
            }
        }
        What::Apply { file, trial } => {
            let text = read(file)?;
            let known = daemon.ask("GET", &part, &[], None)?;
            let tag = format!("\"{}\"", known["etag"].as_str().unwrap_or_default());
            let headers = [TOML, &[("If-Match", tag.as_str())]].concat();
            let path = format!("{part}?{}", trial.query());
            return daemon.change("PUT", &path, &headers, Some(&text));
        }
        What::History => {
            let found = daemon.ask("GET", "/api/v1/config/history", &[], None)?;
            list(&found["items"]).iter().for_each(tell_version);
        }
        What::Return { number, trial } => {
            let path = format!("/api/v1/config/history/{number}/return?{}", trial.query());
            return daemon.change("POST", &path, &[], None);
        }
        What::Confirm => {
            daemon.ask("POST", "/api/v1/config/confirm", &[], None)?;
            say("The change stays.");
        }
        What::Reload => return daemon.change("POST", "/api/v1/config/reload", &[], None),
    }
    Ok(ExitCode::SUCCESS)
}

const TOML: &[(&str, &str)] = &[("Content-Type", "application/toml")];

struct Daemon {
    house: House,
}

impl Daemon {
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> anyhow::Result<(u16, Value)> {
        ask_with(&self.house, None, (method, path), headers, body)
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> anyhow::Result<Value> {
        let (status, answer) = self.send(method, path, headers, body)?;
        if status != 200 {
            bail!("{}", answer["detail"].as_str().unwrap_or("the daemon refused"));
        }
        Ok(answer)
    }

    fn change(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> anyhow::Result<ExitCode> {
        let (status, answer) = self.send(method, path, headers, body)?;
        if status != 200 {
            list(&answer["mistakes"]).iter().for_each(tell_fault);
            complain(&anyhow::anyhow!(
                "{}",
                answer["detail"]
                    .as_str()
                    .unwrap_or("the daemon refused")
                    .to_owned()
            ));
            return Ok(ExitCode::FAILURE);
        }
        tell_changes(&answer);
        say(format_args!("This is version {} now.", answer["version"]));
        if let Some(seconds) = answer["trial"]["seconds_left"].as_u64() {
            say(if answer["trial"]["wants_confirmation"] == true {
                format!("It is taken back in {seconds} s unless you say: callpost config confirm")
            } else {
                format!("It is taken back if a trunk or phone that was up is not up in {seconds} s.")
            });
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn status(found: &Value) {
    let file = found["file"].as_str().unwrap_or("the built-in configuration");
    say(format_args!("{file}, version {}", found["version"]));
    if let Some(cure) = found["read_only"]["cure"].as_str() {
        let text = |key: &str| found["read_only"][key].as_str().unwrap_or_default().to_owned();
        say(format_args!("{} {} — {cure}", text("place"), text("problem")));
    }
    if found["changed_on_disk"] == true {
        say("The files were changed by hand and are not in use: callpost config reload");
    }
    if let Some(seconds) = found["trial"]["seconds_left"].as_u64() {
        let missing: Vec<&str> = list(&found["trial"]["missing"])
            .iter()
            .filter_map(Value::as_str)
            .collect();
        say(format_args!(
            "On trial for {seconds} s more; not up: {}",
            if missing.is_empty() {
                "nothing".to_owned()
            } else {
                missing.join(", ")
            }
        ));
    }
    if let Some(reason) = found["taken_back"]["reason"].as_str() {
        say(format_args!("The last change was taken back: {reason}"));
    }
    for key in list(&found["after_restart"]) {
        say(format_args!(
            "{} counts after a restart",
            key.as_str().unwrap_or_default()
        ));
    }
    for name in list(&found["environment"]) {
        say(format_args!(
            "{} in the environment stands over the file",
            name.as_str().unwrap_or_default()
        ));
    }
}

fn tell_changes(found: &Value) {
    list(&found["mistakes"]).iter().for_each(tell_fault);
    list(&found["warnings"]).iter().for_each(tell_fault);
    let changes = list(&found["changes"]);
    for change in changes {
        say(change["text"].as_str().unwrap_or_default());
    }
    if changes.is_empty() {
        say("Nothing changes but comments and layout.");
    }
    if let Some(calls) = found["calls"].as_str().filter(|_| !changes.is_empty()) {
        say(calls);
    }
}

fn tell_fault(fault: &Value) {
    let text = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
    let line = fault["line"]
        .as_u64()
        .map(|line| format!(":{line}"))
        .unwrap_or_default();
    let key = match text("key").as_str() {
        "" => String::new(),
        key => format!(" {key}:"),
    };
    say(format_args!(
        "{}{line}:{key} {} — {}",
        text("file"),
        text("problem"),
        text("cure")
    ));
}

fn tell_version(version: &Value) {
    let text = |key: &str| version[key].as_str().unwrap_or_default().to_owned();
    let changes: Vec<&str> = list(&version["changes"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mark = if version["in_use"] == true { "*" } else { " " };
    let by = match text("by").as_str() {
        "" => "-".to_owned(),
        by => by.to_owned(),
    };
    say(format_args!(
        "{mark}{:>5}  {}  {by}  {}  {}  {}",
        version["id"],
        text("at"),
        text("way"),
        changes.join(", "),
        text("reason")
    ));
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

/// For a part of an address (RFC 3986 §2.1).
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
