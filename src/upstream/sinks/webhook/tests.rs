//! Each format against a body written down here: what a receiver of that kind expects, letter by letter.

use super::message::{Facts, Message};
use super::{Format, Section};
use crate::model::{Cdr, Number, Stamp, Status, TrunkName};
use crate::store::OutboxItem;
use crate::store::tests::sample::{call_id, ended};
use crate::upstream::Config;
use serde_json::{Value, json};

fn at(seconds: i64) -> Stamp {
    Stamp {
        unix_ms: 1_795_000_000_000 + seconds * 1000,
        offset_seconds: 3 * 3600,
    }
}

fn record() -> Cdr {
    Cdr {
        caller_number: Number::from("+966500000001"),
        caller_name: Some("Abu \"=1+1\" Ali".to_owned()),
        started_at: at(0),
        ringing_at: Some(at(1)),
        answered_at: Some(at(3)),
        ended_at: Some(at(8)),
        status: Status::Answer,
        q850: Some(16),
        ring_ms: 2000,
        trunk: Some(TrunkName::from("pbx")),
        sip_call_id: Some("a84b4c76e66710@pc33".to_owned()),
        ..ended(1)
    }
}

fn item(seq: u64, cdr: &Cdr) -> OutboxItem {
    OutboxItem {
        seq,
        cdr_id: cdr.cdr_id.to_string(),
        version: cdr.version,
        attempts: 0,
        body: serde_json::to_string(cdr).unwrap(),
    }
}

fn facts() -> Facts {
    Facts {
        site: "branch-01".to_owned(),
        appliance_id: "0199-box".to_owned(),
    }
}

fn message(format: Format) -> Message {
    format.message(&[item(7, &record())], &facts()).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The native record with its `seq`, as the API shows it.
fn native() -> Value {
    let mut value = serde_json::to_value(record()).unwrap();
    value["seq"] = json!(7);
    value
}

#[test]
fn native_is_the_record_with_its_seq_in_front() {
    let message = message(Format::Native);
    assert_eq!(message.id, format!("{}_1", call_id(1)));
    assert!(
        message.body.starts_with(r#"{"seq":7,"cdr_id":"#),
        "{}",
        message.body
    );
    assert_eq!(parsed(&message.body), native());
}

#[test]
fn standard_is_the_record_in_an_envelope() {
    let message = message(Format::Standard);
    assert_eq!(message.content_type, "application/json");
    assert_eq!(
        parsed(&message.body),
        json!({"type": "cdr.final", "timestamp": "2026-11-18T14:06:48.000+03:00", "data": native()})
    );
}

#[test]
fn a_batch_holds_its_records_in_order_under_an_id_that_stays() {
    let items = [item(7, &record()), item(8, &ended(2))];
    for format in [Format::Native, Format::Standard] {
        let message = format.message(&items, &facts()).unwrap();
        let body = parsed(&message.body);
        assert_eq!(body["type"], "cdr.batch");
        assert_eq!(
            (&body["data"][0]["seq"], &body["data"][1]["seq"]),
            (&json!(7), &json!(8))
        );
        assert_eq!(message, format.message(&items, &facts()).unwrap());
        assert!(
            message.id.starts_with("batch_") && !message.id.contains('.'),
            "{}",
            message.id
        );
        let other = format
            .message(&[item(8, &ended(2)), item(9, &ended(3))], &facts())
            .unwrap();
        assert_ne!(message.id, other.id);
    }
}

#[test]
fn cloudevents_says_what_happened_around_the_record() {
    let message = message(Format::CloudEvents);
    assert_eq!(message.content_type, "application/cloudevents+json");
    let expected = json!({
        "specversion": "1.0",
        "id": format!("{}_1", call_id(1)),
        "source": "/appliance/0199-box",
        "type": "callpost.cdr.final.v1",
        "subject": call_id(1),
        "time": "2026-11-18T14:06:48.000+03:00",
        "datacontenttype": "application/json",
        "data": native(),
    });
    assert_eq!(parsed(&message.body), expected);

    let items = [item(7, &record()), item(8, &ended(2))];
    let batch = Format::CloudEvents.message(&items, &facts()).unwrap();
    assert_eq!(batch.content_type, "application/cloudevents-batch+json");
    assert_eq!(parsed(&batch.body)[0], expected);
}

#[test]
fn cloudevents_binary_says_it_in_headers() {
    let message = message(Format::CloudEventsBinary);
    let id = call_id(1).to_string();
    assert_eq!(message.content_type, "application/json");
    assert_eq!(
        message.headers,
        [
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", format!("{id}_1")),
            ("ce-source", "/appliance/0199-box".to_owned()),
            ("ce-type", "callpost.cdr.final.v1".to_owned()),
            ("ce-subject", id),
            ("ce-time", "2026-11-18T14:06:48.000+03:00".to_owned()),
        ]
    );
    assert_eq!(parsed(&message.body), native());
}

/// As mod_json_cdr posts it: a form field, the variables percent-encoded within.
#[test]
fn freeswitch_is_a_form_with_a_document_in_it() {
    let message = message(Format::FreeSwitch);
    assert_eq!(message.content_type, "application/x-www-form-urlencoded");
    assert_eq!(message.query, Some(("uuid", format!("a_{}", call_id(1)))));
    let form = reqwest::Url::parse(&format!("http://x/?{}", message.body)).unwrap();
    let (field, document) = form.query_pairs().next().unwrap();
    assert_eq!(field, "cdr");
    let document = parsed(&document);
    assert_eq!(document["core-uuid"], "0199-box");
    assert_eq!(
        document["callflow"][0]["times"]["answered_time"],
        "1795000003000000"
    );
    let variables = &document["variables"];
    for (name, value) in [
        ("uuid", call_id(1).to_string().as_str()),
        ("direction", "inbound"),
        ("caller_id_number", "%2B966500000001"),
        ("caller_id_name", "Abu%20%22%3D1%2B1%22%20Ali"),
        ("destination_number", "%2B966112345678"),
        ("start_stamp", "2026-11-18%2014%3A06%3A40"),
        ("answer_epoch", "1795000003"),
        ("end_uepoch", "1795000008000000"),
        ("duration", "8"),
        ("billsec", "5"),
        ("hangup_cause", "NORMAL_CLEARING"),
        ("hangup_cause_q850", "16"),
        ("sip_hangup_disposition", "recv_bye"),
        ("sip_call_id", "a84b4c76e66710%40pc33"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
}

#[test]
fn yeastar_is_event_30012_with_json_in_a_text() {
    let message = message(Format::YeastarNewCdr);
    let body = parsed(&message.body);
    assert_eq!((&body["type"], &body["sn"]), (&json!(30012), &json!("0199-box")));
    assert_eq!(
        parsed(body["msg"].as_str().unwrap()),
        json!({
            "call_id": call_id(1),
            "time_start": "2026-11-18 14:06:40",
            "call_from": "+966500000001",
            "call_to": "1001",
            "call_duration": 8,
            "talk_duration": 5,
            "src_trunk_name": "pbx",
            "dst_trunk_name": " ",
            "pin_code": "",
            "status": "ANSWERED",
            "type": "Inbound",
            "recording": "",
            "did_number": "+966112345678",
            "did_name": "",
            "agent_ring_time": 2,
            "uid": call_id(1),
            "call_note_id": "",
            "enb_call_note": 0,
        })
    );
}

#[test]
fn asterisk_is_a_line_of_master_csv() {
    let message = message(Format::AsteriskCsv);
    let id = call_id(1);
    let expected = format!(
        "\"\",\"+966500000001\",\"+966112345678\",\"default\",\
         \"\"\"Abu \"\"=1+1\"\" Ali\"\" <+966500000001>\",\"SIP/pbx\",\"SIP/1001\",\"Dial\",\"1001\",\
         \"2026-11-18 14:06:40\",\"2026-11-18 14:06:43\",\"2026-11-18 14:06:48\",8,5,\
         \"ANSWERED\",\"DOCUMENTATION\",\"{id}\",\"1\"\n"
    );
    assert_eq!(message.body, expected);
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_and_no_panic() {
    let broken = OutboxItem {
        body: "{\"call_id\":".to_owned(),
        ..item(7, &record())
    };
    for format in [
        Format::Standard,
        Format::CloudEvents,
        Format::CloudEventsBinary,
        Format::FreeSwitch,
        Format::YeastarNewCdr,
        Format::AsteriskCsv,
    ] {
        assert!(
            format.message(std::slice::from_ref(&broken), &facts()).is_err(),
            "{format:?}"
        );
    }
}

fn mistakes(keys: &str) -> Vec<&'static str> {
    let url = "url='https://a.example'";
    let config: Config = toml::from_str(&format!("name='a'\ntype='webhook'\n{url}\n{keys}")).unwrap();
    config.mistakes().into_iter().map(|(key, ..)| key).collect()
}

#[test]
fn keys_that_do_not_fit_are_named() {
    for (keys, wrong) in [
        ("batch=0", "batch"),
        ("batch=101", "batch"),
        ("batch=2\nformat='freeswitch'", "batch"),
        ("headers={'a b'='x'}", "headers"),
        ("headers={Webhook-Id='x'}", "headers"),
        ("headers={X-Key=\"a\\nb\"}", "headers"),
        ("bearer_token='x'\nuser='y'", "bearer_token"),
        ("password='x'", "password"),
        ("tls_pin='sha1/x'", "tls_pin"),
        ("timeout_seconds=0", "timeout_seconds"),
        ("signature='github'\nsecret='short'", "secret"),
    ] {
        assert_eq!(mistakes(keys), [wrong], "{keys}");
    }
    assert!(
        mistakes("batch=100\nformat='cloudevents'\nheaders={X-Key='x'}\nuser='a'\npassword='b'").is_empty()
    );
    assert!(mistakes("signature='stripe'\nsecret='sixteen letters.'").is_empty());
}

#[test]
fn no_secret_of_a_section_is_shown() {
    let section: Section =
        toml::from_str("headers={X-Key='hush'}\nbearer_token='hush'\npassword='hush'\nsecret='hush'")
            .unwrap();
    assert!(!format!("{section:?}").contains("hush"));
}
