//! A record as a line of comma-separated values (RFC 4180) for spreadsheets.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula, and a
//! caller chooses his own name. Such a cell gets an apostrophe in front; whoever reads the file by program takes it
//! away again.

use crate::model::{Cdr, Stamp};
use crate::store::OutboxItem;
use serde::Serialize;

/// The first line of a file. Columns are only ever added at the end.
pub(super) const HEAD: &str = "seq,cdr_id,version,final,site,direction,caller_number,caller_name,dialed_number,\
callee_number,outbound_caller_id,started_at,ringing_at,answered_at,ended_at,clock_synced,duration_ms,talk_ms,ring_ms,\
wait_ms,hold_ms,status,sip_code,q850,hangup_by,cause,agent,group,flow,digits,language,trunk,recording_path,notes,tags,\
origin_source,origin_id\r\n";

/// The line of a record.
///
/// # Errors
/// When the record cannot be read: it is refused then.
pub(super) fn line(item: &OutboxItem) -> Result<String, String> {
    let cdr: Cdr =
        serde_json::from_str(&item.body).map_err(|error| format!("the record cannot be read: {error}"))?;
    let recording = cdr.recording.as_ref().map(|recording| recording.path.clone());
    let origin = cdr.origin.as_ref();
    let cells = [
        item.seq.to_string(),
        word(&cdr.cdr_id),
        cdr.version.to_string(),
        cdr.is_final.to_string(),
        cdr.site.clone(),
        word(&cdr.direction),
        word(&cdr.caller_number),
        cdr.caller_name.clone().unwrap_or_default(),
        word(&cdr.dialed_number),
        word(&cdr.callee_number),
        word(&cdr.outbound_caller_id),
        cdr.started_at.to_string(),
        moment(cdr.ringing_at),
        moment(cdr.answered_at),
        moment(cdr.ended_at),
        cdr.clock_synced.to_string(),
        cdr.duration_ms.to_string(),
        cdr.talk_ms.to_string(),
        cdr.ring_ms.to_string(),
        cdr.wait_ms.to_string(),
        cdr.hold_ms.to_string(),
        cdr.status.as_str().to_owned(),
        word(&cdr.sip_code),
        word(&cdr.q850),
        word(&cdr.hangup_by),
        cdr.cause.clone().unwrap_or_default(),
        word(&cdr.agent),
        word(&cdr.group),
        word(&cdr.flow),
        cdr.digits.clone(),
        word(&cdr.language),
        word(&cdr.trunk),
        recording.unwrap_or_default(),
        cdr.notes.join("; "),
        cdr.tags.join("; "),
        origin.map(|origin| origin.source.clone()).unwrap_or_default(),
        origin
            .map(|origin| origin.external_id.clone())
            .unwrap_or_default(),
    ];
    Ok(cells.map(|cell| cell_of(&cell)).join(",") + "\r\n")
}

fn moment(stamp: Option<Stamp>) -> String {
    stamp.map(|stamp| stamp.to_string()).unwrap_or_default()
}

/// The word a value has in JSON, without its quotation marks; nothing for nothing.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    }
}

/// Defused, and in quotation marks where it has to be.
fn cell_of(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    // The end of a line is looked for after a kill, so no cell holds one.
    let text = text.replace("\r\n", "\n");
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ROBUSTNESS 60.
    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell_of("=1+1"), "'=1+1");
        assert_eq!(cell_of("+966500000000"), "'+966500000000");
        assert_eq!(cell_of("-1"), "'-1");
        assert_eq!(cell_of("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(cell_of("\tx"), "'\tx");
        assert_eq!(cell_of("\r=x"), "\"'\r=x\"");
        assert_eq!(cell_of("a=b"), "a=b");
    }

    #[test]
    fn what_would_break_the_line_is_quoted() {
        assert_eq!(cell_of("a,b"), "\"a,b\"");
        assert_eq!(cell_of("say \"hello\""), "\"say \"\"hello\"\"\"");
        assert_eq!(cell_of("two\nlines"), "\"two\nlines\"");
    }

    #[test]
    fn a_record_has_a_cell_for_each_name() {
        use crate::store::tests::sample::ended;
        let item = OutboxItem {
            seq: 7,
            cdr_id: "x".to_owned(),
            version: 1,
            attempts: 0,
            body: serde_json::to_string(&ended(1)).unwrap(),
        };
        let line = line(&item).unwrap();
        assert_eq!(line.matches(',').count(), HEAD.matches(',').count(), "{line}");
        assert!(
            line.starts_with("7,") && line.contains(",'+966500000001,"),
            "{line}"
        );
    }
}
