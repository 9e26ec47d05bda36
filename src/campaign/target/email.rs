//! E-mail addresses: one spelling for one address.
//!
//! White space around it goes and letters become lower case: that is what the tools compare and what hashed uploads ask for. Dots before
//! `@gmail.com` stay: Google asks to remove them for conversions, not for Customer Match.

/// Returns the one spelling of an address.
pub fn normalised(address: &str) -> String {
    address.trim().to_lowercase()
}

/// Says whether a text can be an e-mail address: one `@`, something before it, a dot after it, no white space.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let dotted = domain.split_once('.').is_some_and(|(host, rest)| !host.is_empty() && !rest.is_empty());
    !local.is_empty() && dotted && !domain.contains('@') && !text.contains(char::is_whitespace)
}

/// Says whether nothing but ASCII stands before the `@`.
pub fn has_ascii_local_part(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, _)| local.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_and_a_dotted_host() {
        for (text, expected) in
            [("a@b.de", true), ("a@b", false), ("@b.de", false), ("a b@c.de", false), ("a@b@c.de", false)]
        {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }

    #[test]
    fn one_address_has_one_spelling() {
        assert_eq!(normalised(" Jörg.Ö@Example.COM "), "jörg.ö@example.com");
        assert_eq!(normalised("j.doe@gmail.com"), "j.doe@gmail.com");
        assert!(has_ascii_local_part("joerg@müller.de") && !has_ascii_local_part("jörg@example.com"));
    }
}
