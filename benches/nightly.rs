//! Every stage of the nightly run, and the whole run, on generated bases of three sizes.
//!
//! Bases come from `klientel::generate` with a fixed seed: Zipf products, gamma-distributed buying, returns, guests, in the order of
//! real exports. The largest size takes minutes: `cargo bench -- 1000` picks the smallest.

use std::path::Path;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use klientel::analysis::abc::Abc;
use klientel::analysis::churn::Churn;
use klientel::analysis::cross_sell::CrossSell;
use klientel::analysis::lifetime_value::LifetimeValue;
use klientel::analysis::overview::Overview;
use klientel::analysis::rfm::Rfm;
use klientel::analysis::{Analysis, Base, Findings};
use klientel::features::{CustomerFeatures, Dataset, DatasetBuilder, Outline, at};
use klientel::generate::{Format, Params, generate};
use klientel::ingest::{
    LineReading, LineTable, ProductRules, TableSource, TransactionRules, assemble, describe, read_lines,
};
use klientel::run::{Job, Silent, Surroundings};
use tempfile::TempDir;

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];

fn base(customers: u32, format: Format) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let params = Params { customers, products: (customers / 20).clamp(200, 5_000), format, ..Params::default() };
    generate(&params, dir.path(), &|_| {}).expect("parameters in range");
    dir
}

fn source(dir: &Path, format: Format) -> TableSource {
    let (format, pattern) = match format {
        Format::Csv => (klientel::ingest::Format::Csv, "transactions*.csv"),
        Format::Parquet => (klientel::ingest::Format::Parquet, "transactions*.parquet"),
    };
    TableSource { format, patterns: vec![dir.join(pattern).to_string_lossy().into_owned()], ..TableSource::default() }
}

fn lines(dir: &Path, format: Format) -> LineTable {
    read_lines(&source(dir, format), &LineReading::default()).expect("a clean export")
}

fn dataset(lines: LineTable) -> (Dataset, CustomerFeatures) {
    let rules = TransactionRules::default();
    let mut assembled = assemble(lines, |_| Vec::new(), &rules).expect("a clean export");
    let products = describe(&assembled.product_ids, &assembled.product_names, None, &ProductRules::default());
    let outline = Outline {
        customer_ids: std::mem::take(&mut assembled.customer_ids),
        product_ids: std::mem::take(&mut assembled.product_ids),
        products: products.products,
        as_of: assembled.as_of,
        n_lines: assembled.n_lines,
        has_cost: assembled.has_cost,
        channels: std::mem::take(&mut assembled.channels),
        has_discounts: assembled.has_discounts,
        not_merchandise_in_revenue: false,
    };
    let mut builder = DatasetBuilder::new(outline);
    let guests = assembled.feed(&mut builder, u64::MAX).expect("lines in memory");
    let (data, _) = builder.finish(guests);
    let now = at(&data, data.as_of);
    (data, now)
}

fn ingest(c: &mut Criterion) {
    let mut group = c.benchmark_group("ingest");
    group.sample_size(10);
    for (name, format) in [("csv", Format::Csv), ("parquet", Format::Parquet)] {
        for customers in SIZES {
            let dir = base(customers, format);
            let source = source(dir.path(), format);
            let files = source.files("transactions").expect("generated files");
            let bytes = files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum();
            group.throughput(Throughput::Bytes(bytes));
            group.bench_with_input(BenchmarkId::new(name, customers), &source, |b, source| {
                b.iter(|| read_lines(source, &LineReading::default()).expect("a clean export"));
            });
        }
    }
}

fn features(c: &mut Criterion) {
    let mut group = c.benchmark_group("features");
    group.sample_size(10);
    for customers in SIZES {
        let dir = base(customers, Format::Parquet);
        let read = || lines(dir.path(), Format::Parquet);
        group.throughput(Throughput::Elements(read().n_rows as u64));
        group.bench_function(BenchmarkId::new("build", customers), |b| {
            b.iter_batched(read, dataset, BatchSize::PerIteration);
        });
        let (data, _) = dataset(read());
        group.bench_with_input(BenchmarkId::new("at", customers), &data, |b, data| b.iter(|| at(data, data.as_of)));
    }
}

fn analyses(c: &mut Criterion) {
    let mut group = c.benchmark_group("analyses");
    group.sample_size(10);
    for customers in SIZES {
        let (data, now) = dataset(lines(base(customers, Format::Parquet).path(), Format::Parquet));
        let base = Base { data: &data, now: &now };
        group.throughput(Throughput::Elements(data.n_customers() as u64));
        let all: [&dyn Analysis; 6] = [
            &Overview,
            &Abc::default(),
            &Rfm::default(),
            &LifetimeValue::default(),
            &Churn::default(),
            &CrossSell::default(),
        ];
        let mut before: Vec<(&'static str, Findings)> = Vec::new();
        for analysis in all {
            group.bench_with_input(BenchmarkId::new(analysis.name(), customers), &base, |b, base| {
                b.iter(|| analysis.run(base, &before).expect("a healthy base"));
            });
            before.push((analysis.name(), analysis.run(&base, &before).expect("a healthy base")));
        }
    }
}

fn whole_run(c: &mut Criterion) {
    let mut group = c.benchmark_group("whole run");
    group.sample_size(10);
    for (name, format) in [("csv", Format::Csv), ("parquet", Format::Parquet)] {
        for customers in SIZES {
            let dir = base(customers, format);
            let text = format!(
                "version = 1\n[input.transactions.{name}]\npath = 'transactions*.{name}'\n[output]\ndirectory = 'out'\n\
                 [[segment]]\nname = 'best'\nwhere = \"abc_class = 'A' and churn_risk < 0.5\"\n"
            );
            let job = Job::load(&text, "pipeline.toml", dir.path()).expect("a correct pipeline");
            group.bench_with_input(BenchmarkId::new(name, customers), &job, |b, job| {
                b.iter(|| {
                    klientel::run::run(job, Surroundings::default(), &Silent).expect("a clean base");
                    // The same run a second time would find itself published.
                    std::fs::remove_dir_all(&job.output).expect("the output of this bench");
                });
            });
        }
    }
}

criterion_group!(benches, ingest, features, analyses, whole_run);
criterion_main!(benches);
