//! On what ground a customer may be contacted, by channel.
//!
//! | basis                 | channels                | who may be contacted                                                     |
//! |-----------------------|-------------------------|--------------------------------------------------------------------------|
//! | `consent`             | e-mail, phone, audiences | who said yes: `email_opt_in`, `phone_opt_in`, `ads_opt_in`               |
//! | `existing-customer`   | e-mail                  | who bought, kept it, and did not refuse (§ 7 (3) UWG: own similar goods) |
//! | `legitimate-interest` | phone, post             | who did not refuse (Art. 6 (1) f GDPR; calls: companies only, § 7 (2) UWG) |
//!
//! Unknown consent is none. An objection to profiling rules out every basis: such customers are in no segment. That goods are similar, and that the
//! customer was told of the right to object, is for the sender to know.

use super::target::Channel;
use crate::table::Customers;

/// One ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegalBasis {
    Consent,
    ExistingCustomer,
    LegitimateInterest,
}

impl LegalBasis {
    /// All grounds.
    pub const ALL: [Self; 3] = [Self::Consent, Self::ExistingCustomer, Self::LegitimateInterest];

    /// Returns the word of the pipeline and the manifest.
    pub fn label(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::ExistingCustomer => "existing-customer",
            Self::LegitimateInterest => "legitimate-interest",
        }
    }

    /// Returns the grounds that a channel can have, the usual one first.
    pub fn of(channel: Channel) -> &'static [Self] {
        match channel {
            Channel::Email => &[Self::Consent, Self::ExistingCustomer],
            Channel::Phone => &[Self::Consent, Self::LegitimateInterest],
            Channel::Post => &[Self::LegitimateInterest],
            Channel::Ads => &[Self::Consent],
        }
    }

    /// Says whether a customer of the customer table may be contacted.
    pub fn allows(self, channel: Channel, customers: &Customers, ix: usize, has_bought: bool) -> bool {
        let said = |flags: &[bool]| flags.get(ix).copied().unwrap_or(false);
        let refused = refuses(channel, customers, ix);
        match (self, channel) {
            (Self::Consent, Channel::Email) => said(&customers.email_opt_in),
            (Self::Consent, Channel::Phone) => said(&customers.phone_opt_in),
            (Self::Consent, Channel::Ads) => said(&customers.ads_opt_in),
            (Self::ExistingCustomer, Channel::Email) => has_bought && !refused,
            (Self::LegitimateInterest, Channel::Phone | Channel::Post) => !refused,
            _ => false,
        }
    }

    /// Returns the column of the customer table that the ground stands on, where the export lacks it.
    pub fn missing_column(self, channel: Channel, customers: &Customers) -> Option<&'static str> {
        let (flags, name) = match (self, channel) {
            (Self::Consent, Channel::Phone) => (&customers.phone_opt_in, "phone_opt_in"),
            (Self::Consent, Channel::Ads) => (&customers.ads_opt_in, "ads_opt_in"),
            _ => return None,
        };
        (flags.is_empty() && !customers.ids.is_empty()).then_some(name)
    }
}

/// Says whether a customer refused a channel, or everything.
pub fn refuses(channel: Channel, customers: &Customers, ix: usize) -> bool {
    let said = |flags: &[bool]| flags.get(ix).copied().unwrap_or(false);
    let of_channel = match channel {
        Channel::Email => said(&customers.email_opt_out),
        Channel::Ads => said(&customers.ads_opt_out),
        Channel::Phone => said(&customers.phone_opt_out),
        Channel::Post => said(&customers.post_opt_out),
    };
    of_channel || said(&customers.objection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Ids;

    #[test]
    fn unknown_consent_is_none_and_a_refusal_rules_every_ground_out() {
        let customers = Customers {
            ids: Ids::from_sorted(["1", "2"]),
            email_opt_in: vec![false, false],
            email_opt_out: vec![false, true],
            objection: vec![false, false],
            post_opt_out: vec![true, false],
            ..Customers::default()
        };
        let allows = |basis: LegalBasis, channel| [0, 1].map(|ix| basis.allows(channel, &customers, ix, true));
        assert_eq!(allows(LegalBasis::Consent, Channel::Email), [false, false]);
        assert_eq!(allows(LegalBasis::ExistingCustomer, Channel::Email), [true, false]);
        assert!(!LegalBasis::ExistingCustomer.allows(Channel::Email, &customers, 0, false));
        assert_eq!(allows(LegalBasis::LegitimateInterest, Channel::Post), [false, true]);
        assert_eq!(allows(LegalBasis::Consent, Channel::Phone), [false, false]);
        assert_eq!(allows(LegalBasis::LegitimateInterest, Channel::Phone), [true, true]);
        assert_eq!(LegalBasis::Consent.missing_column(Channel::Phone, &customers), Some("phone_opt_in"));
        for channel in [Channel::Email, Channel::Phone, Channel::Post, Channel::Ads] {
            assert!(!LegalBasis::of(channel).is_empty());
        }
    }
}
