//! How many customers the next campaign needs, by what the base did in the last days without it.
//!
//! Customers with a purchase before the window are those that a campaign could be sent to; mean and spread of their outcomes in the last `days` days stand
//! for those of the control group. What was known before the window takes noise out where it is asked for.

use super::effect::{Summary, cuped};
use super::sample::needed_in_all;
use super::trial::outcomes;
use super::{MeasureError, Prior, Request, leave_out, window};
use crate::publish::OutputLock;
use crate::run::{Job, Observer, Surroundings, load};
use crate::units::MONEY_SCALE;

/// Shares of the customers that are kept as control: halves need the fewest customers, a tenth is usual.
const CONTROL_SHARES: [f64; 3] = [0.5, 0.2, 0.1];

/// Customers that an outcome needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub outcome: String,
    pub is_share: bool,
    /// Of the base in the last days.
    pub past: Summary,
    /// Share of the variance that is left where what was known before is taken out.
    pub variance_left: f64,
    /// In the unit of the outcome; nothing where it is relative and the mean is not above zero.
    pub effect: Option<f64>,
    /// Share of control and customers in all.
    pub needed: Vec<(f64, Option<u64>)>,
}

/// Plans the next campaign; nothing is written.
///
/// # Errors
/// Fails where the base cannot be read, or holds nobody who bought before the last days.
pub fn plan(
    mut job: Job,
    request: &Request,
    surroundings: Surroundings,
    observer: &dyn Observer,
) -> Result<Vec<Planned>, MeasureError> {
    if job.transactions.is_none() {
        return Err(MeasureError::NoTransactions);
    }
    leave_out(&mut job);
    job.assignments = None;
    job.responses = None;
    let _lock = OutputLock::take(&job.output)?;
    let loaded = load(&job, surroundings, observer)?;
    let (data, as_of) = (&loaded.data, loaded.data.as_of.0);
    let eve = as_of - request.days as i32;
    let customers: Vec<u32> = (0..data.n_customers() as u32)
        .filter(|customer| window::before(data, *customer, eve).first_day.is_some())
        .collect();
    if customers.len() < 2 {
        return Err(MeasureError::NoPast { days: request.days });
    }
    let spends: Vec<_> = customers.iter().map(|customer| window::spend(data, *customer, eve, as_of, as_of)).collect();
    let known: Option<Vec<f64>> = match &request.prior {
        None => None,
        Some(Prior::Column(name)) => return Err(MeasureError::NoPrior { asked: name.clone() }),
        Some(Prior::Days(days)) => {
            let before = |customer: &u32| window::spend(data, *customer, eve.saturating_sub(*days as i32), eve, eve);
            Some(customers.iter().map(|customer| before(customer).revenue as f64 / MONEY_SCALE as f64).collect())
        }
    };
    let measured = outcomes(&spends).into_iter().filter(|outcome| !outcome.values.is_empty());
    let planned = measured.map(|outcome| {
        let past = Summary::of(&outcome.values);
        let left = known.as_ref().and_then(|known| Some(cuped(&[(&outcome.values, known)])?.1)).unwrap_or(1.0);
        let effect = request.effect.of(outcome.is_share, past.mean);
        let in_all = |share: f64| needed_in_all(past.variance? * left, effect?, share);
        Planned {
            outcome: outcome.name,
            is_share: outcome.is_share,
            past,
            variance_left: left,
            effect,
            needed: CONTROL_SHARES.iter().map(|share| (*share, in_all(*share))).collect(),
        }
    });
    Ok(planned.collect())
}
