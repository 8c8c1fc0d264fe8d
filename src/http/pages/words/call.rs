//! The words of the page about one call.

use super::Words;
use crate::model::NoteKind;

/// What the page about one call says in one language.
#[derive(Debug)]
pub(in crate::http::pages) struct CallWords {
    pub(in crate::http::pages) call: &'static str,
    pub(in crate::http::pages) all_calls: &'static str,
    pub(in crate::http::pages) unknown: &'static str,
    pub(in crate::http::pages) verdict: &'static str,
    pub(in crate::http::pages) ladder: &'static str,
    pub(in crate::http::pages) ladder_hint: &'static str,
    pub(in crate::http::pages) the_box: &'static str,
    pub(in crate::http::pages) again: &'static str,
    pub(in crate::http::pages) capture: &'static str,
    pub(in crate::http::pages) as_text: &'static str,
    pub(in crate::http::pages) messages: &'static str,
    pub(in crate::http::pages) none_kept: &'static str,
    pub(in crate::http::pages) course: &'static str,
    pub(in crate::http::pages) sound: &'static str,
    pub(in crate::http::pages) sound_hint: &'static str,
    pub(in crate::http::pages) leg: &'static str,
    pub(in crate::http::pages) result: &'static str,
    pub(in crate::http::pages) codec: &'static str,
    pub(in crate::http::pages) lost: &'static str,
    pub(in crate::http::pages) jitter: &'static str,
    pub(in crate::http::pages) round_trip: &'static str,
    pub(in crate::http::pages) packets: &'static str,
    pub(in crate::http::pages) not_measured: &'static str,
    pub(in crate::http::pages) talked: &'static str,
    pub(in crate::http::pages) waited: &'static str,
    pub(in crate::http::pages) cause: &'static str,
    pub(in crate::http::pages) notes: &'static str,
    events: Events,
}

/// A name for each kind of event.
#[derive(Debug)]
struct Events {
    created: &'static str,
    caller_answered: &'static str,
    stage: &'static str,
    digit: &'static str,
    dialed: &'static str,
    ringing: &'static str,
    answered: &'static str,
    refused: &'static str,
    released: &'static str,
    held: &'static str,
    resumed: &'static str,
    recording: &'static str,
    recording_stopped: &'static str,
    recording_paused: &'static str,
    recording_resumed: &'static str,
    consent: &'static str,
    transfer_asked: &'static str,
    transferred: &'static str,
    transfer_failed: &'static str,
    joined: &'static str,
    parted: &'static str,
    ended: &'static str,
}

static ENGLISH: CallWords = CallWords {
    call: "Call",
    all_calls: "All calls",
    unknown: "There is no call with this number in the journal.",
    verdict: "What is known about this call",
    ladder: "What went over the wire",
    ladder_hint: "Each arrow is one SIP message. Choose one to read it.",
    the_box: "this box",
    again: "again",
    capture: "Capture for Wireshark",
    as_text: "As text",
    messages: "The messages",
    none_kept: "No SIP messages of this call are kept any more.",
    course: "What happened",
    sound: "How it sounded",
    sound_hint: "As the box heard it from each side.",
    leg: "Side",
    result: "Outcome",
    codec: "Codec",
    lost: "Lost",
    jitter: "Jitter",
    round_trip: "Round trip",
    packets: "Packets",
    not_measured: "not measured",
    talked: "Talked",
    waited: "Waited",
    cause: "Cause",
    notes: "Notes",
    events: Events {
        created: "arrived",
        caller_answered: "the box answered",
        stage: "step",
        digit: "key pressed",
        dialed: "dialled",
        ringing: "rings",
        answered: "answered",
        refused: "refused",
        released: "let go",
        held: "on hold",
        resumed: "hold ended",
        recording: "recording began",
        recording_stopped: "recording stopped",
        recording_paused: "recording paused",
        recording_resumed: "recording goes on",
        consent: "consent to recording",
        transfer_asked: "transfer asked for",
        transferred: "transferred",
        transfer_failed: "transfer failed",
        joined: "joined",
        parted: "left",
        ended: "ended",
    },
};

static ARABIC: CallWords = CallWords {
    call: "المكالمة",
    all_calls: "كل المكالمات",
    unknown: "لا توجد مكالمة بهذا الرقم في السجل.",
    verdict: "ما يُعرف عن هذه المكالمة",
    ladder: "ما جرى على الشبكة",
    ladder_hint: "كل سهم رسالة SIP واحدة. اختر رسالة لقراءتها.",
    the_box: "هذا الجهاز",
    again: "مكررة",
    capture: "ملف لبرنامج Wireshark",
    as_text: "كنص",
    messages: "الرسائل",
    none_kept: "لم تعد رسائل SIP لهذه المكالمة محفوظة.",
    course: "ما حدث",
    sound: "جودة الصوت",
    sound_hint: "كما سمعها الجهاز من كل طرف.",
    leg: "الطرف",
    result: "النتيجة",
    codec: "الترميز",
    lost: "المفقود",
    jitter: "التذبذب",
    round_trip: "زمن الذهاب والإياب",
    packets: "الحزم",
    not_measured: "لم تُقَس",
    talked: "مدة الحديث",
    waited: "مدة الانتظار",
    cause: "السبب",
    notes: "ملاحظات",
    events: Events {
        created: "وصلت",
        caller_answered: "أجاب الجهاز",
        stage: "خطوة",
        digit: "ضُغط مفتاح",
        dialed: "طُلب",
        ringing: "يرن",
        answered: "أجاب",
        refused: "رفض",
        released: "أُنهي الطرف",
        held: "قيد الانتظار",
        resumed: "انتهى الانتظار",
        recording: "بدأ التسجيل",
        recording_stopped: "توقف التسجيل",
        recording_paused: "التسجيل متوقف مؤقتًا",
        recording_resumed: "استؤنف التسجيل",
        consent: "الموافقة على التسجيل",
        transfer_asked: "طُلب التحويل",
        transferred: "حُوّلت",
        transfer_failed: "فشل التحويل",
        joined: "انضم",
        parted: "غادر",
        ended: "انتهت",
    },
};

static VIETNAMESE: CallWords = CallWords {
    call: "Cuộc gọi",
    all_calls: "Tất cả cuộc gọi",
    unknown: "Không có cuộc gọi nào với mã này trong nhật ký.",
    verdict: "Những gì biết được về cuộc gọi này",
    ladder: "Những gì đã đi qua mạng",
    ladder_hint: "Mỗi mũi tên là một thông điệp SIP. Chọn một mũi tên để đọc.",
    the_box: "thiết bị này",
    again: "gửi lại",
    capture: "Tệp cho Wireshark",
    as_text: "Dạng văn bản",
    messages: "Các thông điệp",
    none_kept: "Thông điệp SIP của cuộc gọi này không còn được lưu.",
    course: "Diễn biến",
    sound: "Chất lượng âm thanh",
    sound_hint: "Theo những gì thiết bị nghe được từ mỗi phía.",
    leg: "Phía",
    result: "Kết quả",
    codec: "Bộ mã hóa",
    lost: "Mất gói",
    jitter: "Độ trễ dao động",
    round_trip: "Thời gian khứ hồi",
    packets: "Số gói",
    not_measured: "chưa đo",
    talked: "Đàm thoại",
    waited: "Chờ",
    cause: "Nguyên nhân",
    notes: "Ghi chú",
    events: Events {
        created: "cuộc gọi đến",
        caller_answered: "thiết bị trả lời",
        stage: "bước",
        digit: "phím bấm",
        dialed: "gọi tới",
        ringing: "đổ chuông",
        answered: "đã nghe máy",
        refused: "từ chối",
        released: "kết thúc nhánh",
        held: "giữ máy",
        resumed: "hết giữ máy",
        recording: "bắt đầu ghi âm",
        recording_stopped: "dừng ghi âm",
        recording_paused: "tạm dừng ghi âm",
        recording_resumed: "tiếp tục ghi âm",
        consent: "đồng ý ghi âm",
        transfer_asked: "yêu cầu chuyển máy",
        transferred: "đã chuyển máy",
        transfer_failed: "chuyển máy thất bại",
        joined: "tham gia",
        parted: "rời đi",
        ended: "kết thúc",
    },
};

impl Words {
    /// What the page about one call says.
    pub(in crate::http::pages) fn of_call(&self) -> &'static CallWords {
        match self.lang {
            "ar" => &ARABIC,
            "vi" => &VIETNAMESE,
            _ => &ENGLISH,
        }
    }
}

impl CallWords {
    /// The name of a kind of event.
    pub(in crate::http::pages) fn event(&self, kind: NoteKind) -> &'static str {
        let events = &self.events;
        match kind {
            NoteKind::Created => events.created,
            NoteKind::CallerAnswered => events.caller_answered,
            NoteKind::Stage => events.stage,
            NoteKind::Digit => events.digit,
            NoteKind::Dialed => events.dialed,
            NoteKind::Ringing => events.ringing,
            NoteKind::Answered => events.answered,
            NoteKind::Refused => events.refused,
            NoteKind::Released => events.released,
            NoteKind::Held => events.held,
            NoteKind::Resumed => events.resumed,
            NoteKind::Recording => events.recording,
            NoteKind::RecordingStopped => events.recording_stopped,
            NoteKind::RecordingPaused => events.recording_paused,
            NoteKind::RecordingResumed => events.recording_resumed,
            NoteKind::Consent => events.consent,
            NoteKind::TransferAsked => events.transfer_asked,
            NoteKind::Transferred => events.transferred,
            NoteKind::TransferFailed => events.transfer_failed,
            NoteKind::Joined => events.joined,
            NoteKind::Parted => events.parted,
            NoteKind::Ended => events.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_is_said_in_every_language() {
        let lines = |words: &CallWords| -> Vec<String> {
            let shown = format!("{words:#?}");
            shown
                .lines()
                .filter(|line| line.contains(": \""))
                .map(str::to_owned)
                .collect()
        };
        let english = lines(&ENGLISH);
        for words in [&ARABIC, &VIETNAMESE] {
            let own = lines(words);
            assert_eq!(own.len(), english.len());
            for (own, english) in own.iter().zip(&english) {
                assert!(own != english && !own.ends_with(": \"\","), "{own}");
            }
        }
    }
}
