//! Product master data, and which products are not merchandise.
//!
//! Postage, vouchers, deposits, fees and corrections are recognised by their id or by their name. Words that also name goods
//! (a carriage clock, a manual) count only where they are the whole name. The pipeline can name more and switch recognition off.

use super::columns::Columns;
use super::{NO_NUMBER, TypedTable};
use crate::table::{Ids, Products};
use crate::units::NONE_IX;

/// What the pipeline says about products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRules {
    /// Product ids that are not merchandise.
    pub not_merchandise: Vec<String>,
    /// Whether ids and names are looked at as well.
    pub recognise: bool,
    /// Whether what is not merchandise counts for revenue all the same.
    pub in_revenue: bool,
}

impl Default for ProductRules {
    fn default() -> Self {
        Self { not_merchandise: vec![], recognise: true, in_revenue: false }
    }
}

/// What a product table says.
#[derive(Debug, Clone, Default)]
pub struct ProductList {
    ids: Ids,
    name: Vec<String>,
    unit_cost: Vec<i64>,
}

/// Products of the run, and why some are not merchandise.
#[derive(Debug, Clone, Default)]
pub struct ProductFindings {
    pub products: Products,
    /// Ids that the pipeline names and the lines hold.
    pub named: Vec<String>,
    /// Ids recognised by themselves or by their name.
    pub recognised: Vec<String>,
}

impl ProductList {
    /// Reads a product table; of several rows with one id the first in byte order of name, then cost, counts.
    pub fn of(table: &TypedTable) -> Self {
        let columns = Columns::of(table);
        let (codes, ids) = (columns.codes("product_id"), columns.ids("product_id"));
        let cost = columns.decimals("unit_cost");
        let mut best: Vec<Option<(&str, i64)>> = vec![None; ids.len()];
        for (row, code) in codes.iter().enumerate().filter(|(_, code)| **code != NONE_IX) {
            let name = columns.text("name", row).unwrap_or_default();
            let entry = (name, cost.get(row).copied().unwrap_or(NO_NUMBER));
            let so_far = &mut best[*code as usize];
            *so_far = Some(so_far.map_or(entry, |known| known.min(entry)));
        }
        let (name, unit_cost) =
            best.into_iter().map(Option::unwrap_or_default).map(|(name, cost)| (name.to_owned(), cost)).unzip();
        Self { ids: ids.clone(), name, unit_cost }
    }

    /// Returns the unit cost of each product in millionths, [`NO_NUMBER`] where it is unknown.
    pub fn unit_costs(&self, products: &Ids) -> Vec<i64> {
        let cost = |id: &str| self.ids.position(id).map_or(NO_NUMBER, |ix| self.unit_cost[ix as usize]);
        products.iter().map(cost).collect()
    }
}

/// Describes the products of the lines; names come from the product table first, then from the lines.
pub fn describe(ids: &Ids, names: &[String], list: Option<&ProductList>, rules: &ProductRules) -> ProductFindings {
    let mut found = ProductFindings::default();
    for (ix, id) in ids.iter().enumerate() {
        let listed = list.and_then(|list| list.ids.position(id).map(|at| list.name[at as usize].as_str()));
        let from_lines = names.get(ix).map_or("", String::as_str);
        let name = listed.filter(|name| !name.is_empty()).unwrap_or(from_lines);
        let named = rules.not_merchandise.iter().any(|other| other == id);
        let recognised = !named && rules.recognise && is_not_merchandise(id, name);
        if named {
            found.named.push(id.to_owned());
        } else if recognised {
            found.recognised.push(id.to_owned());
        }
        found.products.name.push(name.to_owned());
        found.products.not_merchandise.push(named || recognised);
    }
    found
}

/// Ids that never are goods, compared in capitals.
const IDS: [&str; 24] = [
    "POST",
    "DOT",
    "POSTAGE",
    "SHIPPING",
    "CARRIAGE",
    "C2",
    "M",
    "D",
    "S",
    "B",
    "CRUK",
    "AMAZONFEE",
    "BANK CHARGES",
    "FEE",
    "VERSAND",
    "VERSANDKOSTEN",
    "PORTO",
    "FRACHT",
    "PFAND",
    "GUTSCHEIN",
    "RABATT",
    "VOUCHER",
    "DISCOUNT",
    "GIFTCARD",
];

/// Whole names that never are goods, in lower case.
const NAMES: [&str; 12] = [
    "manual",
    "carriage",
    "discount",
    "samples",
    "adjustment",
    "deposit",
    "commission",
    "rabatt",
    "fracht",
    "pfand",
    "gebühr",
    "fee",
];

/// Words and phrases that make any name one of these, in lower case.
const WORDS: [&str; 26] = [
    "postage",
    "shipping",
    "shipping cost",
    "delivery charge",
    "bank charges",
    "handling fee",
    "amazon fee",
    "cruk commission",
    "gift voucher",
    "voucher",
    "gift card",
    "adjust bad debt",
    "versand",
    "versandkosten",
    "versandpauschale",
    "porto",
    "frachtkosten",
    "gutschein",
    "geschenkgutschein",
    "geschenkkarte",
    "warengutschein",
    "pfandbetrag",
    "leergut",
    "mahngebühr",
    "bearbeitungsgebühr",
    "nachnahmegebühr",
];

fn is_not_merchandise(id: &str, name: &str) -> bool {
    let id = id.to_uppercase();
    let name = name.trim().to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let holds = |phrase: &str| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).any(|window| window == phrase)
    };
    // A stamp or a set is goods whatever else its name says.
    let is_goods = ["stamp", "stamps", "set", "card holder"].iter().any(|word| holds(word));
    IDS.contains(&id.as_str())
        || id.starts_with("GIFT_0001")
        || NAMES.contains(&name.as_str())
        || (!is_goods && WORDS.iter().any(|phrase| holds(phrase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postage_and_vouchers_are_recognised_and_goods_are_not() {
        for (id, name, expected) in [
            ("POST", "POSTAGE", true),
            ("DOT", "DOTCOM POSTAGE", true),
            ("gift_0001_20", "Dotcomgiftshop Gift Voucher £20.00", true),
            ("9001", "Versandkosten Österreich", true),
            ("9002", "GUTSCHEIN", true),
            ("M", "Manual", true),
            ("22423", "VICTORIAN CARRIAGE CLOCK", false),
            ("85099", "SET OF 3 POSTAGE STAMP BOXES", false),
            ("1", "Filterkaffee kräftig", false),
            ("PADS", "PADS TO MATCH ALL CUSHIONS", false),
        ] {
            assert_eq!(is_not_merchandise(id, name), expected, "{id} {name}");
        }
    }

    #[test]
    fn the_pipeline_can_name_more_and_switch_recognition_off() {
        let ids = Ids::from_sorted(["A1", "POST"]);
        let rules = ProductRules { not_merchandise: vec!["A1".into()], recognise: false, ..ProductRules::default() };
        let found = describe(&ids, &[], None, &rules);
        assert_eq!(found.products.not_merchandise, [true, false]);
        assert_eq!((found.named, found.recognised), (vec!["A1".to_owned()], vec![]));
    }
}
