use super::arabic_parts::{Gender, noun};
use super::{LARGEST, Noun, Said, digits_of};
use Gender::{Feminine, Masculine};

/// The scales, the largest first.
const SCALES: [(u64, &str); 3] = [
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

/// How a number stands in its sentence.
#[derive(Debug, Clone, Copy)]
struct Setting {
    /// The gender of what is counted. 3 to 10 take the other one.
    gender: Gender,
    /// The counted noun stands right behind it.
    before_noun: bool,
    /// Another word governs it: the year after `عام`.
    governed: bool,
}

const ALONE: Setting = Setting {
    gender: Masculine,
    before_noun: false,
    governed: false,
};

/// The names of the parts, in their order.
pub(super) fn say(said: &Said) -> Vec<String> {
    let mut parts = Parts::default();
    match said {
        Said::Number(number) => {
            parts.sign(*number < 0);
            parts.cardinal(number.unsigned_abs(), ALONE);
        }
        Said::Decimal {
            negative,
            whole,
            digits,
        } => {
            parts.sign(*negative);
            parts.cardinal(*whole, ALONE);
            parts.put("num-point");
            parts.digits(digits);
        }
        Said::Count(number, noun) => parts.count(*number, *noun),
        Said::Money(hundredths, currency) => {
            let (whole, rest) = (hundredths / 100, hundredths % 100);
            let (large, small) = currency.nouns();
            if whole > 0 || rest == 0 {
                parts.count(whole, large);
            }
            if whole > 0 && rest > 0 {
                parts.put("num-and");
            }
            if rest > 0 {
                parts.count(rest, small);
            }
        }
        Said::Time(hour, minute) => parts.time(*hour, *minute),
        Said::Date {
            year,
            month,
            day,
            weekday,
        } => {
            parts.put(format!("weekday-{weekday}"));
            parts.put(format!("date-{day}"));
            parts.put("date-of");
            parts.put(format!("month-{month}"));
            parts.put("date-year");
            let governed = Setting {
                governed: true,
                ..ALONE
            };
            parts.cardinal(u64::from(*year), governed);
        }
        Said::Digits(digits) => parts.digits(digits),
    }
    parts.0
}

#[derive(Debug, Default)]
struct Parts(Vec<String>);

impl Parts {
    fn put(&mut self, part: impl Into<String>) {
        self.0.push(part.into());
    }

    fn and(&mut self) {
        if !self.0.is_empty() {
            self.put("num-and");
        }
    }

    fn sign(&mut self, negative: bool) {
        if negative {
            self.put("num-minus");
        }
    }

    fn digits(&mut self, digits: &str) {
        digits_of(digits).for_each(|digit| self.put(format!("num-{digit}")));
    }

    /// A number and what is counted: one follows its noun, two is in the noun, 3 to 10 take its plural, 11 to 99 its
    /// accusative singular, whole hundreds and more its singular; the last part of a number decides. A hundred and one
    /// is a hundred of them and one.
    fn count(&mut self, number: u64, of: Noun) {
        let (gender, name) = noun(of);
        match (number, number % 100) {
            (0, _) => {
                self.put("num-0");
                self.put(format!("{name}-one"));
            }
            (1, _) => {
                self.put(format!("{name}-one"));
                self.put(if gender == Feminine { "num-1f" } else { "num-1" });
            }
            (2, _) => self.put(format!("{name}-two")),
            (_, rest @ (1 | 2)) => {
                self.count(number - rest, of);
                self.put("num-and");
                self.count(rest, of);
            }
            (_, rest) => {
                let form = match rest {
                    0 => "one",
                    3..=10 => "few",
                    _ => "many",
                };
                let setting = Setting {
                    gender,
                    before_noun: true,
                    ..ALONE
                };
                self.cardinal(number, setting);
                self.put(format!("{name}-{form}"));
            }
        }
    }

    fn cardinal(&mut self, number: u64, setting: Setting) {
        if number > LARGEST {
            return self.digits(&number.to_string());
        }
        let (mut rest, mut joined) = (number, false);
        for (power, name) in SCALES {
            let many = rest / power;
            rest %= power;
            if many > 0 {
                if joined {
                    self.put("num-and");
                }
                self.scale(
                    many,
                    name,
                    Setting {
                        before_noun: setting.before_noun && rest == 0,
                        ..setting
                    },
                );
                joined = true;
            }
        }
        if rest > 0 || number == 0 {
            if joined {
                self.put("num-and");
            }
            self.below_thousand(rest, setting);
        }
    }

    /// So many thousands: the scale is itself a masculine noun that is counted.
    fn scale(&mut self, many: u64, name: &str, setting: Setting) {
        let own = Setting {
            gender: Masculine,
            before_noun: true,
            ..setting
        };
        match (many, many % 100) {
            (1, _) => self.put(format!("{name}-1")),
            (2, _) if setting.before_noun => self.put(format!("{name}-2c")),
            (2, _) if setting.governed && name == "thousand" => self.put("thousand-2o"),
            (2, _) => self.put(format!("{name}-2")),
            (_, rest @ (1 | 2)) => {
                self.below_thousand(many - rest, own);
                self.put(format!("{name}-1"));
                self.put("num-and");
                self.scale(rest, name, setting);
            }
            (_, rest) => {
                self.below_thousand(many, own);
                let form = match rest {
                    0 => "1",
                    3..=10 => "many",
                    _ if setting.before_noun => "1",
                    _ => "acc",
                };
                self.put(format!("{name}-{form}"));
            }
        }
    }

    fn below_thousand(&mut self, number: u64, setting: Setting) {
        let (hundreds, rest) = (number / 100, number % 100);
        match hundreds {
            0 => {}
            2 if rest == 0 && setting.before_noun => self.put("num-200c"),
            9 if setting.governed => self.put("num-900o"),
            _ => self.put(format!("num-{}", hundreds * 100)),
        }
        if rest > 0 && hundreds > 0 {
            self.and();
        }
        if rest > 0 || hundreds == 0 {
            self.below_hundred(rest, setting);
        }
    }

    /// Units stand before tens: three and twenty.
    fn below_hundred(&mut self, number: u64, setting: Setting) {
        let feminine = if setting.gender == Feminine { "f" } else { "" };
        match (number, number % 10) {
            (0, _) => self.put("num-0"),
            (2, _) if setting.governed => self.put("num-2o"),
            (12, _) if setting.governed => self.put("num-12o"),
            (1..=19, _) => self.put(format!("num-{number}{feminine}")),
            (_, 0) => self.tens(number, setting),
            (_, unit) => {
                match (setting.gender, unit) {
                    (Feminine, 1) => self.put("num-1fu"),
                    (Feminine, 8) => self.put("num-8fu"),
                    (Masculine, 2) if setting.governed => self.put("num-2o"),
                    (Masculine | Feminine, _) => self.put(format!("num-{unit}{feminine}")),
                }
                self.put("num-and");
                self.tens(number - unit, setting);
            }
        }
    }

    fn tens(&mut self, number: u64, setting: Setting) {
        let governed = if setting.governed { "o" } else { "" };
        self.put(format!("num-{number}{governed}"));
    }

    /// The hour by its ordinal, the minutes by quarters and thirds where they are such, else counted.
    fn time(&mut self, hour: u8, minute: u8) {
        let towards_next = matches!(minute, 40 | 45);
        let shown = match (hour + u8::from(towards_next)) % 12 {
            0 => 12,
            hour => hour,
        };
        self.put("time-hour");
        self.put(format!("hour-{shown}"));
        match minute {
            0 => {}
            15 => self.put("time-quarter"),
            20 => self.put("time-third"),
            30 => self.put("time-half"),
            40 => self.put("time-less-third"),
            45 => self.put("time-less-quarter"),
            _ => {
                self.put("num-and");
                self.count(u64::from(minute), Noun::Minute);
            }
        }
        self.put(match hour {
            0..=11 => "time-morning",
            12 => "time-noon",
            _ => "time-evening",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::written;
    use super::super::{Currency, Noun, Said};

    /// Without vowels, as people write; `و` joined to the next word.
    fn ar(said: Said) -> String {
        let vowels = '\u{64b}'..='\u{652}';
        let text: String = written("ar", &said)
            .chars()
            .filter(|letter| !vowels.contains(letter))
            .collect();
        text.replace(" و ", " و")
    }

    /// S4-116
    #[test]
    fn numbers_are_said_units_before_tens() {
        for (number, words) in [
            (0, "صفر"),
            (1, "واحد"),
            (2, "اثنان"),
            (3, "ثلاثة"),
            (10, "عشرة"),
            (11, "أحد عشر"),
            (12, "اثنا عشر"),
            (13, "ثلاثة عشر"),
            (20, "عشرون"),
            (21, "واحد وعشرون"),
            (28, "ثمانية وعشرون"),
            (99, "تسعة وتسعون"),
            (100, "مئة"),
            (101, "مئة وواحد"),
            (200, "مئتان"),
            (342, "ثلاثمئة واثنان وأربعون"),
            (1000, "ألف"),
            (2000, "ألفان"),
            (2001, "ألفان وواحد"),
            (3000, "ثلاثة آلاف"),
            (10_000, "عشرة آلاف"),
            (11_000, "أحد عشر ألفا"),
            (25_400, "خمسة وعشرون ألفا وأربعمئة"),
            (100_000, "مئة ألف"),
            (101_000, "مئة ألف وألف"),
            (105_000, "مئة وخمسة آلاف"),
            (200_000, "مئتا ألف"),
            (1_000_000, "مليون"),
            (2_500_000, "مليونان وخمسمئة ألف"),
            (7_000_000_000, "سبعة مليارات"),
            (-5, "سالب خمسة"),
        ] {
            assert_eq!(ar(Said::Number(number)), words, "{number}");
        }
    }

    #[test]
    fn the_noun_is_dual_plural_accusative_or_singular_as_its_number_asks() {
        let riyals = [
            (0, "صفر ريال"),
            (1, "ريال واحد"),
            (2, "ريالان"),
            (3, "ثلاثة ريالات"),
            (10, "عشرة ريالات"),
            (11, "أحد عشر ريالا"),
            (20, "عشرون ريالا"),
            (99, "تسعة وتسعون ريالا"),
            (100, "مئة ريال"),
            (101, "مئة ريال وريال واحد"),
            (102, "مئة ريال وريالان"),
            (103, "مئة وثلاثة ريالات"),
            (111, "مئة وأحد عشر ريالا"),
            (200, "مئتا ريال"),
            (1000, "ألف ريال"),
            (2000, "ألفا ريال"),
            (2200, "ألفان ومئتا ريال"),
            (3000, "ثلاثة آلاف ريال"),
            (15_000, "خمسة عشر ألف ريال"),
            (15_004, "خمسة عشر ألفا وأربعة ريالات"),
            (2_000_000, "مليونا ريال"),
        ];
        for (number, words) in riyals {
            assert_eq!(ar(Said::Count(number, Noun::Riyal)), words, "{number}");
        }
    }

    #[test]
    fn a_feminine_noun_takes_the_other_form_of_its_number() {
        for (number, noun, words) in [
            (1, Noun::Message, "رسالة واحدة"),
            (2, Noun::Message, "رسالتان"),
            (3, Noun::Message, "ثلاث رسائل"),
            (8, Noun::Message, "ثماني رسائل"),
            (10, Noun::Minute, "عشر دقائق"),
            (11, Noun::Minute, "إحدى عشرة دقيقة"),
            (12, Noun::Minute, "اثنتا عشرة دقيقة"),
            (15, Noun::Hour, "خمس عشرة ساعة"),
            (21, Noun::Call, "إحدى وعشرون مكالمة"),
            (22, Noun::Call, "اثنتان وعشرون مكالمة"),
            (28, Noun::Halala, "ثمان وعشرون هللة"),
            (103, Noun::Call, "مئة وثلاث مكالمات"),
            (3000, Noun::Call, "ثلاثة آلاف مكالمة"),
            (5, Noun::Day, "خمسة أيام"),
            (14, Noun::Day, "أربعة عشر يوما"),
        ] {
            assert_eq!(ar(Said::Count(number, noun)), words, "{number}");
        }
    }

    #[test]
    fn money_is_said_in_its_two_coins() {
        for (hundredths, currency, words) in [
            (1250, Currency::Sar, "اثنا عشر ريالا وخمسون هللة"),
            (200, Currency::Sar, "ريالان"),
            (305, Currency::Sar, "ثلاثة ريالات وخمس هللات"),
            (1, Currency::Sar, "هللة واحدة"),
            (0, Currency::Sar, "صفر ريال"),
            (102, Currency::Usd, "دولار واحد وسنتان"),
            (10_011, Currency::Usd, "مئة دولار وأحد عشر سنتا"),
        ] {
            assert_eq!(ar(Said::Money(hundredths, currency)), words);
        }
    }

    #[test]
    fn times_are_said_by_hours_quarters_and_thirds() {
        for (hour, minute, words) in [
            (1, 0, "الساعة الواحدة صباحا"),
            (9, 15, "الساعة التاسعة والربع صباحا"),
            (12, 30, "الساعة الثانية عشرة والنصف ظهرا"),
            (15, 20, "الساعة الثالثة والثلث مساء"),
            (15, 40, "الساعة الرابعة إلا ثلثا مساء"),
            (23, 45, "الساعة الثانية عشرة إلا ربعا مساء"),
            (10, 1, "الساعة العاشرة ودقيقة واحدة صباحا"),
            (10, 2, "الساعة العاشرة ودقيقتان صباحا"),
            (10, 7, "الساعة العاشرة وسبع دقائق صباحا"),
            (22, 52, "الساعة العاشرة واثنتان وخمسون دقيقة مساء"),
        ] {
            assert_eq!(ar(Said::Time(hour, minute)), words, "{hour}:{minute}");
        }
    }

    #[test]
    fn dates_are_said_with_the_year_governed() {
        for (year, month, day, weekday, words) in [
            (
                2026,
                8,
                21,
                5,
                "يوم الجمعة الحادي والعشرون من أغسطس عام ألفين وستة وعشرين",
            ),
            (
                1999,
                1,
                2,
                6,
                "يوم السبت الثاني من يناير عام ألف وتسعمئة وتسعة وتسعين",
            ),
            (
                2012,
                12,
                12,
                3,
                "يوم الأربعاء الثاني عشر من ديسمبر عام ألفين واثني عشر",
            ),
            (2022, 5, 1, 7, "يوم الأحد الأول من مايو عام ألفين واثنين وعشرين"),
        ] {
            assert_eq!(
                ar(Said::Date {
                    year,
                    month,
                    day,
                    weekday
                }),
                words
            );
        }
    }
}
