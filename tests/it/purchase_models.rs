//! The models of repeat purchases fitted to CDNOW and to the donors of Fader, Hardie and Shang: parameters, likelihoods, forecasts.
//!
//! Numbers come from the papers, from the R package BTYD, and from independent calculations; weeks, calibration to 1997-09-30, forecasts of
//! the 39 weeks after it.

use std::collections::BTreeMap;
use std::fs;

use klientel::analysis::lifetime_value::histories::{Histories, History};
use klientel::analysis::lifetime_value::models::bg_bb::BgBb;
use klientel::analysis::lifetime_value::models::bg_nbd::BgNbd;
use klientel::analysis::lifetime_value::models::cnbd::{BgCnbd, MbgCnbd};
use klientel::analysis::lifetime_value::models::mbg_nbd::MbgNbd;
use klientel::analysis::lifetime_value::models::nbd::Nbd;
use klientel::analysis::lifetime_value::models::pareto_nbd::ParetoNbd;
use klientel::analysis::lifetime_value::models::{Fit, PurchaseModel, Statistics};
use klientel::units::Day;

use super::support::{assert_close, data};

/// Days from calibration to the end of the data.
const HOLDOUT_DAYS: f64 = 273.0;

/// Repeats in the holdout are those of purchase days, as everywhere.
struct Cdnow {
    base: Statistics,
    /// History at calibration and purchase days in the holdout.
    customers: Vec<(History, u32)>,
}

fn cdnow(file: &str) -> Option<Cdnow> {
    let text = fs::read_to_string(data(&format!("cdnow/{file}"))?).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|other| *other == name).unwrap();
    let (id, date) = (column("customer_id"), column("date"));
    let mut days: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for line in lines {
        let [year, month, day] = line[date].split('-').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>()[..]
        else {
            panic!("{line:?}")
        };
        days.entry(line[id].to_owned()).or_default().push(Day::from_ymd(year as i32, month, day).unwrap().0);
    }
    let end = Day::from_ymd(1997, 9, 30).unwrap().0;
    let (mut customers, mut gaps) = (Vec::new(), BTreeMap::new());
    for days in days.values_mut() {
        days.sort_unstable();
        days.dedup();
        let n_before = days.partition_point(|day| *day <= end);
        let before = &days[..n_before];
        for pair in before.windows(2) {
            *gaps.entry(pair[1].abs_diff(pair[0])).or_insert(0) += 1;
        }
        let history = History {
            n_repeats: n_before as u32 - 1,
            days_to_last: before[n_before - 1].abs_diff(before[0]),
            age_days: end.abs_diff(before[0]),
        };
        customers.push((history, (days.len() - n_before) as u32));
    }
    let histories = Histories::compress(customers.iter().map(|(history, _)| *history).collect());
    Some(Cdnow { base: Statistics { histories, gaps: gaps.into_iter().collect() }, customers })
}

/// Parameters with times in weeks, in the order of the papers; `k` stays out.
fn in_weeks(model: &dyn PurchaseModel) -> Vec<f64> {
    let weeks = |time: bool, value: f64| if time { value / 7.0 } else { value };
    model.parameters().iter().filter(|p| p.symbol != "k").map(|p| weeks(p.is_time, p.value)).collect()
}

fn relative(actual: f64, expected: f64, tolerance: f64) {
    assert!((actual / expected - 1.0).abs() <= tolerance, "{actual} is not {expected}");
}

/// Parameters to 1e-5, log-likelihood to 1e-6, no oddities.
fn check<M: PurchaseModel>(fit: &Fit<M>, expected: &[f64], log_likelihood: f64) {
    for (actual, expected) in in_weeks(&fit.model).into_iter().zip(expected) {
        relative(actual, *expected, 1e-5);
    }
    assert_close(log_likelihood_weeks(fit), log_likelihood, 6);
    assert_eq!(fit.diagnoses, []);
    assert!(fit.gradient_norm < 1e-8);
}

fn log_likelihood_weeks<M>(fit: &Fit<M>) -> f64 {
    fit.log_likelihood + fit.n_repeats as f64 * 7_f64.ln()
}

fn check_errors<M: PurchaseModel>(fit: &Fit<M>, expected: [f64; 4]) {
    let is_time: Vec<bool> = fit.model.parameters().iter().map(|parameter| parameter.is_time).collect();
    for ((actual, expected), is_time) in fit.standard_errors.iter().zip(expected).zip(is_time) {
        relative(actual.unwrap() / if is_time { 7.0 } else { 1.0 }, expected, 1e-4);
    }
}

fn answer(model: &dyn PurchaseModel, of: fn(&dyn PurchaseModel, u32, f64, f64) -> f64, history: History) -> f64 {
    of(model, history.n_repeats, f64::from(history.days_to_last), f64::from(history.age_days))
}

fn expected(model: &dyn PurchaseModel, history: History) -> f64 {
    answer(model, |model, x, t_x, age| model.expected_purchases(x, t_x, age, HOLDOUT_DAYS), history)
}

/// Sum, mean absolute and root mean squared error of the forecast, mean probability of being alive.
fn check_forecast(model: &dyn PurchaseModel, cdnow: &Cdnow, [sum, mae, rmse, alive]: [f64; 4]) {
    let n = cdnow.customers.len() as f64;
    let mut found = [0.0; 4];
    for (history, actual) in &cdnow.customers {
        let forecast = expected(model, *history);
        let error = forecast - f64::from(*actual);
        found[0] += forecast;
        found[1] += error.abs() / n;
        found[2] += error * error / n;
        found[3] += answer(model, |model, x, t_x, age| model.p_alive(x, t_x, age), *history) / n;
    }
    relative(found[0], sum, 1e-5);
    relative(found[1], mae, 1e-5);
    relative(found[2].sqrt(), rmse, 1e-5);
    relative(found[3], alive, 1e-5);
}

/// Mean forecast of customers with 0, 1, … 6, 7 and more repeats.
fn by_frequency(model: &dyn PurchaseModel, cdnow: &Cdnow) -> [f64; 8] {
    let (mut sums, mut counts) = ([0.0; 8], [0.0; 8]);
    for (history, _) in &cdnow.customers {
        let band = history.n_repeats.min(7) as usize;
        sums[band] += expected(model, *history);
        counts[band] += 1.0;
    }
    std::array::from_fn(|band| sums[band] / counts[band])
}

#[test]
fn the_sample_gives_the_published_models() {
    let Some(cdnow) = cdnow("cdnow_sample.csv") else { return };
    let base = &cdnow.base;
    assert_eq!((base.histories.n_customers, base.histories.n_repeats), (2_357, 2_457));

    let nbd = Nbd::fit(base).unwrap();
    check(&nbd, &[0.38476613314341696, 12.072022753199306], -9763.657614672615);
    check_forecast(&nbd.model, &cdnow, [2929.820292775029, 1.0410203271706289, 1.8595226254766095, 1.0]);

    let bg = BgNbd::fit(base).unwrap();
    check(&bg, &[0.24259452114723357, 4.413601985899378, 0.7929220106015769, 2.425906752480052], -9582.429206673929);
    check_errors(&bg, [0.012557383418866358, 0.3782242657557195, 0.18573254892989907, 0.7054090682591925]);
    check_forecast(&bg.model, &cdnow, [1653.408698759249, 0.7854542363524515, 1.6079820108024432, 0.8134398264339768]);
    let bands = [0.2250893, 0.5231364, 1.044126, 1.520256, 2.163824, 2.653789, 3.503957, 6.157036];
    by_frequency(&bg.model, &cdnow)
        .into_iter()
        .zip(bands)
        .for_each(|(actual, printed)| relative(actual, printed, 1e-4));

    let mbg = MbgNbd::fit(base).unwrap();
    check(&mbg, &[0.524843151731247, 6.1830852250170585, 0.8913593924006329, 1.6140022682505009], -9582.135715553748);
    check_errors(&mbg, [0.08326904094953813, 0.6956249233586195, 0.15479198884599366, 0.5375030007093035]);
    check_forecast(&mbg.model, &cdnow, [1576.72830467031, 0.7647789497892784, 1.6071826573403134, 0.4487214172918131]);

    let pareto = ParetoNbd::fit(base).unwrap();
    check(
        &pareto,
        &[0.5532770445019001, 10.577683396769983, 0.606239949055318, 11.668734117438657],
        -9594.976178939542,
    );
    check_errors(&pareto, [0.04762759821228808, 0.8427207826414206, 0.1872751549971823, 6.210905389605206]);
    check_forecast(
        &pareto.model,
        &cdnow,
        [1665.5131330241538, 0.7545233864196504, 1.60284799993263, 0.4462771553874506],
    );
    let bands = [0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403];
    by_frequency(&pareto.model, &cdnow)
        .into_iter()
        .zip(bands)
        .for_each(|(actual, printed)| assert!((actual - printed).abs() <= 1e-3));
}

/// The parameters as the papers print them.
#[test]
fn the_sample_gives_the_printed_parameters() {
    let Some(cdnow) = cdnow("cdnow_sample.csv") else { return };
    let check = |model: &dyn PurchaseModel, printed: [f64; 4]| {
        in_weeks(model).into_iter().zip(printed).for_each(|(actual, printed)| assert_close(actual, printed, 3));
    };
    let bg = BgNbd::fit(&cdnow.base).unwrap();
    check(&bg.model, [0.243, 4.414, 0.793, 2.426]);
    assert_close(log_likelihood_weeks(&bg), -9582.4, 1);
    check(&MbgNbd::fit(&cdnow.base).unwrap().model, [0.525, 6.183, 0.891, 1.614]);
    let pareto = ParetoNbd::fit(&cdnow.base).unwrap();
    check(&pareto.model, [0.553, 10.578, 0.606, 11.669]);
    assert_close(log_likelihood_weeks(&pareto), -9595.0, 1);
}

/// CDs are bought at random times: one event a purchase fits best, two are computed for comparison.
#[test]
fn purchases_of_the_sample_are_not_regular() {
    let Some(cdnow) = cdnow("cdnow_sample.csv") else { return };
    let base = &cdnow.base;
    let (bg, mbg) = (BgCnbd::fit(base).unwrap(), MbgCnbd::fit(base).unwrap());
    assert_eq!((bg.model.k, mbg.model.k), (1, 1));
    check(&bg, &[0.24259452115861765, 4.41360198627142, 0.7929220111124686, 2.4259067544940423], -9582.42920667393);
    check(&mbg, &[0.5248431514108369, 6.18308522298641, 0.8913593929285688, 1.6140022704702133], -9582.13571555375);
    let (bg, mbg) = (BgCnbd::fit_k(base, 2).unwrap(), MbgCnbd::fit_k(base, 2).unwrap());
    check(&bg, &[0.22691721297337328, 1.4629196239922613, 0.944002247023396, 2.074328853294551], -9855.326974093285);
    check(&mbg, &[0.579896153267211, 2.288148781093752, 1.1344526960048587, 1.584974238035592], -9853.253128515704);
}

#[test]
fn the_master_file_gives_the_computed_models() {
    let Some(cdnow) = cdnow("cdnow_master.csv") else { return };
    let base = &cdnow.base;
    assert_eq!((base.histories.n_customers, base.histories.n_repeats), (23_570, 24_337));

    let nbd = Nbd::fit(base).unwrap();
    check(&nbd, &[0.3872471634621572, 12.27122784339943], -96845.34424124795);
    check_forecast(&nbd.model, &cdnow, [29008.44270976913, 1.0546372426324992, 1.8593587270473884, 1.0]);

    let bg = BgNbd::fit(base).unwrap();
    check(&bg, &[0.25162395747236355, 4.7889429247725674, 0.7234335717548416, 2.1610883406058727], -95368.44393316077);
    check_errors(&bg, [0.004201973827669357, 0.13125494294769774, 0.0539292751573947, 0.19858933882794783]);
    check_forecast(&bg.model, &cdnow, [16873.733679560017, 0.8187422544803857, 1.7329112660096448, 0.8152398274150838]);

    let mbg = MbgNbd::fit(base).unwrap();
    check(&mbg, &[0.6371397229918332, 7.310289465166017, 0.8074741183385733, 1.2283940152039918], -95336.95831987952);
    check_errors(&mbg, [0.03620729404380927, 0.29326297755701014, 0.03761152682760073, 0.1119446220521701]);
    check_forecast(
        &mbg.model,
        &cdnow,
        [15933.599906106601, 0.7945357217808204, 1.7396179701871768, 0.4056155500262417],
    );

    let pareto = ParetoNbd::fit(base).unwrap();
    check(&pareto, &[0.597419963609017, 11.5856577092628, 0.5221855812736371, 8.827758350311575], -95415.11861746985);
    check_errors(&pareto, [0.017372886109296645, 0.29676645289388065, 0.046342735694071005, 1.4742823463128623]);
    check_forecast(
        &pareto.model,
        &cdnow,
        [17153.188880257447, 0.7937663329846874, 1.726152598992624, 0.4464335203935724],
    );
}

/// Donors of 1995, six yearly opportunities, five more as holdout.
#[test]
fn donors_give_the_published_model() {
    let Some(path) = data("donations/donations_rf.csv") else { return };
    let text = fs::read_to_string(path).unwrap();
    let rows =
        text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse::<u32>().unwrap()).collect::<Vec<_>>());
    let each =
        |row: Vec<u32>| vec![History { n_repeats: row[0], days_to_last: row[1], age_days: row[2] }; row[3] as usize];
    let histories = Histories::compress(rows.flat_map(each).collect());
    let fit = BgBb::fit(&Statistics { histories: histories.clone(), gaps: vec![] }).unwrap();
    let BgBb { alpha, beta, gamma, delta } = fit.model;
    assert_eq!((fit.n_customers, histories.distinct.len()), (11_104, 22));
    for (actual, printed) in [(alpha, 1.203_522), (beta, 0.749_716), (gamma, 0.656_718), (delta, 2.783_442)] {
        relative(actual, printed, 1e-5);
    }
    assert_close(fit.log_likelihood, -33_225.581_27, 5);
    assert_eq!(fit.diagnoses, []);
    let mut total = 0.0;
    let mut by_frequency = [(0.0, 0.0); 7];
    for (history, n) in &histories.distinct {
        let History { n_repeats: x, days_to_last, age_days } = *history;
        let n = f64::from(*n);
        let forecast = fit.model.expected_purchases(x, f64::from(days_to_last), f64::from(age_days), 5.0);
        total += n * forecast;
        by_frequency[x as usize].0 += n * forecast;
        by_frequency[x as usize].1 += n;
    }
    assert_close(total, 12_884.16, 2);
    let printed = [0.07286318, 0.3248841, 0.7089417, 1.333666, 2.031203, 2.784482, 3.7525];
    for ((sum, n), printed) in by_frequency.into_iter().zip(printed) {
        relative(sum / n, printed, 1e-4);
    }
}
