use super::message::{Facts, Message, local_time, seconds};
use crate::model::{Cdr, Direction, HangupBy, Stamp, Status};
use crate::store::OutboxItem;
use serde_json::{Value, json};

/// What mod_json_cdr posts with its defaults: the form field `cdr` with a JSON document whose variables are
/// percent-encoded once more (`encode-values`), and the call's identity as `?uuid=a_…`.
pub(super) fn message(item: &OutboxItem, cdr: &Cdr, facts: &Facts) -> Result<Message, String> {
    let document = document(item, cdr, facts);
    let body = format!("cdr={}", percent(&document.to_string()));
    let mut message = Message::of(item, "application/x-www-form-urlencoded", body);
    message.query = Some(("uuid", format!("a_{}", cdr.call_id)));
    Ok(message)
}

fn document(item: &OutboxItem, cdr: &Cdr, facts: &Facts) -> Value {
    let variables: serde_json::Map<String, Value> = variables(item, cdr)
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), Value::String(percent(&value))))
        .collect();
    let way = match cdr.direction {
        Direction::Inbound | Direction::Internal => "inbound",
        Direction::Outbound => "outbound",
    };
    json!({
        "core-uuid": facts.appliance_id,
        "switchname": facts.site,
        "channel_data": {
            "state": "CS_REPORTING",
            "direction": way,
            "state_number": "11",
            "flags": "0=1;",
            "caps": "1=1;",
        },
        "variables": variables,
        "app_log": { "applications": [] },
        "callflow": [{
            "dialplan": "XML",
            "profile_index": "1",
            "caller_profile": {
                "username": cdr.caller_number.as_str(),
                "dialplan": "XML",
                "caller_id_name": cdr.caller_name.clone().unwrap_or_default(),
                "caller_id_number": cdr.caller_number.as_str(),
                "destination_number": cdr.dialed_number.as_str(),
                "uuid": cdr.call_id,
                "context": "default",
                "chan_name": channel(cdr),
            },
            "times": {
                "created_time": micros(Some(cdr.started_at)),
                "profile_created_time": micros(Some(cdr.started_at)),
                "progress_time": micros(cdr.ringing_at),
                "progress_media_time": "0",
                "answered_time": micros(cdr.answered_at),
                "bridged_time": micros(cdr.answered_at),
                "last_hold_time": "0",
                "hold_accum_time": (cdr.hold_ms * 1000).to_string(),
                "hangup_time": micros(cdr.ended_at),
                "resurrect_time": "0",
                "transfer_time": "0",
            },
        }],
    })
}

fn variables(item: &OutboxItem, cdr: &Cdr) -> Vec<(&'static str, String)> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    vec![
        ("uuid", cdr.call_id.to_string()),
        ("call_uuid", cdr.call_id.to_string()),
        ("cdr_version", item.version.to_string()),
        (
            "direction",
            match cdr.direction {
                Direction::Inbound | Direction::Internal => "inbound".to_owned(),
                Direction::Outbound => "outbound".to_owned(),
            },
        ),
        ("domain_name", cdr.site.clone()),
        ("sip_call_id", text(cdr.sip_call_id.as_deref())),
        ("caller_id_name", text(cdr.caller_name.as_deref())),
        ("caller_id_number", cdr.caller_number.as_str().to_owned()),
        ("destination_number", cdr.dialed_number.as_str().to_owned()),
        (
            "outbound_caller_id_number",
            text(cdr.outbound_caller_id.as_ref().map(|number| number.as_str())),
        ),
        ("start_stamp", local_time(Some(cdr.started_at))),
        ("start_epoch", epoch(Some(cdr.started_at))),
        ("start_uepoch", micros(Some(cdr.started_at))),
        ("progress_stamp", local_time(cdr.ringing_at)),
        ("progress_epoch", epoch(cdr.ringing_at)),
        ("progress_uepoch", micros(cdr.ringing_at)),
        ("answer_stamp", local_time(cdr.answered_at)),
        ("answer_epoch", epoch(cdr.answered_at)),
        ("answer_uepoch", micros(cdr.answered_at)),
        ("end_stamp", local_time(cdr.ended_at)),
        ("end_epoch", epoch(cdr.ended_at)),
        ("end_uepoch", micros(cdr.ended_at)),
        ("duration", seconds(cdr.duration_ms).to_string()),
        ("mduration", cdr.duration_ms.to_string()),
        ("billsec", seconds(cdr.talk_ms).to_string()),
        ("billmsec", cdr.talk_ms.to_string()),
        ("waitsec", seconds(cdr.wait_ms).to_string()),
        ("progresssec", seconds(cdr.ring_ms).to_string()),
        ("hangup_cause", cause(cdr).0.to_owned()),
        ("hangup_cause_q850", cdr.q850.unwrap_or(cause(cdr).1).to_string()),
        ("sip_hangup_disposition", disposition(cdr).to_owned()),
        (
            "sip_term_status",
            cdr.sip_code.map(|code| code.to_string()).unwrap_or_default(),
        ),
        ("digits_dialed", cdr.digits.clone()),
        ("last_app", "bridge".to_owned()),
        (
            "record_path",
            text(cdr.recording.as_ref().map(|recording| recording.path.as_str())),
        ),
    ]
}

fn channel(cdr: &Cdr) -> String {
    format!("sofia/external/{}", cdr.caller_number)
}

/// FreeSWITCH's word and Q.850 number for how a call went.
fn cause(cdr: &Cdr) -> (&'static str, u8) {
    match cdr.status {
        Status::Answer | Status::Voicemail => ("NORMAL_CLEARING", 16),
        Status::Canceled => ("ORIGINATOR_CANCEL", 0),
        Status::Busy => ("USER_BUSY", 17),
        Status::NoAnswer => ("NO_ANSWER", 19),
        Status::Failed => ("NORMAL_TEMPORARY_FAILURE", 41),
    }
}

fn disposition(cdr: &Cdr) -> &'static str {
    match (cdr.status, cdr.hangup_by) {
        (Status::Canceled, _) => "recv_cancel",
        (Status::Answer | Status::Voicemail, HangupBy::Caller) => "recv_bye",
        (Status::Answer | Status::Voicemail, HangupBy::Callee | HangupBy::System) => "send_bye",
        (Status::Busy | Status::NoAnswer | Status::Failed, _) => "send_refuse",
    }
}

fn epoch(at: Option<Stamp>) -> String {
    at.map_or(0, |at| at.unix_ms.div_euclid(1000)).to_string()
}

fn micros(at: Option<Stamp>) -> String {
    at.map_or(0, |at| at.unix_ms.saturating_mul(1000)).to_string()
}

/// Percent-encoding of everything but the unreserved letters (RFC 3986 §2.3).
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
