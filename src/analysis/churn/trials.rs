//! Uplift of past campaigns, published only with proof: each arm against the control group of its campaign.
//!
//! An arm is believed where the order by uplift beats both the response model and 97.5% of random orders on customers that no model had seen
//! ([`super::uplift`]); what is published is the uplift of every customer of the campaign by models of the other folds, the very scores that
//! were compared. Of all other arms nothing is published and the notes say why.
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
use super::logistic;
use super::sample::Matrix;
use super::uplift::{self, Evidence, Trial, Verdict};
use crate::analysis::{Analysis, AnalysisError, Base, Fact, Findings, SideTable};
use crate::table::{Column, ColumnSpec, Responses, Values};
use crate::units::NONE_IX;

const NAME: &str = "uplift";
/// Of folds and random orders.
const SEED: u64 = 1;

/// The analysis.
#[derive(Debug, Clone, Copy)]
pub struct Uplift;

/// What became of one arm.
struct Tried {
    campaign: u32,
    arm: u32,
    n: [usize; 2],
    rate: [f64; 2],
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
        let mut notes = Vec::new();
        let mut tried = Vec::new();
        let by_campaign: Vec<u32> = (0..responses.campaign.len() as u32).collect();
        for rows in by_campaign.chunk_by(|a, b| responses.campaign[*a as usize] == responses.campaign[*b as usize]) {
            let campaign = responses.campaign[rows[0] as usize];
            if !rows.iter().any(|row| responses.is_control[responses.arm[*row as usize] as usize]) {
                notes.push(format!(
                    "no evidence of uplift of campaign `{}`: it has no control group (name it in `[input.responses]` `control`)",
                    responses.campaigns.get(campaign)
                ));
                continue;
            }
            let mut arms: Vec<u32> = rows.iter().map(|row| responses.arm[*row as usize]).collect();
            arms.sort_unstable();
            arms.dedup();
            arms.retain(|arm| !responses.is_control[*arm as usize]);
            tried.extend(arms.into_iter().map(|arm| Tried::new(responses, campaign, arm, rows)));
        }
        notes.extend(tried.iter().map(|own| own.note(responses)));
        let facts = vec![("trials", Fact::List(tried.iter().map(|own| Fact::Group(own.facts(responses))).collect()))];
        Ok(Findings { tables: table(&tried, responses).into_iter().collect(), facts, notes, ..Findings::default() })
    }
}

impl Tried {
    fn new(responses: &Responses, campaign: u32, arm: u32, rows: &[u32]) -> Self {
        let arm_of = |row: u32| responses.arm[row as usize];
        let takes_part = |row: &u32| arm_of(*row) == arm || responses.is_control[arm_of(*row) as usize];
        let rows: Vec<u32> = rows.iter().copied().filter(takes_part).collect();
        let contacted: Vec<bool> = rows.iter().map(|row| arm_of(*row) == arm).collect();
        let response: Vec<bool> = rows.iter().map(|row| responses.responded[*row as usize]).collect();
        let features = features(responses, &rows);
        let ids = rows.iter().map(|row| responses.customer_ids.get(responses.customer[*row as usize]));
        let folds = folds::by_id(ids, SEED);
        let trial = Trial { features: &features, contacted: &contacted, response: &response };
        let found = if features.columns().is_empty() {
            Err("no column tells customers apart (name some in `[input.responses]` `attributes`)".to_owned())
        } else {
            uplift::evaluate(&trial, &folds, logistic::Params::default(), SEED).map_err(|error| error.to_string())
        };
        let of = |group: bool| contacted.iter().filter(|own| **own == group).count();
        let rate = |group: bool| {
            let events = contacted.iter().zip(&response).filter(|(own, event)| **own == group && **event).count();
            events as f64 / of(group).max(1) as f64
        };
        Self { campaign, arm, n: [of(true), of(false)], rate: [rate(true), rate(false)], found, rows }
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
            ("response_rate_contacted", Fact::Number(self.rate[0])),
            ("response_rate_controls", Fact::Number(self.rate[1])),
        ];
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

/// Numbers as they are, texts by the levels of all rows: levels say nothing of responses.
fn features(responses: &Responses, rows: &[u32]) -> Matrix {
    let mut features = Matrix::new(rows.len());
    for column in &responses.attributes {
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
    }
    features
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
