//! The summary at the end of a run: what a person looks at before the office opens. Everything in it stands in the manifest.

mod campaigns;

use std::fmt::Write;

use klientel::run::{Outcome, shown};
use serde_json::Value;

use super::text::{count, counted, money, percent, told};

/// Reasons of rejects that are shown; the manifest has all.
const MOST_REASONS: usize = 5;

/// Parameters of purchase models, in the order of the papers.
const SYMBOLS: [&str; 9] = ["k", "r", "alpha", "a", "b", "s", "beta", "gamma", "delta"];

/// Returns a purchase model's name as the papers write it.
fn model_name(label: &str) -> &str {
    match label {
        "nbd" => "NBD",
        "mbg-nbd" => "MBG/NBD",
        "bg-nbd" => "BG/NBD",
        "pareto-nbd" => "Pareto/NBD",
        "mbg-cnbd-k" => "MBG/CNBD-k",
        "bg-cnbd-k" => "BG/CNBD-k",
        "bg-bb" => "BG/BB",
        other => other,
    }
}

/// Writes the summary of a run.
pub fn of(outcome: &Outcome) -> String {
    let manifest = &outcome.manifest;
    let mut out = String::new();
    if outcome.already_there {
        let _ = writeln!(out, "nothing has changed: this run is already published in {}", shown(&outcome.directory));
        return out;
    }
    let mut page = Page { out: &mut out, least: manifest["min_size"].as_u64() };
    page.files(manifest);
    page.base(manifest);
    page.abc(&manifest["abc"]);
    page.rfm(&manifest["rfm"]);
    page.lifetime_value(&manifest["lifetime_value"]);
    page.churn(&manifest["churn"]);
    page.cross_sell(&manifest["cross_sell"]);
    page.reused_model(manifest);
    page.segments(manifest);
    page.notes(manifest);
    let _ = writeln!(out, "\npublished {}", shown(&outcome.directory));
    out
}

/// Returns what was found out about a file, without the counts that it rests on; usual headers are only counted.
fn found(input: &Value) -> Vec<String> {
    let evidence = || input["evidence"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let is_stated =
        |sentence: &str| ["(named in the pipeline)", "(its own name)"].iter().any(|end| sentence.ends_with(end));
    let is_usual = |sentence: &str| sentence.ends_with("(synonym)");
    let decision = |sentence: &str| sentence.rsplit_once(" (").map_or(sentence, |(decision, _)| decision).to_owned();
    let mut found: Vec<String> = evidence().filter(|s| !is_stated(s) && !is_usual(s)).map(decision).collect();
    let n_usual = evidence().filter(|sentence| is_usual(sentence)).count();
    if n_usual > 0 {
        found.push(format!("{} by usual headers", counted(n_usual, "column")));
    }
    found
}

struct Page<'a> {
    out: &'a mut String,
    /// Customers below whom a group is not counted.
    least: Option<u64>,
}

impl Page<'_> {
    fn line(&mut self, label: &str, text: &str) {
        let _ = writeln!(self.out, "  {label:14} {text}");
    }

    fn title(&mut self, title: &str) {
        let _ = writeln!(self.out, "\n{title}");
    }

    /// Says how each table was read, as far as that was found out and not stated; the manifest has it file by file.
    fn files(&mut self, manifest: &Value) {
        let inputs = manifest["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.title("read");
        for of_table in inputs.chunk_by(|a, b| a["table"] == b["table"]) {
            let found = found(&of_table[0]);
            let n_files = match of_table.len() {
                1 => String::new(),
                n => format!("{n} files, "),
            };
            let table = of_table[0]["table"].as_str().unwrap_or_default();
            self.line(table, &format!("{n_files}{}", found.join(", ")));
            let others = of_table.iter().filter(|other| self::found(other) != found).count();
            if others > 0 {
                self.line("", &format!("{} read differently, see manifest.json", counted(others, "file")));
            }
        }
    }

    fn base(&mut self, manifest: &Value) {
        let counts = &manifest["counts"];
        let n = |key: &str| count(counts[key].as_u64().unwrap_or(0));
        let is_some = |key: &str| counts[key].as_u64().unwrap_or(0) > 0;
        self.title(&format!("base as of {}", manifest["run"]["as_of"].as_str().unwrap_or_default()));
        let mut lines = format!("{} read, {} used", n("lines_read"), n("lines_used"));
        for (key, what) in [
            ("lines_rejected", "rejected"),
            ("lines_quarantined", "beyond belief in date or money"),
            ("lines_after_as_of", "after as-of"),
            ("lines_repeated_in_other_files", "counted once (in several files)"),
            ("lines_corrected_by_later_files", "corrected by later files"),
            ("lines_of_objections", "of objections to profiling"),
            ("lines_of_erased", "of erased customers"),
        ] {
            if is_some(key) {
                let _ = write!(lines, ", {} {what}", n(key));
            }
        }
        let has_lines = is_some("lines_read");
        if has_lines {
            self.line("lines", &lines);
        }
        let tables = counts["rejects_by_reason"].as_object().into_iter().flatten();
        let reasons =
            tables.flat_map(|(table, of_table)| of_table.as_object().into_iter().flatten().map(move |r| (table, r)));
        for (table, (reason, n)) in reasons.take(MOST_REASONS) {
            let of_table = if table == "transactions" { String::new() } else { format!(" of {table}") };
            self.line("", &format!("{}{of_table} rejected: {reason}", count(n.as_u64().unwrap_or(0))));
        }
        let mut customers = n("customers");
        if has_lines && is_some("customers_without_purchase") {
            let _ = write!(customers, ", {} without a purchase that was kept", n("customers_without_purchase"));
        }
        if is_some("objections") {
            let _ = write!(customers, ", {} left out who object to profiling", n("objections"));
        }
        self.line("customers", &customers);
        if !has_lines {
            return;
        }
        self.line("orders", &format!("{}, of {} products", n("orders"), n("products")));
        let major = |value: &Value| money(value.as_f64().unwrap_or(0.0));
        let mut revenue = format!("{} net, {} gross", major(&counts["revenue"]), major(&counts["gross_revenue"]));
        if counts["margin"].is_number() {
            let _ = write!(revenue, ", margin {}", major(&counts["margin"]));
        }
        self.line("revenue", &revenue);
        if is_some("guest_lines") {
            self.line("guests", &format!("{} lines, {}", n("guest_lines"), major(&counts["guest_revenue"])));
        }
        let returns = &counts["returns"];
        let r = |key: &str| count(returns[key].as_u64().unwrap_or(0));
        if returns["lines"].as_u64().unwrap_or(0) > 0 {
            let text = format!(
                "{} lines: {} match a sale exactly, {} partly, {} have no order ({})",
                r("lines"),
                r("exact"),
                r("partly"),
                r("no_order"),
                major(&returns["unmatched_revenue"])
            );
            self.line("returns", &text);
        }
        let other = &counts["not_merchandise"];
        let ids: Vec<&str> = ["named", "recognised"]
            .into_iter()
            .flat_map(|key| other[key].as_array().into_iter().flatten().filter_map(Value::as_str))
            .collect();
        if !ids.is_empty() {
            let left_out = if other["in_revenue"].as_bool().unwrap_or(false) {
                "kept in revenue".to_owned()
            } else {
                format!(
                    "{} lines, {} left out of revenue",
                    count(other["lines_left_out"].as_u64().unwrap_or(0)),
                    major(&other["revenue_left_out"])
                )
            };
            self.line("not goods", &format!("{}: {left_out}", ids.join(", ")));
        }
    }

    fn abc(&mut self, abc: &Value) {
        if abc.is_null() {
            return;
        }
        let cuts: Vec<String> =
            abc["cuts"].as_array().into_iter().flatten().map(|cut| percent(cut.as_f64().unwrap_or(0.0))).collect();
        self.title(&format!("ABC by {} (cuts {})", abc["value"].as_str().unwrap_or_default(), cuts.join(", ")));
        let _ =
            writeln!(self.out, "  {:14} {:>10} {:>9} {:>10} {:>9}", "class", "customers", "value", "products", "value");
        for class in ["a", "b", "c", "n"] {
            let least = self.least;
            let cell = |of: &Value| {
                let n = told(&of[class]["n"], least);
                (n, of[class]["value_share"].as_f64().map(percent).unwrap_or_default())
            };
            let (customers, products) = (cell(&abc["customers"]), cell(&abc["products"]));
            let _ = writeln!(
                self.out,
                "  {:14} {:>10} {:>9} {:>10} {:>9}",
                class.to_uppercase(),
                customers.0,
                customers.1,
                products.0,
                products.1
            );
        }
    }

    fn rfm(&mut self, rfm: &Value) {
        let Some(segments) = rfm["segments"].as_object() else { return };
        let text = |key: &str| rfm[key].as_str().unwrap_or_default().to_owned();
        self.title(&format!("RFM ({} cuts, segments {})", text("cuts"), text("segment_map")));
        let mut rows: Vec<(&String, Option<u64>)> = segments.iter().map(|(name, n)| (name, n.as_u64())).collect();
        rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let scored = rfm["n_scored"].as_u64().unwrap_or(0).max(1) as f64;
        for (name, n) in rows {
            let share = n.map(|n| percent(n as f64 / scored)).unwrap_or_default();
            let n = told(&n.into(), self.least);
            let _ = writeln!(self.out, "{}", format!("  {name:20} {n:>10} {share:>9}").trim_end());
        }
    }

    fn lifetime_value(&mut self, value: &Value) {
        if value.is_null() {
            return;
        }
        let number = |of: &Value, key: &str| of[key].as_f64().unwrap_or(f64::NAN);
        self.title("lifetime value");
        let model = &value["model"];
        if model.is_object() {
            let known = |symbol: &&str| model[*symbol].is_number();
            let parameter = |symbol: &str| match model[symbol].as_u64() {
                Some(whole) => format!(" {symbol} {whole}"),
                None => format!(" {symbol} {:.4}", number(model, symbol)),
            };
            let parameters: String = SYMBOLS.into_iter().filter(known).map(parameter).collect();
            let text = format!(
                "{}{parameters} ({}s), log-likelihood {:.4}",
                model_name(model["name"].as_str().unwrap_or_default()),
                model["time_unit"].as_str().unwrap_or_default(),
                number(model, "log_likelihood")
            );
            self.line("purchases", &text);
            self.evidence(&value["evaluation"]);
        }
        let spend = &value["spend"];
        if spend.is_object() {
            let text = format!(
                "Gamma-Gamma p {:.4} q {:.4} v {:.4}, log-likelihood {:.4}, {} customers",
                number(spend, "p"),
                number(spend, "q"),
                number(spend, "v"),
                number(spend, "log_likelihood"),
                count(spend["n"].as_u64().unwrap_or(0))
            );
            self.line("spend", &text);
        }
        if value["customer_equity"].is_number() {
            let text = format!(
                "{} orders expected in {} months, worth {} ({}, discounted at {} a year)",
                count(number(value, "expected_orders").round() as u64),
                value["horizon_months"],
                money(number(value, "customer_equity")),
                value["value_basis"].as_str().unwrap_or_default(),
                percent(number(value, "discount_rate_per_year"))
            );
            self.line("horizon", &text);
            if value["customer_equity_low"].is_number() {
                let [low, high] = ["customer_equity_low", "customer_equity_high"].map(|end| money(number(value, end)));
                self.line("", &format!("between {low} and {high} with a probability of 80%"));
            }
        }
    }

    /// Says how near the chosen model came on the holdout, and what else was tried.
    fn evidence(&mut self, evaluation: &Value) {
        if evaluation.is_null() {
            return;
        }
        let chosen = evaluation["chosen"].as_str().unwrap_or_default();
        let figures = |of: &Value| {
            let mut text =
                format!("MAE {:.3} RMSE {:.3}", of["mae"].as_f64().unwrap_or(0.0), of["rmse"].as_f64().unwrap_or(0.0));
            if let Some(bias) = of["bias"].as_f64() {
                let _ = write!(text, " total {:+.1}%", 100.0 * bias);
            }
            text
        };
        let n = |key: &str| count(evaluation[key].as_u64().unwrap_or(0));
        let title = format!(
            "{} days after {}: {} customers, {} purchase days",
            n("holdout_days"),
            evaluation["cut"].as_str().unwrap_or_default(),
            n("n"),
            n("purchases")
        );
        self.line("holdout", &title);
        let models = evaluation["models"].as_object().into_iter().flatten();
        let rules = evaluation["rules"].as_object().into_iter().flatten();
        for (name, of) in models {
            let mark = if name == chosen { "chosen " } else { "" };
            self.line("", &format!("{mark}{}: {}", model_name(name), figures(of)));
        }
        let grouped = &evaluation["grouped"];
        if let Some(name) = grouped["name"].as_str() {
            self.line("", &format!("by groups, {name}: {}", figures(&grouped["accuracy"])));
        }
        for (name, of) in rules {
            self.line("", &format!("rule {}: {}", name.replace('_', "-"), figures(of)));
        }
    }

    fn churn(&mut self, churn: &Value) {
        let Some(bands) = churn["bands"].as_object() else { return };
        self.title(&format!("churn risk: {}", churn["label"].as_str().unwrap_or_default()));
        if let Some(mean) = churn["mean_risk"].as_f64() {
            self.line("mean", &percent(mean));
        }
        for band in ["low", "medium", "high"] {
            self.line(band, &count(bands.get(band).and_then(Value::as_u64).unwrap_or(0)));
        }
        self.churn_card(&churn["evaluation"]);
    }

    /// Says how well the published risk ranks on the test cut, beside the rules, and by what label.
    fn churn_card(&mut self, card: &Value) {
        let Some(chosen) = card["chosen"].as_str() else { return };
        let number = |of: &Value, key: &str| of[key].as_f64().unwrap_or(f64::NAN);
        let n = count(card["n"].as_u64().unwrap_or(0));
        let label = card["label"].as_str().unwrap_or_default();
        self.line("test", &format!("{label}: {} of {n}", percent(number(card, "base_rate"))));
        for (name, of) in ["models", "rules"].iter().flat_map(|kind| card[*kind].as_object().into_iter().flatten()) {
            let what = match (name == chosen, card["rules"].get(name).is_some()) {
                (true, true) => "published rule ",
                (true, false) => "published ",
                (false, true) => "rule ",
                (false, false) => "",
            };
            let [auc, lift, brier, ece] = ["auc", "top_decile_lift", "brier", "ece"].map(|key| number(of, key));
            let name = name.replace('_', "-");
            self.line("", &format!("{what}{name}: AUC {auc:.3} lift {lift:.2} Brier {brier:.3} ECE {ece:.3}"));
        }
    }

    fn cross_sell(&mut self, cross: &Value) {
        if cross.is_null() {
            return;
        }
        let n = |key: &str| count(cross[key].as_u64().unwrap_or(0));
        self.title("cross-sell");
        let sets = match cross["level"].as_str() {
            Some("customer") => "customers",
            _ => "baskets",
        };
        let mut rules = format!("{} above chance in {} {sets}", n("n_rules"), n("n_baskets"));
        if cross["n_category_rules"] != 0 {
            let _ = write!(rules, ", {} between categories", n("n_category_rules"));
        }
        let mut chance = String::new();
        if let Some(by_chance) = cross["by_chance"].as_object() {
            let of_chance = |key: &str| by_chance[key].as_u64().unwrap_or(0) as usize;
            chance = format!(
                "checked against chance: with products dealt out to {sets} at random and the days of every customer shuffled, \
                 the same search finds {}, {}, {}, {} and {}",
                counted(of_chance("n_rules"), "rule"),
                counted(of_chance("n_category_rules"), "category rule"),
                counted(of_chance("n_substitutes"), "pair") + " of substitutes",
                counted(of_chance("n_sequences"), "sequence"),
                counted(of_chance("n_up_sells"), "up-sell"),
            );
        }
        self.line("rules", &rules);
        let some = |key: &str, thing: &str| counted(cross[key].as_u64().unwrap_or(0) as usize, thing);
        let also = format!(
            "{} of substitutes, {}, {}",
            some("n_substitutes", "pair"),
            some("n_sequences", "sequence"),
            some("n_up_sells", "up-sell"),
        );
        self.line("", &also);
        if !chance.is_empty() {
            self.line("", &chance);
        }
        let mut offers = format!("{} for {} customers", n("n_offers"), n("n_customers_with_history"));
        if let Some(share) = cross["best_seller_share"].as_f64() {
            let _ = write!(offers, ", {} of them best sellers for want of an affinity", percent(share));
        }
        self.line("offers", &offers);
        self.audiences(&cross["audience_budget"]);
        self.offer_proof(&cross["offer_proof"]);
    }

    /// Says what the contacts of the audiences cost and are expected to bring.
    fn audiences(&mut self, spent: &Value) {
        if spent.is_null() {
            return;
        }
        let money_of = |key: &str| money(spent[key].as_f64().unwrap_or_default());
        let mut said = format!(
            "{} cost {} and are expected to gain {} beyond that",
            counted(spent["n_contacts"].as_u64().unwrap_or(0) as usize, "contact"),
            money_of("cost"),
            money_of("expected_gain"),
        );
        if !spent["budget"].is_null() {
            let _ = write!(said, ", of a budget of {}", money_of("budget"));
        }
        self.line("audiences", &said);
    }

    /// Says what the lists would have been worth in the last window, beside the best baseline of each block.
    fn offer_proof(&mut self, proof: &Value) {
        if proof.is_null() {
            return;
        }
        let text = |key: &str| proof[key].as_str().unwrap_or_default().to_owned();
        let judged = count(proof["n_judged"].as_u64().unwrap_or(0));
        let said = format!("{} before as-of, {judged} customers judged, by {}", text("horizon"), text("similarity"));
        self.line("proof", &said);
        for block in ["all", "repeat", "new"] {
            let own = &proof[block];
            let Some(recall) = own["recall_at_10"].as_f64() else { continue };
            let number = |key: &str| own[key].as_f64().unwrap_or_default();
            let bound = |ix: usize| own["recall_interval"][ix].as_f64().unwrap_or_default();
            let said = format!(
                "{block}: recall@10 {recall:.4} ({:.4} to {:.4}) NDCG {:.4} hit rate {} coverage {}; {} {:.4}",
                bound(0),
                bound(1),
                number("ndcg_at_10"),
                percent(number("hit_rate_at_10")),
                percent(number("coverage_at_10")),
                own["baseline"].as_str().unwrap_or_default().replace('_', " "),
                number("baseline_recall_at_10"),
            );
            self.line("", &said);
        }
    }

    /// Says which model the scores stand on and how far the base has moved away from it.
    fn reused_model(&mut self, manifest: &Value) {
        let (model, drift) = (&manifest["reused_model"], &manifest["model_drift"]);
        if model.is_null() {
            return;
        }
        let number = |of: &Value| of.as_f64().unwrap_or(f64::NAN);
        let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
        self.title(&format!("reused model of {} ({} days old)", text(&model["as_of"]), model["age_days"]));
        if drift["sentence"].is_string() {
            self.line(&text(&drift["verdict"]), &text(&drift["sentence"]));
        }
        for (key, label) in [("purchases", "purchases"), ("spend", "spend")] {
            let fit = &drift[key];
            if !fit.is_object() {
                continue;
            }
            let ln = &fit["log_likelihood_per_customer"];
            let p_value = number(&fit["p_value"]);
            let p_value = if p_value < 0.001 { "p < 0.001".to_owned() } else { format!("p {p_value:.3}") };
            let said = format!(
                "log-likelihood a customer {:.4}, {:.4} by a refit ({p_value})",
                number(&ln["stored"]),
                number(&ln["refit"]),
            );
            self.line(label, &said);
        }
        let orders = &drift["expected_orders"];
        if orders.is_object() {
            let whole = |key: &str| count(number(&orders[key]).round() as u64);
            self.line("orders", &format!("{} expected, {} by a refit", whole("stored"), whole("refit")));
        }
    }

    fn notes(&mut self, manifest: &Value) {
        let notes = manifest["notes"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !notes.is_empty() {
            self.title("notes");
            for note in notes.iter().filter_map(Value::as_str) {
                let _ = writeln!(self.out, "  {note}");
            }
        }
    }
}
