//! Affinity rules: which products stand in the same basket more often than the sizes of the baskets explain.
//!
//! Baskets differ in size, so even unrelated products meet more often than `n_i·n_j/n`: raw lift is above 1 by chance. The expected
//! count here is that of random baskets of the same sizes. With `k` products in a basket, let the co-volume of a product be
//! `S_i = Σ (k − 1)` over the baskets that hold it; then `e_ij = S_i·S_j / ΣS`, the modularity null of network science. One wholesale
//! basket of 674 products adds 673 to each of their `S`, so that what meets only there is expected to and makes no rule.
//!
//! | column          | formula                    | meaning                                                       |
//! |-----------------|----------------------------|---------------------------------------------------------------|
//! | `support`       | `n_ij / n`                 | share of baskets with both                                    |
//! | `confidence`    | `n_ij / n_a`               | share of the baskets with a that hold b; `confidence_reverse` is `n_ij / n_b` |
//! | `lift`          | `n_ij·n / (n_a·n_b)`       | raw lift, for comparison with other tools                      |
//! | `lift_adjusted` | `n_ij / e_ij`              | against baskets of the same sizes; 1 is chance                |
//! | `evidence`      | `±2·(n·ln(n/e) − (n − e))` | signed log-likelihood ratio of a Poisson count `n = n_ij`, `e = e_ij`; negative where the pair avoids each other |
//!
//! Rules stand by falling evidence, never by lift: rare pairs have the highest lifts and the least behind them. Cost: one addition
//! for every pair in every basket, in parallel over products. Sources: Newman, "Modularity and community structure in networks",
//! PNAS 103(23), 2006; Dunning, "Accurate Methods for the Statistics of Surprise and Coincidence", Computational Linguistics 19(1), 1993.

use rayon::prelude::*;

use super::rows::{Company, Counter, Places};
use crate::features::Baskets;

/// The 95% point of the χ² distribution with one degree of freedom, which the likelihood ratio of one pair follows by chance.
const LEAST_EVIDENCE: f64 = 3.841;

/// Two products that were bought together often enough to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The product with the smaller position.
    pub a: u32,
    pub b: u32,
    /// Baskets with both.
    pub n_both: u32,
    /// Signed log-likelihood ratio of `n_both` against the expected count.
    pub evidence: f64,
}

/// All rules and the counts that their measures are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Falling evidence, then rising positions.
    pub rules: Vec<Rule>,
    pub n_baskets: usize,
    /// Pairs of products over all baskets: `Σ k(k − 1)/2`.
    pub n_pairs: u64,
    /// Products in the largest basket.
    pub largest_basket: usize,
    /// Baskets of each product.
    n: Vec<u32>,
    /// `S_i` of each product.
    co_volume: Vec<u64>,
}

impl Rules {
    /// Counts the pairs of all baskets and keeps those that met at least `min_support_count` times.
    pub fn mine(baskets: &Baskets, n_products: usize, min_support_count: u32) -> Self {
        // Products of a basket ascend, so what stands behind one completes every pair once.
        let by_product = Places::of(&baskets.starts, &baskets.product, n_products, Company::Behind);
        let sizes = || baskets.starts.windows(2).map(|bounds| (bounds[1] - bounds[0]) as u64);
        let (mut n, mut co_volume) = (vec![0; n_products], vec![0; n_products]);
        for bounds in baskets.starts.windows(2) {
            let products = &baskets.product[bounds[0]..bounds[1]];
            for product in products {
                n[*product as usize] += 1;
                co_volume[*product as usize] += products.len() as u64 - 1;
            }
        }
        let mut mined = Self {
            rules: Vec::new(),
            n_baskets: baskets.len(),
            n_pairs: sizes().map(|k| k * k.saturating_sub(1) / 2).sum(),
            largest_basket: sizes().max().unwrap_or(0) as usize,
            n,
            co_volume,
        };
        mined.rules = mined.pairs(baskets, &by_product, min_support_count.max(1));
        mined
            .rules
            .par_sort_unstable_by(|x, y| y.evidence.total_cmp(&x.evidence).then_with(|| (x.a, x.b).cmp(&(y.a, y.b))));
        mined
    }

    /// Returns the rules worth reading: pairs that meet more often than chance would let them once in twenty times, and are among the
    /// `per_product` strongest of one of their products, by falling evidence.
    pub fn strongest(&self, per_product: usize) -> Vec<Rule> {
        let mut n_kept = vec![0; self.n.len()];
        let positive = self.rules.iter().take_while(|rule| rule.evidence > LEAST_EVIDENCE);
        positive
            .filter(|rule| {
                let keep = [rule.a, rule.b].iter().any(|product| n_kept[*product as usize] < per_product);
                for product in [rule.a, rule.b] {
                    n_kept[product as usize] += usize::from(keep);
                }
                keep
            })
            .copied()
            .collect()
    }

    fn pairs(&self, baskets: &Baskets, by_product: &Places, min_count: u32) -> Vec<Rule> {
        let mine_run = |counter: &mut Counter<u32>, run: std::ops::Range<usize>| {
            let mut rules = Vec::new();
            for a in run.filter(|a| self.n[*a] >= min_count) {
                by_product.company(a, &baskets.product).for_each(|products| counter.add(products));
                counter.drain(|b, n_both| {
                    if n_both >= min_count {
                        let (a, evidence) = (a as u32, evidence(n_both, self.expected(a as u32, b)));
                        rules.push(Rule { a, b, n_both, evidence });
                    }
                });
            }
            rules
        };
        let runs: Vec<Vec<Rule>> = by_product
            .balanced()
            .into_par_iter()
            .with_max_len(1)
            .map_init(|| Counter::new(by_product.n_items()), mine_run)
            .collect();
        runs.concat()
    }

    /// Returns `e_ij`, how often two products would meet in random baskets of the same sizes.
    pub fn expected(&self, a: u32, b: u32) -> f64 {
        let total = 2.0 * self.n_pairs as f64;
        self.co_volume[a as usize] as f64 * self.co_volume[b as usize] as f64 / total
    }

    /// Returns how many baskets hold a product.
    pub fn n(&self, product: u32) -> u32 {
        self.n[product as usize]
    }

    /// Returns the share of baskets that hold both products.
    pub fn support(&self, rule: &Rule) -> f64 {
        f64::from(rule.n_both) / self.n_baskets as f64
    }

    /// Returns the share of the baskets with a that hold b.
    pub fn confidence(&self, rule: &Rule) -> f64 {
        f64::from(rule.n_both) / f64::from(self.n(rule.a))
    }

    /// Returns the raw lift, whose value for unrelated products is [`Rules::expected_lift`] rather than 1.
    pub fn lift(&self, rule: &Rule) -> f64 {
        self.confidence(rule) * self.n_baskets as f64 / f64::from(self.n(rule.b))
    }

    /// Returns the lift against random baskets of the same sizes.
    pub fn lift_adjusted(&self, rule: &Rule) -> f64 {
        f64::from(rule.n_both) / self.expected(rule.a, rule.b)
    }

    /// Returns `h = n·Σk(k − 1) / (Σk)²`, the raw lift that unrelated products have on average; nothing without baskets.
    pub fn expected_lift(&self) -> Option<f64> {
        let items: f64 = self.n.iter().map(|n| f64::from(*n)).sum();
        (items > 0.0).then(|| self.n_baskets as f64 * 2.0 * self.n_pairs as f64 / (items * items))
    }
}

/// Returns the signed log-likelihood ratio of a Poisson count against its expectation.
///
/// Pairs that met have partners in at least one basket each, so `expected` is positive.
fn evidence(n: u32, expected: f64) -> f64 {
    let n = f64::from(n);
    let ratio = 2.0 * (n * (n / expected).ln() - (n - expected));
    // Rounding can leave a tiny negative ratio where the count is as expected.
    ratio.max(0.0) * if n < expected { -1.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::units::NONE_IX;

    /// Baskets of guests.
    fn baskets(baskets: &[&[u32]]) -> Baskets {
        let of_guests: Vec<_> = baskets.iter().map(|products| (NONE_IX, 0, products.to_vec())).collect();
        fixture::baskets(&of_guests)
    }

    #[test]
    fn counts_and_measures_of_a_small_shop() {
        let baskets = baskets(&[&[0, 1, 2], &[0, 1], &[0], &[2], &[0, 1, 2, 3]]);
        let mined = Rules::mine(&baskets, 4, 2);
        assert_eq!((mined.n_baskets, mined.n_pairs, mined.largest_basket), (5, 3 + 1 + 6, 4));
        assert_eq!(mined.n, [4, 3, 3, 1]);
        assert_eq!(mined.co_volume, [2 + 1 + 3, 2 + 1 + 3, 2 + 3, 3]);
        let pairs: Vec<_> = mined.rules.iter().map(|rule| (rule.a, rule.b, rule.n_both)).collect();
        assert_eq!(pairs, [(0, 1, 3), (0, 2, 2), (1, 2, 2)]);
        let first = &mined.rules[0];
        assert_eq!(mined.support(first), 0.6);
        assert_eq!(mined.confidence(first), 0.75);
        assert_eq!(mined.lift(first), 1.25);
        assert_eq!(mined.lift_adjusted(first), 3.0 / (36.0 / 20.0));
        assert_eq!(mined.expected_lift(), Some(5.0 * 20.0 / 121.0));
    }

    #[test]
    fn a_wholesale_basket_makes_no_rule() {
        // One basket of 60 products; two of them also meet in five baskets of two, amid others.
        let wholesale: Vec<u32> = (0..60).collect();
        let small: Vec<[u32; 2]> = (0..40).map(|i| if i < 5 { [0, 1] } else { [i, i + 15] }).collect();
        let mut all: Vec<&[u32]> = small.iter().map(|basket| basket.as_slice()).collect();
        all.push(&wholesale);
        let mined = Rules::mine(&baskets(&all), 60, 1);
        assert_eq!((mined.rules[0].a, mined.rules[0].b, mined.rules[0].n_both), (0, 1, 6));
        let only_wholesale = mined.rules.iter().filter(|rule| rule.n_both == 1).collect::<Vec<_>>();
        assert!(only_wholesale.len() > 1_600);
        assert!(only_wholesale.iter().all(|rule| (0.6..1.2).contains(&mined.lift_adjusted(rule))));
        // Raw lift would call every one of them a strong rule.
        assert!(only_wholesale.iter().all(|rule| mined.lift(rule) > 2.0));
    }

    #[test]
    fn the_strongest_are_those_of_either_product_and_never_chance() {
        let baskets = baskets(&[
            &[0, 1],
            &[0, 1],
            &[0, 1],
            &[0, 1],
            &[0, 1],
            &[0, 1],
            &[0, 2],
            &[2, 3],
            &[2, 3],
            &[2, 3],
            &[2, 3],
            &[2, 3],
            &[1, 2, 3],
            &[0, 3],
        ]);
        let mined = Rules::mine(&baskets, 4, 1);
        let pairs = |rules: &[Rule]| rules.iter().map(|rule| (rule.a, rule.b)).collect::<Vec<_>>();
        assert_eq!(pairs(&mined.strongest(1)), [(0, 1), (2, 3)]);
        assert!(mined.strongest(100).iter().all(|rule| mined.lift_adjusted(rule) > 1.0));
        assert!(mined.strongest(100).len() < mined.rules.len());
    }

    #[test]
    fn evidence_grows_with_the_count_and_knows_its_sign() {
        assert_eq!(evidence(5, 5.0), 0.0);
        assert!(evidence(10, 5.0) > evidence(9, 5.0));
        assert!(evidence(40, 20.0) > evidence(10, 5.0));
        assert!(evidence(2, 5.0) < 0.0);
        assert!((evidence(10, 5.0) - 2.0 * (10.0 * 2.0_f64.ln() - 5.0)).abs() < 1e-12);
    }

    #[test]
    fn no_basket_gives_no_rule() {
        let mined = Rules::mine(&Baskets::default(), 3, 1);
        assert!(mined.rules.is_empty());
        assert_eq!(mined.expected_lift(), None);
    }
}
