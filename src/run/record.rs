//! What the manifest says about a run.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::Surroundings;
use super::campaigns;
use super::job::{Job, relative};
use super::manifest::{
    AssignmentsReadRecord, CountsRecord, MANIFEST_VERSION, Manifest, NotMerchandiseRecord, OutputRecord,
    PipelineRecord, ProcessingRecord, ReturnsRecord, RunRecord, SegmentRecord, StageRecord, facts_to_json,
};
use super::nights::{Before, DefinitionRecord};
use super::read::{Inputs, shown};
use super::records_of_small_groups::{leave_out_of_index, leave_out_of_lists};
use super::resources::peak_memory_bytes;
use super::small_groups::SmallGroups;
use super::write::{Selected, Written};
use crate::analysis::Findings;
use crate::features::{BuildCounts, CustomerFeatures, Dataset};
use crate::scores::frame::{Cells, Frame, FrameColumn};
use crate::segment::{Members, Segment};
use crate::table::{Fingerprint, Key, Tombstones, Values};
use crate::units::{Day, MONEY_SCALE, Money};

/// Version of the program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything that a manifest is made of.
pub struct Everything<'a> {
    pub job: &'a Job,
    pub surroundings: Surroundings,
    pub inputs: &'a Inputs,
    pub counts: &'a BuildCounts,
    pub now: &'a CustomerFeatures,
    pub data: &'a Dataset,
    pub findings: &'a [(&'static str, Findings)],
    pub selected: &'a Selected<'a>,
    pub written: &'a Written,
    /// Age of the suppression list.
    pub suppression_hours: Option<u64>,
    pub assignments_read: Option<AssignmentsReadRecord>,
    pub id: &'a str,
    pub fingerprint: &'a str,
    pub stages: Vec<StageRecord>,
    pub analysis_seconds: Vec<(&'static str, f64)>,
    pub seconds: f64,
}

/// Hashes what decides the results: version, pipeline, input contents, as-of, who was erased, the model that is reused and the segments of an earlier run;
/// what earlier runs drew is added by [`with_assignments`].
pub fn fingerprint(
    job: &Job,
    inputs: &Inputs,
    tombstones: &Tombstones,
    key: Option<&Key>,
    compared: Option<&Before>,
) -> Fingerprint {
    let mut hash = Fingerprint::default();
    hash.update(format!("{VERSION}\n{}\n{}\n", job.pipeline_sha256, inputs.as_of));
    for record in &inputs.records {
        hash.update(format!("{} {}\n", record.table, record.sha256));
    }
    if let Some(reused) = &job.reused {
        hash.update(format!("model {}\n", reused.sha256));
    }
    if !tombstones.is_empty() {
        hash.update(format!("erased {}\n", Fingerprint::of(tombstones.to_text())));
    }
    if let Some(key) = key {
        // Tells keys apart and nothing of any.
        hash.update(format!("pseudonyms {}\n", key.digits("")));
    }
    if job.settings.cross_sell.affinity.null_check {
        hash.update("null check\n");
    }
    if let Some(compared) = compared {
        hash.update(format!("{}\n", compared.fingerprint()));
    }
    hash
}

/// Adds the hash of the assignments that were read, where there were any.
pub fn with_assignments(mut hash: Fingerprint, sha256: Option<&str>) -> String {
    if let Some(sha256) = sha256 {
        hash.update(format!("assignments {sha256}\n"));
    }
    hash.digits()
}

/// Finds the run that read the same as this one: its own output, which the newest assignments may be, does not make it another one.
pub fn same_run(output: &Path, as_of: Day, hash: &Fingerprint) -> Option<(String, Option<AssignmentsReadRecord>)> {
    let start = format!("{as_of}-");
    let runs = std::fs::read_dir(output).ok()?.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok().filter(|name| name.starts_with(&start))?;
        let text = std::fs::read_to_string(output.join(&name).join("manifest.json")).ok()?;
        let manifest: Value = serde_json::from_str(&text).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let read = &manifest["assignments_read"];
        let read = text(&read["run"]).zip(text(&read["sha256"]));
        let read = read.map(|(run, sha256)| AssignmentsReadRecord { run, sha256 });
        let fingerprint = with_assignments(hash.clone(), read.as_ref().map(|read| read.sha256.as_str()));
        (manifest["run"]["fingerprint"] == fingerprint.as_str()).then_some((name, fingerprint, read))
    });
    runs.min_by(|a, b| a.0.cmp(&b.0)).map(|(_, fingerprint, read)| (fingerprint, read))
}

/// Returns the manifest of this very run, if it is there with every file in its size.
pub fn complete_run(directory: &Path, fingerprint: &str) -> Option<Value> {
    let text = std::fs::read_to_string(directory.join("manifest.json")).ok()?;
    let manifest: Value = serde_json::from_str(&text).ok()?;
    let is_whole = |output: &Value| {
        let meta = output["path"].as_str().and_then(|path| directory.join(path).metadata().ok());
        meta.is_some_and(|meta| Some(meta.len()) == output["bytes"].as_u64())
    };
    let complete =
        manifest["run"]["fingerprint"] == fingerprint && manifest["outputs"].as_array()?.iter().all(is_whole);
    complete.then_some(manifest)
}

/// Returns a note where the affinities may take more than the run was given: what they may take decides what they find, so it stands in
/// the pipeline, and a limit of the run does not change it.
fn short_of_memory(run: &Everything<'_>) -> Option<String> {
    let limit = run.surroundings.memory_limit?;
    let planned = run.job.settings.cross_sell.affinity.memory_bytes as u64;
    let is_used = run.findings.iter().any(|(name, _)| *name == "cross_sell");
    (is_used && planned > limit).then(|| {
        let gib = |bytes: u64| bytes as f64 / (1_u64 << 30) as f64;
        format!(
            "`cross-sell.memory-limit` ({:.2} GiB) is more than `--memory-limit` ({:.2} GiB): lower it in the pipeline, or raise \
             `cross-sell.min-support-count` until less is found",
            gib(planned),
            gib(limit)
        )
    })
}

/// Writes everything down.
pub fn manifest(run: &Everything<'_>) -> Manifest {
    let reused = run.job.reused.as_ref();
    let notes = run.inputs.notes.iter().chain(run.findings.iter().flat_map(|(_, found)| &found.notes)).cloned();
    let notes = notes.chain(reused.map(|reused| reused.notes(run.inputs.as_of)).unwrap_or_default());
    let notes =
        notes.chain(campaigns::notes(&run.selected.campaigns, &run.written.campaigns, run.inputs.customers.as_ref()));
    let notes = notes.chain(short_of_memory(run)).chain(run.selected.notes.iter().cloned());
    let mut manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        klientel_version: VERSION,
        run: RunRecord {
            id: run.id.to_owned(),
            fingerprint: run.fingerprint.to_owned(),
            as_of: run.inputs.as_of.to_string(),
            currency: run.job.transaction_rules.currency.code.clone(),
            as_of_source: if run.job.transaction_rules.as_of.is_some() { "pipeline" } else { "last transaction" },
            started_at_unix: run.surroundings.started_at_unix,
            seconds: run.seconds,
            threads: run.surroundings.threads,
            peak_memory_bytes: peak_memory_bytes(),
            memory_limit_bytes: run.surroundings.memory_limit,
            lines_on_disk: run.inputs.lines_on_disk,
            suppression_list_hours: run.suppression_hours,
            files_from_cache: run.inputs.cache.as_ref().map(|cache| cache.hits),
        },
        pipeline: PipelineRecord {
            path: shown(&relative(Path::new(&run.job.pipeline_path), &run.job.directory)),
            sha256: run.job.pipeline_sha256.clone(),
        },
        reused_model: reused.map(|reused| reused.record(run.inputs.as_of, &run.job.directory)),
        processing: processing(run),
        inputs: run.inputs.records.clone(),
        counts: counts(run),
        segments: run
            .selected
            .segments
            .iter()
            .zip(run.selected.members)
            .map(|((segment, _), members)| segment_record(segment, members, &run.selected.scored.frame))
            .collect(),
        min_size: run.job.settings.segment_rules.min_size,
        memberships: run.selected.nights.clone(),
        assignments_read: run.assignments_read.clone(),
        campaigns: campaigns::records(&run.selected.campaigns, &run.written.campaigns),
        arms: run.selected.arms.clone(),
        unknown_scores: run.selected.scored.unknown.iter().cloned().collect(),
        notes: notes.collect(),
        stages: run.stages.clone(),
        analysis_seconds: run.analysis_seconds.iter().copied().collect(),
        outputs: run
            .written
            .files
            .iter()
            .map(|file| OutputRecord {
                path: file.path.clone(),
                rows: file.rows,
                bytes: file.bytes,
                sha256: file.sha256.clone(),
            })
            .collect(),
        analyses: run
            .findings
            .iter()
            .map(|(name, found)| ((*name).to_owned(), facts_to_json(&found.facts)))
            .chain(run.selected.migration.map(|facts| ("segment_migration".to_owned(), facts_to_json(facts))))
            .collect::<Map<_, _>>(),
    };
    if let Some(small) = SmallGroups::of(run.job) {
        small.leave_out_of_segments(&mut manifest.segments);
        leave_out_of_lists(&manifest.segments, &mut manifest.campaigns, &mut manifest.outputs);
        small.leave_out_of_facts(&mut manifest.analyses);
        leave_out_of_index(&mut manifest.analyses, &run.selected.tables);
    }
    manifest
}

fn segment_record(segment: &Segment, members: &Members, scores: &Frame<'_>) -> SegmentRecord {
    let limit = segment.limit.as_ref();
    let last = limit.zip(members.last_kept).and_then(|(limit, row)| value(scores.column(&limit.by).ok()?, row));
    SegmentRecord {
        name: segment.name.clone(),
        condition: segment.text.clone(),
        sha256: DefinitionRecord::of(segment).sha256,
        customers: Some(members.rows.len()),
        limit: limit.map(|limit| limit.most),
        order_by: limit.map(|limit| limit.by.clone()),
        order: limit.map(|limit| limit.order.label()),
        matching: Some(members.n_matching),
        last_kept: last,
    }
}

/// Writes a value as other facts are: money in major units, dates in ISO.
fn value(column: &FrameColumn<'_>, row: u32) -> Option<Value> {
    let Cells::Values(values) = &column.cells else { return None };
    let at = column.position(row as usize);
    match values.as_ref() {
        Values::Text { .. } => None,
        Values::Integer(cells) => cells.get(at).map(Value::from),
        Values::Number(cells) => cells.get(at).map(Value::from),
        Values::Money(cells) => cells.get(at).map(|minor| Value::from(Money(minor).major())),
        Values::Date(cells) => cells.get(at).map(|day| Value::from(Day(day).to_string())),
    }
}

fn processing(run: &Everything<'_>) -> ProcessingRecord {
    let privacy = &run.job.settings.privacy;
    let mut fields_read: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for record in &run.inputs.records {
        fields_read.entry(record.table).or_default().extend(record.columns.keys().cloned());
    }
    fields_read.values_mut().for_each(|fields| {
        fields.sort_unstable();
        fields.dedup();
    });
    ProcessingRecord {
        purpose: privacy.purpose.clone(),
        controller: privacy.controller.clone(),
        legal_basis: run.job.campaigns.iter().map(|own| (own.name.clone(), own.basis.label())).collect(),
        fields_read,
        fields_computed: run.job.promised.iter().map(|spec| (spec.name.clone(), spec.meaning)).collect(),
        sensitive_allowed: privacy.allowed.iter().map(|allowed| allowed.text.clone()).collect(),
        campaign_ids_pseudonymised: privacy.pseudonym_key.is_some(),
        retention_runs: run.job.keep_runs,
    }
}

fn counts(run: &Everything<'_>) -> CountsRecord {
    let (lines, built, now) = (&run.inputs.counts, run.counts, run.now);
    let major = |minor: i128| minor as f64 / MONEY_SCALE as f64;
    let sum = |values: &[i64]| major(values.iter().map(|value| i128::from(*value)).sum());
    let margins = now.margin.len() - now.margin.n_unknown();
    let (rows, rejected) =
        run.inputs.rows.iter().find(|(table, ..)| *table == "transactions").map_or((0, 0), |t| (t.1, t.2));
    let mut by_reason: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for reject in &run.inputs.rejects {
        *by_reason.entry(reject.table.to_owned()).or_default().entry(reject.reason.clone()).or_default() += 1;
    }
    let returns = &built.returns;
    CountsRecord {
        lines_read: rows,
        lines_rejected: rejected,
        reject_share: rejected as f64 / rows.max(1) as f64,
        rejects_by_reason: by_reason,
        lines_quarantined: lines.quarantined,
        lines_after_as_of: lines.after_as_of,
        lines_repeated_in_other_files: lines.overlap.repeated,
        lines_corrected_by_later_files: lines.overlap.corrected,
        days_in_several_files: lines.overlap.shared_days,
        lines_used: built.lines,
        customers: run.data.n_customers() as u64,
        customers_without_purchase: now.n_purchase_days.iter().filter(|days| **days == 0).count() as u64,
        products: run.data.n_products() as u64,
        orders: now.n_orders.iter().map(|orders| u64::from(*orders)).sum(),
        gross_revenue: sum(&now.gross_revenue),
        revenue: sum(&now.revenue),
        margin: (margins > 0).then(|| major(now.margin.iter().flatten().map(i128::from).sum())),
        guest_lines: built.guest_lines,
        guest_revenue: major(run.data.guest_revenue),
        objections: lines.objections,
        lines_of_objections: lines.lines_of_objections,
        erased: run.inputs.n_erased() as u64,
        lines_of_erased: lines.lines_of_erased,
        returns: ReturnsRecord {
            lines: returns.lines,
            exact: returns.exact,
            partly: returns.partly,
            no_order: returns.no_order,
            not_fully_matched: returns.not_fully_matched,
            unmatched_revenue: major(returns.unmatched_revenue),
            cancelled_in_place: returns.void,
        },
        adjustments: built.adjustments,
        not_merchandise: NotMerchandiseRecord {
            named: run.inputs.products.named.clone(),
            recognised: run.inputs.products.recognised.clone(),
            in_revenue: run.job.product_rules.in_revenue,
            lines_left_out: built.not_merchandise_lines,
            revenue_left_out: major(built.not_merchandise_revenue),
        },
        listed_customers: run.inputs.customers.as_ref().map(|customers| customers.ids.len() as u64),
        customers_not_listed: run.inputs.n_not_listed(&run.data.customer_ids),
        listed_customers_in_conflict: run.inputs.customers.as_ref().map(|_| run.inputs.customer_conflicts),
    }
}
