//! Affinities on real baskets: counts and measures that are published, and the test that chance gives nothing.
//!
//! The settings are those of public transcripts of arules on Groceries (463, 410 and 5,668 rules) and of the FIMI workshops on T10I4D100K; the
//! counts were computed with Borgelt's fim and mlxtend.

use std::collections::BTreeMap;
use std::path::Path;

use klientel::analysis::cross_sell::affinity::itemsets::{Itemsets, Kind};
use klientel::analysis::cross_sell::affinity::matrix::BasketMatrix;
use klientel::analysis::cross_sell::affinity::memory::Room;
use klientel::analysis::cross_sell::affinity::rules::{Antecedent, Candidate};
use klientel::analysis::cross_sell::affinity::significance::{pairs, rules};
use klientel::analysis::cross_sell::affinity::swapped::swapped;
use klientel::analysis::cross_sell::affinity::threshold::Threshold;
use klientel::analysis::cross_sell::affinity::volumes::Volumes;
use klientel::analysis::cross_sell::rows::Rows;

use crate::support::{Project, data};

const ANY_SIZE: usize = 64;

/// Baskets of a file with one basket a line, and the names of their products.
struct Market {
    matrix: BasketMatrix,
    names: Vec<String>,
}

impl Market {
    fn read(path: &Path, separator: char) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split(separator).map(str::trim).filter(|name| !name.is_empty()).collect())
            .collect();
        let mut names: Vec<&str> = lines.iter().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        let rows = Rows::build(lines.len(), |row, items| {
            items.extend(lines[row].iter().map(|name| names.binary_search(name).unwrap() as u32));
            items.sort_unstable();
            items.dedup();
        });
        let matrix = BasketMatrix::of(rows, names.len());
        Self { matrix, names: names.into_iter().map(str::to_owned).collect() }
    }

    fn groceries() -> Option<Self> {
        Some(Self::read(&data("groceries")?.join("groceries_baskets.csv"), ','))
    }

    fn mine(&self, support: f64) -> Itemsets {
        let min_count = Threshold::of(support).count(self.matrix.n_baskets());
        Itemsets::mine(&self.matrix, min_count, ANY_SIZE, Room::NO_LIMIT).unwrap()
    }

    fn name(&self, product: u32) -> &str {
        &self.names[product as usize]
    }
}

fn check_counts(market: &Market, support: f64, by_size: &[usize], closed: usize, maximal: usize) {
    let sets = market.mine(support);
    assert_eq!(sets.n_by_size(), by_size, "at {support}");
    let n = |kind| sets.of_kind(kind).iter().flatten().filter(|is_kind| **is_kind).count();
    assert_eq!((n(Kind::All), n(Kind::Closed), n(Kind::Maximal)), (sets.len(), closed, maximal), "at {support}");
}

#[test]
fn groceries_has_its_itemsets() {
    let Some(market) = Market::groceries() else { return };
    let matrix = &market.matrix;
    assert_eq!((matrix.n_baskets(), matrix.n_items(), matrix.rows.items.len()), (9_835, 169, 43_367));
    assert!((matrix.expected_lift().unwrap() - 1.435_775_516_484_678_6).abs() < 1e-12);
    check_counts(&market, 0.05, &[28, 3], 31, 27);
    check_counts(&market, 0.02, &[59, 61, 2], 122, 91);
    check_counts(&market, 0.01, &[88, 213, 32], 333, 243);
    check_counts(&market, 0.006, &[109, 478, 156, 4], 747, 532);
    check_counts(&market, 0.005, &[120, 605, 264, 12], 1_001, 708);
    check_counts(&market, 0.002, &[147, 1_674, 1_991, 395, 16], 4_223, 2_675);
    check_counts(&market, 0.001, &[157, 2_981, 6_831, 3_137, 376, 10], 13_464, 7_794);
}

#[test]
fn t10i4d100k_has_its_itemsets() {
    let Some(folder) = data("t10i4d100k") else { return };
    let market = Market::read(&folder.join("T10I4D100K.dat"), ' ');
    let matrix = &market.matrix;
    assert_eq!((matrix.n_baskets(), matrix.n_items(), matrix.rows.items.len()), (100_000, 870, 1_010_228));
    check_counts(&market, 0.02, &[155], 155, 155);
    check_counts(&market, 0.01, &[375, 9, 1], 385, 370);
    check_counts(&market, 0.005, &[569, 342, 110, 43, 9], 1_073, 585);
    check_counts(&market, 0.002, &[741, 3_873, 3_279, 2_528, 1_601, 827, 337, 68, 1], 13_107, 1_938);
    check_counts(&market, 0.001, &[797, 8_831, 7_130, 5_499, 3_188, 1_429, 503, 130, 23, 2], 26_806, 4_054);
    check_counts(&market, 0.0005, &[839, 19_694, 11_606, 9_659, 6_327, 3_329, 1_409, 437, 80, 5], 46_993, 12_062);
}

/// Returns the rules of a setting of arules, those of two items first.
fn rules_of(sets: &Itemsets, confidence: f64) -> Vec<Vec<Candidate>> {
    (1..sets.levels.len())
        .map(|level| Candidate::of_level(sets, level, Threshold::of(confidence), |rule, _| Some(rule)))
        .collect()
}

#[test]
fn groceries_has_the_rules_of_the_transcripts() {
    let Some(market) = Market::groceries() else { return };
    for (support, confidence, by_size, n_redundant) in [
        (0.01, 0.5, vec![0, 15], 0),
        (0.006, 0.25, vec![150, 297, 16], 18),
        (0.005, 0.5, vec![1, 98, 21], 1),
        (0.005, 0.3, vec![109, 333, 40], 22),
        (0.001, 0.8, vec![0, 29, 229, 140, 12], 18),
        (0.001, 0.5, vec![11, 1_461, 3_211, 939, 46], 572),
        (0.001, 0.9, vec![0, 10, 57, 56, 6], 4),
    ] {
        let sets = market.mine(support);
        let found = rules_of(&sets, confidence);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), by_size, "at {support}, {confidence}");
        let is_redundant = |rule: Candidate, antecedent: &Antecedent<'_>| rule.is_redundant(antecedent).then_some(());
        let redundant: usize = (1..sets.levels.len())
            .map(|level| Candidate::of_level(&sets, level, Threshold::of(confidence), is_redundant).len())
            .sum();
        assert_eq!(redundant, n_redundant, "at {support}, {confidence}");
    }
}

#[test]
fn the_top_rules_have_their_published_measures() {
    let Some(market) = Market::groceries() else { return };
    let mut found = BTreeMap::new();
    for line in TOP_RULES.lines() {
        let cells: Vec<&str> = line.split(';').collect();
        let number = |nth: usize| cells[nth].parse::<f64>().ok();
        let (support, confidence) = (number(0).unwrap(), number(1).unwrap());
        let (sets, of_setting) = found.entry((cells[0], cells[1])).or_insert_with(|| {
            let sets = market.mine(support);
            let of_setting = rules_of(&sets, confidence).concat();
            (sets, of_setting)
        });
        let antecedent = |rule: &Candidate| {
            let products = rule.antecedent_products(sets, &market.matrix);
            let mut names: Vec<&str> = products.into_iter().map(|product| market.name(product)).collect();
            names.sort_unstable();
            names.join("+")
        };
        let is_it = |rule: &&Candidate| {
            market.name(market.matrix.product[rule.consequent as usize]) == cells[3] && antecedent(rule) == cells[2]
        };
        let rule = of_setting.iter().find(is_it).unwrap_or_else(|| panic!("no rule {line}"));
        let counts = rule.counts;
        let expected = [number(4), number(5), number(6)].map(Option::unwrap);
        assert_eq!([counts.n_both, counts.n_lhs, counts.n_rhs].map(f64::from), expected, "{line}");
        let measures = [
            Some(counts.support()),
            Some(counts.confidence()),
            Some(counts.lift()),
            Some(counts.leverage()),
            counts.conviction(),
            Some(counts.cosine()),
            Some(counts.jaccard()),
            Some(counts.kulczynski()),
            counts.zhang(),
            counts.chi_squared(),
        ];
        for (nth, measure) in measures.into_iter().enumerate() {
            match (measure, number(7 + nth)) {
                (Some(actual), Some(expected)) => {
                    assert!((actual - expected).abs() < 1e-9, "{actual} {expected} {line}")
                }
                (actual, expected) => assert_eq!(actual, expected, "{line}"),
            }
        }
        let fisher = number(17).unwrap();
        assert!((counts.fisher() / fisher - 1.0).abs() < 1e-7, "{} {fisher}", counts.fisher());
        // What stands on top by lift stands on top here.
        let above = of_setting.iter().filter(|other| other.counts.lift() > counts.lift() + 1e-9).count();
        assert!(above < 10, "{line}");
    }
}

/// Real baskets hold 51 pairs above chance, swapped ones none, or one in a hundred of nothing.
#[test]
fn chance_gives_no_rules() {
    let Some(market) = Market::groceries() else { return };
    let real = &market.matrix;
    assert_eq!(real.n_possible_pairs(), 14_196.0);
    let n_above = |matrix: &BasketMatrix, min_count: u32| {
        let sets = Itemsets::mine(matrix, min_count, 3, Room::NO_LIMIT).unwrap();
        let volumes = Volumes::of(matrix, &sets, 2);
        let n_rules = rules(matrix, &sets, &volumes, Threshold::of(0.1), 0.01, usize::MAX).unwrap().len();
        (pairs(matrix, &sets, 0.01).len(), n_rules)
    };
    assert_eq!(n_above(real, 5).0, 51);
    assert_eq!(n_above(real, 10).0, 50);
    for seed in 1..=5 {
        let by_chance = BasketMatrix::of(swapped(&real.rows, seed), real.n_items());
        assert_eq!((&by_chance.n, &by_chance.rows.starts), (&real.n, &real.rows.starts));
        let (n_pairs, n_rules) = n_above(&by_chance, 5);
        assert!(n_pairs <= 2 && n_rules <= 4, "{n_pairs} {n_rules}");
        // Fisher's test would have called hundreds of them real.
        let sets = Itemsets::mine(&by_chance, 10, 2, Room::NO_LIMIT).unwrap();
        let fisher =
            Candidate::of_level(&sets, 1, Threshold::of(0.0), |rule, _| (rule.counts.fisher() < 0.01).then_some(()));
        assert!(fisher.len() > 2_000, "{}", fisher.len());
    }
}

/// Without the invoice of 674 lines the same rules are found in Online Retail, and thousands of them.
#[test]
fn one_invoice_makes_no_rule() {
    let Some(path) = data("online_retail/online_retail.csv") else { return };
    let all = std::fs::read_to_string(path).unwrap();
    let without: Vec<&str> = all.lines().filter(|line| !line.starts_with("\"537434\",")).collect();
    assert_eq!(all.lines().count() - without.len(), 675);
    let pipeline = "version = 1\nanalyses = ['cross-sell']\n[input.transactions.csv]\npath = 'lines.csv'\n[cross-sell]\noffers-per-customer = 1\n[output]\ndirectory = 'out'\n";
    let rules = |lines: &str| {
        let project = Project::new(&[("lines.csv", lines)]);
        let run = project.run(pipeline).unwrap();
        let names = ["antecedent_1", "antecedent_2", "consequent", "n_both"];
        let rules: Vec<_> = run.table("rules.csv").iter().map(|row| names.map(|name| row[name].clone())).collect();
        (rules, run.number("cross_sell.n_baskets_too_large"), run.number("cross_sell.n_substitutes"))
    };
    let (with, without) = (rules(&all), rules(&without.join("\n")));
    assert_eq!(with.0, without.0);
    assert_eq!(with.1, without.1 + 1.0);
    assert!(with.0.len() > 10_000, "{}", with.0.len());
    // The tea cups of one series, in three colours.
    assert!(
        with.0.iter().any(|rule| rule[0] == "22697" && rule[2] == "22699" || rule[2] == "22697" && rule[0] == "22699")
    );
    // Different kinds of customers are no substitutes.
    assert!(with.2 < 20.0, "{}", with.2);
}

/// The flag makes a run of its own, which says what swapped baskets give and is equal in all else.
#[test]
fn the_null_check_is_asked_for_by_a_flag() {
    let mut lines = String::from("customer_id,order_id,date,product_id,amount\n");
    for order in 0..300 {
        let products = if order % 3 == 0 { [0, 1] } else { [2 + order % 5, 7 + order % 4] };
        for product in products {
            lines.push_str(&format!("c{},o{order},2026-01-{:02},p{product},5.00\n", order % 40, 1 + order % 28));
        }
    }
    let pipeline = "version = 1\nanalyses = ['cross-sell']\n[input.transactions.csv]\npath = 'lines.csv'\n[output]\ndirectory = 'out'\n";
    let project = Project::new(&[("lines.csv", &lines), ("pipeline.toml", pipeline)]);
    let manifest = |arguments: &[&str]| -> serde_json::Value {
        let out = project.klientel().args(["run", "pipeline.toml", "--json"]).args(arguments).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let (plain, checked) = (manifest(&[]), manifest(&["--null-check"]));
    assert!(plain["cross_sell"]["by_chance"].is_null());
    for found in ["n_rules", "n_category_rules", "n_substitutes", "n_sequences", "n_up_sells"] {
        assert_eq!(checked["cross_sell"]["by_chance"][found], 0, "{found}");
    }
    // A run that is there already says no more than that.
    std::fs::remove_dir_all(project.path("out")).unwrap();
    let again = project.klientel().args(["run", "pipeline.toml", "--null-check"]).output().unwrap();
    let sentence = "with products dealt out to baskets at random and the days of every customer shuffled, the same search finds 0 rules, \
                    0 category rules, 0 pairs of substitutes, 0 sequences and 0 up-sells";
    let text = String::from_utf8_lossy(&again.stderr).into_owned() + &String::from_utf8_lossy(&again.stdout);
    assert!(text.contains(sentence), "{text}");
    assert!(plain["cross_sell"]["n_rules"].as_u64().unwrap() > 0);
    assert_ne!(plain["run"]["id"], checked["run"]["id"]);
    let hash = |manifest: &serde_json::Value| {
        let outputs = manifest["outputs"].as_array().unwrap().clone();
        outputs.into_iter().find(|output| output["path"] == "rules.csv").unwrap()["sha256"].clone()
    };
    assert_eq!(hash(&plain), hash(&checked));
}

/// Support; confidence; antecedent; consequent; counts of both, antecedent and consequent; ten measures; Fisher's p.
const TOP_RULES: &str = "\
0.01;0.5;citrus fruit+root vegetables;other vegetables;102;174;1903;0.0103711235;0.5862068966;3.0296084223;0.0069478681;1.9490594814;0.1772581260;0.0516455696;0.3199032381;0.6819900510;175.0580659308;9.123465634147552e-31
0.01;0.5;root vegetables+tropical fruit;other vegetables;121;207;1903;0.0123029995;0.5845410628;3.0209991343;0.0082305059;1.9412444875;0.1927883576;0.0608345902;0.3240624389;0.6833666956;207.2034421673;3.5989428686465353e-36
0.01;0.5;rolls/buns+root vegetables;other vegetables;120;239;1903;0.0122013218;0.5020920502;2.5948898128;0.0074992640;1.6197921161;0.1779356223;0.0593471810;0.2825751896;0.6299352161;149.4856405548;1.8560016866202806e-27
0.01;0.5;root vegetables+yogurt;other vegetables;127;254;1903;0.0129130656;0.5000000000;2.5840777719;0.0079158996;1.6130147433;0.1826701008;0.0625615764;0.2833683657;0.6292662561;156.9662646022;8.706381895148379e-29
0.006;0.25;herbs;root vegetables;69;160;1072;0.0070157600;0.4312500000;3.9564773787;0.0052425261;1.5665960882;0.1666064101;0.0593293207;0.2478078358;0.7596075347;173.9139694502;6.170028306555896e-26
0.006;0.25;berries;whipped/sour cream;89;327;705;0.0090493137;0.2721712538;3.7968855055;0.0066659619;1.2754610741;0.1853623692;0.0943796394;0.1992061943;0.7619603598;204.3151918773;7.390720467537189e-30
0.006;0.25;other vegetables+tropical fruit+whole milk;root vegetables;69;168;1072;0.0070157600;0.4107142857;3.7680736940;0.0051538644;1.5120025882;0.1625912078;0.0589239966;0.2375399787;0.7473790259;160.2098438933;2.026169642991077e-24
0.006;0.25;beef+other vegetables;root vegetables;78;194;1072;0.0079308592;0.4020618557;3.6886924912;0.0057808130;1.4901232404;0.1710394712;0.0656565657;0.2374115248;0.7435684669;175.0162014152;9.477023964091226e-27
0.005;0.5;curd+tropical fruit;yogurt;52;101;1372;0.0052872395;0.5148514851;3.6906445747;0.0038546335;1.7736800058;0.1396900913;0.0365939479;0.2763761799;0.7366091890;119.7696642149;2.571835265563491e-19
0.005;0.5;citrus fruit+root vegetables+whole milk;other vegetables;57;90;1903;0.0057956279;0.6333333333;3.2731651778;0.0040249785;2.1995655590;0.1377317948;0.0294421488;0.3316430198;0.7008992466;112.6038143487;5.314819777158363e-20
0.005;0.5;pip fruit+root vegetables+whole milk;other vegetables;54;88;1903;0.0054905948;0.6136363636;3.1713681747;0.0037592932;2.0874308442;0.1319571811;0.0278781621;0.3210063058;0.6908602457;100.4405516724;4.128501513772232e-18
0.005;0.5;pip fruit+whipped/sour cream;other vegetables;55;91;1903;0.0055922725;0.6043956044;3.1236104936;0.0038019492;2.0386714116;0.1321668682;0.0283651367;0.3166486692;0.6862068966;99.3766355569;5.445797966995659e-18
0.005;0.3;citrus fruit+other vegetables+whole milk;root vegetables;57;128;1072;0.0057956279;0.4453125000;4.0854929454;0.0043770407;1.6063126087;0.1538765633;0.0498687664;0.2492420709;0.7651902498;151.0394493147;1.8553846537425924e-22
0.005;0.3;herbs;root vegetables;69;160;1072;0.0070157600;0.4312500000;3.9564773787;0.0052425261;1.5665960882;0.1666064101;0.0593293207;0.2478078358;0.7596075347;173.9139694502;6.170028306555896e-26
0.005;0.3;citrus fruit+pip fruit;tropical fruit;55;136;1032;0.0055922725;0.4044117647;3.8540597925;0.0041412643;1.5028312841;0.1468092387;0.0494159928;0.2288531692;0.7509171517;131.6926216514;4.30110749395001e-20
0.005;0.3;other vegetables+tropical fruit+whole milk;root vegetables;69;168;1072;0.0070157600;0.4107142857;3.7680736940;0.0051538644;1.5120025882;0.1625912078;0.0589239966;0.2375399787;0.7473790259;160.2098438933;2.026169642991077e-24
0.001;0.8;liquor+red/blush wine;bottled beer;19;21;792;0.0019318760;0.9047619048;11.2352693603;0.0017599285;9.6544483986;0.1473266666;0.0239294710;0.4643759019;0.9129439147;193.0895671272;2.4032440202459893e-19
0.001;0.8;citrus fruit+fruit/vegetable juice+other vegetables+soda;root vegetables;10;11;1072;0.0010167768;0.9090909091;8.3404002714;0.0008948670;9.8010167768;0.0920886836;0.0093196645;0.4592096336;0.8810871336;72.5872184452;2.261407316859721e-09
0.001;0.8;oil+other vegetables+tropical fruit+whole milk+yogurt;root vegetables;10;11;1072;0.0010167768;0.9090909091;8.3404002714;0.0008948670;9.8010167768;0.0920886836;0.0093196645;0.4592096336;0.8810871336;72.5872184452;2.261407316859721e-09
0.001;0.8;citrus fruit+fruit/vegetable juice+grapes;tropical fruit;11;13;1032;0.0011184545;0.8461538462;8.0638789505;0.0009797552;5.8179461108;0.0949688459;0.0106382979;0.4284063804;0.8771496270;76.1470843493;1.0335401016828073e-09
0.001;0.5;Instant food products+soda;hamburger meat;12;19;327;0.0012201322;0.6315789474;18.9956542733;0.0011559000;2.6240395090;0.1522406289;0.0359281437;0.3341380975;0.9491900978;212.0251002329;6.116444666375402e-14
0.001;0.5;popcorn+soda;salty snack;12;19;372;0.0012201322;0.6315789474;16.6977928693;0.0011470607;2.6116203065;0.1427358204;0.0316622691;0.3319185059;0.9419315403;184.4101002398;2.8577227871178024e-13
0.001;0.5;baking powder+flour;sugar;10;18;333;0.0010167768;0.5555555556;16.4080747414;0.0009548087;2.1738179969;0.1291640430;0.0293255132;0.2927927928;0.9407762045;150.0355030342;5.958423516361307e-11
0.001;0.5;ham+processed cheese;white bread;19;30;414;0.0019318760;0.6333333333;15.0454911433;0.0018034736;2.6124693812;0.1704876023;0.0447058824;0.3396135266;0.9363912075;260.8706490723;1.7255933315968004e-19
0.001;0.9;liquor+red/blush wine;bottled beer;19;21;792;0.0019318760;0.9047619048;11.2352693603;0.0017599285;9.6544483986;0.1473266666;0.0239294710;0.4643759019;0.9129439147;193.0895671272;2.4032440202459893e-19
0.001;0.9;citrus fruit+fruit/vegetable juice+other vegetables+soda;root vegetables;10;11;1072;0.0010167768;0.9090909091;8.3404002714;0.0008948670;9.8010167768;0.0920886836;0.0093196645;0.4592096336;0.8810871336;72.5872184452;2.261407316859721e-09
0.001;0.9;oil+other vegetables+tropical fruit+whole milk+yogurt;root vegetables;10;11;1072;0.0010167768;0.9090909091;8.3404002714;0.0008948670;9.8010167768;0.0920886836;0.0093196645;0.4592096336;0.8810871336;72.5872184452;2.261407316859721e-09
0.001;0.9;butter+cream cheese+root vegetables;yogurt;10;11;1372;0.0010167768;0.9090909091;6.5166975881;0.0008607504;9.4654804270;0.0814004118;0.0072833212;0.4581897694;0.8474959283;54.3333923495;2.6085566557029334e-08";
