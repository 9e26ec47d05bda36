//! Two days of each customer: when the next purchase is more likely past than to come, and when silence will have become a farewell.
//!
//! | day          | the first on which                                                                              |
//! |--------------|-------------------------------------------------------------------------------------------------|
//! | next order   | `P(a purchase by then) ≥ 1/2`, that is `P(alive) P(buys in t, if alive) ≥ 1/2`                   |
//! | win-back     | `P(alive) < 1/2` if nothing is bought until then; it may have passed, but not before the last purchase |
//!
//! A day is one of the calendar, the end of an opportunity for the next order, the first after one for win-back, see [`super::clock`].
//!
//! The geometric models without memory invert their formulas, `t = (α + T)((1 − q/P(alive))^{−1/(r + x)} − 1)` and
//! `T* = (α + t_x)((b + x + e − 1)/a)^{1/(r + x)} − α`; the others are asked day by day, by bisection, a dozen times. Days more than
//! [`MAX_DAYS`] ahead are none.

use super::clock::Clock;
use super::histories::History;
use super::purchases::Purchases;
use super::value::WINDOWS;

/// Ten years: what is further ahead is no date to plan with.
pub const MAX_DAYS: u32 = 3_653;

/// Days, or opportunities, after as-of by which half the probability of a next purchase has passed.
///
/// `buys` are the probabilities of an alive customer to buy within [`WINDOWS`], between which the day is looked for.
pub fn days_to_next_order(
    model: &Purchases,
    history: History,
    p_alive: f64,
    buys: &[f64; WINDOWS.len()],
    clock: &Clock,
) -> Option<u32> {
    if p_alive <= 0.5 {
        return None;
    }
    let History { n_repeats: x, days_to_last, age_days } = history;
    let (t_x, age) = (f64::from(days_to_last), f64::from(age_days));
    if let Some((r, alpha)) = without_memory(model) {
        let none = -(-0.5 / p_alive).ln_1p() / (r + f64::from(x));
        return clock.first_at((alpha + age) * none.exp_m1());
    }
    let formulas = model.formulas();
    // A day below and above, to be on the safe side of rounding.
    let passed = |ix: &usize| p_alive * buys[*ix] >= 0.5;
    let windows = clock.windows();
    let from = (0..windows.len()).rev().find(|ix| !passed(ix)).map_or(1, |ix| windows[ix]);
    let to = (0..windows.len()).find(passed).map_or(clock.most_ticks(), |ix| windows[ix] + 1);
    first_day(from, to, |ticks| p_alive * formulas.buys_if_alive(x, t_x, age, clock.time(ticks)) >= 0.5)
}

/// Days, or opportunities, after the first purchase at which a customer who stays silent is more likely gone than not; none more than twice
/// [`MAX_DAYS`] after the last purchase.
pub fn days_to_win_back(model: &Purchases, n_repeats: u32, days_to_last: u32) -> Option<u32> {
    let (x, t_x) = (n_repeats, f64::from(days_to_last));
    let limit = days_to_last.saturating_add(2 * MAX_DAYS);
    let geometric = match model {
        Purchases::Nbd(_) => return None,
        Purchases::MbgNbd(m) => Some((m.r, m.alpha, m.a, m.b + f64::from(x))),
        Purchases::BgNbd(m) => Some((m.r, m.alpha, m.a, m.b + f64::from(x.checked_sub(1)?))),
        _ => None,
    };
    if let Some((r, alpha, a, stays)) = geometric {
        let age = (alpha + t_x) * ((stays / a).ln() / (r + f64::from(x))).exp() - alpha;
        return up_to_limit(age.max(t_x), limit - MAX_DAYS);
    }
    let formulas = model.formulas();
    first_day(days_to_last, limit, |age| formulas.p_alive(x, t_x, f64::from(age)) < 0.5)
}

/// Shape and rate of the purchases of models in which an alive customer's next purchase does not depend on dropout.
fn without_memory(model: &Purchases) -> Option<(f64, f64)> {
    match model {
        Purchases::Nbd(m) => Some((m.r, m.alpha)),
        Purchases::MbgNbd(m) => Some((m.r, m.alpha)),
        Purchases::BgNbd(m) => Some((m.r, m.alpha)),
        _ => None,
    }
}

/// Rounds up to a whole day; nothing where it is more than [`MAX_DAYS`] after `from`.
fn up_to_limit(days: f64, from: u32) -> Option<u32> {
    // A number of days that is nearly whole is that day.
    let day = (days - 1e-9).ceil().max(0.0);
    (day <= f64::from(from) + f64::from(MAX_DAYS)).then_some(day as u32)
}

/// Returns the first day from `from` to `to` on which a thing holds that goes on to hold.
fn first_day(from: u32, to: u32, holds: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut low, mut high) = (from, to.checked_add(1)?);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    (low <= to).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::models::bg_nbd::BgNbd;
    use crate::analysis::lifetime_value::models::cnbd::MbgCnbd;
    use crate::analysis::lifetime_value::models::mbg_nbd::MbgNbd;
    use crate::analysis::lifetime_value::models::nbd::Nbd;
    use crate::analysis::lifetime_value::models::pareto_nbd::ParetoNbd;
    use crate::units::Day;

    const SHAPES: MbgNbd = MbgNbd { r: 0.9, alpha: 40.0, a: 0.8, b: 2.4 };

    fn models() -> Vec<Purchases> {
        let MbgNbd { r, alpha, a, b } = SHAPES;
        vec![
            Purchases::Nbd(Nbd { r, alpha }),
            Purchases::MbgNbd(SHAPES),
            Purchases::BgNbd(BgNbd { r, alpha, a, b }),
            Purchases::ParetoNbd(ParetoNbd { r, alpha, s: a, beta: 90.0 }),
            Purchases::MbgCnbd(MbgCnbd { k: 3, r, alpha: alpha / 3.0, a, b }),
        ]
    }

    fn histories() -> impl Iterator<Item = History> {
        [(0, 0, 0), (0, 0, 20), (0, 0, 400), (1, 5, 60), (4, 90, 100), (12, 200, 210), (12, 200, 900)]
            .into_iter()
            .map(|(n_repeats, days_to_last, age_days)| History { n_repeats, days_to_last, age_days })
    }

    /// The day before it is not yet so, on the day it is.
    #[test]
    fn half_the_probability_has_passed_on_the_day_and_not_before() {
        let mut n_dated = 0;
        let clock = Clock::Days(Day(20_000));
        for model in models() {
            let formulas = model.formulas();
            for history in histories() {
                let History { n_repeats: x, days_to_last, age_days } = history;
                let (t_x, age) = (f64::from(days_to_last), f64::from(age_days));
                let p_alive = formulas.p_alive(x, t_x, age);
                let bought = |days: f64| 1.0 - formulas.probability_no_purchase(x, t_x, age, days);
                let buys = WINDOWS.map(|days| formulas.buys_if_alive(x, t_x, age, f64::from(days)));
                match days_to_next_order(&model, history, p_alive, &buys, &clock) {
                    Some(days) => {
                        n_dated += 1;
                        assert!(bought(f64::from(days)) >= 0.5 - 1e-9, "{model:?} {history:?}");
                        assert!(bought(f64::from(days) - 1.0) < 0.5, "{model:?} {history:?}");
                    }
                    None => assert!(bought(f64::from(MAX_DAYS)) < 0.5, "{model:?} {history:?}"),
                }
            }
        }
        assert!(n_dated > 15, "{n_dated}");
    }

    #[test]
    fn silence_becomes_a_farewell_on_the_day_and_not_before() {
        let mut n_dated = 0;
        for model in models() {
            let formulas = model.formulas();
            for history in histories() {
                let History { n_repeats: x, days_to_last, .. } = history;
                let p_alive = |age: u32| formulas.p_alive(x, f64::from(days_to_last), f64::from(age));
                match days_to_win_back(&model, x, days_to_last) {
                    Some(day) => {
                        n_dated += 1;
                        assert!(day >= days_to_last && p_alive(day) < 0.5 + 1e-9, "{model:?} {history:?}");
                        assert!(day == days_to_last || p_alive(day - 1) >= 0.5, "{model:?} {history:?}");
                    }
                    None => assert!(p_alive(days_to_last + 2 * MAX_DAYS) >= 0.5, "{model:?} {history:?}"),
                }
            }
        }
        assert!(n_dated > 15, "{n_dated}");
    }
}
