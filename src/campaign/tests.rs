//! Campaigns from members to contacts, without files.

use std::collections::BTreeMap;

use super::assignments::{Arm, Assignments};
use super::prepare::{Known, Preparation, Prepared, prepare};
use super::pressure::{History, Limits};
use super::profit::Estimate;
use super::suppression::Suppressed;
use super::target::Target;
use super::target::country::COUNTRIES;
use super::*;
use crate::features::Dataset;
use crate::table::{Column, Contacts, Ids, Suppressions, Values};
use crate::units::{Day, Period};

const TODAY: Day = Day(20_000);

fn campaign(target: &str, columns: &[&str]) -> Campaign {
    let target = Target::named(target).unwrap();
    Campaign {
        name: "c".into(),
        segment: "s".into(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        target,
        split_by: None,
        home: &COUNTRIES[0],
        language: Language::German,
        basis: LegalBasis::of(target.channel)[0],
        control_share: 0.0,
        stratify_by: vec![],
        repeat_after: None,
        economics: None,
    }
}

/// Customers of which everybody consents and nobody objects.
fn customers<const N: usize>(ids: [&str; N], attributes: &[(&str, [&str; N])]) -> Customers {
    Customers {
        ids: Ids::from_sorted(ids),
        email_opt_in: vec![true; N],
        email_opt_out: vec![false; N],
        phone_opt_in: vec![true; N],
        objection: vec![false; N],
        attributes: attributes
            .iter()
            .map(|(name, texts)| ((*name).to_owned(), texts.map(str::to_owned).to_vec()))
            .collect(),
        ..Customers::default()
    }
}

/// Everything beside the customers that campaigns may depend on; nothing of it is there unless a test says so.
#[derive(Default)]
struct World {
    data: Dataset,
    rules: ContactRules,
    suppressions: Suppressions,
    earlier: BTreeMap<String, Assignments>,
    columns: Vec<Column>,
}

impl World {
    fn prepare(&self, campaigns: &[Campaign], ids: &Ids, customers: &Customers) -> Vec<Prepared> {
        self.with_holdout(campaigns, ids, customers).campaigns
    }

    fn with_holdout(&self, campaigns: &[Campaign], ids: &Ids, customers: &Customers) -> Preparation {
        let members = Frame::of_customers(ids, &self.columns);
        let data = Dataset { as_of: TODAY, customer_ids: ids.clone(), ..self.data.clone() };
        let has_bought = vec![true; ids.len()];
        let suppressed = Suppressed::of(&self.suppressions);
        let known = Known {
            customers,
            base: ids,
            history: History::of(&data, &self.rules.limits),
            has_bought: &has_bought,
            suppressed: &suppressed,
            earlier: &self.earlier,
            as_of: TODAY,
        };
        let asked: Vec<(&Campaign, &Frame<'_>)> = campaigns.iter().map(|campaign| (campaign, &members)).collect();
        prepare(&asked, &self.rules, &known).unwrap()
    }

    fn one(&self, campaign: &Campaign, ids: &Ids, customers: &Customers) -> Prepared {
        self.prepare(std::slice::from_ref(campaign), ids, customers).remove(0)
    }
}

/// Rows of the members who are not contacted, and why.
fn reasons(prepared: &Prepared) -> Vec<(u32, Reason)> {
    prepared.excluded.clone()
}

fn rows(prepared: &Prepared) -> Vec<u32> {
    prepared.contacts.iter().map(|(row, _)| *row).collect()
}

#[test]
fn a_tool_that_knows_contacts_by_address_gets_each_once_and_none_that_it_rejects() {
    let emails = ["a@x.de", "A@x.de ", "jörg@x.de", "c@x.de"];
    let customers = customers(["1", "2", "3", "4"], &[("email", emails)]);
    let world = World::default();
    let prepared = world.one(&campaign("mailchimp", &[]), &customers.ids, &customers);
    assert_eq!(reasons(&prepared), [(1, Reason::DuplicateAddress), (2, Reason::WithoutAddress)]);
    // One with white space around it is no address as it stands.
    let prepared = world.one(&campaign("generic-en", &[]), &customers.ids, &customers);
    assert_eq!(rows(&prepared), [0, 2, 3]);
}

#[test]
fn letters_need_a_place_and_reach_nobody_who_objects_there() {
    let mut customers = customers(
        ["1", "2", "3", "4"],
        &[
            ("last_name", ["Lang", "LANG", "Kurz", "Breit"]),
            ("first_name", ["Kim", "Kim", "Al", "Bo"]),
            ("street", ["Ringstr. 1", "ringstr. 1 ", "Ringstr. 1", ""]),
            ("postal_code", ["01067", "01067", "01067", "01067"]),
            ("city", ["Dresden", "Dresden", "Dresden", "Dresden"]),
        ],
    );
    customers.email_opt_in = vec![false; 4];
    customers.objection[0] = true;
    let letters = campaign("letter-shop", &[]);
    let prepared = World::default().one(&letters, &customers.ids, &customers);
    assert_eq!(
        reasons(&prepared),
        [(0, Reason::WithoutConsent), (1, Reason::WithoutConsent), (3, Reason::WithoutAddress)]
    );
    let ids = customers.ids.clone();
    let file = file(&letters, &Frame::of_customers(&ids, []), &customers, &prepared).unwrap();
    assert_eq!(file.texts("last_name").unwrap().collect::<Vec<_>>(), [Some("Kurz")]);
    assert!(file.column("company").is_err() && file.column("first_name").is_ok());
    customers.post_opt_out = vec![false, false, true, false];
    let prepared = World::default().one(&letters, &customers.ids, &customers);
    assert!(prepared.contacts.is_empty(), "a refusal of letters counts");
}

#[test]
fn calls_need_consent_and_a_number_that_is_sure() {
    let mut customers = customers(
        ["1", "2", "3"],
        &[("phone", ["0170 1234567", "170 1234567", "044 668 18 00"]), ("country", ["", "", "CH"])],
    );
    let world = World::default();
    let calls = campaign("call-list", &[]);
    assert_eq!(rows(&world.one(&calls, &customers.ids, &customers)), [0, 2]);
    customers.phone_opt_in = vec![];
    assert!(world.one(&calls, &customers.ids, &customers).contacts.is_empty());
    let by_interest = Campaign { basis: LegalBasis::LegitimateInterest, ..calls };
    assert_eq!(rows(&world.one(&by_interest, &customers.ids, &customers)), [0, 2]);
}

#[test]
fn only_who_consented_and_can_be_reached_becomes_a_contact() {
    let emails = ["a@example.com", "b@example.com", "", "d@example.com", "B@example.com "];
    let mut customers =
        customers(["1", "2", "3", "4", "6"], &[("email", emails), ("first_name", ["Ada", "Bo", "Cy", "", "Di"])]);
    (customers.email_opt_in[1], customers.email_opt_out[1]) = (false, true);
    let ids = Ids::from_sorted(["1", "2", "3", "4", "5", "6"]);
    let plain = campaign("generic-en", &["first_name"]);
    let prepared = World::default().one(&plain, &ids, &customers);
    let file = file(&plain, &Frame::of_customers(&ids, []), &customers, &prepared).unwrap();
    let names: Vec<_> = file.columns().iter().map(|column| column.name).collect();
    assert_eq!(names, [CUSTOMER_ID, "email", "first_name"]);
    let texts = |name| file.texts(name).unwrap().collect::<Vec<_>>();
    assert_eq!(texts(CUSTOMER_ID), [Some("1"), Some("4")]);
    assert_eq!(texts("email"), [Some("a@example.com"), Some("d@example.com")]);
    assert_eq!(texts("first_name"), [Some("Ada"), None]);
    assert_eq!(
        reasons(&prepared),
        [
            (1, Reason::WithoutConsent),
            (2, Reason::WithoutAddress),
            (4, Reason::NotInCustomerTable),
            (5, Reason::WithoutConsent)
        ]
    );
}

/// Customers `00 …`, each with an address of its own.
fn crowd(n: usize) -> Customers {
    let ids: Vec<String> = (0..n).map(|ix| format!("{ix:04}")).collect();
    Customers {
        ids: Ids::from_sorted(ids.iter().map(String::as_str)),
        email_opt_in: vec![true; n],
        email_opt_out: vec![false; n],
        objection: vec![false; n],
        attributes: BTreeMap::from([("email".to_owned(), ids.iter().map(|id| format!("{id}@x.de")).collect())]),
        ..Customers::default()
    }
}

#[test]
fn suppression_and_contact_pressure_keep_customers_away() {
    let customers = crowd(6);
    let suppressions =
        Suppressions { customers: vec!["0001".into()], emails: vec!["0002@X.de".into()], phones: vec![] };
    let mut world = World { suppressions, ..World::default() };
    world.rules.limits = Limits { cap: Some((1, Period::Days(7))), quiet: Some(Period::Days(14)) };
    world.data.contacts = Contacts {
        starts: vec![0, 0, 0, 0, 1, 2, 3],
        day: vec![TODAY.0 - 3, TODAY.0 - 10, TODAY.0 - 10],
        is_complaint: vec![false, true, false],
    };
    let prepared = world.one(&campaign("generic-en", &[]), &customers.ids, &customers);
    assert_eq!(rows(&prepared), [0, 5]);
    assert_eq!(
        reasons(&prepared),
        [(1, Reason::Suppressed), (2, Reason::Suppressed), (3, Reason::FrequencyCap), (4, Reason::QuietAfterComplaint)]
    );
}

#[test]
fn a_customer_is_in_the_campaign_that_earns_most_and_of_a_household_one_is_contacted() {
    let mut customers = crowd(4);
    for (name, texts) in [
        ("last_name", ["Lang", "LANG", "Lang", ""]),
        ("street", ["Weg 1", "weg 1", "Weg 1", "Weg 1"]),
        ("postal_code", ["01067", "01067", "99999", "01067"]),
    ] {
        customers.attributes.insert(name.to_owned(), texts.map(str::to_owned).to_vec());
    }
    let columns = vec![
        Column::new("p", Values::Number([Some(0.1), Some(0.2), Some(0.001), None].into_iter().collect())),
        Column::new("m", Values::Money([Some(1_000); 4].into_iter().collect())),
    ];
    let mut world = World { columns, ..World::default() };
    world.rules.campaigns_per_customer = Some(1);
    world.rules.deduplicate_by = Deduplicate::Household;
    let profitable = |name: &str, contact_cost| Campaign {
        name: name.to_owned(),
        economics: Some(Economics {
            contact_cost,
            response: Estimate::Column("p".into()),
            margin: Estimate::Column("m".into()),
        }),
        ..campaign("generic-en", &[])
    };
    let plain = Campaign { name: "plain".into(), ..campaign("generic-en", &[]) };
    let all = world.prepare(&[plain, profitable("dear", 150.0), profitable("cheap", 50.0)], &customers.ids, &customers);
    // 0 and 1 are one household; 1 is worth more where profit counts, and first comes first where it does not.
    assert_eq!(reasons(&all[0]), [(1, Reason::SameHousehold)]);
    assert_eq!(rows(&all[0]), [0, 2, 3]);
    assert_eq!(
        reasons(&all[1]),
        [
            (0, Reason::NotProfitable),
            (1, Reason::OtherCampaign),
            (2, Reason::NotProfitable),
            (3, Reason::ProfitUnknown)
        ]
    );
    assert_eq!(rows(&all[2]), [1]);
    let cut = all[2].cut.unwrap();
    assert_eq!((cut.lowest, cut.n_below, cut.n_unknown), (Some(150.0), 1, 1));
}

#[test]
fn control_and_holdout_are_in_no_file_and_stay_where_they_are() {
    let customers = crowd(2_000);
    let mut world = World::default();
    world.rules.holdout.share = 0.05;
    world.rules.campaigns_per_customer = Some(1);
    let drawing = |name: &str| Campaign { name: name.into(), control_share: 0.2, ..campaign("generic-en", &[]) };
    let Preparation { campaigns: both, holdout } =
        world.with_holdout(&[drawing("spring"), drawing("autumn")], &customers.ids, &customers);
    let of = |prepared: &Prepared, wanted| prepared.excluded.iter().filter(|(_, reason)| *reason == wanted).count();
    let (held, control) = (of(&both[0], Reason::GlobalHoldout), of(&both[0], Reason::ControlGroup));
    assert!(held.abs_diff(100) < 50 && control.abs_diff(380) < 90, "{held} held out, {control} in the control group");
    assert_eq!(both[0].contacts.len() + held + control, 2_000);
    assert!(both[1].contacts.is_empty(), "who is in one campaign, as contact or control, is in no other");
    for (row, _) in &both[0].contacts {
        assert_eq!(both[0].selected.get(customers.ids.get(*row)).unwrap().arm, Arm::Contact);
    }
    let is_held = |row: u32| holdout.get(customers.ids.get(row)).unwrap().arm == Arm::Control;
    assert_eq!(holdout.len(), 2_000, "everybody who could be contacted is in one of its arms");
    assert_eq!((0..2_000).filter(|row| is_held(*row)).count(), held);
    assert!(reasons(&both[0]).iter().all(|(row, reason)| (*reason == Reason::GlobalHoldout) == is_held(*row)));
    // The next night, with other shares: who was assigned stays, and who was held out is held out.
    world.earlier =
        BTreeMap::from([("spring".to_owned(), both[0].selected.clone()), ("global-holdout".into(), holdout)]);
    world.rules.holdout.share = 0.3;
    let later = Campaign { control_share: 0.5, ..drawing("spring") };
    let again = world.with_holdout(std::slice::from_ref(&later), &customers.ids, &customers);
    let of_spring = &again.campaigns[0];
    assert_eq!((&of_spring.contacts, &of_spring.excluded), (&both[0].contacts, &both[0].excluded));
    assert!(of_spring.selected.n_drawn() == both[0].selected.n_drawn() && again.holdout.is_empty());
    // Without a share nobody is held out; another name draws anew, independently of the first.
    world.rules.holdout = holdout::Rule { share: 0.05, name: "next-year".into() };
    let anew = world.with_holdout(std::slice::from_ref(&later), &customers.ids, &customers).holdout;
    let is_held_anew = |row: &u32| anew.get(customers.ids.get(*row)).unwrap().arm == Arm::Control;
    let twice = (0..2_000).filter(|row| {
        is_held_anew(row) && world.earlier["global-holdout"].get(customers.ids.get(*row)).unwrap().arm == Arm::Control
    });
    assert!(twice.count() < 20, "a twentieth of a twentieth is 5");
    world.rules.holdout.share = 0.0;
    assert_eq!(of(&world.one(&later, &customers.ids, &customers), Reason::GlobalHoldout), 0);
}
