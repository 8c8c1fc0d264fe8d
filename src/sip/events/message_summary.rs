//! `message-summary`: RFC 3842.

/// Voice messages in the boxes of one extension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Messages {
    /// Not listened to yet: these light the lamp.
    pub new: u32,
    /// Listened to and kept.
    pub old: u32,
}

/// The body of a NOTIFY (§5.2). `account` is the URI of the extension.
pub(in crate::sip) fn body(account: &str, messages: Messages) -> String {
    let waiting = if messages.new > 0 { "yes" } else { "no" };
    let Messages { new, old } = messages;
    format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {new}/{old} (0/0)\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3842 §5.2.
    #[test]
    fn the_lamp_is_lit_by_new_messages_alone() {
        assert_eq!(
            body("sip:1001@callpost", Messages { new: 2, old: 8 }),
            "Messages-Waiting: yes\r\nMessage-Account: sip:1001@callpost\r\nVoice-Message: 2/8 (0/0)\r\n"
        );
        assert!(body("sip:1@x", Messages { new: 0, old: 3 }).starts_with("Messages-Waiting: no\r\n"));
    }
}
