/// Whole numbers as bytes, most of them small: seven bits a byte, the highest bit set on all but the last.
#[derive(Debug, Default)]
pub(in crate::store) struct Writing(pub(in crate::store) Vec<u8>);

impl Writing {
    /// A number that is never negative; the sign of one that is gets lost.
    pub(in crate::store) fn put(&mut self, number: i64) {
        let mut rest = number.unsigned_abs();
        while rest >= 0x80 {
            self.0.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
    }

    /// A number with its sign.
    pub(in crate::store) fn put_signed(&mut self, number: i64) {
        self.put(i64::from(number < 0));
        self.put(number);
    }

    /// A text with its length.
    pub(in crate::store) fn put_text(&mut self, text: &str) {
        self.put(i64::try_from(text.len()).unwrap_or(0));
        self.0.extend(text.as_bytes());
    }
}

/// What [`Writing`] wrote; nothing once it ends, or where it is damaged.
#[derive(Debug)]
pub(in crate::store) struct Reading<'a>(pub(in crate::store) &'a [u8]);

impl Reading<'_> {
    pub(in crate::store) fn take(&mut self) -> Option<i64> {
        let mut number = 0_i64;
        for place in 0..9 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= i64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Six numbers; most of the time each is one byte, and then they are read at once.
    pub(in crate::store) fn take_six(&mut self) -> Option<[i64; 6]> {
        if let Some((six, rest)) = self.0.split_first_chunk::<6>()
            && six.iter().all(|byte| byte & 0x80 == 0)
        {
            self.0 = rest;
            return Some(six.map(i64::from));
        }
        let mut six = [0; 6];
        for number in &mut six {
            *number = self.take()?;
        }
        Some(six)
    }

    pub(in crate::store) fn take_signed(&mut self) -> Option<i64> {
        let is_negative = self.take()? != 0;
        let number = self.take()?;
        Some(if is_negative { -number } else { number })
    }

    pub(in crate::store) fn take_text(&mut self) -> Option<String> {
        let length = usize::try_from(self.take()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_owned()).ok()
    }
}
