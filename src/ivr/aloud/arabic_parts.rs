use super::{Noun, Part};

/// The grammatical gender of what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    Masculine,
    Feminine,
}

/// The forms of 0 to 10 beside a masculine noun, and in counting without one: from 3 on they are feminine themselves.
const SMALL: [&str; 11] = [
    "صِفْر",
    "وَاحِد",
    "اِثْنَان",
    "ثَلَاثَة",
    "أَرْبَعَة",
    "خَمْسَة",
    "سِتَّة",
    "سَبْعَة",
    "ثَمَانِيَة",
    "تِسْعَة",
    "عَشَرَة",
];
/// The forms of 1 to 10 beside a feminine noun.
const SMALL_F: [&str; 10] = [
    "وَاحِدَة",
    "اِثْنَتَان",
    "ثَلَاث",
    "أَرْبَع",
    "خَمْس",
    "سِتّ",
    "سَبْع",
    "ثَمَانِي",
    "تِسْع",
    "عَشْر",
];
const TEENS: [&str; 9] = [
    "أَحَدَ عَشَر",
    "اِثْنَا عَشَر",
    "ثَلَاثَةَ عَشَر",
    "أَرْبَعَةَ عَشَر",
    "خَمْسَةَ عَشَر",
    "سِتَّةَ عَشَر",
    "سَبْعَةَ عَشَر",
    "ثَمَانِيَةَ عَشَر",
    "تِسْعَةَ عَشَر",
];
const TEENS_F: [&str; 9] = [
    "إِحْدَى عَشْرَة",
    "اِثْنَتَا عَشْرَة",
    "ثَلَاثَ عَشْرَة",
    "أَرْبَعَ عَشْرَة",
    "خَمْسَ عَشْرَة",
    "سِتَّ عَشْرَة",
    "سَبْعَ عَشْرَة",
    "ثَمَانِيَ عَشْرَة",
    "تِسْعَ عَشْرَة",
];
const TENS: [&str; 8] = [
    "عِشْرُون",
    "ثَلَاثُون",
    "أَرْبَعُون",
    "خَمْسُون",
    "سِتُّون",
    "سَبْعُون",
    "ثَمَانُون",
    "تِسْعُون",
];
/// As they stand after a word that governs them: the year after `عام`.
const TENS_O: [&str; 8] = [
    "عِشْرِين",
    "ثَلَاثِين",
    "أَرْبَعِين",
    "خَمْسِين",
    "سِتِّين",
    "سَبْعِين",
    "ثَمَانِين",
    "تِسْعِين",
];
const HUNDREDS: [&str; 9] = [
    "مِئَة",
    "مِئَتَان",
    "ثَلَاثُمِئَة",
    "أَرْبَعُمِئَة",
    "خَمْسُمِئَة",
    "سِتُّمِئَة",
    "سَبْعُمِئَة",
    "ثَمَانِمِئَة",
    "تِسْعُمِئَة",
];
/// Names and texts; `c` is the form right before what is counted, `o` the governed one, `u` that of units in 21 to 99.
const WORDS: [(&str, &str); 19] = [
    ("num-2o", "اِثْنَيْن"),
    ("num-12o", "اِثْنَيْ عَشَر"),
    ("num-1fu", "إِحْدَى"),
    ("num-8fu", "ثَمَانٍ"),
    ("num-200c", "مِئَتَا"),
    ("num-900o", "تِسْعِمِئَة"),
    ("num-and", "وَ"),
    ("num-minus", "سَالِب"),
    ("num-point", "فَاصِلَة"),
    ("time-hour", "السَّاعَةُ"),
    ("time-quarter", "وَالرُّبْع"),
    ("time-third", "وَالثُّلُث"),
    ("time-half", "وَالنِّصْف"),
    ("time-less-quarter", "إِلَّا رُبْعًا"),
    ("time-less-third", "إِلَّا ثُلُثًا"),
    ("time-morning", "صَبَاحًا"),
    ("time-noon", "ظُهْرًا"),
    ("time-evening", "مَسَاءً"),
    ("date-of", "مِنْ"),
];
const YEAR: (&str, &str) = ("date-year", "عَام");
/// The scales: singular, dual, dual before what is counted, plural, and the singular after 11 to 99.
const SCALES: [(&str, [&str; 5]); 3] = [
    ("thousand", ["أَلْف", "أَلْفَان", "أَلْفَا", "آلَاف", "أَلْفًا"]),
    ("million", ["مِلْيُون", "مِلْيُونَان", "مِلْيُونَا", "مَلَايِين", "مِلْيُونًا"]),
    ("billion", ["مِلْيَار", "مِلْيَارَان", "مِلْيَارَا", "مِلْيَارَات", "مِلْيَارًا"]),
];
const THOUSAND_O: (&str, &str) = ("thousand-2o", "أَلْفَيْن");
const SCALE_FORMS: [&str; 5] = ["1", "2", "2c", "many", "acc"];
const HOURS: [&str; 12] = [
    "الْوَاحِدَة",
    "الثَّانِيَة",
    "الثَّالِثَة",
    "الرَّابِعَة",
    "الْخَامِسَة",
    "السَّادِسَة",
    "السَّابِعَة",
    "الثَّامِنَة",
    "التَّاسِعَة",
    "الْعَاشِرَة",
    "الْحَادِيَةَ عَشْرَة",
    "الثَّانِيَةَ عَشْرَة",
];
const DAYS: [&str; 31] = [
    "الْأَوَّل",
    "الثَّانِي",
    "الثَّالِث",
    "الرَّابِع",
    "الْخَامِس",
    "السَّادِس",
    "السَّابِع",
    "الثَّامِن",
    "التَّاسِع",
    "الْعَاشِر",
    "الْحَادِيَ عَشَر",
    "الثَّانِيَ عَشَر",
    "الثَّالِثَ عَشَر",
    "الرَّابِعَ عَشَر",
    "الْخَامِسَ عَشَر",
    "السَّادِسَ عَشَر",
    "السَّابِعَ عَشَر",
    "الثَّامِنَ عَشَر",
    "التَّاسِعَ عَشَر",
    "الْعِشْرُون",
    "الْحَادِي وَالْعِشْرُون",
    "الثَّانِي وَالْعِشْرُون",
    "الثَّالِثُ وَالْعِشْرُون",
    "الرَّابِعُ وَالْعِشْرُون",
    "الْخَامِسُ وَالْعِشْرُون",
    "السَّادِسُ وَالْعِشْرُون",
    "السَّابِعُ وَالْعِشْرُون",
    "الثَّامِنُ وَالْعِشْرُون",
    "التَّاسِعُ وَالْعِشْرُون",
    "الثَّلَاثُون",
    "الْحَادِي وَالثَّلَاثُون",
];
const MONTHS: [&str; 12] = [
    "يَنَايِر",
    "فِبْرَايِر",
    "مَارِس",
    "أَبْرِيل",
    "مَايُو",
    "يُونْيُو",
    "يُولْيُو",
    "أَغُسْطُس",
    "سِبْتَمْبِر",
    "أُكْتُوبَر",
    "نُوفَمْبِر",
    "دِيسَمْبِر",
];
const WEEKDAYS: [&str; 7] = [
    "يَوْمُ الِاثْنَيْن",
    "يَوْمُ الثُّلَاثَاء",
    "يَوْمُ الْأَرْبِعَاء",
    "يَوْمُ الْخَمِيس",
    "يَوْمُ الْجُمُعَة",
    "يَوْمُ السَّبْت",
    "يَوْمُ الْأَحَد",
];
/// Gender, name, and four forms: singular, dual, plural, and the singular after 11 to 99.
const NOUNS: [(Noun, Gender, &str, [&str; 4]); 9] = [
    (
        Noun::Riyal,
        Gender::Masculine,
        "riyal",
        ["رِيَال", "رِيَالَان", "رِيَالَات", "رِيَالًا"],
    ),
    (
        Noun::Halala,
        Gender::Feminine,
        "halala",
        ["هَلَلَة", "هَلَلَتَان", "هَلَلَات", "هَلَلَةً"],
    ),
    (
        Noun::Dollar,
        Gender::Masculine,
        "dollar",
        ["دُولَار", "دُولَارَان", "دُولَارَات", "دُولَارًا"],
    ),
    (
        Noun::Cent,
        Gender::Masculine,
        "cent",
        ["سِنْت", "سِنْتَان", "سِنْتَات", "سِنْتًا"],
    ),
    (
        Noun::Minute,
        Gender::Feminine,
        "minute",
        ["دَقِيقَة", "دَقِيقَتَان", "دَقَائِق", "دَقِيقَةً"],
    ),
    (
        Noun::Hour,
        Gender::Feminine,
        "hour",
        ["سَاعَة", "سَاعَتَان", "سَاعَات", "سَاعَةً"],
    ),
    (
        Noun::Day,
        Gender::Masculine,
        "day",
        ["يَوْم", "يَوْمَان", "أَيَّام", "يَوْمًا"],
    ),
    (
        Noun::Message,
        Gender::Feminine,
        "message",
        ["رِسَالَة", "رِسَالَتَان", "رَسَائِل", "رِسَالَةً"],
    ),
    (
        Noun::Call,
        Gender::Feminine,
        "call",
        ["مُكَالَمَة", "مُكَالَمَتَان", "مُكَالَمَات", "مُكَالَمَةً"],
    ),
];
const NOUN_FORMS: [&str; 4] = ["one", "two", "few", "many"];

/// Every part of Arabic, with its vowels: without them a synthesiser guesses, and guesses wrong.
pub(super) fn parts() -> Vec<Part> {
    let row =
        |kind: &'static str, from: usize, step: usize, end: &'static str, texts: &'static [&'static str]| {
            let name = move |place: usize| format!("{kind}-{}{end}", place * step + from);
            texts
                .iter()
                .enumerate()
                .map(move |(place, text)| (name(place), (*text).to_owned()))
        };
    let mut parts: Vec<Part> = row("num", 0, 1, "", &SMALL).collect();
    parts.extend(row("num", 1, 1, "f", &SMALL_F));
    parts.extend(row("num", 11, 1, "", &TEENS));
    parts.extend(row("num", 11, 1, "f", &TEENS_F));
    parts.extend(row("num", 20, 10, "", &TENS));
    parts.extend(row("num", 20, 10, "o", &TENS_O));
    parts.extend(row("num", 100, 100, "", &HUNDREDS));
    parts.extend(row("hour", 1, 1, "", &HOURS));
    parts.extend(row("date", 1, 1, "", &DAYS));
    parts.extend(row("month", 1, 1, "", &MONTHS));
    parts.extend(row("weekday", 1, 1, "", &WEEKDAYS));
    let words = WORDS.iter().chain([&YEAR, &THOUSAND_O]);
    parts.extend(words.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    for (name, forms) in SCALES {
        let named = SCALE_FORMS.iter().zip(forms);
        parts.extend(named.map(|(form, text)| (format!("{name}-{form}"), text.to_owned())));
    }
    for (_, _, name, forms) in NOUNS {
        let named = NOUN_FORMS.iter().zip(forms);
        parts.extend(named.map(|(form, text)| (format!("{name}-{form}"), text.to_owned())));
    }
    parts
}

/// The gender of a noun, and the name of its parts without the form.
pub(super) fn noun(noun: Noun) -> (Gender, &'static str) {
    NOUNS
        .iter()
        .find(|(known, ..)| *known == noun)
        .map_or((Gender::Masculine, "riyal"), |(_, gender, name, _)| {
            (*gender, name)
        })
}
