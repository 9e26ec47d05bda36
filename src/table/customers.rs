//! Customer master data: read for consent and objection, and joined to names only when a campaign file is written.

use std::collections::BTreeMap;

use super::{Ids, Suppressions};

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
    /// Ids that were erased and stand in an export all the same; none of them is among the ids above.
    pub erased: Vec<String>,
}

/// Digits that are too few for a telephone number.
const FEWEST_DIGITS: usize = 6;

impl Customers {
    /// Goes through the ids whose rows count nowhere because of what is said of them here; those who were erased are not among them.
    pub fn objecting(&self) -> impl Iterator<Item = &str> {
        let listed = self.ids.iter().zip(&self.objection).filter(|(_, objects)| **objects).map(|(id, _)| id);
        listed.chain(self.unreadable.iter().map(String::as_str))
    }

    /// Takes out customers who were erased, and remembers them; `erased` is ascending and distinct. Returns the addresses and numbers of those who had refused
    /// something: others who share them must not be reached there because the refusal is gone.
    pub fn erase(&mut self, erased: Vec<String>) -> Suppressions {
        let is_kept = |id: &str| erased.binary_search_by(|other| other.as_str().cmp(id)).is_err();
        let keeps: Vec<bool> = self.ids.iter().map(is_kept).collect();
        let refused = self.refused(&keeps);
        if keeps.contains(&false) {
            let kept = |ix: &u32| keeps[*ix as usize];
            self.ids = Ids::from_sorted((0..keeps.len() as u32).filter(kept).map(|ix| self.ids.get(ix)));
            // Every column by its name: one that is added later does not compile until it is here.
            let Self {
                ids: _,
                email_opt_in,
                email_opt_out,
                phone_opt_in,
                ads_opt_in,
                phone_opt_out,
                ads_opt_out,
                post_opt_out,
                objection,
                attributes,
                unreadable: _,
                erased: _,
            } = self;
            let consents = [email_opt_in, phone_opt_in, ads_opt_in];
            let refusals = [email_opt_out, phone_opt_out, ads_opt_out, post_opt_out, objection];
            consents.into_iter().chain(refusals).for_each(|flags| retain(flags, &keeps));
            attributes.values_mut().for_each(|texts| retain(texts, &keeps));
        }
        self.unreadable.retain(|id| is_kept(id));
        self.erased = erased;
        refused
    }

    /// Returns the addresses and numbers of customers who are not kept and had refused something.
    fn refused(&self, keeps: &[bool]) -> Suppressions {
        let flags = [&self.email_opt_out, &self.phone_opt_out, &self.ads_opt_out, &self.post_opt_out, &self.objection];
        let gone: Vec<usize> = (0..keeps.len())
            .filter(|ix| !keeps[*ix] && flags.iter().any(|flag| flag.get(*ix) == Some(&true)))
            .collect();
        let texts = |name: &str, is_one: &dyn Fn(&str) -> bool| -> Vec<String> {
            let of_name = self.attributes.get(name).into_iter();
            of_name.flat_map(|texts| gone.iter().map(|ix| texts[*ix].clone())).filter(|text| is_one(text)).collect()
        };
        let is_number = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() > FEWEST_DIGITS;
        Suppressions {
            customers: vec![],
            emails: texts("email", &|text| text.contains('@')),
            phones: texts("phone", &is_number),
        }
    }
}

/// Keeps the entries of the ids that are kept; a column that the export does not have stays empty.
fn retain<T>(column: &mut Vec<T>, keeps: &[bool]) {
    let mut keeps = keeps.iter();
    column.retain(|_| keeps.next().copied().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_erased_is_in_no_column() {
        let texts = |texts: [&str; 3]| texts.map(str::to_owned).to_vec();
        let mut customers = Customers {
            ids: Ids::from_sorted(["1", "2", "3"]),
            email_opt_in: vec![true, false, true],
            email_opt_out: vec![false; 3],
            objection: vec![false, true, true],
            attributes: BTreeMap::from([("email".to_owned(), texts(["a", "b", "c"]))]),
            unreadable: vec!["4".to_owned(), "5".to_owned()],
            ..Customers::default()
        };
        assert_eq!(customers.objecting().collect::<Vec<_>>(), ["2", "3", "4", "5"]);
        customers.attributes.get_mut("email").unwrap()[1] = "b@x.de".to_owned();
        let refused = customers.erase(["2", "5", "9"].map(str::to_owned).to_vec());
        assert_eq!(refused, Suppressions { emails: vec!["b@x.de".to_owned()], ..Suppressions::default() });
        assert_eq!(customers.ids, Ids::from_sorted(["1", "3"]));
        assert_eq!((&customers.email_opt_in[..], &customers.objection[..]), (&[true, true][..], &[false, true][..]));
        assert_eq!(customers.attributes["email"], ["a", "c"]);
        assert!(customers.phone_opt_in.is_empty());
        assert_eq!(customers.objecting().collect::<Vec<_>>(), ["3", "4"]);
    }

    /// Whatever a customer has said goes with them, and what the others have said stays theirs.
    #[test]
    fn no_flag_moves_to_another_customer() {
        let columns: [fn(&mut Customers) -> &mut Vec<bool>; 8] = [
            |customers| &mut customers.email_opt_in,
            |customers| &mut customers.email_opt_out,
            |customers| &mut customers.phone_opt_in,
            |customers| &mut customers.ads_opt_in,
            |customers| &mut customers.phone_opt_out,
            |customers| &mut customers.ads_opt_out,
            |customers| &mut customers.post_opt_out,
            |customers| &mut customers.objection,
        ];
        let mut customers = Customers { ids: Ids::from_sorted(["1", "2", "3"]), ..Customers::default() };
        columns.iter().for_each(|column| *column(&mut customers) = vec![true, false, true]);
        customers.erase(vec!["1".to_owned()]);
        for (ix, column) in columns.iter().enumerate() {
            assert_eq!(column(&mut customers)[..], [false, true], "column {ix}");
        }
    }
}
