//! Call records by number.

use callpost::model::{
    CallId, CallNote, Cdr, Direction, HangupBy, LegRecord, LegRole, NoteKind, Number, Stamp, Status,
};
use std::collections::BTreeMap;

const DAWN: i64 = 1_795_000_000_000;

/// The identity of the n-th call.
pub(crate) fn call_id(n: u32) -> CallId {
    let mut random = [5; 10];
    random[6..].copy_from_slice(&n.to_be_bytes());
    CallId::new(DAWN + i64::from(n), &random)
}

fn stamp(n: u32) -> Stamp {
    Stamp {
        unix_ms: DAWN + i64::from(n),
        offset_seconds: 3 * 3600,
    }
}

/// The n-th call as it is when it arrives.
pub(crate) fn draft(n: u32) -> Cdr {
    Cdr {
        cdr_id: call_id(n),
        call_id: call_id(n),
        version: 1,
        is_final: false,
        site: "branch-01".to_owned(),
        direction: Direction::Inbound,
        caller_number: Number::from(format!("+9665{:08}", n % 100_000)),
        caller_name: None,
        dialed_number: Number::from("+966112345678"),
        callee_number: None,
        outbound_caller_id: None,
        started_at: stamp(n),
        ringing_at: None,
        answered_at: None,
        ended_at: None,
        clock_synced: true,
        duration_ms: 0,
        talk_ms: 0,
        ring_ms: 0,
        wait_ms: 0,
        hold_ms: 0,
        status: Status::Failed,
        sip_code: None,
        q850: None,
        hangup_by: HangupBy::System,
        cause: None,
        agent: None,
        group: None,
        flow: None,
        stages: Vec::new(),
        digits: String::new(),
        collected: BTreeMap::new(),
        language: None,
        recording: None,
        trunk: None,
        legs: vec![LegRecord {
            leg: 0,
            role: LegRole::Caller,
            agent: None,
            number: "+966500000000".to_owned(),
            attempt: 0,
            invited_at: stamp(n),
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            result: "answered".to_owned(),
            sip_code: None,
            quality: None,
        }],
        customer: None,
        order: None,
        notes: Vec::new(),
        tags: Vec::new(),
        sip_call_id: Some(format!("call-{n}@pbx.example")),
        origin: None,
        linked: None,
    }
}

/// The n-th call as it is after five seconds of talk.
pub(crate) fn ended(n: u32) -> Cdr {
    Cdr {
        is_final: true,
        status: Status::Answer,
        hangup_by: HangupBy::Caller,
        duration_ms: 8000,
        talk_ms: 5000,
        wait_ms: 3000,
        callee_number: Some(Number::from("1001")),
        ended_at: Some(stamp(n + 8000)),
        ..draft(n)
    }
}

/// A key is pressed in the n-th call.
pub(crate) fn digit(n: u32) -> CallNote {
    CallNote {
        call_id: call_id(n),
        at: stamp(n),
        offset_ms: 1500,
        leg: None,
        kind: NoteKind::Digit,
        detail: "1".to_owned(),
    }
}
