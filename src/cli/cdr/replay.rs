use super::chosen::range;
use super::progress::Progress;
use super::{House, Place};
use crate::app::wall_unix_ms;
use crate::cli::daemon::{ask, segment};
use crate::cli::say;
use crate::store::{self, ReplayRange, StoreError};
use anyhow::{anyhow, bail};
use serde_json::json;
use std::time::Duration;

/// How often a running daemon is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The records go out again under the ids they had, so that the other side knows them. Those that still wait are not
/// queued twice.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: callpost cdr replay --upstream head-office --from 2026-11-19 --to 2026-11-20 --dry-run"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The destination, by the name of its [[upstream]].
    #[arg(long)]
    upstream: String,
    /// The first record, by its seq.
    #[arg(long)]
    from_seq: Option<u64>,
    /// The last record, by its seq.
    #[arg(long)]
    to_seq: Option<u64>,
    /// Calls that began at this time or later: 2026-11-20, "2026-11-20 12:00" by the site's clock, or RFC 3339.
    #[arg(long)]
    from: Option<String>,
    /// Calls that began at this time or earlier; a day is meant to its end.
    #[arg(long)]
    to: Option<String>,
    /// Only count.
    #[arg(long)]
    dry_run: bool,
    /// For programs.
    #[arg(long)]
    json: bool,
    /// A token with `config:write`, where the running daemon's door is not open to this user; CALLPOST_TOKEN or
    /// CALLPOST_ADMIN_TOKEN otherwise.
    #[arg(long)]
    token: Option<String>,
}

pub(super) fn replay(arguments: &Arguments) -> anyhow::Result<()> {
    let house = arguments.place.open()?;
    let range = wanted(arguments, &house)?;
    let name = arguments.upstream.as_str();
    let counted = house.reader()?.count_replay(name, range)?;
    let (range, records) = counted.ok_or_else(|| anyhow!("there is no upstream named \"{name}\""))?;
    if arguments.dry_run || records == 0 {
        tell(arguments, records, 0);
        return Ok(());
    }
    let mut progress = Progress::new(records);
    let clock = || wall_unix_ms();
    let offline = store::replay_offline(
        &house.data_dir,
        name,
        range,
        "the command line",
        &clock,
        &mut |queued| {
            progress.at(queued);
        },
    );
    let queued = match offline {
        Ok(queued) => queued,
        Err(StoreError::InUse { .. }) => through_the_daemon(arguments, &house, range, &mut progress)?,
        Err(error) => return Err(error.into()),
    };
    progress.end();
    tell(arguments, records, queued);
    Ok(())
}

fn wanted(arguments: &Arguments, house: &House) -> anyhow::Result<ReplayRange> {
    let Arguments {
        from_seq,
        to_seq,
        from,
        to,
        ..
    } = arguments;
    if from_seq.is_none() && to_seq.is_none() && from.is_none() && to.is_none() {
        bail!("name a range: --from-seq and --to-seq, or --from and --to");
    }
    let (from_ms, to_ms) = range(from.as_deref(), to.as_deref(), &house.config.site.zone())?;
    Ok(ReplayRange {
        from_seq: from_seq.unwrap_or(1),
        to_seq: to_seq.unwrap_or(u64::MAX),
        from_ms,
        to_ms,
    })
}

fn tell(arguments: &Arguments, records: u64, queued: u64) {
    let Arguments {
        upstream, dry_run, ..
    } = arguments;
    if arguments.json {
        say(json!({ "upstream": upstream, "records": records, "queued": queued, "dry_run": dry_run }));
    } else if *dry_run {
        say(format_args!("{records} records would go to {upstream} again."));
    } else {
        say(format_args!(
            "{queued} of {records} records are queued for {upstream}; the others wait for it already."
        ));
    }
}

/// Asks the daemon that has the data directory, and waits until it has queued everything.
fn through_the_daemon(
    arguments: &Arguments,
    house: &House,
    range: ReplayRange,
    progress: &mut Progress,
) -> anyhow::Result<u64> {
    let stamp = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string());
    let wish = json!({
        "from_seq": range.from_seq,
        "to_seq": range.to_seq,
        "from": range.from_ms.map(stamp).transpose()?,
        "to": range.to_ms.map(stamp).transpose()?,
    });
    let token = arguments.token.as_deref();
    let upstream = format!("/api/v1/upstreams/{}", segment(&arguments.upstream));
    ask(house, token, "POST", &format!("{upstream}/replay"), Some(&wish))?;
    loop {
        let now = ask(house, token, "GET", &upstream, None)?;
        let replay = &now["replay"];
        let queued = replay["queued"].as_u64().unwrap_or(0);
        progress.at(queued);
        if replay["state"] != "running" {
            return Ok(queued);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
