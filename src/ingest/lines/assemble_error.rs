//! Why typed columns could not be put together to transactions.

use super::currency::CurrencyError;
use crate::diagnostic::codes;
use crate::ingest::IngestError;
use crate::units::Day;

/// What keeps lines from becoming transactions.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// Quarantined rows could not be read again.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// Amounts in several currencies cannot be added up.
    #[error("{0}")]
    Currency(#[from] CurrencyError),
    /// The as-of lies before every line.
    #[error("no transaction is dated on or before as-of {as_of}")]
    NothingBefore { as_of: Day },
    /// Every line was left out.
    #[error("no transaction is left: all {n_lines} lines were rejected or belong to customers who object to profiling")]
    NothingLeft { n_lines: usize },
}

impl AssembleError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ingest(error) => error.code(),
            Self::Currency(_) => codes::CURRENCIES,
            Self::NothingBefore { .. } => codes::NOTHING_BEFORE,
            Self::NothingLeft { .. } => codes::NOTHING_LEFT,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Ingest(error) => error.help(),
            Self::Currency(CurrencyError::NoBase { .. }) => {
                "name it under `[currency]`: `code = \"EUR\"`, and what one \
                 unit of each other currency is worth in it under `[currency.rates]`: `USD = 0.92`"
                    .to_owned()
            }
            Self::Currency(CurrencyError::NoRate { missing, .. }) => {
                format!("state under `[currency.rates]` what one unit is worth: `{missing} = …`")
            }
            Self::NothingBefore { .. } => {
                "check `as-of`, or leave it out: the last transaction then decides".to_owned()
            }
            Self::NothingLeft { .. } => "look at the rejects and at the objections in the customer export".to_owned(),
        }
    }
}
