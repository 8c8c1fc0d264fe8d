use super::message::{Message, local_time, seconds};
use crate::model::{Cdr, Status};
use crate::store::OutboxItem;

/// A line as Asterisk's cdr_csv writes it to `Master.csv`: accountcode, src, dst, dcontext, clid, channel,
/// dstchannel, lastapp, lastdata, start, answer, end, duration, billsec, disposition, amaflags, uniqueid, userfield.
/// It is read by programs, so numbers keep their leading `+`.
pub(super) fn message(item: &OutboxItem, cdr: &Cdr) -> Message {
    Message::of(item, "text/csv; charset=utf-8", line(item, cdr))
}

fn line(item: &OutboxItem, cdr: &Cdr) -> String {
    let caller = cdr.caller_number.as_str();
    let agent = cdr.callee_number.as_ref().map(|number| number.as_str());
    let words = [
        String::new(),
        caller.to_owned(),
        cdr.dialed_number.as_str().to_owned(),
        cdr.flow
            .as_ref()
            .map_or("default", |flow| flow.as_str())
            .to_owned(),
        format!("\"{}\" <{caller}>", cdr.caller_name.as_deref().unwrap_or(caller)),
        format!(
            "SIP/{}",
            cdr.trunk.as_ref().map_or(caller, |trunk| trunk.as_str())
        ),
        agent.map(|agent| format!("SIP/{agent}")).unwrap_or_default(),
        if agent.is_some() { "Dial" } else { "Playback" }.to_owned(),
        agent.unwrap_or_default().to_owned(),
        local_time(Some(cdr.started_at)),
        local_time(cdr.answered_at),
        local_time(cdr.ended_at),
    ];
    let numbers = [seconds(cdr.duration_ms), seconds(cdr.talk_ms)];
    let after = [
        disposition(cdr.status).to_owned(),
        "DOCUMENTATION".to_owned(),
        item.cdr_id.clone(),
        item.version.to_string(),
    ];
    let cells: Vec<String> = words
        .iter()
        .map(|word| quoted(word))
        .chain(numbers.map(|number| number.to_string()))
        .chain(after.iter().map(|word| quoted(word)))
        .collect();
    cells.join(",") + "\n"
}

fn disposition(status: Status) -> &'static str {
    match status {
        Status::Answer | Status::Voicemail => "ANSWERED",
        Status::Canceled | Status::NoAnswer => "NO ANSWER",
        Status::Busy => "BUSY",
        Status::Failed => "FAILED",
    }
}

/// In double quotes; one inside is doubled, and what would break the line becomes a space.
fn quoted(word: &str) -> String {
    let inside: String = word
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    format!("\"{}\"", inside.replace('"', "\"\""))
}
