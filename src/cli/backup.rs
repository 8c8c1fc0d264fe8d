//! `callpost backup` and `callpost restore`: the whole box in one sealed file, and back.

use super::cdr::progress::Progress;
use super::{complain, say};
use crate::app::{backup_job, restore_targets};
use crate::backup::{self, Kind, Opened, Passphrase, Plan};
use crate::config::{Config, Surroundings, Unloadable};
use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufWriter, IsTerminal as _, Write as _};
use std::net::{IpAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where a passphrase may come from beside a file and the terminal.
const VARIABLE: &str = "CALLPOST_BACKUP_PASSPHRASE";

/// Everything is sealed with a passphrase: without it nobody reads anything, and nobody can help. The daemon goes on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The passphrase is asked for at the terminal, or read from --passphrase-file or from \
                  CALLPOST_BACKUP_PASSPHRASE.\n\
                  Example: callpost backup /mnt/stick/branch-01.backup --config /etc/callpost/callpost.toml \
                  --data-dir /var/lib/callpost"
)]
pub(super) struct BackupArguments {
    /// The file to write.
    file: PathBuf,
    /// The configuration file; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data directory, in place of [site] data_dir.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Put the recordings of calls in as well; messages in boxes are always in.
    #[arg(long)]
    recordings: bool,
    /// A file whose first line is the passphrase.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// Where a copy of the database lies meanwhile; the data directory otherwise.
    #[arg(long)]
    work_dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Reads the whole backup and proves it before anything is changed. What is replaced is kept beside what comes. The
/// daemon has to be stopped.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: callpost restore /mnt/stick/branch-01.backup --config-dir /etc/callpost --data-dir \
                  /var/lib/callpost --dry-run"
)]
pub(super) struct RestoreArguments {
    /// The file to read.
    file: PathBuf,
    /// Where the configuration goes; where it lay when the backup was made otherwise.
    #[arg(long)]
    config_dir: Option<PathBuf>,
    /// The data directory; where it lay when the backup was made otherwise.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// A file whose first line is the passphrase.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn backup(arguments: &BackupArguments) -> ExitCode {
    finish(write(arguments))
}

pub(super) fn restore(arguments: &RestoreArguments) -> ExitCode {
    finish(put_back(arguments))
}

fn finish(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn write(arguments: &BackupArguments) -> anyhow::Result<()> {
    let loaded = Config::load(arguments.config.as_deref())?;
    let job = backup_job(
        &loaded,
        arguments.data_dir.as_deref(),
        arguments.recordings,
        arguments.work_dir.as_deref(),
    );
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), true)?;
    let draft = draft_of(&arguments.file);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| draft.display().to_string())?;
    let written = into_file(&job, &passphrase, file);
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            // Half a backup is none.
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
    };
    fs::rename(&draft, &arguments.file).with_context(|| arguments.file.display().to_string())?;
    if arguments.json {
        say(serde_json::to_string_pretty(&written)?);
        return Ok(());
    }
    say(format_args!(
        "{}: {} files, {} rows of call records, {} sounds, {:.1} MB, sealed.",
        arguments.file.display(),
        written.files,
        written.records,
        written.sounds,
        written.bytes as f64 / 1e6
    ));
    for missing in &written.missing {
        say(format_args!("  left out: {missing}"));
    }
    if !job.left_out.is_empty() {
        say(format_args!(
            "  not in it, because they come from the environment: {}",
            job.left_out.join(", ")
        ));
    }
    say(format_args!(
        "Try it: callpost restore {} --dry-run",
        arguments.file.display()
    ));
    Ok(())
}

fn into_file(job: &backup::Job, passphrase: &Passphrase, file: File) -> anyhow::Result<backup::Written> {
    let mut progress: Option<Progress> = None;
    let mut told = |done: u64, total: u64| {
        progress.get_or_insert_with(|| Progress::new(total)).at(done);
        true
    };
    let out = BufWriter::with_capacity(256 * 1024, file);
    let done = backup::write(job, passphrase, out, &mut told);
    if let Some(progress) = progress {
        progress.end();
    }
    let (out, written) = done?;
    out.into_inner()
        .context("the backup")?
        .sync_all()
        .context("the backup")?;
    Ok(written)
}

fn draft_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn put_back(arguments: &RestoreArguments) -> anyhow::Result<()> {
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), false)?;
    let mut progress: Option<Progress> = None;
    let mut told = |done: u64, total: u64| progress.get_or_insert_with(|| Progress::new(total)).at(done);
    let opened = Opened::read(&arguments.file, &passphrase, &mut told)
        .with_context(|| arguments.file.display().to_string())?;
    if let Some(progress) = progress.take() {
        progress.end();
    }
    let about = &opened.about;
    let config_dir = arguments
        .config_dir
        .clone()
        .unwrap_or_else(|| about.config_dir.clone());
    let data_dir = arguments
        .data_dir
        .clone()
        .unwrap_or_else(|| about.data_dir.clone());
    let (config, doubts) = look_at_configuration(&opened)?;
    let targets = restore_targets(&config_dir, &data_dir, config.as_ref());
    if !arguments.json {
        say(format_args!(
            "A backup of {} (callpost {}), made {}, every byte proven.",
            about.site, about.version, about.made_at
        ));
    }
    let plan = if arguments.dry_run {
        opened.plan(&targets)
    } else {
        let mut progress: Option<Progress> = None;
        let mut told = |done: u64, total: u64| progress.get_or_insert_with(|| Progress::new(total)).at(done);
        let plan = backup::restore(&opened, &targets, &mut told)?;
        if let Some(progress) = progress {
            progress.end();
        }
        plan
    };
    if arguments.json {
        let shown =
            serde_json::json!({ "about": about, "plan": plan, "doubts": doubts, "done": !arguments.dry_run });
        say(serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    tell(&plan, arguments.dry_run);
    doubts.iter().for_each(|doubt| say(format_args!("Mind: {doubt}")));
    if arguments.dry_run {
        say("Nothing was changed.");
    } else {
        say("Done. Start the daemon; whoever reads records by a cursor is told to begin anew (410).");
    }
    Ok(())
}

fn tell(plan: &Plan, is_dry: bool) {
    let (puts, keeps) = if is_dry {
        ("would put", "would be kept as")
    } else {
        ("put", "is kept as")
    };
    for change in &plan.changes {
        let kept = change
            .kept_as
            .as_ref()
            .map(|kept| format!("; what is there {keeps} {}", kept.display()));
        say(format_args!(
            "  {puts} {}: {} ({} files, {:.1} MB){}",
            change.what,
            change.to.display(),
            change.files,
            change.bytes as f64 / 1e6,
            kept.unwrap_or_default()
        ));
    }
}

/// The configuration inside, as far as this version can use it, and what a technician should know before it runs here.
fn look_at_configuration(opened: &Opened) -> anyhow::Result<(Option<Config>, Vec<String>)> {
    let mut doubts = Vec::new();
    if !opened.about.left_out.is_empty() {
        doubts.push(format!(
            "these settings came from the environment and have to be given to this box too: {}",
            opened.about.left_out.join(", ")
        ));
    }
    if !opened.about.recordings {
        doubts.push("the recordings of calls were not put into this backup".to_owned());
    }
    let is_main = |path: &str| path.ends_with(".toml") && !path.contains('/');
    let main = opened
        .files
        .iter()
        .find(|entry| entry.kind == Kind::Config && is_main(&entry.path));
    let Some(main) = main else {
        return Ok((None, doubts));
    };
    let text = opened.text_of(Kind::Config, &main.path)?.unwrap_or_default();
    let config = match Config::from_text(&main.path, &text, &Surroundings::default()) {
        Ok(loaded) => loaded.config,
        Err(Unloadable::Mistakes { mistakes, .. }) => {
            // Files that it names are not where they will be yet.
            doubts.push(format!(
                "run `callpost check` after it: {} things of the configuration could not be looked at yet",
                mistakes.len()
            ));
            return Ok((None, doubts));
        }
        Err(error @ Unloadable::Unreadable { .. }) => {
            doubts.push(error.to_string());
            return Ok((None, doubts));
        }
    };
    for listen in &config.sip.listen {
        let address = listen.address.ip();
        if !is_here(address) {
            doubts.push(format!("{address} of [sip] listen is no address of this machine"));
        }
    }
    Ok((Some(config), doubts))
}

/// Whether a socket can have this address.
fn is_here(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// From a file, the environment or the terminal; asked for twice where a slip would lock everybody out.
fn passphrase(file: Option<&Path>, is_new: bool) -> anyhow::Result<Passphrase> {
    if let Some(file) = file {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        return Ok(Passphrase::new(text.lines().next().unwrap_or_default()));
    }
    if let Ok(text) = std::env::var(VARIABLE) {
        return Ok(Passphrase::new(&text));
    }
    if !std::io::stdin().is_terminal() {
        bail!("no passphrase: use --passphrase-file, or set {VARIABLE}");
    }
    let first = ask("Passphrase: ")?;
    if is_new && ask("The same once more: ")? != first {
        bail!("the two are not the same");
    }
    Ok(Passphrase::new(&first))
}

/// Reads a line that is not shown.
fn ask(words: &str) -> anyhow::Result<String> {
    let terminal = std::io::stdin();
    let before = tcgetattr(&terminal).context("the terminal")?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    let mut out = std::io::stderr();
    // A terminal that shows nothing is no reason not to read.
    let _ = write!(out, "{words}");
    let _ = out.flush();
    tcsetattr(&terminal, OptionalActions::Flush, &silent).context("the terminal")?;
    let mut line = String::new();
    let read = terminal.lock().read_line(&mut line);
    tcsetattr(&terminal, OptionalActions::Flush, &before).context("the terminal")?;
    let _ = writeln!(out);
    read.context("the terminal")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
