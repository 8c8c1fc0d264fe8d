use super::format::batch_id;
use super::message::{Facts, Gist, Message};
use crate::store::OutboxItem;

/// What happened, for those who route by it.
const TYPE: &str = "callpost.cdr.final.v1";

/// CloudEvents 1.0, JSON format, one event.
pub(super) fn structured(item: &OutboxItem, facts: &Facts) -> Result<Message, String> {
    let body = event(item, facts)?;
    Ok(Message::of(item, "application/cloudevents+json", body))
}

/// CloudEvents 1.0, JSON batch format.
pub(super) fn batch(items: &[OutboxItem], facts: &Facts) -> Result<Message, String> {
    let events: Result<Vec<String>, String> = items.iter().map(|item| event(item, facts)).collect();
    Ok(Message {
        id: batch_id(items),
        content_type: "application/cloudevents-batch+json",
        headers: Vec::new(),
        query: None,
        body: format!("[{}]", events?.join(",")),
    })
}

/// CloudEvents 1.0, HTTP binary content mode.
pub(super) fn binary(item: &OutboxItem, facts: &Facts) -> Result<Message, String> {
    let gist = Gist::of(item)?;
    let mut message = Message::of(item, "application/json", item.numbered_body());
    message.headers = vec![
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", item.delivery_id()),
        ("ce-source", source(facts)),
        ("ce-type", TYPE.to_owned()),
        ("ce-subject", gist.call_id.clone()),
        ("ce-time", gist.at().to_string()),
    ];
    Ok(message)
}

fn event(item: &OutboxItem, facts: &Facts) -> Result<String, String> {
    let gist = Gist::of(item)?;
    Ok(format!(
        r#"{{"specversion":"1.0","id":"{}","source":"{}","type":"{TYPE}","subject":"{}","time":"{}","datacontenttype":"application/json","data":{}}}"#,
        item.delivery_id(),
        source(facts),
        gist.call_id.escape_default(),
        gist.at(),
        item.numbered_body()
    ))
}

fn source(facts: &Facts) -> String {
    format!("/appliance/{}", facts.appliance_id)
}
