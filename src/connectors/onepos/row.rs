use super::fields::{moment, span, text};
use super::raw::raw_text;
use crate::model::{Direction, HangupBy, Status};
use serde_json::{Map, Value};

/// One call as the PBX tells it, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its identity there.
    pub external_id: String,
    /// Which way the call went.
    pub direction: Direction,
    /// Who called.
    pub caller: String,
    /// The number shown to the other side on the trunk.
    pub outbound_caller_id: Option<String>,
    /// What was dialled.
    pub destination: String,
    /// When it began, in ms since 1970.
    pub start_ms: i64,
    /// When it ended, in ms since 1970.
    pub end_ms: Option<i64>,
    /// When it was answered, in ms since 1970.
    pub answer_ms: Option<i64>,
    /// From begin to end.
    pub duration_ms: u64,
    /// From answer to end.
    pub talk_ms: u64,
    /// How it went.
    pub status: Status,
    /// The PBX's own words where they are none of ours: `status:…`, `direction:…`.
    pub unknown: Option<String>,
    /// Who hung up, when that is told.
    pub hangup_by: HangupBy,
    /// Where the PBX keeps the recording.
    pub record_path: Option<String>,
    /// Call-ID of the SIP leg, when the PBX tells it.
    pub sip_call_id: Option<String>,
    /// The row as it came, without secrets, of bounded size.
    pub raw: String,
}

/// A row that cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Its identity, when it has one.
    pub external_id: Option<String>,
    /// What is wrong with it, in plain words.
    pub reason: String,
    /// The row as it came, without secrets, of bounded size.
    pub raw: String,
}

/// The fields that mean something to us.
const UNDERSTOOD: [&str; 15] = [
    "uuid",
    "direction",
    "caller_id_number",
    "outbound_caller_id_number",
    "destination_number",
    "start_epoch",
    "end_epoch",
    "answer_epoch",
    "duration",
    "billsec",
    "sip_hangup_disposition",
    "record_path",
    "call_status",
    "sip_call_id",
    "call_id",
];

const ID: usize = 128;
const NUMBER: usize = 64;
const WORD: usize = 64;
const PATH: usize = 1024;

/// Reads one element of `data`. `key` is the source's key, so that it is never kept with a row.
///
/// # Errors
/// When it names no call, no time, no direction or no status, or when a field is not what it should be. The row goes
/// to quarantine then; unknown words are no error.
pub fn read_row(value: &Value, key: &str) -> Result<Row, Box<Bad>> {
    let empty = Map::new();
    let fields = value.as_object().unwrap_or(&empty);
    let raw = if value.is_object() {
        raw_text(fields, &UNDERSTOOD, key)
    } else {
        raw_text(
            &Map::from_iter([("value".to_owned(), value.clone())]),
            &["value"],
            key,
        )
    };
    if !value.is_object() {
        let reason = "the record is no object".to_owned();
        return Err(Box::new(Bad {
            external_id: None,
            reason,
            raw,
        }));
    }
    read_fields(fields, raw.clone()).map_err(|reason| {
        let external_id = text(fields, "uuid", ID).ok().flatten();
        Box::new(Bad {
            external_id,
            reason,
            raw,
        })
    })
}

fn read_fields(fields: &Map<String, Value>, raw: String) -> Result<Row, String> {
    let needed = |name: &str, most| text(fields, name, most)?.ok_or_else(|| format!("`{name}` is missing"));
    let external_id = needed("uuid", ID)?;
    let direction_word = needed("direction", WORD)?;
    let status_word = needed("call_status", WORD)?;
    let start_ms = moment(fields, "start_epoch")?.ok_or("`start_epoch` is missing")?;
    let answer_ms = moment(fields, "answer_epoch")?;
    let told_end = moment(fields, "end_epoch")?;
    let told_duration = span(fields, "duration")?;
    let told_talk = span(fields, "billsec")?;
    if told_end.is_some_and(|end| end < start_ms) {
        return Err("it ends before it begins".to_owned());
    }
    let lasted = |from: i64| told_end.map(|end| u64::try_from(end - from).unwrap_or(0));
    let duration_ms = told_duration.or_else(|| lasted(start_ms)).unwrap_or(0);
    let end_ms = told_end.or_else(|| Some(start_ms.saturating_add(i64::try_from(told_duration?).ok()?)));
    let talk_ms = told_talk.or_else(|| lasted(answer_ms?)).unwrap_or(0);
    let (direction, odd_direction) = read_direction(&direction_word);
    let (status, odd_status) = read_status(&status_word, talk_ms > 0);
    let unknown: Vec<String> = [
        odd_direction.then(|| format!("direction:{direction_word}")),
        odd_status.then(|| format!("status:{status_word}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let disposition = text(fields, "sip_hangup_disposition", WORD)?.unwrap_or_default();
    let call_id = text(fields, "sip_call_id", 256)?;
    Ok(Row {
        external_id,
        direction,
        caller: text(fields, "caller_id_number", NUMBER)?.unwrap_or_default(),
        outbound_caller_id: text(fields, "outbound_caller_id_number", NUMBER)?,
        destination: text(fields, "destination_number", NUMBER)?.unwrap_or_default(),
        start_ms,
        end_ms,
        answer_ms,
        duration_ms,
        talk_ms,
        status,
        unknown: (!unknown.is_empty()).then(|| unknown.join(" ")),
        hangup_by: read_disposition(&disposition),
        record_path: text(fields, "record_path", PATH)?,
        sip_call_id: match call_id {
            Some(call_id) => Some(call_id),
            None => text(fields, "call_id", 256)?,
        },
        raw,
    })
}

/// The direction, and whether the word was none of those known.
fn read_direction(word: &str) -> (Direction, bool) {
    match word.to_ascii_lowercase().as_str() {
        "inbound" | "in" | "incoming" => (Direction::Inbound, false),
        "outbound" | "out" | "outgoing" => (Direction::Outbound, false),
        "local" | "internal" => (Direction::Internal, false),
        _ => (Direction::Internal, true),
    }
}

/// The status, and whether the word was none of those known; then the time of talk decides.
fn read_status(word: &str, talked: bool) -> (Status, bool) {
    match word.to_ascii_uppercase().replace(['-', ' '], "_").as_str() {
        "ANSWER" | "ANSWERED" => (Status::Answer, false),
        "CANCELED" | "CANCELLED" | "CANCEL" => (Status::Canceled, false),
        "BUSY" => (Status::Busy, false),
        "NO_ANSWER" | "NOANSWER" | "MISSED" => (Status::NoAnswer, false),
        "FAILED" => (Status::Failed, false),
        "VOICEMAIL" => (Status::Voicemail, false),
        _ if talked => (Status::Answer, true),
        _ => (Status::Failed, true),
    }
}

/// `by_caller` and `by_callee`, or the words of FreeSWITCH as the caller's leg has them: what it received came from
/// the caller, what was sent to it came from the other side.
fn read_disposition(word: &str) -> HangupBy {
    match word.to_ascii_lowercase().as_str() {
        "by_caller" | "recv_bye" | "recv_cancel" => HangupBy::Caller,
        "by_callee" | "send_bye" | "send_refuse" | "recv_refuse" => HangupBy::Callee,
        _ => HangupBy::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn seed_row() -> Value {
        json!({
            "uuid": "2d4cd1f6-8efb-11f0-ac6e-e3cd36bb494f", "direction": "outbound", "caller_id_number": "1036",
            "outbound_caller_id_number": "842871220655", "destination_number": "0336626159",
            "start_epoch": "1757586989", "end_epoch": "1757587081", "answer_epoch": "1757587015",
            "duration": "92", "billsec": "66", "sip_hangup_disposition": "by_caller",
            "record_path": "/tazaspa102019/archive/2025/Sep/11/xxx.mp3", "call_status": "ANSWER",
        })
    }

    fn with(name: &str, value: Value) -> Result<Row, Box<Bad>> {
        let mut row = seed_row();
        row[name] = value;
        read_row(&row, "")
    }

    /// S0-072, S0-073, S0-074, S0-075, S0-076, S0-077, S0-078, S0-079, S0-080, S0-081, S0-011, S0-012, S0-013,
    /// S0-014, S0-015, S0-016, S0-017, S0-018, S0-019, S0-020, S0-021, S0-027
    #[test]
    fn the_published_example_is_read_field_by_field() {
        let row = read_row(&seed_row(), "").unwrap();
        assert_eq!(row.external_id, "2d4cd1f6-8efb-11f0-ac6e-e3cd36bb494f");
        assert_eq!((row.direction, row.status), (Direction::Outbound, Status::Answer));
        assert_eq!(
            (row.caller.as_str(), row.destination.as_str()),
            ("1036", "0336626159")
        );
        assert_eq!(row.outbound_caller_id.as_deref(), Some("842871220655"));
        assert_eq!(row.start_ms, 1_757_586_989_000);
        assert_eq!(row.end_ms, Some(1_757_587_081_000));
        assert_eq!(row.answer_ms, Some(1_757_587_015_000));
        assert_eq!((row.duration_ms, row.talk_ms), (92_000, 66_000));
        assert_eq!(row.hangup_by, HangupBy::Caller);
        assert_eq!(
            row.record_path.as_deref(),
            Some("/tazaspa102019/archive/2025/Sep/11/xxx.mp3")
        );
        assert_eq!(row.unknown, None);
        assert!(row.raw.contains("\"billsec\":\"66\""));
    }

    /// S0-077, S0-078, S0-018
    #[test]
    fn numbers_may_come_as_strings_or_numbers_and_zero_or_nothing_means_never() {
        let mut row = seed_row();
        row["start_epoch"] = json!(1_757_586_989);
        row["duration"] = json!(92);
        row["billsec"] = json!(66.0);
        assert_eq!(read_row(&row, "").unwrap().talk_ms, 66_000);
        for never in [json!("0"), json!(0), json!(""), json!("  "), Value::Null] {
            assert_eq!(
                with("answer_epoch", never.clone()).unwrap().answer_ms,
                None,
                "{never}"
            );
            let bad = with("start_epoch", never.clone()).unwrap_err();
            assert_eq!(bad.reason, "`start_epoch` is missing", "{never}");
        }
        assert_eq!(
            with("start_epoch", json!("1757586989123")).unwrap().start_ms,
            1_757_586_989_123
        );
        assert_eq!(with("caller_id_number", json!(1036)).unwrap().caller, "1036");
        assert_eq!(with("record_path", json!("")).unwrap().record_path, None);
    }

    /// S0-073, S0-022, S0-023, S0-024, S0-025, S0-026, S0-012, S0-032
    #[test]
    fn words_are_known_in_any_case_and_in_the_spellings_that_were_seen() {
        for (word, status) in [
            ("answer", Status::Answer),
            ("CANCELED", Status::Canceled),
            ("Cancelled", Status::Canceled),
            ("BUSY", Status::Busy),
            ("no-answer", Status::NoAnswer),
            ("NO ANSWER", Status::NoAnswer),
            ("FAILED", Status::Failed),
        ] {
            let row = with("call_status", json!(word)).unwrap();
            assert_eq!((row.status, row.unknown), (status, None), "{word}");
        }
        for (word, direction) in [
            ("INBOUND", Direction::Inbound),
            ("Outbound", Direction::Outbound),
            ("local", Direction::Internal),
        ] {
            assert_eq!(
                with("direction", json!(word)).unwrap().direction,
                direction,
                "{word}"
            );
        }
    }

    /// S0-033, S0-029
    #[test]
    fn an_unknown_word_costs_no_record_and_stays_in_what_is_kept() {
        let row = with("call_status", json!("TELEPORTED")).unwrap();
        assert_eq!(row.status, Status::Answer, "they talked");
        assert_eq!(row.unknown.as_deref(), Some("status:TELEPORTED"));
        assert!(row.raw.contains("TELEPORTED"));
        let row = with("direction", json!("sideways")).unwrap();
        assert_eq!(row.direction, Direction::Internal);
        assert!(row.raw.contains("sideways"));
    }

    /// S0-106, S0-058
    #[test]
    fn a_row_that_cannot_be_a_call_says_why() {
        for (name, value, reason) in [
            ("uuid", Value::Null, "`uuid` is missing"),
            ("uuid", json!({"a": 1}), "`uuid` is no text"),
            (
                "uuid",
                json!("x".repeat(129)),
                "`uuid` is longer than 128 characters",
            ),
            ("direction", Value::Null, "`direction` is missing"),
            ("call_status", json!(""), "`call_status` is missing"),
            ("start_epoch", json!("yesterday"), "`start_epoch` is no number"),
            ("start_epoch", json!("-5"), "`start_epoch` is no time of this age"),
            ("start_epoch", json!("NaN"), "`start_epoch` is no number"),
            ("duration", json!("-1"), "`duration` is no length of a call"),
            ("end_epoch", json!("1757586980"), "it ends before it begins"),
            (
                "caller_id_number",
                json!("10\u{0}36"),
                "`caller_id_number` holds control characters",
            ),
        ] {
            assert_eq!(
                with(name, value.clone()).unwrap_err().reason,
                reason,
                "{name} = {value}"
            );
        }
        let bad = read_row(&json!("a text"), "").unwrap_err();
        assert_eq!(bad.reason, "the record is no object");
        assert!(bad.raw.contains("a text"));
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,40}".prop_map(Value::from),
            "[0-9.eE+-]{0,24}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,12}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// S0-108
        #[test]
        fn whatever_a_row_holds_it_becomes_a_call_or_a_reason(
            fields in prop::collection::vec((0..UNDERSTOOD.len(), anything()), 0..8),
            other in anything(),
        ) {
            let _ = read_row(&other, "key");
            let mut row = seed_row();
            for (place, value) in fields {
                row[UNDERSTOOD[place]] = value;
            }
            match read_row(&row, "key") {
                Ok(row) => {
                    prop_assert!(!row.external_id.is_empty() && row.external_id.chars().count() <= ID);
                    prop_assert!(row.start_ms > 0 && row.end_ms.is_none_or(|end| end >= row.start_ms));
                    prop_assert!(row.raw.len() <= super::super::RAW_BYTES);
                }
                Err(bad) => prop_assert!(!bad.reason.is_empty() && bad.raw.len() <= super::super::RAW_BYTES),
            }
        }
    }
}
