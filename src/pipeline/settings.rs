//! The pipeline as plain data: what the file says, with defaults filled in and every value in its range.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::ingest::{DateFormat, Encoding, NumberFormat};
use crate::units::{Day, Period};

/// A pipeline file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub version: u32,
    /// Last day that the data covers; nothing where the last transaction decides.
    pub as_of: Option<Day>,
    /// What is computed, distinct, in the order of [`Analyse`].
    pub analyses: Vec<Analyse>,
    pub input: Inputs,
    pub currency: Currency,
    pub products: ProductRules,
    pub returns: ReturnRules,
    pub abc: AbcSettings,
    pub rfm: RfmSettings,
    pub lifetime_value: LifetimeValueSettings,
    pub churn: ChurnSettings,
    pub cross_sell: CrossSellSettings,
    pub segments: Vec<SegmentRule>,
    pub campaigns: Vec<CampaignRule>,
    pub output: OutputSettings,
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
    /// Every analysis with its name in the pipeline.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("abc", Self::Abc),
        ("rfm", Self::Rfm),
        ("lifetime-value", Self::LifetimeValue),
        ("churn", Self::Churn),
        ("cross-sell", Self::CrossSell),
    ];

    /// Returns the name in the pipeline.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, analyse)| *analyse == self).map_or("", |(name, _)| name)
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

/// What is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// Share of rows that may be rejected before nothing is published, `0..=1`.
    pub max_reject_share: f64,
    pub transactions: Source,
    pub customers: Option<Source>,
    pub products: Option<Source>,
}

/// Export files of one table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    pub format: Format,
    /// Canonical column, `snake_case`, to the header in the export; an empty header leaves the column out.
    pub columns: BTreeMap<String, String>,
    /// Canonical column, `snake_case`, to how its values are written.
    pub formats: BTreeMap<String, ColumnFormat>,
}

impl Source {
    /// Returns the paths or globs, relative to the folder of the pipeline file.
    pub fn paths(&self) -> &[String] {
        match &self.format {
            Format::Csv(csv) => &csv.paths,
            Format::Parquet { paths } => paths,
        }
    }
}

/// File format of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    Csv(CsvFormat),
    Parquet { paths: Vec<String> },
}

impl Default for Format {
    fn default() -> Self {
        Self::Csv(CsvFormat::default())
    }
}

/// CSV files; what is not given is found from the files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CsvFormat {
    pub paths: Vec<String>,
    /// An ASCII character.
    pub delimiter: Option<char>,
    pub encoding: Option<Encoding>,
    pub number_format: Option<NumberFormat>,
    pub date_format: Option<DateFormat>,
}

/// How the values of one column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnFormat {
    Number(NumberFormat),
    Date(DateFormat),
}

impl fmt::Display for ColumnFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(format) => format.fmt(f),
            Self::Date(format) => format.fmt(f),
        }
    }
}

/// The one currency of a run and what others are worth in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Currency {
    /// Three capital letters; nothing where the data decides.
    pub code: Option<String>,
    /// Value of one unit of the key in `code`, positive and finite.
    pub rates: BTreeMap<String, f64>,
}

/// Which products are goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRules {
    /// Product ids of postage, vouchers, deposits and fees.
    pub not_merchandise: Vec<String>,
    /// Whether they are recognised by id and name as well.
    pub recognise: bool,
    /// Whether they count for revenue.
    pub in_revenue: bool,
}

/// How cancellations are marked; nothing means the built-in recognition, an empty list that there is no such mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnRules {
    pub order_prefixes: Option<Vec<String>>,
    pub statuses: Option<Vec<String>>,
}

/// ABC analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct AbcSettings {
    /// Shares where A and B end, `0 < first < second < 1`.
    pub cuts: (f64, f64),
    pub value: ValueBasis,
}

/// What customers and products are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueBasis {
    Margin,
    Revenue,
    GrossRevenue,
}

/// RFM analysis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RfmSettings {
    pub cuts: RfmCuts,
    pub segments: RfmSegments,
}

/// Where the scores 1 to 5 are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RfmCuts {
    Quantile,
    RPackage,
}

/// How the 125 codes are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RfmSegments {
    Eleven,
    RPackage,
}

/// Customer lifetime value.
#[derive(Debug, Clone, PartialEq)]
pub struct LifetimeValueSettings {
    pub horizon_months: u32,
    /// Share a year, `0..=10`.
    pub discount_rate_per_year: f64,
}

/// Churn risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChurnSettings {
    pub horizon: Period,
}

/// Cross-selling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossSellSettings {
    pub offers_per_customer: u32,
    /// Customers or baskets that must hold both products.
    pub min_support_count: u32,
    pub neighbours_per_product: u32,
}

/// A named condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRule {
    pub name: Placed,
    pub condition: Placed,
}

/// A file for a mailing tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRule {
    pub name: Placed,
    /// Name of a segment.
    pub segment: Placed,
    /// Columns beside `customer_id` and `email`, which every campaign has and which are left out here.
    pub columns: Vec<Placed>,
}

/// Where results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSettings {
    /// Relative to the folder of the pipeline file.
    pub directory: String,
    /// Finished runs that are kept, the newest ones.
    pub keep_runs: u32,
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
