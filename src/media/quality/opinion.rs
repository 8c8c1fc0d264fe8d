use crate::model::Codec;
use std::time::Duration;

/// Loss as the E-model wants it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::media) struct Loss {
    /// Lost packets, in percent.
    pub(in crate::media) percent: f32,
    /// The mean length of a run of lost packets; none when it was not measured, or nothing was lost.
    pub(in crate::media) mean_burst: Option<f32>,
}

/// Ro − Is of ITU-T G.107 (§7.2, §7.3) with its default values (table 3): 94.77 − 1.41.
const BASIC: f32 = 93.355_2;
/// Ro alone.
const SIGNAL_TO_NOISE: f32 = 94.768_8;
/// No, the noise of the whole connection.
const NOISE: f32 = -61.179_2;
/// RLR, the loudness rating of the receiving telephone.
const RECEIVING: f32 = 2.0;
/// TELR, the loudness of the talker's own echo.
const TALKER_ECHO: f32 = 65.0;
/// WEPL, the weighted loss of the echo path.
const ECHO_PATH: f32 = 110.0;

/// Mean opinion score from 1 to 4.5 by the E-model (ITU-T G.107): the measured loss and delay, defaults for all else.
///
/// `one_way` is the delay from mouth to ear; without a measured one it is left out. None for a codec whose figures the
/// Recommendation does not give on this scale.
pub(in crate::media) fn opinion(codec: Codec, loss: Loss, one_way: Option<Duration>) -> Option<f32> {
    let equipment = equipment(codec, loss)?;
    let delay = delayed(one_way.map_or(0.0, |delay| delay.as_secs_f32() * 1000.0));
    Some(score(BASIC - delay - equipment))
}

/// Annex B: from the rating R to the score.
fn score(rating: f32) -> f32 {
    if rating <= 0.0 {
        return 1.0;
    }
    let rating = rating.min(100.0);
    (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).clamp(1.0, 4.5)
}

/// Ie,eff (§7.5): what the codec loses, and what the loss of packets costs it. BurstR is how much longer runs of lost
/// packets are than they would be by chance.
fn equipment(codec: Codec, loss: Loss) -> Option<f32> {
    let (impairment, robustness) = impairment(codec)?;
    let percent = loss.percent.clamp(0.0, 100.0);
    let by_chance = 1.0 - percent / 100.0;
    let burst_ratio = loss.mean_burst.map_or(1.0, |mean| (mean * by_chance).max(1.0));
    Some(impairment + (95.0 - impairment) * percent / (percent / burst_ratio + robustness))
}

/// Ie and Bpl of ITU-T G.113 appendix I, for packets of 20 ms and phones that conceal lost ones. Its figures for
/// wideband codecs are on a scale of their own (G.107.1), where G.711 itself is no longer good; they are not mixed.
fn impairment(codec: Codec) -> Option<(f32, f32)> {
    match codec {
        Codec::Pcmu | Codec::Pcma => Some((0.0, 25.1)),
        Codec::G729 => Some((11.0, 19.0)),
        Codec::G722 | Codec::Opus => None,
    }
}

/// Id (§7.4) for the same delay both ways: what talkers hear of themselves, what listeners hear again, and the
/// conversation that turns slow.
fn delayed(millis: f32) -> f32 {
    talker_echo(millis) + listener_echo(millis) + slowness(millis)
}

fn talker_echo(millis: f32) -> f32 {
    let rating = -1.5 * (NOISE - RECEIVING);
    let path = (1.0 + millis / 10.0) / (1.0 + millis / 150.0);
    let loudness = TALKER_ECHO - 40.0 * path.log10() + 6.0 * (-0.3 * millis * millis).exp();
    let half = (rating - (80.0 + 2.5 * (loudness - 14.0))) / 2.0;
    (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-millis).exp())
}

fn listener_echo(millis: f32) -> f32 {
    let rating = 10.5 * (ECHO_PATH + 7.0) * (2.0 * millis + 1.0).powf(-0.25);
    let half = (SIGNAL_TO_NOISE - rating) / 2.0;
    half + (half * half + 169.0).sqrt()
}

fn slowness(millis: f32) -> f32 {
    if millis <= 100.0 {
        return 0.0;
    }
    let doublings = (millis / 100.0).log2();
    let bend = |x: f32| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (bend(doublings) - 3.0 * bend(doublings / 3.0) + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole of ITU-T G.107 (2014) in double precision, written from its equations 7-1 to 7-29 with the default
    /// values of table 3, apart from the code above.
    fn reference(ta: f64, ie: f64, bpl: f64, ppl: f64, burst_r: f64) -> f64 {
        let (slr, rlr, stmr, lstr, ds, dr, telr, wepl, qdu) =
            (8.0, 2.0, 15.0, 18.0, 3.0, 3.0, 65.0, 110.0, 1.0_f64);
        let (nc, nfor, ps, pr) = (-70.0, -64.0, 35.0, 35.0);
        assert_eq!(lstr, stmr + dr);
        let power = |decibel: f64| 10_f64.powf(decibel / 10.0);
        let olr = slr + rlr;
        let pre = pr + 10.0 * (1.0 + power(10.0 - lstr)).log10();
        let nor = rlr - 121.0 + pre + 0.008 * (pre - 35.0) * (pre - 35.0);
        let nos = ps - slr - ds - 100.0 + 0.004 * (ps - olr - ds - 14.0).powi(2);
        let no = 10.0 * (power(nc) + power(nos) + power(nor) + power(nfor + rlr)).log10();
        let ro = 15.0 - 1.5 * (slr + no);
        let xolr = olr + 0.2 * (64.0 + no - rlr);
        let iolr = 20.0 * ((1.0 + (xolr / 8.0).powi(8)).powf(1.0 / 8.0) - xolr / 8.0);
        // T is 0 where nothing echoes before the delay: the sidetone alone.
        let stmro = -10.0 * (power(-stmr) + power(-telr)).log10();
        let ist = 12.0 * (1.0 + ((stmro - 13.0) / 6.0).powi(8)).powf(1.0 / 8.0)
            - 28.0 * (1.0 + ((stmro + 1.0) / 19.4).powi(35)).powf(1.0 / 35.0)
            - 13.0 * (1.0 + ((stmro - 3.0) / 33.0).powi(13)).powf(1.0 / 13.0)
            + 29.0;
        let q = 37.0 - 15.0 * qdu.log10();
        let g = 1.07 + 0.258 * q + 0.0602 * q * q;
        let z = 46.0 / 30.0 - g / 40.0;
        let y = (ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0;
        let iq = 15.0 * (1.0 + 10_f64.powf(y) + 10_f64.powf(z)).log10();
        let terv =
            telr - 40.0 * ((1.0 + ta / 10.0) / (1.0 + ta / 150.0)).log10() + 6.0 * (-0.3 * ta * ta).exp();
        let (roe, re) = (-1.5 * (no - rlr), 80.0 + 2.5 * (terv - 14.0));
        let idte = ((roe - re) / 2.0 + ((roe - re).powi(2) / 4.0 + 100.0).sqrt() - 1.0) * (1.0 - (-ta).exp());
        let rle = 10.5 * (wepl + 7.0) * (2.0 * ta + 1.0).powf(-0.25);
        let idle = (ro - rle) / 2.0 + ((ro - rle).powi(2) / 4.0 + 169.0).sqrt();
        let idd = if ta <= 100.0 {
            0.0
        } else {
            let x = (ta / 100.0).ln() / 2_f64.ln();
            let six = 1.0 / 6.0;
            25.0 * ((1.0 + x.powi(6)).powf(six) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(six) + 2.0)
        };
        let ieff = ie + (95.0 - ie) * ppl / (ppl / burst_r + bpl);
        let r = ro - (iolr + ist + iq) - (idte + idle + idd) - ieff;
        match r {
            r if r < 0.0 => 1.0,
            r if r > 100.0 => 4.5,
            r => 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6,
        }
    }

    /// The figures of the product: 0, 1, 5, 10 and 20 % loss, beside a computation of its own.
    #[test]
    fn the_score_is_that_of_g_107_at_every_loss_and_delay() {
        for percent in [0.0_f32, 1.0, 5.0, 10.0, 20.0] {
            for millis in [
                None,
                Some(1),
                Some(20),
                Some(80),
                Some(100),
                Some(150),
                Some(200),
                Some(400),
            ] {
                let delay = millis.map(Duration::from_millis);
                let chance = Loss {
                    percent,
                    mean_burst: None,
                };
                for (codec, ie, bpl) in [(Codec::Pcmu, 0.0, 25.1), (Codec::G729, 11.0, 19.0)] {
                    let ours = opinion(codec, chance, delay).unwrap();
                    let theirs = reference(millis.unwrap_or(0) as f64, ie, bpl, f64::from(percent), 1.0);
                    assert!(
                        (f64::from(ours) - theirs).abs() < 0.01,
                        "{codec}, {percent} % and {millis:?} ms: {ours} and {theirs}"
                    );
                }
            }
        }
    }

    #[test]
    fn losses_that_come_together_cost_more() {
        for percent in [1.0_f32, 5.0, 10.0, 20.0] {
            let ratio = 2.0;
            let mean_burst = Some(ratio / (1.0 - percent / 100.0));
            let ours = opinion(Codec::Pcma, Loss { percent, mean_burst }, None).unwrap();
            let theirs = reference(0.0, 0.0, 25.1, f64::from(percent), f64::from(ratio));
            assert!(
                (f64::from(ours) - theirs).abs() < 0.01,
                "{percent} %: {ours} and {theirs}"
            );
        }
        // Single packets apart from each other are no better than chance.
        let apart = Loss {
            percent: 20.0,
            mean_burst: Some(1.0),
        };
        let chance = Loss {
            mean_burst: None,
            ..apart
        };
        assert_eq!(
            opinion(Codec::Pcmu, apart, None),
            opinion(Codec::Pcmu, chance, None)
        );
        assert_eq!(opinion(Codec::Opus, chance, None), None, "no figure, no score");
    }

    #[test]
    fn the_score_stays_in_its_scale() {
        for percent in [0.0, 50.0, 100.0, 1000.0, f32::NAN] {
            for seconds in [0, 1, 30, 100_000] {
                let loss = Loss {
                    percent,
                    mean_burst: Some(40.0),
                };
                let score = opinion(Codec::Pcmu, loss, Some(Duration::from_secs(seconds))).unwrap();
                assert!(
                    (1.0..=4.5).contains(&score) || percent.is_nan(),
                    "{percent} {seconds}: {score}"
                );
            }
        }
    }
}
