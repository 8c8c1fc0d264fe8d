//! Calls of a busy small company over three years.

use callpost::model::{
    AgentId, CallId, CallNote, Cdr, Codec, Direction, ForeignRecord, GroupName, HangupBy, LegId, LegRecord,
    LegRole, NoteKind, Number, Quality, RecordingFacts, RecordingId, Stamp, Status,
};

pub(crate) const START_MS: i64 = 1_700_000_000_000;
pub(crate) const SPAN_MS: i64 = 3 * 365 * 86_400_000;
/// Different callers.
pub(crate) const NUMBERS: u32 = 150_000;
pub(crate) const OURS: &str = "+966112345678";
pub(crate) const AGENTS: [&str; 10] = [
    "ali", "mona", "omar", "sara", "khaled", "huda", "nasser", "lina", "fahad", "rana",
];
pub(crate) const GROUPS: [&str; 4] = ["sales", "support", "billing", "night"];

pub(crate) fn caller(n: u32) -> String {
    format!("+9665{:08}", u64::from(n) * 7_919_331 % 100_000_000)
}

fn scatter(n: u32) -> u64 {
    let mut x = u64::from(n)
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    x.wrapping_mul(0x94d0_49bb_1331_11eb) ^ (x >> 31)
}

/// The n-th of `of` calls: three legs, most of them recorded, with the notes of its course.
pub(crate) fn record(n: u32, of: u32) -> (Cdr, Vec<CallNote>) {
    let dice = scatter(n);
    let started = START_MS + SPAN_MS / i64::from(of) * i64::from(n);
    let at = |later: i64| Stamp {
        unix_ms: started + later,
        offset_seconds: 10_800,
    };
    let mut random = [0; 10];
    random[..8].copy_from_slice(&dice.to_be_bytes());
    random[8..].copy_from_slice(&scatter(n ^ 0x5555).to_be_bytes()[..2]);
    let id = CallId::new(started, &random);
    let status = match dice % 100 {
        0..=69 => Status::Answer,
        70..=81 => Status::Canceled,
        82..=85 => Status::Busy,
        86..=93 => Status::NoAnswer,
        94 => Status::Failed,
        _ => Status::Voicemail,
    };
    let answered = status == Status::Answer;
    let agent = AGENTS[(dice >> 8) as usize % 10];
    let talk = 20_000 + (dice >> 16) as i64 % 300_000;
    let number = caller((dice >> 20) as u32 % NUMBERS);
    let quality = Some(Quality {
        mos: Some(4.0 + (dice % 400) as f32 / 1000.0),
        loss_percent: Some((dice % 7) as f32 / 10.0),
        jitter_ms: Some((dice % 97) as f32 / 8.0),
        rtt_ms: None,
        codec: Some(Codec::Pcmu),
        packets_received: talk as u64 / 20,
        packets_sent: talk as u64 / 20 + dice % 9,
        ..Quality::default()
    });
    let leg = |leg: u32| {
        let (took, agent) = (
            leg == 2 && answered,
            AGENTS[((dice >> 8) as usize + leg as usize + 8) % 10],
        );
        LegRecord {
            leg,
            role: if leg == 0 { LegRole::Caller } else { LegRole::Agent },
            agent: (leg > 0).then(|| AgentId::from(agent)),
            number: if leg == 0 {
                number.clone()
            } else {
                format!("10{:02}", (dice >> 8) % 10 + u64::from(leg))
            },
            attempt: u32::from(leg > 0),
            invited_at: at(if leg == 0 { 0 } else { 7_868 }),
            ringing_at: (leg > 0).then(|| at(7_900 + i64::from(leg) * 7)),
            answered_at: (took || leg == 0).then(|| at(if leg == 0 { 2 } else { 9_370 })),
            ended_at: Some(at(9_380 + talk)),
            result: if took || leg == 0 {
                "answered"
            } else {
                "answered_elsewhere"
            }
            .to_owned(),
            sip_code: None,
            quality: if took || leg == 0 { quality } else { None },
        }
    };
    let recording = answered.then(|| RecordingFacts {
        id: RecordingId(id.0),
        path: format!("recordings/2026/11/20/{id}.wav"),
        sha256: Some(
            (0..4)
                .map(|part| format!("{:016x}", scatter(n.wrapping_mul(5).wrapping_add(part))))
                .collect(),
        ),
        bytes: Some(talk as u64 * 16 + 58),
        duration_ms: Some(talk as u64),
        channels: 2,
        consent: None,
        url: None,
        removed: None,
    });
    let foreign = dice % 50 == 1;
    let cdr = Cdr {
        cdr_id: id,
        call_id: id,
        version: 1,
        is_final: true,
        site: "branch-01".to_owned(),
        direction: match dice % 10 {
            0..=6 => Direction::Inbound,
            7 | 8 => Direction::Outbound,
            _ => Direction::Internal,
        },
        caller_number: Number::from(number.clone()),
        caller_name: None,
        dialed_number: Number::from(OURS),
        callee_number: answered.then(|| Number::from(format!("10{:02}", (dice >> 8) % 10))),
        outbound_caller_id: None,
        started_at: at(0),
        ringing_at: Some(at(7_907)),
        answered_at: answered.then(|| at(9_370)),
        ended_at: Some(at(9_380 + talk)),
        clock_synced: true,
        duration_ms: 9_380 + talk as u64,
        talk_ms: talk as u64,
        ring_ms: 1500,
        wait_ms: 9_370,
        hold_ms: 0,
        status,
        sip_code: None,
        q850: Some(16),
        hangup_by: HangupBy::Caller,
        cause: None,
        agent: answered.then(|| AgentId::from(agent)),
        group: Some(GroupName::from(GROUPS[(dice >> 12) as usize % 4])),
        flow: Some("main".into()),
        stages: ["welcome", "language", "menu", "sales", "ring-sales"]
            .map(Into::into)
            .to_vec(),
        digits: "11".to_owned(),
        collected: std::collections::BTreeMap::new(),
        language: Some("en".into()),
        recording,
        earlier_recordings: Vec::new(),
        voicemail: None,
        trunk: Some("pbx".into()),
        legs: (0..3).map(leg).collect(),
        customer: None,
        order: None,
        notes: Vec::new(),
        tags: Vec::new(),
        transfers: Vec::new(),
        sip_call_id: Some(format!("{dice:016x}@192.0.2.7")),
        origin: foreign.then(|| ForeignRecord {
            source: "onepos".to_owned(),
            external_id: id.to_string(),
        }),
        linked: None,
        diverted: Vec::new(),
    };
    (cdr, story(id, started, talk, answered))
}

fn story(call_id: CallId, started: i64, talk: i64, answered: bool) -> Vec<CallNote> {
    let last = if answered {
        NoteKind::Answered
    } else {
        NoteKind::Refused
    };
    [
        (0, NoteKind::Created, None, ""),
        (1, NoteKind::Stage, None, "welcome"),
        (2, NoteKind::CallerAnswered, Some(0), ""),
        (2_100, NoteKind::Stage, None, "language"),
        (3_420, NoteKind::Digit, None, "1"),
        (3_421, NoteKind::Stage, None, "menu"),
        (7_860, NoteKind::Digit, None, "1"),
        (7_861, NoteKind::Stage, None, "sales"),
        (7_868, NoteKind::Dialed, Some(1), "ali"),
        (7_868, NoteKind::Dialed, Some(2), "mona"),
        (7_907, NoteKind::Ringing, Some(1), ""),
        (7_914, NoteKind::Ringing, Some(2), ""),
        (9_370, last, Some(2), "mona"),
        (9_371, NoteKind::Released, Some(1), "answered_elsewhere"),
        (9_380 + talk, NoteKind::Released, Some(2), ""),
        (9_380 + talk, NoteKind::Ended, None, "Answer"),
    ]
    .into_iter()
    .map(|(offset, kind, leg, detail)| CallNote {
        call_id,
        at: Stamp {
            unix_ms: started + offset,
            offset_seconds: 10_800,
        },
        offset_ms: offset as u64,
        leg: leg.map(LegId),
        kind,
        detail: detail.to_owned(),
    })
    .collect()
}
