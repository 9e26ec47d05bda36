//! A pipeline made ready to run: paths resolved, analyses set up, every column known, nothing read yet.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::RunError;
use crate::analysis::Analysis;
use crate::analysis::abc::{self, Abc};
use crate::analysis::churn::{self, Churn};
use crate::analysis::cross_sell::{self, CrossSell};
use crate::analysis::lifetime_value::{self, LifetimeValue};
use crate::analysis::overview::Overview;
use crate::analysis::rfm::{self, Rfm};
use crate::campaign::Campaign;
use crate::diagnostic::Diagnostic;
use crate::ingest::{self, CUSTOMERS, CsvOptions, TableSource, TransactionRules};
use crate::pipeline::{self, Analyse, Format, Pipeline, RfmCuts, RfmSegments, Source, ValueBasis};
use crate::scores::promised;
use crate::segment::Segment;
use crate::table::{ColumnSpec, Customers};

/// Everything a run needs to know before it reads.
pub struct Job {
    /// Pipeline file as the user named it.
    pub pipeline_path: String,
    pub pipeline_sha256: String,
    /// Folder that paths in the pipeline count from.
    pub directory: PathBuf,
    pub transactions: TableSource,
    pub customers: Option<TableSource>,
    pub products: Option<TableSource>,
    pub max_reject_share: f64,
    pub transaction_rules: TransactionRules,
    pub product_rules: ingest::ProductRules,
    pub not_merchandise_in_revenue: bool,
    pub analyses: Vec<Box<dyn Analysis>>,
    /// Columns of the scores.
    pub promised: Vec<ColumnSpec>,
    pub segments: Vec<Segment>,
    pub campaigns: Vec<Campaign>,
    pub output: PathBuf,
    pub keep_runs: usize,
}

impl Job {
    /// Reads and checks a pipeline; `directory` is the folder that its paths count from.
    ///
    /// # Errors
    /// Returns every problem of the file.
    pub fn load(text: &str, pipeline_path: &str, directory: &Path) -> Result<Self, Vec<Diagnostic>> {
        let columns_of = |pipeline: &Pipeline| promised(&analyses(pipeline));
        let (pipeline, segments) = pipeline::check(text, &columns_of)?;
        let analyses = analyses(&pipeline);
        let source = |source: &pipeline::Source| table_source(source, directory);
        let campaigns = pipeline.campaigns.iter().map(|campaign| Campaign {
            name: campaign.name.text.clone(),
            segment: campaign.segment.text.clone(),
            columns: campaign.columns.iter().map(|column| column.text.clone()).collect(),
        });
        Ok(Self {
            pipeline_path: pipeline_path.to_owned(),
            pipeline_sha256: hex(&Sha256::digest(text)),
            transactions: source(&pipeline.input.transactions),
            customers: pipeline.input.customers.as_ref().map(source),
            products: pipeline.input.products.as_ref().map(source),
            max_reject_share: pipeline.input.max_reject_share,
            transaction_rules: TransactionRules {
                as_of: pipeline.as_of,
                currency: ingest::Currency {
                    code: pipeline.currency.code.clone(),
                    rates: pipeline.currency.rates.clone(),
                },
                order_prefixes: pipeline.returns.order_prefixes.clone(),
                statuses: pipeline.returns.statuses.clone(),
            },
            product_rules: ingest::ProductRules {
                not_merchandise: pipeline.products.not_merchandise.clone(),
                recognise: pipeline.products.recognise,
            },
            not_merchandise_in_revenue: pipeline.products.in_revenue,
            promised: promised(&analyses),
            analyses,
            campaigns: campaigns.collect(),
            segments,
            output: directory.join(&pipeline.output.directory),
            keep_runs: pipeline.output.keep_runs as usize,
            directory: directory.to_owned(),
        })
    }

    /// Returns the tables that are read, with their names.
    pub fn tables(&self) -> Vec<(&'static str, &TableSource)> {
        let optional = [("customers", self.customers.as_ref()), ("products", self.products.as_ref())];
        let optional = optional.into_iter().filter_map(|(name, source)| Some((name, source?)));
        std::iter::once(("transactions", &self.transactions)).chain(optional).collect()
    }

    /// Returns the bytes of all input files, where they can be told beforehand.
    pub fn input_bytes(&self) -> Option<u64> {
        let files = self.tables().into_iter().map(|(table, source)| source.files(table).ok());
        let files: Vec<PathBuf> = files.collect::<Option<Vec<_>>>()?.concat();
        files.iter().map(|file| file.metadata().ok().map(|meta| meta.len())).sum()
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
            for column in ["email"].into_iter().chain(campaign.columns.iter().map(String::as_str)) {
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

/// Sets up the analyses of a pipeline, each after those it builds on.
fn analyses(pipeline: &Pipeline) -> Vec<Box<dyn Analysis>> {
    let mut analyses: Vec<Box<dyn Analysis>> = vec![Box::new(Overview)];
    for analyse in &pipeline.analyses {
        analyses.push(match analyse {
            Analyse::Abc => Box::new(Abc(abc_params(&pipeline.abc))),
            Analyse::Rfm => Box::new(Rfm(rfm_params(&pipeline.rfm))),
            Analyse::LifetimeValue => Box::new(LifetimeValue(lifetime_value::Params {
                horizon_months: pipeline.lifetime_value.horizon_months,
                discount_rate_per_year: pipeline.lifetime_value.discount_rate_per_year,
            })),
            Analyse::Churn => Box::new(Churn(churn::Params { horizon: pipeline.churn.horizon })),
            Analyse::CrossSell => Box::new(CrossSell(cross_sell::Params {
                offers_per_customer: pipeline.cross_sell.offers_per_customer as usize,
                min_support_count: pipeline.cross_sell.min_support_count,
                neighbours_per_product: pipeline.cross_sell.neighbours_per_product as usize,
            })),
        });
    }
    analyses
}

fn abc_params(settings: &pipeline::AbcSettings) -> abc::Params {
    let (a, b) = settings.cuts;
    abc::Params {
        cuts: abc::Cuts::new(a, b).unwrap_or_default(),
        value: match settings.value {
            ValueBasis::Margin => abc::Value::Margin,
            ValueBasis::Revenue => abc::Value::Revenue,
            ValueBasis::GrossRevenue => abc::Value::GrossRevenue,
        },
    }
}

fn rfm_params(settings: &pipeline::RfmSettings) -> rfm::Params {
    rfm::Params {
        cuts: match settings.cuts {
            RfmCuts::Quantile => rfm::CutRule::Quantile,
            RfmCuts::RPackage => rfm::CutRule::RPackage,
        },
        segments: match settings.segments {
            RfmSegments::Eleven => rfm::SegmentMap::Eleven,
            RfmSegments::RPackage => rfm::SegmentMap::RPackage,
        },
    }
}

fn table_source(source: &Source, directory: &Path) -> TableSource {
    let csv = match &source.format {
        Format::Csv(csv) => CsvOptions {
            delimiter: csv.delimiter,
            encoding: csv.encoding,
            number_format: csv.number_format,
            date_format: csv.date_format,
        },
        Format::Parquet { .. } => CsvOptions::default(),
    };
    TableSource {
        format: match &source.format {
            Format::Csv(_) => ingest::Format::Csv,
            Format::Parquet { .. } => ingest::Format::Parquet,
        },
        patterns: source.paths().iter().map(|path| directory.join(path).to_string_lossy().into_owned()).collect(),
        columns: source.columns.clone(),
        csv,
        formats: source.formats.iter().map(|(column, format)| (column.clone(), format.to_string())).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
