//! Small bases for the tests of the analyses.

use crate::features::{Baskets, Corrections, CustomerFeatures, Dataset, Orders, PurchaseDays};
use crate::table::{Ids, Nullable, Products, Values};
use crate::units::{Day, NONE_IX};

/// Last day of every base made here.
pub const AS_OF: i32 = 1_000;

/// Makes baskets of (customer, day, ascending products); they must stand by customer, then day, guests last.
pub fn baskets(baskets: &[(u32, i32, Vec<u32>)]) -> Baskets {
    let mut built = Baskets { starts: vec![0], ..Baskets::default() };
    for (customer, day, products) in baskets {
        built.product.extend(products);
        built.starts.push(built.product.len());
        built.customer.push(*customer);
        built.day.push(*day);
    }
    built
}

/// Makes a base of customers `c0000 …` and products `p0000 …` called `product 0 …`.
pub fn dataset(n_customers: usize, n_products: usize, baskets: Baskets) -> Dataset {
    let ids = |letter: char, n: usize| {
        let ids: Vec<String> = (0..n).map(|ix| format!("{letter}{ix:04}")).collect();
        Ids::from_sorted(ids.iter().map(String::as_str))
    };
    Dataset {
        channels: Ids::default(),
        as_of: Day(AS_OF),
        customer_ids: ids('c', n_customers),
        product_ids: ids('p', n_products),
        products: Products {
            name: (0..n_products).map(|ix| format!("product {ix}")).collect(),
            category: vec![String::new(); n_products],
            not_merchandise: vec![false; n_products],
            out_of_stock: vec![false; n_products],
        },
        contracts: None,
        contacts: crate::table::Contacts::default(),
        invoices: crate::table::Invoices::default(),
        responses: None,
        purchase_days: PurchaseDays::default(),
        orders: Orders::default(),
        corrections: Corrections::default(),
        baskets,
        product_gross_revenue: vec![0; n_products],
        product_quantity: vec![0; n_products],
        product_revenue: vec![0; n_products],
        product_margin: vec![],
        attributes: vec![],
        guest_revenue: 0,
    }
}

/// Makes features of customers that bought on one day each, from (days before as-of, orders, net revenue).
pub fn features(customers: &[(Option<i32>, u32, i64)]) -> CustomerFeatures {
    let last_day: Nullable<i32> = customers.iter().map(|customer| customer.0.map(|ago| AS_OF - ago)).collect();
    CustomerFeatures {
        as_of: Day(AS_OF),
        n_purchase_days: customers.iter().map(|customer| u32::from(customer.0.is_some())).collect(),
        first_day: last_day.clone(),
        last_day,
        n_orders: customers.iter().map(|customer| customer.1).collect(),
        gross_revenue: customers.iter().map(|customer| customer.2.max(0)).collect(),
        revenue: customers.iter().map(|customer| customer.2).collect(),
        margin: customers.iter().map(|_| None).collect(),
        repeat_revenue: vec![0; customers.len()],
    }
}

/// Reads a text column.
pub fn texts(values: &Values) -> Vec<Option<&str>> {
    let Values::Text { codes, labels } = values else { return vec![] };
    codes.iter().map(|code| (*code != NONE_IX).then(|| labels[*code as usize].as_str())).collect()
}
