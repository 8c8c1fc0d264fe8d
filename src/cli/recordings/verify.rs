use super::{Place, roots};
use crate::app::shelf::look_at_all;
use crate::cli::cdr::progress::Progress;
use crate::cli::say;
use crate::recording::{Audit, Judgement};
use crate::store::ChainReport;
use std::process::ExitCode;

/// Works beside the running daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost recordings verify --json\n\n\
                        Exit code: 0 all is there, 1 something asks for your eye, 2 it could not be looked at.")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let house = arguments.place.open()?;
    let reader = house.reader()?;
    let roots = roots(&house.config, &house.data_dir);
    let keys = house.config.recording.keys();
    let mut progress = Progress::new(reader.recording_count()?);
    let (audit, chain) = look_at_all(&roots, keys.as_ref(), &reader, &mut |done| progress.at(done))?;
    progress.end();
    let is_sound = audit.is_sound() && chain.broken_at.is_none();
    if arguments.json {
        let report = serde_json::json!({ "sound": is_sound, "recordings": audit, "chain": chain });
        say(serde_json::to_string_pretty(&report)?);
    } else {
        tell(&audit, &chain);
    }
    Ok(ExitCode::from(u8::from(!is_sound)))
}

fn tell(audit: &Audit, chain: &ChainReport) {
    say(format_args!("expected     {}", audit.expected));
    say(format_args!("present      {}", audit.present));
    say(format_args!("playable     {}", audit.playable));
    say(format_args!("unchanged    {}", audit.unchanged));
    say(format_args!(
        "besides      {} being written, {} taken away, {} never written",
        audit.open, audit.removed, audit.never_written
    ));
    match (chain.broken_at, &chain.head) {
        (Some(place), _) => say(format_args!(
            "chain        BROKEN at entry {place} of {}: it, or one before it, was changed or taken out.",
            chain.entries
        )),
        (None, Some(head)) => say(format_args!(
            "chain        {} entries, unbroken, ends in {head}",
            chain.entries
        )),
        (None, None) => say("chain        empty"),
    }
    for item in &audit.problems {
        let word = match item.judgement {
            Judgement::Missing => "MISSING",
            Judgement::Unplayable => "UNPLAYABLE",
            Judgement::Changed => "CHANGED",
            Judgement::NoKey => "NO KEY",
            Judgement::StillThere => "STILL THERE",
            Judgement::Sound | Judgement::Open | Judgement::Removed | Judgement::NeverWritten => "sound",
        };
        say(format_args!(
            "{word:<12} {} {}: {}",
            item.id, item.path, item.detail
        ));
    }
    for orphan in &audit.orphans {
        say(format_args!(
            "ORPHAN       {orphan}: no recording knows this file."
        ));
    }
}
