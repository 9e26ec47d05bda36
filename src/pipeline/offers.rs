//! The keys of `[cross-sell]` that say how offers are made.

use super::definition::quoted;
use super::reader::Reader;
use super::shape::key;
use crate::analysis::cross_sell::offers::Params;

/// Reads them.
pub(super) fn offers(table: &mut Reader<'_, '_>) -> Params {
    let Params { horizon, repeat, repurchase_window, audience_size, language, .. } = Params::default();
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
    let size = key("audience-size", "Customers in each of these lists").unit("customers");
    Params {
        horizon: table.period(wanted_horizon.default(quoted(horizon)), false).unwrap_or(horizon),
        half_life: table.period(half_life.example(r#""180 days""#), false),
        repeat: table.flag(wanted_repeat.default(repeat.to_string())).unwrap_or(repeat),
        repurchase_window: table.period(window.default(quoted(repurchase_window)), false).unwrap_or(repurchase_window),
        per_category: table.whole(per_category.unit("products").example("1"), 1, 20),
        sensitive_categories: table.texts(sensitive.default("[]")).unwrap_or_default(),
        blocked_products: table.texts(blocked.default("[]")).unwrap_or_default(),
        audience_products: table.texts(audiences.default("[]")).unwrap_or_default(),
        audience_size: table.whole(size.default(audience_size.to_string()), 1, 10_000_000).unwrap_or(audience_size),
        language,
    }
}
