//! `manifest.json`: everything needed to explain or repeat a run; written last, so that a run without one is no run.
//!
//! Record types of their own, so that a change inside klientel cannot change the file by accident. Keys are always there, `null`
//! where there is nothing to say. Money is in major units, dates are ISO. Timings, memory and the clock differ from run to run;
//! everything else is the same for the same input, pipeline and version.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::nights::NightRecord;
use crate::analysis::Fact;

/// Version of the file's own shape.
pub const MANIFEST_VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    pub manifest_version: u32,
    pub klientel_version: &'static str,
    pub run: RunRecord,
    pub pipeline: PipelineRecord,
    /// The model that the scores stand on, where it was not fitted by this run.
    pub reused_model: Option<ReusedModelRecord>,
    pub processing: ProcessingRecord,
    pub inputs: Vec<InputRecord>,
    pub counts: CountsRecord,
    pub segments: Vec<SegmentRecord>,
    /// Customers below whom a group is not counted.
    pub min_size: Option<u32>,
    /// Nights in `memberships`: the run's own, and the one that it compared with.
    pub memberships: Vec<NightRecord>,
    /// What earlier runs drew, as this one read it.
    pub assignments_read: Option<AssignmentsReadRecord>,
    pub campaigns: Vec<CampaignRecord>,
    /// By campaign, also of those that are not in this run.
    pub arms: Vec<ArmRecord>,
    /// Score columns and the number of customers for whom they cannot be computed.
    pub unknown_scores: BTreeMap<String, usize>,
    pub notes: Vec<String>,
    pub stages: Vec<StageRecord>,
    /// Seconds each analysis took; they run side by side.
    pub analysis_seconds: BTreeMap<&'static str, f64>,
    pub outputs: Vec<OutputRecord>,
    /// Parameters and facts, one key an analysis.
    #[serde(flatten)]
    pub analyses: Map<String, Value>,
}

/// What ran, when and as of which day.
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    pub id: String,
    /// SHA-256 over pipeline, inputs, as-of, version, reused model, and the segments and assignments of earlier runs.
    pub fingerprint: String,
    pub as_of: String,
    /// Currency of all money, as the pipeline states it.
    pub currency: Option<String>,
    /// `pipeline` or `last transaction`.
    pub as_of_source: &'static str,
    /// Seconds since 1970-01-01 UTC, as the command line program read the clock.
    pub started_at_unix: u64,
    pub seconds: f64,
    pub threads: usize,
    pub peak_memory_bytes: Option<u64>,
    /// Limit that was asked for.
    pub memory_limit_bytes: Option<u64>,
    /// Says whether lines did not fit into it.
    pub lines_on_disk: bool,
    /// Age of the oldest file of the suppression list, by the clock at the start.
    pub suppression_list_hours: Option<u64>,
    /// Transaction files that were not read again; `null` without a cache.
    pub files_from_cache: Option<u64>,
}

/// Record of the processing (Art. 30 GDPR): what personal data was read and written, for what, and for how long it is kept.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessingRecord {
    /// `null` where the pipeline does not say.
    pub purpose: Option<String>,
    pub controller: Option<String>,
    /// By campaign.
    pub legal_basis: BTreeMap<String, &'static str>,
    /// Columns by table that were read, as they are called here.
    pub fields_read: BTreeMap<&'static str, Vec<String>>,
    /// Score columns: name and meaning.
    pub fields_computed: BTreeMap<String, &'static str>,
    /// Sensitive attributes that the pipeline allows by explicit consent.
    pub sensitive_allowed: Vec<String>,
    /// Says whether campaign files hold keyed pseudonyms in place of customer ids.
    pub campaign_ids_pseudonymised: bool,
    /// Newest runs that are kept; older ones are removed.
    pub retention_runs: usize,
}

/// Which pipeline file.
#[derive(Debug, Clone, Serialize)]
pub struct PipelineRecord {
    pub path: String,
    pub sha256: String,
}

/// Which model of an earlier run.
#[derive(Debug, Clone, Serialize)]
pub struct ReusedModelRecord {
    pub path: String,
    pub sha256: String,
    /// Last day of the base that it was fitted to.
    pub as_of: String,
    /// Days from that day to the as-of of this run.
    pub age_days: i64,
    /// Pipeline of the run that fitted it.
    pub pipeline_sha256: String,
}

/// One input file and how it was read.
#[derive(Debug, Clone, Serialize)]
pub struct InputRecord {
    pub table: &'static str,
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    pub rows: u64,
    pub rejected: u64,
    /// Canonical column to header in the file.
    pub columns: BTreeMap<String, String>,
    /// What was found out about the format, a sentence each.
    pub evidence: Vec<String>,
}

/// What became of the lines.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CountsRecord {
    pub lines_read: u64,
    pub lines_rejected: u64,
    pub reject_share: f64,
    /// Table, then reason.
    pub rejects_by_reason: BTreeMap<String, BTreeMap<String, u64>>,
    /// Lines whose date or money cannot be right; they stand among the rejects.
    pub lines_quarantined: u64,
    pub lines_after_as_of: u64,
    pub lines_repeated_in_other_files: u64,
    pub lines_corrected_by_later_files: u64,
    pub days_in_several_files: u64,
    pub lines_used: u64,
    pub customers: u64,
    pub customers_without_purchase: u64,
    pub products: u64,
    pub orders: u64,
    pub gross_revenue: f64,
    pub revenue: f64,
    /// Revenue minus cost of the customers for whom it is known.
    pub margin: Option<f64>,
    pub guest_lines: u64,
    pub guest_revenue: f64,
    pub objections: u64,
    pub lines_of_objections: u64,
    /// Customers who were erased and stand in an export all the same.
    pub erased: u64,
    pub lines_of_erased: u64,
    pub returns: ReturnsRecord,
    pub adjustments: u64,
    pub not_merchandise: NotMerchandiseRecord,
    /// Customers in the customer table.
    pub listed_customers: Option<u64>,
    /// Customers with lines who are not in it.
    pub customers_not_listed: Option<u64>,
    /// Customers whose rows in it differ.
    pub listed_customers_in_conflict: Option<u64>,
}

/// How returns found their orders.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReturnsRecord {
    pub lines: u64,
    /// An earlier sale line has the same quantity.
    pub exact: u64,
    /// Earlier sales cover the quantity only in parts or together.
    pub partly: u64,
    /// Earlier sales do not cover the quantity.
    pub no_order: u64,
    pub not_fully_matched: u64,
    pub unmatched_revenue: f64,
    pub cancelled_in_place: u64,
}

/// Postage, vouchers, deposits, fees.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NotMerchandiseRecord {
    /// Product ids named in the pipeline and found.
    pub named: Vec<String>,
    /// Product ids recognised by their own id or name.
    pub recognised: Vec<String>,
    pub in_revenue: bool,
    /// Lines left out of revenue, and their money.
    pub lines_left_out: u64,
    pub revenue_left_out: f64,
}

/// One segment.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentRecord {
    pub name: String,
    #[serde(rename = "where")]
    pub condition: String,
    /// SHA-256 of condition and limit.
    pub sha256: String,
    /// `null` where there are fewer than the least size that may be told, as for `matching`.
    pub customers: Option<usize>,
    /// Most customers that it may hold, and by what they are the best.
    pub limit: Option<usize>,
    pub order_by: Option<String>,
    pub order: Option<&'static str>,
    /// Customers who could have been in it without a limit.
    pub matching: Option<usize>,
    /// Value of `order_by` of the last who was kept, where somebody was left out.
    pub last_kept: Option<Value>,
}

/// Where assignments of earlier runs were read.
#[derive(Debug, Clone, Serialize)]
pub struct AssignmentsReadRecord {
    pub run: String,
    /// Of the file.
    pub sha256: String,
}

/// One campaign and who was left out.
#[derive(Debug, Clone, Serialize)]
pub struct CampaignRecord {
    pub name: String,
    pub segment: String,
    /// Name of the target in the pipeline.
    pub target: &'static str,
    /// `e-mail`, `phone`, `post` or `ads`.
    pub channel: &'static str,
    /// Ground on which customers are contacted.
    pub legal_basis: &'static str,
    /// `null` where the customers of the segment are.
    pub members: Option<usize>,
    pub contacts: usize,
    /// Members who are not contacted, by reason; `null` each where `members` is.
    pub excluded: Map<String, Value>,
    pub control_share: f64,
    /// Probability of arms that differ as much from the shares that they were drawn with.
    pub sample_ratio_p: Option<f64>,
    /// Where the selection by profit ended, major units.
    pub lowest_expected_profit: Option<f64>,
    /// Of everybody who is contacted.
    pub expected_profit: Option<f64>,
    /// Cells that were too long, held what the target cannot hold, or would have been computed by a spreadsheet.
    pub cells_cut: usize,
    pub cells_with_characters_replaced: usize,
    pub formulas_guarded: usize,
    /// Phone numbers that could not be told for sure.
    pub phone_numbers_left_out: usize,
}

/// One arm of a campaign, or of the global holdout.
#[derive(Debug, Clone, Serialize)]
pub struct ArmRecord {
    pub campaign: String,
    /// `contact` or `control`.
    pub arm: &'static str,
    /// Who is in it.
    pub customers: u64,
    /// Everybody who ever was, with those who have objected or were erased since.
    pub drawn: u64,
}

/// One stage of the run.
#[derive(Debug, Clone, Serialize)]
pub struct StageRecord {
    pub name: &'static str,
    pub seconds: f64,
    /// Largest resident memory of the process up to the end of the stage.
    pub peak_memory_bytes: Option<u64>,
}

/// One output file.
#[derive(Debug, Clone, Serialize)]
pub struct OutputRecord {
    pub path: String,
    /// `null` where it is no table, or would tell how many customers a segment has whose count is `null`.
    pub rows: Option<usize>,
    pub bytes: u64,
    pub sha256: String,
}

/// Turns facts into JSON.
pub fn facts_to_json(facts: &[(&'static str, Fact)]) -> Value {
    Value::Object(facts.iter().map(|(name, fact)| ((*name).to_owned(), fact_to_json(fact))).collect())
}

fn fact_to_json(fact: &Fact) -> Value {
    match fact {
        Fact::Integer(number) => json!(number),
        Fact::Number(number) => json!(number),
        Fact::Text(text) => json!(text),
        Fact::Group(facts) => facts_to_json(facts),
        Fact::List(facts) => Value::Array(facts.iter().map(fact_to_json).collect()),
    }
}
