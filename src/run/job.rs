//! A pipeline made ready to run: paths resolved, analyses set up, every column known, nothing read yet.

use std::path::{Component, Path, PathBuf};

use super::error::RunError;
use super::reuse::ReusedModel;
use crate::analysis::Analysis;
use crate::analysis::abc::Abc;
use crate::analysis::churn::Churn;
use crate::analysis::churn::contract::{self, ContractChurn, Setting};
use crate::analysis::churn::trials::Uplift;
use crate::analysis::cross_sell::CrossSell;
use crate::analysis::lifetime_value::LifetimeValue;
use crate::analysis::lifetime_value::reuse::Reused;
use crate::analysis::overview::Overview;
use crate::analysis::rfm::Rfm;
use crate::campaign::Campaign;
use crate::diagnostic::Diagnostic;
use crate::ingest::{CUSTOMERS, ProductRules, TableSource, TransactionRules, attributes, without_detours};
use crate::pipeline::{self, Analyse, Pipeline};
use crate::scores::promised;
use crate::segment::{MEMBERSHIP_COLUMNS, Segment, membership_columns};
use crate::state::StoredModel;
use crate::table::{Column, ColumnSpec, Customers, Fingerprint, Ids};

/// Everything a run needs to know before it reads.
pub struct Job {
    /// Pipeline file as the user named it.
    pub pipeline_path: String,
    pub pipeline_sha256: String,
    /// Folder that paths in the pipeline count from.
    pub directory: PathBuf,
    pub transactions: Option<TableSource>,
    pub customers: Option<TableSource>,
    pub products: Option<TableSource>,
    pub contracts: Option<TableSource>,
    pub responses: Option<TableSource>,
    /// Read by `measure` alone, and not among the tables of a run: a run may write them.
    pub assignments: Option<TableSource>,
    pub suppressions: Option<TableSource>,
    pub baskets: Option<TableSource>,
    pub contacts: Option<TableSource>,
    pub invoices: Option<TableSource>,
    pub max_reject_share: f64,
    pub transaction_rules: TransactionRules,
    pub product_rules: ProductRules,
    /// The pipeline as it was read.
    pub settings: Pipeline,
    pub analyses: Vec<Box<dyn Analysis>>,
    /// The model to score by, where nothing is to be fitted.
    pub reused: Option<ReusedModel>,
    /// Columns of the scores.
    pub promised: Vec<ColumnSpec>,
    pub segments: Vec<Segment>,
    pub campaigns: Vec<Campaign>,
    pub output: PathBuf,
    pub keep_runs: usize,
    pub cache: Option<CacheRules>,
    /// File with the key of pseudonyms, where campaign files hold those.
    pub pseudonym_key: Option<PathBuf>,
}

/// Where what was read of transaction files is kept, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRules {
    pub directory: PathBuf,
    pub max_bytes: u64,
}

impl Job {
    /// Reads and checks a pipeline; `directory` is the folder that its paths count from.
    ///
    /// # Errors
    /// Returns every problem of the file.
    pub fn load(text: &str, pipeline_path: &str, directory: &Path) -> Result<Self, Vec<Diagnostic>> {
        let columns_of = |pipeline: &Pipeline| promised(&analyses(pipeline, None));
        let (pipeline, segments) = pipeline::check(text, &columns_of)?;
        let analyses = analyses(&pipeline, None);
        let settings = pipeline.clone();
        let campaigns = pipeline.campaigns.iter().map(|campaign| Campaign {
            name: campaign.name.text.clone(),
            segment: campaign.segment.text.clone(),
            columns: campaign.columns.iter().map(|column| column.text.clone()).collect(),
            target: campaign.target,
            split_by: campaign.split_by.as_ref().map(|column| column.text.clone()),
            home: campaign.home,
            language: pipeline.language,
            basis: campaign.basis,
            control_share: campaign.control_share,
            stratify_by: campaign.stratify_by.iter().map(|column| column.text.clone()).collect(),
            repeat_after: campaign.repeat_after,
            economics: campaign.economics.clone(),
        });
        let output = directory.join(&pipeline.output.directory);
        let pseudonym_key = pipeline.privacy.pseudonym_key.as_ref().map(|path| directory.join(path));
        let cache = &pipeline.cache;
        let cache = cache.enabled.then(|| CacheRules {
            directory: cache.directory.as_ref().map_or_else(|| output.join(".cache"), |path| directory.join(path)),
            max_bytes: cache.max_bytes,
        });
        Ok(Self {
            pipeline_path: pipeline_path.to_owned(),
            pipeline_sha256: Fingerprint::of(text),
            transactions: pipeline.input.transactions.as_ref().map(|source| source.below(directory)),
            customers: pipeline.input.customers.as_ref().map(|source| source.below(directory)),
            products: pipeline.input.products.as_ref().map(|source| source.below(directory)),
            contracts: pipeline.input.contracts.as_ref().map(|contracts| contracts.source.below(directory)),
            responses: pipeline.input.responses.as_ref().map(|trials| trials.source.below(directory)),
            assignments: pipeline.input.assignments.as_ref().map(|source| source.below(directory)),
            suppressions: pipeline.input.suppressions.as_ref().map(|list| list.source.below(directory)),
            // Orders are the baskets where there are any.
            baskets: pipeline
                .input
                .baskets
                .as_ref()
                .filter(|_| pipeline.input.transactions.is_none())
                .map(|source| source.below(directory)),
            contacts: pipeline.input.contacts.as_ref().map(|contacts| contacts.source.below(directory)),
            invoices: pipeline.input.invoices.as_ref().map(|source| source.below(directory)),
            max_reject_share: pipeline.input.max_reject_share,
            transaction_rules: TransactionRules {
                as_of: pipeline.as_of,
                currency: pipeline.currency,
                returns: pipeline.returns,
            },
            product_rules: pipeline.products,
            promised: promised(&analyses)
                .into_iter()
                .chain((!segments.is_empty()).then(membership_columns).into_iter().flatten())
                .collect(),
            settings,
            analyses,
            reused: None,
            campaigns: campaigns.collect(),
            segments,
            output,
            cache,
            pseudonym_key,
            keep_runs: pipeline.output.keep_runs,
            directory: directory.to_owned(),
        })
    }

    /// Repeats the search for affinities on swapped baskets as well; before a model is reused.
    pub fn check_null(&mut self) {
        self.settings.cross_sell.affinity.null_check = true;
        self.analyses = analyses(&self.settings, None);
    }

    /// Returns the tables that are read, with their names.
    pub fn tables(&self) -> Vec<(&'static str, &TableSource)> {
        let tables = [
            ("transactions", self.transactions.as_ref()),
            ("customers", self.customers.as_ref()),
            ("products", self.products.as_ref()),
            ("contracts", self.contracts.as_ref()),
            ("responses", self.responses.as_ref()),
            ("suppressions", self.suppressions.as_ref()),
            ("baskets", self.baskets.as_ref()),
            ("contacts", self.contacts.as_ref()),
            ("invoices", self.invoices.as_ref()),
        ];
        tables.into_iter().filter_map(|(name, source)| Some((name, source?))).collect()
    }

    /// Returns the path of an input file as the pipeline would write it, so that what a run writes does not depend on where it was
    /// started.
    pub fn below(&self, table: &str, file: &Path) -> PathBuf {
        let patterns =
            self.tables().into_iter().filter(|(name, _)| *name == table).flat_map(|(_, source)| &source.patterns);
        let all_absolute = patterns.clone().count() > 0 && patterns.clone().all(|path| Path::new(path).is_absolute());
        if all_absolute { file.to_owned() } else { relative(file, &self.directory) }
    }

    /// Returns the bytes of all input files, where they can be told beforehand.
    pub fn input_bytes(&self) -> Option<u64> {
        let files = self.tables().into_iter().map(|(table, source)| source.files(table).ok());
        let files: Vec<PathBuf> = files.collect::<Option<Vec<_>>>()?.concat();
        files.iter().map(|file| file.metadata().ok().map(|meta| meta.len())).sum()
    }

    /// Lays out the customer attributes that the analyses read.
    ///
    /// # Errors
    /// Fails where the customer export does not have one.
    pub fn attributes(&self, customers: Option<&Customers>, ids: &Ids) -> Result<Vec<Column>, RunError> {
        let mut wanted: Vec<String> =
            self.analyses.iter().flat_map(|analysis| analysis.attributes()).cloned().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let Some(customers) = customers else { return Ok(vec![]) };
        if let Some(name) = wanted.iter().find(|name| !customers.attributes.contains_key(*name)) {
            return Err(RunError::NoAttribute { attribute: name.clone() });
        }
        let named = self.customers.iter().flat_map(|source| &source.attributes).collect::<Vec<_>>();
        Ok(attributes(customers, ids, &wanted, |name| named.iter().any(|named| *named == name)))
    }

    /// Returns the columns of the scores that the analyses write.
    pub fn analysed(&self) -> &[ColumnSpec] {
        let n_further = if self.segments.is_empty() { 0 } else { MEMBERSHIP_COLUMNS.len() };
        &self.promised[..self.promised.len() - n_further]
    }

    /// Checks that the customer export has every attribute that a campaign asks for.
    ///
    /// # Errors
    /// Fails with the first attribute that is missing.
    pub fn check_campaign_columns(&self, customers: Option<&Customers>) -> Result<(), RunError> {
        let Some(customers) = customers else { return Ok(()) };
        let is_attribute = |name: &str| CUSTOMERS.columns.iter().any(|request| request.name == name);
        let is_score = |name: &str| self.promised.iter().any(|spec| spec.name == name);
        for campaign in &self.campaigns {
            for column in campaign.needs() {
                if is_attribute(column) && !is_score(column) && !customers.attributes.contains_key(column) {
                    return Err(RunError::NoCampaignColumn {
                        campaign: campaign.name.clone(),
                        column: column.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Sets up the analyses of a pipeline, each after those it builds on; by a stored model where there is one.
pub fn analyses(pipeline: &Pipeline, reused: Option<&StoredModel>) -> Vec<Box<dyn Analysis>> {
    let mut analyses: Vec<Box<dyn Analysis>> = Vec::new();
    if pipeline.input.transactions.is_some() {
        analyses.push(Box::new(Overview));
    }
    for analyse in &pipeline.analyses {
        analyses.push(match analyse {
            Analyse::Abc => Box::new(Abc { params: pipeline.abc, frozen: reused.and_then(|model| model.abc) }),
            Analyse::Rfm => Box::new(Rfm { params: pipeline.rfm, frozen: reused.and_then(|model| model.rfm) }),
            Analyse::LifetimeValue => {
                let analysis = LifetimeValue(pipeline.lifetime_value.clone());
                match reused.and_then(|model| model.lifetime_value.as_ref()) {
                    Some(fitted) => Box::new(Reused { analysis, stored: fitted.stored.clone() }),
                    None => Box::new(analysis),
                }
            }
            Analyse::Churn if pipeline.churn_setting == Setting::Contract => {
                let churn = &pipeline.churn;
                let (horizon, costs, language) = (churn.horizon, churn.costs, churn.language);
                Box::new(ContractChurn(contract::Params { horizon, costs, language }))
            }
            Analyse::Churn => Box::new(Churn(pipeline.churn.clone())),
            Analyse::CrossSell => Box::new(CrossSell(pipeline.cross_sell.clone())),
        });
    }
    if pipeline.input.responses.is_some() {
        analyses.push(Box::new(Uplift));
    }
    analyses
}

/// Returns a path as it is written from a folder, as far as the two paths alone can tell.
pub fn relative(path: &Path, folder: &Path) -> PathBuf {
    let (path, folder) = (without_detours(path), without_detours(folder));
    if path.is_absolute() != folder.is_absolute() {
        return path;
    }
    let n_common = path.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up: Vec<Component<'_>> = folder.components().skip(n_common).filter(|part| *part != Component::CurDir).collect();
    if up.contains(&Component::ParentDir) {
        return path;
    }
    up.iter().map(|_| Component::ParentDir).chain(path.components().skip(n_common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_from_the_folder_of_the_pipeline() {
        for (path, folder, expected) in [
            ("lines.csv", "", "lines.csv"),
            ("a/lines.csv", "a", "lines.csv"),
            ("/x/a/lines.csv", "/x/a", "lines.csv"),
            ("data/lines.csv", "pipelines", "../data/lines.csv"),
            ("../data/lines.csv", "", "../data/lines.csv"),
            ("/x/data/lines.csv", "/x/pipelines", "../data/lines.csv"),
            ("/exports/lines.csv", "pipelines", "/exports/lines.csv"),
            ("lines.csv", "../pipelines", "lines.csv"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new(folder)), Path::new(expected), "{path} from {folder}");
        }
    }
}
