//! Whose the rows of audience files are: these have hashes and no ids, and who is erased or asks must be found in them all the same.
//!
//! `audiences.csv` of a run, for its owner alone, has the campaign, what a row is recognised by, and the customer. By address alone nobody is found
//! who has another address today, or is no longer in the export. `O(rows)` hashes side by side; two short texts a row in memory.

use rayon::prelude::*;

use super::campaigns::Contacted;
use crate::campaign::target::Shape;
use crate::campaign::target::hashed::row_digest;
use crate::campaign::target::rows::Rows;
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::FrameError;
use crate::table::{Column, Values};

/// Lists the rows of all audience files by campaign and digest; nothing where no campaign has such a file.
///
/// # Errors
/// Fails where the contacts lack a column, which checking the pipeline rules out.
pub fn table(campaigns: &[Contacted<'_>]) -> Result<Option<Vec<Column>>, FrameError> {
    let mut all: Vec<(&str, String, &str)> = Vec::new();
    let has_no_ids = |contacted: &&Contacted<'_>| matches!(contacted.campaign.target.shape, Shape::Audience(_));
    let mut is_needed = false;
    for Contacted { campaign, contacts, .. } in campaigns.iter().filter(has_no_ids) {
        is_needed = true;
        let rows = Rows::new(campaign, contacts)?;
        let ids: Vec<&str> = contacts.texts(CUSTOMER_ID)?.map(Option::unwrap_or_default).collect();
        let rows = ids.par_iter().enumerate().map_init(Default::default, |(cells, counts), (row, id)| {
            rows.read(row, cells, counts);
            (campaign.name.as_str(), row_digest(cells.iter()), *id)
        });
        all.par_extend(rows);
    }
    all.par_sort_unstable();
    let texts = |text: fn(&(&str, String, &str)) -> String| -> Values {
        let texts: Vec<String> = all.iter().map(text).collect();
        Values::from_texts(texts.iter().map(|text| Some(text.as_str())))
    };
    Ok(is_needed.then(|| {
        vec![
            Column::new("campaign", texts(|(campaign, ..)| (*campaign).to_owned())),
            Column::new("audience_row", texts(|(_, row, _)| row.clone())),
            Column::new(CUSTOMER_ID, texts(|(.., id)| (*id).to_owned())),
        ]
    }))
}
