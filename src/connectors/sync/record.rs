//! A row of the PBX as a record of the journal.

use crate::connectors::onepos::{Bad, Row};
use crate::model::{CallId, Cdr, ForeignRecord, Number, RecordingFacts, RecordingId, Stamp};
use crate::store::{Fetched, Rejected};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Whose rows these are.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Identity of the source.
    pub(super) source: String,
    /// Its name, as records carry it.
    pub(super) name: String,
    /// `[site] name`.
    pub(super) site: String,
    /// The site's zone.
    pub(super) zone: TimeZone,
}

impl Origin {
    /// A row, ready to be filed. The same row always becomes the same record with the same identity.
    pub(super) fn fetched(&self, row: Row) -> Fetched {
        let digest = digest_of(&row);
        let cdr = Box::new(self.cdr(&row));
        Fetched {
            external_id: row.external_id,
            digest,
            raw: row.raw,
            sip_call_id: row.sip_call_id,
            cdr,
        }
    }

    /// A row that goes to quarantine.
    pub(super) fn rejected(&self, bad: Bad) -> Rejected {
        Rejected {
            digest: Sha256::digest(bad.raw.as_bytes()).into(),
            external_id: bad.external_id,
            reason: bad.reason,
            raw: bad.raw,
        }
    }

    fn stamp(&self, unix_ms: i64) -> Stamp {
        let offset_seconds =
            Timestamp::from_millisecond(unix_ms).map_or(0, |time| self.zone.to_offset(time).seconds());
        Stamp {
            unix_ms,
            offset_seconds,
        }
    }

    /// The identity is made of the source and the PBX's own identity, so that a store that was lost and filled again
    /// has the same records.
    fn id(&self, row: &Row) -> CallId {
        let mut hash = Sha256::new();
        hash.update(self.source.as_bytes());
        hash.update([0]);
        hash.update(row.external_id.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let mut random = [0; 10];
        random
            .iter_mut()
            .zip(hash)
            .for_each(|(place, byte)| *place = byte);
        CallId::new(row.start_ms, &random)
    }

    fn cdr(&self, row: &Row) -> Cdr {
        let id = self.id(row);
        let wait_ms = row
            .answer_ms
            .and_then(|answer| u64::try_from(answer - row.start_ms).ok())
            .unwrap_or(row.duration_ms);
        let recording = row.record_path.as_ref().map(|path| RecordingFacts {
            id: RecordingId(id.0),
            path: path.clone(),
            sha256: None,
            bytes: None,
            duration_ms: None,
            channels: 1,
            consent: None,
            url: None,
            removed: None,
        });
        Cdr {
            cdr_id: id,
            call_id: id,
            version: 1,
            is_final: true,
            site: self.site.clone(),
            direction: row.direction,
            caller_number: Number::from(row.caller.as_str()),
            caller_name: None,
            dialed_number: Number::from(row.destination.as_str()),
            callee_number: None,
            outbound_caller_id: row.outbound_caller_id.as_deref().map(Number::from),
            started_at: self.stamp(row.start_ms),
            ringing_at: None,
            answered_at: row.answer_ms.map(|ms| self.stamp(ms)),
            ended_at: row.end_ms.map(|ms| self.stamp(ms)),
            clock_synced: true,
            duration_ms: row.duration_ms,
            talk_ms: row.talk_ms,
            ring_ms: 0,
            wait_ms,
            hold_ms: 0,
            status: row.status,
            sip_code: None,
            q850: None,
            hangup_by: row.hangup_by,
            cause: row.unknown.clone(),
            agent: None,
            group: None,
            flow: None,
            stages: Vec::new(),
            digits: String::new(),
            collected: BTreeMap::new(),
            language: None,
            recording,
            earlier_recordings: Vec::new(),
            voicemail: None,
            trunk: None,
            legs: Vec::new(),
            customer: None,
            order: None,
            notes: Vec::new(),
            tags: Vec::new(),
            transfers: Vec::new(),
            sip_call_id: row.sip_call_id.clone(),
            origin: Some(ForeignRecord {
                source: self.name.clone(),
                external_id: row.external_id.clone(),
            }),
            linked: None,
            diverted: Vec::new(),
        }
    }
}

/// Of the fields that mean something: what the PBX says beside them, such as links that change with every answer,
/// makes no new version.
fn digest_of(row: &Row) -> [u8; 32] {
    let told = serde_json::json!([
        row.external_id,
        row.direction,
        row.caller,
        row.outbound_caller_id,
        row.destination,
        row.start_ms,
        row.end_ms,
        row.answer_ms,
        row.duration_ms,
        row.talk_ms,
        row.status,
        row.unknown,
        row.hangup_by,
        row.record_path,
        row.sip_call_id,
    ]);
    Sha256::digest(told.to_string().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::onepos::read_row;
    use serde_json::json;

    fn origin() -> Origin {
        Origin {
            source: "s1".into(),
            name: "pbx".into(),
            site: "branch-01".into(),
            zone: TimeZone::get("Asia/Ho_Chi_Minh").unwrap(),
        }
    }

    /// S0-010, S0-011, S0-013, S0-014, S0-015, S0-016, S0-017, S0-018, S0-019, S0-020, S0-021
    #[test]
    fn a_row_becomes_a_record_with_a_lasting_identity() {
        let row = |extra: &str| {
            let row = json!({
                "uuid": "u1", "direction": "outbound", "caller_id_number": "1036", "destination_number": "0336626159",
                "outbound_caller_id_number": "842871220655", "start_epoch": "1757586989", "end_epoch": "1757587081",
                "answer_epoch": "1757587015", "duration": "92", "billsec": "66", "call_status": "ANSWER",
                "record_path": "/t/x.mp3", "link": extra,
            });
            origin().fetched(read_row(&row, "").unwrap())
        };
        let (first, again) = (row("a"), row("b"));
        assert_eq!(first.cdr, again.cdr);
        assert_eq!(first.digest, again.digest);
        let cdr = first.cdr;
        assert_eq!(cdr.cdr_id.0.get_version_num(), 7);
        assert_eq!(cdr.started_at.to_string(), "2025-09-11T17:36:29.000+07:00");
        assert_eq!(
            (cdr.duration_ms, cdr.talk_ms, cdr.wait_ms),
            (92_000, 66_000, 26_000)
        );
        assert_eq!(cdr.origin.as_ref().unwrap().external_id, "u1");
        assert_eq!(cdr.recording.as_ref().unwrap().path, "/t/x.mp3");
        assert_eq!(cdr.outbound_caller_id.as_ref().unwrap().as_str(), "842871220655");
        let other = Origin {
            source: "s2".into(),
            ..origin()
        };
        let row =
            json!({"uuid": "u1", "direction": "inbound", "start_epoch": "1757586989", "call_status": "BUSY"});
        assert_ne!(other.fetched(read_row(&row, "").unwrap()).cdr.cdr_id, cdr.cdr_id);
    }
}
