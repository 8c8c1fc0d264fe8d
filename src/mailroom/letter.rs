//! An e-mail about a message: plain text with the recording attached.

use super::words;
use crate::model::Language;
use crate::store::StoredMessage;
use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox as Correspondent, MultiPart, SinglePart};
use lettre::{Address, Message as Mail};

/// What goes into an e-mail.
pub(super) struct Letter<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// `[site] name`.
    pub(super) site: &'a str,
    pub(super) language: &'a Language,
    pub(super) message: &'a StoredMessage,
    /// The recording, unless it is too long.
    pub(super) sound: Option<Vec<u8>>,
}

/// The e-mail as it goes over the wire. The same message makes the same Message-ID, so that one that a server took
/// without our hearing so is known again.
///
/// # Errors
/// Which address cannot be written to, in words.
pub(super) fn compose(letter: Letter<'_>) -> Result<(Envelope, Vec<u8>), String> {
    let address = |text: &str| {
        text.parse::<Address>()
            .map_err(|error| format!("`{text}` is no e-mail address: {error}"))
    };
    let (from, to) = (address(letter.from)?, address(letter.to)?);
    let message = &letter.message.message;
    let text = words::text(
        letter.language,
        letter.site,
        message,
        letter
            .message
            .transcript
            .as_ref()
            .map(|transcript| transcript.text.as_str()),
        letter.sound.is_some(),
    );
    let text = SinglePart::plain(text);
    let builder = Mail::builder()
        .from(Correspondent::new(Some("callpost".to_owned()), from.clone()))
        .to(Correspondent::new(None, to.clone()))
        .message_id(Some(format!("<{}@{}>", message.id, from.domain())))
        .subject(words::subject(letter.language, message));
    let mail = match letter.sound {
        Some(sound) => {
            let kind: ContentType = "audio/wav"
                .parse()
                .map_err(|_| "audio/wav is no type".to_owned())?;
            let name = format!("{}.wav", message.id);
            let sound = Attachment::new(name).body(sound, kind);
            builder.multipart(MultiPart::mixed().singlepart(text).singlepart(sound))
        }
        None => builder.singlepart(text),
    };
    let mail = mail.map_err(|error| format!("the e-mail cannot be written: {error}"))?;
    let envelope = Envelope::new(Some(from), vec![to]).map_err(|error| error.to_string())?;
    Ok((envelope, mail.formatted()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallId, Mailbox, Message, MessageState, RecordingId, Stamp, Transcript};

    fn message(name: &str) -> StoredMessage {
        let id = uuid::Uuid::from_u128(7);
        StoredMessage {
            message: Message {
                id: RecordingId(id),
                call_id: CallId(id),
                mailbox: Mailbox::Group("sales".into()),
                state: MessageState::New,
                left_at: Stamp {
                    unix_ms: 1_763_629_200_000,
                    offset_seconds: 10_800,
                },
                caller_number: "0501234567".into(),
                caller_name: Some(name.to_owned()),
                path: "2025/11/20/m.wav".into(),
                duration_ms: 4_200,
                language: None,
                urgent: true,
            },
            transcript: Some(Transcript {
                text: "call me".to_owned(),
                language: None,
                by: "service".to_owned(),
            }),
            file_gone_ms: None,
        }
    }

    fn written(name: &str, language: &str, sound: Option<Vec<u8>>) -> String {
        let letter = Letter {
            from: "callpost@example.com",
            to: "sales@example.com",
            site: "branch-01",
            language: &language.into(),
            message: &message(name),
            sound,
        };
        String::from_utf8(compose(letter).unwrap().1).unwrap()
    }

    #[test]
    fn a_letter_is_plain_text_with_the_recording_attached() {
        let letter = written("Sara", "en", Some(vec![1; 400]));
        for part in [
            "Subject: [Urgent] New message from Sara (0501234567)\r\n",
            "To: sales@example.com\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Content-Type: audio/wav\r\n",
            "From: Sara (0501234567)",
            "call me",
        ] {
            assert!(letter.contains(part), "{part} in {letter}");
        }
        assert!(!letter.contains("text/html"));
        assert!(written("Sara", "en", None).contains("too long to be attached"));
    }

    /// A caller's name is the caller's to choose.
    #[test]
    fn no_name_begins_another_header() {
        for name in [
            "Eve\r\nBcc: all@example.com",
            "Eve\nSubject: paid",
            "Eve\r\n\r\nbody",
            "Eve\u{2028}Bcc: all@example.com\u{202e}",
            &"x\r\n".repeat(5000),
        ] {
            let letter = written(name, "en", None);
            let head = letter.split("\r\n\r\n").next().unwrap();
            assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
            let subjects = head.lines().filter(|line| line.starts_with("Subject:"));
            assert_eq!(subjects.count(), 1, "{head}");
            assert!(head.lines().all(|line| line.len() < 999), "{head}");
        }
    }

    #[test]
    fn the_subject_is_in_the_language_of_the_box() {
        let arabic = written("سارة", "ar", None);
        assert!(arabic.contains("Subject: =?utf-8?b?"), "{arabic}");
        assert!(!arabic.contains("New message"));
        assert!(written("Lan", "vi", None).contains("Subject: =?utf-8?b?"));
    }
}
