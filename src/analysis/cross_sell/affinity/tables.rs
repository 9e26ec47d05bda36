//! Affinities as tables.
//!
//! | table         | a row is                | order                                       |
//! |---------------|-------------------------|---------------------------------------------|
//! | `itemsets`, on request | a set of products or of categories | products first; by size, falling count |
//! | `rules`       | a rule of products or of categories (`level`) | products first; falling adjusted lift |
//! | `substitutes` | a pair that avoids each other | products first; rising p              |
//! | `sequences`   | a pair in its order     | rising p                                    |
//! | `up_sells`    | a step to a dearer product | rising p                                 |
//!
//! At the level of categories the columns of a product hold the name of the category, in id and name.

use super::super::super::SideTable;
use super::itemsets::{Kind, Node};
use super::levels::Level;
use super::matrix::BasketMatrix;
use super::measures::Counts;
use super::orders::Sequence;
use super::significance::Rule;
use super::substitutes::Substitute;
use super::{Affinities, Params};
use crate::table::{Column, ProductLabels, Values};
use crate::units::NONE_IX;

/// Returns all tables; those without a row as well.
pub(super) fn all(found: &Affinities, labels: &ProductLabels, params: &Params) -> Vec<SideTable> {
    let names = Names { labels, categories: &found.category_names };
    let itemsets = params.itemsets.map(|kind| itemsets(found, &names, kind));
    let others = vec![
        rules(found, &names, params),
        substitutes(found, &names),
        sequences("sequences", &found.orders.sequences, &names, vec![]),
        {
            let steps: Vec<Sequence> = found.up_sells.iter().map(|up_sell| up_sell.step).collect();
            let category =
                found.up_sells.iter().map(|up_sell| Some(found.category_names[up_sell.category as usize].as_str()));
            let money = |value: Vec<i64>| Values::Money(value.into());
            let further = vec![
                Column::new("category", Values::from_texts(category)),
                Column::new("price_first", money(found.up_sells.iter().map(|up_sell| up_sell.price_first).collect())),
                Column::new("price_then", money(found.up_sells.iter().map(|up_sell| up_sell.price_then).collect())),
            ];
            sequences("up_sells", &steps, &names, further)
        },
    ];
    itemsets.into_iter().chain(others).collect()
}

/// An item of either level by the code of its product or category.
#[derive(Clone, Copy)]
enum Item {
    Product(u32),
    Category(u32),
    None,
}

struct Names<'a> {
    labels: &'a ProductLabels,
    categories: &'a [String],
}

impl Names<'_> {
    /// Returns the columns of id and name.
    fn columns(&self, name: &str, items: &[Item]) -> [Column; 2] {
        let products = || {
            items.iter().map(|item| match item {
                Item::Product(product) => *product,
                _ => NONE_IX,
            })
        };
        let with_categories = |values: Values| {
            if !items.iter().any(|item| matches!(item, Item::Category(_))) {
                return values;
            }
            let Values::Text { codes, labels } = values else { return values };
            let text = |(item, code): (&Item, u32)| match item {
                Item::Category(category) => Some(self.categories[*category as usize].as_str()),
                _ => labels.get(code as usize).map(String::as_str),
            };
            Values::from_texts(items.iter().zip(codes).map(text))
        };
        [
            Column::new(name.to_owned(), with_categories(self.labels.ids(products()))),
            Column::new(format!("{name}_name"), with_categories(self.labels.names(products()))),
        ]
    }
}

/// The levels with what their items stand for.
fn levels(found: &Affinities) -> impl Iterator<Item = (&Level, fn(u32) -> Item)> {
    let products: (&Level, fn(u32) -> Item) = (&found.products, Item::Product);
    std::iter::once(products).chain(found.categories.iter().map(|level| (level, Item::Category as fn(u32) -> Item)))
}

fn level_column(n_products: usize, n_categories: usize) -> Column {
    let levels =
        std::iter::repeat_n(Some("product"), n_products).chain(std::iter::repeat_n(Some("category"), n_categories));
    Column::new("level", Values::from_texts(levels))
}

/// The sets that were counted on the way to the rules.
fn itemsets(found: &Affinities, names: &Names<'_>, kind: Kind) -> SideTable {
    let most = levels(found).map(|(level, _)| level.sets.levels.len()).max().unwrap_or(0);
    let mut items: Vec<Vec<Item>> = vec![Vec::new(); most];
    let (mut size, mut count, mut support) = (Vec::new(), Vec::new(), Vec::new());
    let mut n_of = [0, 0];
    let mut of_set = Vec::new();
    for ((level, item), n) in levels(found).zip(&mut n_of) {
        let is_wanted = level.sets.of_kind(kind);
        for at_size in 0..level.sets.levels.len() {
            let mut nodes: Vec<Node> =
                level.sets.nodes(at_size).filter(|node| is_wanted[node.level][node.at]).collect();
            nodes.sort_by_key(|node| std::cmp::Reverse(level.sets.count(*node)));
            for node in nodes {
                level.sets.items(node, &mut of_set);
                for (nth, column) in items.iter_mut().enumerate() {
                    let product = of_set.get(nth).map(|own| level.matrix.product[*own as usize]);
                    column.push(product.map_or(Item::None, item));
                }
                size.push(at_size as i64 + 1);
                count.push(i64::from(level.sets.count(node)));
                support.push(f64::from(level.sets.count(node)) / level.matrix.n_baskets().max(1) as f64);
                *n += 1;
            }
        }
    }
    let mut columns = vec![level_column(n_of[0], n_of[1])];
    for (nth, items) in items.iter().enumerate() {
        columns.extend(names.columns(&format!("item_{}", nth + 1), items));
    }
    columns.extend([
        Column::new("n_items", Values::Integer(size.into())),
        Column::new("n_baskets", Values::Integer(count.into())),
        Column::new("support", Values::Number(support.into())),
    ]);
    SideTable { name: "itemsets", columns }
}

fn rules(found: &Affinities, names: &Names<'_>, params: &Params) -> SideTable {
    let n_antecedents = params.max_items_per_rule.saturating_sub(1).max(1);
    let mut antecedents: Vec<Vec<Item>> = vec![Vec::new(); n_antecedents];
    let (mut consequents, mut list): (Vec<Item>, Vec<Rule>) = (Vec::new(), Vec::new());
    for (level, item) in levels(found) {
        let of = |matrix: &BasketMatrix, product: u32| (matrix.product[product as usize], item);
        for rule in &level.rules {
            let products = rule.candidate.antecedent_products(&level.sets, &level.matrix);
            for (nth, column) in antecedents.iter_mut().enumerate() {
                column.push(products.get(nth).map_or(Item::None, |product| item(*product)));
            }
            let (product, item) = of(&level.matrix, rule.candidate.consequent);
            consequents.push(item(product));
            list.push(*rule);
        }
    }
    let n_of_products = found.products.rules.len();
    let mut columns = vec![level_column(n_of_products, list.len() - n_of_products)];
    for (nth, items) in antecedents.iter().enumerate() {
        columns.extend(names.columns(&format!("antecedent_{}", nth + 1), items));
    }
    columns.extend(names.columns("consequent", &consequents));
    let counts = || list.iter().map(|rule| rule.candidate.counts);
    let integer = |value: fn(Counts) -> u32| {
        Values::Integer(counts().map(|counts| i64::from(value(counts))).collect::<Vec<_>>().into())
    };
    let number = |value: fn(Counts) -> f64| Values::Number(counts().map(value).collect::<Vec<_>>().into());
    let unsure = |value: fn(Counts) -> Option<f64>| Values::Number(counts().map(value).collect());
    let of_rule = |value: fn(&Rule) -> f64| Values::Number(list.iter().map(value).collect::<Vec<_>>().into());
    columns.extend([
        Column::new("n_baskets", integer(|counts| counts.n)),
        Column::new("n_antecedent", integer(|counts| counts.n_lhs)),
        Column::new("n_consequent", integer(|counts| counts.n_rhs)),
        Column::new("n_both", integer(|counts| counts.n_both)),
        Column::new("lift_adjusted", of_rule(Rule::lift_adjusted)),
        Column::new("expected", of_rule(|rule| rule.expected)),
        Column::new("p_value", of_rule(|rule| rule.p)),
        Column::new("q_value", of_rule(|rule| rule.q)),
        Column::new("improvement", of_rule(|rule| rule.improvement)),
        Column::new("support", number(Counts::support)),
        Column::new("confidence", number(Counts::confidence)),
        Column::new("lift", number(Counts::lift)),
        Column::new("leverage", number(Counts::leverage)),
        Column::new("conviction", unsure(Counts::conviction)),
        Column::new("cosine", number(Counts::cosine)),
        Column::new("jaccard", number(Counts::jaccard)),
        Column::new("kulczynski", number(Counts::kulczynski)),
        Column::new("zhang", unsure(Counts::zhang)),
        Column::new("chi_squared", unsure(Counts::chi_squared)),
        Column::new("fisher_p_value", number(Counts::fisher)),
    ]);
    SideTable { name: "rules", columns }
}

fn substitutes(found: &Affinities, names: &Names<'_>) -> SideTable {
    let (mut a, mut b, mut list) = (Vec::new(), Vec::new(), Vec::<Substitute>::new());
    for (level, item) in levels(found) {
        let mut of_level = level.substitutes.pairs.clone();
        of_level.sort_by(|x, y| x.p.total_cmp(&y.p).then((x.a, x.b).cmp(&(y.a, y.b))));
        a.extend(of_level.iter().map(|pair| item(pair.a)));
        b.extend(of_level.iter().map(|pair| item(pair.b)));
        list.extend(of_level);
    }
    let n_of_products = found.products.substitutes.pairs.len();
    let integer = |value: fn(&Substitute) -> u32| {
        Values::Integer(list.iter().map(|row| i64::from(value(row))).collect::<Vec<_>>().into())
    };
    let number = |value: fn(&Substitute) -> f64| Values::Number(list.iter().map(value).collect::<Vec<_>>().into());
    let mut columns = vec![level_column(n_of_products, list.len() - n_of_products)];
    columns.extend(names.columns("product_a", &a));
    columns.extend(names.columns("product_b", &b));
    columns.extend([
        Column::new("n_seasons", integer(|pair| pair.n_strata)),
        Column::new("n_both", integer(|pair| pair.n_both)),
        Column::new("expected", number(|pair| pair.expected)),
        Column::new("lift", number(|pair| f64::from(pair.n_both) / pair.expected)),
        Column::new("p_value", number(|pair| pair.p)),
        Column::new("q_value", number(|pair| pair.q)),
    ]);
    SideTable { name: "substitutes", columns }
}

fn sequences(name: &'static str, list: &[Sequence], names: &Names<'_>, further: Vec<Column>) -> SideTable {
    let items = |product: fn(&Sequence) -> u32| list.iter().map(product).map(Item::Product).collect::<Vec<_>>();
    let integer = |value: fn(&Sequence) -> u32| {
        Values::Integer(list.iter().map(|sequence| i64::from(value(sequence))).collect::<Vec<_>>().into())
    };
    let number = |value: fn(&Sequence) -> f64| Values::Number(list.iter().map(value).collect::<Vec<_>>().into());
    let mut columns = Vec::new();
    columns.extend(names.columns("first", &items(|sequence| sequence.first)));
    columns.extend(names.columns("then", &items(|sequence| sequence.then)));
    columns.extend(further);
    columns.extend([
        Column::new("n_customers", integer(|sequence| sequence.n)),
        Column::new("n_reversed", integer(|sequence| sequence.n_reversed)),
        Column::new("expected", number(|sequence| sequence.expected)),
        Column::new("lift", number(Sequence::lift)),
        Column::new("confidence", Values::Number(list.iter().map(Sequence::confidence).collect())),
        Column::new("median_delay_days", number(|sequence| sequence.median_delay_days)),
        Column::new("p_value", number(|sequence| sequence.p)),
        Column::new("q_value", number(|sequence| sequence.q)),
    ]);
    SideTable { name, columns }
}
