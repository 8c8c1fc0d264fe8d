use super::config::{Config, InternalAs, VoicemailAs};
use crate::model::{Cdr, Direction, HangupBy, Stamp, Status};
use jiff::tz::Offset;
use serde::Serialize;

/// A record as the PBX shows it: every value a string, since pullers put them into text columns as they are.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Record {
    uuid: String,
    direction: &'static str,
    caller_id_number: String,
    outbound_caller_id_number: Option<String>,
    destination_number: String,
    start_epoch: String,
    end_epoch: String,
    answer_epoch: String,
    duration: String,
    billsec: String,
    sip_hangup_disposition: &'static str,
    record_path: Option<String>,
    call_status: &'static str,
}

/// A record in the PBX's words; nothing for a call that is not to be shown.
pub(super) fn record(cdr: &Cdr, config: &Config, tenant: &str) -> Option<Record> {
    let start = seconds(cdr.started_at);
    let length = cdr.ended_at.map_or(0, |end| seconds(end).saturating_sub(start));
    let duration = agreed(length, cdr.duration_ms);
    let end = cdr.ended_at.map_or(start.saturating_add(duration), seconds);
    let answer = cdr.answered_at.map(seconds);
    let billsec = answer.map_or(0, |answer| agreed(end.saturating_sub(answer), cdr.talk_ms));
    Some(Record {
        uuid: uuid(cdr),
        direction: direction(cdr.direction, config)?,
        caller_id_number: cdr.caller_number.as_str().to_owned(),
        outbound_caller_id_number: cdr.outbound_caller_id.as_ref().map(ToString::to_string),
        destination_number: cdr.dialed_number.as_str().to_owned(),
        start_epoch: start.to_string(),
        end_epoch: end.to_string(),
        answer_epoch: answer.unwrap_or(0).to_string(),
        duration: duration.to_string(),
        billsec: billsec.to_string(),
        sip_hangup_disposition: disposition(cdr),
        record_path: record_path(cdr, tenant),
        call_status: status(cdr.status, config),
    })
}

/// A record that was fetched from the PBX keeps the identity it has there, so that a puller who knows it from there
/// recognises it here.
fn uuid(cdr: &Cdr) -> String {
    match &cdr.origin {
        Some(foreign) => foreign.external_id.clone(),
        None => cdr.cdr_id.to_string(),
    }
}

fn seconds(stamp: Stamp) -> i64 {
    stamp.unix_ms.div_euclid(1000)
}

/// The difference of two epochs, as the PBX counts durations, as long as the wall clock agrees with the monotonic one
/// to the second; else the monotonic one, since somebody has set the clock in between.
fn agreed(difference: i64, measured_ms: u64) -> i64 {
    let measured = i64::try_from(measured_ms.saturating_add(500) / 1000).unwrap_or(i64::MAX);
    if difference.abs_diff(measured) <= 1 {
        difference
    } else {
        measured
    }
}

fn direction(direction: Direction, config: &Config) -> Option<&'static str> {
    match (direction, config.internal_as) {
        (Direction::Inbound, _) | (Direction::Internal, InternalAs::Inbound) => Some("inbound"),
        (Direction::Outbound, _) | (Direction::Internal, InternalAs::Outbound) => Some("outbound"),
        (Direction::Internal, InternalAs::Omit) => None,
    }
}

fn status(status: Status, config: &Config) -> &'static str {
    match (status, config.voicemail_as) {
        (Status::Voicemail, VoicemailAs::NoAnswer) => Status::NoAnswer.as_str(),
        (Status::Voicemail, VoicemailAs::Answer) => Status::Answer.as_str(),
        (
            Status::Answer | Status::Canceled | Status::Busy | Status::NoAnswer | Status::Failed,
            VoicemailAs::NoAnswer | VoicemailAs::Answer,
        ) => status.as_str(),
    }
}

fn disposition(cdr: &Cdr) -> &'static str {
    match (cdr.hangup_by, cdr.answered_at) {
        (HangupBy::Caller, _) => "by_caller",
        (HangupBy::Callee, Some(_)) => "by_callee",
        (HangupBy::Callee, None) => "recv_refuse",
        (HangupBy::System, _) => "",
    }
}

/// Where the recording lies for pullers: `/<tenant>/archive/2025/Sep/11/<uuid>.wav`, by the site's calendar. `null`
/// until the file is complete. One that lies at the PBX has the same kind of path here, and is played through the box.
pub(super) fn record_path(cdr: &Cdr, tenant: &str) -> Option<String> {
    let recording = cdr.recording.as_ref().filter(|facts| facts.removed.is_none())?;
    let ending = match (&cdr.origin, recording.bytes) {
        (None, Some(_)) => "wav",
        (Some(_), _) => ending(&recording.path),
        (None, None) => return None,
    };
    let at = cdr.started_at;
    let time = jiff::Timestamp::from_millisecond(at.unix_ms).ok()?;
    let day = Offset::from_seconds(at.offset_seconds)
        .ok()?
        .to_datetime(time)
        .date();
    let folder = day.strftime("%Y/%b/%d");
    Some(format!("/{tenant}/archive/{folder}/{}.{ending}", cdr.cdr_id))
}

/// What kind of file a path at the PBX names.
fn ending(path: &str) -> &str {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_plain =
        (1..=4).contains(&ending.len()) && ending.bytes().all(|letter| letter.is_ascii_alphanumeric());
    if is_plain { ending } else { "wav" }
}
