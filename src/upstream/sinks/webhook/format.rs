use super::message::{Facts, Message};
use super::{asterisk_csv, cloudevents, freeswitch, native, standard, yeastar_newcdr};
use crate::model::Cdr;
use crate::store::OutboxItem;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// What the body of a message looks like: the key `format`. One file each; to add one, write its file and its line
/// here and in the two matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Format {
    /// The record as it is, with its `seq` in front.
    #[default]
    #[serde(rename = "native")]
    Native,
    /// The record in the envelope that Standard Webhooks recommends.
    #[serde(rename = "standard")]
    Standard,
    /// CloudEvents 1.0, structured.
    #[serde(rename = "cloudevents")]
    CloudEvents,
    /// CloudEvents 1.0, binary: the record in the body, what is about it in headers.
    #[serde(rename = "cloudevents-binary")]
    CloudEventsBinary,
    /// As FreeSWITCH's mod_json_cdr posts it.
    #[serde(rename = "freeswitch")]
    FreeSwitch,
    /// As a Yeastar PBX posts event 30012.
    #[serde(rename = "yeastar-newcdr")]
    YeastarNewCdr,
    /// A line of Asterisk's `Master.csv`.
    #[serde(rename = "asterisk-csv")]
    AsteriskCsv,
}

impl Format {
    /// Whether several records may share a message.
    pub(super) fn has_batches(self) -> bool {
        match self {
            Self::Native | Self::Standard | Self::CloudEvents => true,
            Self::CloudEventsBinary | Self::FreeSwitch | Self::YeastarNewCdr | Self::AsteriskCsv => false,
        }
    }

    /// The message that carries these records; the reason when a record cannot be put into it.
    pub(super) fn message(self, items: &[OutboxItem], facts: &Facts) -> Result<Message, String> {
        match (self, items) {
            (Self::Native, [item]) => Ok(native::message(item)),
            (Self::Standard, [item]) => standard::message(item),
            (Self::CloudEvents, [item]) => cloudevents::structured(item, facts),
            (Self::CloudEventsBinary, [item]) => cloudevents::binary(item, facts),
            (Self::FreeSwitch, [item]) => freeswitch::message(item, &read(item)?, facts),
            (Self::YeastarNewCdr, [item]) => yeastar_newcdr::message(item, &read(item)?, facts),
            (Self::AsteriskCsv, [item]) => Ok(asterisk_csv::message(item, &read(item)?)),
            (Self::Native | Self::Standard, many) => standard::batch(many),
            (Self::CloudEvents, many) => cloudevents::batch(many, facts),
            (Self::CloudEventsBinary | Self::FreeSwitch | Self::YeastarNewCdr | Self::AsteriskCsv, _many) => {
                Err("one record a message".to_owned())
            }
        }
    }
}

fn read(item: &OutboxItem) -> Result<Cdr, String> {
    serde_json::from_str(&item.body).map_err(|error| format!("the record cannot be read: {error}"))
}

/// The identity of a message with several records: the same for the same records.
pub(super) fn batch_id(items: &[OutboxItem]) -> String {
    let mut digest = Sha256::new();
    for item in items {
        digest.update(item.delivery_id());
        digest.update(b"\n");
    }
    let hex: String = digest
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("batch_{hex}")
}
