//! The keys of `[cross-sell]` that say how offers are made.

use super::definition::quoted;
use super::reader::Reader;
use super::shape::{Key, key};
use crate::analysis::cross_sell::offers::Params;
use crate::analysis::cross_sell::offers::budget::Budget;
use crate::diagnostic::{Diagnostic, codes};
use crate::units::MONEY_SCALE;

/// Reads them.
pub(super) fn offers(table: &mut Reader<'_, '_>) -> Params {
    let Params { horizon, repeat, repurchase_window, language, .. } = Params::default();
    let wanted_horizon =
        key("horizon", "How long an offer has to be taken up; probabilities are those of a purchase in this time");
    let half_life = key(
        "half-life",
        "Time in which a purchase loses half of its weight for offers; without it, the one that serves best in the past",
    );
    let wanted_repeat = key("repeat", "Whether a product that the customer has bought may be offered again");
    let window = key("repurchase-window", "How long after its purchase a product is not offered again");
    let per_category =
        key("offers-per-category", "Offers of one category for a customer at most; without it, as many as there are");
    let sensitive =
        key("sensitive-categories", "Categories whose products are never offered and never a reason for another offer");
    let blocked = key("blocked-products", "Ids of products that are never offered");
    let audiences = key("audience-products", "Ids of products whose best customers are listed in `offer_audiences`");
    Params {
        horizon: table.period(wanted_horizon.default(quoted(horizon)), false).unwrap_or(horizon),
        half_life: table.period(half_life.example(r#""180 days""#), false),
        repeat: table.flag(wanted_repeat.default(repeat.to_string())).unwrap_or(repeat),
        repurchase_window: table.period(window.default(quoted(repurchase_window)), false).unwrap_or(repurchase_window),
        per_category: table.whole(per_category.unit("products").example("1"), 1, 20),
        sensitive_categories: table.texts(sensitive.default("[]")).unwrap_or_default(),
        blocked_products: table.texts(blocked.default("[]")).unwrap_or_default(),
        audience_products: table.texts(audiences.default("[]")).unwrap_or_default(),
        budget: budget(table),
        language,
    }
}

/// Reads how long audiences are and what their contacts may cost.
fn budget(table: &mut Reader<'_, '_>) -> Budget {
    const BUDGET: &str = "audience-budget";
    let size = key(
        "audience-size",
        "Customers in each of these lists at most; without it 1,000, or as many as the budget pays for",
    );
    let cost = key(
        "contact-cost",
        "What it costs to contact a customer; with it the lists end where the expected margin no longer covers it",
    );
    let total = key(
        BUDGET,
        "What the contacts of all these lists together may cost; every customer is contacted once at most, for the product of the highest gain",
    );
    let minor = |major: f64| (major * MONEY_SCALE as f64).round() as i64;
    let money = |key: Key| key.unit("major currency units");
    let budget = Budget {
        size: table.whole(size.unit("customers").example("1000"), 1, 10_000_000),
        contact_cost: table.number(money(cost).example("0.85"), 0.01, 1e9).map(minor),
        total: table.number(money(total).example("2500"), 0.01, 1e12).map(minor),
    };
    if let (Some(total), None) = (table.raw(BUDGET), budget.contact_cost) {
        let title = "`cross-sell.audience-budget` needs `cross-sell.contact-cost`";
        let problem =
            Diagnostic::error(codes::CONTRADICTION, title).at(total.span(), "pays for contacts of unknown cost");
        table.note(problem.help("add what a contact costs, for example `contact-cost = 0.85`"));
    }
    budget
}
