//! `klientel measure`: what every campaign earned, as a table with a sentence for each comparison; or how many customers the next one needs.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use klientel::measure::{
    self, MeasureError, Measurement, Planned, Prior, Ratio, Reading, Request, Source, figure, of_ratio,
};
use klientel::run::{Surroundings, shown};
use klientel::units::Language;
use serde_json::json;

use super::args::MeasureArgs;
use super::exit::Exit;
use super::progress::Progress;
use super::run::{Problems, load, print_json};
use super::text::count;

/// Measures the campaigns of a pipeline, or plans the next one.
pub fn measure(args: &MeasureArgs) -> Exit {
    let (text, job) = match load(&args.pipeline) {
        Ok(loaded) => loaded,
        Err(problems) => return problems.show(args.json),
    };
    let language = job.settings.language;
    let (equal_shares, shares) = args.shares.clone().map_or((false, vec![]), |shares| (shares.0.is_empty(), shares.0));
    let request = Request {
        campaign: args.campaign.clone(),
        control: args.control.clone(),
        days: args.days,
        prior: args.cuped.as_ref().map(|prior| match prior.parse::<u32>() {
            Ok(days) if days > 0 => Prior::Days(days),
            _ => Prior::Column(prior.clone()),
        }),
        effect: args.effect.unwrap_or_default(),
        shares,
        equal_shares,
        language,
    };
    let surroundings = Surroundings {
        started_at_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        threads: rayon::current_num_threads(),
        memory_limit: args.memory_limit,
        use_cache: !args.no_cache,
    };
    let progress = Progress::new(args.quiet || args.json);
    let result = if args.plan {
        measure::plan(job, &request, surroundings, &progress).map(|planned| {
            if args.json {
                print_json(&plan_as_json(&planned));
            } else {
                print(&plan_as_text(&planned, &request));
            }
        })
    } else {
        measure::measure(job, &request, surroundings, &progress).map(|found| {
            if args.json {
                print_json(&found.manifest);
            } else {
                print(&as_text(&found, &request));
                if !args.quiet {
                    found.notes.iter().for_each(|note| eprintln!("note: {note}"));
                    eprintln!("written to {}", shown(&found.directory));
                }
            }
        })
    };
    drop(progress);
    result.map_or_else(|error| fail(args, text, &error), |()| Exit::Ok)
}

fn fail(args: &MeasureArgs, text: String, error: &MeasureError) -> Exit {
    let exit = Exit::of(error.kind());
    let path = args.pipeline.to_string_lossy().into_owned();
    Problems { path, text, diagnostics: vec![error.diagnostic()], exit }.show(args.json)
}

/// Prints data; a reader that went away is no error.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Lays out every campaign: groups, sample ratio, figures, sentences.
fn as_text(found: &Measurement, request: &Request) -> String {
    let word = words(request.language);
    let mut out = String::new();
    for (ix, (trial, ratio)) in found.trials.iter().zip(&found.ratios).enumerate() {
        let arms: Vec<String> = trial
            .arms
            .iter()
            .map(|arm| {
                let role = if arm.is_control { format!(" ({})", word.control) } else { String::new() };
                format!("{}{role} {}", arm.name, whole(arm.n_assigned, request.language))
            })
            .collect();
        let window = match trial.source {
            Source::Purchases(_) => format!("; {} {} {}", word.within, request.days, word.days),
            Source::Responses => String::new(),
        };
        let _ = writeln!(out, "{}{}: {}{window}", if ix > 0 { "\n" } else { "" }, trial.campaign, arms.join(", "));
        if let Ratio::Checked(p) = ratio {
            let _ = writeln!(out, "{}", of_ratio(*p, request.language));
        }
        let of_trial = || found.readings.iter().zip(&found.sentences).filter(|(reading, _)| reading.trial == ix);
        let rows = of_trial().map(|(reading, _)| row(reading, word, request.language));
        out.push_str(&aligned(std::iter::once(word.header.map(str::to_owned)).chain(rows)));
        for sentence in of_trial().filter_map(|(_, sentence)| sentence.as_ref()) {
            let _ = writeln!(out, "- {sentence}");
        }
    }
    out
}

/// Words of the table in one language.
#[derive(Clone, Copy)]
struct Words {
    header: [&'static str; 8],
    plan: [&'static str; 7],
    control: &'static str,
    any: &'static str,
    within: &'static str,
    days: &'static str,
    to: &'static str,
}

fn words(language: Language) -> Words {
    match language {
        Language::English => Words {
            header: ["outcome", "group", "customers", "mean", "difference", "95% interval", "lift", "adjusted p"],
            plan: ["outcome", "mean", "sd", "to see", "control share", "control", "in all"],
            control: "control",
            any: "any contact",
            within: "purchases within",
            days: "days of the assignment",
            to: "to",
        },
        Language::German => Words {
            header: [
                "Ergebnis",
                "Gruppe",
                "Kunden",
                "Mittel",
                "Unterschied",
                "95-%-Intervall",
                "relativ",
                "angepasstes p",
            ],
            plan: ["Ergebnis", "Mittel", "Streuung", "Wirkung", "Anteil Kontrolle", "Kontrolle", "insgesamt"],
            control: "Kontrolle",
            any: "alle Kontakte",
            within: "Käufe innerhalb von",
            days: "Tagen nach der Zuteilung",
            to: "bis",
        },
    }
}

fn row(reading: &Reading, word: Words, language: Language) -> [String; 8] {
    let figure = |value: f64| figure(value, reading.is_share, language);
    let unit = if reading.is_share { "%" } else { "" };
    let found = reading.decisive();
    let of = |value: Option<String>| value.unwrap_or_default();
    let relative = |share: f64| klientel::measure::figure(share, true, language);
    [
        reading.outcome.clone(),
        reading.arm.clone().unwrap_or_else(|| word.any.to_owned()),
        whole(reading.own.n, language),
        of(reading.own.mean.map(|mean| format!("{}{unit}", figure(mean)))),
        of(found.map(|found| figure(found.value))),
        of(found.map(|found| format!("{} {} {}", figure(found.interval[0]), word.to, figure(found.interval[1])))),
        // The lift is of the values as they are, and would stand beside a difference that is not.
        of(reading.lift.filter(|_| reading.cuped.is_none()).map(|lift| format!("{}%", relative(lift.value)))),
        of(reading.p_adjusted.map(|p| figure_of_p(p, language))),
    ]
}

fn figure_of_p(p: f64, language: Language) -> String {
    let text = if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") };
    match language {
        Language::English => text,
        Language::German => text.replace('.', ","),
    }
}

fn whole(n: u64, language: Language) -> String {
    match language {
        Language::English => count(n),
        Language::German => count(n).replace(',', "."),
    }
}

/// Puts cells below each other: the first two to the left, numbers to the right.
fn aligned<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.collect();
    let width = |ix: usize| rows.iter().map(|row| row[ix].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (ix, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = if ix < 2 { write!(line, "  {cell:width$}") } else { write!(line, "  {cell:>width$}") };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn plan_as_text(planned: &[Planned], request: &Request) -> String {
    let (language, word) = (request.language, words(request.language));
    let of = |value: Option<String>| value.unwrap_or_default();
    let number = |n: u64| whole(n, language);
    let rows = planned.iter().flat_map(|own| {
        let shown = |value: f64| figure(value, own.is_share, language) + if own.is_share { "%" } else { "" };
        own.needed.iter().map(move |(share, needed)| {
            [
                own.outcome.clone(),
                of(own.past.mean.map(shown)),
                of(own.past.variance.map(|variance| shown((variance * own.variance_left).sqrt()))),
                of(own.effect.map(shown)),
                format!("{:.0}%", 100.0 * share),
                of(needed.map(|n| number((n as f64 * share).ceil() as u64))),
                of(needed.map(number)),
            ]
        })
    });
    aligned(std::iter::once(word.plan.map(str::to_owned)).chain(rows))
}

fn plan_as_json(planned: &[Planned]) -> serde_json::Value {
    let one = |own: &Planned| {
        json!({
            "outcome": own.outcome,
            "unit": if own.is_share { "share" } else { "number" },
            "customers": own.past.n,
            "mean": own.past.mean,
            "sd": own.past.variance.map(f64::sqrt),
            "variance_share": own.variance_left,
            "effect": own.effect,
            "needed": own.needed.iter().map(|(share, n)| json!({ "control_share": share, "customers": n })).collect::<Vec<_>>(),
        })
    };
    json!({ "plan": planned.iter().map(one).collect::<Vec<_>>() })
}
