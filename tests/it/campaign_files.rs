//! Campaign files from exports to the published directory: who is in them, what they are called, who may read them.

use super::support::Project;

const LINES: &str = "customer_id,order_id,date,product_id,quantity,amount\n\
    1,1,2026-01-01,a,1,10.00\n1,2,2026-02-01,b,2,12.00\n2,3,2026-02-03,a,2,20.00\n3,4,2026-03-01,c,1,5.00\n4,5,2026-03-02,c,1,5.00\n\
    5,6,2026-03-02,c,1,5.00\n";

const CUSTOMERS: &str = "customer_id;email;newsletter;Anrede;Vorname;Nachname;Straße;PLZ;Ort;Land;Telefon;Gebiet;Widerspruch\n\
    1;a@x.de;ja;Frau;Ada;Lang;Weg 1;01067;Dresden;DE;0170 1111111;Süd;\n\
    2;A@X.de;ja;Herr;Bo;Kurz;Weg 2;1010;Wien;AT;01 58858-0;Nord;nein\n\
    3;c@x.de;nein;;Cy;Breit;;04109;Leipzig;DE;1701234567;;\n\
    4;d@x.de;ja;Herr;Di;Weit;Weg 4;04109;Leipzig;DE;0170 4444444;Süd;ja\n\
    5;;;;Ed;Eng;Weg 5;04109;Leipzig;DE;0170 5555555;Süd;\n";

const CONTACTS: &str =
    "customer_id,date,kind\n1,2026-01-05,Anruf\n1,2026-02-10,Besuch\n1,2026-12-24,Termin\n2,2025-11-30,Anruf\n";

fn pipeline(campaigns: &str) -> String {
    format!(
        "version = 1\nanalyses = ['rfm']\n[report]\nlanguage = 'de'\n[input.transactions.csv]\npath = 'lines.csv'\n\
         [input.customers]\nattributes = ['Gebiet']\n[input.customers.csv]\npath = 'customers.csv'\n\
         [input.contacts.csv]\npath = 'contacts.csv'\n\
         [output]\ndirectory = 'out'\n[[segment]]\nname = 'all'\nwhere = 'n_orders > 0'\n{campaigns}"
    )
}

fn project() -> Project {
    Project::new(&[("lines.csv", LINES), ("customers.csv", CUSTOMERS), ("contacts.csv", CONTACTS)])
}

#[test]
fn a_call_list_for_each_region_holds_who_can_be_called() {
    let project = project();
    let text = pipeline(
        "[[campaign]]\nname = 'calls'\nsegment = 'all'\ntarget = 'call-list'\nlegal-basis = 'legitimate-interest'\nsplit-by = 'gebiet'\ncolumns = ['rfm_frequency', 'email']\n",
    );
    let run = project.run(&text).unwrap();
    let header = "\u{feff}customer_id;phone;salutation;first_name;last_name;company;reason;last_contact;offer;rfm_frequency;email\r\n";
    let south = format!(
        "{header}1;+491701111111;Frau;Ada;Lang;;all;10.02.2026;;2;a@x.de\r\n5;+491705555555;;Ed;Eng;;all;;;1;\r\n"
    );
    assert_eq!(run.text("campaigns/calls_sued-7c210682.csv"), south);
    assert_eq!(
        run.text("campaigns/calls_nord.csv"),
        format!("{header}2;+431588580;Herr;Bo;Kurz;;all;30.11.2025;;1;a@x.de\r\n")
    );
    assert!(
        !run.directory.join("campaigns/calls.csv").exists() && !run.directory.join("campaigns/calls_none.csv").exists()
    );
    assert_eq!(run.manifest["campaigns"][0]["channel"], "phone");
    assert_eq!(run.manifest["campaigns"][0]["contacts"], 3);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| run.directory.join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("campaigns/calls_sued-7c210682.csv"), mode("campaigns/calls_nord.csv")), (0o600, 0o600));
    }
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("campaign `calls`: no consent to calls is asked for"), "{notes}");
}

#[test]
fn letters_and_mails_reach_other_people_than_calls() {
    let project = project();
    let text = pipeline(
        "[[campaign]]\nname = 'letters'\nsegment = 'all'\ntarget = 'letter-shop'\n\
         [[campaign]]\nname = 'mails'\nsegment = 'all'\ntarget = 'listmonk'\ncolumns = ['first_name', 'gebiet']\n",
    );
    let run = project.run(&text).unwrap();
    let letters = run.text("campaigns/letters.csv");
    let lines: Vec<&str> = letters.lines().skip(1).collect();
    let ada = r#""1";"Sehr geehrte Frau Lang,";"Frau Ada Lang";"Weg 1";"01067 Dresden";"";"";"01067";"Dresden";"DE""#;
    let bo = r#""2";"Sehr geehrter Herr Kurz,";"Herrn Bo Kurz";"Weg 2";"1010 WIEN";"ÖSTERREICH";"";"1010";"Wien";"AT""#;
    let ed = r#""5";"Guten Tag Ed Eng,";"Ed Eng";"Weg 5";"04109 Leipzig";"";"";"04109";"Leipzig";"DE""#;
    assert_eq!(lines, [ada, bo, ed]);
    let mails = "email,name,attributes\n\
        a@x.de,Ada,\"{\"\"customer_id\"\":\"\"1\"\",\"\"first_name\"\":\"\"Ada\"\",\"\"gebiet\"\":\"\"Süd\"\"}\"\n";
    assert_eq!(run.text("campaigns/mails.csv"), mails);
    let counts = &run.manifest["campaigns"][1];
    assert_eq!(
        (&counts["excluded"]["duplicate_address"], &counts["excluded"]["without_consent"]),
        (&1.into(), &2.into())
    );
}

#[test]
fn what_the_export_lacks_stops_the_run_with_a_name() {
    let project = project();
    project.write("customers.csv", b"customer_id;email;newsletter\n1;a@x.de;ja\n2;b@x.de;ja\n");
    let text = pipeline("[[campaign]]\nname = 'calls'\nsegment = 'all'\ntarget = 'call-list'\n")
        .replace("attributes = ['Gebiet']\n", "");
    let error = project.run(&text).err().unwrap();
    assert_eq!(error.to_string(), "campaign `calls` needs `phone`, which the customer export does not have");
}

/// What a campaign without a target writes is what it always was.
#[test]
fn a_campaign_without_a_target_is_a_plain_file() {
    let project = project();
    let text = pipeline(
        "[[campaign]]\nname = 'plain'\nsegment = 'all'\ncolumns = ['first_name', 'revenue', 'last_purchase_date']\n",
    );
    let run = project.run(&text).unwrap();
    let expected = "customer_id,email,first_name,revenue,last_purchase_date\n1,a@x.de,Ada,22.00,2026-02-01\n2,A@X.de,Bo,20.00,2026-02-03\n";
    assert_eq!(run.text("campaigns/plain.csv"), expected);
}
