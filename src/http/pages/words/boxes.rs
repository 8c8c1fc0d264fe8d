//! The words of the page about messages.

use super::Words;

/// What the page about messages says in one language.
#[derive(Debug)]
pub(in crate::http::pages) struct BoxWords {
    pub(in crate::http::pages) messages: &'static str,
    pub(in crate::http::pages) all: &'static str,
    pub(in crate::http::pages) new: &'static str,
    pub(in crate::http::pages) saved: &'static str,
    pub(in crate::http::pages) urgent: &'static str,
    pub(in crate::http::pages) mailbox: &'static str,
    pub(in crate::http::pages) house: &'static str,
    pub(in crate::http::pages) received: &'static str,
    pub(in crate::http::pages) length: &'static str,
    pub(in crate::http::pages) says: &'static str,
    pub(in crate::http::pages) keep: &'static str,
    pub(in crate::http::pages) delete: &'static str,
    pub(in crate::http::pages) delete_sure: &'static str,
    pub(in crate::http::pages) older: &'static str,
    pub(in crate::http::pages) empty: &'static str,
    pub(in crate::http::pages) listen: &'static str,
    pub(in crate::http::pages) save: &'static str,
    pub(in crate::http::pages) unreadable: &'static str,
}

static ENGLISH: BoxWords = BoxWords {
    messages: "Messages",
    all: "All",
    new: "New",
    saved: "Heard",
    urgent: "Urgent",
    mailbox: "Box",
    house: "The house",
    received: "Received",
    length: "Length",
    says: "What it says",
    keep: "Mark as heard",
    delete: "Delete",
    delete_sure: "Delete this message? Its recording goes with it.",
    older: "Older messages",
    empty: "There are no messages here.",
    listen: "Listen to the message from",
    save: "Save the message from",
    unreadable: "The messages cannot be read now; the log has the reason.",
};

static ARABIC: BoxWords = BoxWords {
    messages: "الرسائل",
    all: "الكل",
    new: "جديدة",
    saved: "مسموعة",
    urgent: "عاجلة",
    mailbox: "الصندوق",
    house: "العام",
    received: "وردت في",
    length: "المدة",
    says: "نص الرسالة",
    keep: "وسمها كمسموعة",
    delete: "حذف",
    delete_sure: "هل تُحذف هذه الرسالة؟ سيُحذف تسجيلها معها.",
    older: "رسائل أقدم",
    empty: "لا توجد رسائل هنا.",
    listen: "استماع إلى رسالة من",
    save: "حفظ رسالة من",
    unreadable: "لا يمكن قراءة الرسائل الآن؛ السبب في السجل.",
};

static VIETNAMESE: BoxWords = BoxWords {
    messages: "Tin nhắn",
    all: "Tất cả",
    new: "Mới",
    saved: "Đã nghe",
    urgent: "Khẩn",
    mailbox: "Hộp thư",
    house: "Chung",
    received: "Lúc",
    length: "Độ dài",
    says: "Nội dung",
    keep: "Đánh dấu đã nghe",
    delete: "Xóa",
    delete_sure: "Xóa tin nhắn này? Bản ghi âm cũng bị xóa.",
    older: "Tin nhắn cũ hơn",
    empty: "Không có tin nhắn nào.",
    listen: "Nghe tin nhắn từ",
    save: "Lưu tin nhắn từ",
    unreadable: "Hiện không đọc được tin nhắn; nhật ký ghi lý do.",
};

impl Words {
    /// The words of the page about messages.
    pub(in crate::http::pages) fn boxes(&self) -> &'static BoxWords {
        match self.lang {
            "ar" => &ARABIC,
            "vi" => &VIETNAMESE,
            _ => &ENGLISH,
        }
    }
}
