//! Product master data, and which products are not merchandise.
//!
//! Postage, vouchers, deposits, fees and corrections are recognised by their id, or by a name that holds nothing else: a carriage clock
//! and a port wine are goods. The pipeline can name more and switch recognition off.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::columns::Columns;
use super::said::shapes;
use super::stock::in_stock;
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
    category: Vec<String>,
    unit_cost: Vec<i64>,
    in_stock: Vec<Option<bool>>,
    /// What a note says of cells of `in_stock` that could not be read.
    unread_stock: Option<String>,
}

/// Products of the run, and why some are not merchandise.
#[derive(Debug, Clone, Default)]
pub struct ProductFindings {
    pub products: Products,
    /// Ids that the pipeline names and the lines hold.
    pub named: Vec<String>,
    /// Ids recognised by themselves or by their name.
    pub recognised: Vec<String>,
    pub notes: Vec<String>,
}

impl ProductList {
    /// Reads a product table; of several rows with one id the first name and category in byte order and the
    /// lowest cost count; it can be had where one of them says so, as of several warehouses.
    pub fn of(table: &TypedTable) -> Self {
        let columns = Columns::of(table);
        let (codes, ids) = (columns.codes("product_id"), columns.ids("product_id"));
        let cost = columns.decimals("unit_cost");
        let (mut name, mut category) = (vec![String::new(); ids.len()], vec![String::new(); ids.len()]);
        let mut unit_cost = vec![NO_NUMBER; ids.len()];
        let (mut stock, mut unread) = (vec![None; ids.len()], Vec::new());
        for (row, code) in codes.iter().enumerate().filter(|(_, code)| **code != NONE_IX) {
            let ix = *code as usize;
            for (column, known) in [("name", &mut name[ix]), ("category", &mut category[ix])] {
                let text = columns.text(column, row).unwrap_or_default();
                if !text.is_empty() && (known.is_empty() || text < known.as_str()) {
                    text.clone_into(known);
                }
            }
            let cost = cost.get(row).copied().unwrap_or(NO_NUMBER);
            if cost != NO_NUMBER && (unit_cost[ix] == NO_NUMBER || cost < unit_cost[ix]) {
                unit_cost[ix] = cost;
            }
            let cell = columns.text("in_stock", row).unwrap_or_default();
            match in_stock(cell) {
                Some(now) => stock[ix] = Some(now || stock[ix] == Some(true)),
                None if cell.is_empty() => {}
                None => unread.push(cell),
            }
        }
        let unread_stock = (!unread.is_empty()).then(|| {
            format!(
                "products: {} cells of `in_stock` say neither how many there are nor yes or no (such as `{}`); these products are \
                 taken to be in stock",
                unread.len(),
                shapes(unread.iter().copied()).join("`, `")
            )
        });
        Self { ids: ids.clone(), name, category, unit_cost, in_stock: stock, unread_stock }
    }

    /// Returns the unit cost of each product in millionths, [`NO_NUMBER`] where it is unknown.
    pub fn unit_costs(&self, products: &Ids) -> Vec<i64> {
        let cost = |id: &str| self.ids.position(id).map_or(NO_NUMBER, |ix| self.unit_cost[ix as usize]);
        products.iter().map(cost).collect()
    }
}

/// Describes the products of the lines; names come from the product table first, then from the lines, categories from the table,
/// in one spelling each.
pub fn describe(ids: &Ids, names: &[String], list: Option<&ProductList>, rules: &ProductRules) -> ProductFindings {
    let mut found = ProductFindings::default();
    found.notes.extend(list.and_then(|list| list.unread_stock.clone()));
    for (ix, id) in ids.iter().enumerate() {
        let listed = list.and_then(|list| list.ids.position(id).map(|at| (list, at as usize)));
        let from_lines = names.get(ix).map_or("", String::as_str);
        let name =
            listed.map(|(list, at)| list.name[at].as_str()).filter(|name| !name.is_empty()).unwrap_or(from_lines);
        let named = rules.not_merchandise.iter().any(|other| other == id);
        let recognised = !named && rules.recognise && is_not_merchandise(id, name);
        if named {
            found.named.push(id.to_owned());
        } else if recognised {
            found.recognised.push(id.to_owned());
        }
        found.products.name.push(name.to_owned());
        found.products.category.push(listed.map_or_else(String::new, |(list, at)| list.category[at].clone()));
        found.products.not_merchandise.push(named || recognised);
        found.products.out_of_stock.push(listed.is_some_and(|(list, at)| list.in_stock[at] == Some(false)));
    }
    unite_spellings(&mut found.products.category);
    found
}

/// Gives categories that differ only in case and the blanks around them one spelling: that of most products, of equals the first in byte order.
fn unite_spellings(categories: &mut [String]) {
    let mut spellings: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for category in categories.iter().map(|category| category.trim()).filter(|category| !category.is_empty()) {
        *spellings.entry(category.to_lowercase()).or_default().entry(category).or_default() += 1;
    }
    let shown: BTreeMap<String, String> = spellings
        .into_iter()
        .filter_map(|(name, of_name)| {
            let (spelling, _) = of_name.into_iter().max_by_key(|(spelling, n)| (*n, Reverse(*spelling)))?;
            Some((name, spelling.to_owned()))
        })
        .collect();
    for category in categories {
        *category = shown.get(&category.trim().to_lowercase()).cloned().unwrap_or_default();
    }
}

/// Ids that never are goods, compared in capitals.
const IDS: [&str; 15] = [
    "POST",
    "DOT",
    "POSTAGE",
    "SHIPPING",
    "CARRIAGE",
    "CRUK",
    "AMAZONFEE",
    "BANK CHARGES",
    "VERSAND",
    "VERSANDKOSTEN",
    "PORTO",
    "FRACHT",
    "PFAND",
    "GUTSCHEIN",
    "VOUCHER",
];

/// Words of which a name of these must hold at least one, in lower case.
const CORE: [&str; 45] = [
    "postage",
    "shipping",
    "carriage",
    "delivery",
    "freight",
    "voucher",
    "vouchers",
    "discount",
    "deposit",
    "commission",
    "samples",
    "manual",
    "giftcard",
    "adjust",
    "adjustment",
    "charge",
    "charges",
    "fee",
    "fees",
    "versand",
    "versandkosten",
    "versandkostenpauschale",
    "versandpauschale",
    "porto",
    "portokosten",
    "fracht",
    "frachtkosten",
    "lieferkosten",
    "gutschein",
    "geschenkgutschein",
    "warengutschein",
    "geschenkkarte",
    "rabatt",
    "nachlass",
    "pfand",
    "pfandbetrag",
    "leergut",
    "gebühr",
    "gebühren",
    "mahngebühr",
    "mahngebühren",
    "bearbeitungsgebühr",
    "nachnahmegebühr",
    "rücklastschriftgebühr",
    "rücksendekosten",
];

/// Words that may stand beside them; any other word makes the name one of goods.
const BESIDE: [&str; 60] = [
    "gift",
    "card",
    "bank",
    "handling",
    "packaging",
    "next",
    "day",
    "bad",
    "debt",
    "cruk",
    "amazon",
    "dotcom",
    "dotcomgiftshop",
    "dhl",
    "dpd",
    "ups",
    "gls",
    "hermes",
    "fedex",
    "post",
    "express",
    "standard",
    "cost",
    "costs",
    "kosten",
    "pauschale",
    "verpackung",
    "inland",
    "ausland",
    "eu",
    "europa",
    "europe",
    "international",
    "national",
    "deutschland",
    "germany",
    "österreich",
    "austria",
    "schweiz",
    "switzerland",
    "uk",
    "de",
    "at",
    "ch",
    "und",
    "and",
    "for",
    "für",
    "inkl",
    "incl",
    "zzgl",
    "euro",
    "eur",
    "gbp",
    "usd",
    "chf",
    "mwst",
    "vat",
    "order",
    "bestellung",
];

fn is_not_merchandise(id: &str, name: &str) -> bool {
    let id = id.to_uppercase();
    let name = name.to_lowercase();
    let words = || name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    // Of the two words of a gift card neither says enough alone.
    let is_gift_card = words().zip(words().skip(1)).any(|pair| pair == ("gift", "card"));
    let is_core = |word: &str| CORE.contains(&word);
    let is_beside = |word: &str| BESIDE.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit());
    IDS.contains(&id.as_str())
        || id.starts_with("GIFT_0001")
        || ((is_gift_card || words().any(is_core)) && words().all(|word| is_core(word) || is_beside(word)))
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
            ("G50", "Gift Card 50 EUR", true),
            ("M", "Mütze", false),
            ("B", "Adjust bad debt", true),
            ("9003", "DHL Versandkosten Ausland (EU)", true),
            ("1", "Porto-Rotwein 0.75", false),
            ("2", "Versand und Lagerbox 40 l", false),
            ("3", "Shipping Forecast Tea Towel", false),
            ("b", "", false),
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

    #[test]
    fn spellings_of_a_category_are_one() {
        let check = |given: &[&str], expected: &[&str]| {
            let mut categories: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
            unite_spellings(&mut categories);
            assert_eq!(categories, expected);
        };
        check(&["Food ", "food", " food", "", "Tea"], &["food", "food", "food", "", "Tea"]);
        // As often as each other: the first in byte order.
        check(&["food", "FOOD", "Food", "  "], &["FOOD", "FOOD", "FOOD", ""]);
        check(&["Küche", "KÜCHE", "Küche"], &["Küche"; 3]);
    }

    #[test]
    fn categories_come_from_the_product_table_and_are_empty_where_it_says_nothing() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let list = ProductList {
            ids: Ids::from_sorted(["A1", "A2"]),
            name: texts(&["Tea", ""]),
            category: texts(&["Drinks", ""]),
            unit_cost: vec![NO_NUMBER; 2],
            in_stock: vec![Some(false), None],
            unread_stock: None,
        };
        let ids = Ids::from_sorted(["A1", "A2", "A3"]);
        let found = describe(&ids, &texts(&["Tee", "Cup", "Mug"]), Some(&list), &ProductRules::default());
        assert_eq!(found.products.name, ["Tea", "Cup", "Mug"]);
        assert_eq!(found.products.category, ["Drinks", "", ""]);
        assert_eq!(found.products.out_of_stock, [true, false, false]);
        assert_eq!(describe(&ids, &[], None, &ProductRules::default()).products.category, [""; 3]);
    }
}
