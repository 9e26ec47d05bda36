//! The keys of `[contact-rules]`, and those of `[[campaign]]` that say who is contacted.

use super::definition::quoted;
use super::reader::Reader;
use super::settings::{CampaignRule, Placed};
use super::shape::{Key, key};
use super::words::words;
use crate::campaign::holdout;
use crate::campaign::legal::LegalBasis;
use crate::campaign::pressure::Limits;
use crate::campaign::profit::{Economics, Estimate};
use crate::campaign::target::Target;
use crate::campaign::{ContactRules, Deduplicate};
use crate::diagnostic::{Diagnostic, codes};
use crate::table::{ColumnKind, ColumnSpec};
use crate::units::{MONEY_SCALE, Period};

pub(super) const HOLDOUT_NAME: &str = "global-holdout-name";

/// Reads `[contact-rules]`.
pub(super) fn contact_rules(table: &mut Reader<'_, '_>) -> ContactRules {
    let holdout =
        key("global-holdout-share", "Customers who are kept from every campaign by lot, always the same").unit("share");
    let holdout_name = key(HOLDOUT_NAME, "Campaign that the global holdout is measured as; another name draws it anew");
    let keep = key(
        "keep-assignments",
        "Time after the draw for which assignments of campaigns are kept that are no longer here; without it, for ever",
    );
    let cap = key("frequency-cap", "Days with a contact in the contact log after which a customer is left alone")
        .unit("days");
    let window = key("frequency-window", "Time before as-of in which they are counted");
    let quiet =
        key("quiet-period", "Time after a complaint, or after goods came back, in which a customer is left alone");
    let most = key(
        "campaigns-per-customer",
        "Campaigns of one run that a customer may be in, the most profitable ones; without it, all",
    )
    .unit("campaigns");
    let one = key(
        "deduplicate-by",
        "Of whom only one is contacted: who the target cannot tell apart, who share an address, or a household",
    );
    let wanted_window = Period::Days(30);
    let window = table.period(window.default(quoted(wanted_window)), false).unwrap_or(wanted_window);
    let default = Deduplicate::default();
    let share = table.number(holdout.default("0.0"), 0.0, 0.5).unwrap_or(0.0);
    let name = table.slug(holdout_name.default(quoted(holdout::NAME))).map(|name| name.text);
    ContactRules {
        holdout: holdout::Rule { share, name: name.unwrap_or_else(|| holdout::NAME.to_owned()) },
        keep_assignments: table.period(keep.example(r#""3 years""#), false),
        limits: Limits {
            cap: table.whole(cap.example("2"), 1, 1_000).map(|n| (n, window)),
            quiet: table.period(quiet.example(r#""14 days""#), false),
        },
        campaigns_per_customer: table.whole(most.example("1"), 1, 1_000),
        deduplicate_by: table
            .word(one.default(quoted(default.label())), &words(Deduplicate::ALL, Deduplicate::label))
            .unwrap_or(default),
    }
}

/// What a campaign says about who is contacted.
pub(super) struct Selection {
    pub basis: LegalBasis,
    pub control_share: f64,
    pub stratify_by: Vec<Placed>,
    pub economics: Option<Economics>,
    pub estimates: Vec<Placed>,
}

const COST: &str = "contact-cost";
const RESPONSE: [&str; 2] = ["response-rate", "response-column"];
const MARGIN: [&str; 2] = ["order-margin", "margin-column"];
const BASIS: &str = "legal-basis";

/// Reads the keys of a campaign that say who is contacted.
pub(super) fn selection(table: &mut Reader<'_, '_>, target: &Target) -> Selection {
    let bases = LegalBasis::of(target.channel);
    let basis =
        key(BASIS, "Ground on which customers are contacted; without it consent, for letters legitimate-interest")
            .example(r#""existing-customer""#);
    let share = key(
        "control-share",
        "Customers who are kept from this campaign by lot, so that `klientel measure` can tell what it earned",
    )
    .unit("share");
    let strata = key("stratify-by", "Text columns within whose cells the control group has its share");
    let stated = table.word(basis, &words(LegalBasis::ALL, LegalBasis::label));
    if let (Some(stated), Some(at)) = (stated.filter(|stated| !bases.contains(stated)), table.raw(BASIS)) {
        let known: Vec<&str> = bases.iter().map(|basis| basis.label()).collect();
        let title = format!("`{}` is no ground for contacts by {}", stated.label(), target.channel.label());
        let problem =
            Diagnostic::error(codes::CONTRADICTION, title).at(at.span(), format!("of the target {}", target.title));
        table.note(problem.help(format!("use {}", known.join(" or "))));
    }
    let control_share = table.number(share.default("0.0"), 0.0, 0.9).unwrap_or(0.0);
    let stratify_by = table.distinct_texts(strata.default("[]"));
    let (economics, estimates) = economics(table);
    Selection { basis: stated.unwrap_or(bases[0]), control_share, stratify_by, economics, estimates }
}

/// Reads what a contact costs and brings; notes what is missing, or said twice.
fn economics(table: &mut Reader<'_, '_>) -> (Option<Economics>, Vec<Placed>) {
    let money = |key: Key| key.unit("major currency units");
    let cost = money(key(
        COST,
        "What a contact costs; only who is expected to bring more is contacted, for which response and margin must be known",
    ));
    let rate = key(RESPONSE[0], "Share of the contacts that lead to an order").unit("share");
    let column = key(RESPONSE[1], "Score column with that probability for each customer");
    let margin = money(key(MARGIN[0], "What an order leaves"));
    let margins = key(MARGIN[1], "Score column with that for each customer");
    let cost = table.number(cost.example("0.85"), 0.0, 1e6);
    let rate = table.number(rate.example("0.03"), 0.0, 1.0);
    let rates = table.placed_text(column.example(r#""offer_1_probability""#));
    let margin = table.number(margin.example("25.00"), 0.0, 1e9);
    let margins = table.placed_text(margins.example(r#""clv_expected_order_value""#));
    let (mut problem, mut is_whole) = (None, true);
    for (names, is_known, is_twice) in [
        (RESPONSE, rate.is_some() || rates.is_some(), rate.is_some() && rates.is_some()),
        (MARGIN, margin.is_some() || margins.is_some(), margin.is_some() && margins.is_some()),
    ] {
        let [number, column] = names;
        let at = |name: &str| table.raw(name).map(toml::Spanned::span);
        if is_twice && let Some(span) = at(column) {
            let title = format!("a campaign has `{number}` and `{column}`");
            problem = Some(
                Diagnostic::error(codes::CONTRADICTION, title)
                    .at(span, "says the same a second time")
                    .help("remove one of them"),
            );
        } else if cost.is_some()
            && !is_known
            && let Some(span) = at(COST)
        {
            let title = format!("`{COST}` needs `{number}` or `{column}`");
            problem = Some(
                Diagnostic::error(codes::CONTRADICTION, title)
                    .at(span, "nothing says whether a contact is worth this")
                    .help(format!("add one of them, for example `{number} = …`")),
            );
        } else if cost.is_none()
            && is_known
            && let Some(span) = at(number).or_else(|| at(column))
        {
            let title = format!("`{number}` and `{column}` need `{COST}`");
            problem = Some(
                Diagnostic::error(codes::CONTRADICTION, title)
                    .at(span, "is compared with the cost of a contact")
                    .help(format!("add `{COST}`")),
            );
        }
        is_whole &= is_known;
    }
    if let Some(problem) = problem {
        table.note(problem);
    }
    let estimates: Vec<Placed> = rates.iter().chain(&margins).cloned().collect();
    let estimate = |number: Option<f64>, column: Option<Placed>| match (number, column) {
        (_, Some(column)) => Estimate::Column(column.text),
        (number, None) => Estimate::Same(number.unwrap_or_default()),
    };
    let economics = cost.filter(|_| is_whole).map(|cost| Economics {
        contact_cost: cost * MONEY_SCALE as f64,
        response: estimate(rate, rates),
        margin: estimate(margin, margins),
    });
    (economics, estimates)
}

/// Finds estimates that are no number; `called` names the campaign.
pub(super) fn estimate_problems(campaign: &CampaignRule, called: &str, columns: &[ColumnSpec]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for column in &campaign.estimates {
        let title = match columns.iter().find(|spec| spec.name == column.text).map(|spec| spec.kind) {
            None => format!("{called} estimates by unknown column `{}`", column.text),
            Some(ColumnKind::Text | ColumnKind::Date) => {
                format!("{called} estimates by `{}`, which is no number", column.text)
            }
            Some(_) => continue,
        };
        let problem =
            Diagnostic::error(codes::UNKNOWN_CAMPAIGN_COLUMN, title).at(column.span.clone(), "no number of the scores");
        problems.push(problem.help(
            "name a score column with a probability or money, such as `offer_1_probability` or `clv_expected_order_value`",
        ));
    }
    problems
}
