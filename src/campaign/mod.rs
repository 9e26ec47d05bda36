//! Campaigns: the members of a segment with what reaches them, as far as they may be reached.
//!
//! Personal data is joined here and nowhere before. Null or unknown consent is no; without an address there is no contact. What a
//! file looks like is told by the [`target`]; a file for each sales representative or region comes from [`split`].

pub mod assignments;
pub mod control;
pub mod holdout;
pub mod legal;
pub mod prepare;
pub mod pressure;
pub mod profit;
pub mod split;
pub mod suppression;
pub mod target;

mod draw;
mod reach;
mod reason;
mod unique;

use std::sync::Arc;

use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError, Rows};
use crate::table::Customers;
use crate::units::{Day, Language, Period};
use legal::LegalBasis;
use prepare::Prepared;
use pressure::Limits;
use profit::Economics;
pub use reason::Reason;
use target::country::Country;
use target::layout::{LAST_CONTACT, OFFER, REASON};
use target::{Shape, Target};

/// A campaign as the pipeline asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// File name without ending.
    pub name: String,
    /// Segment whose members are addressed.
    pub segment: String,
    /// Customer attributes and score columns beside customer id and address.
    pub columns: Vec<String>,
    /// What the file is made for.
    pub target: &'static Target,
    /// Column with a file for each of its values.
    pub split_by: Option<String>,
    /// Country of the sender, and of customers without one.
    pub home: &'static Country,
    /// Language of a salutation where nothing says another.
    pub language: Language,
    /// Ground on which customers are contacted.
    pub basis: LegalBasis,
    /// Share of the control group, `0..1`.
    pub control_share: f64,
    /// Text columns within whose cells the control group has its share.
    pub stratify_by: Vec<String>,
    /// Time for which a customer who was selected is not selected again; without it, every run does.
    pub repeat_after: Option<Period>,
    /// What a contact costs and brings; without it everybody who may be contacted is.
    pub economics: Option<Economics>,
}

/// What holds for all campaigns of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactRules {
    pub holdout: holdout::Rule,
    /// Time for which assignments of campaigns are kept that the pipeline no longer has; without it, for ever.
    pub keep_assignments: Option<Period>,
    pub limits: Limits,
    /// Campaigns of one run that a customer may be in.
    pub campaigns_per_customer: Option<u32>,
    pub deduplicate_by: Deduplicate,
}

/// Who counts as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deduplicate {
    /// What the target tells apart.
    #[default]
    Target,
    /// Who has the same address on the channel.
    Address,
    /// Who has the same last name, street and postal code.
    Household,
}

impl Deduplicate {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Target, Self::Address, Self::Household];

    /// Returns the word of the pipeline.
    pub fn label(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Address => "address",
            Self::Household => "household",
        }
    }
}

impl Campaign {
    /// Says whether a customer was selected by another run too short a time before, or after, this one.
    fn has_had_enough(&self, last: impl Fn() -> Option<Day>, as_of: Day) -> bool {
        let Some(period) = self.repeat_after else { return false };
        last().is_some_and(|last| {
            let (first, second) = (last.min(as_of), last.max(as_of));
            first != second && first > period.start_before(second)
        })
    }

    /// Returns the customer columns that the campaign cannot do without, each once.
    pub fn needs(&self) -> Vec<&str> {
        let named = self.columns.iter().chain(&self.split_by).chain(&self.stratify_by).map(String::as_str);
        let mut needs = self.target.channel.needs().to_vec();
        for name in named {
            if !needs.contains(&name) {
                needs.push(name);
            }
        }
        needs
    }
}

/// Joins the contacts of a campaign with their addresses and what else the file holds.
///
/// # Errors
/// Fails where a column does not exist, which checking the pipeline rules out.
pub fn file<'a>(
    campaign: &Campaign,
    members: &Frame<'a>,
    customers: &'a Customers,
    prepared: &Prepared,
) -> Result<Frame<'a>, FrameError> {
    let (contacted, addressed): (Vec<u32>, Vec<u32>) = prepared.contacts.iter().copied().unzip();
    let contacts = members.pick(contacted);
    let addressed: Rows = addressed.into();
    let mut columns: Vec<FrameColumn<'a>> = Vec::new();
    let scores = if campaign.target.shape == Shape::CallList { &[REASON, LAST_CONTACT, OFFER][..] } else { &[] };
    let needs = [CUSTOMER_ID].into_iter().chain(campaign.needs()).map(|name| (name, true));
    let wishes = campaign.target.wishes().iter().chain(scores).map(|name| (*name, false));
    for (name, is_needed) in needs.chain(wishes) {
        if columns.iter().any(|column| column.name == name) {
            continue;
        }
        columns.push(match (contacts.column(name), customers.attributes.get_key_value(name)) {
            (Ok(score), _) => score.clone(),
            (_, Some((name, texts))) => FrameColumn::at(name, Cells::Texts(texts), Arc::clone(&addressed)),
            (Err(missing), None) if is_needed => return Err(missing),
            (Err(_), None) => continue,
        });
    }
    Ok(Frame::of(columns))
}

#[cfg(test)]
mod tests;
