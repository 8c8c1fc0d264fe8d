use crate::model::{
    AgentId, Binding, CallId, CallKey, CallNote, Cdr, Direction, Entry, GroupName, HangupBy, LegRecord,
    LegRole, NoteKind, Number, Quality, RecordingFacts, RecordingId, RecordingKind, RecordingRow, Stamp,
    Status,
};
use std::collections::BTreeMap;

const DAWN: i64 = 1_795_000_000_000;

/// The identity of the n-th call.
pub(crate) fn call_id(n: u32) -> CallId {
    let mut random = [7; 10];
    random[6..].copy_from_slice(&n.to_be_bytes());
    CallId::new(DAWN + i64::from(n), &random)
}

/// The identity of the n-th recording.
pub(crate) fn recording_id(n: u32) -> RecordingId {
    RecordingId(call_id(n).0)
}

/// When the n-th call arrives.
pub(crate) fn stamp(n: u32) -> Stamp {
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
        caller_number: Number::from(format!("+9665{:08}", n % 1000)),
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
        earlier_recordings: Vec::new(),
        voicemail: None,
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
        transfers: Vec::new(),
        sip_call_id: None,
        origin: None,
        linked: None,
        diverted: Vec::new(),
    }
}

/// The n-th call as it is after five seconds of talk.
pub(crate) fn ended(n: u32) -> Cdr {
    Cdr {
        is_final: true,
        status: if n.is_multiple_of(3) {
            Status::NoAnswer
        } else {
            Status::Answer
        },
        hangup_by: HangupBy::Caller,
        duration_ms: 8000,
        talk_ms: 5000,
        wait_ms: 3000,
        callee_number: Some(Number::from("1001")),
        ..draft(n)
    }
}

/// The n-th call as a busy box files it: three legs, a recording, measured quality.
pub(crate) fn talked(n: u32) -> Cdr {
    let quality = |packets| {
        Some(Quality {
            mos: Some(4.4),
            loss_percent: Some(0.1),
            jitter_ms: Some(3.25),
            rtt_ms: None,
            codec: Some(crate::model::Codec::Pcmu),
            packets_received: packets,
            packets_sent: packets + 3,
            ..Quality::default()
        })
    };
    let mut cdr = ended(n);
    let agent = |leg, name: &str, number: &str| LegRecord {
        leg,
        role: LegRole::Agent,
        agent: Some(AgentId::from(name)),
        number: number.to_owned(),
        attempt: 1,
        ringing_at: Some(stamp(n + 2120)),
        answered_at: Some(stamp(n + 3000)),
        ended_at: Some(stamp(n + 8000)),
        quality: quality(250),
        ..cdr.legs[0].clone()
    };
    let legs = [agent(1, "ali", "1001"), agent(2, "mona", "1002")];
    cdr.legs.extend(legs);
    cdr.legs[0].quality = quality(400);
    cdr.agent = Some(AgentId::from("ali"));
    cdr.group = Some(GroupName::from("sales"));
    cdr.flow = Some("main".into());
    cdr.stages = ["welcome", "menu", "sales"].map(Into::into).to_vec();
    cdr.digits = "1".to_owned();
    cdr.ringing_at = Some(stamp(n + 2120));
    cdr.answered_at = Some(stamp(n + 3000));
    cdr.ended_at = Some(stamp(n + 8000));
    cdr.recording = Some(RecordingFacts {
        sha256: Some(format!("{:064x}", u128::from(n) * 0x9e37_79b9_7f4a_7c15)),
        ..facts(n)
    });
    cdr
}

/// The n-th call arrives.
pub(crate) fn opening(n: u32) -> Entry {
    Entry::CallOpened {
        call: CallKey(n),
        cdr: Box::new(draft(n)),
    }
}

/// The n-th call ends.
pub(crate) fn closing(n: u32) -> Entry {
    Entry::CallClosed(Box::new(ended(n)))
}

/// A key is pressed in the n-th call.
pub(crate) fn digit(n: u32, offset_ms: u64, key: &str) -> Entry {
    Entry::CallNoted(CallNote {
        call_id: call_id(n),
        at: stamp(n),
        offset_ms,
        leg: None,
        kind: NoteKind::Digit,
        detail: key.to_owned(),
    })
}

/// The n-th call's recording is about to be written.
pub(crate) fn recording(n: u32) -> RecordingRow {
    RecordingRow {
        id: recording_id(n),
        call_id: call_id(n),
        kind: RecordingKind::Conversation,
        path: format!("2026/11/20/{}.wav", call_id(n)),
        started_at: stamp(n),
        agent: None,
    }
}

/// The n-th call's recording is complete.
pub(crate) fn facts(n: u32) -> RecordingFacts {
    RecordingFacts {
        id: recording_id(n),
        path: format!("recordings/2026/11/20/{}.wav", call_id(n)),
        sha256: Some("00".repeat(32)),
        bytes: Some(16_058),
        duration_ms: Some(1000),
        channels: 2,
        consent: None,
        url: None,
        removed: None,
    }
}

/// A phone registers until `expires_ms`.
pub(crate) fn binding(extension: &str, cseq: u32, expires_ms: i64) -> Binding {
    Binding {
        extension: Number::from(extension),
        contact: format!("sip:{extension}@127.0.0.10:5060"),
        flow: "udp 127.0.0.10:5060 127.0.0.1:5060".to_owned(),
        call_id: "reg-1".to_owned(),
        cseq,
        q: 1000,
        user_agent: None,
        instance: None,
        reg_id: None,
        expires_at_unix_ms: expires_ms,
    }
}
