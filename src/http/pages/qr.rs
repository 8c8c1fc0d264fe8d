//! A QR code as the path of an SVG picture.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;

/// Modules of quiet around the code (ISO/IEC 18004 §6.3.8).
const QUIET: i32 = 4;

/// A picture of a text, in modules.
#[derive(Debug, Default)]
pub(super) struct Qr {
    /// Length of a side, the quiet zone included; 0 when the text is too long for a code.
    pub(super) side: i32,
    /// The dark modules.
    pub(super) path: String,
}

impl Qr {
    /// The code of a text. A printed sheet is folded and smudged: a quarter of it may be unreadable.
    pub(super) fn of(text: &str) -> Self {
        let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Quartile) else {
            return Self::default();
        };
        let mut path = String::new();
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
                let run = i32::try_from(run).unwrap_or(0);
                if run > 0 {
                    let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
                }
                x += run.max(1);
            }
        }
        Self {
            side: code.size() + 2 * QUIET,
            path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_finders_and_quiet_around_it() {
        let qr = Qr::of("sip:1001@192.168.1.5");
        // Version 2 at most: 25 modules a side.
        assert_eq!(qr.side, 25 + 2 * QUIET);
        assert!(
            qr.path.starts_with("M4 4h7v1h-7z"),
            "a finder begins: {}",
            qr.path
        );
        assert!(qr.path.contains("M22 4h7v1h-7z"), "and the one beside it");
        assert!(Qr::of(&"x".repeat(5000)).path.is_empty());
    }
}
