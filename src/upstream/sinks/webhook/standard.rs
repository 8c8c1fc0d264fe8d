use super::format::batch_id;
use super::message::{Gist, Message};
use crate::store::OutboxItem;

/// `{"type","timestamp","data"}` as Standard Webhooks recommends.
pub(super) fn message(item: &OutboxItem) -> Result<Message, String> {
    let at = Gist::of(item)?.at();
    let body = format!(
        r#"{{"type":"cdr.final","timestamp":"{at}","data":{}}}"#,
        item.numbered_body()
    );
    Ok(Message::of(item, "application/json", body))
}

/// Several records, oldest first.
pub(super) fn batch(items: &[OutboxItem]) -> Result<Message, String> {
    let Some(last) = items.last() else {
        return Err("no records".to_owned());
    };
    let at = Gist::of(last)?.at();
    let data: Vec<String> = items.iter().map(OutboxItem::numbered_body).collect();
    Ok(Message {
        id: batch_id(items),
        content_type: "application/json",
        headers: Vec::new(),
        query: None,
        body: format!(
            r#"{{"type":"cdr.batch","timestamp":"{at}","data":[{}]}}"#,
            data.join(",")
        ),
    })
}
