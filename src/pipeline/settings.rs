//! The pipeline as plain data: what the file says, with defaults filled in and every value in its range.
//!
//! What a room can be told it declares itself: the parameters of an analysis and the rules of the ingest are held here as they are.

use std::ops::Range;

use super::privacy::PrivacySettings;
use crate::analysis::{abc, churn, cross_sell, lifetime_value, rfm};
use crate::campaign::ContactRules;
use crate::campaign::legal::LegalBasis;
use crate::campaign::profit::Economics;
use crate::campaign::target::Target;
use crate::campaign::target::country::Country;
use crate::ingest::{Currency, ProductRules, ReturnRules, TableSource};
use crate::segment::{Membership, Order};
use crate::units::{Day, Language, Period};

/// A pipeline file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub version: u32,
    /// Last day that the data covers; nothing where the last transaction decides.
    pub as_of: Option<Day>,
    /// What is computed, distinct, in the order of [`Analyse`].
    pub analyses: Vec<Analyse>,
    pub input: Inputs,
    /// The code is three capital letters, every rate positive and finite.
    pub currency: Currency,
    pub products: ProductRules,
    pub returns: ReturnRules,
    pub abc: abc::Params,
    pub rfm: rfm::Params,
    pub lifetime_value: lifetime_value::Params,
    /// Customer attributes that the lifetime values are fitted by, as the file names them.
    pub covariates: Vec<Placed>,
    pub churn_setting: churn::contract::Setting,
    pub churn: churn::Params,
    /// Customer attributes that churn is learnt from, as the file names them.
    pub churn_attributes: Vec<Placed>,
    pub cross_sell: cross_sell::Params,
    pub segment_rules: SegmentRules,
    pub segments: Vec<SegmentRule>,
    pub contact_rules: ContactRules,
    pub campaigns: Vec<CampaignRule>,
    /// Population stability index above which a run by a reused model publishes nothing.
    pub max_drift_psi: Option<f64>,
    /// Language of the sentences in the results.
    pub language: Language,
    pub privacy: PrivacySettings,
    pub output: OutputSettings,
    pub cache: CacheSettings,
}

/// An analysis that a pipeline can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Analyse {
    Abc,
    Rfm,
    LifetimeValue,
    Churn,
    CrossSell,
}

impl Analyse {
    /// All analyses, each after those it builds on.
    pub const ALL: [Self; 5] = [Self::Abc, Self::Rfm, Self::LifetimeValue, Self::Churn, Self::CrossSell];

    /// Returns the name in the pipeline.
    pub fn label(self) -> &'static str {
        match self {
            Self::Abc => "abc",
            Self::Rfm => "rfm",
            Self::LifetimeValue => "lifetime-value",
            Self::Churn => "churn",
            Self::CrossSell => "cross-sell",
        }
    }

    /// Returns what the names of its columns start with.
    pub fn column_prefix(self) -> &'static str {
        match self {
            Self::Abc => "abc_",
            Self::Rfm => "rfm_",
            Self::LifetimeValue => "clv",
            Self::Churn => "churn_",
            Self::CrossSell => "offer_",
        }
    }
}

/// What is read; patterns are relative to the folder of the pipeline file.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// Share of rows that may be rejected before nothing is published, `0..=1`.
    pub max_reject_share: f64,
    pub transactions: Option<TableSource>,
    pub customers: Option<TableSource>,
    /// Columns of the customers beside the canonical ones.
    pub attributes: Vec<Attribute>,
    pub products: Option<TableSource>,
    pub contracts: Option<Contractual>,
    pub responses: Option<Trials>,
    /// Read by `measure` alone.
    pub assignments: Option<TableSource>,
    pub suppressions: Option<SuppressionSource>,
    pub baskets: Option<TableSource>,
    pub contacts: Option<ContactSource>,
    pub invoices: Option<TableSource>,
}

/// The suppression list, and how old it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct SuppressionSource {
    pub source: TableSource,
    pub max_age_hours: u32,
}

/// Contacts and how they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactSource {
    pub source: TableSource,
    /// Kinds that are complaints; nothing where usual words do.
    pub complaints: Option<Vec<String>>,
}

/// Contracts and how they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Contractual {
    pub source: TableSource,
    /// Headers of further columns.
    pub attributes: Vec<Placed>,
    /// Cells that mean cancelled; nothing where usual words do.
    pub cancelled: Option<Vec<String>>,
}

/// Responses to past campaigns and how they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    pub source: TableSource,
    /// Headers of further columns.
    pub attributes: Vec<Placed>,
    /// Cells that mean a response; nothing where usual words do.
    pub response: Option<Vec<String>>,
    /// Arms that are control groups; nothing where usual names do.
    pub control: Option<Vec<String>>,
}

/// A column of the customer export that the pipeline names beside the canonical ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// What segments, campaigns and analyses call it, `snake_case`.
    pub name: String,
    pub header: Placed,
}

/// A named condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRule {
    pub name: Placed,
    pub condition: Placed,
    /// Customers that it holds at most.
    pub limit: Option<u32>,
    /// Score column by which they are the best.
    pub order_by: Option<Placed>,
    pub order: Order,
}

/// What holds for all segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentRules {
    pub membership: Membership,
    /// Customers below whom published tables do not count a group.
    pub min_size: Option<u32>,
}

/// A file for a mailing tool, a letter shop or a call centre.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignRule {
    pub name: Placed,
    /// Name of a segment.
    pub segment: Placed,
    /// Columns beside `customer_id` and, where the campaign goes by e-mail, `email`, which are left out here.
    pub columns: Vec<Placed>,
    pub target: &'static Target,
    /// Where the file names the target; nothing where it does not.
    pub target_span: Option<Range<usize>>,
    /// Column with a file for each of its values.
    pub split_by: Option<Placed>,
    /// Country of the sender, and of customers without one.
    pub home: &'static Country,
    pub basis: LegalBasis,
    /// Share of the control group, `0..1`.
    pub control_share: f64,
    pub stratify_by: Vec<Placed>,
    pub repeat_after: Option<Period>,
    pub economics: Option<Economics>,
    /// Columns that the economics name, where they stand.
    pub estimates: Vec<Placed>,
}

/// Where results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSettings {
    /// Relative to the folder of the pipeline file.
    pub directory: String,
    /// Finished runs that are kept, the newest ones.
    pub keep_runs: usize,
}

/// What is kept of the input for the next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    pub enabled: bool,
    /// Relative to the folder of the pipeline file; nothing for a place in the output directory.
    pub directory: Option<String>,
    pub max_bytes: u64,
}

/// Text of the pipeline file and where it stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placed {
    pub text: String,
    /// Bytes of the value in the file, quotes included.
    pub span: Range<usize>,
    /// First byte of the text itself, where the file holds it letter by letter; nothing where it holds escapes.
    pub start: Option<usize>,
}

impl Placed {
    /// Returns where a byte range of the text stands in the file: the whole value where that cannot be said.
    pub fn locate(&self, range: &Range<usize>) -> Range<usize> {
        self.start.map_or_else(|| self.span.clone(), |start| start + range.start..start + range.end)
    }
}
