use super::Place;
use super::chosen::Chosen;
use super::progress::Progress;
use crate::model::{Cdr, csv};
use crate::store::{CdrFilter, Reader};
use anyhow::Context as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// In the order in which they were filed, each call once unless --all-versions. Cells that a spreadsheet would take
/// for a formula begin with a '.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost cdr export --format csv --from 2026-11-01 --output november.csv")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    chosen: Chosen,
    /// How the records are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Every version of a record, not only the newest.
    #[arg(long)]
    all_versions: bool,
    /// The file to write; standard output otherwise. It appears once it is complete.
    #[arg(long)]
    output: Option<PathBuf>,
    /// The same as `--format jsonl`.
    #[arg(long)]
    json: bool,
}

/// How records are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table (RFC 4180) with a header line.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
}

pub(super) fn export(arguments: &Arguments) -> anyhow::Result<()> {
    let house = arguments.place.open()?;
    let reader = house.reader()?;
    let filter = CdrFilter {
        limit: CdrFilter::MOST,
        latest_only: !arguments.all_versions,
        ..arguments.chosen.filter(&house.config.site.zone())?
    };
    let format = if arguments.json {
        Format::Jsonl
    } else {
        arguments.format
    };
    match &arguments.output {
        Some(path) => to_file(path, |out| write_all(out, &reader, filter, format)),
        None => write_all(
            &mut BufWriter::new(std::io::stdout().lock()),
            &reader,
            filter,
            format,
        ),
    }
}

/// Writes beside the file and puts it in place at the end, so that nobody takes half a file for the whole.
fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let file = File::create(&part).with_context(|| part.display().to_string())?;
    let mut out = BufWriter::new(file);
    let written = write(&mut out)
        .and_then(|()| Ok(out.into_inner().map_err(|error| error.into_error())?.sync_all()?));
    if let Err(error) = written {
        // What was written so far is of no use to anybody.
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, path).with_context(|| path.display().to_string())
}

fn write_all(
    out: &mut dyn Write,
    reader: &Reader,
    mut filter: CdrFilter,
    format: Format,
) -> anyhow::Result<()> {
    let bounds = reader.bounds()?;
    let total = (bounds.latest_seq + 1).saturating_sub(bounds.oldest_seq);
    let mut progress = Progress::new(total);
    if format == Format::Csv {
        out.write_all(csv::header().as_bytes())?;
    }
    loop {
        let page = reader.cdrs(&filter)?;
        for (seq, cdr) in page.items.iter().filter(|(seq, _)| *seq <= bounds.latest_seq) {
            out.write_all(line(*seq, cdr, format)?.as_bytes())?;
        }
        filter.after = page.last_seq;
        let last = page.last_seq.unwrap_or(bounds.latest_seq);
        progress.at((last + 1).saturating_sub(bounds.oldest_seq));
        if !page.has_more || last >= bounds.latest_seq {
            break;
        }
    }
    progress.end();
    Ok(out.flush()?)
}

fn line(seq: u64, cdr: &Cdr, format: Format) -> anyhow::Result<String> {
    match format {
        Format::Csv => Ok(csv::line(seq, cdr)),
        Format::Jsonl => {
            let json = serde_json::to_string(cdr)?;
            let rest = json.strip_prefix('{').unwrap_or(&json);
            Ok(format!("{{\"seq\":{seq},{rest}\n"))
        }
    }
}
