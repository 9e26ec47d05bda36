//! JSON Schema (draft 2020-12) of the pipeline file, for editors that complete and check TOML.
//!
//! A TOML date is described as a text of format `date`, as the editors do.

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::describe;
use super::shape::{KeyDoc, MAX_SLUG, Shape, TableDoc};

/// Returns the schema as indented JSON with a line break at the end.
pub fn schema() -> String {
    let mut schema = object(&describe());
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("klientel pipeline");
    // The order of keys must not depend on a feature that another package switches on.
    schema.sort_all_objects();
    format!("{schema:#}\n")
}

fn object(table: &TableDoc) -> Value {
    let properties: Map<_, _> = table.keys.iter().map(|key| (key.key.name.to_owned(), property(key))).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let required: Vec<_> = table.keys.iter().filter(|key| is_required(key)).map(|key| key.key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !table.exactly_one.is_empty() {
        schema["oneOf"] = table.exactly_one.iter().map(|name| json!({ "required": [name] })).collect();
    }
    if !table.at_least_one.is_empty() {
        schema["anyOf"] = table.at_least_one.iter().map(|name| json!({ "required": [name] })).collect();
    }
    schema
}

/// A table is required where something in it is.
fn is_required(key: &KeyDoc) -> bool {
    match &key.shape {
        Shape::Table { doc, optional: false } => {
            !doc.exactly_one.is_empty() || !doc.at_least_one.is_empty() || doc.keys.iter().any(is_required)
        }
        _ => key.key.required,
    }
}

fn property(key: &KeyDoc) -> Value {
    let mut schema = shape(&key.shape);
    let unit = if key.key.unit.is_empty() { String::new() } else { format!("; {}", key.key.unit) };
    schema["description"] = json!(format!("{}{unit}", key.key.doc));
    let value = |toml: &str| DeValue::parse(toml).ok().map(|value| json_value(value.get_ref()));
    if let Some(default) = key.key.default.as_deref().and_then(value) {
        schema["default"] = default;
    } else if let Some(example) = key.key.example.and_then(value) {
        schema["examples"] = json!([example]);
    }
    schema
}

fn shape(shape: &Shape) -> Value {
    let text = || json!({ "type": "string", "pattern": r"\S" });
    match shape {
        Shape::Version => json!({ "const": 1 }),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Text => text(),
        Shape::Header => json!({ "type": "string" }),
        Shape::Slug => json!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": MAX_SLUG }),
        Shape::Delimiter => json!({ "type": "string", "pattern": r"^[\t !#-/:-@\[-`{-~]$" }),
        Shape::CurrencyCode => json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        Shape::Texts { unique } => json!({ "type": "array", "items": text(), "uniqueItems": unique }),
        Shape::Paths => json!({ "oneOf": [text(), { "type": "array", "items": text(), "minItems": 1 }] }),
        Shape::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Shape::Cuts => {
            let share = json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 });
            json!({ "type": "array", "items": share, "minItems": 2, "maxItems": 2 })
        }
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Words(words) => json!({ "type": "array", "items": { "enum": words }, "uniqueItems": true }),
        Shape::Period { calendar } => {
            let units = if *calendar { "months?|years?" } else { "days?|weeks?|months?|years?" };
            json!({ "type": "string", "pattern": format!("^[1-9][0-9]* ({units})$") })
        }
        Shape::Rates => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Z]{3}$" },
            "additionalProperties": { "type": "number", "exclusiveMinimum": 0 },
        }),
        Shape::Table { doc, .. } => object(doc),
        Shape::Tables(doc) => json!({ "type": "array", "items": object(doc) }),
    }
}

fn json_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => json!(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(number) => json!(number.as_str().parse::<f64>().ok()),
        DeValue::Boolean(flag) => json!(flag),
        DeValue::Datetime(time) => json!(time.to_string()),
        DeValue::Array(values) => values.iter().map(|value| json_value(value.get_ref())).collect(),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), json_value(value.get_ref())));
            Value::Object(entries.collect())
        }
    }
}
