//! How near forecasts came: figures over customers with a forecast `e` and the number of purchases `y` that followed.
//!
//! | figure              | formula                                                                              | best |
//! |---------------------|--------------------------------------------------------------------------------------|------|
//! | `mae`               | mean of `|y − e|`                                                                    | 0    |
//! | `rmse`              | root of the mean of `(y − e)²`                                                       | 0    |
//! | `bias`              | `Σ e / Σ y − 1`                                                                      | 0    |
//! | `deviance`          | mean of `2 (y ln(y/e) − y + e)`, Poisson; none where `e = 0 < y`                     | 0    |
//! | `decile_lift`       | purchases of the tenth of the customers ranked highest, by ten percent of all        | high |
//! | `calibration_error` | mean over tenths by `P(buy)` of the distance between its mean and the share that bought | 0  |
//!
//! The deviance is smallest for the true mean whatever the distribution, as the squared error is, but heavy buyers do not decide it alone.
//! Customers of equal rank share the places they stand on. `O(n log n)`. Source: Gneiting, "Making and evaluating point
//! forecasts", JASA 106 (2011), for scores consistent with the mean.

/// Customers with one forecast and one outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    pub n: f64,
    /// Purchases that followed, each.
    pub actual: f64,
    pub expected: f64,
    /// Probability of at least one, where the forecast has one.
    pub p_buy: Option<f64>,
    /// What customers are ranked by, highest first.
    pub rank: f64,
}

impl Forecast {
    /// Returns the Poisson deviance of each of these customers, infinite where none was expected and some came.
    pub fn deviance(&self) -> f64 {
        let of_actual = if self.actual > 0.0 { self.actual * (self.actual / self.expected).ln() } else { 0.0 };
        2.0 * (of_actual - self.actual + self.expected)
    }
}

/// The figures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    pub mae: f64,
    pub rmse: f64,
    pub bias: Option<f64>,
    pub deviance: Option<f64>,
    pub decile_lift: Option<f64>,
    pub calibration_error: Option<f64>,
}

/// Tenths.
const PARTS: usize = 10;

impl Accuracy {
    /// Computes the figures; of nobody they are zero or missing.
    pub fn of(forecasts: &[Forecast]) -> Self {
        let sum = |of: &dyn Fn(&Forecast) -> f64| forecasts.iter().map(|f| f.n * of(f)).sum::<f64>();
        let n = sum(&|_| 1.0);
        if n <= 0.0 {
            return Self::default();
        }
        let actual = sum(&|f| f.actual);
        let top = parts(forecasts, |f| f.rank, |f| f.actual)[0].1;
        let by_chance: Option<Vec<Forecast>> =
            forecasts.iter().map(|f| Some(Forecast { rank: f.p_buy?, ..*f })).collect();
        let bought = |f: &Forecast| if f.actual > 0.0 { 1.0 } else { 0.0 };
        let calibration_error = by_chance.map(|forecasts| {
            let (said, was) = (parts(&forecasts, |f| f.rank, |f| f.rank), parts(&forecasts, |f| f.rank, bought));
            let distance = |ix: usize| (said[ix].1 - was[ix].1).abs() / said[ix].0.max(f64::MIN_POSITIVE);
            (0..PARTS).map(distance).sum::<f64>() / PARTS as f64
        });
        Self {
            mae: sum(&|f| (f.actual - f.expected).abs()) / n,
            rmse: (sum(&|f| (f.actual - f.expected).powi(2)) / n).sqrt(),
            bias: (actual > 0.0).then(|| sum(&|f| f.expected) / actual - 1.0),
            deviance: Some(sum(&Forecast::deviance) / n).filter(|deviance| deviance.is_finite()),
            decile_lift: (actual > 0.0).then(|| top / actual * PARTS as f64),
            calibration_error,
        }
    }
}

/// Share of the deviance below which a gain is none: models that are each other's limit differ by their last digits, and surely so.
const WORTH: f64 = 1e-3;

/// Says whether forecasts come nearer than others of the same customers by more than chance: by twice the standard error of the mean
/// difference of their deviances, and by a thousandth of them.
pub fn come_nearer(forecasts: &[Forecast], others: &[Forecast]) -> bool {
    let difference = |(one, other): (&Forecast, &Forecast)| (one.n, one.deviance() - other.deviance());
    let differences: Vec<(f64, f64)> = forecasts.iter().zip(others).map(difference).collect();
    if differences.iter().any(|(_, by)| *by == f64::NEG_INFINITY) {
        // What the others call impossible has happened.
        return forecasts.iter().all(|forecast| forecast.deviance().is_finite());
    }
    let n: f64 = differences.iter().map(|(n, _)| n).sum();
    let mean = differences.iter().map(|(n, by)| n * by).sum::<f64>() / n;
    let variance = differences.iter().map(|(n, by)| n * (by - mean).powi(2)).sum::<f64>() / n;
    let of_others = others.iter().map(|other| other.n * other.deviance()).sum::<f64>() / n;
    mean < -(2.0 * (variance / n).sqrt()).max(WORTH * of_others)
}

/// Cuts customers in tenths, highest rank first, and returns number and sum of each; equal ranks are spread evenly.
fn parts(
    forecasts: &[Forecast],
    rank: impl Fn(&Forecast) -> f64,
    of: impl Fn(&Forecast) -> f64,
) -> [(f64, f64); PARTS] {
    let mut ranked: Vec<&Forecast> = forecasts.iter().collect();
    ranked.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    let each = ranked.iter().map(|f| f.n).sum::<f64>() / PARTS as f64;
    let mut parts = [(0.0, 0.0); PARTS];
    let mut before = 0.0;
    for equal in ranked.chunk_by(|a, b| rank(a) == rank(b)) {
        let n: f64 = equal.iter().map(|f| f.n).sum();
        let total: f64 = equal.iter().map(|f| f.n * of(f)).sum();
        for (ix, part) in parts.iter_mut().enumerate() {
            let (from, to) = (each * ix as f64, each * (ix + 1) as f64);
            let inside = ((before + n).min(to) - before.max(from)).max(0.0);
            part.0 += inside;
            part.1 += total * (inside / n);
        }
        before += n;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(n: f64, actual: f64, expected: f64, p_buy: f64) -> Forecast {
        Forecast { n, actual, expected, p_buy: Some(p_buy), rank: expected }
    }

    #[test]
    fn figures_meet_those_by_hand() {
        // Ten customers: one buys four times where two were expected, nine do not where one half was.
        let found = Accuracy::of(&[forecast(1.0, 4.0, 2.0, 0.9), forecast(9.0, 0.0, 0.5, 0.1)]);
        assert!((found.mae - (2.0 + 4.5) / 10.0).abs() < 1e-15);
        assert!((found.rmse - (f64::from(4) + 9.0 * 0.25).sqrt() / 10_f64.sqrt()).abs() < 1e-15);
        assert!((found.bias.unwrap() - 0.625).abs() < 1e-15);
        let deviance = (2.0 * (4.0 * 2_f64.ln() - 2.0) + 9.0) / 10.0;
        assert!((found.deviance.unwrap() - deviance).abs() < 1e-14);
        assert!((found.decile_lift.unwrap() - 10.0).abs() < 1e-12);
        assert!((found.calibration_error.unwrap() - 0.1).abs() < 1e-12);
    }

    /// Who is ranked by nothing finds purchases as chance does.
    #[test]
    fn equal_ranks_lift_nothing() {
        let even: Vec<Forecast> = (0..37).map(|k| forecast(3.0, f64::from(k % 5), 1.0, 0.5)).collect();
        assert!((Accuracy::of(&even).decile_lift.unwrap() - 1.0).abs() < 1e-12);
    }

    /// One better forecast among many equal ones is chance, the same among all is not.
    #[test]
    fn a_difference_is_held_against_its_standard_error() {
        let others = vec![forecast(1.0, 1.0, 2.0, 0.5); 100];
        let mut lucky = others.clone();
        lucky[7].expected = 1.0;
        assert!(!come_nearer(&lucky, &others));
        let mut better = others.clone();
        (0..100).for_each(|ix| better[ix].expected = if ix % 3 == 0 { 2.2 } else { 1.2 });
        assert!(come_nearer(&better, &others) && !come_nearer(&others, &better));
        assert!(!come_nearer(&others, &others) && !come_nearer(&[], &[]));
    }

    #[test]
    fn what_cannot_be_said_is_missing() {
        let found = Accuracy::of(&[Forecast { p_buy: None, ..forecast(2.0, 1.0, 0.0, 0.0) }]);
        assert_eq!((found.deviance, found.calibration_error), (None, None));
        assert_eq!(Accuracy::of(&[forecast(5.0, 0.0, 1.0, 0.5)]).bias, None);
        assert_eq!(Accuracy::of(&[]), Accuracy::default());
    }
}
