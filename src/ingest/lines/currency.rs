//! One currency a run: a second one needs a rate.

use std::collections::BTreeMap;

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

/// Returns the rate of each currency code in use; nothing where no conversion is needed. Case does not count.
pub(super) fn rates_per_code(codes: &[&str], currency: &Currency) -> Result<Vec<Option<f64>>, CurrencyError> {
    let mut used: Vec<String> = codes.iter().map(|code| code.to_uppercase()).collect();
    used.sort_unstable();
    used.dedup();
    let n = used.len();
    let listed = || used.join("`, `");
    let base = match &currency.code {
        Some(code) => code.as_str(),
        None if n < 2 => return Ok(vec![None; codes.len()]),
        None => return Err(CurrencyError::NoBase { n, codes: listed() }),
    };
    let rate =
        |code: &str| currency.rates.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, rate)| *rate);
    codes
        .iter()
        .map(|code| match rate(code) {
            _ if code.eq_ignore_ascii_case(base) => Ok(None),
            Some(rate) => Ok(Some(rate)),
            None => Err(CurrencyError::NoRate { n, codes: listed(), missing: code.to_uppercase() }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_currency_needs_no_rate_and_a_second_one_does() {
        let euro = Currency { code: Some("EUR".into()), rates: BTreeMap::from([("USD".to_owned(), 0.9)]) };
        let rates = rates_per_code;
        assert_eq!(rates(&["EUR"], &Currency::default()), Ok(vec![None]));
        assert_eq!(rates(&["EUR", "eur"], &Currency::default()), Ok(vec![None, None]));
        assert_eq!(rates(&["EUR", "USD", "usd"], &euro), Ok(vec![None, Some(0.9), Some(0.9)]));
        assert!(rates(&["CHF", "EUR"], &euro).is_err());
        assert!(rates(&["EUR", "USD"], &Currency::default()).is_err());
    }
}
