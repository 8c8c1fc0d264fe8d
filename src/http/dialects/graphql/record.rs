use super::scalar::Moment;
use crate::http::dialects::{InternalAs, OneposConfig, VoicemailAs};
use crate::model::{Cdr, Direction, HangupBy, Number, Stamp, Status};
use crate::store::PbxRecord;
use async_graphql::{Enum, SimpleObject};

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum CallDirection {
    /// From outside.
    Inbound,
    /// To the outside, or from one phone here to another.
    Outbound,
}

impl CallDirection {
    /// A call between two phones here looks as `[http.onepos] internal_as` says; one that is not to be shown at all
    /// to pullers still stands in a list that is turned by pages, as outbound.
    fn shown(direction: Direction, internal_as: InternalAs) -> Self {
        match (direction, internal_as) {
            (Direction::Inbound, _) | (Direction::Internal, InternalAs::Inbound) => Self::Inbound,
            (Direction::Outbound, _) | (Direction::Internal, InternalAs::Outbound | InternalAs::Omit) => {
                Self::Outbound
            }
        }
    }

    /// What calls went that are shown so: a direction and, where calls inside the house are, those.
    pub(super) fn of_the_house(self, internal_as: InternalAs) -> (Direction, Option<Direction>) {
        let direction = match self {
            Self::Inbound => Direction::Inbound,
            Self::Outbound => Direction::Outbound,
        };
        let internal = Self::shown(Direction::Internal, internal_as) == self;
        (direction, internal.then_some(Direction::Internal))
    }
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum CallStatus {
    /// Answered.
    Answer,
    /// The caller gave up.
    Canceled,
    /// Busy.
    Busy,
    /// Nobody answered; the caller may have left a message.
    NoAnswer,
    /// Everything else.
    Failed,
}

impl CallStatus {
    fn shown(status: Status, voicemail_as: VoicemailAs) -> Self {
        match (status, voicemail_as) {
            (Status::Answer, _) | (Status::Voicemail, VoicemailAs::Answer) => Self::Answer,
            (Status::NoAnswer, _) | (Status::Voicemail, VoicemailAs::NoAnswer) => Self::NoAnswer,
            (Status::Canceled, _) => Self::Canceled,
            (Status::Busy, _) => Self::Busy,
            (Status::Failed, _) => Self::Failed,
        }
    }

    /// How calls went that are shown so: a status and, where messages are, those.
    pub(super) fn of_the_house(self, voicemail_as: VoicemailAs) -> (Status, Option<Status>) {
        let status = match self {
            Self::Answer => Status::Answer,
            Self::Canceled => Status::Canceled,
            Self::Busy => Status::Busy,
            Self::NoAnswer => Status::NoAnswer,
            Self::Failed => Status::Failed,
        };
        let voicemail = Self::shown(Status::Voicemail, voicemail_as) == self;
        (status, voicemail.then_some(Status::Voicemail))
    }
}

/// A call. Numbers of seconds are text, as the PBX writes them.
#[derive(Debug, Clone, SimpleObject)]
pub(super) struct CallCenterRecord {
    /// Identity of the record.
    id: String,
    /// Identity of the call where it was first seen: on the PBX, or here.
    external_uuid: String,
    direction: CallDirection,
    /// Who called; null when withheld.
    caller_id_number: Option<String>,
    /// The number shown to the callee, when the call left through a trunk.
    outbound_caller_id_number: Option<String>,
    /// What was dialled.
    destination_number: Option<String>,
    /// Seconds since 1970.
    start_epoch: Option<String>,
    /// Seconds since 1970.
    end_epoch: Option<String>,
    /// Seconds since 1970; null when nobody answered.
    answer_epoch: Option<String>,
    /// Seconds from arrival to end.
    duration: Option<String>,
    /// Seconds from a person's answer to the end.
    billsec: Option<String>,
    /// `by_caller`, `by_callee` or `by_system`.
    sip_hangup_disposition: Option<String>,
    call_status: CallStatus,
    /// Address of the recording on this box, or its path on the PBX.
    record_path: Option<String>,
    /// `[http.onepos] domain`, or else the site's name.
    domain: Option<String>,
    /// What the PBX sent, without secrets; null for a call of this box.
    raw_data: Option<async_graphql::Json<serde_json::Value>>,
    /// When the record came into the journal.
    synced_at: Moment,
    /// When it last changed.
    updated_at: Moment,
}

impl CallCenterRecord {
    /// A record of the journal as this dialect shows it.
    pub(super) fn of(cdr: &Cdr, config: &OneposConfig) -> Self {
        let foreign = cdr.origin.as_ref();
        let filed = cdr.ended_at.unwrap_or(cdr.started_at);
        Self {
            id: cdr.cdr_id.to_string(),
            external_uuid: foreign
                .map_or_else(|| cdr.call_id.to_string(), |foreign| foreign.external_id.clone()),
            direction: CallDirection::shown(cdr.direction, config.internal_as),
            caller_id_number: known(Some(&cdr.caller_number)),
            outbound_caller_id_number: known(cdr.outbound_caller_id.as_ref()),
            destination_number: known(Some(&cdr.dialed_number)),
            start_epoch: Some(epoch(cdr.started_at)),
            end_epoch: cdr.ended_at.map(epoch),
            answer_epoch: cdr.answered_at.map(epoch),
            duration: Some(seconds(cdr.duration_ms)),
            billsec: Some(seconds(cdr.talk_ms)),
            sip_hangup_disposition: Some(disposition(cdr.hangup_by).to_owned()),
            call_status: CallStatus::shown(cdr.status, config.voicemail_as),
            record_path: cdr.recording.as_ref().and_then(|recording| match foreign {
                Some(_) => Some(recording.path.clone()),
                // Once the file has left this box, where its copy lies.
                None if recording.removed.is_some() => recording.url.clone(),
                None => Some(format!("/api/v1/recordings/{}", recording.id)),
            }),
            domain: Some(match config.domain.as_str() {
                "" => cdr.site.clone(),
                domain => domain.to_owned(),
            }),
            raw_data: None,
            synced_at: Moment(filed.unix_ms),
            updated_at: Moment(filed.unix_ms),
        }
    }
}

impl CallCenterRecord {
    /// The same with what the PBX said of the call, when it said something.
    pub(super) fn told_by_the_pbx(self, said: Option<PbxRecord>) -> Self {
        let Some(said) = said else { return self };
        Self {
            raw_data: serde_json::from_str(&said.raw).ok().map(async_graphql::Json),
            synced_at: Moment(said.synced_ms),
            updated_at: Moment(said.updated_ms),
            ..self
        }
    }
}

fn known(number: Option<&Number>) -> Option<String> {
    number
        .filter(|number| **number != Number::anonymous() && !number.as_str().is_empty())
        .map(ToString::to_string)
}

fn epoch(stamp: Stamp) -> String {
    stamp.unix_ms.div_euclid(1000).to_string()
}

fn seconds(millis: u64) -> String {
    (millis / 1000).to_string()
}

fn disposition(by: HangupBy) -> &'static str {
    match by {
        HangupBy::Caller => "by_caller",
        HangupBy::Callee => "by_callee",
        HangupBy::System => "by_system",
    }
}

/// A page of call records.
#[derive(Debug, SimpleObject)]
pub(super) struct CallCenterRecordsPage {
    pub(super) items: Vec<CallCenterRecord>,
    pub(super) pagination: PaginationInfo,
}

/// Where a page stands among the others.
#[derive(Debug, SimpleObject)]
pub(super) struct PaginationInfo {
    pub(super) current_page: u64,
    pub(super) total_pages: u64,
    pub(super) total_items: u64,
}
