//! E-mail addresses: one spelling for one address.
//!
//! White space around it goes and letters become lower case: that is what the tools compare and what hashed uploads ask for. Dots before
//! `@gmail.com` stay: Google asks to remove them for conversions, not for Customer Match.

/// Returns the one spelling of an address.
pub fn normalised(address: &str) -> String {
    address.trim().to_lowercase()
}

/// Returns the addresses of a cell as people and mail programs write it: `Ada <ada@example.com>; mailto:bo@example.com`.
pub fn of_cell(cell: &str) -> impl Iterator<Item = String> {
    cell.split([';', ',']).map(str::trim).filter(|part| !part.is_empty()).map(|part| {
        let bracketed = part.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
        let address = normalised(bracketed.unwrap_or(part));
        address.strip_prefix("mailto:").map_or(address.clone(), str::to_owned)
    })
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
    fn a_cell_is_read_as_mail_programs_write_it() {
        let read = |cell| of_cell(cell).collect::<Vec<_>>();
        assert_eq!(read(" Ada@Example.com "), ["ada@example.com"]);
        assert_eq!(read("\"Ada\" <ada@example.com>; mailto:Bo@example.com,"), ["ada@example.com", "bo@example.com"]);
        assert!(read(" ; ").is_empty());
    }

    #[test]
    fn one_address_has_one_spelling() {
        assert_eq!(normalised(" Jörg.Ö@Example.COM "), "jörg.ö@example.com");
        assert_eq!(normalised("j.doe@gmail.com"), "j.doe@gmail.com");
        assert!(has_ascii_local_part("joerg@müller.de") && !has_ascii_local_part("jörg@example.com"));
    }
}
