//! `run --dry-run`: what would be read, computed and written.

use std::fmt::Write;

use klientel::campaign::target::ALL;
use klientel::ingest::IngestError;
use klientel::run::{Job, shown};
use serde_json::{Value, json};

use super::exit::Exit;
use super::run::print_json;

/// Prints the plan: as JSON on stdout, or for a reader.
///
/// # Errors
/// Fails where an export is not there.
pub fn show(job: &Job, as_json: bool) -> Result<Exit, IngestError> {
    for (table, source) in job.tables() {
        source.files(table)?;
    }
    if as_json {
        print_json(&plan(job));
    } else {
        print!("{}", text(job));
    }
    Ok(Exit::Ok)
}

fn plan(job: &Job) -> Value {
    let inputs = job.tables().into_iter().map(|(table, source)| {
        let files = source.files(table).unwrap_or_default();
        let files: Vec<String> = files.iter().map(|file| shown(file)).collect();
        json!({ "table": table, "patterns": source.patterns, "files": files })
    });
    json!({
        "inputs": inputs.collect::<Vec<_>>(),
        "analyses": job.analyses.iter().map(|analysis| analysis.name()).collect::<Vec<_>>(),
        "columns": job.promised.iter().map(|spec| json!({ "name": spec.name, "meaning": spec.meaning })).collect::<Vec<_>>(),
        "segments": job.segments.iter().map(|s| json!({ "name": s.name, "where": s.text })).collect::<Vec<_>>(),
        "campaigns": job.campaigns.iter().map(|c| json!({ "name": c.name, "segment": c.segment, "target": c.target.name })).collect::<Vec<_>>(),
        "reused_model": job.reused.as_ref().map(|reused| json!({ "path": reused.path, "as_of": reused.model.as_of.to_string() })),
        "output": shown(&job.output),
    })
}

fn text(job: &Job) -> String {
    let mut out = String::from("reads\n");
    for (table, source) in job.tables() {
        let files = source.files(table).map_or_else(
            |error| format!("cannot be read: {error}"),
            |files| match files.as_slice() {
                [file] => shown(file),
                [first, .., last] => format!("{} files, {} to {}", files.len(), shown(first), shown(last)),
                [] => "no file".to_owned(),
            },
        );
        let _ = writeln!(out, "  {table:14} {files}");
    }
    let names: Vec<&str> = job.analyses.iter().map(|analysis| analysis.name()).collect();
    let _ = writeln!(out, "computes\n  {}", names.join(", "));
    if let Some(reused) = &job.reused {
        let _ = writeln!(out, "scores by model {} of {}", reused.path, reused.model.as_of);
    }
    let _ = writeln!(out, "writes to {}", shown(&job.output));
    let _ = writeln!(out, "  scores         {} columns, one row a customer", job.promised.len());
    for spec in &job.promised {
        let _ = writeln!(out, "    {:26} {}", spec.name, spec.meaning);
    }
    for segment in &job.segments {
        let limit = segment.limit.as_ref();
        let best = limit.map(|limit| format!(", at most {} by {} {}", limit.most, limit.by, limit.order.label()));
        let _ = writeln!(out, "  segment        {}: {}{}", segment.name, segment.text, best.unwrap_or_default());
    }
    for campaign in &job.campaigns {
        let (name, segment, target) = (&campaign.name, &campaign.segment, campaign.target);
        let made_for = if target.name == ALL[0].name { String::new() } else { format!(", for {}", target.title) };
        let _ = writeln!(
            out,
            "  campaign       {name}: {} contacts of segment {segment}{made_for}",
            target.channel.label()
        );
    }
    out.push_str("nothing was read or written\n");
    out
}
