use crate::app::wall_unix_ms;
use crate::cli::cdr::Place;
use crate::cli::{daemon, say};
use crate::config::{Config, Loaded};
use crate::keeping::Preview;
use crate::store::Reader;
use anyhow::Context as _;
use std::path::PathBuf;

/// The daemon looks through recordings at its start and every night by itself; this has it look now. With `--dry-run`
/// nothing is removed and no daemon is needed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --dry-run, run this as the daemon's user or root; others show a token in CALLPOST_TOKEN.\n\
                  Example: callpost recordings prune --dry-run --json"
)]
pub(super) struct Arguments {
    /// The configuration file; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data directory, in place of [site] data_dir.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Only tell.
    #[arg(long)]
    dry_run: bool,
    /// Recordings told one by one.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn prune(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.dry_run {
        let preview = look(arguments)?;
        if arguments.json {
            say(serde_json::to_string_pretty(&preview)?);
        } else {
            tell(&preview);
        }
        return Ok(());
    }
    let path = "/api/v1/recordings/retention/run";
    let house = Place::new(arguments.config.clone(), arguments.data_dir.clone()).open()?;
    let answer = daemon::ask(&house, None, "POST", path, None)
        .context("the daemon removes what is due; start it, or use --dry-run")?;
    if arguments.json {
        say(answer);
    } else {
        say(
            "The daemon looks through the recordings now; its log and the page Delivery tell what it removes.",
        );
    }
    Ok(())
}

fn look(arguments: &Arguments) -> anyhow::Result<Preview> {
    let Loaded { config, .. } = Config::load(arguments.config.as_deref())?;
    let Config { site, retention, .. } = &config;
    let data_dir = arguments.data_dir.as_ref().unwrap_or(&site.data_dir);
    let reader = Reader::beside(data_dir).with_context(|| format!("no records in {}", data_dir.display()))?;
    let recordings = config
        .recording
        .dir
        .clone()
        .unwrap_or_else(|| data_dir.join("recordings"));
    let disk = rustix::fs::statvfs(&recordings).ok();
    let free = disk.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    Preview::of(
        &reader,
        &config.retention_rules(),
        (retention.at, &site.zone()),
        free,
        wall_unix_ms(),
        arguments.limit,
    )
    .context("looking at the recordings")
}

fn tell(preview: &Preview) {
    say(format_args!(
        "{} recordings are here, {} MB; {} of them go at the next look ({}), {} MB.",
        preview.recordings,
        preview.bytes >> 20,
        preview.due,
        preview.next_run_at,
        preview.due_bytes >> 20
    ));
    for (count, why) in [
        (preview.held, "are past their days and stay under legal hold"),
        (
            preview.awaiting_copy,
            "are past their days and wait for a copy first",
        ),
        (preview.age_unknown, "have no age: the clock had never been set"),
    ] {
        if count > 0 {
            say(format_args!("{count} {why}."));
        }
    }
    for rule in &preview.rules {
        let days = rule.days.map(|days| format!("{days} days")).unwrap_or_default();
        let first = rule
            .first_at
            .map(|at| format!(", the first at {at}"))
            .unwrap_or_default();
        say(format_args!(
            "{:<40} {days:>9}  takes {} recordings{first}",
            rule.rule, rule.recordings
        ));
    }
    if preview.below_bytes > 0 {
        say(format_args!(
            "With less than {} MB free, {} recordings may go before their time ({} MB).",
            preview.below_bytes >> 20,
            preview.may_go_early,
            preview.may_go_early_bytes >> 20
        ));
    }
    for due in &preview.next {
        let kept = due.kept_by.map(|why| format!("  ({why})")).unwrap_or_default();
        say(format_args!(
            "{}  {}  {} B  {}{kept}",
            due.due_at, due.id, due.bytes, due.rule
        ));
    }
}
