//! Numbers for people: thousands separated, two decimals for money.

use klientel::diagnostic::grouped;

/// Writes a whole number with thousands separated by commas.
pub fn count(number: u64) -> String {
    grouped(number)
}

/// Writes a number of things, `1 segment` or `2 segments`.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(number as u64), if number == 1 { "" } else { "s" })
}

/// Writes money with two decimals and thousands separated.
pub fn money(major: f64) -> String {
    let minor = (major.abs() * 100.0).round() as u64;
    let sign = if major < 0.0 && minor > 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", grouped(minor / 100), minor % 100)
}

/// Writes a count of the manifest, or that it is below the least size that may be told.
pub fn told(number: &serde_json::Value, least: Option<u64>) -> String {
    match (number.as_u64(), least) {
        (Some(number), _) => count(number),
        (None, Some(least)) => format!("fewer than {}", count(least)),
        (None, None) => count(0),
    }
}

/// Writes a share as a percentage with one decimal.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_signs_stay_in_front() {
        assert_eq!(count(0), "0");
        assert_eq!(count(541_909), "541,909");
        assert_eq!(money(-1_234_567.891), "-1,234,567.89");
        assert_eq!(told(&serde_json::json!(null), Some(10)), "fewer than 10");
        assert_eq!(told(&serde_json::json!(12_345), Some(10)), "12,345");
        assert_eq!(percent(0.043), "4.3%");
    }
}
