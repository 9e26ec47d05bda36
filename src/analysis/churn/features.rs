//! Columns that the learners read, and what each of them says of a customer.
//!
//! Counts, days and money enter by `asinh`, which is the logarithm of what is large and leaves zero and losses alone; shares as they are. A figure
//! that a customer does not have, such as the gap of a single purchase, is missing. In columns marked monotone the booster never lets the risk
//! fall while the value rises.
//!
//! | name                         | unit                            | subject               |
//! |------------------------------|---------------------------------|-----------------------|
//! | `recency`, `overdue`         | days; own mean gaps             | [`Subject::Silence`]  |
//! | `overdue_longest`            | own longest gaps                | [`Subject::Silence`]  |
//! | `tenure`                     | days                            | [`Subject::Tenure`]   |
//! | `n_days`, `orders_30` …      | purchase days, orders           | [`Subject::Frequency`]|
//! | `rate`                       | purchase days a day of tenure   | [`Subject::Frequency`]|
//! | `money_30` …, `revenue`      | minor units                     | [`Subject::Money`]    |
//! | `activity_30`, `activity_120` | orders, older ones less      | [`Subject::Frequency`]|
//! | `order_value`, `last_money`  | minor units an order            | [`Subject::OrderValue`] |
//! | `gap_mean`, `gap_variation`  | days; deviation over mean       | [`Subject::Rhythm`]   |
//! | `trend`                      | −1 to 1                         | [`Subject::Trend`]    |
//! | `products`, `variety`, `last_items` | products; distinct over bought; in the last basket  | [`Subject::Variety`]  |
//! | `discount_share`, where told | share of orders                 | [`Subject::Discount`] |
//! | `channel_share`, of each main channel | share of orders        | [`Subject::Channel`]  |
//! | `contacts`, `complaints`, `complaint_recency`, where read | contacts; days | [`Subject::Contacts`], [`Subject::Complaints`] |
//! | `days_late`, `overdue_invoices`, where read | days; invoices    | [`Subject::Payment`]  |
//! | `returns_share`              | share of gross revenue          | [`Subject::Returns`]  |
//! | `year_before`                | orders                          | [`Subject::YearBefore`] |
//!
//! 4 bytes a cell.

use super::attributes::{Attribute, Speaks};
use super::behaviour::{Behaviour, Records};
use super::events::EventsKnown;
use super::observed::Observed;
use super::reasons::{Named, Words};
use super::sample::Matrix;
use crate::units::Day;

/// What a reason is about: columns of one subject are one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Silence,
    Frequency,
    Trend,
    Money,
    OrderValue,
    Rhythm,
    Variety,
    Returns,
    Tenure,
    YearBefore,
    Discount,
    Contacts,
    Complaints,
    Payment,
    /// A main channel, by its position.
    Channel(u8),
    /// A customer attribute, by its position in the pipeline.
    Attribute(u16),
}

/// A column of the features.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Name in notes and tables.
    pub name: String,
    pub subject: Subject,
    /// The risk must not fall while it rises.
    pub is_monotone: bool,
}

/// How a column is read off a customer.
type Reading = fn(&Behaviour) -> Option<f64>;

/// Name, subject, whether the risk must not fall while it rises, and how it is read.
type Column = (&'static str, Subject, bool, Reading);

const READINGS: [Column; 26] = [
    ("recency", Subject::Silence, true, |b| log(b.recency)),
    ("overdue", Subject::Silence, true, |b| Some(asinh(b.overdue()?))),
    ("overdue_longest", Subject::Silence, true, |b| {
        b.gap_mean.map(|_| asinh(f64::from(b.recency) / f64::from(b.gap_longest.max(1))))
    }),
    ("tenure", Subject::Tenure, false, |b| log(b.tenure)),
    ("n_days", Subject::Frequency, false, |b| log(b.n_days)),
    ("rate", Subject::Frequency, false, |b| Some((f64::from(b.n_days) / f64::from(b.tenure + 30)).ln())),
    ("orders_30", Subject::Frequency, false, |b| log(b.orders_in[0])),
    ("orders_90", Subject::Frequency, false, |b| log(b.orders_in[1])),
    ("orders_180", Subject::Frequency, false, |b| log(b.orders_in[2])),
    ("orders_365", Subject::Frequency, false, |b| log(b.orders_in[3])),
    ("activity_30", Subject::Frequency, false, |b| Some(b.activity[0].ln_1p())),
    ("activity_120", Subject::Frequency, false, |b| Some(b.activity[1].ln_1p())),
    ("money_30", Subject::Money, false, |b| money(b.money_in[0] as f64)),
    ("money_90", Subject::Money, false, |b| money(b.money_in[1] as f64)),
    ("money_180", Subject::Money, false, |b| money(b.money_in[2] as f64)),
    ("money_365", Subject::Money, false, |b| money(b.money_in[3] as f64)),
    ("revenue", Subject::Money, false, |b| money(b.revenue as f64)),
    ("order_value", Subject::OrderValue, false, |b| money(b.order_value())),
    ("last_money", Subject::OrderValue, false, |b| money(b.last_money as f64)),
    ("gap_mean", Subject::Rhythm, false, |b| Some(asinh(b.gap_mean?))),
    ("gap_variation", Subject::Rhythm, false, |b| Some(b.gap_deviation? / b.gap_mean?.max(1.0))),
    ("trend", Subject::Trend, false, |b| {
        let (lately, before) = (f64::from(b.orders_in[1]), f64::from(b.orders_before_90));
        (lately + before > 0.0 && b.tenure >= 90).then(|| (lately - before) / (lately + before))
    }),
    ("products", Subject::Variety, false, |b| log(b.n_products)),
    ("variety", Subject::Variety, false, |b| (b.n_items > 0).then(|| f64::from(b.n_products) / f64::from(b.n_items))),
    ("last_items", Subject::Variety, false, |b| log(b.last_items)),
    ("returns_share", Subject::Returns, false, |b| Some(b.returns_share())),
];

fn log(count: u32) -> Option<f64> {
    Some(asinh(f64::from(count)))
}

fn money(minor: f64) -> Option<f64> {
    Some(asinh(minor / 100.0))
}

/// `f64::asinh` keeps the last digits of values near nought and takes four times as long; cells are single precision.
fn asinh(x: f64) -> f64 {
    let size = x.abs();
    (size + (size * size + 1.0).sqrt()).ln().copysign(x)
}

/// Orders in the same season of the year before: only where the data reach back that far at every cut that is learnt from.
const YEAR_BEFORE: [Column; 1] = [("year_before", Subject::YearBefore, false, |b| log(b.year_before?))];

/// Where the export tells of discounts.
const DISCOUNTS: [Column; 1] = [("discount_share", Subject::Discount, false, Behaviour::discount_share)];

/// What contacts tell.
const CONTACTS: [Column; 3] = [
    ("contacts", Subject::Contacts, false, |b| log(b.n_contacts?)),
    ("complaints", Subject::Complaints, false, |b| log(b.n_complaints?)),
    ("complaint_recency", Subject::Complaints, false, |b| log(b.days_since_complaint?)),
];

/// What invoices tell.
const INVOICES: [Column; 2] = [
    ("days_late", Subject::Payment, false, |b| Some(asinh(b.days_late?))),
    ("overdue_invoices", Subject::Payment, false, |b| log(b.n_overdue?)),
];

const CHANNEL_SHARE: &str = "channel_share";

/// The columns of a run: the same at every cut.
#[derive(Debug)]
pub struct Design<'a> {
    all: Vec<Feature>,
    /// Columns that are learnt from; the others know the future.
    kept: Vec<bool>,
    readings: Vec<&'static Column>,
    channels: Vec<&'a str>,
    attributes: Vec<Attribute<'a>>,
}

impl<'a> Design<'a> {
    /// Lays out the columns; levels of text attributes are those of the customers who are learnt from.
    pub fn new(
        records: &Records<'a>,
        attributes: &[String],
        customers: &[(u32, u8)],
        with_year_before: bool,
        known: EventsKnown,
    ) -> Self {
        let data = records.data;
        let mut readings: Vec<&'static Column> = READINGS.iter().collect();
        let further: [(bool, &'static [Column]); 4] = [
            (with_year_before, &YEAR_BEFORE),
            (!data.orders.is_discounted.is_empty(), &DISCOUNTS),
            (known.contacts, &CONTACTS),
            (known.invoices, &INVOICES),
        ];
        further.into_iter().filter(|(is_known, _)| *is_known).for_each(|(_, columns)| readings.extend(columns));
        let feature = |name: &str, subject, is_monotone| Feature { name: name.to_owned(), subject, is_monotone };
        let mut all: Vec<Feature> =
            readings.iter().map(|(name, subject, is_monotone, _)| feature(name, *subject, *is_monotone)).collect();
        let channels: Vec<&str> =
            records.main_channels.iter().map(|rank| data.channels.get(u32::from(*rank))).collect();
        all.extend((0..channels.len()).map(|at| feature(CHANNEL_SHARE, Subject::Channel(at as u8), false)));
        let mut found = Vec::new();
        for name in attributes {
            let Some(column) = data.attributes.iter().find(|column| column.name == *name) else { continue };
            let Some(attribute) = Attribute::new(&column.values, customers) else { continue };
            let subject = Subject::Attribute(found.len() as u16);
            all.extend((0..attribute.n_columns()).map(|_| Feature { name: name.clone(), subject, is_monotone: false }));
            found.push(attribute);
        }
        Self { kept: vec![true; all.len()], all, readings, channels, attributes: found }
    }

    /// Returns the columns that are learnt from.
    pub fn features(&self) -> Vec<&Feature> {
        self.all.iter().zip(&self.kept).filter(|(_, kept)| **kept).map(|(feature, _)| feature).collect()
    }

    /// Says in which columns the risk must not fall.
    pub fn monotone(&self) -> Vec<bool> {
        self.features().iter().map(|feature| feature.is_monotone).collect()
    }

    /// Leaves out the attributes of some names.
    pub fn drop(&mut self, names: &[String]) {
        for (feature, kept) in self.all.iter().zip(&mut self.kept) {
            let is_attribute = matches!(feature.subject, Subject::Attribute(_));
            *kept &= !(is_attribute && names.contains(&feature.name));
        }
    }

    /// Returns the attributes that are learnt from, with their positions and names.
    pub fn attributes(&self) -> impl Iterator<Item = (u16, &str, &Attribute<'a>)> {
        let first = |at: usize| {
            let is_own = |feature: &Feature| feature.subject == Subject::Attribute(at as u16);
            let own = self.all.iter().position(is_own).filter(|column| self.kept[*column])?;
            Some((at as u16, self.all[own].name.as_str(), &self.attributes[at]))
        };
        (0..self.attributes.len()).filter_map(first)
    }

    /// Returns an attribute by its position.
    pub fn attribute(&self, at: u16) -> Option<&Attribute<'a>> {
        self.attributes.get(usize::from(at))
    }

    /// Finds which values of each attribute go with more lost customers.
    pub fn speaks(&self, observed: &Observed) -> Vec<Speaks> {
        self.attributes.iter().map(|attribute| attribute.speaks(observed)).collect()
    }

    /// Returns names and texts of the attributes and the names of the channels, by their positions.
    pub fn words(&self) -> Words<'_> {
        let name = |at: usize| {
            let own = self.all.iter().find(|feature| feature.subject == Subject::Attribute(at as u16));
            own.map_or("", |feature| feature.name.as_str())
        };
        let named = self.attributes.iter().enumerate().map(|(at, of)| Named { name: name(at), labels: of.labels() });
        Words { attributes: named.collect(), channels: self.channels.clone() }
    }

    /// Reads the columns off customers on the eve of a cut.
    pub fn matrix(&self, customers: &[u32], behaviour: &[Behaviour], eve: Day) -> Matrix {
        let mut matrix = Matrix::new(behaviour.len());
        for (_, _, _, reading) in &self.readings {
            matrix.push(behaviour.iter().map(reading));
        }
        for at in 0..self.channels.len() {
            matrix.push(behaviour.iter().map(|b| Some(b.channel_share(at))));
        }
        for attribute in &self.attributes {
            attribute.push(customers, eve, &mut matrix);
        }
        matrix.retain(&self.kept);
        matrix
    }
}
