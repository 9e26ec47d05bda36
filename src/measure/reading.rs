//! Every group of every campaign against its control group, in every outcome: figures, and what follows from them.
//!
//! All customers who were assigned count, whatever they opened (intention to treat). Groups of one campaign are compared with its control groups taken
//! together; where there are several others, all contacted together are compared as well. Of all comparisons of a campaign each has
//! a p-value adjusted by Holm beside its own; another campaign is another question.
//!
//! | verdict          | where                                                                              |
//! |------------------|------------------------------------------------------------------------------------|
//! | `worked`         | the interval lies above zero, and so it does beside all other comparisons           |
//! | `did harm`       | the same below zero                                                                |
//! | `uncertain`      | the interval does not hold zero, but one of so many comparisons may not by chance    |
//! | `not shown`      | the interval holds zero                                                            |
//! | `not valid`      | the groups were not drawn as planned                                               |
//! | `unknown`        | there is nothing to compare; the note says why                                     |

use super::Effect;
use super::effect::{self, Difference, Lift, OUTSIDE, Summary};
use super::trial::{Measured, Trial};
use super::{lot, sample};
use crate::maths::family_wise;

/// One group and outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Position of the campaign.
    pub trial: usize,
    /// Name of the group; nothing for all contacted together.
    pub arm: Option<String>,
    pub is_control: bool,
    pub outcome: String,
    pub is_share: bool,
    pub own: Summary,
    pub control: Summary,
    /// Of the values as they are.
    pub difference: Option<Difference>,
    pub lift: Option<Lift>,
    /// With what was known before taken out, and the share of the variance that is left.
    pub cuped: Option<(Difference, f64)>,
    /// Adjusted for all comparisons of the campaign.
    pub p_adjusted: Option<f64>,
    /// Effect that the needed customers are for, in the unit of the outcome.
    pub effect: Option<f64>,
    /// Customers that each of two groups needs to see it.
    pub needed: Option<u64>,
    /// Nothing of a control group.
    pub verdict: Option<Verdict>,
    /// Why something is not known.
    pub why: Option<&'static str>,
}

/// What follows from a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Worked,
    Harmed,
    Uncertain,
    NotShown,
    NotValid,
    Unknown,
}

impl Verdict {
    /// Returns the word of the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Worked => "worked",
            Self::Harmed => "did harm",
            Self::Uncertain => "uncertain",
            Self::NotShown => "not shown",
            Self::NotValid => "not valid",
            Self::Unknown => "unknown",
        }
    }
}

impl Reading {
    /// Returns the difference that the verdict follows from: the one with less noise, where there is one.
    pub fn decisive(&self) -> Option<&Difference> {
        self.cuped.as_ref().map(|(difference, _)| difference).or(self.difference.as_ref())
    }
}

/// Why the groups of a campaign may not be compared as they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ratio {
    /// Nobody said which shares were planned.
    Unknown,
    /// The planned shares, whose sum this is, leave out a group or hold one twice.
    NotWhole(f64),
    /// Probability of groups as far from their planned shares as these.
    Checked(f64),
}

impl Ratio {
    /// Compares the groups of a campaign with their planned shares; shares that somebody gives by hand need not add up to one.
    pub fn of(trial: &Trial, by_hand: bool) -> Self {
        let Some(shares) = trial.shares() else { return Self::Unknown };
        let whole: f64 = shares.iter().sum();
        if !by_hand && (whole - 1.0).abs() > 0.01 {
            return Self::NotWhole(whole);
        }
        // Who has objected since was drawn all the same.
        let n: Vec<u64> = trial.arms.iter().map(|arm| arm.n_assigned + arm.n_gone.unwrap_or(0)).collect();
        sample::ratio_p(&n, &shares).map_or(Self::Unknown, Self::Checked)
    }

    /// Says whether the groups were not drawn as planned.
    pub fn is_alarm(self) -> bool {
        matches!(self, Self::Checked(p) if p < sample::ALARM)
    }
}

/// Reads all campaigns; `ratios` are those of the campaigns.
pub fn read(trials: &[Trial], ratios: &[Ratio], effect: Effect) -> Vec<Reading> {
    let mut readings: Vec<Reading> =
        trials.iter().enumerate().flat_map(|(ix, trial)| of_trial(ix, trial, effect)).collect();
    let mut adjusted = Vec::new();
    let compared: Vec<(usize, f64)> =
        readings.iter().enumerate().filter_map(|(ix, reading)| Some((ix, reading.decisive()?.p))).collect();
    for of_trial in compared.chunk_by(|a, b| readings[a.0].trial == readings[b.0].trial) {
        adjusted.extend(family_wise::adjusted(&of_trial.iter().map(|(_, p)| *p).collect::<Vec<_>>()));
    }
    for ((ix, _), adjusted) in compared.into_iter().zip(adjusted) {
        readings[ix].p_adjusted = Some(adjusted);
    }
    for reading in readings.iter_mut().filter(|reading| !reading.is_control) {
        reading.verdict = Some(verdict(reading, ratios[reading.trial]));
    }
    readings
}

fn verdict(reading: &Reading, ratio: Ratio) -> Verdict {
    let Some(found) = reading.decisive() else { return Verdict::Unknown };
    let [low, high] = found.interval;
    match (ratio.is_alarm(), low > 0.0, high < 0.0) {
        (true, ..) => Verdict::NotValid,
        (_, false, false) => Verdict::NotShown,
        _ if reading.p_adjusted.is_some_and(|p| p > OUTSIDE) => Verdict::Uncertain,
        (_, true, _) => Verdict::Worked,
        _ => Verdict::Harmed,
    }
}

fn of_trial(ix: usize, trial: &Trial, effect: Effect) -> Vec<Reading> {
    let n_contacted = trial.arms.iter().filter(|arm| !arm.is_control).count();
    let any = (n_contacted > 1).then(|| (None, false, trial.rows(false)));
    let arms = trial.arms.iter().map(|arm| (Some(arm.name.clone()), arm.is_control, arm.rows.clone()));
    let groups: Vec<_> = arms.chain(any).collect();
    let mut readings = Vec::with_capacity(groups.len() * trial.outcomes.len());
    for outcome in &trial.outcomes {
        let adjusted = without_noise(trial, outcome);
        let controls = trial.rows(true);
        let control = Summary::of(of_rows(&outcome.values, &controls));
        for (arm, is_control, rows) in &groups {
            let own = Summary::of(of_rows(&outcome.values, rows));
            let n = rows.len() as u64;
            let compared =
                |values: &[f64], is_share| lot::compared(of_rows(values, rows), of_rows(values, &controls), is_share);
            let found = (!is_control).then(|| compared(&outcome.values, outcome.is_share)).flatten();
            // What is left of a share is no share.
            let cuped = adjusted
                .as_ref()
                .filter(|_| !is_control)
                .and_then(|(values, left)| Some((compared(values, false)?, *left)));
            let left = cuped.map_or(1.0, |(_, left)| left);
            let effect = effect.of(outcome.is_share, control.mean).filter(|_| !is_control);
            let variances = own.variance.zip(control.variance).map(|(own, control)| [own * left, control * left]);
            readings.push(Reading {
                trial: ix,
                arm: arm.clone(),
                is_control: *is_control,
                outcome: outcome.name.clone(),
                is_share: outcome.is_share,
                own: Summary { n, ..own },
                control: Summary { n: controls.len() as u64, ..control },
                difference: found,
                lift: (!is_control).then(|| effect::lift(&own, &control, found.as_ref())).flatten(),
                cuped,
                p_adjusted: None,
                effect,
                needed: variances
                    .zip(effect)
                    .and_then(|(variances, effect)| sample::needed_per_group(variances, effect)),
                verdict: None,
                why: outcome.why.or_else(|| why(*is_control, found.is_some(), trial, [n, controls.len() as u64])),
            });
        }
    }
    readings
}

/// Returns the values of rows; nothing where the outcome is not known.
fn of_rows<'v>(values: &'v [f64], rows: &std::ops::Range<usize>) -> &'v [f64] {
    values.get(rows.clone()).unwrap_or(&[])
}

/// Takes what was known before out of an outcome; the share of the variance that is left.
fn without_noise(trial: &Trial, outcome: &Measured) -> Option<(Vec<f64>, f64)> {
    let known = trial.known.as_ref().filter(|_| !outcome.values.is_empty())?;
    let arms: Vec<(&[f64], &[f64])> =
        trial.arms.iter().map(|arm| (&outcome.values[arm.rows.clone()], &known[arm.rows.clone()])).collect();
    let (adjusted, left) = effect::cuped(&arms)?;
    Some((adjusted.concat(), left))
}

/// Says why there is no comparison.
fn why(is_control: bool, is_compared: bool, trial: &Trial, [own, control]: [u64; 2]) -> Option<&'static str> {
    match (own, control) {
        _ if is_control || is_compared => None,
        _ if !trial.has_control() => Some("the campaign has no control group"),
        (0, _) | (_, 0) if trial.open.is_some() => {
            Some("no customer of one of the groups has come to the end of the window")
        }
        (0, _) | (_, 0) => Some("one of the groups is empty"),
        (1, _) | (_, 1) => Some("one of the groups has one customer"),
        _ => Some("no customer differs from any other"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Arm, Source};
    use super::*;

    fn trial(groups: [&[f64]; 2], known: Option<Vec<f64>>) -> Trial {
        let n = [groups[0].len(), groups[1].len()];
        let arm = |name: &str, is_control, rows: std::ops::Range<usize>| Arm {
            name: name.to_owned(),
            is_control,
            n_assigned: rows.len() as u64,
            n_gone: None,
            share: Some(0.5),
            rows,
        };
        Trial {
            campaign: "c".to_owned(),
            arms: vec![arm("control", true, 0..n[0]), arm("contact", false, n[0]..n[0] + n[1])],
            outcomes: vec![Measured { name: "spend".into(), is_share: false, values: groups.concat(), why: None }],
            known,
            open: None,
            source: Source::Responses,
        }
    }

    fn reading(groups: [&[f64]; 2]) -> Reading {
        let trial = trial(groups, None);
        let ratio = Ratio::of(&trial, false);
        read(&[trial], &[ratio], Effect::default()).pop().unwrap()
    }

    #[test]
    fn what_cannot_be_compared_is_unknown_and_says_why() {
        for (groups, why) in [
            ([&[1.0, 2.0][..], &[][..]], "one of the groups is empty"),
            ([&[1.0], &[1.0, 2.0]], "one of the groups has one customer"),
            ([&[0.0, 0.0], &[0.0, 0.0]], "no customer differs from any other"),
        ] {
            let found = reading(groups);
            assert_eq!((found.verdict, found.why), (Some(Verdict::Unknown), Some(why)));
            assert_eq!((found.difference, found.p_adjusted, found.needed), (None, None, None));
        }
    }

    #[test]
    fn the_interval_decides() {
        let (low, high) = ([1.0, 2.0, 3.0, 2.0], [9.0, 8.0, 7.0, 8.0]);
        assert_eq!(reading([&low, &high]).verdict, Some(Verdict::Worked));
        assert_eq!(reading([&high, &low]).verdict, Some(Verdict::Harmed));
        assert_eq!(reading([&low, &low]).verdict, Some(Verdict::NotShown));
    }

    /// Nine outcomes of nothing make one that is 95% sure by itself uncertain; nine other campaigns do not.
    #[test]
    fn one_of_many_comparisons_is_uncertain() {
        let (low, high) = ([1.0, 2.0, 3.0, 2.0, 1.0], [2.0, 3.0, 4.0, 3.0, 3.0]);
        let (seen, nothing) = (trial([&low, &high], None), trial([&low, &low], None));
        let mut trials = vec![seen.clone()];
        trials.extend((0..9).map(|_| nothing.clone()));
        let beside = read(&trials, &[Ratio::Unknown; 10], Effect::default());
        assert_eq!(beside[1].verdict, Some(Verdict::Worked), "{:?}", beside[1]);
        let mut of_many = seen;
        of_many.outcomes.extend((0..9).map(|_| nothing.outcomes[0].clone()));
        let among = read(&[of_many], &[Ratio::Unknown], Effect::default());
        assert_eq!(among[1].verdict, Some(Verdict::Uncertain));
        assert!(among[1].p_adjusted.unwrap() > 9.0 * among[1].difference.unwrap().p);
    }

    #[test]
    fn groups_that_were_not_drawn_as_planned_prove_nothing() {
        let few: Vec<f64> = (0..20).map(f64::from).collect();
        let many: Vec<f64> = (0..200).map(f64::from).collect();
        let found = reading([&few, &many]);
        assert_eq!(found.verdict, Some(Verdict::NotValid));
        let mut not_whole = trial([&few, &many], None);
        not_whole.arms[0].share = Some(0.1);
        assert_eq!(Ratio::of(&not_whole, false), Ratio::NotWhole(0.6));
        not_whole.arms[0].share = None;
        assert_eq!(Ratio::of(&not_whole, false), Ratio::Unknown);
    }

    #[test]
    fn what_was_known_before_decides_where_it_was_asked_for() {
        let (low, high) = ([10.0, 20.0, 30.0, 40.0], [11.5, 21.0, 31.5, 41.0]);
        let known = [low.map(|value| value * 2.0), low.map(|value| value * 2.0)].concat();
        let trial = trial([&low, &high], Some(known));
        let found = read(&[trial], &[Ratio::Unknown], Effect::default()).pop().unwrap();
        assert!(found.difference.unwrap().p > 0.5 && found.cuped.unwrap().1 < 0.01);
        assert_eq!(found.verdict, Some(Verdict::Worked));
        assert_eq!(found.decisive(), Some(&found.cuped.unwrap().0));
    }
}
