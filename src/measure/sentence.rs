//! What a comparison means, in a sentence for whoever runs the campaign, in English or German.
//!
//! Differences of shares are told in percentage points, of everything else a customer. Needed customers are rounded to two digits.

use super::effect::OUTSIDE;
use super::reading::{Reading, Verdict};
use super::sample;
use crate::diagnostic::grouped;
use crate::units::Language;

/// Says what a comparison means; nothing of a control group.
pub fn sentence(reading: &Reading, n_compared: usize, language: Language) -> Option<String> {
    let verdict = reading.verdict?;
    let word = |english: &'static str, german: &'static str| match language {
        Language::English => english,
        Language::German => german,
    };
    let arm = reading.arm.as_deref().unwrap_or(word("any contact", "alle Kontakte"));
    let outcome = of_outcome(&reading.outcome, language);
    let Some(found) = reading.decisive() else {
        let why = reading.why.unwrap_or("there is nothing to compare");
        return Some(match language {
            Language::English => format!("{arm}: no effect on {outcome} can be told: {why}"),
            Language::German => format!("{arm}: keine Aussage zu {outcome} möglich: {}", german(why)),
        });
    };
    let figure = |value: f64| figure(value, reading.is_share, language);
    let (amount, [low, high]) = (figure(found.value.abs()), found.interval.map(figure));
    let unit = if reading.is_share { word("percentage points ", "Prozentpunkte ") } else { "" };
    let more = if found.value < 0.0 { word("less", "weniger") } else { word("more", "mehr") };
    let each = if reading.is_share { "" } else { word(" per customer", " je Kunde") };
    let between = match language {
        Language::English => format!("95% between {low} and {high}"),
        Language::German => format!("95 % zwischen {low} und {high}"),
    };
    let p = figure_of_p(reading.p_adjusted, language);
    let higher = if found.value < 0.0 { word("lower", "niedriger") } else { word("higher", "höher") };
    let told = match (language, reading.is_share) {
        (Language::English, true) => format!("{arm}: {outcome} {amount} {unit}{higher} than without ({between})"),
        (Language::English, false) => format!("{arm}: {amount} {more} {outcome}{each} than without ({between})"),
        (Language::German, true) => format!("{arm}: {outcome} um {amount} {unit}{higher} als ohne ({between})"),
        (Language::German, false) => format!("{arm}: {amount} {more} {outcome}{each} als ohne ({between})"),
    };
    // Differences of shares add up to nothing that anybody pays with.
    let in_all = if reading.is_share {
        String::new()
    } else {
        let [all, low, high] = [found.value, found.interval[0], found.interval[1]]
            .map(|value| whole(value * reading.own.n as f64, language));
        match language {
            Language::English => format!(", in all {all} ({low} to {high})"),
            Language::German => format!(", insgesamt {all} ({low} bis {high})"),
        }
    };
    Some(match verdict {
        Verdict::Worked => format!("{told}: {}{in_all}", word("it worked", "es hat gewirkt")),
        Verdict::Harmed => format!("{told}: {}{in_all}", word("it did harm", "es hat geschadet")),
        Verdict::Uncertain if found.p > OUTSIDE => format!(
            "{told}: {} (p {})",
            word(
                "uncertain, with so few customers this may be chance",
                "unsicher, bei so wenigen Kunden kann das Zufall sein"
            ),
            figure_of_p(Some(found.p), language)
        ),
        Verdict::Uncertain => match language {
            Language::English => {
                format!("{told}: uncertain, among {n_compared} comparisons this may be chance (adjusted p {p})")
            }
            Language::German => {
                format!("{told}: unsicher, bei {n_compared} Vergleichen kann das Zufall sein (angepasstes p {p})")
            }
        },
        Verdict::NotValid => format!(
            "{told}: {}",
            word(
                "not to be trusted, the groups were not drawn as planned",
                "nicht verwertbar, die Gruppen sind nicht wie geplant gezogen"
            )
        ),
        Verdict::NotShown | Verdict::Unknown => {
            let needed = reading.needed.zip(reading.effect).map(|(needed, effect)| {
                let (needed, effect) = (count(needed, language), figure(effect));
                match language {
                    Language::English => {
                        format!(
                            "; to tell a difference of {effect}{}, about {needed} customers a group would be needed",
                            points(unit)
                        )
                    }
                    Language::German => {
                        format!(
                            "; um einen Unterschied von {effect}{} zu erkennen, wären etwa {needed} Kunden je Gruppe nötig",
                            points(unit)
                        )
                    }
                }
            });
            let needed = needed.unwrap_or_default();
            match language {
                Language::English => {
                    format!("{arm}: no effect on {outcome} shown ({amount} {unit}{more}{each}, {between}){needed}")
                }
                Language::German => format!(
                    "{arm}: keine Wirkung auf {outcome} nachgewiesen ({amount} {unit}{more}{each}, {between}){needed}"
                ),
            }
        }
    })
}

/// Says whether the groups of a campaign are as they were planned.
pub fn of_ratio(p: f64, language: Language) -> String {
    let is_alarm = p < sample::ALARM;
    let p = figure_of_p(Some(p), language);
    match (language, is_alarm) {
        (Language::English, false) => format!("the groups are as large as planned (p {p})"),
        (Language::English, true) => {
            format!(
                "the groups are not as large as planned (p {p}): somebody was lost or added, and no difference counts"
            )
        }
        (Language::German, false) => format!("die Gruppen sind so groß wie geplant (p {p})"),
        (Language::German, true) => format!(
            "die Gruppen sind nicht so groß wie geplant (p {p}): jemand fehlt oder kam dazu, und kein Unterschied zählt"
        ),
    }
}

/// Names what was bought in the language of the sentence; what an export names stays as it is.
fn of_outcome(name: &str, language: Language) -> &str {
    match (language, name) {
        (Language::German, "conversion") => "Konversion",
        (Language::German, "revenue") => "Umsatz",
        (Language::German, "margin") => "Deckungsbeitrag",
        _ => name,
    }
}

fn points(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {}", unit.trim_end()) }
}

fn german(why: &str) -> &str {
    match why {
        "the campaign has no control group" => "die Kampagne hat keine Kontrollgruppe",
        "no customer of one of the groups has come to the end of the window" => {
            "in einer der Gruppen ist noch keine Frist abgelaufen"
        }
        "one of the groups is empty" => "eine der Gruppen ist leer",
        "one of the groups has one customer" => "eine der Gruppen hat nur einen Kunden",
        "no customer differs from any other" => "kein Kunde unterscheidet sich von einem anderen",
        "the cost of some purchases is not known" => "die Kosten einiger Käufe sind nicht bekannt",
        other => other,
    }
}

/// Writes a number with two decimals, or as many as its first two digits need; a share in percent.
pub fn figure(value: f64, is_share: bool, language: Language) -> String {
    let value = if is_share { 100.0 * value } else { value };
    let decimals = if value == 0.0 || value.abs() >= 0.1 {
        2
    } else {
        (1.0 - value.abs().log10().floor()).clamp(2.0, 6.0) as usize
    };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_once('.').unwrap_or((&text, "0"));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    let sign = if value < 0.0 { "-" } else { "" };
    match language {
        Language::English => format!("{sign}{whole}.{rest}"),
        Language::German => format!("{sign}{},{rest}", whole.replace(',', ".")),
    }
}

/// Writes a number without decimals.
fn whole(value: f64, language: Language) -> String {
    let text = figure(value.round(), false, language);
    text.split_once(if language == Language::English { '.' } else { ',' })
        .map_or(text.clone(), |(whole, _)| whole.to_owned())
}

/// Writes a count rounded to its first two digits.
fn count(n: u64, language: Language) -> String {
    let step = 10_u64.pow(n.max(1).ilog10().saturating_sub(1));
    let text = grouped((n + step / 2) / step * step);
    match language {
        Language::English => text,
        Language::German => text.replace(',', "."),
    }
}

fn figure_of_p(p: Option<f64>, language: Language) -> String {
    let text = p.map_or_else(|| "?".to_owned(), |p| if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") });
    match language {
        Language::English => text,
        Language::German => text.replace('.', ","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_two_digits_at_least() {
        for (value, is_share, english, german) in [
            (0.7698, false, "0.77", "0,77"),
            (-12_345.678, false, "-12,345.68", "-12.345,68"),
            (0.0042, false, "0.0042", "0,0042"),
            (0.076_59, true, "7.66", "7,66"),
            (0.0, false, "0.00", "0,00"),
        ] {
            assert_eq!(figure(value, is_share, Language::English), english);
            assert_eq!(figure(value, is_share, Language::German), german);
        }
        assert_eq!(
            [7, 16_075, 497_312, 99_600].map(|n| count(n, Language::English)),
            ["7", "16,000", "500,000", "100,000"]
        );
    }
}
