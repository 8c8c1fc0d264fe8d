use super::message::Message;
use crate::store::OutboxItem;

/// The record as the API shows it.
pub(super) fn message(item: &OutboxItem) -> Message {
    Message::of(item, "application/json", item.numbered_body())
}
