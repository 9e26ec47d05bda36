//! L2-regularised logistic regression for millions of rows.
//!
//! Minimises `Σ wᵢ ln(1 + e^{−yᵢ ηᵢ}) + λ/2 Σ βⱼ²` over `ηᵢ = β₀ + Σ βⱼ (xᵢⱼ − meanⱼ)/sdⱼ`, `yᵢ = ±1`: the penalty is on coefficients of
//! standardised features and not on the intercept; λ is the `1/C` of other tools. A missing cell takes the mean of its column, and a column
//! with missing cells has a second term of its own for "is missing". Solved by Newton's method; λ > 0 makes the minimum unique and
//! finite, also where classes separate. Where there are many rows the search starts at the optimum of a sixteenth of them, which saves
//! most of the passes and all but one computation of the curvature.
//!
//! Standard errors are those of the penalised estimate, `H_λ⁻¹ H H_λ⁻¹` with `H` the curvature of the likelihood alone.
//!
//! | name        | shape      | unit                                              |
//! |-------------|------------|---------------------------------------------------|
//! | terms       | `(n_terms)`| logit per standard deviation of the column         |
//! | probability | `(n_rows)` | strictly inside `0..1`                            |
//!
//! A pass costs `n p²` multiplications, three to seven passes; memory `256 p` numbers a thread and `p²` a chunk of 16,384 rows. Sums run over these
//! fixed chunks in order. Source: le Cessie and van Houwelingen, "Ridge Estimators in Logistic Regression", Applied Statistics 41 (1992),
//! section 2; Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd ed., 4.4.1.

mod newton;

use rayon::prelude::*;

use self::newton::Problem;
use super::sample::{FitError, Matrix, Sample};

/// Rows whose sums are one addend: a fixed size, so that threads change nothing.
const CHUNK: usize = 16_384;
/// Rows standardised at a time: with sixty terms they stay in the second cache.
const BLOCK: usize = 256;
/// With more chunks than this the search starts on every sixteenth of them.
const CHUNKS_FOR_WARM_START: usize = 32;
const WARM_START_STRIDE: usize = 16;
/// Keeps the minimum unique.
const LEAST_PENALTY: f64 = 1e-9;
const LARGEST_PENALTY: f64 = 1e15;
/// Logits are cut here so that no probability is 0 or 1.
const LARGEST_LOGIT: f64 = 30.0;

/// What shapes the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Params {
    /// λ, in rows; at least `1e-9`.
    pub penalty: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { penalty: 1.0 }
    }
}

/// One coefficient.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Position of the column.
    pub column: usize,
    /// Whether the term is the column's "is missing" instead of its value.
    pub of_missing: bool,
    /// Mean of the term over the sample.
    pub mean: f64,
    /// One over the standard deviation over the sample; zero where the term does not vary.
    pub scale: f64,
    /// Change of the logit per standard deviation.
    pub coefficient: f64,
    pub standard_error: f64,
}

impl Term {
    fn standardised(&self, cell: Option<f32>) -> f64 {
        let value = match (self.of_missing, cell) {
            (false, Some(value)) => f64::from(value),
            (false, None) => return 0.0,
            (true, cell) => f64::from(u8::from(cell.is_none())),
        };
        (value - self.mean) * self.scale
    }
}

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedLogistic {
    /// Logit of a customer who is average in everything.
    pub intercept: f64,
    pub terms: Vec<Term>,
    /// Passes over all rows.
    pub n_passes: usize,
}

/// Fits the regression.
///
/// # Errors
/// Where the sample has one class only or is not one (see [`Sample::masses`]).
pub fn fit(sample: &Sample<'_>, params: Params) -> Result<FittedLogistic, FitError> {
    let (positive, negative) = sample.masses()?;
    let mut terms = standardised_terms(sample);
    let n = terms.len() + 1;
    // A penalty that is not a number is the least one.
    let wanted = if params.penalty.is_nan() { LEAST_PENALTY } else { params.penalty };
    let penalty = wanted.clamp(LEAST_PENALTY, LARGEST_PENALTY);
    let mut beta = vec![0.0; n];
    beta[0] = (positive / negative).ln();
    let n_chunks = sample.label.len().div_ceil(CHUNK);
    let is_near = n_chunks > CHUNKS_FOR_WARM_START;
    if is_near {
        let problem = Problem { sample, terms: &terms, penalty, stride: WARM_START_STRIDE, is_near: false };
        beta = problem.minimise(beta).beta;
    }
    let found = Problem { sample, terms: &terms, penalty, stride: 1, is_near }.minimise(beta);
    for (term, at) in terms.iter_mut().zip(1..) {
        term.coefficient = found.beta[at];
        term.standard_error = found.standard_errors[at];
    }
    Ok(FittedLogistic { intercept: found.beta[0], terms, n_passes: found.n_passes })
}

impl FittedLogistic {
    /// Returns the probability of the event for every row; columns as in the sample.
    pub fn probabilities(&self, features: &Matrix) -> Vec<f64> {
        let mut logits = vec![self.intercept; features.n_rows()];
        logits.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, logits)| {
            let mut block = [0.0; BLOCK];
            for (part, logits) in logits.chunks_mut(BLOCK).enumerate() {
                let from = chunk * CHUNK + part * BLOCK;
                for term in &self.terms {
                    let cells = &mut block[..logits.len()];
                    standardise(term, features, from, cells);
                    logits.iter_mut().zip(cells).for_each(|(logit, x)| *logit += term.coefficient * *x);
                }
                logits.iter_mut().for_each(|logit| *logit = probability(*logit));
            }
        });
        logits
    }

    /// Writes how much each column moves the logit of a row away from that of the average customer.
    pub fn explain(&self, features: &Matrix, row: usize, contributions: &mut [f64]) {
        contributions.fill(0.0);
        for term in &self.terms {
            if let (Some(column), Some(sum)) = (features.columns().get(term.column), contributions.get_mut(term.column))
            {
                *sum += term.coefficient * term.standardised(column.get(row));
            }
        }
    }
}

/// Returns the probability at a logit, strictly inside `0..1`.
pub fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit.clamp(-LARGEST_LOGIT, LARGEST_LOGIT)).exp())
}

/// Returns the probability at the mean of the logits of two models for every row.
pub fn blend(first: &[f64], second: &[f64]) -> Vec<f64> {
    let logit = |p: f64| (p / (1.0 - p)).ln().clamp(-LARGEST_LOGIT, LARGEST_LOGIT);
    first.iter().zip(second).map(|(first, second)| probability(0.5 * (logit(*first) + logit(*second)))).collect()
}

/// Value term and, where cells are missing, "is missing" term of every column, with mean and scale over the sample.
fn standardised_terms(sample: &Sample<'_>) -> Vec<Term> {
    let moments = |column: usize| {
        let cells = &sample.features.columns()[column];
        let (mut known, mut missing, mut sum) = (0.0, 0.0, 0.0);
        for row in 0..cells.len() {
            let weight = sample.weight_of(row);
            match cells.get(row) {
                Some(value) => (known, sum) = (known + weight, sum + weight * f64::from(value)),
                None => missing += weight,
            }
        }
        let mean = if known > 0.0 { sum / known } else { 0.0 };
        let squares = |row| {
            let distance = f64::from(cells.get(row).unwrap_or_default()) - mean;
            sample.weight_of(row) * distance * distance
        };
        let squares: f64 = (0..cells.len()).filter(|row| cells.get(*row).is_some()).map(squares).sum();
        let all = known + missing;
        // A spread that is rounding of the mean is none.
        let scale = |variance: f64, mean: f64| {
            let sd = variance.sqrt();
            if sd > 1e-9 * mean.abs() && sd > 0.0 { 1.0 / sd } else { 0.0 }
        };
        let term = |of_missing, mean, variance| {
            let scale = scale(variance, mean);
            Term { column, of_missing, mean, scale, coefficient: 0.0, standard_error: 0.0 }
        };
        let share = missing / all;
        let value = term(false, mean, squares / all);
        if missing > 0.0 { vec![value, term(true, share, share * (1.0 - share))] } else { vec![value] }
    };
    let columns: Vec<Vec<Term>> = (0..sample.features.columns().len()).into_par_iter().map(moments).collect();
    columns.into_iter().flatten().collect()
}

/// Writes the standardised cells of a run of rows.
fn standardise(term: &Term, features: &Matrix, from: usize, cells: &mut [f64]) {
    let Some(column) = features.columns().get(term.column) else { return cells.fill(0.0) };
    match column.parts() {
        (values, None) if !term.of_missing => {
            let values = &values[from..from + cells.len()];
            cells.iter_mut().zip(values).for_each(|(x, value)| *x = (f64::from(*value) - term.mean) * term.scale);
        }
        _ => cells.iter_mut().zip(from..).for_each(|(x, row)| *x = term.standardised(column.get(row))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws from a linear congruential generator, the same in any language.
    fn draws() -> impl FnMut() -> f64 {
        let mut state = 12_345_u64;
        move || {
            state = (1_103_515_245 * state + 12_345) % (1 << 31);
            state as f64 / f64::from(1_u32 << 31)
        }
    }

    /// A skewed number, a flag, and a number that is missing where it would be largest.
    fn example(n: usize) -> (Matrix, Vec<bool>, Vec<f64>) {
        let mut draw = draws();
        let (mut columns, mut label) = ([const { Vec::new() }; 3], Vec::new());
        for _ in 0..n {
            let (a, b, c) = (draw(), draw(), draw());
            let skewed = f64::from(-(1.0 - a).ln() as f32);
            let flag = f64::from(u8::from(b < 0.3));
            columns[0].push(Some(skewed));
            columns[1].push(Some(flag));
            columns[2].push((c <= 0.9).then_some(100.0 * c));
            label.push(draw() < 1.0 / (1.0 + (-(skewed - 1.5 * flag - 0.5)).exp()));
        }
        let mut features = Matrix::new(n);
        columns.into_iter().for_each(|column| features.push(column));
        (features, label, (0..n).map(|i| f64::from(1 + i as u32 % 3)).collect())
    }

    fn close(actual: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(actual.len(), expected.len());
        for (actual, expected) in actual.iter().zip(expected) {
            assert!((actual - expected).abs() < tolerance, "{actual} is not {expected}");
        }
    }

    /// Coefficients by scikit-learn 1.9.1, `LogisticRegression(C = 1/penalty)` on columns filled with their weighted mean, a column for
    /// "is missing" beside them, all standardised; errors from its curvature.
    #[test]
    fn agrees_with_scikit_learn() {
        let (features, label, weight) = example(400);
        let sample = Sample { features: &features, label: &label, weight: Some(&weight) };
        let check = |penalty, coefficients: [f64; 5], errors: [f64; 4], first: [f64; 2]| {
            let fitted = fit(&sample, Params { penalty }).unwrap();
            let found: Vec<f64> =
                std::iter::once(fitted.intercept).chain(fitted.terms.iter().map(|term| term.coefficient)).collect();
            close(&found, &coefficients, 1e-7);
            let found: Vec<f64> = fitted.terms.iter().map(|term| term.standard_error).collect();
            close(&found, &errors, 1e-6);
            close(&fitted.probabilities(&features)[..2], &first, 1e-7);
        };
        check(
            1.0,
            [0.02361616, 0.86623015, -0.5821698, 0.01988505, -0.09323207],
            [0.10113329, 0.082064, 0.07737775, 0.07619506],
            [0.66527606, 0.57615303],
        );
        check(
            100.0,
            [-0.00878223, 0.45820957, -0.33880766, -0.00485144, -0.06339847],
            [0.04909995, 0.04783615, 0.04764925, 0.04760121],
            [0.58745992, 0.53920442],
        );
    }

    /// Coefficients by linfa-logistic 0.8.1, `alpha(penalty)`, tolerance 1e-10, on the same columns without weights; signs are those of the event.
    #[test]
    fn agrees_with_linfa() {
        let (features, label, _) = example(400);
        let sample = Sample { features: &features, label: &label, weight: None };
        for (penalty, coefficients) in [
            (1.0, [0.00902433, 0.77604002, -0.5564127, 0.04740626, -0.10626029]),
            (100.0, [-0.01746434, 0.31168315, -0.24806952, 0.00158806, -0.04737926]),
        ] {
            let fitted = fit(&sample, Params { penalty }).unwrap();
            let found: Vec<f64> =
                std::iter::once(fitted.intercept).chain(fitted.terms.iter().map(|term| term.coefficient)).collect();
            close(&found, &coefficients, 1e-6);
        }
    }

    #[test]
    fn contributions_add_up_to_the_logit() {
        let (features, label, _) = example(400);
        let fitted = fit(&Sample { features: &features, label: &label, weight: None }, Params::default()).unwrap();
        let probabilities = fitted.probabilities(&features);
        let mut contributions = [0.0; 3];
        for (row, p) in probabilities.iter().enumerate() {
            fitted.explain(&features, row, &mut contributions);
            let logit = fitted.intercept + contributions.iter().sum::<f64>();
            assert!((probability(logit) - p).abs() < 1e-14);
        }
    }

    #[test]
    fn a_blend_lies_halfway_in_logits_and_is_never_certain() {
        close(&blend(&[0.2, 0.9, 1.0], &[0.8, 0.9, 0.0]), &[0.5, 0.9, 0.5], 1e-12);
        assert!(blend(&[1.0, 0.0], &[1.0, 0.0]).iter().all(|p| *p > 0.0 && *p < 1.0));
    }

    #[test]
    fn separated_classes_constants_and_extremes_have_a_finite_fit() {
        let label: Vec<bool> = (0..300).map(|i| i >= 150).collect();
        let mut features = Matrix::new(300);
        features.push((0..300).map(|i| Some(f64::from(i))));
        features.push((0..300).map(|_| Some(0.1)));
        features.push((0..300).map(|_| None));
        features.push((0..300).map(|i| Some(if i == 7 { 1e30 } else { 1e-30 })));
        let fitted =
            fit(&Sample { features: &features, label: &label, weight: None }, Params { penalty: 1e-6 }).unwrap();
        assert!(fitted.terms.iter().all(|term| term.coefficient.is_finite() && term.standard_error.is_finite()));
        let probabilities = fitted.probabilities(&features);
        assert!(probabilities.iter().zip(&label).all(|(p, label)| *p > 0.0 && *p < 1.0 && (*p > 0.5) == *label));
    }

    /// Also where the search starts at the optimum of a part.
    #[test]
    fn many_rows_give_the_same_bits_on_any_number_of_threads() {
        let (features, label, _) = example((CHUNKS_FOR_WARM_START + 1) * CHUNK + 5);
        let sample = Sample { features: &features, label: &label, weight: None };
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&sample, Params::default()).unwrap())
        };
        let fitted = on(1);
        assert_eq!(fitted, on(3));
        assert!(fitted.n_passes <= 6, "{}", fitted.n_passes);
        // The truth of the example, by standard deviation; four standard errors are beyond doubt.
        for (term, truth) in fitted.terms.iter().zip([1.0, -1.5, 0.0, 0.0]) {
            assert!((term.coefficient * term.scale - truth).abs() < 4.0 * term.standard_error * term.scale);
        }
    }
}
