//! Customer master data: read for consent and objection, and joined to names only when a campaign file is written.

use std::collections::BTreeMap;

use super::Ids;

/// Customer master rows, one a distinct customer id.
#[derive(Debug, Clone, Default)]
pub struct Customers {
    /// Customer ids, ascending; every column below has one entry an id.
    pub ids: Ids,
    /// Consent to e-mail; unknown is no.
    pub email_opt_in: Vec<bool>,
    /// An explicit no to e-mail: the address is not written to, whoever else has it.
    pub email_opt_out: Vec<bool>,
    /// Consent to calls and to advertising audiences, and a refusal of calls and of letters; empty where the export does not say.
    pub phone_opt_in: Vec<bool>,
    pub ads_opt_in: Vec<bool>,
    pub phone_opt_out: Vec<bool>,
    pub ads_opt_out: Vec<bool>,
    pub post_opt_out: Vec<bool>,
    /// Objection to profiling: removed before any feature is computed.
    pub objection: Vec<bool>,
    /// Text attributes by canonical name (`email`, `first_name`, …) or that of the pipeline; an empty text is unknown.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Ids whose row could not be read: nobody knows whether they object, so they are treated as if they did.
    pub unreadable: Vec<String>,
}
