//! The file: every bit of every float comes back, and what cannot be is refused with the place.

use super::*;
use crate::analysis::lifetime_value::tests::Example;
use crate::analysis::lifetime_value::{LifetimeValue, ModelChoice, Params, PurchaseKind};
use crate::analysis::{Analysis, abc::Abc, churn::Churn, rfm::Rfm};
use crate::state::model::Settings;

/// The model of a base of 600 customers.
fn example() -> StoredModel {
    let example = Example::new(600);
    let model = ModelChoice::Named(PurchaseKind::MbgNbd);
    let (lifetime_value, churn) = (LifetimeValue(Params { model, ..Params::default() }), Churn::default());
    let analyses: [&dyn Analysis; 4] = [&Abc::default(), &Rfm::default(), &lifetime_value, &churn];
    let mut findings = Vec::new();
    for analysis in analyses {
        let found = analysis.run(&example.base(), &findings).unwrap();
        findings.push((analysis.name(), found));
    }
    let settings = Settings {
        as_of: example.now.as_of,
        currency: Some("EUR"),
        pipeline_sha256: "ba7816bf",
        lifetime_value: &lifetime_value.0,
        churn: &churn.0,
    };
    StoredModel::of(&settings, &findings)
}

fn refused(text: &str) -> String {
    from_text(text, Path::new("model.json")).unwrap_err().to_string()
}

#[test]
fn a_model_comes_back_to_the_bit() {
    let mut model = example();
    // What is odd is kept as sentences: those of another version must be readable, too.
    let stored = &mut model.lifetime_value.as_mut().unwrap().stored;
    stored.model.purchases.pooled.0.diagnoses = vec![];
    let spend = stored.model.spend.as_mut().unwrap();
    (spend.diagnoses, spend.v) = (vec![], 0.1 + 0.2);
    stored.caveats.push("purchase model: \"odd\"".to_owned());
    let text = to_text(&model);
    let read = from_text(&text, Path::new("model.json")).unwrap();
    assert_eq!(read, model);
    assert_eq!(to_text(&read), text);
    assert!(model.abc.is_some() && model.rfm.is_some() && model.churn_horizon.is_some());
    assert_eq!(model.distributions.len(), COLUMNS.len());
}

#[test]
fn money_beyond_a_float_comes_back_as_well() {
    let fifths = [-7, 0, 5 * i128::from(i64::MAX) - 1, 5 * i128::from(i64::MAX)];
    let cuts = Cuts::from_fifths(CutRule::RPackage, fifths).unwrap();
    let model = StoredModel {
        abc: None,
        rfm: Some(Scale { recency: cuts, frequency: cuts, monetary: cuts }),
        lifetime_value: None,
        churn_horizon: None,
        distributions: vec![],
        ..example()
    };
    assert_eq!(from_text(&to_text(&model), Path::new("")).unwrap(), model);
}

#[test]
fn what_is_no_model_is_refused_with_its_place() {
    assert_eq!(
        refused("{\n  \"format\": 1,\n  oops\n}"),
        "`model.json` is not a model that a run wrote: key must be a string at line 3 column 3"
    );
    let empty = refused("");
    assert!(empty.ends_with("EOF while parsing a value at line 1 column 0"), "{empty}");
    let newer = refused("{ \"format\": 2, \"whatever\": [] }");
    assert_eq!(newer, "model `model.json` has format 2, this version of klientel knows formats up to 1");
    assert!(refused("{ \"format\": 0 }").contains("formats count from 1"));
    let other = refused("{ \"manifest_version\": 1 }");
    assert!(other.contains("missing field `format`"), "{other}");
}

#[test]
fn what_cannot_be_is_named() {
    let text = to_text(&example());
    for (from, to, expected) in [
        ("\"mbg-nbd\"", "\"hand-made\"", "`hand-made` is no purchase model"),
        ("\"time_unit\": \"day\"", "\"time_unit\": \"week\"", "the time unit of the purchase model is `week`"),
        ("\"symbol\": \"alpha\"", "\"symbol\": \"beta\"", "`alpha` of the purchase model is missing"),
        ("\"a_from\": ", "\"a_from\": -", "the thresholds of `abc` do not descend"),
        ("\"minor_units_in_major\": 100", "\"minor_units_in_major\": 1000", "1000 minor units"),
        ("\"horizon_months\": 12", "\"horizon_months\": 0", "no pipeline can ask for"),
        ("\"horizon\": \"90 days\"", "\"horizon\": \"soon\"", "`soon` is no horizon"),
        ("\"column\": \"clv\"", "\"column\": \"clw\"", "`clw` is no score"),
        ("\"labels\": [\n", "\"labels\": [\n\"Z\",", "do not fit"),
        ("\"symbol\": \"q\"", "\"symbol\": \"k\"", "the spend model is not"),
        ("\"pipeline_sha256\"", "\"pipeline\"", "unknown field `pipeline`"),
    ] {
        let end = if from == "\"labels\": [\n" { text.rfind(from) } else { text.find(from) };
        let at = end.unwrap_or_else(|| panic!("{from} is not in the file"));
        let changed = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
        let said = refused(&changed);
        assert!(said.contains(expected), "{said}");
    }
}
