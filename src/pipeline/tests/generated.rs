//! Schema and reference against the reader.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{check, describe, parse, reference, schema::schema, shape};
use super::{SMALLEST, columns, problems};

/// Dotted names of all keys of a JSON Schema.
fn schema_keys(schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{name}");
        keys.insert(path.clone());
        schema_keys(property, &format!("{path}."), keys);
        schema_keys(&property["items"], &format!("{path}."), keys);
    }
}

/// Dotted names of all keys of a TOML table; those of `currency.rates` are data.
fn toml_keys(table: &toml::Table, path: &str, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let path = format!("{path}{name}");
        keys.insert(path.clone());
        let tables = value.as_array().and_then(|array| array.first()).unwrap_or(value).as_table();
        if let (Some(table), false) = (tables, path == "currency.rates") {
            toml_keys(table, &format!("{path}."), keys);
        }
    }
}

fn described_keys(table: &shape::TableDoc, path: &str, keys: &mut BTreeSet<String>) {
    for key in &table.keys {
        let path = format!("{path}{}", key.key.name);
        keys.insert(path.clone());
        if let shape::Shape::Table { doc, .. } | shape::Shape::Tables(doc) = &key.shape {
            described_keys(doc, &format!("{path}."), keys);
        }
    }
}

#[test]
fn reader_schema_and_reference_know_the_same_keys() {
    let (mut read, mut schema_has, mut reference_has) = Default::default();
    described_keys(&describe(), "", &mut read);
    schema_keys(&serde_json::from_str(&schema()).unwrap(), "", &mut schema_has);
    toml_keys(&reference::text(true).parse().unwrap(), "", &mut reference_has);
    assert!(read.contains("input.transactions.columns.customer-id") && read.contains("segment.where"), "{read:?}");
    assert_eq!(read, schema_has);
    assert_eq!(read, reference_has);
}

#[test]
fn the_reference_is_a_pipeline_with_the_defaults() {
    let (reference, _) = check(&reference::reference(), &columns).unwrap();
    let smallest = parse(SMALLEST).unwrap();
    assert_eq!(
        (reference.abc, reference.rfm, reference.lifetime_value, reference.churn, reference.cross_sell),
        (smallest.abc, smallest.rfm, smallest.lifetime_value, smallest.churn, smallest.cross_sell)
    );
    assert_eq!((reference.returns, reference.products), (smallest.returns, smallest.products));
    assert_eq!((reference.currency, reference.as_of), (smallest.currency, None));
}

#[test]
fn every_example_in_the_reference_is_valid() {
    // With every key active both file formats of the ten tables are given, opportunities to a model that counts none, and a margin twice;
    // nothing else is wrong.
    let found = problems(&reference::text(true));
    assert_eq!(found.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["K0108"; 12], "{found:?}");
}

#[test]
fn the_schema_asks_for_what_the_reader_asks_for() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["version", "input", "output"]));
    assert_eq!(schema["properties"]["cross-sell"]["properties"]["offers-per-customer"]["maximum"], 20);
    assert_eq!(schema["properties"]["abc"]["properties"]["value"]["default"], "revenue");
    assert_eq!(schema["properties"]["segment"]["items"]["required"], serde_json::json!(["name", "where"]));
}
