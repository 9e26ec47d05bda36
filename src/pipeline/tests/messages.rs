//! Every kind of mistake: code, place, title, label.

use super::super::{check_segments, read};
use super::{SMALLEST, columns, problems};
use crate::diagnostic;

/// Adds `lines` to the smallest pipeline and expects one problem: its code, the marked text, the title and the label.
fn check(lines: &str, expected: (&str, &str, &str, &str)) {
    let text = format!("{SMALLEST}{lines}\n");
    let found = problems(&text);
    let [problem] = &found[..] else { panic!("{lines}: {found:?}") };
    let marked = problem.span.clone().map_or("", |span| &text[span]);
    let label = problem.label.as_deref().unwrap_or("");
    assert_eq!((problem.code, marked, problem.title.as_str(), label), expected, "{lines}");
}

#[test]
fn three_mistakes_are_shown_at_once() {
    let text = "\
version = 1
[input.transactions.csv]
path = \"sales.csv\"
[abc]
value = \"margn\"
cut = [0.8, 0.95]
[[segment]]
name = \"win-back\"
where = \"abc_class = 'A' and recency_day > 90\"
[output]
directory = \"out\"
";
    assert_eq!(
        diagnostic::render(&problems(text), "pipeline.toml", text, false),
        "error[K0107]: `abc.value` must be one of `margin`, `revenue`, `gross-revenue`
 --> pipeline.toml:5:9
  |
5 | value = \"margn\"
  |         ^^^^^^^ `margn` is not one of them
  |
  = help: did you mean `margin`?
error[K0102]: unknown key `cut` in `[abc]`
 --> pipeline.toml:6:1
  |
6 | cut = [0.8, 0.95]
  | ^^^ this version knows no such key
  |
  = help: a similar key exists: `cuts`
error[K0203]: segment `win-back` uses unknown column `recency_day`
 --> pipeline.toml:9:30
  |
9 | where = \"abc_class = 'A' and recency_day > 90\"
  |                              ^^^^^^^^^^^ no analysis in this pipeline writes this column
  |
  = help: a similar column exists: `rfm_recency_days`
error: 3 problems in pipeline.toml, nothing was read or written
"
    );
}

#[test]
fn an_unknown_column_reads_as_in_the_style_guide() {
    let text = "[[segment]]\nname = 'win-back'\nwhere = 'recency_day > 90'\n";
    let (pipeline, _) = read(text);
    let pipeline = pipeline.unwrap();
    let problems = check_segments(&pipeline, &columns(&pipeline)).unwrap_err();
    assert_eq!(
        diagnostic::render(&problems, "pipeline.toml", text, false),
        "error[K0203]: segment `win-back` uses unknown column `recency_day`
 --> pipeline.toml:3:10
  |
3 | where = 'recency_day > 90'
  |          ^^^^^^^^^^^ no analysis in this pipeline writes this column
  |
  = help: a similar column exists: `rfm_recency_days`
error: 1 problem in pipeline.toml, nothing was read or written
"
    );
}

#[test]
fn an_empty_file_lacks_what_is_required() {
    let found: Vec<_> = problems("").into_iter().map(|problem| (problem.title, problem.help.unwrap())).collect();
    let expected = [
        ("`version` is missing", "add `version = 1` at the top of the file"),
        (
            "`input` needs at least one of the tables `[input.transactions]`, `[input.contracts]`, `[input.responses]`, `[input.baskets]`",
            "add `[input.transactions.csv]` with `path = \"…\"`",
        ),
        ("`output.directory` is missing", "add a table `[output]` with `directory = \"../out\"`"),
    ];
    assert_eq!(found, expected.map(|(title, help)| (title.to_owned(), help.to_owned())));
}

#[test]
fn what_no_computation_uses_is_no_key() {
    for (table, key) in [
        ("input.transactions.columns", "sales-rep"),
        ("input.transactions.formats", "discount"),
        ("input.customers", "formats"),
        ("input.customers.columns", "opt-in-date"),
        ("input.products.columns", "list-price"),
    ] {
        let text = format!("{SMALLEST}[input.products.csv]\npath = 'p.csv'\n[{table}]\n{key} = \"x\"\n");
        let found: Vec<_> = problems(&text).into_iter().map(|problem| (problem.code, problem.title)).collect();
        assert_eq!(found, [("K0102", format!("unknown key `{key}` in `[{table}]`"))]);
    }
}

#[test]
fn wrong_keys_and_values_are_pointed_at() {
    check(
        "[abc]\nvalue = 3",
        ("K0105", "3", "`abc.value` must be one of `margin`, `revenue`, `gross-revenue`", "this is a whole number"),
    );
    check(
        "[abc]\ncuts = [0.8]",
        ("K0106", "[0.8]", "`abc.cuts` must be two ascending shares between 0 and 1", "this list has 1 numbers"),
    );
    check(
        "[abc]\ncuts = [0.9, 0.8]",
        (
            "K0106",
            "[0.9, 0.8]",
            "`abc.cuts` must be two ascending shares between 0 and 1",
            "the second must be larger than the first",
        ),
    );
    check(
        "[abc]\ncuts = [80, 95]",
        ("K0106", "[80, 95]", "`abc.cuts` must be two ascending shares between 0 and 1", "not between 0 and 1"),
    );
    check(
        "[abc]\ncuts = [0.8, 0.8000000001]",
        (
            "K0106",
            "[0.8, 0.8000000001]",
            "`abc.cuts` must be two ascending shares between 0 and 1",
            "cuts are told apart to a billionth",
        ),
    );
    check(
        "[abc]\ncuts = ['a', 0.8]",
        ("K0105", "'a'", "`abc.cuts` must be two ascending shares between 0 and 1", "this is text"),
    );
    check(
        "[cross-sell]\noffers-per-customer = 21",
        ("K0106", "21", "`cross-sell.offers-per-customer` must be a whole number from 1 to 20", "this is 21"),
    );
    check(
        "[cross-sell]\noffers-per-customer = 99999999999999999999",
        (
            "K0106",
            "99999999999999999999",
            "`cross-sell.offers-per-customer` must be a whole number from 1 to 20",
            "this is too large",
        ),
    );
    check(
        "[lifetime-value]\nzzz = 'auto'",
        ("K0102", "zzz", "unknown key `zzz` in `[lifetime-value]`", "this version knows no such key"),
    );
    check(
        "[lifetime-value]\nhorizon = '90 days'",
        (
            "K0106",
            "'90 days'",
            "`lifetime-value.horizon` must be a number of months or years, at most 50 years",
            "this is `90 days`",
        ),
    );
    check(
        "[lifetime-value]\ndiscount-rate-per-year = nan",
        (
            "K0106",
            "nan",
            "`lifetime-value.discount-rate-per-year` must be a number from 0 to 10",
            "this is not a finite number",
        ),
    );
    check(
        "[lifetime-value]\nmodel = 'bg-bb'",
        (
            "K0108",
            "'bg-bb'",
            "the model `bg-bb` needs `lifetime-value.opportunity`",
            "counts opportunities, and nothing says how long one is",
        ),
    );
    check(
        "[lifetime-value]\nmodel = 'nbd'\nopportunity = '1 week'",
        (
            "K0108",
            "'1 week'",
            "`lifetime-value.opportunity` needs the model `bg-bb`",
            "no other model counts opportunities",
        ),
    );
    check(
        "[lifetime-value]\nmodel = 'bg-bb'\nopportunity = '1 year'\nseason = true",
        (
            "K0108",
            "'bg-bb'",
            "`lifetime-value.season` does not go with the model `bg-bb`",
            "counts opportunities, and the season weighs days",
        ),
    );
    check(
        "[churn]\nhorizon = 90",
        (
            "K0105",
            "90",
            "`churn.horizon` must be a number of days, weeks, months or years, at most 50 years",
            "this is a whole number",
        ),
    );
    check(
        "[currency]\ncode = 'euro'",
        ("K0106", "'euro'", "`currency.code` must be a currency code of three capital letters", "this is `euro`"),
    );
    check(
        "[currency]\nrates = { USD = -1 }",
        ("K0106", "-1", "`currency.rates` must be a table of currency codes and positive numbers", "this is -1"),
    );
    check(
        "[currency]\ncode = 'EUR'\nrates.EUR = 1",
        ("K0108", "1", "`currency.rates` has a rate for `EUR`", "the currency of the run is always 1"),
    );
    check(
        "[products]\nrecognise = 'yes'",
        ("K0105", "'yes'", "`products.recognise` must be `true` or `false`", "this is text"),
    );
    check(
        "[products]\nnot-merchandise = ['POST', 5]",
        ("K0105", "5", "`products.not-merchandise` must be a list of texts", "this is a whole number"),
    );
    check(
        "[input.products]\n",
        (
            "K0108",
            "[input.products]",
            "`input.products` needs exactly one of the tables `[input.products.csv]` and `[input.products.parquet]`",
            "none is given",
        ),
    );
    check(
        "[input.products.csv]\npath = []",
        ("K0106", "[]", "`input.products.csv.path` must be a path or a list of paths", "this list is empty"),
    );
    check(
        "[input.products.csv]\npath = 'p'\ndelimiter = ';;'",
        ("K0106", "';;'", "`input.products.csv.delimiter` must be a single punctuation mark or tab", "this is `;;`"),
    );
    check(
        "[input.products.csv]",
        ("K0104", "[input.products.csv]", "`input.products.csv.path` is missing", "`path` is required here"),
    );
    check(
        "[input.products]\ncsv = 'p.csv'",
        ("K0105", "'p.csv'", "`input.products.csv` must be a table of its own", "this is text"),
    );
    check(
        "[input.transactions.formats]\ncustomer-id = '1234.56'",
        (
            "K0102",
            "customer-id",
            "unknown key `customer-id` in `[input.transactions.formats]`",
            "this version knows no such key",
        ),
    );
    check("[segment]\nname = 'x'", ("K0105", "[segment]", "`segment` must be a table of its own", "this is a table"));
    check(
        "[[segment]]\nname = 'x'",
        ("K0104", "[[segment]]", "`segment.where` is missing", "`where` is required here"),
    );
    check(
        "[[segment]]\nname = 'A b'\nwhere = 'clv > 0'",
        (
            "K0106",
            "'A b'",
            "`segment.name` must be a name of lower case letters, digits and single hyphens, at most 64 long",
            "this is `A b`",
        ),
    );
    check("[[segment]]\nname = 'x'\nwhere = ' '", ("K0106", "' '", "`segment.where` must be text", "this is empty"));
    check("[rfm]\n[churn]\n[rfm]", ("K0103", "rfm", "`rfm` is written twice", "stands here again"));
    check(
        "[rfm]\ncuts = quantile",
        (
            "K0101",
            "quantile",
            "the pipeline file is not valid TOML",
            "string values must be quoted, expected literal string",
        ),
    );
}

#[test]
fn top_level_keys_are_checked_too() {
    let check = |line: &str, expected: (&str, &str)| {
        let text = format!("{line}\n{SMALLEST}");
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].code, &text[found[0].span.clone().unwrap()]), expected, "{line}");
    };
    check("as-of = '2026-06-30'", ("K0105", "'2026-06-30'"));
    check("as-of = 2026-06-30T00:00:00", ("K0105", "2026-06-30T00:00:00"));
    check("as-of = 2026-02-30", ("K0101", "2026-02-30"));
    check("as_of = 2026-02-28", ("K0102", "as_of"));
    check("analyses = ['abc', 'churn']", ("K0108", "'churn'"));
    check("analyses = ['abc', 'rfm', 'abc']", ("K0103", "'abc'"));
    check("analyses = ['clv']", ("K0107", "'clv'"));
    check("version = 1", ("K0103", "version"));
    let newer = SMALLEST.replace("version = 1", "version = 2");
    assert_eq!(problems(&newer)[0].label.as_deref(), Some("this program does not know version 2"));
}

#[test]
fn names_are_checked_across_tables() {
    let segment = "[[segment]]\nname = 'champions'\nwhere = 'clv > 0'\n";
    let unknown_name = "[[campaign]]\nname = 'c'\nsegment = 'champion'";
    check(
        &format!("{segment}{unknown_name}"),
        ("K0202", "'champion'", "campaign `c` is for unknown segment `champion`", "no segment has this name"),
    );
    check(
        &format!("{segment}{segment}"),
        ("K0201", "'champions'", "two segments are called `champions`", "used again here"),
    );
    check(
        &format!(
            "{segment}[[campaign]]\nname = 'c'\nsegment = 'champions'\ncolumns = ['customer_id', 'first-name', 'clv']"
        ),
        (
            "K0206",
            "'first-name'",
            "campaign `c` uses unknown column `first-name`",
            "neither a customer column nor written by an analysis",
        ),
    );
    let text = format!("{SMALLEST}{segment}[[campaign]]\nname = 'c'\nsegment = 'champions'\n");
    let without = text.replace("[input.customers.csv]\npath = 'c.csv'\n", "");
    assert_eq!(problems(&text), []);
    assert_eq!(problems(&without)[0].code, "K0207");
}

#[test]
fn campaigns_are_checked_against_their_targets() {
    let campaign = |lines: &str| {
        format!("[[segment]]\nname = 's'\nwhere = 'clv > 0'\n[[campaign]]\nname = 'c'\nsegment = 's'\n{lines}")
    };
    let label = "no identifier of this target";
    let title = "campaign `c` has column `offer_1_name`, which Meta custom audience does not take";
    check(
        &campaign("target = 'meta'\ncolumns = ['phone', 'clv', 'offer_1_name']"),
        ("K0210", "'offer_1_name'", title, label),
    );
    let title = "campaign `c` has a part of the columns that Google Customer Match finds somebody by name with";
    check(
        &campaign("target = 'google-customer-match'\ncolumns = ['email', 'phone', 'last_name']"),
        ("K0210", "'google-customer-match'", title, "needs all of them or none"),
    );
    let label = "would be a file for each number or date";
    check(&campaign("split-by = 'clv'"), ("K0210", "'clv'", "campaign `c` is split by `clv`, which is no text", label));
    for column in ["first_name", "last_name", "company", "phone", "street"] {
        let title = format!("campaign `c` is split by `{column}`, which would name persons in file names");
        let split = format!("split-by = '{column}'");
        check(&campaign(&split), ("K0210", &format!("'{column}'"), &title, "would be a file for each person"));
    }
    let title = "campaign `c` uses unknown column `regoin`";
    let label = "neither a customer column nor written by an analysis";
    check(&campaign("split-by = 'regoin'"), ("K0206", "'regoin'", title, label));
    for fitting in [
        "target = 'google-customer-match'",
        "target = 'google-customer-match'\ncolumns = ['first_name', 'last_name', 'country', 'postal_code']",
        "target = 'call-list'\ncolumns = ['phone', 'email', 'clv']\nsplit-by = 'abc_class'\ndefault-country = 'AT'",
    ] {
        assert_eq!(problems(&format!("{SMALLEST}{}\n", campaign(fitting))), [], "{fitting}");
    }
}

#[test]
fn an_unknown_target_lists_those_that_there_are() {
    let segment = "[[segment]]\nname = 's'\nwhere = 'clv > 0'\n";
    let text = format!("{SMALLEST}{segment}[[campaign]]\nname = 'c'\nsegment = 's'\ntarget = 'mailchip'\n");
    let found = problems(&text);
    assert_eq!((found[0].code, found[0].help.as_deref()), ("K0107", Some("did you mean `mailchimp`?")));
    assert!(
        found[0].title.starts_with("`campaign.target` must be one of `generic-en`, `generic-de`, `mailchimp`, `brevo`")
    );
}

#[test]
fn an_address_that_the_pipeline_leaves_out_reaches_nobody() {
    let text = format!(
        "{SMALLEST}[input.customers.columns]\nphone = ''\n[[segment]]\nname = 's'\nwhere = 'clv > 0'\n\
         [[campaign]]\nname = 'c'\nsegment = 's'\ntarget = 'call-list'\n"
    );
    let found = problems(&text);
    let title = "campaign `c` needs `phone`, which `[input.customers.columns]` leaves out";
    assert_eq!((found.len(), found[0].code, found[0].title.as_str()), (1, "K0206", title));
    assert_eq!(found[0].label.as_deref(), Some("goes by phone"));
    assert_eq!(problems(&text.replace("call-list", "letter-shop")), []);
}

#[test]
fn columns_of_an_analysis_that_is_left_out_are_explained() {
    let text = format!("analyses = ['rfm']\n{SMALLEST}[[segment]]\nname = 'x'\nwhere = 'churn_risk > 0.5'\n");
    let help = "`analyses` leaves out `churn`, which writes such columns";
    assert_eq!(problems(&text)[0].help.as_deref(), Some(help));
}

#[test]
fn problems_in_expressions_are_found_in_every_kind_of_string() {
    let marked = |value: &str| {
        let text = format!("{SMALLEST}[[segment]]\nname = 'x'\nwhere = {value}\n");
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        text[found[0].span.clone().unwrap()].to_owned()
    };
    assert_eq!(marked("'clw > 0'"), "clw");
    assert_eq!(marked("\"city = 'ü' or clw > 0\""), "clw");
    assert_eq!(marked("'''\nabc_class = 'A'\nor clw > 0'''"), "clw");
    assert_eq!(marked("\"\"\"clw > 0\"\"\""), "clw");
    assert_eq!(marked("\"\\u0063lv > 0 and clw > 0\""), "\"\\u0063lv > 0 and clw > 0\"");
    assert_eq!(marked("\"\"\"clv > 0 and \\\n  clw > 0\"\"\""), "\"\"\"clv > 0 and \\\n  clw > 0\"\"\"");
}

/// A wrong name or list entry does not hide what else is wrong, and makes nothing else wrong.
#[test]
fn a_wrong_name_has_no_consequences() {
    let text = format!(
        "{SMALLEST}[[segment]]\nname = 'Win Back'\nwhere = 'clw > 0'\n[[campaign]]\nname = 'c'\nsegment = 'Win Back'\n\
         columns = ['clv', 'colour', 'clv']\n[[segment]]\nwhere = 'clv = '\n"
    );
    let found: Vec<_> = problems(&text).into_iter().map(|problem| (problem.code, problem.title)).collect();
    let slug = "`segment.name` must be a name of lower case letters, digits and single hyphens, at most 64 long";
    let expected = [
        ("K0106", slug),
        ("K0203", "segment `Win Back` uses unknown column `clw`"),
        ("K0206", "campaign `c` uses unknown column `colour`"),
        ("K0103", "`campaign.columns` must be a list of distinct texts"),
        ("K0104", "`segment.name` is missing"),
        ("K0204", "a segment without a name ends too early"),
    ];
    assert_eq!(found, expected.map(|(code, title)| (code, title.to_owned())));
}
