//! Contracts and responses: what a base can consist of besides transactions, or without them.

use super::error::RunError;
use super::job::Job;
use crate::features::{Dataset, DatasetBuilder, GROUP_CUSTOMERS, Outline};
use crate::ingest::{Assembled, Reject, TypedTable, contacts, contracts, invoices, responses};
use crate::table::{Contracts, Customers, Ids, Responses};
use crate::units::{Day, NONE_IX};

use super::read::Inputs;

/// What was read of contracts and responses.
#[derive(Default)]
pub struct Further {
    pub contracts: Option<Contracts>,
    pub responses: Option<Responses>,
    pub rejects: Vec<Reject>,
    pub notes: Vec<String>,
}

impl Further {
    /// Reads both out of their typed columns.
    ///
    /// # Errors
    /// Fails where a table has no row that can be used.
    pub fn of(
        of_contracts: Option<&TypedTable>,
        of_responses: Option<&TypedTable>,
        job: &Job,
        as_of: Day,
        customers: Option<&Customers>,
    ) -> Result<Self, RunError> {
        let mut found = Self::default();
        let input = &job.settings.input;
        if let (Some(table), Some(settings)) = (of_contracts, &input.contracts) {
            let reading = contracts(table, &settings.source, settings.cancelled.as_deref(), as_of, customers)?;
            found.rejects.extend(reading.rejects);
            found.notes.extend(reading.notes);
            found.contracts = Some(reading.contracts);
        }
        if let (Some(table), Some(settings)) = (of_responses, &input.responses) {
            let (yes, control) = (settings.response.as_deref(), settings.control.as_deref());
            let reading = responses(table, &settings.source, yes, control, as_of, customers)?;
            found.rejects.extend(reading.rejects);
            found.notes.extend(reading.notes);
            found.responses = Some(reading.responses);
        }
        Ok(found)
    }
}

/// Returns the customers of contracts, responses and baskets, ascending: the base where there are no transactions.
pub fn customers_of(inputs: &Inputs) -> Ids {
    let of_contracts = inputs.contracts.iter().flat_map(|contracts| contracts.ids.iter());
    let of_responses = inputs.responses.iter().flat_map(|responses| responses.customer_ids.iter());
    let of_baskets = inputs.baskets.iter().flat_map(|baskets| baskets.customer_ids.iter());
    let mut ids: Vec<&str> = of_contracts.chain(of_responses).chain(of_baskets).collect();
    ids.sort_unstable();
    ids.dedup();
    Ids::from_sorted(ids)
}

/// Says what the base consists of, before its lines are looked at.
pub fn outline(job: &Job, inputs: &Inputs, lines: Option<&mut Assembled<'_>>) -> Outline {
    let (n_lines, has_cost) = lines.as_ref().map_or((0, false), |lines| (lines.n_lines, lines.has_cost));
    let has_discounts = lines.as_ref().is_some_and(|lines| lines.has_discounts);
    let (customer_ids, product_ids, channels) = match lines {
        Some(lines) => (
            std::mem::take(&mut lines.customer_ids),
            std::mem::take(&mut lines.product_ids),
            std::mem::take(&mut lines.channels),
        ),
        None => {
            let products = inputs.baskets.as_ref().map(|baskets| baskets.product_ids.clone());
            (customers_of(inputs), products.unwrap_or_default(), Ids::default())
        }
    };
    Outline {
        customer_ids,
        product_ids,
        products: inputs.products.products.clone(),
        as_of: inputs.as_of,
        n_lines,
        has_cost,
        channels,
        has_discounts,
        not_merchandise_in_revenue: job.product_rules.in_revenue,
    }
}

/// Adds customers who have no line.
pub fn without_lines(builder: &mut DatasetBuilder, n_customers: usize) {
    let groups: Vec<_> = (0..n_customers as u32)
        .step_by(GROUP_CUSTOMERS as usize)
        .map(|from| from..from.saturating_add(GROUP_CUSTOMERS).min(n_customers as u32))
        .collect();
    builder.add(&groups, |_, _| {});
}

/// Hands contracts, responses, contacts and invoices to the base; says which customers of the contracts are not in it.
pub fn join(data: &mut Dataset, inputs: &mut Inputs, job: &Job) {
    if let (Some(table), Some(settings)) = (inputs.contacts.take(), &job.settings.input.contacts) {
        data.contacts = contacts(&table, settings.complaints.as_deref(), &data.customer_ids);
    }
    if let Some(table) = inputs.invoices.take() {
        data.invoices = invoices(&table, &data.customer_ids);
    }
    if let Some(reading) = inputs.baskets.take() {
        let rank: Vec<u32> = reading.customer_ids.iter().filter_map(|id| data.customer_ids.position(id)).collect();
        data.baskets = reading.baskets(&data.products.not_merchandise, data.as_of);
        data.baskets.customer.iter_mut().for_each(|customer| {
            *customer = rank.get(*customer as usize).copied().unwrap_or(NONE_IX);
        });
    }
    data.contracts = inputs.contracts.take();
    data.responses = inputs.responses.take();
    let Some(contracts) = &data.contracts else { return };
    let n_other = contracts.ids.iter().filter(|id| data.customer_ids.position(id).is_none()).count();
    if n_other > 0 {
        inputs.notes.push(format!(
            "{n_other} of {} customers with a contract have no transaction: they teach the model but are not among the scores",
            contracts.ids.len()
        ));
    }
}
