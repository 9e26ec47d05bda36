//! The pipeline file: every key with its meaning, unit, range and default, once.
//!
//! The same calls read a file, describe it for `pipeline.schema.json` and write `pipelines/reference.toml`; a key that is not
//! asked for here is unknown.

use std::collections::BTreeMap;
use std::fmt;

use super::affinity::affinity;
use super::campaigns::campaign;
use super::canonical::{
    CUSTOMERS, Canonical, Cell, PRODUCTS, TRANSACTIONS, attribute_name, canonical_attribute, snake_case,
};
use super::contact_rules::contact_rules;
use super::contracts::{self, BASES};
use super::events;
use super::lifetime_value::{COVARIATES, lifetime_value};
use super::offers::offers;
use super::privacy::privacy;
use super::reader::Reader;
use super::segments::{segment, segment_rules};
use super::settings::{Analyse, Attribute, CacheSettings, Inputs, OutputSettings, Pipeline, Placed};
use super::shape::key;
use super::words::{date_formats, words};
use crate::analysis::churn::contract::Setting;
use crate::analysis::{abc, churn, cross_sell, rfm};
use crate::diagnostic::{Diagnostic, codes};
use crate::ingest::{
    ColumnFormat, CsvOptions, Currency, Encoding, Format, NumberFormat, ProductRules, ReturnRules, TableSource,
};
use crate::units::Language;

/// Reads the whole file. What is required and missing or wrong was noted; what stands in for it here is never used.
pub(super) fn pipeline(file: &mut Reader<'_, '_>) -> Pipeline {
    let mut pipeline = Pipeline {
        version: file
            .version(key("version", "Version of the pipeline format").required().example("1"))
            .unwrap_or_default(),
        as_of: file.date(
            key("as-of", "Last day that the data covers; without it, the day of the last transaction")
                .example("2026-06-30"),
        ),
        analyses: analyses(file),
        input: file.table(key("input", "What is read; paths are relative to the folder of this file"), inputs),
        currency: file.table(key("currency", "The one currency of a run"), currency),
        products: file.table(key("products", "Which products are goods"), products),
        returns: file.table(key("returns", "How cancellations and returns are marked"), returns),
        abc: file.table(key("abc", "ABC analysis of customers and products"), abc),
        rfm: file.table(key("rfm", "Recency, frequency, monetary value"), rfm),
        lifetime_value: file.table(key("lifetime-value", "Customer lifetime value"), lifetime_value),
        covariates: file.texts_below("lifetime-value", COVARIATES),
        churn_setting: contracts::setting(file),
        churn: file.table(key("churn", "Risk that a customer does not come back"), churn),
        churn_attributes: file.texts_below("churn", CHURN_ATTRIBUTES),
        cross_sell: file.table(key("cross-sell", "What is bought together, and next best offers"), cross_sell),
        segment_rules: file.table(key("segments", "What holds for all segments"), segment_rules),
        segments: file
            .tables(key("segment", "A group of customers by a condition over scores and customer columns"), segment),
        contact_rules: file
            .table(key("contact-rules", "Rules that hold for the campaigns of a run together"), contact_rules),
        campaigns: file.tables(key("campaign", "A file for the mailing tool: the customers of a segment"), campaign),
        max_drift_psi: file.table(key("quality", "When results are not good enough to be published"), quality),
        language: file.table(key("report", "What people read"), report),
        privacy: file.table(key("privacy", "The people whom the data is about"), privacy),
        output: file.table(key("output", "Where results go"), output),
        cache: file.table(key("cache", "What was read of transaction files is kept for the next run"), cache),
    };
    pipeline.churn.language = pipeline.language;
    pipeline.cross_sell.offers.language = pipeline.language;
    pipeline
}

/// Name of the key, which is read a second time with its places.
const CHURN_ATTRIBUTES: &str = "attributes";

fn analyses(file: &mut Reader<'_, '_>) -> Vec<Analyse> {
    let wanted = key("analyses", "What is computed; churn needs lifetime-value")
        .default(format!("[{}]", Analyse::ALL.map(|analyse| quoted(analyse.label())).join(", ")));
    let given = file.words(wanted, &words(Analyse::ALL, Analyse::label)).unwrap_or_default();
    let has = |wanted| given.iter().any(|(analyse, _)| *analyse == wanted);
    let by_purchases = contracts::setting(file) == Setting::Purchase;
    if let (Some((_, span)), false) =
        (given.iter().find(|(analyse, _)| *analyse == Analyse::Churn), has(Analyse::LifetimeValue))
        && by_purchases
    {
        let problem = Diagnostic::error(codes::CONTRADICTION, "`churn` needs the analysis `lifetime-value`");
        let problem = problem.at(span.clone(), "reads the model that `lifetime-value` fits");
        file.note(problem.help("add \"lifetime-value\" to `analyses`"));
    }
    let mut analyses = contracts::possible(file, given);
    analyses.sort_unstable();
    analyses
}

fn inputs(table: &mut Reader<'_, '_>) -> Inputs {
    let (max_reject_share, transactions) = (
        table
            .number(
                key("max-reject-share", "Rejected rows of a table above which nothing is published")
                    .unit("share of the rows")
                    .default("0.01"),
                0.0,
                1.0,
            )
            .unwrap_or_default(),
        table.optional_table(key("transactions", "Transaction lines"), |table| {
            source(table, TRANSACTIONS, r#""../sample-data/transactions-*.csv""#, r#""exports/transactions.parquet""#)
        }),
    );
    table.at_least_one(BASES);
    let about_customers = key("customers", "Customer master data, for campaign files and attributes");
    let (customers, attributes) = table.optional_table(about_customers, customers).unzip();
    Inputs {
        max_reject_share,
        transactions,
        customers,
        attributes: attributes.unwrap_or_default(),
        products: table.optional_table(key("products", "Product master data"), |table| {
            source(table, PRODUCTS, r#""../sample-data/products.csv""#, r#""exports/products.parquet""#)
        }),
        contracts: table
            .optional_table(key("contracts", "Contracts: dates, or months and status"), contracts::contracts),
        responses: table.optional_table(key("responses", "Who responded to past campaigns"), contracts::responses),
        assignments: table.optional_table(
            key("assignments", "Who was drawn into which group of a campaign; `klientel measure` alone reads it, and needs transactions"),
            events::assignments,
        ),
        baskets: table.optional_table(
            key("baskets", "Baskets without dates or money, where there are no transactions; cross-sell reads them"),
            events::baskets,
        ),
        suppressions: table.optional_table(
            key("suppressions", "Who must not be contacted, whatever the customer table says"),
            events::suppressions,
        ),
        contacts: table
            .optional_table(key("contacts", "Contacts beside the orders; churn learns from them"), events::contacts),
        invoices: table
            .optional_table(key("invoices", "Invoices and payments; churn learns from them"), events::invoices),
    }
}

fn customers(table: &mut Reader<'_, '_>) -> (TableSource, Vec<Attribute>) {
    let mut source = source(table, CUSTOMERS, r#""../sample-data/customers.csv""#, r#""exports/customers.parquet""#);
    let headers = table.distinct_texts(
        key("attributes", "Headers of further columns to read; campaigns and covariates call `Plan B` `plan_b`")
            .default("[]"),
    );
    let attribute = |header: Placed| Attribute { name: attribute_name(&header.text), header };
    let attributes: Vec<Attribute> = headers.into_iter().map(attribute).collect();
    for Attribute { name, header } in &attributes {
        // A name that is taken is found when the names are checked.
        if canonical_attribute(name).is_none() {
            source.columns.insert(name.clone(), header.text.clone());
            source.attributes.push(name.clone());
        }
    }
    (source, attributes)
}

pub(super) fn source(
    table: &mut Reader<'_, '_>,
    canonical: &[Canonical],
    csv_path: &'static str,
    parquet_path: &'static str,
) -> TableSource {
    let path = key("path", "File, glob or list of them").required();
    table.exactly_one(&["csv", "parquet"]);
    let csv = table.optional_table(key("csv", "CSV files; what is not given is found from the files"), |table| {
        (table.paths(path.clone().example(csv_path)).unwrap_or_default(), csv_options(table))
    });
    let parquet = table.optional_table(key("parquet", "Parquet files"), |table| {
        table.paths(path.clone().example(parquet_path)).unwrap_or_default()
    });
    let (format, (patterns, csv)) = match (csv, parquet) {
        (None, Some(patterns)) => (Format::Parquet, (patterns, CsvOptions::default())),
        (csv, _) => (Format::Csv, csv.unwrap_or_default()),
    };
    let columns = table
        .table(key("columns", "Header of each column in the export; usual headers are found by themselves, an empty one leaves a column out"), |table| {
            headers(table, canonical)
        });
    let about_formats = key("formats", "Number or date format of single columns, where it differs from the file's");
    let formats = if canonical.iter().all(|column| column.cell == Cell::Plain) {
        BTreeMap::new()
    } else {
        table.table(about_formats, |table| formats(table, canonical))
    };
    TableSource { format, patterns, columns, csv, formats, ..TableSource::default() }
}

fn csv_options(table: &mut Reader<'_, '_>) -> CsvOptions {
    let encoding = key("encoding", "Character encoding").example(r#""windows-1252""#);
    let numbers = key("number-format", "How numbers are written, by example").example(r#""1.234,56""#);
    let dates = key("date-format", "How dates are written").example(r#""dd.mm.yyyy""#);
    CsvOptions {
        delimiter: table.delimiter(key("delimiter", "Mark between the cells").example(r#"";""#)),
        encoding: table.word(encoding, &words(Encoding::STATED, Encoding::label)),
        number_format: table.word(numbers, &words(NumberFormat::ALL, NumberFormat::label)),
        date_format: table.word(dates, &date_formats()),
    }
}

fn headers(table: &mut Reader<'_, '_>, canonical: &[Canonical]) -> BTreeMap<String, String> {
    let header = |column: &Canonical| Some((snake_case(column.key.name), table.header(column.key.clone())?));
    canonical.iter().filter_map(header).collect()
}

fn formats(table: &mut Reader<'_, '_>, canonical: &[Canonical]) -> BTreeMap<String, ColumnFormat> {
    let format = |column: &Canonical| {
        let name = column.key.name;
        let format = match column.cell {
            Cell::Plain => None,
            Cell::Number => {
                let wanted = key(name, "Number format of this column, as in number-format").example(r#""1234.56""#);
                table.word(wanted, &words(NumberFormat::ALL, NumberFormat::label)).map(ColumnFormat::Number)
            }
            Cell::Date => {
                let wanted = key(name, "Date format of this column, as in date-format").example(r#""yyyy-mm-dd""#);
                table.word(wanted, &date_formats()).map(ColumnFormat::Date)
            }
        };
        Some((snake_case(name), format?))
    };
    canonical.iter().filter_map(format).collect()
}

fn currency(table: &mut Reader<'_, '_>) -> Currency {
    let code =
        key("code", "Currency of every amount that is computed; without it, that of the data").example(r#""EUR""#);
    let rates = key("rates", "What one unit of another currency is worth; without it a second currency is an error")
        .example("{ USD = 0.92 }");
    let (code, rates) = (table.currency_code(code), table.rates(rates).unwrap_or_default());
    for (other, (_, span)) in &rates {
        let (title, label, help) = match &code {
            None if table.has("code") => continue,
            None => ("`currency.rates` needs `currency.code`".to_owned(), "a rate into what?", "add `code = \"EUR\"`"),
            Some(code) if code == other => (
                format!("`currency.rates` has a rate for `{code}`"),
                "the currency of the run is always 1",
                "remove it",
            ),
            Some(_) => continue,
        };
        table.note(Diagnostic::error(codes::CONTRADICTION, title).at(span.clone(), label).help(help));
    }
    Currency { code, rates: rates.into_iter().map(|(code, (rate, _))| (code, rate)).collect() }
}

fn products(table: &mut Reader<'_, '_>) -> ProductRules {
    let ProductRules { recognise, in_revenue, .. } = ProductRules::default();
    ProductRules {
        not_merchandise: table
            .texts(
                key("not-merchandise", "Ids of postage, vouchers, deposits and fees: outside baskets and offers")
                    .default("[]"),
            )
            .unwrap_or_default(),
        recognise: table
            .flag(
                key("recognise", "Whether such products are recognised by id and name as well")
                    .default(recognise.to_string()),
            )
            .unwrap_or(recognise),
        in_revenue: table
            .flag(key("in-revenue", "Whether such products count for revenue").default(in_revenue.to_string()))
            .unwrap_or(in_revenue),
    }
}

fn returns(table: &mut Reader<'_, '_>) -> ReturnRules {
    ReturnRules {
        order_prefixes: table.texts(
            key("order-prefixes", "Starts of order ids that mark a cancellation; without it they are recognised")
                .example(r#"["C"]"#),
        ),
        statuses: table.texts(
            key("statuses", "Values of `status` that mark a cancellation; without it a built-in list")
                .example(r#"["storniert", "cancelled"]"#),
        ),
    }
}

fn abc(table: &mut Reader<'_, '_>) -> abc::Params {
    let abc::Params { cuts, value } = abc::Params::default();
    let wanted_cuts = key("cuts", "Where class A and class B end")
        .unit("share of the total, cumulated from the top")
        .default(format!("[{:.2}, {:.2}]", cuts.a(), cuts.b()));
    let wanted_value = key("value", "What customers and products are ranked by").default(quoted(value.label()));
    abc::Params {
        cuts: table.cuts(wanted_cuts).unwrap_or(cuts),
        value: table.word(wanted_value, &words(abc::Value::ALL, abc::Value::label)).unwrap_or(value),
    }
}

fn rfm(table: &mut Reader<'_, '_>) -> rfm::Params {
    let rfm::Params { cuts, segments } = rfm::Params::default();
    let wanted_cuts = key("cuts", "Where the scores 1 to 5 are cut; `r-package` reproduces the R package rfm")
        .default(quoted(cuts.label()));
    let wanted_segments =
        key("segments", "How the 125 combinations of scores are named").default(quoted(segments.label()));
    rfm::Params {
        cuts: table.word(wanted_cuts, &words(rfm::CutRule::ALL, rfm::CutRule::label)).unwrap_or(cuts),
        segments: table.word(wanted_segments, &words(rfm::SegmentMap::ALL, rfm::SegmentMap::label)).unwrap_or(segments),
    }
}

fn churn(table: &mut Reader<'_, '_>) -> churn::Params {
    let churn::Params { horizon, eligible_recency, costs, language, .. } = churn::Params::default();
    contracts::setting_key(table);
    let wanted = key(
        "horizon",
        "A customer who buys nothing, or whose contract is cancelled, within this time after as-of has churned",
    );
    let eligible = key(
        "eligible-recency",
        "Customers who were silent for longer are not learnt from, and scored by the purchase model",
    );
    let attributes = key(CHURN_ATTRIBUTES, "Customer attributes to learn from, as they stand today");
    let contact = key("contact-cost", "What it costs to contact a customer").unit("major currency units");
    let offer = key("offer-cost", "What an offer costs where it is taken").unit("major currency units");
    let success = key("success-rate", "How many who would leave are kept by the offer").unit("share of them");
    let money = |cost: f64| format!("{cost:.2}");
    churn::Params {
        horizon: table.period(wanted.default(quoted(horizon)), false).unwrap_or(horizon),
        eligible_recency: table
            .whole(eligible.unit("days").default(eligible_recency.to_string()), 1, 36_500)
            .unwrap_or(eligible_recency),
        attributes: table.distinct_texts(attributes.default("[]")).into_iter().map(|placed| placed.text).collect(),
        costs: churn::profit::Costs {
            contact: table.number(contact.default(money(costs.contact)), 0.0, 1e9).unwrap_or(costs.contact),
            offer: table.number(offer.default(money(costs.offer)), 0.0, 1e9).unwrap_or(costs.offer),
            success_rate: table
                .number(success.default(money(costs.success_rate)), 0.0, 1.0)
                .unwrap_or(costs.success_rate),
        },
        language,
    }
}

fn report(table: &mut Reader<'_, '_>) -> Language {
    let language = Language::default();
    let wanted = key("language", "Language of the sentences in the results");
    table.word(wanted.default(quoted(language.label())), &words(Language::ALL, Language::label)).unwrap_or(language)
}

fn cross_sell(table: &mut Reader<'_, '_>) -> cross_sell::Params {
    let defaults = cross_sell::Params::default();
    let per_customer = key("offers-per-customer", "Offers for each customer")
        .unit("products")
        .default(defaults.offers_per_customer.to_string());
    let neighbours = key("neighbours-per-product", "Most similar products that are kept of each")
        .unit("products")
        .default(defaults.neighbours_per_product.to_string());
    cross_sell::Params {
        offers_per_customer: table.whole(per_customer, 1, 20).map_or(defaults.offers_per_customer, |n| n as usize),
        neighbours_per_product: table
            .whole(neighbours, 1, 1_000)
            .map_or(defaults.neighbours_per_product, |n| n as usize),
        affinity: affinity(table),
        offers: offers(table),
    }
}

fn quality(table: &mut Reader<'_, '_>) -> Option<f64> {
    let drift = key(
        "max-drift-psi",
        "How far the scores of a run by a reused model may have moved before nothing is published; without it, as far as they like",
    );
    table.number(drift.unit("population stability index").example("0.25"), 0.0, 100.0)
}

fn output(table: &mut Reader<'_, '_>) -> OutputSettings {
    let directory =
        key("directory", "Directory that every run gets a directory of its own in").required().example(r#""../out""#);
    let keep = key("keep-runs", "Newest runs that are kept; older ones are removed").unit("runs").default("14");
    OutputSettings {
        directory: table.text(directory).unwrap_or_default(),
        keep_runs: table.whole(keep, 1, 100_000).unwrap_or_default() as usize,
    }
}

fn cache(table: &mut Reader<'_, '_>) -> CacheSettings {
    let enabled = key("enabled", "Whether anything is kept; results are the same either way").default("true");
    let directory =
        key("directory", "Where it is kept; without it, `.cache` in the output directory").example(r#""../cache""#);
    let size = key("max-size", "Size above which the oldest entries are removed").unit("GiB").default("8.0");
    CacheSettings {
        enabled: table.flag(enabled).unwrap_or(true),
        directory: table.text(directory),
        max_bytes: (table.number(size, 0.0, 1e6).unwrap_or_default() * GIB) as u64,
    }
}

/// Bytes in a GiB.
const GIB: f64 = 1_073_741_824.0;

/// Writes a default as TOML text.
pub(super) fn quoted(word: impl fmt::Display) -> String {
    format!("\"{word}\"")
}
