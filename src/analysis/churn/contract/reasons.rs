//! Reasons: what raises the risk of a contract above that of the average one, as sentences with the contract's own figures.
//!
//! Contributions to the logit are summed by source, tenure or attribute, over its feature columns; up to three that raise the risk by a
//! tenth of a logit or more are told, the largest first, equal ones in the order of the pipeline.

use super::features::{number, text};
use super::windows::Window;
use crate::table::{Column, Values};
use crate::units::Language;

/// Reasons of a customer, at most.
const MOST: usize = 3;
/// Logits below which something is not worth a sentence.
const LEAST: f64 = 0.1;

/// A source of features, as it is told.
pub struct Source<'a> {
    /// Nothing for tenure.
    column: Option<&'a Column>,
    /// Mean over the running contracts, of numbers.
    mean: Option<f64>,
    language: Language,
}

impl<'a> Source<'a> {
    /// Tenure, then the attributes, with what they are like on average now.
    pub fn of(attributes: &[&'a Column], now: &Window, language: Language) -> Vec<Self> {
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let tenure: Vec<f64> = now.tenure.iter().map(|months| f64::from(*months)).collect();
        let attribute = |column: &&'a Column| {
            let known: Vec<f64> = match column.values {
                Values::Number(_) => now.entry.iter().filter_map(|entry| number(column, *entry)).collect(),
                _ => vec![],
            };
            Self { column: Some(column), mean: mean(&known), language }
        };
        std::iter::once(Self { column: None, mean: mean(&tenure), language })
            .chain(attributes.iter().map(attribute))
            .collect()
    }

    fn sentence(&self, entry: u32, tenure: u32) -> String {
        let german = self.language == Language::German;
        let Some(column) = self.column else {
            let others = self.mean.unwrap_or(f64::from(tenure));
            return match (german, tenure) {
                (false, 1) => format!("contract runs for 1 month, others for {others:.0}"),
                (false, _) => format!("contract runs for {tenure} months, others for {others:.0}"),
                (true, 1) => format!("Vertrag läuft seit 1 Monat, andere seit {others:.0}"),
                (true, _) => format!("Vertrag läuft seit {tenure} Monaten, andere seit {others:.0}"),
            };
        };
        let name = &column.name;
        let level = text(column, entry);
        let is = if german { "ist" } else { "is" };
        let on_average = if german { "im Mittel" } else { "on average" };
        match (number(column, entry), self.mean) {
            (Some(value), Some(mean)) => {
                format!("{name} {is} {}, {on_average} {}", self.shown(value), self.shown(mean))
            }
            (Some(value), None) => format!("{name} {is} {}", self.shown(value)),
            (None, _) if !level.is_empty() => format!("{name} {is} {level}"),
            (None, _) if german => format!("{name} ist nicht bekannt"),
            (None, _) => format!("{name} is not known"),
        }
    }

    /// Writes a number with two decimals, or without any where it is whole.
    fn shown(&self, value: f64) -> String {
        let text = format!("{value:.2}");
        match text.strip_suffix(".00") {
            Some(whole) => whole.to_owned(),
            None if self.language == Language::German => text.replace('.', ","),
            None => text,
        }
    }
}

/// Tells the largest contributions that raise the risk; one value a source.
pub fn sentences(by_source: &[f64], sources: &[Source<'_>], entry: u32, tenure: u32) -> Vec<String> {
    let mut up: Vec<(usize, f64)> = by_source.iter().copied().enumerate().filter(|(_, part)| *part >= LEAST).collect();
    // Stable: equal contributions stay in order.
    up.sort_by(|a, b| b.1.total_cmp(&a.1));
    up.into_iter().take(MOST).map(|(source, _)| sources[source].sentence(entry, tenure)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_parts_that_raise_the_risk_are_told() {
        let columns = [
            Column::new("Contract", Values::from_texts([Some("Month-to-month"), None])),
            Column::new("Charges", Values::Number([Some(95.5), None].into_iter().collect())),
            Column::new("Seats", Values::Number([Some(2.0), Some(4.0)].into_iter().collect())),
        ];
        let now = Window { entry: vec![0, 1], tenure: vec![1, 30], ..Window::default() };
        let told = Source::of(&columns.iter().collect::<Vec<_>>(), &now, Language::English);
        let found = sentences(&[0.3, 1.2, 0.05, -2.0], &told, 0, 1);
        assert_eq!(found, ["Contract is Month-to-month", "contract runs for 1 month, others for 16"]);
        let found = sentences(&[0.0, 0.2, 0.5, 0.2], &told, 1, 30);
        assert_eq!(found, ["Charges is not known", "Contract is not known", "Seats is 4, on average 3"]);
        assert_eq!(told[2].sentence(0, 1), "Charges is 95.50, on average 95.50");
        let told = Source::of(&columns.iter().collect::<Vec<_>>(), &now, Language::German);
        assert_eq!(told[2].sentence(0, 1), "Charges ist 95,50, im Mittel 95,50");
        assert_eq!(told[0].sentence(0, 1), "Vertrag läuft seit 1 Monat, andere seit 16");
    }
}
