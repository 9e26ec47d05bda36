//! Uplift of past campaigns, published only with proof: each arm against the control group of its campaign.
//!
//! An arm is believed where the order by uplift beats both the response model and 97.5% of random orders on customers that no model had seen
//! ([`super::uplift`]); what is published is the uplift of every customer of the campaign by models of the other folds, the very scores that
//! were compared. Of all other arms nothing is published and the notes say why.
//!
//! Arm and control group need 100 customers each, and 10 who responded and 10 who did not: a logistic regression of four fifths of fewer is
//! mostly its penalty. An attribute that tells by itself who responded is left out ([`super::leaks`]).
//!
//! | table `uplift` | meaning                                                              |
//! |----------------|----------------------------------------------------------------------|
//! | `campaign`, `arm` | what was sent                                                     |
//! | `customer_id`  | who was in the arm or in its control group                           |
//! | `uplift`       | change of the chance to respond by being contacted, `−1..1`          |
//!
//! Ten logistic fits and two hundred random orders an arm.

use super::encoding::{self, Encoding};
use super::folds;
use super::leaks::{self, Leak};
use super::logistic;
use super::sample::Matrix;
use super::uplift::{self, Evidence, Trial, Verdict};
use crate::analysis::{Analysis, AnalysisError, Base, Fact, Findings, SideTable};
use crate::table::{Column, ColumnSpec, Responses, Values};
use crate::units::NONE_IX;

const NAME: &str = "uplift";
/// Of folds and random orders.
const SEED: u64 = 1;
/// Customers of an arm, and of its control group, from which uplift is looked for.
const LEAST_CUSTOMERS: usize = 100;
/// Of each of them, customers who responded, and who did not.
const LEAST_OF_CLASS: usize = 10;
/// Arms of which the notes say that nothing can be said; of all others only how many they are.
const MOST_UNTRIED: usize = 20;

/// The analysis.
#[derive(Debug, Clone, Copy)]
pub struct Uplift;

/// What became of one arm.
struct Tried {
    campaign: u32,
    arm: u32,
    /// Of the arm, then of its control group.
    n: [usize; 2],
    n_responded: [usize; 2],
    leaks: Vec<Leak>,
    found: Result<(Evidence, Vec<f64>), String>,
    /// Rows of the responses in the arm and its control group.
    rows: Vec<u32>,
}

impl Analysis for Uplift {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        vec![]
    }

    fn run(&self, base: &Base<'_>, _: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let Some(responses) = &base.data.responses else { return Ok(Findings::default()) };
        let mut untried = Vec::new();
        let mut tried = Vec::new();
        // Rows stand by campaign; within it by arm, each in its order.
        let mut by_arm: Vec<u32> = (0..responses.campaign.len() as u32).collect();
        let of = |row: u32| (responses.campaign[row as usize], responses.arm[row as usize]);
        by_arm.sort_by_key(|row| of(*row));
        for rows in by_arm.chunk_by(|a, b| of(*a).0 == of(*b).0) {
            let campaign = of(rows[0]).0;
            let arms: Vec<&[u32]> = rows.chunk_by(|a, b| of(*a) == of(*b)).collect();
            let is_control = |rows: &[u32]| responses.is_control[of(rows[0]).1 as usize];
            let controls: Vec<u32> =
                arms.iter().filter(|rows| is_control(rows)).flat_map(|rows| rows.iter().copied()).collect();
            if controls.is_empty() {
                untried.push(format!(
                    "no evidence of uplift of campaign `{}`: it has no control group (name it in `[input.responses]` `control`)",
                    responses.campaigns.get(campaign)
                ));
                continue;
            }
            let contacted = arms.iter().filter(|rows| !is_control(rows));
            tried.extend(contacted.map(|rows| Tried::new(responses, (campaign, of(rows[0]).1), rows, &controls)));
        }
        untried.extend(tried.iter().filter(|own| own.found.is_err()).map(|own| own.note(responses)));
        let mut notes: Vec<String> =
            tried.iter().filter(|own| own.found.is_ok()).map(|own| own.note(responses)).collect();
        notes.extend(tried.iter().flat_map(|own| own.leak_notes(responses)));
        let n_more = untried.len().saturating_sub(MOST_UNTRIED);
        untried.truncate(MOST_UNTRIED);
        notes.extend(untried);
        if n_more > 0 {
            notes.push(format!(
                "no evidence of uplift of {n_more} more arms or campaigns: too few customers, or no control group"
            ));
        }
        let facts = vec![
            ("label", Fact::Text(responses.label.clone())),
            ("trials", Fact::List(tried.iter().map(|own| Fact::Group(own.facts(responses))).collect())),
        ];
        Ok(Findings { tables: table(&tried, responses).into_iter().collect(), facts, notes, ..Findings::default() })
    }
}

impl Tried {
    fn new(responses: &Responses, (campaign, arm): (u32, u32), of_arm: &[u32], controls: &[u32]) -> Self {
        let mut rows: Vec<u32> = of_arm.iter().chain(controls).copied().collect();
        rows.sort_unstable();
        let contacted: Vec<bool> = rows.iter().map(|row| responses.arm[*row as usize] == arm).collect();
        let response: Vec<bool> = rows.iter().map(|row| responses.responded[*row as usize]).collect();
        let n_responded =
            [of_arm, controls].map(|rows| rows.iter().filter(|row| responses.responded[**row as usize]).count());
        let n = [of_arm.len(), controls.len()];
        let mut tried = Self { campaign, arm, n, n_responded, leaks: vec![], found: Err(String::new()), rows };
        if let Some(reason) = tried.too_small() {
            tried.found = Err(reason);
            return tried;
        }
        let (mut features, source_of) = features(responses, &tried.rows);
        let attributes = &responses.attributes;
        let sources: Vec<_> =
            attributes.iter().map(|column| leaks::Source { name: &column.name, is_attribute: true }).collect();
        tried.leaks = leaks::among(&sources, &source_of, &features, &response);
        let is_kept = |source: &usize| tried.leaks.iter().all(|leak| leak.name != attributes[*source].name);
        features.retain(&source_of.iter().map(is_kept).collect::<Vec<_>>());
        tried.found = if features.columns().is_empty() {
            Err("no column tells customers apart (name some in `[input.responses]` `attributes`)".to_owned())
        } else {
            let ids = tried.rows.iter().map(|row| responses.customer_ids.get(responses.customer[*row as usize]));
            let folds = folds::by_id(ids, SEED);
            let trial = Trial { features: &features, contacted: &contacted, response: &response };
            uplift::evaluate(&trial, &folds, logistic::Params::default(), SEED).map_err(|error| error.to_string())
        };
        tried
    }

    /// Says why nothing can be said.
    fn too_small(&self) -> Option<String> {
        let groups = ["arm", "control group"].into_iter().zip(self.n).zip(self.n_responded);
        let is_small = |n: usize, responded: usize| {
            n < LEAST_CUSTOMERS || responded < LEAST_OF_CLASS || n - responded < LEAST_OF_CLASS
        };
        groups.into_iter().find(|((_, n), responded)| is_small(*n, *responded)).map(|((group, n), responded)| {
            format!(
                "its {group} has {n} customers, {responded} of whom responded; {LEAST_CUSTOMERS} are needed, {LEAST_OF_CLASS} who did and {LEAST_OF_CLASS} who did not"
            )
        })
    }

    fn leak_notes(&self, responses: &Responses) -> Vec<String> {
        let (campaign, arm) = (responses.campaigns.get(self.campaign), responses.arms.get(self.arm));
        let note = |leak: &Leak| {
            format!(
                "uplift of `{arm}` in `{campaign}`: `{}` is left out, it knows the response: alone it tells who responded with an AUC of {:.3} (label: {})",
                leak.name, leak.auc, responses.label
            )
        };
        self.leaks.iter().map(note).collect()
    }

    fn verdict(&self) -> Option<Verdict> {
        self.found.as_ref().ok().map(|(evidence, _)| evidence.verdict())
    }

    fn note(&self, responses: &Responses) -> String {
        let (campaign, arm) = (responses.campaigns.get(self.campaign), responses.arms.get(self.arm));
        match &self.found {
            Err(reason) => format!("no evidence of uplift of `{arm}` in `{campaign}`: {reason}"),
            Ok((found, _)) => {
                let figures = format!(
                    "Qini {:.5}, response model {:.5}, random {:.5}",
                    found.uplift, found.response, found.random
                );
                let said = beaten(found);
                match found.verdict() {
                    Verdict::Believed => {
                        format!("uplift of `{arm}` in `{campaign}` is believed: it {said} ({figures})")
                    }
                    _ => format!(
                        "no evidence of uplift of `{arm}` in `{campaign}`: it {said} ({figures}); nothing is published"
                    ),
                }
            }
        }
    }

    fn facts(&self, responses: &Responses) -> Vec<(&'static str, Fact)> {
        let verdict = match &self.found {
            Ok((found, _)) if found.verdict() == Verdict::Believed => "believed".to_owned(),
            Ok((found, _)) => format!("no evidence: {}", beaten(found)),
            Err(_) => "no evidence: not fitted".to_owned(),
        };
        let mut facts = vec![
            ("campaign", Fact::Text(responses.campaigns.get(self.campaign).to_owned())),
            ("arm", Fact::Text(responses.arms.get(self.arm).to_owned())),
            ("contacted", Fact::Integer(self.n[0] as i64)),
            ("controls", Fact::Integer(self.n[1] as i64)),
        ];
        let rates =
            ["response_rate_contacted", "response_rate_controls"].into_iter().zip(self.n_responded.iter().zip(self.n));
        facts.extend(rates.map(|(name, (responded, n))| (name, Fact::Number(*responded as f64 / n as f64))));
        if !self.leaks.is_empty() {
            let names = self.leaks.iter().map(|leak| Fact::Text(leak.name.clone()));
            facts.push(("left_out_as_leaks", Fact::List(names.collect())));
        }
        if let Ok((found, _)) = &self.found {
            facts.extend([
                ("qini_uplift", Fact::Number(found.uplift)),
                ("qini_response_model", Fact::Number(found.response)),
                ("qini_random", Fact::Number(found.random)),
            ]);
        }
        facts.push(("verdict", Fact::Text(verdict)));
        facts
    }
}

/// Says which of its rivals the uplift beats.
fn beaten(found: &Evidence) -> &'static str {
    match (found.uplift > found.response, found.uplift > found.random) {
        (true, true) => "beats the response model and chance",
        (false, true) => "beats chance but not the response model",
        (true, false) => "beats the response model but not chance",
        (false, false) => "beats neither the response model nor chance",
    }
}

/// Numbers as they are, texts by the levels of all rows: levels say nothing of responses. Beside the columns, which attribute each is of.
fn features(responses: &Responses, rows: &[u32]) -> (Matrix, Vec<usize>) {
    let mut features = Matrix::new(rows.len());
    let mut source_of = Vec::new();
    for (ix, column) in responses.attributes.iter().enumerate() {
        match &column.values {
            Values::Number(values) => features.push(rows.iter().map(|row| values.get(*row as usize))),
            Values::Text { codes, labels } => {
                let text = |row: &u32| Some(codes[*row as usize]).filter(|code| *code != NONE_IX);
                let cells: Vec<&str> =
                    rows.iter().map(|row| text(row).map_or("", |code| labels[code as usize].as_str())).collect();
                Encoding::new(&cells, encoding::Params::default()).push(&cells, &mut features);
            }
            _ => {}
        }
        source_of.resize(features.columns().len(), ix);
    }
    (features, source_of)
}

/// Lays out the uplift of the arms that are believed; nothing where none is.
fn table(tried: &[Tried], responses: &Responses) -> Option<SideTable> {
    let believed: Vec<(&Tried, &Vec<f64>)> = tried
        .iter()
        .filter(|own| own.verdict() == Some(Verdict::Believed))
        .filter_map(|own| Some((own, &own.found.as_ref().ok()?.1)))
        .collect();
    if believed.is_empty() {
        return None;
    }
    let texts = |of: &dyn Fn(&Tried, u32) -> u32, ids: &crate::table::Ids| Values::Text {
        codes: believed.iter().flat_map(|(own, _)| own.rows.iter().map(|row| of(own, *row))).collect(),
        labels: ids.iter().map(str::to_owned).collect(),
    };
    let uplift = believed.iter().flat_map(|(_, uplift)| uplift.iter().map(|uplift| Some(*uplift)));
    Some(SideTable {
        name: "uplift",
        columns: vec![
            Column::new("campaign", texts(&|own, _| own.campaign, &responses.campaigns)),
            Column::new("arm", texts(&|own, _| own.arm, &responses.arms)),
            Column::new("customer_id", texts(&|_, row| responses.customer[row as usize], &responses.customer_ids)),
            Column::new("uplift", Values::Number(uplift.collect())),
        ],
    })
}
