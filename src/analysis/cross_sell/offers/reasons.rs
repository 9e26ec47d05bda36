//! Why a product is offered, in a sentence with the customer's and the base's own figures.
//!
//! "bought flour 3 times; 26% of flour buyers also buy sugar, 3.9 times more than expected": the purchase that adds most to the offer's score, its
//! days, `n_ij/n_i` of the customers who have a history, all counted on the
//! latest products that similarities are learnt from, and `n_ij/e_ij` with `e_ij = S_i·S_j/ΣS`, where `S_i` sums over the owners of i how many
//! other products they own. Customers own very different numbers of products, so that unrelated ones meet more often than `n_i·n_j/n`.
//!
//! Sentences repeat: distinct ones are made once, `O(n log n)`. Source of the expectation: Newman, "Modularity and community structure in
//! networks", PNAS 103 (2006).

use std::sync::Arc;

use rayon::prelude::*;

use super::histories::Histories;
use super::ranking::{Because, Offer};
use crate::features::Dataset;
use crate::table::Values;
use crate::units::{Language, NONE_IX, ProductIx};

/// What the sentences are made of.
#[derive(Debug)]
pub struct Wording<'a> {
    data: &'a Dataset,
    language: Language,
    /// Owners by product.
    n_owners: Vec<u32>,
    /// By product, in the histories that common customers are counted on: owners, and other products that they own.
    n_recent: Vec<u32>,
    co_volume: Vec<u64>,
    n_customers: usize,
    total: f64,
}

impl<'a> Wording<'a> {
    /// Counts what is needed, by product.
    pub fn new(data: &'a Dataset, histories: &Histories, language: Language) -> Self {
        let n = data.n_products();
        let (mut n_owners, mut n_recent, mut co_volume) = (vec![0; n], vec![0; n], vec![0_u64; n]);
        for (rank, product) in histories.product.iter().enumerate() {
            n_owners[*product as usize] = histories.n_owners[rank];
        }
        let (recent, mut n_customers) = (histories.recent(), 0);
        for customer in 0..recent.n_rows() {
            let row = recent.row(customer);
            n_customers += usize::from(!row.is_empty());
            for rank in row {
                let product = histories.product[*rank as usize] as usize;
                n_recent[product] += 1;
                co_volume[product] += row.len() as u64 - 1;
            }
        }
        let total = co_volume.iter().sum::<u64>() as f64;
        Self { data, language, n_owners, n_recent, co_volume, n_customers, total }
    }

    /// Writes the reasons of each place of the lists as a column; all columns share their labels.
    pub fn columns(&self, offers: &[Offer], k: usize) -> Vec<Values> {
        let said = |offer: &Offer| (offer.product != NONE_IX).then_some((offer.product, offer.because));
        let mut distinct: Vec<(ProductIx, Because)> = offers.par_iter().filter_map(said).collect();
        distinct.par_sort_unstable();
        distinct.dedup();
        let labels: Vec<String> =
            distinct.par_iter().map(|(product, because)| self.sentence(*product, *because)).collect();
        let labels: Arc<[String]> = labels.into();
        let code = |offer: &Offer| {
            said(offer).and_then(|said| distinct.binary_search(&said).ok()).map_or(NONE_IX, |ix| ix as u32)
        };
        let column = |nth: usize| Values::Text {
            codes: offers.par_chunks_exact(k).map(|list| code(&list[nth])).collect(),
            labels: Arc::clone(&labels),
        };
        (0..k).map(column).collect()
    }

    /// Writes the sentence.
    pub fn sentence(&self, offered: ProductIx, because: Because) -> String {
        let name = self.name(offered);
        match because {
            Because::Nothing => String::new(),
            Because::Owns { product, n_days, n_both } => self.owns(product, n_days, n_both, offered),
            Because::Again { n_days } => match self.language {
                Language::English => format!("bought {name} {} before", english_times(n_days)),
                Language::German => format!("{name} schon {} gekauft", german_times(n_days)),
            },
            Because::BestOfCategory => match self.language {
                Language::English => {
                    format!("best-seller of the category bought most: {}", self.share(offered))
                }
                Language::German => {
                    format!("Bestseller der meistgekauften Warengruppe: {}", self.share(offered))
                }
            },
            Because::BestSeller => match self.language {
                Language::English => format!("best-seller: {}", self.share(offered)),
                Language::German => format!("Bestseller: {}", self.share(offered)),
            },
        }
    }

    fn owns(&self, product: ProductIx, n_days: u32, n_both: u32, offered: ProductIx) -> String {
        let (bought, name) = (self.name(product), self.name(offered));
        let share = percent(f64::from(n_both) / f64::from(self.n_recent[product as usize].max(1)));
        let expected =
            self.co_volume[product as usize] as f64 * self.co_volume[offered as usize] as f64 / self.total.max(1.0);
        let ratio = f64::from(n_both) / expected.max(1e-9);
        match self.language {
            Language::English => {
                let more = if ratio >= 1.05 { format!(", {ratio:.1} times more than expected") } else { String::new() };
                format!("bought {bought} {}; {share}% of {bought} buyers also buy {name}{more}", english_times(n_days))
            }
            Language::German => {
                let more = format!("{ratio:.1}").replace('.', ",");
                let more = if ratio >= 1.05 { format!(", {more}-mal so oft wie erwartet") } else { String::new() };
                let times = german_times(n_days);
                format!("{bought} {times} gekauft; {share} % der Käufer von {bought} kaufen auch {name}{more}")
            }
        }
    }

    fn share(&self, offered: ProductIx) -> String {
        let share = percent(f64::from(self.n_owners[offered as usize]) / self.n_customers.max(1) as f64);
        match self.language {
            Language::English => format!("{share}% of all customers bought {}", self.name(offered)),
            Language::German => format!("{share} % aller Kunden kauften {}", self.name(offered)),
        }
    }

    /// Returns the name of a product, or its id where it has none.
    fn name(&self, product: ProductIx) -> &str {
        let name = self.data.products.name.get(product as usize).map_or("", |name| name.trim());
        if name.is_empty() { self.data.product_ids.get(product) } else { name }
    }
}

/// Writes a share; what is more than nothing is not written as nothing.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent >= 0.5 || percent <= 0.0 { format!("{percent:.0}") } else { "<1".to_owned() }
}

fn english_times(n: u32) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

fn german_times(n: u32) -> String {
    if n == 1 { "einmal".to_owned() } else { format!("{n}-mal") }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{baskets, dataset};
    use super::super::similarity::{Neighbours, Similarity};
    use super::*;

    #[test]
    fn sentences_have_the_figures_in_either_language() {
        // Flour (0) of four customers, sugar (1) of two of them, salt (2) of everybody.
        let all: Vec<(u32, i32, Vec<u32>)> = (0..6)
            .map(|c| {
                (
                    c,
                    1,
                    match c {
                        0 | 1 => vec![0, 1, 2],
                        2 | 3 => vec![0, 2],
                        _ => vec![2],
                    },
                )
            })
            .collect();
        let mut data = dataset(6, 4, baskets(&all));
        data.products.name = ["flour", "sugar", "", "  "].map(str::to_owned).into();
        let histories = Histories::of(&data.baskets, 6, 4);
        let check = |offered, because, english: &str, german: &str| {
            for (language, expected) in [(Language::English, english), (Language::German, german)] {
                assert_eq!(Wording::new(&data, &histories, language).sentence(offered, because), expected);
            }
        };
        // S: flour 2 + 2 + 1 + 1 = 6, sugar 4, salt 6, in all 16; expected 6·4/16 = 1.5, observed 2.
        check(
            1,
            Because::Owns { product: 0, n_days: 3, n_both: 2 },
            "bought flour 3 times; 50% of flour buyers also buy sugar, 1.3 times more than expected",
            "flour 3-mal gekauft; 50 % der Käufer von flour kaufen auch sugar, 1,3-mal so oft wie erwartet",
        );
        // What is no more than chance is not called more: 4 of 6·6/16 = 2.25 is, 2 is not.
        check(
            2,
            Because::Owns { product: 0, n_days: 1, n_both: 2 },
            "bought flour once; 50% of flour buyers also buy p0002",
            "flour einmal gekauft; 50 % der Käufer von flour kaufen auch p0002",
        );
        check(0, Because::Again { n_days: 2 }, "bought flour twice before", "flour schon 2-mal gekauft");
        check(
            0,
            Because::BestSeller,
            "best-seller: 67% of all customers bought flour",
            "Bestseller: 67 % aller Kunden kauften flour",
        );
        check(
            1,
            Because::BestOfCategory,
            "best-seller of the category bought most: 33% of all customers bought sugar",
            "Bestseller der meistgekauften Warengruppe: 33 % aller Kunden kauften sugar",
        );
        // A share of all customers counts every owner.
        check(
            2,
            Because::BestSeller,
            "best-seller: 100% of all customers bought p0002",
            "Bestseller: 100 % aller Kunden kauften p0002",
        );
        assert_eq!([0.0, 0.004, 0.005, 0.3, 1.0].map(percent), ["0", "<1", "0", "30", "100"].map(str::to_owned));
    }

    #[test]
    fn both_figures_are_counted_on_the_same_histories() {
        // Resellers own 0 to 299 and bought 100 to 299 last: 0 and 299 never meet in what is learnt from. Four others own both.
        let mut all: Vec<(u32, i32, Vec<u32>)> = Vec::new();
        for reseller in 0..6 {
            all.extend([(reseller, 1, (0..100).collect()), (reseller, 2, (100..300).collect())]);
        }
        all.extend((6..10).map(|customer| (customer, 1, vec![0, 299])));
        let data = dataset(10, 300, baskets(&all));
        let histories = Histories::of(&data.baskets, 10, 300);
        let neighbours = Neighbours::of(histories.recent(), 300, 300, Similarity::Cosine(0.0));
        let (of, other) = (histories.rank[0], histories.rank[299]);
        let at = neighbours.row(of).iter().position(|(item, _)| *item == other).unwrap();
        let n_both = neighbours.n_both[neighbours.starts[of as usize] + at];
        let wording = Wording::new(&data, &histories, Language::English);
        let said = wording.sentence(299, Because::Owns { product: 0, n_days: 1, n_both });
        assert!(said.starts_with("bought product 0 once; 100% of product 0 buyers also buy product 299"), "{said}");
    }
}
