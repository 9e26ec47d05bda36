//! Why a member of a segment is not contacted, and how many for each reason.

/// One reason; a member has the first that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No row in the customer table, or one that could not be read.
    NotInCustomerTable,
    /// No legal basis for this channel: no consent, or a refusal.
    WithoutConsent,
    /// On the suppression list.
    Suppressed,
    /// No address of this channel that the target can use.
    WithoutAddress,
    /// Kept from every campaign by lot.
    GlobalHoldout,
    QuietAfterComplaint,
    QuietAfterReturn,
    FrequencyCap,
    /// Selected by an earlier run, shorter ago than the campaign repeats itself.
    ContactedBefore,
    /// The expected profit is unknown, or not above zero.
    ProfitUnknown,
    NotProfitable,
    /// Another member of the same address, or household, is contacted.
    DuplicateAddress,
    SameHousehold,
    /// Contacted by another campaign of this run.
    OtherCampaign,
    /// Kept from this campaign by lot.
    ControlGroup,
}

impl Reason {
    /// All reasons in their order.
    pub const ALL: [Self; 15] = [
        Self::NotInCustomerTable,
        Self::WithoutConsent,
        Self::Suppressed,
        Self::WithoutAddress,
        Self::GlobalHoldout,
        Self::QuietAfterComplaint,
        Self::QuietAfterReturn,
        Self::FrequencyCap,
        Self::ContactedBefore,
        Self::ProfitUnknown,
        Self::NotProfitable,
        Self::DuplicateAddress,
        Self::SameHousehold,
        Self::OtherCampaign,
        Self::ControlGroup,
    ];

    /// Returns the word in tables and manifest.
    pub fn label(self) -> &'static str {
        match self {
            Self::NotInCustomerTable => "not_in_customer_table",
            Self::WithoutConsent => "without_consent",
            Self::Suppressed => "suppressed",
            Self::WithoutAddress => "without_address",
            Self::GlobalHoldout => "global_holdout",
            Self::QuietAfterComplaint => "quiet_after_complaint",
            Self::QuietAfterReturn => "quiet_after_return",
            Self::FrequencyCap => "frequency_cap",
            Self::ContactedBefore => "contacted_before",
            Self::ProfitUnknown => "profit_unknown",
            Self::NotProfitable => "not_profitable",
            Self::DuplicateAddress => "duplicate_address",
            Self::SameHousehold => "same_household",
            Self::OtherCampaign => "other_campaign",
            Self::ControlGroup => "control_group",
        }
    }

    /// Returns what a summary says of so many members.
    pub fn said(self) -> &'static str {
        match self {
            Self::NotInCustomerTable => "not in the customer table",
            Self::WithoutConsent => "without consent",
            Self::Suppressed => "suppressed",
            Self::WithoutAddress => "without address",
            Self::GlobalHoldout => "held out of all campaigns",
            Self::QuietAfterComplaint => "left alone after a complaint",
            Self::QuietAfterReturn => "left alone after a return",
            Self::FrequencyCap => "contacted often enough",
            Self::ContactedBefore => "in this campaign before",
            Self::ProfitUnknown => "of unknown profit",
            Self::NotProfitable => "not worth the contact",
            Self::DuplicateAddress => "at the address of another",
            Self::SameHousehold => "of the household of another",
            Self::OtherCampaign => "in another campaign",
            Self::ControlGroup => "control group",
        }
    }
}
