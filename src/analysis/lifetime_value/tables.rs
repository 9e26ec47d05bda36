//! Tables beside the scores: what users of such models should look at before they believe them.
//!
//! | table           | rows                                              | columns                                                           |
//! |-----------------|---------------------------------------------------|-------------------------------------------------------------------|
//! | `clv_models`    | candidates, the chosen one with groups, and rules | figures on the holdout, see [`super::accuracy`]                   |
//! | `clv_tracking`  | weeks from the first purchase day to as-of        | repeats so far, expected and actual                                  |
//! | `clv_frequency` | 0 to 9 repeats in calibration, 10 or more         | customers, expected and actual                                       |
//! | `clv_holdout`   | classes of repeats and of days since the last one | customers, purchases in the holdout a customer, expected and actual |
//! | `clv_season`    | months of the year, with `season = true`          | index with its error, actual and expected repeats, see [`super::season`] |
//! | `clv_season_holdout` | months of the holdout, likewise              | repeats, actual, expected without and with the season                |
//!
//! All but the first show the chosen model, without groups, as it was fitted to the calibration period, and the customers of that period: nothing in the holdout was
//! known to it. With `E(t)` the repeats of a new customer within `t` and `n_d` customers who started on day `d`, week `w` expects `Σ n_d E(7w − d)`.
//! The number of customers with `x` repeats within `T` follows from the likelihood, which does not depend on the purchases between the first and the last
//! but by their gaps: with `k` events a purchase, integrated over those and over `t_x = T v^{1/kx}`,
//!
//! ```text
//! P(x) = T^{kx} Γ(k)ˣ/Γ(kx + 1) ∫₀¹ L(x, T v^{1/kx}, T) dv,   P(0) = L(0, 0, T)
//! ```

use rayon::prelude::*;

use super::accuracy::{Accuracy, Forecast};
use super::choice::{Evidence, GroupedCandidate, forecasts};
use super::holdout::{Observation, Split};
use super::purchases::Purchases;
use super::season::{SeasonIndex, SeasonProof};
use crate::analysis::SideTable;
use crate::maths::gamma::ln_gamma;
use crate::maths::quadrature::GAUSS_16;
use crate::table::{Column, Nullable, Values};

/// Repeats from which customers are counted together.
const MANY: u32 = 10;

/// Power of the nodes at which counts are integrated.
const MOST_POWER: f64 = 8.0;

/// Days since the last purchase at which classes end, the day included.
const SILENCES: [(u32, &str); 5] =
    [(30, "0 to 30"), (90, "31 to 90"), (180, "91 to 180"), (365, "181 to 365"), (u32::MAX, "over 365")];

/// Opportunities since the last one taken at which classes end.
const OPPORTUNITIES_PASSED: [(u32, &str); 5] = [(0, "0"), (1, "1"), (2, "2"), (4, "3 to 4"), (u32::MAX, "over 4")];

/// Names of the months, January first.
const MONTHS: [&str; 12] = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"];

/// Returns all tables that show the evidence.
pub fn of(evidence: &Evidence) -> Vec<SideTable> {
    let model = &evidence.chosen().fitted.0.model;
    let mut tables = vec![models(evidence), tracking(evidence), frequency(&evidence.split, model), holdout(evidence)];
    tables.extend(evidence.season.as_ref().map(season_holdout));
    tables
}

/// Returns the table of the index.
pub fn season(found: &SeasonIndex) -> SideTable {
    let figure = |of: fn(&super::season::Month) -> f64| numbers(found.months.iter().map(|month| Some(of(month))));
    SideTable {
        name: "clv_season",
        columns: vec![
            column("month", Values::from_texts(MONTHS.map(Some))),
            column("index", figure(|month| month.index)),
            column("standard_error", figure(|month| month.standard_error)),
            column("actual_repeats", integers(found.months.iter().map(|month| month.actual as i64))),
            column("expected_repeats", figure(|month| month.expected)),
        ],
    }
}

fn season_holdout(proof: &SeasonProof) -> SideTable {
    let months = &proof.months;
    let expected = |ix: usize| numbers(months.iter().map(|month| Some(month.expected[ix])));
    let bias = |ix: usize| {
        let share = |of: f64, actual: u64| (actual > 0).then(|| of / actual as f64 - 1.0);
        numbers(months.iter().map(|month| share(month.expected[ix], month.actual)))
    };
    SideTable {
        name: "clv_season_holdout",
        columns: vec![
            column("until", Values::Date(Nullable::from(months.iter().map(|month| month.end.0).collect::<Vec<_>>()))),
            column("actual_repeats", integers(months.iter().map(|month| month.actual as i64))),
            column("expected_repeats", expected(0)),
            column("expected_repeats_season", expected(1)),
            column("bias", bias(0)),
            column("bias_season", bias(1)),
        ],
    }
}

fn column(name: &str, values: Values) -> Column {
    Column::new(name, values)
}

fn numbers(values: impl IntoIterator<Item = Option<f64>>) -> Values {
    Values::Number(values.into_iter().collect())
}

fn integers(values: impl IntoIterator<Item = i64>) -> Values {
    Values::Integer(Nullable::from(values.into_iter().collect::<Vec<_>>()))
}

fn models(evidence: &Evidence) -> SideTable {
    let named = evidence.models.iter().map(|candidate| (candidate.kind.label(), candidate.accuracy));
    let grouped = evidence.grouped.as_ref();
    let with_groups = grouped.map(|grouped| (grouped.name.as_str(), grouped.accuracy));
    let season = evidence.season.as_ref().map(|season| ("season", season.accuracy));
    let rows: Vec<(&str, Accuracy)> = named.chain(with_groups).chain(season).chain(evidence.rules).collect();
    let n_models = evidence.models.len();
    let of_model = |ix: usize, of: fn(&super::purchases::Fitted) -> f64, of_groups: fn(&GroupedCandidate) -> f64| {
        evidence.models.get(ix).map(|c| of(&c.fitted)).or(grouped.filter(|_| ix == n_models).map(of_groups))
    };
    let figure = |of: fn(&Accuracy) -> Option<f64>| numbers(rows.iter().map(|(_, accuracy)| of(accuracy)));
    let n_rules = evidence.rules.len();
    let kind = |ix: usize| match ix {
        ix if ix == n_models && grouped.is_some() => "chosen",
        ix if ix == evidence.chosen && grouped.is_none() => "chosen",
        ix if ix == evidence.chosen => "pooled",
        ix if ix < n_models => "model",
        ix if ix + n_rules < rows.len() => "chosen, by season",
        _ => "rule",
    };
    let log_likelihood = (0..rows.len())
        .map(|ix| of_model(ix, |fitted| fitted.log_likelihood_weeks(), |grouped| grouped.log_likelihood_weeks));
    let n_parameters = (0..rows.len())
        .map(|ix| of_model(ix, |fitted| fitted.formulas().parameters().len() as f64, |grouped| grouped.n_parameters));
    SideTable {
        name: "clv_models",
        columns: vec![
            column("forecast", Values::from_texts(rows.iter().map(|(name, _)| Some(*name)))),
            column("kind", Values::from_texts((0..rows.len()).map(|ix| Some(kind(ix))))),
            column("n_parameters", numbers(n_parameters)),
            column("log_likelihood", numbers(log_likelihood)),
            column("deviance", figure(|a| a.deviance)),
            column("mae", figure(|a| Some(a.mae))),
            column("rmse", figure(|a| Some(a.rmse))),
            column("bias", figure(|a| a.bias)),
            column("decile_lift", figure(|a| a.decile_lift)),
            column("calibration_error", figure(|a| a.calibration_error)),
        ],
    }
}

fn tracking(evidence: &Evidence) -> SideTable {
    let (split, formulas) = (&evidence.split, evidence.chosen().fitted.formulas());
    let first = split.starts.first().map_or(split.cut.0, |(day, _)| *day);
    let last = split.cut.0 + split.days as i32;
    let (step, number, end) = match split.opportunity {
        Some(_) => (1, "opportunity", "opportunity_end"),
        None => (7, "week", "week_end"),
    };
    let of_new: Vec<f64> =
        (0..=last.abs_diff(first)).into_par_iter().map(|days| formulas.expected_of_new(f64::from(days))).collect();
    let ends: Vec<i32> = (1..).map(|nth| first + step * nth - 1).take_while(|end| *end <= last).collect();
    let expected = |end: &i32| {
        let started = split.starts.iter().filter(|(day, _)| day <= end);
        started.map(|(day, n)| f64::from(*n) * of_new[end.abs_diff(*day) as usize]).sum::<f64>()
    };
    // Between two days expectations are as good as straight.
    let by_season = |season: &SeasonProof, end: &i32| {
        let to_cut = |day: i32| match day.abs_diff(split.cut.0) {
            days if day > split.cut.0 => -season.clock.time(days),
            days => season.clock.since(days),
        };
        let at = |start: i32| {
            let age = (to_cut(start) - to_cut(*end)).max(0.0);
            let (day, part) = (age.floor() as usize, age.fract());
            of_new
                .get(day + 1)
                .map_or_else(|| formulas.expected_of_new(age), |next| of_new[day] + part * (next - of_new[day]))
        };
        split.starts.iter().filter(|(day, _)| day <= end).map(|(day, n)| f64::from(*n) * at(*day)).sum::<f64>()
    };
    let actual = |end: &i32| {
        let until = split.repeats.partition_point(|(day, _)| day <= end);
        split.repeats[..until].iter().map(|(_, n)| *n as i64).sum::<i64>()
    };
    let period = |end: &i32| Some(if *end <= split.cut.0 { "calibration" } else { "holdout" });
    let dates: Vec<i32> = ends.iter().map(|end| split.calendar_day(*end).0).collect();
    let mut columns = vec![
        column(number, integers(1..=ends.len() as i64)),
        column(end, Values::Date(Nullable::from(dates))),
        column("period", Values::from_texts(ends.iter().map(period))),
        column("expected_repeats", numbers(ends.par_iter().map(|end| Some(expected(end))).collect::<Vec<_>>())),
        column("actual_repeats", integers(ends.iter().map(actual))),
    ];
    if let Some(season) = &evidence.season {
        let expected = ends.par_iter().map(|end| Some(by_season(season, end))).collect::<Vec<_>>();
        columns.push(column("expected_repeats_season", numbers(expected)));
    }
    SideTable { name: "clv_tracking", columns }
}

fn frequency(split: &Split, model: &Purchases) -> SideTable {
    let mut ages: Vec<(u32, u64)> =
        split.starts.iter().map(|(day, n)| (split.cut.0.abs_diff(*day), u64::from(*n))).collect();
    ages.sort_unstable();
    let expected_of =
        |x: u32| ages.iter().map(|(age, n)| *n as f64 * probability_of_repeats(model, x, f64::from(*age))).sum::<f64>();
    let mut expected: Vec<f64> = (0..MANY).into_par_iter().map(expected_of).collect();
    expected.push((split.n_customers as f64 - expected.iter().sum::<f64>()).max(0.0));
    let mut actual = vec![0_i64; MANY as usize + 1];
    for (history, n) in &split.calibration.histories.distinct {
        actual[history.n_repeats.min(MANY) as usize] += i64::from(*n);
    }
    SideTable {
        name: "clv_frequency",
        columns: vec![
            column("repeats", labels((0..=MANY).map(repeats_label))),
            column("expected_customers", numbers(expected.into_iter().map(Some))),
            column("actual_customers", integers(actual)),
        ],
    }
}

/// Returns the probability that a new customer makes `x` repeats within `age`.
fn probability_of_repeats(model: &Purchases, x: u32, age: f64) -> f64 {
    let formulas = model.formulas();
    if let Purchases::BgBb(model) = model {
        return model.probability_of_purchases(x, age as u32);
    }
    if x == 0 {
        return formulas.log_likelihood(0, 0.0, age).exp().clamp(0.0, 1.0);
    }
    if age <= 0.0 {
        return 0.0;
    }
    let k = f64::from(model.events_per_purchase());
    let events = k * f64::from(x);
    let volume = events * age.ln() + f64::from(x) * ln_gamma(k) - ln_gamma(events + 1.0);
    // v = u^m, so that roots of v are smooth at zero.
    let m = events.min(MOST_POWER);
    let at = |u: f64| m * u.powf(m - 1.0) * (volume + formulas.log_likelihood(x, age * u.powf(m / events), age)).exp();
    GAUSS_16.iter().map(|(u, weight)| weight * at(*u)).sum::<f64>().clamp(0.0, 1.0)
}

fn holdout(evidence: &Evidence) -> SideTable {
    let split = &evidence.split;
    let forecasts = forecasts(&evidence.chosen().fitted, split);
    let (silences, silence) = match split.opportunity {
        Some(_) => (OPPORTUNITIES_PASSED, "opportunities since the last one taken"),
        None => (SILENCES, "days since the last purchase"),
    };
    let by_repeats = |o: &Observation| o.history.n_repeats.min(MANY) as usize;
    let by_silence = |o: &Observation| {
        let silent = o.history.age_days - o.history.days_to_last;
        silences.partition_point(|(end, _)| *end < silent)
    };
    let mut rows: Vec<(&str, String, [f64; 3])> = Vec::new();
    for (ix, sums) in classes(split, &forecasts, MANY as usize + 1, by_repeats).into_iter().enumerate() {
        rows.push(("repeats", repeats_label(ix as u32), sums));
    }
    for (ix, sums) in classes(split, &forecasts, silences.len(), by_silence).into_iter().enumerate() {
        rows.push((silence, silences[ix].1.to_owned(), sums));
    }
    let each = |of: usize| numbers(rows.iter().map(|(_, _, sums)| (sums[0] > 0.0).then(|| sums[of] / sums[0])));
    SideTable {
        name: "clv_holdout",
        columns: vec![
            column("by", Values::from_texts(rows.iter().map(|(by, _, _)| Some(*by)))),
            column("class", labels(rows.iter().map(|(_, class, _)| class.clone()))),
            column("customers", integers(rows.iter().map(|(_, _, sums)| sums[0] as i64))),
            column("expected_purchases", numbers(rows.iter().map(|(_, _, sums)| Some(sums[1])))),
            column("actual_purchases", integers(rows.iter().map(|(_, _, sums)| sums[2] as i64))),
            column("expected_each", each(1)),
            column("actual_each", each(2)),
        ],
    }
}

/// Customers, expected and actual purchases by class; observations and forecasts stand in the same order.
fn classes(
    split: &Split,
    forecasts: &[Forecast],
    n_classes: usize,
    class: impl Fn(&Observation) -> usize,
) -> Vec<[f64; 3]> {
    let mut sums = vec![[0.0; 3]; n_classes];
    for ((observation, _), forecast) in split.observations.iter().zip(forecasts) {
        let of_class = &mut sums[class(observation)];
        of_class[0] += forecast.n;
        of_class[1] += forecast.n * forecast.expected;
        of_class[2] += forecast.n * forecast.actual;
    }
    sums
}

fn repeats_label(x: u32) -> String {
    if x == MANY { format!("{x} or more") } else { x.to_string() }
}

fn labels(texts: impl IntoIterator<Item = String>) -> Values {
    let texts: Vec<String> = texts.into_iter().collect();
    Values::from_texts(texts.iter().map(|text| Some(text.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::models::bg_nbd::BgNbd;
    use crate::analysis::lifetime_value::models::cnbd::MbgCnbd;
    use crate::analysis::lifetime_value::models::mbg_nbd::MbgNbd;
    use crate::analysis::lifetime_value::models::pareto_nbd::ParetoNbd;

    const BG: BgNbd = BgNbd { r: 0.5, alpha: 40.0, a: 0.8, b: 2.4 };

    /// BG/NBD has the probability in closed form.
    #[test]
    fn integrated_likelihoods_are_the_probabilities_of_counts() {
        for age in [10.0, 100.0, 700.0] {
            for x in [0, 1, 2, 5, 9] {
                let (found, expected) =
                    (probability_of_repeats(&Purchases::BgNbd(BG), x, age), BG.probability_of_purchases(x, age));
                assert!((found - expected).abs() < 1e-5, "{x} in {age}: {found} {expected}");
            }
        }
    }

    /// Probabilities add up to one, and what they expect is what the model expects.
    #[test]
    fn counts_have_the_mean_of_the_model() {
        let BgNbd { r, alpha, a, b } = BG;
        for model in [
            Purchases::MbgNbd(MbgNbd { r, alpha, a, b }),
            Purchases::ParetoNbd(ParetoNbd { r, alpha, s: a, beta: 90.0 }),
            Purchases::MbgCnbd(MbgCnbd { k: 3, r, alpha: alpha / 3.0, a, b }),
        ] {
            let each: Vec<f64> = (0..60).map(|x| probability_of_repeats(&model, x, 60.0)).collect();
            let mean: f64 = each.iter().zip(0..).map(|(p, x)| p * f64::from(x)).sum();
            let expected = model.formulas().expected_of_new(60.0);
            assert!((each.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{model:?} {}", each.iter().sum::<f64>());
            assert!((mean / expected - 1.0).abs() < 1e-2, "{model:?} {mean} {expected}");
        }
    }
}
