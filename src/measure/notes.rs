//! What a reader must know of a campaign before the figures: windows that are open, shares that do not fit, customers who left.

use super::reading::Ratio;
use super::trial::{Arm, Trial};
use super::{Request, sample, trial};
use crate::pipeline::CampaignRule;
use crate::units::{Day, MONEY_SCALE};

/// Says whose window is not over.
pub fn open(trial: &Trial, request: &Request, as_of: Day) -> Option<String> {
    let (n_open, last) = trial.open?;
    let n: u64 = trial.arms.iter().map(|arm| arm.n_assigned).sum();
    let (campaign, days) = (&trial.campaign, request.days);
    if n_open < n {
        return Some(format!(
            "campaign `{campaign}`: the {days} days of {n_open} of {n} customers are not over, the last ones end on {last} and the data on {as_of}: the others are measured"
        ));
    }
    let so_far = days as i32 - (last.0 - as_of.0);
    let help = if so_far > 0 { format!("; `--days {so_far}` measures what there is") } else { String::new() };
    Some(format!(
        "campaign `{campaign}`: no customer's {days} days are over yet, the last ones end on {last} and the data on {as_of}{help}"
    ))
}

/// Says what its outcomes leave out where the pipeline knows what a contact costs.
pub fn cost(trial: &Trial, rules: &[CampaignRule]) -> Option<String> {
    let rule = rules.iter().find(|rule| trial::is_of(&trial.campaign, &rule.name.text))?;
    let cost = rule.economics.as_ref().filter(|economics| economics.contact_cost > 0.0)?.contact_cost;
    Some(format!(
        "campaign `{}`: a contact costs {:.2} by the pipeline, which is taken out of neither revenue nor margin",
        trial.campaign,
        cost / MONEY_SCALE as f64
    ))
}

/// Says whether its groups are as large as planned, where they are not or nobody knows.
pub fn ratio(trial: &Trial, ratio: Ratio) -> Option<String> {
    let campaign = &trial.campaign;
    match ratio {
        Ratio::Unknown => Some(format!(
            "campaign `{campaign}`: the planned shares of its groups are not known, so that nobody can tell whether customers are missing (`--shares equal`, or `--shares GROUP=SHARE,…`)"
        )),
        Ratio::NotWhole(whole) => Some(format!(
            "campaign `{campaign}`: the planned shares of its groups add up to {whole:.3}: is a group missing (its sample ratio is not checked)"
        )),
        Ratio::Checked(_) if ratio.is_alarm() => Some(format!(
            "campaign `{campaign}`: the groups are not as large as planned: somebody was lost or added, and no difference counts"
        )),
        Ratio::Checked(_) => None,
    }
}

/// Says how many have left it since they were drawn: contacts object more often than who hears nothing.
pub fn gone(trial: &Trial) -> Option<String> {
    let gone: Vec<(&Arm, u64)> = trial.arms.iter().filter_map(|arm| Some((arm, arm.n_gone?))).collect();
    if gone.len() < trial.arms.len() || gone.iter().all(|(_, n)| *n == 0) {
        return None;
    }
    let of_arm = |(arm, n): &(&Arm, u64)| {
        let all = arm.n_assigned + n;
        format!("{n} of {all} customers of `{}` ({:.2}%)", arm.name, 100.0 * *n as f64 / all.max(1) as f64)
    };
    let told: Vec<String> = gone.iter().map(of_arm).collect();
    let n_gone: Vec<u64> = gone.iter().map(|(_, n)| *n).collect();
    let n_assigned: Vec<u64> = gone.iter().map(|(arm, _)| arm.n_assigned).collect();
    let meaning = match sample::attrition_p(&n_gone, &n_assigned) {
        Some(p) if p < sample::ALARM => {
            "not alike in all groups, so that who is left differs by more than the contact: read the difference with care"
        }
        _ => "the others are measured",
    };
    Some(format!(
        "campaign `{}`: {} were drawn and have objected or been erased since: {meaning}",
        trial.campaign,
        told.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::Source;
    use super::*;

    #[test]
    fn who_has_left_is_told_group_by_group() {
        let arm = |name: &str, n_assigned, n_gone| Arm {
            name: name.to_owned(),
            is_control: name == "control",
            n_assigned,
            n_gone,
            share: None,
            rows: 0..0,
        };
        let trial = |control, contact| Trial {
            campaign: "c".to_owned(),
            arms: vec![arm("control", 1_000, control), arm("contact", 9_000, contact)],
            outcomes: vec![],
            known: None,
            open: None,
            source: Source::Responses,
        };
        assert_eq!(gone(&trial(Some(0), Some(0))), None);
        assert_eq!(gone(&trial(None, Some(9))), None, "what is not known of all groups is not compared");
        let alike = gone(&trial(Some(10), Some(91))).unwrap();
        assert!(
            alike.contains("10 of 1010 customers of `control` (0.99%) and 91 of 9091 customers of `contact` (1.00%)"),
            "{alike}"
        );
        assert!(alike.ends_with("the others are measured"));
        assert!(gone(&trial(Some(0), Some(400))).unwrap().ends_with("read the difference with care"));
    }
}
