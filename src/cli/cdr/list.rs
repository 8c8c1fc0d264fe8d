use super::Place;
use super::chosen::Chosen;
use crate::model::Cdr;
use crate::store::CdrFilter;
use std::fmt::Write as _;
use std::io::Write as _;

/// The newest first, each call once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost cdr list --from 2026-11-20 --status NO_ANSWER --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    chosen: Chosen,
    /// How many records at most.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// For programs: an array with every field.
    #[arg(long)]
    json: bool,
}

pub(super) fn list(arguments: &Arguments) -> anyhow::Result<()> {
    let house = arguments.place.open()?;
    let reader = house.reader()?;
    let mut filter = CdrFilter {
        newest_first: true,
        ..arguments.chosen.filter(&house.config.site.zone())?
    };
    let mut records: Vec<(u64, Cdr)> = Vec::new();
    while records.len() < arguments.limit {
        filter.limit = (arguments.limit - records.len()).min(CdrFilter::MOST);
        let page = reader.cdrs(&filter)?;
        filter.after = page.last_seq;
        records.extend(page.items);
        if !page.has_more {
            break;
        }
    }
    let text = if arguments.json {
        json(&records)?
    } else {
        table(&records)
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn json(records: &[(u64, Cdr)]) -> anyhow::Result<String> {
    let mut items = Vec::with_capacity(records.len());
    for (seq, cdr) in records {
        let mut item = serde_json::to_value(cdr)?;
        item["seq"] = (*seq).into();
        items.push(item);
    }
    Ok(serde_json::to_string_pretty(&items)? + "\n")
}

/// Columns for people. What a caller sent is shown without its control characters.
fn table(records: &[(u64, Cdr)]) -> String {
    let mut text = format!(
        "{:>8}  {:<25}  {:<9} {:<9}  {:<18} {:<18} {:<10} {:>8}\n",
        "seq", "began", "way", "status", "caller", "dialled", "agent", "talk s"
    );
    for (seq, cdr) in records {
        let began = cdr.started_at.to_string();
        let way = match cdr.direction {
            crate::model::Direction::Inbound => "inbound",
            crate::model::Direction::Outbound => "outbound",
            crate::model::Direction::Internal => "internal",
        };
        let agent = cdr.agent.as_ref().map_or("-", |agent| agent.as_str());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{seq:>8}  {:<25}  {way:<9} {:<9}  {:<18} {:<18} {:<10} {:>8}",
            began.replacen(".000", "", 1),
            cdr.status.as_str(),
            plain(cdr.caller_number.as_str()),
            plain(cdr.dialed_number.as_str()),
            plain(agent),
            cdr.talk_ms / 1000,
        );
    }
    text
}

fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}
