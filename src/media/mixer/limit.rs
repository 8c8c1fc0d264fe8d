/// Up to here a sum is left as it is: three quarters of full scale.
const KNEE: i32 = 24_576;
/// What is left above the knee.
const ROOM: i32 = 32_767 - KNEE;

/// Brings the sum of several voices into sixteen bits. Above the knee it bends, and never reaches the edge, so that
/// loud people who talk at once do not crackle.
pub(super) fn soften(sum: i32) -> i16 {
    let over = sum.saturating_abs() - KNEE;
    if over <= 0 {
        return sum as i16; // Its magnitude is no more than the knee.
    }
    // Towards ROOM as `over` grows, with slope 1 at the knee.
    let bent = i64::from(ROOM) * i64::from(over) / (i64::from(ROOM) + i64::from(over));
    let level = KNEE + i32::try_from(bent).unwrap_or(ROOM);
    (level * sum.signum()) as i16
}

/// One voice alone: cut at the edge, which it cannot pass unless its codec made it.
pub(super) fn cut(sum: i32) -> i16 {
    sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_loud_stays_as_it_is() {
        for sum in [0, 1, -1, 12_000, KNEE, -KNEE] {
            assert_eq!(i32::from(soften(sum)), sum);
        }
    }

    #[test]
    fn louder_stays_louder_and_within_sixteen_bits() {
        let mut before = 0;
        for sum in (0..2_000_000).step_by(997) {
            let level = soften(sum);
            assert!(level >= before && soften(-sum) == -level, "{sum} {level}");
            before = level;
        }
        assert!(before > 32_000);
        assert_eq!(
            (soften(i32::MAX) > 32_000, soften(i32::MIN) < -32_000),
            (true, true)
        );
        assert_eq!((cut(40_000), cut(-40_000), cut(7)), (i16::MAX, i16::MIN, 7));
    }
}
