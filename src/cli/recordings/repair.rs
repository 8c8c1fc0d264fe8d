use super::{Place, roots};
use crate::cli::say;
use crate::recording::mend_all;
use crate::store::{Alone, RecordingState};
use anyhow::Context as _;
use std::process::ExitCode;

/// For files that are to be copied from a box whose daemon does not start.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: callpost recordings repair --data-dir /mnt/disk/callpost\n\n\
                        Exit code: 0 every file plays, 1 some are lost, 2 it could not be tried."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
}

pub(super) fn repair(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    const LOT: usize = 500;
    let house = arguments.place.open()?;
    let reader = house.reader()?;
    let _alone =
        Alone::take(&house.data_dir).context("stop the daemon first; it mends recordings when it starts")?;
    let mut unfinished = Vec::new();
    let mut after = None;
    loop {
        let lot = reader.known_recordings(after, LOT)?;
        let Some(last) = lot.last() else { break };
        after = Some(last.stored.row.id);
        let open = lot
            .into_iter()
            .filter(|known| known.stored.state == RecordingState::Open);
        unfinished.extend(open.map(|known| known.stored.row));
    }
    let keys = house.config.recording.keys();
    let report = mend_all(&roots(&house.config, &house.data_dir), keys.as_ref(), &unfinished);
    say(format_args!(
        "{} recordings were cut off: {} play now, {} of them mended.",
        unfinished.len(),
        report.facts.len(),
        report.mended
    ));
    for (id, reason) in &report.lost {
        say(format_args!("LOST  {id}: {reason}"));
    }
    Ok(ExitCode::from(u8::from(!report.lost.is_empty())))
}
