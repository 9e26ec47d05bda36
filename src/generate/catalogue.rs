//! The products: departments, prices, costs, popularity, and families that are bought together.
//!
//! Weight of a product in its department is `1 / (rank + 2)`, Zipf with an offset (Mandelbrot), over ranks shuffled once. List prices are
//! log-normal round the department's typical price; unit cost leaves a margin between 5% and 60%, and one product in forty loses money.
//! A family is an anchor (dear, popular) with one or two complements (cheap); [`Catalogue::complements`] is what the cross-sell should find.
//!
//! | name         | shape          | unit                                     |
//! |--------------|----------------|------------------------------------------|
//! | `products`   | `(n_products)` | [`Product`]; prices in minor units       |
//! | `by_weight`  | 12 departments | products with cumulated weight, ascending |
//! | postage, voucher | `n_products`, `n_products + 1` | not merchandise           |

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::stream::{Purpose, chance, pick, stream};
use super::words::{DEPARTMENTS, MAKES};

/// Postage for orders below [`FREE_POSTAGE`], in minor units.
pub const POSTAGE: i64 = 495;
/// What a parcel costs the house, in minor units.
pub const POSTAGE_COST: i64 = 420;
/// Value of goods from which postage is free, in minor units.
pub const FREE_POSTAGE: i64 = 3_500;
/// Products of which one belongs to a family's anchor, on average.
const PRODUCTS_PER_FAMILY: usize = 12;

/// One article.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    pub id: String,
    pub name: String,
    /// Position in [`DEPARTMENTS`]; nothing for postage and vouchers.
    pub department: Option<usize>,
    /// Minor units; zero where there is none.
    pub list_price: i64,
    /// Minor units.
    pub unit_cost: i64,
}

/// All articles of the house.
#[derive(Debug, Clone)]
pub struct Catalogue {
    products: Vec<Product>,
    complements: Vec<Vec<u32>>,
    by_weight: Vec<Vec<(f64, u32)>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Plain,
    Anchor,
    Complement,
}

impl Catalogue {
    /// Draws `n_products` goods, then adds postage and vouchers.
    pub fn new(seed: u64, n_products: u32) -> Self {
        let mut rng = stream(seed, Purpose::Catalogue, 0);
        let n_goods = n_products as usize;
        let mut products = Vec::with_capacity(n_goods + 2);
        let mut roles = Vec::with_capacity(n_goods);
        let mut complements: Vec<Vec<u32>> = vec![Vec::new(); n_goods + 2];
        for family_ix in 0.. {
            let department = family_ix % DEPARTMENTS.len();
            let families = DEPARTMENTS[department].families;
            let family = families[family_ix / DEPARTMENTS.len() % families.len()];
            if (family_ix + 1) * PRODUCTS_PER_FAMILY > n_goods || products.len() + family.len() > n_goods {
                break;
            }
            let (anchor, make) = (products.len(), *pick(&mut rng, &MAKES));
            complements[anchor] = (anchor + 1..anchor + family.len()).map(|ix| ix as u32).collect();
            for (place, noun) in family.iter().enumerate() {
                let role = if place == 0 { Role::Anchor } else { Role::Complement };
                products.push(article(&mut rng, products.len(), department, noun, make, role));
                roles.push(role);
            }
        }
        while products.len() < n_goods {
            let department = products.len() % DEPARTMENTS.len();
            let (noun, make) = (*pick(&mut rng, DEPARTMENTS[department].goods), *pick(&mut rng, &MAKES));
            products.push(article(&mut rng, products.len(), department, noun, make, Role::Plain));
            roles.push(Role::Plain);
        }
        let by_weight = popularity(&mut rng, &products, &roles);
        products.push(service("VERSAND", "Versandkosten", POSTAGE, POSTAGE_COST));
        products.push(service("GUTSCHEIN", "Gutschein", 0, 0));
        Self { products, complements, by_weight }
    }

    /// Returns all articles, the goods first.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// Returns the position of postage; vouchers follow it.
    pub fn postage(&self) -> u32 {
        self.products.len() as u32 - 2
    }

    /// Returns the position of vouchers.
    pub fn voucher(&self) -> u32 {
        self.products.len() as u32 - 1
    }

    /// Returns an article.
    pub fn product(&self, ix: u32) -> &Product {
        &self.products[ix as usize]
    }

    /// Returns what is bought with and after an anchor; empty for other articles.
    pub fn complements(&self, ix: u32) -> &[u32] {
        &self.complements[ix as usize]
    }

    /// Draws a product of a department by popularity.
    pub fn draw(&self, rng: &mut Pcg64Mcg, department: usize) -> u32 {
        let products = &self.by_weight[department];
        let total = products.last().map_or(0.0, |last| last.0);
        let at = rng.random::<f64>() * total;
        let ix = products.partition_point(|(weight, _)| *weight <= at).min(products.len() - 1);
        products[ix].1
    }
}

fn article(rng: &mut Pcg64Mcg, ix: usize, department: usize, noun: &str, make: &str, role: Role) -> Product {
    let normal: f64 = StandardNormal.sample(rng);
    let factor = match role {
        Role::Plain => (0.7 * normal).exp(),
        Role::Anchor => 4.0 * (0.4 * normal).exp(),
        Role::Complement => 0.5 * (0.3 * normal).exp(),
    };
    // Whole major units less five cents: a last-bit difference of `exp` cannot show.
    let list_price = ((DEPARTMENTS[department].price * factor / 100.0).round() as i64).clamp(1, 5_000) * 100 - 5;
    let margin = if chance(rng, 0.025) {
        -0.02 - 0.13 * rng.random::<f64>()
    } else {
        let (a, b): (f64, f64) = (rng.random(), rng.random());
        0.05 + 0.55 * (a + b) / 2.0
    };
    let unit_cost = (list_price as f64 * (1.0 - margin)).round() as i64;
    let name = format!("{noun} {make} {}", 100 + ix);
    Product { id: format!("A{}", 10_001 + ix), name, department: Some(department), list_price, unit_cost }
}

fn service(id: &str, name: &str, list_price: i64, unit_cost: i64) -> Product {
    Product { id: id.to_owned(), name: name.to_owned(), department: None, list_price, unit_cost }
}

/// Ranks all goods at random, anchors in the better half so that their pairs are seen often enough, and cumulates the weights.
fn popularity(rng: &mut Pcg64Mcg, products: &[Product], roles: &[Role]) -> Vec<Vec<(f64, u32)>> {
    let mut order: Vec<(u64, u32)> = (0..products.len() as u32)
        .map(|ix| {
            let place = rng.random::<u64>();
            (if roles[ix as usize] == Role::Anchor { place / 2 } else { place }, ix)
        })
        .collect();
    order.sort_unstable();
    let mut by_weight: Vec<Vec<(f64, u32)>> = vec![Vec::new(); DEPARTMENTS.len()];
    for (_, ix) in order {
        let Some(department) = products[ix as usize].department else { continue };
        let ranked = &mut by_weight[department];
        let before = ranked.last().map_or(0.0, |last| last.0);
        ranked.push((before + 1.0 / (ranked.len() as f64 + 3.0), ix));
    }
    by_weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_department_has_goods_and_ids_are_distinct() {
        for n_products in [24, 150, 5_000] {
            let catalogue = Catalogue::new(1, n_products);
            assert_eq!(catalogue.products().len(), n_products as usize + 2);
            assert!(catalogue.by_weight.iter().all(|products| !products.is_empty()), "{n_products}");
            let mut ids: Vec<&str> = catalogue.products().iter().map(|product| product.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), n_products as usize + 2);
        }
    }

    #[test]
    fn margins_lie_between_five_and_sixty_percent_but_for_a_few_losses() {
        let catalogue = Catalogue::new(2, 4_000);
        let margin = |product: &Product| 1.0 - product.unit_cost as f64 / product.list_price as f64;
        let goods = &catalogue.products()[..4_000];
        let losses = goods.iter().filter(|product| margin(product) < 0.0).count();
        assert!((60..150).contains(&losses), "{losses}");
        assert!(goods.iter().all(|product| (-0.16..0.61).contains(&margin(product))));
    }

    #[test]
    fn popularity_has_a_head_and_a_long_tail() {
        let catalogue = Catalogue::new(3, 2_400);
        let mut rng = stream(3, Purpose::Behaviour, 0);
        let mut n_sold = vec![0_u32; 2_400];
        for draw in 0..240_000 {
            n_sold[catalogue.draw(&mut rng, draw % DEPARTMENTS.len()) as usize] += 1;
        }
        n_sold.sort_unstable_by(|a, b| b.cmp(a));
        let head: u32 = n_sold[..240].iter().sum();
        assert!((100_000..160_000).contains(&head), "a tenth of the products sold {head} of 240000");
    }
}
