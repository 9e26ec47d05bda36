//! Leak guard: attributes that know what they could not have known.
//!
//! An attribute that was overwritten after the fact, such as a status or the date of the last order as of today, tells the label almost by itself. Each
//! is fitted alone, all columns of it and their missing cells together, and its AUC on the rows themselves is taken. It is left out
//!
//! * where that is above 0.98: nothing that was known before says so much of what came after;
//! * where it is above 0.90 and more than 0.15 above that of everything that purchases say.
//!
//! What purchases say is read as of the cut and needs no guard. Cost: one small fit a feature, nothing where no attribute is learnt from. Source of the symptom: Kaufman, Rosset and Perlich, "Leakage in Data Mining", KDD 2011, section 4; the
//! `duration` of the bank marketing data set lifts the AUC from 0.80 to 0.95.

use rayon::prelude::*;

use super::features::{Feature, Subject};
use super::logistic;
use super::metrics;
use super::ranking::Ranking;
use super::sample::{Matrix, Sample};

/// AUC of a single feature that is beyond belief.
const BEYOND_BELIEF: f64 = 0.98;

/// AUC that is too good where nothing else comes near it.
const TOO_GOOD: f64 = 0.90;
const FAR_ABOVE: f64 = 0.15;

/// A feature that knows the future.
#[derive(Debug, Clone, PartialEq)]
pub struct Leak {
    pub name: String,
    pub auc: f64,
}

/// Finds the attributes that tell the label by themselves.
///
/// What is read from purchases before the cut cannot know what came after it: it is what attributes are held against.
pub fn find(features: &[&Feature], matrix: &Matrix, label: &[bool]) -> Vec<Leak> {
    if !features.iter().any(|feature| is_attribute(feature)) {
        return vec![];
    }
    let mut sources: Vec<(Subject, &str)> = Vec::new();
    for feature in features {
        let source = (feature.subject, feature.name.as_str());
        if sources.last() != Some(&source) {
            sources.push(source);
        }
    }
    let alone = |(subject, name): &(Subject, &str)| {
        let own: Vec<bool> =
            features.iter().map(|feature| feature.subject == *subject && feature.name == *name).collect();
        let mut columns = matrix.clone();
        columns.retain(&own);
        let sample = Sample { features: &columns, label, weight: None };
        let fitted = logistic::fit(&sample, logistic::Params::default()).ok()?;
        let ranking = Ranking::new(&fitted.probabilities(&columns), label, None)?;
        Some((*subject, Leak { name: (*name).to_owned(), auc: metrics::auc(&ranking) }))
    };
    let all: Vec<(Subject, Leak)> = sources.par_iter().filter_map(alone).collect();
    let (attributes, own): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(subject, _)| matches!(subject, Subject::Attribute(_)));
    let best_own = own.iter().map(|(_, leak)| leak.auc).fold(0.5, f64::max);
    let knows = |leak: &Leak| leak.auc > BEYOND_BELIEF || (leak.auc > TOO_GOOD && leak.auc > best_own + FAR_ABOVE);
    attributes.into_iter().map(|(_, leak)| leak).filter(knows).collect()
}

fn is_attribute(feature: &Feature) -> bool {
    matches!(feature.subject, Subject::Attribute(_))
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
}
