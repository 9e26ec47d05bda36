//! Who must not be contacted, as the export says it.

/// Entries of the suppression list, in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressions {
    /// Customer ids.
    pub customers: Vec<String>,
    /// E-mail addresses, or SHA-256 of them in hexadecimal.
    pub emails: Vec<String>,
    /// Telephone numbers.
    pub phones: Vec<String>,
}
