//! Leak guard: attributes that know what they could not have known; the same for purchases, contracts and responses.
//!
//! An attribute that was overwritten after the fact, such as a status or the date of the last order as of today, tells the label almost by itself. Each
//! is fitted alone, all columns of it and their missing cells together, numbers also by the log odds of some twenty bins, so that a code gives itself
//! away whatever its order. Its AUC on the rows themselves is taken, less 1.96 standard errors, so
//! that few events raise no false alarm. It is left out
//!
//! * where that is above 0.98: nothing that was known before says so much of what came after;
//! * where it is above 0.90 and the AUC more than 0.15 above that of everything that is read as of the cut.
//!
//! What is read as of the cut, of purchases and of how long a contract has run, needs no guard. With fewer than 20 events or others nothing is said.
//! Cost: one small fit a source, nothing where no attribute is learnt from. Source of the symptom: Kaufman, Rosset and Perlich, "Leakage in Data
//! Mining", KDD 2011, section 4; the `duration` of the bank marketing data set lifts the AUC from 0.80 to 0.95.

use rayon::prelude::*;

use super::delong;
use super::features::{Feature, Subject};
use super::logistic;
use super::sample::{Matrix, Sample};
use crate::table::Nullable;

/// AUC of a single source that is beyond belief.
const BEYOND_BELIEF: f64 = 0.98;

/// AUC that is too good where nothing else comes near it.
const TOO_GOOD: f64 = 0.90;
const FAR_ABOVE: f64 = 0.15;

/// Standard errors below an AUC that it is believed to be above.
const DOUBT: f64 = 1.96;
/// Events, and others, below which a column may tell them apart by accident.
const LEAST_OF_CLASS: usize = 20;

/// Bins of a number in each class.
const BINS: usize = 10;

/// What one or several columns are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    pub name: &'a str,
    /// Whether it may have been written after the fact.
    pub is_attribute: bool,
}

/// An attribute that knows the future.
#[derive(Debug, Clone, PartialEq)]
pub struct Leak {
    pub name: String,
    pub auc: f64,
}

/// Finds the attributes that tell the label by themselves.
///
/// What is read from purchases before the cut cannot know what came after it: it is what attributes are held against.
pub fn find<'a>(features: &[&'a Feature], matrix: &Matrix, label: &[bool]) -> Vec<Leak> {
    let mut subjects: Vec<(Subject, &str)> = Vec::new();
    let mut source_of = Vec::with_capacity(features.len());
    for feature in features {
        let subject = (feature.subject, feature.name.as_str());
        if subjects.last() != Some(&subject) {
            subjects.push(subject);
        }
        source_of.push(subjects.len() - 1);
    }
    let source =
        |(subject, name): &(Subject, &'a str)| Source { name, is_attribute: matches!(subject, Subject::Attribute(_)) };
    among(&subjects.iter().map(source).collect::<Vec<_>>(), &source_of, matrix, label)
}

/// Finds the attributes that tell the label by themselves among sources; `source_of` says which one each column is read from.
pub fn among(sources: &[Source<'_>], source_of: &[usize], matrix: &Matrix, label: &[bool]) -> Vec<Leak> {
    let n_events = label.iter().filter(|label| **label).count();
    let is_enough = n_events.min(label.len() - n_events) >= LEAST_OF_CLASS;
    if !is_enough || sources.iter().all(|source| !source.is_attribute) {
        return vec![];
    }
    let alone = |ix: usize| {
        let mut columns = matrix.only(|column| source_of[column] == ix);
        if sources[ix].is_attribute {
            let binned: Vec<_> =
                columns.columns().iter().filter_map(|column| log_odds_of_bins(column, label)).collect();
            binned.into_iter().for_each(|log_odds| columns.push(log_odds));
        }
        let sample = Sample { features: &columns, label, weight: None };
        let fitted = logistic::fit(&sample, logistic::Params::default()).ok()?;
        Some((ix, delong::auc(&fitted.probabilities(&columns), label)?))
    };
    let all: Vec<(usize, delong::Estimate)> = (0..sources.len()).into_par_iter().filter_map(alone).collect();
    let (attributes, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|(ix, _)| sources[*ix].is_attribute);
    let best_own = own.iter().map(|(_, auc)| auc.value).fold(0.5, f64::max);
    let knows = |auc: &delong::Estimate| {
        let at_least = auc.value - DOUBT * auc.standard_error;
        at_least > BEYOND_BELIEF || (at_least > TOO_GOOD && auc.value > best_own + FAR_ABOVE)
    };
    let leaks = attributes.into_iter().filter(|(_, auc)| knows(auc));
    leaks.map(|(ix, auc)| Leak { name: sources[ix].name.to_owned(), auc: auc.value }).collect()
}

/// Returns for each row the log odds of the bin of its value, where a number falls into three bins or more; of two a straight line says the same.
///
/// Bins begin at the deciles of those with the event and of those without, and after a value that holds a tenth of either: then it has its own.
fn log_odds_of_bins(values: &Nullable<f32>, label: &[bool]) -> Option<Vec<Option<f64>>> {
    let mut edges = Vec::new();
    for class in [true, false] {
        let of_class = values.iter().zip(label).filter(|(_, label)| **label == class);
        let mut own: Vec<f32> = of_class.filter_map(|(value, _)| value).collect();
        own.sort_unstable_by(f32::total_cmp);
        let deciles = (0..=BINS).filter_map(|part| own.get(part * (own.len().saturating_sub(1)) / BINS).copied());
        let deciles: Vec<f32> = deciles.collect();
        edges.extend(deciles.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].next_up()));
        edges.extend(deciles);
    }
    edges.sort_unstable_by(f32::total_cmp);
    edges.dedup();
    let bin = |value: f32| edges.partition_point(|edge| *edge <= value);
    // Rows, and those with the event.
    let mut counts = vec![[0_u32; 2]; edges.len() + 1];
    for (value, label) in values.iter().zip(label) {
        let Some(value) = value else { continue };
        let [n, n_events] = &mut counts[bin(value)];
        *n += 1;
        *n_events += u32::from(*label);
    }
    if counts.iter().filter(|[n, _]| *n > 0).count() < 3 {
        return None;
    }
    let log_odds = |[n, n_events]: [u32; 2]| {
        // Half a row more of each: no bin is certain.
        ((f64::from(n_events) + 0.5) / (f64::from(n - n_events) + 0.5)).ln()
    };
    Some(values.iter().map(|value| value.map(|value| log_odds(counts[bin(value)]))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::tests::Uniform;

    fn feature(name: &str, subject: Subject) -> Feature {
        Feature { name: name.to_owned(), subject, is_monotone: false }
    }

    const ATTRIBUTE: Subject = Subject::Attribute(0);

    /// Recency at the end of the horizon is at least the horizon for who is lost, and less for the others.
    #[test]
    fn recency_at_the_end_of_the_horizon_is_caught() {
        let mut random = Uniform(3);
        let recency: Vec<f64> = (0..2_000).map(|_| 365.0 * random.next()).collect();
        let label: Vec<bool> = recency.iter().map(|days| random.next() < 0.2 + 0.6 * days / 365.0).collect();
        let at_the_end: Vec<f64> = recency
            .iter()
            .zip(&label)
            .map(|(days, lost)| if *lost { days + 90.0 } else { 90.0 * random.next() })
            .collect();
        let mut matrix = Matrix::new(2_000);
        matrix.push(recency.iter().copied().map(Some));
        matrix.push(at_the_end.iter().copied().map(Some));
        let (known, leaking) = (feature("recency", Subject::Silence), feature("recency_at_the_end", ATTRIBUTE));
        let found = find(&[&known, &leaking], &matrix, &label);
        assert_eq!(found.iter().map(|leak| leak.name.as_str()).collect::<Vec<_>>(), ["recency_at_the_end"]);
        assert!(found[0].auc > BEYOND_BELIEF);
        // Half of it overwritten is still far above everything else.
        let half = at_the_end.iter().zip(&recency).enumerate();
        let half: Vec<f64> = half.map(|(ix, (end, known))| if ix % 4 == 0 { *known } else { *end }).collect();
        let mut matrix = Matrix::new(2_000);
        matrix.push(recency.iter().copied().map(Some));
        matrix.push(half.iter().copied().map(Some));
        let found = find(&[&known, &leaking], &matrix, &label);
        assert!(found.len() == 1 && found[0].auc < BEYOND_BELIEF, "{found:?}");
        // Two that know the same do not hide each other.
        let twin = feature("twin", Subject::Attribute(1));
        let mut both = Matrix::new(2_000);
        both.push(recency.iter().copied().map(Some));
        (0..2).for_each(|_| both.push(half.iter().copied().map(Some)));
        assert_eq!(find(&[&known, &leaking, &twin], &both, &label).len(), 2);
        // What purchases say is read as of the cut: it is believed.
        assert_eq!(find(&[&feature("overdue", Subject::Silence), &known], &matrix, &label), []);
    }

    /// A field that is only filled in for who stayed leaks by its blanks.
    #[test]
    fn what_is_missing_can_leak_as_well() {
        let label: Vec<bool> = (0..500).map(|row| row % 3 == 0).collect();
        let mut matrix = Matrix::new(500);
        matrix.push(label.iter().map(|lost| (!lost).then_some(1.0)));
        assert_eq!(find(&[&feature("next_visit", ATTRIBUTE)], &matrix, &label).len(), 1);
    }

    /// In the order of its numbers a code may say nothing; numbers by lot say nothing in bins either, of few events as of many.
    #[test]
    fn a_code_leaks_whatever_the_order_of_its_numbers() {
        let found = |n: usize, every: usize, cell: &mut dyn FnMut(usize, bool) -> f64| {
            let label: Vec<bool> = (0..n).map(|row| row % every == 0).collect();
            let mut matrix = Matrix::new(n);
            matrix.push(label.iter().enumerate().map(|(row, lost)| Some(cell(row, *lost))));
            find(&[&feature("status", ATTRIBUTE)], &matrix, &label).len()
        };
        // 1 active, 2 lost, 3 active; and a number between others.
        assert_eq!(found(2_000, 25, &mut |row, lost| if lost { 2.0 } else { [1.0, 3.0][row % 2] }), 1);
        let mut random = Uniform(5);
        assert_eq!(found(2_000, 25, &mut |_, lost| if lost { 0.5 } else { random.next() }), 1);
        for (n, every) in [(50, 2), (500, 20), (4_000, 2)] {
            assert_eq!(found(n, every, &mut |_, _| random.next()), 0);
        }
    }

    /// What is beyond belief of many events may be chance of few.
    #[test]
    fn few_events_raise_no_alarm() {
        let source = [Source { name: "reason", is_attribute: true }];
        let found = |n_events: usize, n_wrong: usize| {
            let label: Vec<bool> = (0..400).map(|row| row < n_events).collect();
            let mut matrix = Matrix::new(400);
            matrix.push((0..400).map(|row| Some(f64::from(u8::from((n_wrong..n_events + n_wrong).contains(&row))))));
            among(&source, &[0], &matrix, &label).len()
        };
        // AUC 0.96 and 0.94.
        assert_eq!([found(200, 8), found(25, 3)], [1, 0]);
        assert_eq!(found(19, 0), 0);
        assert_eq!(found(25, 0), 1);
    }
}
