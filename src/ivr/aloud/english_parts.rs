use super::{Noun, Part};

const SMALL: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];
const TENS: [(u32, &str); 7] = [
    (30, "thirty"),
    (40, "forty"),
    (50, "fifty"),
    (60, "sixty"),
    (70, "seventy"),
    (80, "eighty"),
    (90, "ninety"),
];
const WORDS: [(&str, &str); 12] = [
    ("num-hundred", "hundred"),
    ("num-thousand", "thousand"),
    ("num-million", "million"),
    ("num-billion", "billion"),
    ("num-and", "and"),
    ("num-minus", "minus"),
    ("num-point", "point"),
    ("num-oh", "oh"),
    ("time-oclock", "o'clock"),
    ("time-am", "a.m."),
    ("time-pm", "p.m."),
    ("date-the", "the"),
];
const ORDINALS: [&str; 31] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const NOUNS: [(Noun, &str, &str); 9] = [
    (Noun::Riyal, "riyal", "riyals"),
    (Noun::Halala, "halala", "halalas"),
    (Noun::Dollar, "dollar", "dollars"),
    (Noun::Cent, "cent", "cents"),
    (Noun::Minute, "minute", "minutes"),
    (Noun::Hour, "hour", "hours"),
    (Noun::Day, "day", "days"),
    (Noun::Message, "message", "messages"),
    (Noun::Call, "call", "calls"),
];

/// Every part of English.
pub(super) fn parts() -> Vec<Part> {
    let part = |name: String, text: &str| (name, text.to_owned());
    let numbered = |kind: &'static str, from: usize, texts: &'static [&'static str]| {
        texts
            .iter()
            .enumerate()
            .map(move |(place, text)| (format!("{kind}-{}", place + from), (*text).to_owned()))
    };
    let mut parts: Vec<Part> = numbered("num", 0, &SMALL).collect();
    parts.extend(TENS.iter().map(|(ten, text)| part(format!("num-{ten}"), text)));
    parts.extend(WORDS.iter().map(|(name, text)| part((*name).to_owned(), text)));
    parts.extend(numbered("date", 1, &ORDINALS));
    parts.extend(numbered("month", 1, &MONTHS));
    parts.extend(numbered("weekday", 1, &WEEKDAYS));
    for (_, one, many) in NOUNS {
        parts.push(part(format!("{one}-one"), one));
        parts.push(part(format!("{one}-many"), many));
    }
    parts
}

/// The noun as it stands beside this number.
pub(super) fn noun(number: u64, noun: Noun) -> String {
    let name = NOUNS
        .iter()
        .find(|(known, ..)| *known == noun)
        .map_or("", |(_, one, _)| one);
    let form = if number == 1 { "one" } else { "many" };
    format!("{name}-{form}")
}
