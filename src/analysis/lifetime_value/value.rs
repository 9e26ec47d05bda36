//! What customers who are alive will do, by table: orders over a calendar horizon, chances to buy, and what is to come for ever.
//!
//! The horizon of `h` months after as-of ends month `k` on the same day of the month, `k` months on. With `g_k` the purchases to be expected
//! up to that day from a customer who is alive, and a yearly discount rate `d`:
//!
//! ```text
//! orders            = P(alive) g_h
//! discounted orders = P(alive) Σ_{k=1..h} (g_k − g_{k−1}) (1 + d)^{−k/12}
//! CLV               = discounted orders × expected order value
//! for ever          = P(alive) E[Σ e^{−δ t}],   δ = ln(1 + d) a year
//! ```
//!
//! All of it depends on repeats and age alone, for regular purchases in each phase between two of them: a million customers share some
//! 25,000 pairs, which are computed in parallel, once; a customer costs a look-up and one probability. So does the day of win-back, which
//! depends on repeats and the last purchase alone. `O(cells · h · phases)` for the table. Source: Fader, Hardie and Lee, "RFM and CLV", JMR 42 (2005).

use rayon::prelude::*;

use super::clock::Clock;
use super::counts::at_least;
use super::dates::days_to_win_back;
use super::histories::{Histories, History};
use super::models::dropout::Dropout;
use super::purchases::Purchases;

/// Days within which a customer may buy, one column each.
pub const WINDOWS: [u32; 3] = [30, 90, 365];

/// Month ends after as-of with what an order until then is worth today, in the time of the model, see [`Clock`].
#[derive(Debug, Clone)]
pub struct Horizon {
    /// Model time and discount factor.
    steps: Vec<(f64, f64)>,
    /// Model time of each of [`WINDOWS`].
    windows: [f64; WINDOWS.len()],
    /// Continuous rate a unit of model time.
    rate: f64,
    /// What the time between the histories and as-of, which has passed, adds to worth for ever.
    passed: f64,
}

impl Horizon {
    /// Lays out the months after as-of.
    pub fn months(clock: &Clock, n_months: u32, discount_rate_per_year: f64) -> Self {
        let rate = discount_rate_per_year.ln_1p();
        let (units_per_year, passed) = clock.years();
        let discounted = |(time, years): (f64, f64)| (time, (1.0 + discount_rate_per_year).powf(-years));
        Self {
            steps: clock.steps(n_months).into_iter().map(discounted).collect(),
            windows: clock.windows().map(|ticks| clock.time(ticks)),
            rate: rate / units_per_year,
            passed: (rate * passed).exp(),
        }
    }

    /// Returns the model time of its end.
    pub fn end(&self) -> f64 {
        self.steps.last().map_or(0.0, |(time, _)| *time)
    }
}

/// Orders and chances of customers who are alive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IfAlive {
    /// Orders within the horizon.
    pub expected: f64,
    /// The same, discounted month by month.
    pub discounted: f64,
    /// Square of the orders within the horizon, for the spread of a sum.
    pub squared: f64,
    /// Probability of at least one purchase within each of [`WINDOWS`].
    pub buys: [f64; WINDOWS.len()],
    /// All orders to come, discounted continuously; none at a rate of zero.
    pub for_ever: Option<f64>,
}

impl IfAlive {
    /// Returns what an order of the horizon is worth today, on average.
    pub fn mean_discount(&self) -> f64 {
        if self.expected > 0.0 { self.discounted / self.expected } else { 1.0 }
    }
}

/// Expectations by history.
#[derive(Debug, Clone)]
pub struct ExpectationTable {
    model: Purchases,
    /// Repeats and age in days, ascending.
    cells: Vec<(u32, u32)>,
    n_phases: usize,
    /// One a cell and phase.
    if_alive: Vec<IfAlive>,
    /// Repeats and days to the last purchase, ascending.
    lasts: Vec<(u32, u32)>,
    /// Days after the first purchase on which silence is a farewell.
    win_backs: Vec<Option<u32>>,
}

impl ExpectationTable {
    /// Computes the expectations of all histories of a base.
    pub fn tabulate(model: Purchases, histories: &Histories, horizon: &Horizon) -> Self {
        let cells = histories.cells();
        let n_phases = model.events_per_purchase() as usize;
        let mut repeats: Vec<u32> = cells.iter().map(|(n_repeats, _)| *n_repeats).collect();
        repeats.dedup();
        let dropouts: Vec<(u32, Option<Dropout>)> =
            repeats.into_par_iter().map(|n_repeats| (n_repeats, model.dropout_after(n_repeats))).collect();
        let of_cell = |(n_repeats, age_days): &(u32, u32)| {
            let ix = dropouts.partition_point(|(listed, _)| listed < n_repeats);
            let age = f64::from(*age_days);
            let formulas = model.formulas();
            let squared = |phase: usize| {
                let at_least = at_least(&model, *n_repeats, age, horizon.end(), phase);
                (1..).zip(at_least).map(|(n, probability)| f64::from(2 * n - 1) * probability).sum()
            };
            let of_phase = |phase: usize| match (&dropouts[ix].1, model.in_phase(*n_repeats, age, phase)) {
                (Some(dropout), _) => horizon.weigh(
                    squared(phase),
                    |t| dropout.expected_if_alive(age, t),
                    |t| formulas.buys_if_alive(*n_repeats, 0.0, age, t),
                    |rate| dropout.discounted_if_alive(age, rate),
                ),
                (_, Some(renewals)) => horizon.weigh(
                    squared(phase),
                    |t| renewals.expected(t),
                    |t| 1.0 - renewals.probability_of_none(t),
                    |rate| renewals.discounted(rate),
                ),
                (None, None) => horizon.weigh(
                    squared(phase),
                    |t| formulas.expected_if_alive(*n_repeats, 0.0, age, t),
                    |t| formulas.buys_if_alive(*n_repeats, 0.0, age, t),
                    |rate| formulas.discounted_if_alive(*n_repeats, 0.0, age, rate),
                ),
            };
            (0..n_phases).map(of_phase).collect::<Vec<_>>()
        };
        let if_alive = cells.par_iter().with_min_len(64).map(of_cell).flatten_iter().collect();
        let mut lasts: Vec<(u32, u32)> =
            histories.distinct.iter().map(|(h, _)| (h.n_repeats, h.days_to_last)).collect();
        lasts.dedup();
        let win_back = |(n_repeats, days_to_last): &(u32, u32)| days_to_win_back(&model, *n_repeats, *days_to_last);
        let win_backs = lasts.par_iter().with_min_len(64).map(win_back).collect();
        Self { model, cells, n_phases, if_alive, lasts, win_backs }
    }

    /// Returns the expectations of a history, or nothing where it was not among those of the base.
    pub fn get(&self, history: History) -> Option<IfAlive> {
        let History { n_repeats, days_to_last, age_days } = history;
        let ix = self.cells.binary_search(&(n_repeats, age_days)).ok()?;
        let phases = &self.if_alive[ix * self.n_phases..(ix + 1) * self.n_phases];
        if let [only] = phases {
            return Some(*only);
        }
        let weights = self.model.phases(n_repeats, f64::from(days_to_last), f64::from(age_days));
        let mean = |of: &dyn Fn(&IfAlive) -> f64| phases.iter().zip(&weights).map(|(one, w)| w * of(one)).sum::<f64>();
        let is_finite = phases.iter().all(|one| one.for_ever.is_some());
        Some(IfAlive {
            expected: mean(&|one| one.expected),
            discounted: mean(&|one| one.discounted),
            squared: mean(&|one| one.squared),
            buys: std::array::from_fn(|ix| mean(&|one| one.buys[ix])),
            for_ever: is_finite.then(|| mean(&|one| one.for_ever.unwrap_or_default())),
        })
    }

    /// Returns the day, after the first purchase, from which silence is a farewell.
    pub fn win_back(&self, history: History) -> Option<u32> {
        let ix = self.lasts.binary_search(&(history.n_repeats, history.days_to_last)).ok()?;
        self.win_backs[ix]
    }
}

impl Horizon {
    /// Returns the orders of the horizon, each discounted at the end of its month.
    pub fn discounted(&self, expected_until: impl Fn(f64) -> f64) -> f64 {
        self.expected_and_discounted(expected_until).1
    }

    fn expected_and_discounted(&self, expected_until: impl Fn(f64) -> f64) -> (f64, f64) {
        let (mut expected, mut discounted) = (0.0, 0.0);
        for (time, discount) in &self.steps {
            let until = expected_until(*time);
            discounted += (until - expected) * discount;
            expected = until;
        }
        (expected, discounted)
    }

    /// Puts together what is expected until each day, the chance to buy until it, and what comes for ever at a rate.
    fn weigh(
        &self,
        squared: f64,
        expected_until: impl Fn(f64) -> f64,
        buys_until: impl Fn(f64) -> f64,
        for_ever: impl Fn(f64) -> Option<f64>,
    ) -> IfAlive {
        let (expected, discounted) = self.expected_and_discounted(expected_until);
        IfAlive {
            expected,
            discounted,
            squared,
            buys: self.windows.map(buys_until),
            for_ever: Some(self.rate).filter(|rate| *rate > 0.0).and_then(for_ever).map(|sum| sum * self.passed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::models::cnbd::MbgCnbd;
    use crate::analysis::lifetime_value::models::mbg_nbd::MbgNbd;
    use crate::analysis::lifetime_value::models::pareto_nbd::ParetoNbd;
    use crate::units::{DAYS_PER_YEAR, Day};

    /// The fit of the CDNOW sample, times in days.
    const CDNOW: MbgNbd = MbgNbd { r: 0.524_843, alpha: 7.0 * 6.183_085, a: 0.891_359, b: 1.614_002 };

    const AS_OF: Day = Day(10_134);

    fn history(n_repeats: u32, days_to_last: u32, age_days: u32) -> History {
        History { n_repeats, days_to_last, age_days }
    }

    fn table(model: &Purchases, histories: &[History], rate: f64) -> ExpectationTable {
        ExpectationTable::tabulate(
            *model,
            &Histories::compress(histories.to_vec()),
            &Horizon::months(&Clock::Days(AS_OF), 12, rate),
        )
    }

    #[test]
    fn months_end_on_calendar_days() {
        assert_eq!(AS_OF.to_string(), "1997-09-30");
        let days: Vec<f64> = Horizon::months(&Clock::Days(AS_OF), 6, 0.1).steps.iter().map(|(days, _)| *days).collect();
        // Oct 30, Nov 30, Dec 30, Jan 30, Feb 28, Mar 30.
        assert_eq!(days, [30.0, 61.0, 91.0, 122.0, 151.0, 181.0]);
    }

    /// Without interest the discounted orders are the orders, and there is no end of them.
    #[test]
    fn at_no_interest_time_costs_nothing() {
        let base =
            [history(0, 0, 0), history(0, 0, 273), history(2, 9, 272), history(26, 3, 217), history(300, 9, 700)];
        let table = table(&Purchases::MbgNbd(CDNOW), &base, 0.0);
        for history in base {
            let orders = table.get(history).unwrap();
            assert!((orders.discounted / orders.expected - 1.0).abs() < 1e-12);
            let expected = CDNOW.dropout_after(history.n_repeats).expected_if_alive(f64::from(history.age_days), 365.0);
            assert_eq!(orders.expected, expected);
            assert_eq!(orders.for_ever, None);
        }
        assert_eq!(table.get(history(1, 0, 1)), None);
    }

    /// Orders of year one are worth between the first and the last discount factor.
    #[test]
    fn interest_lies_between_the_first_and_the_last_month() {
        let orders = table(&Purchases::MbgNbd(CDNOW), &[history(2, 30, 272)], 0.1).get(history(2, 30, 272)).unwrap();
        let share = orders.discounted / orders.expected;
        assert!(share > 1.0 / 1.1 && share < 1.1_f64.powf(-1.0 / 12.0));
        // Early months bring more, so that the share is above that of an even flow.
        assert!(share > 1.1_f64.powf(-6.5 / 12.0), "{share}");
    }

    /// The table answers as the formulas do, whatever the model.
    #[test]
    fn every_model_is_tabulated_by_its_formulas() {
        let base = [history(0, 0, 40), history(3, 90, 120), history(3, 20, 120), history(9, 300, 300)];
        let MbgNbd { r, alpha, a, b } = CDNOW;
        for model in [
            Purchases::MbgNbd(CDNOW),
            Purchases::ParetoNbd(ParetoNbd { r, alpha, s: a, beta: 100.0 }),
            Purchases::MbgCnbd(MbgCnbd { k: 2, r, alpha: 0.5 * alpha, a, b }),
        ] {
            let table = table(&model, &base, 0.1);
            for one in base {
                let (x, t_x, age) = (one.n_repeats, f64::from(one.days_to_last), f64::from(one.age_days));
                let (formulas, found) = (model.formulas(), table.get(one).unwrap());
                let near = |one: f64, other: f64| assert!((one / other - 1.0).abs() < 1e-9, "{model:?} {one} {other}");
                near(found.expected, formulas.expected_if_alive(x, t_x, age, 365.0));
                near(found.buys[1], formulas.buys_if_alive(x, t_x, age, 90.0));
                let rate = 1.1_f64.ln() / DAYS_PER_YEAR;
                near(found.for_ever.unwrap(), formulas.discounted_if_alive(x, t_x, age, rate).unwrap());
                // Money of the first year is a part of all money.
                assert!(found.for_ever.unwrap() > found.discounted);
                assert_eq!(table.win_back(one), days_to_win_back(&model, x, one.days_to_last));
            }
        }
    }
}
