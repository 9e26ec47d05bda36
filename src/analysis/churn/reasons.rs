//! Why a customer is at risk, in sentences with the customer's own figures.
//!
//! What the columns of one [`Subject`] add to the logit is one reason. It is given where it raises the risk by more than a little and
//! where the customer's figures say so too, compared with the median customer who was learnt from: "2 orders in the last 365 days" is no reason
//! for somebody who orders more than most, whatever a coefficient says. The largest come first, three at most.
//!
//! Sentences repeat: distinct ones are made once, `O(n log n)`.

use std::sync::Arc;

use rayon::prelude::*;

use super::behaviour::{Behaviour, MAIN_CHANNELS, WINDOWS};
use super::features::Subject;
use crate::table::{Column, Values};
use crate::units::{Day, Language, Money, NONE_IX};

/// Reasons a customer.
pub const MOST: usize = 3;

/// Change of the logit below which a subject is no reason: odds 5% higher.
const LEAST: f64 = 0.05;

/// What is said, with the figures in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Days since the last order, and what is usual for the customer where that is less.
    Silent {
        days: u32,
        usual: Option<u32>,
    },
    OnlyOrder,
    FewOrders {
        n: u32,
    },
    Declining {
        lately: u32,
        before: u32,
    },
    LittleMoney {
        major: i64,
    },
    SmallOrders {
        major: i64,
    },
    Irregular {
        shortest: u32,
        longest: u32,
    },
    FewProducts {
        n: u32,
    },
    Returns {
        percent: u32,
    },
    New {
        days: u32,
    },
    NotThisSeason {
        days: u32,
    },
    Discounts {
        percent: u32,
    },
    NoContact,
    Complained {
        days: u32,
    },
    PaysLate {
        days: u32,
    },
    /// Position of the channel, orders by it, and all orders.
    Channel {
        channel: u8,
        n: u32,
        of: u32,
    },
    /// Position of the attribute, and of its text; a number in hundredths.
    Text {
        attribute: u16,
        code: u32,
    },
    Number {
        attribute: u16,
        hundredths: i64,
    },
    /// A day since the epoch.
    Date {
        attribute: u16,
        day: i32,
    },
}

/// Figures of the median customer who was learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Typical {
    recency: f64,
    orders: f64,
    money: f64,
    order_value: f64,
    variation: f64,
    products: f64,
    returns: f64,
    tenure: f64,
    discounts: f64,
    days_late: f64,
    /// Mean shares of the orders.
    channels: [f64; MAIN_CHANNELS],
}

impl Typical {
    /// Takes the medians.
    pub fn of(customers: &[Behaviour]) -> Self {
        let median = |figure: fn(&Behaviour) -> Option<f64>| {
            let mut figures: Vec<f64> = customers.iter().filter_map(figure).collect();
            figures.sort_unstable_by(f64::total_cmp);
            crate::maths::quantile::quantile(&figures, 0.5).unwrap_or(0.0)
        };
        Self {
            recency: median(|b| Some(f64::from(b.recency))),
            orders: median(|b| Some(f64::from(b.orders_in[3]))),
            money: median(|b| Some(b.money_in[3] as f64)),
            order_value: median(|b| Some(b.order_value())),
            variation: median(variation),
            products: median(|b| Some(f64::from(b.n_products))),
            returns: median(|b| Some(b.returns_share())),
            tenure: median(|b| Some(f64::from(b.tenure))),
            discounts: median(Behaviour::discount_share),
            days_late: median(|b| b.days_late),
            channels: std::array::from_fn(|at| {
                customers.iter().map(|b| b.channel_share(at)).sum::<f64>() / customers.len().max(1) as f64
            }),
        }
    }

    /// Returns what a subject says of a customer; nothing where it does not speak for a higher risk.
    pub fn reason(&self, subject: Subject, b: &Behaviour, horizon: i32) -> Option<Reason> {
        let major = |minor: f64| Money(minor as i64).major().round() as i64;
        match subject {
            Subject::Silence => {
                let usual = b.gap_mean.map(|gap| gap.round().max(1.0) as u32);
                let usual = usual.filter(|usual| *usual < b.recency);
                let speaks = usual.is_some() || f64::from(b.recency) >= self.recency;
                speaks.then_some(Reason::Silent { days: b.recency, usual })
            }
            Subject::Frequency if b.n_orders <= 1 => Some(Reason::OnlyOrder),
            Subject::Frequency => {
                let n = b.orders_in[3];
                (f64::from(n) <= self.orders).then_some(Reason::FewOrders { n })
            }
            Subject::Trend => {
                let (lately, before) = (b.orders_in[1], b.orders_before_90);
                (lately < before).then_some(Reason::Declining { lately, before })
            }
            Subject::Money => {
                let money = b.money_in[3] as f64;
                (money <= self.money).then(|| Reason::LittleMoney { major: major(money) })
            }
            Subject::OrderValue => {
                (b.order_value() <= self.order_value).then(|| Reason::SmallOrders { major: major(b.order_value()) })
            }
            Subject::Rhythm => variation(b)
                .filter(|own| *own > self.variation)
                .map(|_| Reason::Irregular { shortest: b.gap_shortest, longest: b.gap_longest }),
            Subject::Variety => {
                (f64::from(b.n_products) <= self.products).then_some(Reason::FewProducts { n: b.n_products })
            }
            Subject::Returns => {
                let percent = (100.0 * b.returns_share()).round() as u32;
                (percent > 0 && b.returns_share() > self.returns).then_some(Reason::Returns { percent })
            }
            Subject::Tenure => (f64::from(b.tenure) < self.tenure).then_some(Reason::New { days: b.tenure }),
            Subject::YearBefore => (b.year_before == Some(0)).then_some(Reason::NotThisSeason { days: horizon as u32 }),
            Subject::Discount => {
                let share = b.discount_share()?;
                let percent = (100.0 * share).round() as u32;
                (percent > 0 && share > self.discounts).then_some(Reason::Discounts { percent })
            }
            Subject::Contacts => (b.n_contacts == Some(0)).then_some(Reason::NoContact),
            Subject::Complaints => b.days_since_complaint.map(|days| Reason::Complained { days }),
            Subject::Payment => {
                let days = b.days_late?;
                (days >= 0.5 && days > self.days_late).then_some(Reason::PaysLate { days: days.round() as u32 })
            }
            Subject::Channel(channel) => {
                let at = usize::from(channel);
                let n = *b.by_channel.get(at)?;
                let speaks = b.channel_share(at) > self.channels[at];
                speaks.then_some(Reason::Channel { channel, n, of: b.n_orders })
            }
            Subject::Attribute(_) => None,
        }
    }
}

fn variation(b: &Behaviour) -> Option<f64> {
    Some(b.gap_deviation? / b.gap_mean?.max(1.0))
}

/// Orders the subjects by what they add to the logit and says the first ones that have something to say.
pub fn strongest(
    contributions: &[(Subject, f64)],
    mut say: impl FnMut(Subject) -> Option<Reason>,
) -> [Option<Reason>; MOST] {
    let mut raising: Vec<(Subject, f64)> = contributions.iter().copied().filter(|(_, part)| *part > LEAST).collect();
    raising.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut said = raising.into_iter().filter_map(|(subject, _)| say(subject));
    [said.next(), said.next(), said.next()]
}

/// A customer attribute as a reason names it: what the pipeline calls it, and its texts.
#[derive(Debug, Clone)]
pub struct Named<'a> {
    pub name: &'a str,
    pub labels: &'a [String],
}

/// What reasons name: attributes and main channels, by their positions.
#[derive(Debug, Clone, Default)]
pub struct Words<'a> {
    pub attributes: Vec<Named<'a>>,
    pub channels: Vec<&'a str>,
}

/// Writes the reasons of all customers as columns.
pub fn columns(reasons: &[[Option<Reason>; MOST]], language: Language, words: &Words<'_>) -> Vec<Column> {
    let mut distinct: Vec<Reason> = reasons.iter().flatten().flatten().copied().collect();
    distinct.par_sort_unstable();
    distinct.dedup();
    let labels: Arc<[String]> = distinct.iter().map(|reason| reason.sentence(language, words)).collect();
    let code = |reason: Option<Reason>| {
        reason.and_then(|reason| distinct.binary_search(&reason).ok()).map_or(NONE_IX, |ix| ix as u32)
    };
    let column = |nth: usize| {
        let codes = reasons.par_iter().map(|own| code(own[nth])).collect();
        Column::new(format!("churn_reason_{}", nth + 1), Values::Text { codes, labels: Arc::clone(&labels) })
    };
    (0..MOST).map(column).collect()
}

impl Reason {
    /// Writes the sentence.
    pub fn sentence(self, language: Language, words: &Words<'_>) -> String {
        let of = |attribute: u16| words.attributes.get(usize::from(attribute));
        match self {
            Self::Text { attribute, code } => {
                let text = of(attribute).and_then(|named| named.labels.get(code as usize));
                return format!("{}: {}", of(attribute).map_or("", |n| n.name), text.map_or("", String::as_str));
            }
            Self::Number { attribute, hundredths } => {
                let number = (hundredths as f64 / 100.0).to_string();
                let number = if language == Language::German { number.replace('.', ",") } else { number };
                return format!("{}: {number}", of(attribute).map_or("", |n| n.name));
            }
            Self::Date { attribute, day } => {
                let date = Day(day);
                let (year, month, of_month) = date.ymd();
                let date = match language {
                    Language::English => date.to_string(),
                    Language::German => format!("{of_month:02}.{month:02}.{year}"),
                };
                return format!("{}: {date}", of(attribute).map_or("", |n| n.name));
            }
            Self::Channel { channel, n, of } => {
                let name = words.channels.get(usize::from(channel)).copied().unwrap_or_default();
                return match language {
                    Language::English => format!("{n} of {of} orders by {name}"),
                    Language::German => format!("{n} von {of} Bestellungen über {name}"),
                };
            }
            _ => {}
        }
        match language {
            Language::English => self.english(),
            Language::German => self.german(),
        }
    }

    fn english(self) -> String {
        let plural = |n: u32, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let year = WINDOWS[3];
        match self {
            Self::Silent { days, usual: Some(1) } => {
                format!("last order {} ago, usually every day", plural(days, "day"))
            }
            Self::Silent { days, usual: Some(usual) } => {
                format!("last order {} ago, usually every {usual}", plural(days, "day"))
            }
            Self::Silent { days, usual: None } => format!("last order {} ago", plural(days, "day")),
            Self::OnlyOrder => "only one order so far".to_owned(),
            Self::FewOrders { n: 0 } => format!("no order in the last {year} days"),
            Self::FewOrders { n } => format!("{} in the last {year} days", plural(n, "order")),
            Self::Declining { lately, before } => {
                format!("{} in the last 90 days, {before} in the 90 before", plural(lately, "order"))
            }
            Self::LittleMoney { major } => format!("spent {} in the last {year} days", major.max(0)),
            Self::SmallOrders { major } => format!("average order of {major}"),
            Self::Irregular { shortest, longest } => {
                format!("between {shortest} and {} from one order to the next", plural(longest, "day"))
            }
            Self::FewProducts { n: 1 } => "only one product so far".to_owned(),
            Self::FewProducts { n } => format!("{n} different products so far"),
            Self::Returns { percent } => format!("{percent}% of the money returned"),
            Self::New { days } => format!("customer for {}", plural(days, "day")),
            Self::NoContact => format!("no contact in the last {year} days"),
            Self::Complained { days } => format!("complained {} ago", plural(days, "day")),
            Self::PaysLate { days } => format!("pays invoices {} late", plural(days, "day")),
            Self::Discounts { percent } => format!("{percent}% of the orders at a discount"),
            Self::NotThisSeason { days } => format!("no order in the same {days} days of last year"),
            Self::Text { .. } | Self::Number { .. } | Self::Date { .. } | Self::Channel { .. } => String::new(),
        }
    }

    fn german(self) -> String {
        let days_ago = |n: u32| if n == 1 { "1 Tag".to_owned() } else { format!("{n} Tagen") };
        let orders = |n: u32| match n {
            0 => "keine Bestellung".to_owned(),
            1 => "1 Bestellung".to_owned(),
            n => format!("{n} Bestellungen"),
        };
        let year = WINDOWS[3];
        match self {
            Self::Silent { days, usual: Some(1) } => {
                format!("letzte Bestellung vor {}, sonst jeden Tag", days_ago(days))
            }
            Self::Silent { days, usual: Some(usual) } => {
                format!("letzte Bestellung vor {}, sonst alle {usual}", days_ago(days))
            }
            Self::Silent { days, usual: None } => format!("letzte Bestellung vor {}", days_ago(days)),
            Self::OnlyOrder => "erst eine Bestellung".to_owned(),
            Self::FewOrders { n } => format!("{} in den letzten {year} Tagen", orders(n)),
            Self::Declining { lately, before } => {
                format!("{} in den letzten 90 Tagen, {before} in den 90 davor", orders(lately))
            }
            Self::LittleMoney { major } => format!("Umsatz von {} in den letzten {year} Tagen", major.max(0)),
            Self::SmallOrders { major } => format!("im Schnitt {major} je Bestellung"),
            Self::Irregular { shortest, longest } => {
                format!("zwischen {shortest} und {} von Bestellung zu Bestellung", days_ago(longest))
            }
            Self::FewProducts { n: 1 } => "bisher nur ein Artikel".to_owned(),
            Self::FewProducts { n } => format!("bisher {n} verschiedene Artikel"),
            Self::Returns { percent } => format!("{percent} % des Umsatzes zurückgegeben"),
            Self::New { days } => format!("seit {} Kunde", days_ago(days)),
            Self::NoContact => format!("kein Kontakt in den letzten {year} Tagen"),
            Self::Complained { days } => format!("Beschwerde vor {}", days_ago(days)),
            Self::PaysLate { days: 1 } => "zahlt Rechnungen 1 Tag zu spät".to_owned(),
            Self::PaysLate { days } => format!("zahlt Rechnungen {days} Tage zu spät"),
            Self::Discounts { percent } => format!("{percent} % der Bestellungen mit Rabatt"),
            Self::NotThisSeason { days } => format!("keine Bestellung in den gleichen {days} Tagen des Vorjahres"),
            Self::Text { .. } | Self::Number { .. } | Self::Date { .. } | Self::Channel { .. } => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_have_the_customers_figures_in_either_language() {
        let check = |reason: Reason, english: &str, german: &str| {
            assert_eq!(reason.sentence(Language::English, &Words::default()), english);
            assert_eq!(reason.sentence(Language::German, &Words::default()), german);
        };
        check(
            Reason::Silent { days: 143, usual: Some(31) },
            "last order 143 days ago, usually every 31",
            "letzte Bestellung vor 143 Tagen, sonst alle 31",
        );
        check(Reason::Silent { days: 1, usual: None }, "last order 1 day ago", "letzte Bestellung vor 1 Tag");
        check(Reason::FewOrders { n: 0 }, "no order in the last 365 days", "keine Bestellung in den letzten 365 Tagen");
        check(
            Reason::Declining { lately: 1, before: 4 },
            "1 order in the last 90 days, 4 in the 90 before",
            "1 Bestellung in den letzten 90 Tagen, 4 in den 90 davor",
        );
        check(Reason::Returns { percent: 31 }, "31% of the money returned", "31 % des Umsatzes zurückgegeben");
        let labels = ["Basic".to_owned(), "Pro".to_owned()];
        let plan = Words { attributes: vec![Named { name: "tarif", labels: &labels }], channels: vec!["Telefon"] };
        let by_phone = Reason::Channel { channel: 0, n: 7, of: 8 };
        assert_eq!(by_phone.sentence(Language::English, &plan), "7 of 8 orders by Telefon");
        assert_eq!(by_phone.sentence(Language::German, &plan), "7 von 8 Bestellungen über Telefon");
        assert_eq!(Reason::Text { attribute: 0, code: 1 }.sentence(Language::German, &plan), "tarif: Pro");
        assert_eq!(Reason::Number { attribute: 0, hundredths: 250 }.sentence(Language::English, &plan), "tarif: 2.5");
        let day = Reason::Date { attribute: 0, day: 20_000 };
        assert_eq!(day.sentence(Language::English, &plan), "tarif: 2024-10-04");
        assert_eq!(day.sentence(Language::German, &plan), "tarif: 04.10.2024");
    }

    #[test]
    fn a_reason_raises_the_risk_and_the_figures_say_so() {
        let customers: Vec<Behaviour> = (0..101)
            .map(|n| Behaviour { recency: n, n_orders: 2, orders_in: [0, 0, 0, n], ..Behaviour::default() })
            .collect();
        let typical = Typical::of(&customers);
        let parts =
            [(Subject::Silence, 0.2), (Subject::Frequency, 0.9), (Subject::Returns, 0.5), (Subject::Tenure, -1.0)];
        let of = |recency: u32, orders: u32| {
            let own = Behaviour { recency, n_orders: 9, orders_in: [0, 0, 0, orders], ..Behaviour::default() };
            strongest(&parts, |subject| typical.reason(subject, &own, 90))
        };
        let silent = Reason::Silent { days: 80, usual: None };
        assert_eq!(of(80, 3), [Some(Reason::FewOrders { n: 3 }), Some(silent), None]);
        // Orders more than most, and bought lately: whatever the coefficients say, that is no reason.
        assert_eq!(of(10, 80), [None; 3]);
        assert_eq!(strongest(&[(Subject::Silence, 0.01)], |_| Some(silent)), [None; 3]);
    }
}
