//! Numbers for people: thousands separated, two decimals for money.

/// Writes a whole number with thousands separated by commas.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// Writes a number of things, `1 segment` or `2 segments`.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(number as u64), if number == 1 { "" } else { "s" })
}

/// Writes money with two decimals and thousands separated.
pub fn money(major: f64) -> String {
    let text = format!("{:.2}", major.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "00"));
    let sign = if major < 0.0 { "-" } else { "" };
    format!("{sign}{}.{fraction}", grouped(whole))
}

/// Writes a share as a percentage with one decimal.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (ix, digit) in digits.chars().enumerate() {
        if ix > 0 && (digits.len() - ix).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_signs_stay_in_front() {
        assert_eq!(count(0), "0");
        assert_eq!(count(541_909), "541,909");
        assert_eq!(money(-1_234_567.891), "-1,234,567.89");
        assert_eq!(percent(0.043), "4.3%");
    }
}
