//! The words of the page about prompts.

use super::Words;

/// What the page about prompts says in one language.
#[derive(Debug)]
pub(in crate::http::pages) struct PromptWords {
    /// In the bar.
    pub(in crate::http::pages) prompts: &'static str,
    pub(in crate::http::pages) title: &'static str,
    pub(in crate::http::pages) upload_title: &'static str,
    pub(in crate::http::pages) upload_hint: &'static str,
    pub(in crate::http::pages) upload: &'static str,
    pub(in crate::http::pages) language: &'static str,
    pub(in crate::http::pages) name: &'static str,
    pub(in crate::http::pages) file: &'static str,
    pub(in crate::http::pages) origin: &'static str,
    pub(in crate::http::pages) length: &'static str,
    pub(in crate::http::pages) used_by: &'static str,
    pub(in crate::http::pages) shipped: &'static str,
    pub(in crate::http::pages) file_beside: &'static str,
    pub(in crate::http::pages) uploaded: &'static str,
    pub(in crate::http::pages) recorded: &'static str,
    pub(in crate::http::pages) spoken: &'static str,
    pub(in crate::http::pages) broken: &'static str,
    pub(in crate::http::pages) spoken_title: &'static str,
    pub(in crate::http::pages) spoken_hint: &'static str,
    pub(in crate::http::pages) listen: &'static str,
    pub(in crate::http::pages) save: &'static str,
    pub(in crate::http::pages) replace: &'static str,
    pub(in crate::http::pages) put_back: &'static str,
    pub(in crate::http::pages) put_back_sure: &'static str,
    pub(in crate::http::pages) delete: &'static str,
    pub(in crate::http::pages) delete_sure: &'static str,
    pub(in crate::http::pages) taken: &'static str,
    pub(in crate::http::pages) deleted: &'static str,
    pub(in crate::http::pages) refused: &'static str,
    pub(in crate::http::pages) loading: &'static str,
}

static ENGLISH: PromptWords = PromptWords {
    prompts: "Prompts",
    title: "What callers hear",
    upload_title: "Upload a prompt",
    upload_hint: "wav, mp3, ogg or flac, at most 10 MB and ten minutes. The next caller hears it; calls that play the old one play it to its end.",
    upload: "Upload",
    language: "Language",
    name: "Name",
    file: "Sound file",
    origin: "Comes from",
    length: "Length",
    used_by: "Named in",
    shipped: "the box",
    file_beside: "the configuration",
    uploaded: "an upload",
    recorded: "a phone",
    spoken: "the synthesiser",
    broken: "cannot be heard",
    spoken_title: "Parts of numbers, dates and money that the synthesiser says",
    spoken_hint: "Upload a recording under one of these names, and it is heard in its place.",
    listen: "Listen to",
    save: "Save",
    replace: "Replace",
    put_back: "Back to the one before",
    put_back_sure: "Delete the upload?",
    delete: "Delete",
    delete_sure: "Delete it? Nothing is heard in its place.",
    taken: "{name} is heard from the next call on.",
    deleted: "The upload of {name} is deleted.",
    refused: "Not taken: {why}",
    loading: "The prompts are still being read; look again in a moment.",
};

static ARABIC: PromptWords = PromptWords {
    prompts: "الرسائل الصوتية",
    title: "ما يسمعه المتصلون",
    upload_title: "رفع رسالة صوتية",
    upload_hint: "بصيغة wav أو mp3 أو ogg أو flac، بحد أقصى 10 ميغابايت وعشر دقائق. يسمعها المتصل التالي، أما المكالمات التي تشغّل القديمة فتسمعها إلى نهايتها.",
    upload: "رفع",
    language: "اللغة",
    name: "الاسم",
    file: "ملف الصوت",
    origin: "المصدر",
    length: "المدة",
    used_by: "ورد في",
    shipped: "الجهاز",
    file_beside: "ملفات الإعداد",
    uploaded: "ملف مرفوع",
    recorded: "هاتف",
    spoken: "النطق الآلي",
    broken: "تعذّر تشغيلها",
    spoken_title: "أجزاء الأعداد والتواريخ والمبالغ التي ينطقها الجهاز آليًا",
    spoken_hint: "ارفع تسجيلًا بأحد هذه الأسماء ليُسمع بدلًا من النطق الآلي.",
    listen: "استماع إلى",
    save: "حفظ",
    replace: "استبدال",
    put_back: "العودة إلى السابقة",
    put_back_sure: "هل يُحذف الملف المرفوع؟",
    delete: "حذف",
    delete_sure: "هل تُحذف؟ لن يُسمع شيء مكانها.",
    taken: "ستُسمع {name} ابتداءً من المكالمة التالية.",
    deleted: "حُذف الملف المرفوع {name}.",
    refused: "لم يُقبل: {why}",
    loading: "ما زالت الرسائل الصوتية تُقرأ؛ أعد المحاولة بعد لحظات.",
};

static VIETNAMESE: PromptWords = PromptWords {
    prompts: "Lời thoại",
    title: "Những gì người gọi nghe",
    upload_title: "Tải lời thoại lên",
    upload_hint: "wav, mp3, ogg hoặc flac, tối đa 10 MB và mười phút. Cuộc gọi tiếp theo sẽ nghe lời mới; cuộc gọi đang phát lời cũ vẫn nghe đến hết.",
    upload: "Tải lên",
    language: "Ngôn ngữ",
    name: "Tên",
    file: "Tệp âm thanh",
    origin: "Nguồn",
    length: "Độ dài",
    used_by: "Dùng trong",
    shipped: "có sẵn",
    file_beside: "tệp cấu hình",
    uploaded: "tải lên",
    recorded: "điện thoại",
    spoken: "giọng máy",
    broken: "không phát được",
    spoken_title: "Các phần của số, ngày và tiền do giọng máy đọc",
    spoken_hint: "Tải bản ghi lên với một trong các tên này để thay cho giọng máy.",
    listen: "Nghe",
    save: "Lưu",
    replace: "Thay",
    put_back: "Trở lại lời trước",
    put_back_sure: "Xóa tệp đã tải lên?",
    delete: "Xóa",
    delete_sure: "Xóa lời này? Sẽ không có gì thay thế.",
    taken: "{name} sẽ được nghe từ cuộc gọi tiếp theo.",
    deleted: "Đã xóa tệp tải lên {name}.",
    refused: "Không nhận: {why}",
    loading: "Lời thoại đang được đọc; hãy xem lại sau giây lát.",
};

impl Words {
    /// The words of the page about prompts.
    pub(in crate::http::pages) fn prompts(&self) -> &'static PromptWords {
        match self.lang {
            "ar" => &ARABIC,
            "vi" => &VIETNAMESE,
            _ => &ENGLISH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_puts_the_same_things_into_the_same_sentences() {
        let places = |words: &PromptWords| {
            let sentences = [words.taken, words.deleted, words.refused];
            sentences.map(|text| {
                text.split('{')
                    .nth(1)
                    .and_then(|rest| rest.split('}').next())
                    .unwrap()
                    .to_owned()
            })
        };
        for words in [&ARABIC, &VIETNAMESE] {
            assert_eq!(places(words), places(&ENGLISH));
        }
    }
}
