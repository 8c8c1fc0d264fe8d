//! A schedule in the words of people: English, Arabic, Vietnamese.

use super::Schedule;

/// The phrases of one language; `{}` is where the value goes.
struct Phrases {
    every_second: &'static str,
    every_seconds: &'static str,
    every_minute: &'static str,
    every_minutes: &'static str,
    every_hour: &'static str,
    every_hour_at: &'static str,
    every_hours: &'static str,
    minute_of: &'static str,
    second_of: &'static str,
    hours_of: &'static str,
    every_day: &'static str,
    at: &'static str,
    on_weekdays: &'static str,
    on_days: &'static str,
    or: &'static str,
    in_months: &'static str,
    comma: &'static str,
    weekdays: [&'static str; 7],
    months: [&'static str; 12],
}

const ENGLISH: Phrases = Phrases {
    every_second: "every second",
    every_seconds: "every {} seconds",
    every_minute: "every minute",
    every_minutes: "every {} minutes",
    every_hour: "every hour",
    every_hour_at: "every hour at minute {}",
    every_hours: "every {} hours",
    minute_of: "at minute {}",
    second_of: "at second {}",
    hours_of: "in the hours {}",
    every_day: "every day",
    at: "at {}",
    on_weekdays: "on {}",
    on_days: "on day {} of the month",
    or: "or",
    in_months: "in {}",
    comma: ", ",
    weekdays: [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ],
    months: [
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
    ],
};

const ARABIC: Phrases = Phrases {
    every_second: "كل ثانية",
    every_seconds: "كل {} ثانية",
    every_minute: "كل دقيقة",
    every_minutes: "كل {} دقيقة",
    every_hour: "كل ساعة",
    every_hour_at: "كل ساعة عند الدقيقة {}",
    every_hours: "كل {} ساعة",
    minute_of: "عند الدقيقة {}",
    second_of: "عند الثانية {}",
    hours_of: "في الساعات {}",
    every_day: "كل يوم",
    at: "الساعة {}",
    on_weekdays: "يوم {}",
    on_days: "يوم {} من الشهر",
    or: "أو",
    in_months: "في {}",
    comma: "، ",
    weekdays: [
        "الأحد",
        "الاثنين",
        "الثلاثاء",
        "الأربعاء",
        "الخميس",
        "الجمعة",
        "السبت",
    ],
    months: [
        "يناير",
        "فبراير",
        "مارس",
        "أبريل",
        "مايو",
        "يونيو",
        "يوليو",
        "أغسطس",
        "سبتمبر",
        "أكتوبر",
        "نوفمبر",
        "ديسمبر",
    ],
};

const VIETNAMESE: Phrases = Phrases {
    every_second: "mỗi giây",
    every_seconds: "mỗi {} giây",
    every_minute: "mỗi phút",
    every_minutes: "mỗi {} phút",
    every_hour: "mỗi giờ",
    every_hour_at: "mỗi giờ vào phút thứ {}",
    every_hours: "mỗi {} giờ",
    minute_of: "vào phút thứ {}",
    second_of: "vào giây thứ {}",
    hours_of: "trong các giờ {}",
    every_day: "mỗi ngày",
    at: "lúc {}",
    on_weekdays: "vào {}",
    on_days: "vào ngày {} hằng tháng",
    or: "hoặc",
    in_months: "trong {}",
    comma: ", ",
    weekdays: [
        "Chủ nhật",
        "Thứ Hai",
        "Thứ Ba",
        "Thứ Tư",
        "Thứ Năm",
        "Thứ Sáu",
        "Thứ Bảy",
    ],
    months: [
        "tháng 1",
        "tháng 2",
        "tháng 3",
        "tháng 4",
        "tháng 5",
        "tháng 6",
        "tháng 7",
        "tháng 8",
        "tháng 9",
        "tháng 10",
        "tháng 11",
        "tháng 12",
    ],
};

/// More times of day than this are not listed one by one.
const LISTED_TIMES: usize = 6;

/// The schedule in words; any other language than `ar` and `vi` is English.
pub(super) fn describe(schedule: &Schedule, language: &str) -> String {
    let phrases = match language.get(..2) {
        Some("ar") => &ARABIC,
        Some("vi") => &VIETNAMESE,
        Some(_) | None => &ENGLISH,
    };
    let days = days(schedule, phrases);
    let (time, wants_day) = times(schedule, phrases);
    let days = match (days, wants_day) {
        (Some(days), _) => Some(days),
        (None, true) => Some(phrases.every_day.to_owned()),
        (None, false) => None,
    };
    let parts: Vec<String> = if wants_day {
        [days, Some(time)].into_iter().flatten().collect()
    } else {
        [Some(time), days].into_iter().flatten().collect()
    };
    parts.join(if wants_day { " " } else { phrases.comma })
}

/// The time of day, and whether it wants a day before it.
fn times(schedule: &Schedule, phrases: &Phrases) -> (String, bool) {
    let (seconds, minutes, hours) = (schedule.seconds, schedule.minutes, schedule.hours);
    let listed = hours.values().len() * minutes.values().len() * seconds.values().len();
    if listed <= LISTED_TIMES {
        let mut all = Vec::new();
        for hour in hours.values() {
            for minute in minutes.values() {
                for second in seconds.values() {
                    let end = if second == 0 {
                        String::new()
                    } else {
                        format!(":{second:02}")
                    };
                    all.push(format!("{hour:02}:{minute:02}{end}"));
                }
            }
        }
        return (fill(phrases.at, &all.join(phrases.comma)), true);
    }
    let mut parts = Vec::new();
    let second = seconds.only();
    let whole_minutes = minutes.is_all() && hours.is_all();
    match (second, seconds.step()) {
        (Some(0), _) => {}
        (None, Some(1)) if whole_minutes => return (phrases.every_second.to_owned(), false),
        (None, Some(step)) if whole_minutes => {
            return (fill(phrases.every_seconds, &step.to_string()), false);
        }
        (_, _) => parts.push(fill(phrases.second_of, &list(&seconds.values(), phrases))),
    }
    match (minutes.only(), minutes.step()) {
        (None, Some(1)) => parts.push(phrases.every_minute.to_owned()),
        (None, Some(step)) => parts.push(fill(phrases.every_minutes, &step.to_string())),
        (Some(0), _) if hours.is_all() => parts.push(phrases.every_hour.to_owned()),
        (Some(minute), _) if hours.is_all() => parts.push(fill(phrases.every_hour_at, &minute.to_string())),
        (Some(_) | None, _) => match (hours.step(), minutes.only()) {
            (Some(step), Some(0)) if step > 1 => {
                parts.push(fill(phrases.every_hours, &step.to_string()));
                return (parts.join(phrases.comma), false);
            }
            (Some(_) | None, _) => parts.push(fill(phrases.minute_of, &list(&minutes.values(), phrases))),
        },
    }
    if !hours.is_all() {
        parts.push(fill(phrases.hours_of, &list(&hours.values(), phrases)));
    }
    (parts.join(phrases.comma), false)
}

fn days(schedule: &Schedule, phrases: &Phrases) -> Option<String> {
    let named = |values: Vec<u32>, first: u32, names: &[&str]| {
        let names: Vec<&str> = values
            .into_iter()
            .filter_map(|value| names.get((value - first) as usize).copied())
            .collect();
        names.join(phrases.comma)
    };
    let mut parts = Vec::new();
    if !schedule.days.is_all() {
        parts.push(fill(phrases.on_days, &list(&schedule.days.values(), phrases)));
    }
    if !schedule.weekdays.is_all() {
        let days = named(schedule.weekdays.values(), 0, &phrases.weekdays);
        parts.push(fill(phrases.on_weekdays, &days));
    }
    let mut days = parts.join(&format!(" {} ", phrases.or));
    if !schedule.months.is_all() {
        let months = named(schedule.months.values(), 1, &phrases.months);
        if !days.is_empty() {
            days.push(' ');
        }
        days.push_str(&fill(phrases.in_months, &months));
    }
    (!days.is_empty()).then_some(days)
}

fn fill(phrase: &str, value: &str) -> String {
    phrase.replace("{}", value)
}

/// `1, 2, 3` as `1–3`.
fn list(values: &[u32], phrases: &Phrases) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for value in values {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *value => *last = *value,
            Some(_) | None => spans.push((*value, *value)),
        }
    }
    let texts: Vec<String> = spans
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}{}{last}", phrases.comma),
            _ => format!("{first}–{last}"),
        })
        .collect();
    texts.join(phrases.comma)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(expression: &str, language: &str) -> String {
        describe(&Schedule::parse(expression).unwrap(), language)
    }

    /// S0-128, S0-140, S0-141, S0-142, S0-143, S0-144
    #[test]
    fn a_schedule_is_told_in_three_languages() {
        for (expression, english, arabic, vietnamese) in [
            ("0 */5 * * * *", "every 5 minutes", "كل 5 دقيقة", "mỗi 5 phút"),
            ("0 0 * * * *", "every hour", "كل ساعة", "mỗi giờ"),
            (
                "0 0 0 * * *",
                "every day at 00:00",
                "كل يوم الساعة 00:00",
                "mỗi ngày lúc 00:00",
            ),
            ("0 */30 * * * *", "every 30 minutes", "كل 30 دقيقة", "mỗi 30 phút"),
            (
                "0 0 9 * * 1",
                "on Monday at 09:00",
                "يوم الاثنين الساعة 09:00",
                "vào Thứ Hai lúc 09:00",
            ),
        ] {
            assert_eq!(words(expression, "en"), english);
            assert_eq!(words(expression, "ar"), arabic);
            assert_eq!(words(expression, "vi"), vietnamese);
        }
    }

    #[test]
    fn less_usual_schedules_are_told_too() {
        for (expression, english) in [
            ("* * * * * *", "every second"),
            ("*/10 * * * * *", "every 10 seconds"),
            ("0 * * * * *", "every minute"),
            ("0 15 * * * *", "every hour at minute 15"),
            ("0 0 */2 * * *", "every 2 hours"),
            ("0 30 9,17 * * *", "every day at 09:30, 17:30"),
            ("30 0 9 1 1 *", "on day 1 of the month in January at 09:00:30"),
            (
                "0 0 9 1,15 * MON",
                "on day 1, 15 of the month or on Monday at 09:00",
            ),
            (
                "0 */10 8-17 * * 1-5",
                "every 10 minutes, in the hours 8–17, on Monday, Tuesday, Wednesday, Thursday, Friday",
            ),
            ("0 7,37 8-17 * * *", "at minute 7, 37, in the hours 8–17"),
        ] {
            assert_eq!(words(expression, "en"), english, "{expression}");
        }
    }

    /// S0-009
    #[test]
    fn no_phrase_is_mojibake() {
        let text = ["en", "ar", "vi"]
            .map(|language| words("0 7 8-17 1 2 3", language))
            .join(" ");
        assert!(!text.contains(['\u{fffd}', 'Ã', 'Ø', '�']), "{text}");
    }
}
