//! What an e-mail about a message says, in the languages of the boxes.

use crate::model::{Language, Message};
use std::fmt::Write as _;

/// The words of one language.
struct Words {
    subject: &'static str,
    urgent: &'static str,
    from: &'static str,
    received: &'static str,
    length: &'static str,
    mailbox: &'static str,
    says: &'static str,
    attached: &'static str,
    too_long: &'static str,
    seconds: &'static str,
}

const ENGLISH: Words = Words {
    subject: "New message from",
    urgent: "Urgent",
    from: "From",
    received: "Received",
    length: "Length",
    mailbox: "Box",
    says: "What it says",
    attached: "The recording is attached.",
    too_long: "The recording is too long to be attached; it is kept in the box.",
    seconds: "s",
};

const ARABIC: Words = Words {
    subject: "رسالة صوتية جديدة من",
    urgent: "عاجل",
    from: "من",
    received: "وردت في",
    length: "المدة",
    mailbox: "الصندوق",
    says: "نص الرسالة",
    attached: "التسجيل مرفق.",
    too_long: "التسجيل أطول من أن يُرفق، وهو محفوظ في الصندوق.",
    seconds: "ث",
};

const VIETNAMESE: Words = Words {
    subject: "Tin nhắn thoại mới từ",
    urgent: "Khẩn",
    from: "Từ",
    received: "Lúc",
    length: "Độ dài",
    mailbox: "Hộp thư",
    says: "Nội dung",
    attached: "Bản ghi âm được đính kèm.",
    too_long: "Bản ghi âm quá dài để đính kèm; nó được giữ trong hộp thư.",
    seconds: "giây",
};

fn of(language: &Language) -> &'static Words {
    match language.as_str().split('-').next() {
        Some("ar") => &ARABIC,
        Some("vi") => &VIETNAMESE,
        Some(_) | None => &ENGLISH,
    }
}

/// Longest name of a caller that is repeated.
const LONGEST_NAME: usize = 60;

/// One line about who called: nothing that a caller could have put there to begin another line or header.
pub(super) fn caller(message: &Message) -> String {
    let number = one_line(message.caller_number.as_str());
    match message.caller_name.as_deref().map(one_line) {
        Some(name) if !name.is_empty() && name != number => format!("{name} ({number})"),
        Some(_) | None => number,
    }
}

fn one_line(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .filter(|letter| !is_invisible(*letter))
        .take(LONGEST_NAME)
        .collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Marks that turn the direction of a text around, or break its lines, without being seen.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The subject.
pub(super) fn subject(language: &Language, message: &Message) -> String {
    let words = of(language);
    let urgent = if message.urgent {
        format!("[{}] ", words.urgent)
    } else {
        String::new()
    };
    format!("{urgent}{} {}", words.subject, caller(message))
}

/// The text.
pub(super) fn text(
    language: &Language,
    site: &str,
    message: &Message,
    transcript: Option<&str>,
    has_sound: bool,
) -> String {
    let words = of(language);
    let seconds = message.duration_ms.div_ceil(1000);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}: {}", words.from, caller(message));
    let _ = writeln!(text, "{}: {}", words.received, message.left_at);
    let _ = writeln!(text, "{}: {seconds} {}", words.length, words.seconds);
    let _ = writeln!(text, "{}: {} ({site})", words.mailbox, message.mailbox);
    if let Some(transcript) = transcript {
        let _ = writeln!(text, "\n{}:\n{transcript}", words.says);
    }
    let _ = writeln!(
        text,
        "\n{}",
        if has_sound { words.attached } else { words.too_long }
    );
    text
}
