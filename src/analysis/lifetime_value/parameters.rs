//! A purchase model from its name and parameters: the way back from [`PurchaseModel::name`] and [`PurchaseModel::parameters`].
//!
//! Times are in the unit that they were given in, days for a fitted model. `O(1)`.
//!
//! [`PurchaseModel::name`]: super::models::PurchaseModel::name
//! [`PurchaseModel::parameters`]: super::models::PurchaseModel::parameters

use std::ops::RangeInclusive;

use super::models::bg_bb::BgBb;
use super::models::bg_nbd::BgNbd;
use super::models::cnbd::{Cnbd, MAX_K};
use super::models::mbg_nbd::MbgNbd;
use super::models::nbd::Nbd;
use super::models::pareto_nbd::ParetoNbd;
use super::purchases::{PurchaseKind, Purchases};

/// What no fit leaves: its bounds lie inside.
const POSSIBLE: RangeInclusive<f64> = 1e-7..=1e10;

impl PurchaseKind {
    /// Returns the model of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == name)
    }
}

impl Purchases {
    /// Builds a model of parameters by their symbols.
    ///
    /// # Errors
    /// Returns the symbol of a parameter that is missing or no fit can lead to, for `k` no whole number that is tried.
    pub fn of(kind: PurchaseKind, parameter: impl Fn(&str) -> Option<f64>) -> Result<Self, &'static str> {
        let positive = |symbol: &'static str| parameter(symbol).filter(|value| POSSIBLE.contains(value)).ok_or(symbol);
        // BG/BB has no rate, and the shape that it calls alpha stands first.
        let r = if kind == PurchaseKind::BgBb { 0.0 } else { positive("r")? };
        let alpha = positive("alpha")?;
        let cnbd = || Ok::<_, &'static str>((events(&parameter)?, positive("a")?, positive("b")?));
        Ok(match kind {
            PurchaseKind::Nbd => Self::Nbd(Nbd { r, alpha }),
            PurchaseKind::MbgNbd => Self::MbgNbd(MbgNbd { r, alpha, a: positive("a")?, b: positive("b")? }),
            PurchaseKind::BgNbd => Self::BgNbd(BgNbd { r, alpha, a: positive("a")?, b: positive("b")? }),
            PurchaseKind::ParetoNbd => {
                Self::ParetoNbd(ParetoNbd { r, alpha, s: positive("s")?, beta: positive("beta")? })
            }
            PurchaseKind::MbgCnbd => {
                let (k, a, b) = cnbd()?;
                Self::MbgCnbd(Cnbd { k, r, alpha, a, b })
            }
            PurchaseKind::BgCnbd => {
                let (k, a, b) = cnbd()?;
                Self::BgCnbd(Cnbd { k, r, alpha, a, b })
            }
            PurchaseKind::BgBb => {
                let (gamma, delta) = (positive("gamma")?, positive("delta")?);
                Self::BgBb(BgBb { alpha, beta: positive("beta")?, gamma, delta })
            }
        })
    }
}

fn events(parameter: impl Fn(&str) -> Option<f64>) -> Result<u32, &'static str> {
    let k = parameter("k").ok_or("k")?;
    (1..=MAX_K).find(|whole| f64::from(*whole) == k).ok_or("k")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: [(&str, f64); 9] = [
        ("k", 3.0),
        ("r", 0.7),
        ("alpha", 41.3),
        ("a", 0.4),
        ("b", 2.5),
        ("s", 0.6),
        ("beta", 310.0),
        ("gamma", 0.6),
        ("delta", 2.8),
    ];

    fn build(kind: PurchaseKind, changed: Option<(&str, Option<f64>)>) -> Result<Purchases, &'static str> {
        Purchases::of(kind, |symbol| match changed {
            Some((name, value)) if name == symbol => value,
            _ => GIVEN.into_iter().find(|(name, _)| *name == symbol).map(|(_, value)| value),
        })
    }

    #[test]
    fn every_model_comes_back_as_it_was() {
        for kind in PurchaseKind::ALL {
            let built = build(kind, None).unwrap();
            assert_eq!(PurchaseKind::named(built.formulas().name()), Some(kind));
            for parameter in built.formulas().parameters() {
                let given = GIVEN.into_iter().find(|(symbol, _)| *symbol == parameter.symbol);
                assert_eq!(given, Some((parameter.symbol, parameter.value)));
                for wrong in [None, Some(0.0), Some(-1.0), Some(1e300), Some(f64::INFINITY), Some(f64::NAN)] {
                    assert_eq!(build(kind, Some((parameter.symbol, wrong))), Err(parameter.symbol));
                }
            }
        }
        assert_eq!(build(PurchaseKind::MbgCnbd, Some(("k", Some(2.5)))), Err("k"));
        assert_eq!(PurchaseKind::named("mbg"), None);
    }
}
