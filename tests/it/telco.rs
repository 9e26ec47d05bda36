//! The learners on the contracts of Telco: 7,043 customers, 26.5% of whom cancelled; eleven have a blank `TotalCharges`.
//!
//! Stratified five folds, mean of five seeds. Settings are the defaults, fixed before any fold is scored; what is learnt, down to the
//! levels of the text columns, is learnt on the other four folds.

use std::fs;

use klientel::analysis::churn::boosting::{self, Explainer};
use klientel::analysis::churn::calibration;
use klientel::analysis::churn::delong;
use klientel::analysis::churn::encoding::{self, Encoding};
use klientel::analysis::churn::folds::{self, N_FOLDS};
use klientel::analysis::churn::logistic;
use klientel::analysis::churn::metrics;
use klientel::analysis::churn::profit::{Campaign, expected_maximum_profit};
use klientel::analysis::churn::ranking::Ranking;
use klientel::analysis::churn::sample::{Matrix, Sample};

use super::support::{assert_close, data};

const NUMBERS: [&str; 4] = ["SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges"];

struct Telco {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    label: Vec<bool>,
}

impl Telco {
    fn read() -> Option<Self> {
        let text = fs::read_to_string(data("telco/Telco-Customer-Churn.csv")?).unwrap();
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<String>>());
        let header = lines.next().unwrap();
        let rows: Vec<Vec<String>> = lines.collect();
        let label = rows.iter().map(|row| row.last().unwrap() == "Yes").collect();
        Some(Self { header, rows, label })
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row[0].as_str())
    }

    /// Numbers as they are, a blank one missing; texts by the levels of some of the rows.
    fn features(&self, of_levels: &[u32]) -> Matrix {
        let mut features = Matrix::new(self.rows.len());
        for at in 1..self.header.len() - 1 {
            let cells: Vec<&str> = self.rows.iter().map(|row| row[at].as_str()).collect();
            if NUMBERS.contains(&self.header[at].as_str()) {
                features.push(cells.iter().map(|cell| cell.trim().parse().ok()));
            } else {
                let some: Vec<&str> = of_levels.iter().map(|row| cells[*row as usize]).collect();
                Encoding::new(&some, encoding::Params::default()).push(&cells, &mut features);
            }
        }
        features
    }
}

/// Scores of customers by models that have not seen them.
struct OutOfFold {
    logistic: Vec<f64>,
    booster: Vec<f64>,
    blend: Vec<f64>,
}

fn cross_fit(telco: &Telco, seed: u64) -> OutOfFold {
    let folds = folds::stratified(telco.ids(), &telco.label, seed);
    let n = telco.rows.len();
    let mut scores = OutOfFold { logistic: vec![0.0; n], booster: vec![0.0; n], blend: vec![0.0; n] };
    for fold in 0..N_FOLDS {
        let rows = |inside: bool| -> Vec<u32> {
            (0..n as u32).filter(|row| (folds[*row as usize] == fold) == inside).collect()
        };
        let (learning, scored) = (rows(false), rows(true));
        let features = telco.features(&learning);
        let label: Vec<bool> = learning.iter().map(|row| telco.label[*row as usize]).collect();
        let sample = Sample { features: &features.select(&learning), label: &label, weight: None };
        let unseen = features.select(&scored);
        let logistic = logistic::fit(&sample, logistic::Params::default()).unwrap().probabilities(&unseen);
        let booster = boosting::fit(&sample, &[], &[], boosting::Params::default()).unwrap().probabilities(&unseen);
        let blend = logistic::blend(&logistic, &booster);
        for (at, row) in scored.iter().enumerate() {
            let row = *row as usize;
            (scores.logistic[row], scores.booster[row], scores.blend[row]) = (logistic[at], booster[at], blend[at]);
        }
    }
    scores
}

#[test]
fn learners_reach_what_is_reachable() {
    let Some(telco) = Telco::read() else { return };
    let runs: Vec<OutOfFold> = (0..5).map(|seed| cross_fit(&telco, seed)).collect();
    let mean = |measure: fn(&Ranking) -> f64, of: fn(&OutOfFold) -> &Vec<f64>| -> f64 {
        let measures = runs.iter().map(|run| measure(&Ranking::new(of(run), &telco.label, None).unwrap()));
        measures.sum::<f64>() / 5.0
    };
    let both = |of| (mean(metrics::auc, of), mean(metrics::brier, of));
    let (logistic, booster, blend) = (both(|run| &run.logistic), both(|run| &run.booster), both(|run| &run.blend));
    println!("AUC and Brier: logistic {logistic:?}, booster {booster:?}, blend {blend:?}");
    assert!(logistic.0 >= 0.844 && logistic.1 <= 0.136, "{logistic:?}");
    assert!(booster.0 >= 0.847 && booster.1 <= 0.1345, "{booster:?}");
    assert!(blend.0 >= 0.848 && blend.1 <= 0.1345, "{blend:?}");
    // The rule of thumb is tenure alone.
    let tenure: Vec<f64> = telco.rows.iter().map(|row| -row[5].parse::<f64>().unwrap()).collect();
    let gain = |first: &[f64], second: &[f64]| delong::difference(first, second, &telco.label).unwrap().is_gain();
    assert!(gain(&runs[0].logistic, &tenure) && gain(&runs[0].blend, &runs[0].logistic));
    // The scores mean what they say, and a calibration by other customers does not spoil that.
    let error = |score: &[f64]| metrics::calibration_error(&Ranking::new(score, &telco.label, None).unwrap());
    assert!(error(&runs[0].blend) < 0.02, "{}", error(&runs[0].blend));
    let half = telco.rows.len() / 2;
    let calibrated = calibration::fit(&runs[0].booster[..half], &telco.label[..half], None).unwrap();
    let rest = Ranking::new(&calibrated.apply_all(&runs[0].booster[half..]), &telco.label[half..], None).unwrap();
    assert!(metrics::calibration_error(&rest) < 0.03, "{}", metrics::calibration_error(&rest));
}

/// Two years of a contract lower the risk of everybody who has one, and a month's notice raises it.
#[test]
fn explanations_name_the_contract() {
    let Some(telco) = Telco::read() else { return };
    let all: Vec<u32> = (0..telco.rows.len() as u32).collect();
    let features = telco.features(&all);
    let sample = Sample { features: &features, label: &telco.label, weight: None };
    let logistic = logistic::fit(&sample, logistic::Params::default()).unwrap();
    let booster = boosting::fit(&sample, &[], &[], boosting::Params::default()).unwrap();
    let explainer = Explainer::new(&booster);
    let contract = telco.header.iter().position(|name| name == "Contract").unwrap();
    // Three levels, a column each.
    let before = Telco::features(&telco_until(&telco, contract), &all).columns().len();
    let mut contributions = vec![0.0; features.columns().len()];
    for row in (0..telco.rows.len()).step_by(97) {
        let two_years = telco.rows[row][contract] == "Two year";
        let monthly = telco.rows[row][contract] == "Month-to-month";
        let mut explained = |write: &dyn Fn(&mut [f64])| {
            write(&mut contributions);
            contributions[before..before + 3].iter().sum::<f64>()
        };
        let by_logistic = explained(&|out| logistic.explain(&features, row, out));
        let by_booster = explained(&|out| explainer.explain(&features, row, out));
        for part in [by_logistic, by_booster] {
            assert!(!two_years || part < -0.2, "{part}");
            assert!(!monthly || part > 0.1, "{part}");
        }
    }
}

/// The columns before one, and a last one that is not read.
fn telco_until(telco: &Telco, end: usize) -> Telco {
    let cut = |row: &Vec<String>| row[..=end].to_vec();
    Telco { header: cut(&telco.header), rows: telco.rows.iter().map(cut).collect(), label: telco.label.clone() }
}

/// EMPC by empulse 0.13.1 and by integration over the convex hull; AUC and Brier as noted beside the scores.
#[test]
fn measures_of_saved_scores() {
    let Some(path) = data("telco/golden-scores.csv") else { return };
    let text = fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let score: Vec<f64> = rows.iter().map(|row| row[2].parse().unwrap()).collect();
    let label: Vec<bool> = rows.iter().map(|row| row[1] == "1").collect();
    let ranking = Ranking::new(&score, &label, None).unwrap();
    assert_close(metrics::auc(&ranking), 0.845_042, 6);
    assert_close(metrics::brier(&ranking), 0.135_580, 6);
    let profit = expected_maximum_profit(&ranking, &Campaign::default()).unwrap();
    assert_close(profit.per_customer, 10.283_513, 6);
    assert_close(profit.fraction, 0.516_58, 5);
    let deciles = metrics::deciles(&ranking);
    assert_close(deciles[0].lift, 2.869, 3);
    let rates = [0.7615, 0.5911, 0.4150, 0.3239, 0.2307, 0.1526, 0.0994, 0.0426, 0.0241, 0.0128];
    deciles.iter().zip(rates).for_each(|(decile, rate)| assert_close(decile.rate, rate, 4));
    let auc = delong::auc(&score, &label).unwrap();
    assert_close(auc.value, 0.845_042, 6);
    assert_close(auc.standard_error, 0.004_966, 6);
}
