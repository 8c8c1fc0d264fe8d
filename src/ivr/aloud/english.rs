use super::english_parts::noun;
use super::{LARGEST, Noun, Said, digits_of};

/// The names of the parts, in their order.
pub(super) fn say(said: &Said) -> Vec<String> {
    let mut parts = Vec::new();
    match said {
        Said::Number(number) => {
            sign(&mut parts, *number < 0);
            cardinal(&mut parts, number.unsigned_abs());
        }
        Said::Decimal {
            negative,
            whole,
            digits,
        } => {
            sign(&mut parts, *negative);
            cardinal(&mut parts, *whole);
            parts.push("num-point".to_owned());
            parts.extend(digits_of(digits).map(|digit| format!("num-{digit}")));
        }
        Said::Count(number, noun) => count(&mut parts, *number, *noun),
        Said::Money(hundredths, currency) => {
            let (whole, rest) = (hundredths / 100, hundredths % 100);
            let (large, small) = currency.nouns();
            if whole > 0 || rest == 0 {
                count(&mut parts, whole, large);
            }
            if whole > 0 && rest > 0 {
                parts.push("num-and".to_owned());
            }
            if rest > 0 {
                count(&mut parts, rest, small);
            }
        }
        Said::Time(hour, minute) => time(&mut parts, *hour, *minute),
        Said::Date {
            year,
            month,
            day,
            weekday,
        } => {
            parts.push(format!("weekday-{weekday}"));
            parts.push("date-the".to_owned());
            parts.push(format!("date-{day}"));
            parts.push(format!("month-{month}"));
            self::year(&mut parts, *year);
        }
        Said::Digits(digits) => parts.extend(digits_of(digits).map(|digit| format!("num-{digit}"))),
    }
    parts
}

fn sign(parts: &mut Vec<String>, negative: bool) {
    if negative {
        parts.push("num-minus".to_owned());
    }
}

fn count(parts: &mut Vec<String>, number: u64, of: Noun) {
    cardinal(parts, number);
    parts.push(noun(number, of));
}

/// One hundred and five; one thousand and five; two million three hundred thousand.
fn cardinal(parts: &mut Vec<String>, number: u64) {
    if number > LARGEST {
        parts.extend(digits_of(&number.to_string()).map(|digit| format!("num-{digit}")));
        return;
    }
    let mut rest = number;
    for (power, name) in [
        (1_000_000_000, "billion"),
        (1_000_000, "million"),
        (1_000, "thousand"),
    ] {
        if rest >= power {
            below_thousand(parts, rest / power);
            parts.push(format!("num-{name}"));
            rest %= power;
            if rest > 0 && rest < 100 {
                parts.push("num-and".to_owned());
            }
        }
    }
    if rest > 0 || number == 0 {
        below_thousand(parts, rest);
    }
}

fn below_thousand(parts: &mut Vec<String>, number: u64) {
    let (hundreds, rest) = (number / 100, number % 100);
    if hundreds > 0 {
        parts.push(format!("num-{hundreds}"));
        parts.push("num-hundred".to_owned());
        if rest > 0 {
            parts.push("num-and".to_owned());
        }
    }
    if rest > 0 || hundreds == 0 {
        below_hundred(parts, rest);
    }
}

fn below_hundred(parts: &mut Vec<String>, number: u64) {
    if number <= 20 {
        parts.push(format!("num-{number}"));
        return;
    }
    parts.push(format!("num-{}", number / 10 * 10));
    if !number.is_multiple_of(10) {
        parts.push(format!("num-{}", number % 10));
    }
}

/// Three o'clock p.m. is said without the o'clock: three p.m.; but twelve o'clock needs no more.
fn time(parts: &mut Vec<String>, hour: u8, minute: u8) {
    let shown = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    parts.push(format!("num-{shown}"));
    match minute {
        0 => parts.push("time-oclock".to_owned()),
        1..10 => {
            parts.push("num-oh".to_owned());
            parts.push(format!("num-{minute}"));
        }
        _ => below_hundred(parts, u64::from(minute)),
    }
    parts.push(if hour < 12 { "time-am" } else { "time-pm" }.to_owned());
}

/// Nineteen ninety-nine; nineteen oh five; nineteen hundred; two thousand and five; twenty twenty-six.
fn year(parts: &mut Vec<String>, year: u16) {
    let (century, rest) = (u64::from(year / 100), u64::from(year % 100));
    if !(1100..=2099).contains(&year) || (2000..2010).contains(&year) {
        return cardinal(parts, u64::from(year));
    }
    below_hundred(parts, century);
    match rest {
        0 => parts.push("num-hundred".to_owned()),
        1..10 => {
            parts.push("num-oh".to_owned());
            parts.push(format!("num-{rest}"));
        }
        _ => below_hundred(parts, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::written;
    use super::super::{Currency, Noun, Said};

    fn en(said: Said) -> String {
        written("en", &said)
    }

    /// S4-116
    #[test]
    fn numbers_are_said_as_in_english() {
        for (number, words) in [
            (0, "zero"),
            (7, "seven"),
            (12, "twelve"),
            (20, "twenty"),
            (21, "twenty one"),
            (99, "ninety nine"),
            (100, "one hundred"),
            (105, "one hundred and five"),
            (342, "three hundred and forty two"),
            (1000, "one thousand"),
            (1005, "one thousand and five"),
            (1500, "one thousand five hundred"),
            (12_345, "twelve thousand three hundred and forty five"),
            (1_000_001, "one million and one"),
            (2_300_000, "two million three hundred thousand"),
            (4_000_000_000, "four billion"),
            (-15, "minus fifteen"),
        ] {
            assert_eq!(en(Said::Number(number)), words);
        }
        let decimal = Said::Decimal {
            negative: false,
            whole: 3,
            digits: "05".into(),
        };
        assert_eq!(en(decimal), "three point zero five");
        assert_eq!(en(Said::Digits("+966 50".into())), "nine six six five zero");
    }

    #[test]
    fn counts_and_money_have_one_and_many() {
        for (said, words) in [
            (Said::Count(0, Noun::Message), "zero messages"),
            (Said::Count(1, Noun::Message), "one message"),
            (Said::Count(2, Noun::Minute), "two minutes"),
            (Said::Count(101, Noun::Day), "one hundred and one days"),
            (Said::Money(100, Currency::Sar), "one riyal"),
            (
                Said::Money(1250, Currency::Sar),
                "twelve riyals and fifty halalas",
            ),
            (Said::Money(1, Currency::Usd), "one cent"),
            (Said::Money(0, Currency::Usd), "zero dollars"),
            (
                Said::Money(9_999, Currency::Usd),
                "ninety nine dollars and ninety nine cents",
            ),
        ] {
            assert_eq!(en(said), words);
        }
    }

    #[test]
    fn times_and_dates_are_said_as_in_english() {
        for (hour, minute, words) in [
            (0, 0, "twelve o'clock a.m."),
            (9, 5, "nine oh five a.m."),
            (12, 30, "twelve thirty p.m."),
            (15, 0, "three o'clock p.m."),
            (23, 59, "eleven fifty nine p.m."),
        ] {
            assert_eq!(en(Said::Time(hour, minute)), words);
        }
        for (year, words) in [
            (1900, "nineteen hundred"),
            (1905, "nineteen oh five"),
            (1999, "nineteen ninety nine"),
            (2000, "two thousand"),
            (2005, "two thousand and five"),
            (2026, "twenty twenty six"),
        ] {
            let date = Said::Date {
                year,
                month: 8,
                day: 21,
                weekday: 5,
            };
            assert_eq!(en(date), format!("Friday the twenty-first August {words}"));
        }
    }
}
