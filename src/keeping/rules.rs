use crate::model::RecordingKind;
use crate::store::{CopyState, KeptRecording};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long recordings stay on this box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// `[recording] retention_days`.
    pub conversation_days: u32,
    /// `[retention] voicemail_days`.
    pub voicemail_days: u32,
    /// `[retention] personal_data_days`: a recording is personal data, so the shorter of the two counts.
    pub personal_days: Option<u32>,
    /// `[retention] below_megabytes` in bytes: with less free, the oldest go before their time.
    pub mark_bytes: u64,
    /// `[retention] when_full`.
    pub disk_takes: DiskTakes,
    /// Every enabled `[[storage]]`.
    pub storages: Vec<StorageRule>,
}

/// Which recordings may go before their time when the disk gets full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskTakes {
    /// Those with a verified copy elsewhere.
    #[default]
    Copied,
    /// Those with a copy first, then the oldest whatever they are.
    Oldest,
    /// None: recording stops instead.
    Nothing,
}

/// What a place that copies go to has to say about the file here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageRule {
    /// The name of its `[[storage]]`.
    pub name: String,
    /// Whether a recording stays until this place has it.
    pub is_required: bool,
    /// Whether messages go there too.
    pub takes_voicemail: bool,
    /// Days that the file stays here once this place has it; as long as the other rules say when absent.
    pub keep_local_days: Option<u32>,
}

/// What takes a recording away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Conversations have their days.
    ConversationDays,
    /// Messages have theirs.
    VoicemailDays,
    /// Personal data has fewer.
    PersonalData,
    /// This place has it.
    Copied(String),
    /// The disk is nearly full.
    Disk,
}

/// What becomes of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The rule that would take it first.
    pub rule: Rule,
    /// When, in ms since 1970.
    pub due_ms: i64,
    /// What keeps it here all the same.
    pub obstacle: Option<Obstacle>,
}

/// What keeps a recording here although a rule would take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// A legal hold, since then.
    Held(String),
    /// This place has to get it first.
    AwaitsCopy(String),
    /// When its call was is not known: the clock had not been set, and never was since.
    AgeUnknown,
}

const DAY_MS: i64 = 86_400_000;
/// A start before this (2026-01-01) was stamped by a clock that had not been set.
const UNSET_BEFORE_MS: i64 = 1_767_225_600_000;

impl Rules {
    /// Which rule takes this recording first, when, and what keeps it.
    pub fn fate(&self, one: &KeptRecording) -> Fate {
        let (mut rule, days) = match one.row.kind {
            RecordingKind::Conversation => (Rule::ConversationDays, self.conversation_days),
            RecordingKind::Voicemail => (Rule::VoicemailDays, self.voicemail_days),
        };
        let mut due_ms = after_days(one.started_ms, days);
        if let Some(fewer) = self.personal_days.filter(|fewer| *fewer < days) {
            (rule, due_ms) = (Rule::PersonalData, after_days(one.started_ms, fewer));
        }
        for storage in &self.storages {
            let gone = storage
                .keep_local_days
                .and_then(|days| Some(after_days(verified_ms(one, &storage.name)?, days)));
            if let Some(at) = gone.filter(|at| *at < due_ms) {
                (rule, due_ms) = (Rule::Copied(storage.name.clone()), at);
            }
        }
        let obstacle = self.obstacle(one).or_else(|| {
            let by_age = !matches!(rule, Rule::Copied(_));
            (by_age && one.started_ms < UNSET_BEFORE_MS).then_some(Obstacle::AgeUnknown)
        });
        Fate {
            rule,
            due_ms,
            obstacle,
        }
    }

    /// What keeps this recording here whatever any rule says.
    pub fn obstacle(&self, one: &KeptRecording) -> Option<Obstacle> {
        if let Some(since) = &one.held_since {
            return Some(Obstacle::Held(since.clone()));
        }
        let wanting = self.storages.iter().find(|storage| {
            let is_meant = storage.takes_voicemail || one.row.kind == RecordingKind::Conversation;
            storage.is_required && is_meant && verified_ms(one, &storage.name).is_none()
        });
        wanting.map(|storage| Obstacle::AwaitsCopy(storage.name.clone()))
    }

    /// Whether the disk may take it before its time.
    pub fn may_go_early(&self, one: &KeptRecording) -> bool {
        let is_free = self.obstacle(one).is_none();
        match self.disk_takes {
            DiskTakes::Nothing => false,
            DiskTakes::Copied => is_free && is_copied(one),
            DiskTakes::Oldest => is_free,
        }
    }
}

/// Whether any place has it.
pub(super) fn is_copied(one: &KeptRecording) -> bool {
    one.copies.iter().any(|copy| copy.state == CopyState::Verified)
}

fn verified_ms(one: &KeptRecording, storage: &str) -> Option<i64> {
    let copy = one.copies.iter().find(|copy| copy.storage == storage)?;
    copy.verified_ms.filter(|_| copy.state == CopyState::Verified)
}

fn after_days(from_ms: i64, days: u32) -> i64 {
    from_ms.saturating_add(i64::from(days).saturating_mul(DAY_MS))
}

impl Fate {
    /// Whether it goes now.
    pub fn is_due(&self, now_ms: i64) -> bool {
        self.due_ms <= now_ms
    }
}

impl fmt::Display for Rule {
    /// As the configuration writes it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConversationDays => out.write_str("recording.retention_days"),
            Self::VoicemailDays => out.write_str("retention.voicemail_days"),
            Self::PersonalData => out.write_str("retention.personal_data_days"),
            Self::Copied(storage) => write!(out, "storage.{storage}.keep_local_days"),
            Self::Disk => out.write_str("retention.below_megabytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeping::tests::{NOON_MS, kept};
    use crate::store::CopyFacts;

    fn rules() -> Rules {
        Rules {
            conversation_days: 90,
            voicemail_days: 60,
            personal_days: None,
            mark_bytes: 0,
            disk_takes: DiskTakes::Copied,
            storages: Vec::new(),
        }
    }

    fn storage(name: &str, keep_local_days: Option<u32>) -> StorageRule {
        StorageRule {
            name: name.to_owned(),
            is_required: true,
            takes_voicemail: true,
            keep_local_days,
        }
    }

    fn copied(mut one: KeptRecording, storage: &str, verified_ms: i64) -> KeptRecording {
        one.copies.push(CopyFacts {
            storage: storage.to_owned(),
            state: CopyState::Verified,
            verified_ms: Some(verified_ms),
        });
        one
    }

    /// S3-098
    #[test]
    fn a_conversation_goes_after_its_days_and_a_message_after_its_own() {
        let fate = rules().fate(&kept(1));
        assert_eq!(
            (fate.rule.clone(), fate.obstacle.clone()),
            (Rule::ConversationDays, None)
        );
        assert_eq!(fate.due_ms, NOON_MS + 90 * DAY_MS);
        assert!(!fate.is_due(NOON_MS + 90 * DAY_MS - 1) && fate.is_due(NOON_MS + 90 * DAY_MS));
        let mut message = kept(1);
        message.row.kind = RecordingKind::Voicemail;
        let fate = rules().fate(&message);
        assert_eq!(
            (fate.rule, fate.due_ms),
            (Rule::VoicemailDays, NOON_MS + 60 * DAY_MS)
        );
    }

    /// S3-103: of two rules the shorter takes personal data.
    #[test]
    fn the_shorter_rule_takes_personal_data() {
        for (personal, rule, days) in [(30, Rule::PersonalData, 30), (120, Rule::ConversationDays, 90)] {
            let rules = Rules {
                personal_days: Some(personal),
                ..rules()
            };
            let fate = rules.fate(&kept(1));
            assert_eq!((fate.rule, fate.due_ms), (rule, NOON_MS + days * DAY_MS));
        }
    }

    /// S3-103: a legal hold wins over every rule, the disk's too.
    #[test]
    fn a_legal_hold_wins() {
        let mut held = copied(kept(1), "s3", NOON_MS);
        held.held_since = Some("2026-11-21T00:00:00Z".to_owned());
        let rules = Rules {
            personal_days: Some(1),
            disk_takes: DiskTakes::Oldest,
            storages: vec![storage("s3", Some(0))],
            ..rules()
        };
        let fate = rules.fate(&held);
        assert!(fate.is_due(NOON_MS));
        assert_eq!(
            fate.obstacle,
            Some(Obstacle::Held("2026-11-21T00:00:00Z".to_owned()))
        );
        assert!(!rules.may_go_early(&held));
    }

    #[test]
    fn nothing_goes_before_a_required_place_has_it() {
        let rules = Rules {
            disk_takes: DiskTakes::Oldest,
            storages: vec![storage("s3", None)],
            ..rules()
        };
        let waiting = Some(Obstacle::AwaitsCopy("s3".to_owned()));
        assert_eq!(rules.fate(&kept(1)).obstacle, waiting);
        assert!(!rules.may_go_early(&kept(1)));
        let copied = copied(kept(1), "s3", NOON_MS);
        assert_eq!(rules.fate(&copied).obstacle, None);
        assert!(rules.may_go_early(&copied));
    }

    #[test]
    fn a_message_does_not_wait_for_a_place_that_takes_none() {
        let mut place = storage("s3", None);
        place.takes_voicemail = false;
        let rules = Rules {
            storages: vec![place],
            ..rules()
        };
        let mut message = kept(1);
        message.row.kind = RecordingKind::Voicemail;
        assert_eq!(rules.fate(&message).obstacle, None);
    }

    #[test]
    fn a_copied_file_leaves_this_box_as_early_as_its_place_allows() {
        let rules = Rules {
            storages: vec![storage("s3", Some(2)), storage("nas", Some(7))],
            ..rules()
        };
        let both = copied(copied(kept(1), "s3", NOON_MS + DAY_MS), "nas", NOON_MS);
        let fate = rules.fate(&both);
        assert_eq!(
            (fate.rule.to_string().as_str(), fate.due_ms),
            ("storage.s3.keep_local_days", NOON_MS + 3 * DAY_MS)
        );
        let one = copied(kept(1), "s3", NOON_MS);
        assert_eq!(
            rules.fate(&one).obstacle,
            Some(Obstacle::AwaitsCopy("nas".to_owned()))
        );
    }

    #[test]
    fn the_disk_takes_only_what_lies_elsewhere_too_unless_told_otherwise() {
        let copied = copied(kept(1), "old-place", NOON_MS);
        for (takes, plain, with_copy) in [
            (DiskTakes::Copied, false, true),
            (DiskTakes::Oldest, true, true),
            (DiskTakes::Nothing, false, false),
        ] {
            let rules = Rules {
                disk_takes: takes,
                ..rules()
            };
            assert_eq!(
                (rules.may_go_early(&kept(1)), rules.may_go_early(&copied)),
                (plain, with_copy)
            );
        }
    }

    #[test]
    fn a_recording_of_1970_does_not_go_by_its_age() {
        let mut ageless = kept(1);
        ageless.started_ms = 5000;
        assert_eq!(rules().fate(&ageless).obstacle, Some(Obstacle::AgeUnknown));
    }
}
