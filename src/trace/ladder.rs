use super::frame::{Traced, Way};
use super::skim::{body, header, skim, title};
use crate::sip::Transport;
use serde::Serialize;
use std::collections::HashSet;
use std::net::SocketAddr;

/// One message as an arrow between the box and a party.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// When, in microseconds since 1970.
    pub at_us: i64,
    /// Microseconds since the first message of the call.
    pub offset_us: i64,
    /// Between the box and which leg: 0 is the caller.
    pub leg: u32,
    /// Seen from the box.
    pub way: Way,
    /// `INVITE`, or `180 Ringing`.
    pub title: String,
    /// What a response answers: `INVITE`. Nothing for a request.
    pub answers: Option<String>,
    /// The reason that was given, when there was one: Reason (RFC 3326) or Warning (RFC 3261 §20.43).
    pub reason: Option<String>,
    /// Whether it carries a description of media.
    pub has_sdp: bool,
    /// Whether the same message went by before.
    pub is_again: bool,
    /// What carried it.
    #[serde(serialize_with = "transport_name")]
    pub transport: Transport,
    /// Our socket.
    pub local: SocketAddr,
    /// The peer's.
    pub peer: SocketAddr,
    /// The message, with secrets starred out. What was not UTF-8 is replaced.
    pub message: String,
}

fn transport_name<S: serde::Serializer>(transport: &Transport, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(transport.as_str())
}

/// The messages of a call as arrows, in order.
pub fn steps(messages: &[Traced]) -> Vec<Step> {
    let first_us = messages.first().map_or(0, |first| first.at_us);
    let mut seen = HashSet::new();
    messages
        .iter()
        .map(|message| {
            let skimmed = skim(&message.bytes);
            let is_response = skimmed.is_some_and(|skimmed| skimmed.status.is_some());
            let answers = skimmed
                .filter(|_| is_response)
                .map(|skimmed| String::from_utf8_lossy(skimmed.method).into_owned());
            Step {
                at_us: message.at_us,
                offset_us: message.at_us.saturating_sub(first_us),
                leg: message.leg.0,
                way: message.way,
                title: title(&message.bytes),
                answers,
                reason: reason(&message.bytes),
                has_sdp: body(&message.bytes).starts_with(b"v=0"),
                is_again: !seen.insert((message.leg, message.way == Way::Sent, &message.bytes)),
                transport: message.flow.transport,
                local: message.flow.local,
                peer: message.flow.peer,
                message: String::from_utf8_lossy(&message.bytes).into_owned(),
            }
        })
        .collect()
}

/// The words of Reason or Warning, without their codes.
fn reason(message: &[u8]) -> Option<String> {
    let value = header(message, b"Reason").or_else(|| header(message, b"Warning"))?;
    let value = String::from_utf8_lossy(value);
    let quoted = value.split('"').nth(1).filter(|text| !text.is_empty());
    Some(quoted.unwrap_or(&value).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::traced;
    use super::*;

    #[test]
    fn messages_become_arrows_with_their_reasons_and_what_was_sent_again() {
        let invite = "INVITE sip:1@h SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n";
        let cancel = "CANCEL sip:1@h SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 CANCEL\r\n\
                      Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n\r\n";
        let busy = "SIP/2.0 488 Not Acceptable Here\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\
                    Warning: 305 box \"No codec in common\"\r\n\r\n";
        let flow = "udp 127.0.0.20:5060 127.0.0.1:5060";
        let messages = [
            traced(1_000, Way::Sent, flow, 2, invite),
            traced(501_000, Way::Sent, flow, 2, invite),
            traced(700_000, Way::Received, flow, 2, busy),
            traced(800_000, Way::Sent, flow, 2, cancel),
        ];
        let shown: Vec<String> = steps(&messages)
            .iter()
            .map(|step| {
                format!(
                    "{} {} {} {:?} {:?} {} {}",
                    step.offset_us,
                    step.leg,
                    step.title,
                    step.answers,
                    step.reason,
                    step.has_sdp,
                    step.is_again
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "0 2 INVITE None None true false",
                "500000 2 INVITE None None true true",
                "699000 2 488 Not Acceptable Here Some(\"INVITE\") Some(\"No codec in common\") false false",
                "799000 2 CANCEL None Some(\"Call completed elsewhere\") false false",
            ]
        );
    }
}
