//! Everything that is known of the base, in dense columns.

use super::{Baskets, Corrections, Orders, PurchaseDays};
use crate::table::{Column, Contacts, Contracts, Ids, Invoices, Products, Responses};
use crate::units::Day;

/// The base as the analyses see it; every per-customer structure is indexed by `CustomerIx`, every per-product one by `ProductIx`.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// Last day that the data covers.
    pub as_of: Day,
    /// Customers with at least one line up to `as_of`, ascending by id; without transactions those of contracts and responses.
    pub customer_ids: Ids,
    /// Customer attributes that an analysis reads, one value a customer: text, or numbers.
    pub attributes: Vec<Column>,
    /// Contracts, with customers of their own.
    pub contracts: Option<Contracts>,
    /// Responses to past campaigns, with customers of their own.
    pub responses: Option<Responses>,
    /// Contacts by customer; empty where none are read.
    pub contacts: Contacts,
    /// Invoices by customer; empty where none are read.
    pub invoices: Invoices,
    /// Channels of the orders, ascending; empty where none is known.
    pub channels: Ids,
    /// Products, ascending by id.
    pub product_ids: Ids,
    /// What is known of each product.
    pub products: Products,
    /// Customer × day.
    pub purchase_days: PurchaseDays,
    /// Customer × order.
    pub orders: Orders,
    /// Money that returns and adjustments took or gave.
    pub corrections: Corrections,
    /// Order × product, guests included.
    pub baskets: Baskets,
    /// Gross revenue of identified customers by product, minor units, one entry a product.
    pub product_gross_revenue: Vec<i64>,
    /// Pieces on the sale lines of that revenue, thousandths, one entry a product.
    pub product_quantity: Vec<i64>,
    /// Net revenue of identified customers by product, minor units, one entry a product.
    pub product_revenue: Vec<i64>,
    /// Net revenue minus cost by product where every cost is known, one entry a product; empty where no cost is known.
    pub product_margin: Vec<Option<i64>>,
    /// Net revenue of lines without a customer, minor units.
    pub guest_revenue: i128,
}

impl Dataset {
    /// Returns the number of customers.
    pub fn n_customers(&self) -> usize {
        self.customer_ids.len()
    }

    /// Returns the number of products.
    pub fn n_products(&self) -> usize {
        self.product_ids.len()
    }
}
