use super::message::{Facts, Message, local_time, seconds};
use crate::model::{Cdr, Direction, Status};
use crate::store::OutboxItem;
use serde_json::json;

/// What a Yeastar P-Series PBX posts when a call has ended: event 30012, whose `msg` is JSON inside a text. Receivers
/// recognise a repetition by `uid`.
pub(super) fn message(item: &OutboxItem, cdr: &Cdr, facts: &Facts) -> Result<Message, String> {
    let trunk = cdr.trunk.as_ref().map(|trunk| trunk.as_str()).unwrap_or_default();
    let (source, destination) = match cdr.direction {
        Direction::Inbound => (trunk, " "),
        Direction::Outbound => (" ", trunk),
        Direction::Internal => (" ", " "),
    };
    let number = |number: Option<&crate::model::Number>| number.map(|number| number.as_str().to_owned());
    let details = json!({
        "call_id": cdr.call_id,
        "time_start": local_time(Some(cdr.started_at)),
        "call_from": cdr.caller_number.as_str(),
        "call_to": number(cdr.callee_number.as_ref()).unwrap_or_else(|| cdr.dialed_number.as_str().to_owned()),
        "call_duration": seconds(cdr.duration_ms),
        "talk_duration": seconds(cdr.talk_ms),
        "src_trunk_name": source,
        "dst_trunk_name": destination,
        "pin_code": "",
        "status": status(cdr.status),
        "type": kind(cdr.direction),
        "recording": cdr.recording.as_ref().map(|recording| recording.path.as_str()).unwrap_or_default(),
        "did_number": match cdr.direction {
            Direction::Inbound => cdr.dialed_number.as_str(),
            Direction::Outbound | Direction::Internal => "",
        },
        "did_name": "",
        "agent_ring_time": seconds(cdr.ring_ms),
        "uid": item.cdr_id,
        "call_note_id": "",
        "enb_call_note": 0,
    });
    let body = json!({ "type": 30012, "sn": facts.appliance_id, "msg": details.to_string() });
    Ok(Message::of(item, "application/json", body.to_string()))
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Answer => "ANSWERED",
        Status::Canceled | Status::NoAnswer => "NO ANSWER",
        Status::Busy => "BUSY",
        Status::Failed => "FAILED",
        Status::Voicemail => "VOICEMAIL",
    }
}

fn kind(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
        Direction::Internal => "Internal",
    }
}
