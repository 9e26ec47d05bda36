//! `klientel generate`: a synthetic base on request.

use indicatif::{ProgressBar, ProgressDrawTarget};
use klientel::diagnostic::{Diagnostic, codes, snippets};
use klientel::generate::{Dirt, FilesPer, Format, GenerateError, Params, generate as write_base};
use klientel::units::{Day, Money};

use super::args::{FileFormat, GenerateArgs};
use super::exit::Exit;
use super::text::{count, money};

/// Writes a base and says what is in it.
pub fn generate(args: &GenerateArgs) -> Exit {
    let Some(as_of) = Day::parse_iso(&args.as_of) else {
        let title = format!("`{}` is not a day", args.as_of);
        return fail(&Diagnostic::error(codes::GENERATE, title).help("write it as yyyy-mm-dd"), Exit::Input);
    };
    let params = Params {
        customers: args.customers,
        products: args.products,
        days: args.days,
        as_of,
        seed: args.seed,
        format: match args.format {
            FileFormat::Csv => Format::Csv,
            FileFormat::Parquet => Format::Parquet,
        },
        dirt: if args.german { Dirt::German } else { Dirt::Clean },
        files: FilesPer::Month,
    };
    let bar = ProgressBar::with_draw_target(Some(params.expected_lines()), ProgressDrawTarget::stderr());
    let result = write_base(&params, &args.out, &|lines| bar.set_position(lines));
    bar.finish_and_clear();
    match result {
        Ok(summary) => {
            eprintln!(
                "{} files in {}: {} lines of {} orders by {} customers, {} return lines, {} guest lines, revenue {}",
                summary.files.len(),
                args.out.display(),
                count(summary.n_lines),
                count(summary.n_orders),
                count(summary.n_customers),
                count(summary.n_return_lines),
                count(summary.n_guest_lines),
                money(Money(i64::try_from(summary.revenue).unwrap_or(i64::MAX)).major()),
            );
            Exit::Ok
        }
        Err(error) => {
            let (exit, code, cause) = match &error {
                GenerateError::Write { source, .. } => (Exit::Output, codes::OUTPUT, format!(": {source}")),
                GenerateError::Parquet { source, .. } => (Exit::Output, codes::OUTPUT, format!(": {source}")),
                _ => (Exit::Input, codes::GENERATE, String::new()),
            };
            fail(
                &Diagnostic::error(code, format!("{error}{cause}"))
                    .help("`klientel generate --help` lists all settings"),
                exit,
            )
        }
    }
}

fn fail(diagnostic: &Diagnostic, exit: Exit) -> Exit {
    eprint!("{}", snippets(std::slice::from_ref(diagnostic), "", "", super::is_colored()));
    exit
}
