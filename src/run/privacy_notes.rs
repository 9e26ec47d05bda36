//! What whoever is responsible for the data must know of a run.

use std::collections::BTreeSet;

use super::job::Job;
use super::read::Inputs;
use crate::ingest::CUSTOMERS;
use crate::pipeline::tells_of_protected;

/// Categories that are named, at most.
const MOST_NAMED: usize = 3;

impl Inputs {
    /// Tells what is missing of what privacy asks for, and what may tell of protected things.
    pub(super) fn privacy_notes(&self, job: &Job) -> Vec<String> {
        let mut notes = Vec::new();
        let has_objections = self
            .records
            .iter()
            .any(|record| record.table == CUSTOMERS.name && record.columns.contains_key("objection"));
        if self.customers.is_some() && !has_objections {
            notes.push(
                "the customer export has no column of objections to profiling (Art. 21 GDPR), so nobody is left out: name its header under \
                 `[input.customers.columns]` `objection`"
                    .to_owned(),
            );
        }
        let allowed = &job.settings.privacy.allowed;
        let is_told =
            |category: &&str| tells_of_protected(category) && !allowed.iter().any(|allowed| allowed.text == **category);
        let categories = self.products.products.category.iter().map(String::as_str);
        let protected: BTreeSet<&str> = categories.filter(is_told).collect();
        if !protected.is_empty() {
            let named: Vec<String> = protected.iter().take(MOST_NAMED).map(|name| format!("`{name}`")).collect();
            let further = if protected.len() > MOST_NAMED { ", …" } else { "" };
            notes.push(format!(
                "{} of the product categories may tell of what Art. 9 GDPR protects ({}{further}): so may offers and segments that rest on them; \
                 `[privacy] allow-sensitive` takes what every customer has consented to",
                protected.len(),
                named.join(", ")
            ));
        }
        #[cfg(unix)]
        notes.extend(key_notes(job));
        notes
    }
}

/// Tells where the key of pseudonyms is not as safe as it could be.
#[cfg(unix)]
fn key_notes(job: &Job) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let Some(path) = &job.pseudonym_key else { return Vec::new() };
    let mut notes = Vec::new();
    if path.metadata().is_ok_and(|key| key.permissions().mode() & 0o077 != 0) {
        notes.push(
            "others can read the file of `[privacy] pseudonym-key`: keep it to its owner (`chmod 600`)".to_owned(),
        );
    }
    if let (Ok(path), Ok(output)) = (path.canonicalize(), job.output.canonicalize())
        && path.starts_with(output)
    {
        notes.push(
            "the file of `[privacy] pseudonym-key` lies in the output directory: whoever gets the one gets the other; keep it elsewhere".to_owned(),
        );
    }
    notes
}
