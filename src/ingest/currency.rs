//! One currency a run: a second one needs a rate.

use std::collections::BTreeMap;

use crate::table::Ids;

/// What the pipeline says about currencies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Currency {
    /// Currency of all results.
    pub code: Option<String>,
    /// Value of one unit of another currency in `code`.
    pub rates: BTreeMap<String, f64>,
}

/// Why amounts cannot be added up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    #[error("the lines are in {n} currencies (`{codes}`), and the pipeline does not say in which one the results are")]
    NoBase { n: usize, codes: String },
    #[error("the lines are in {n} currencies (`{codes}`), and there is no rate for `{missing}`")]
    NoRate { n: usize, codes: String, missing: String },
}

/// Returns the rate of each currency code in the data; nothing where no conversion is needed.
pub(super) fn rates_per_code(codes: &Ids, currency: &Currency) -> Result<Vec<Option<f64>>, CurrencyError> {
    let listed = || codes.iter().collect::<Vec<_>>().join("`, `");
    let base = match (&currency.code, codes.len()) {
        (Some(code), _) => code.as_str(),
        (None, 0 | 1) => return Ok(vec![None; codes.len()]),
        (None, n) => return Err(CurrencyError::NoBase { n, codes: listed() }),
    };
    codes
        .iter()
        .map(|code| match currency.rates.get(code) {
            _ if code.eq_ignore_ascii_case(base) => Ok(None),
            Some(rate) => Ok(Some(*rate)),
            None => Err(CurrencyError::NoRate { n: codes.len(), codes: listed(), missing: code.to_owned() }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_currency_needs_no_rate_and_a_second_one_does() {
        let euro = Currency { code: Some("EUR".into()), rates: BTreeMap::from([("USD".to_owned(), 0.9)]) };
        assert_eq!(rates_per_code(&Ids::from_sorted(["EUR"]), &Currency::default()), Ok(vec![None]));
        assert_eq!(rates_per_code(&Ids::from_sorted(["EUR", "USD"]), &euro), Ok(vec![None, Some(0.9)]));
        assert!(rates_per_code(&Ids::from_sorted(["CHF", "EUR"]), &euro).is_err());
        assert!(rates_per_code(&Ids::from_sorted(["EUR", "USD"]), &Currency::default()).is_err());
    }
}
