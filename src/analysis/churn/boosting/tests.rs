//! What the trees must do, by hand and by law.

use proptest::prelude::*;

use super::*;

/// Rows of three columns, the last one partly missing; the event follows the first, a step in the second, and missing.
fn example(n: usize) -> (Matrix, Vec<bool>) {
    let mut state = 7_u64;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let (mut columns, mut label) = ([const { Vec::new() }; 3], Vec::new());
    for _ in 0..n {
        let (a, b, c, missing) = (draw(), draw(), draw(), draw() < 0.2);
        let logit = 3.0 * a - 2.0 * f64::from(u8::from(b > 0.7)) + f64::from(u8::from(missing)) - 1.0;
        columns[0].push(Some(a));
        columns[1].push(Some((b * 10.0).floor()));
        columns[2].push((!missing).then_some(c));
        label.push(draw() < probability(logit));
    }
    let mut features = Matrix::new(n);
    columns.into_iter().for_each(|column| features.push(column));
    (features, label)
}

fn sample<'a>(features: &'a Matrix, label: &'a [bool]) -> Sample<'a> {
    Sample { features, label, weight: None }
}

fn mean_of(label: &[bool]) -> f64 {
    label.iter().filter(|label| **label).count() as f64 / label.len() as f64
}

fn log_loss(probabilities: &[f64], label: &[bool]) -> f64 {
    let of_row = |(p, label): (&f64, &bool)| if *label { -p.ln() } else { -(1.0 - p).ln() };
    probabilities.iter().zip(label).map(of_row).sum::<f64>() / label.len() as f64
}

/// One tree of one split by hand: gradients of the root, the best cut, Newton values.
#[test]
fn a_stump_is_the_newton_step_on_each_side() {
    let mut features = Matrix::new(8);
    features.push([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0].map(Some));
    let label = [false, false, false, true, true, true, false, true];
    let params = Params { n_trees: 1, depth: 1, learning_rate: 0.5, l2: 1.0, min_leaf: 0.0, patience: 0 };
    let fitted = fit(&sample(&features, &label), &[], &[], params).unwrap();
    // Even odds: slopes ±1/2, curvatures 1/4. Left of 3.5: G = 1.5, H = 0.75; right: G = −1.5, H = 1.25.
    let left = probability(0.5 * -1.5 / (0.75 + 1.0));
    let right = probability(0.5 * 1.5 / (1.25 + 1.0));
    for (ix, p) in fitted.probabilities(&features).into_iter().enumerate() {
        assert!((p - if ix < 3 { left } else { right }).abs() < 1e-9);
    }
}

#[test]
fn trees_learn_what_is_there_and_missing_cells_find_their_side() {
    let (features, label) = example(20_000);
    let fitted = fit(&sample(&features, &label), &[], &[], Params::default()).unwrap();
    let (fresh, fresh_label) = {
        let (features, label) = example(40_000);
        let rows: Vec<u32> = (20_000..40_000).collect();
        (features.select(&rows), label[20_000..].to_vec())
    };
    let truth = |row: usize| {
        let cell = |column: usize| fresh.columns()[column].get(row);
        let step = f64::from(u8::from(cell(1).unwrap() >= 7.0));
        probability(3.0 * f64::from(cell(0).unwrap()) - 2.0 * step + f64::from(u8::from(cell(2).is_none())) - 1.0)
    };
    let truths: Vec<f64> = (0..20_000).map(truth).collect();
    let learnt = log_loss(&fitted.probabilities(&fresh), &fresh_label);
    let (best, constant) = (log_loss(&truths, &fresh_label), log_loss(&[mean_of(&label); 20_000], &fresh_label));
    assert!(learnt - best < 0.03 * (constant - best), "{learnt}, best {best}, constant {constant}");
}

#[test]
fn rows_held_out_end_the_boosting_where_nothing_is_to_be_learnt() {
    let (features, mut label) = example(4_000);
    let held_out: Vec<bool> = (0..4_000).map(|row| row % 5 == 0).collect();
    let many = Params { n_trees: 2_000, depth: 4, learning_rate: 0.1, ..Params::default() };
    let stopped = fit(&sample(&features, &label), &[], &held_out, many).unwrap();
    assert!((10..300).contains(&stopped.n_trees()), "{}", stopped.n_trees());
    // Labels of other rows: what is left is chance.
    label.rotate_left(1_001);
    let stopped = fit(&sample(&features, &label), &[], &held_out, many).unwrap();
    assert!(stopped.n_trees() < 10, "{}", stopped.n_trees());
}

#[test]
fn explanations_add_up_to_the_logit() {
    let (features, label) = example(3_000);
    let fitted = fit(&sample(&features, &label), &[], &[], Params { depth: 4, ..Params::default() }).unwrap();
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let mean = |tree: &Tree| -> f64 {
        let leaves = tree.0.iter().filter(|node| node.left == 0);
        leaves.map(|leaf| leaf.value * leaf.cover).sum::<f64>() / tree.0[0].cover
    };
    let expected = fitted.start + fitted.trees.iter().map(mean).sum::<f64>();
    let explainer = Explainer::new(&fitted);
    let mut contributions = [0.0; 3];
    for (row, p) in fitted.probabilities(&features).into_iter().enumerate().take(300) {
        explainer.explain(&features, row, &mut contributions);
        assert!((expected + contributions.iter().sum::<f64>() - logit(p)).abs() < 1e-5);
        // The first column is by far the strongest: below its middle it lowers the risk.
        let first = features.columns()[0].get(row).unwrap();
        assert!((first - 0.5).abs() < 0.25 || (contributions[0] > 0.0) == (first > 0.5));
    }
}

/// By definition: the mean over all orders in which the columns become known, of the change in the tree's expected value.
#[test]
fn explanations_are_shapley_values() {
    fn expected(tree: &Tree, at: usize, bins: &[u8], known: usize) -> f64 {
        let node = &tree.0[at];
        if node.left == 0 {
            return node.value;
        }
        if known >> node.column & 1 == 1 {
            return expected(tree, node.child(bins[node.column as usize]), bins, known);
        }
        let of_child = |child: usize| tree.0[child].cover * expected(tree, child, bins, known);
        (of_child(node.left as usize) + of_child(node.left as usize + 1)) / node.cover
    }
    let (features, label) = example(2_000);
    for depth in [1, 3, 4, 6] {
        let fitted =
            fit(&sample(&features, &label), &[], &[], Params { n_trees: 15, depth, ..Params::default() }).unwrap();
        let explainer = Explainer::new(&fitted);
        let mut contributions = [0.0; 3];
        for row in 0..60 {
            let bins: Vec<u8> = (0..3).map(|at| fitted.cuts[at].bin(features.columns()[at].get(row))).collect();
            let value = |known| fitted.trees.iter().map(|tree| expected(tree, 0, &bins, known)).sum::<f64>();
            explainer.explain(&features, row, &mut contributions);
            for (j, found) in contributions.iter().enumerate() {
                let [a, b] = [(j + 1) % 3, (j + 2) % 3].map(|other| 1_usize << other);
                let gain = |known: usize| value(known | 1 << j) - value(known);
                let shapley = (2.0 * gain(0) + gain(a) + gain(b) + 2.0 * gain(a | b)) / 6.0;
                assert!((found - shapley).abs() < 1e-6, "depth {depth}: {found} is not {shapley}");
            }
        }
    }
}

#[test]
fn one_class_is_refused_also_where_only_the_rest_is_held_out() {
    let (features, label) = example(50);
    let refused = |label: &[bool], held_out: &[bool]| {
        fit(&sample(&features, label), &[], held_out, Params::default()).unwrap_err()
    };
    assert_eq!(refused(&[true; 50], &[]), FitError::OneClass { n_rows: 50 });
    assert_eq!(refused(&label, &label), FitError::OneClass { n_rows: 50 });
}

#[test]
fn without_columns_everybody_has_the_base_rate() {
    let features = Matrix::new(4);
    let fitted = fit(&sample(&features, &[true, false, false, false]), &[], &[], Params::default()).unwrap();
    fitted.probabilities(&features).iter().for_each(|p| assert!((p - 0.25).abs() < 1e-12));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Neither the order of the rows nor the number of threads changes a bit of a tree.
    #[test]
    fn trees_do_not_know_the_order_of_rows(step in prop::sample::select(vec![7_u32, 1_009, 4_999]), threads in 2..4_usize) {
        let (features, label) = example(5_000);
        let order: Vec<u32> = (0..5_000).map(|i| i * step % 5_000).collect();
        let shuffled = features.select(&order);
        let shuffled_label: Vec<bool> = order.iter().map(|row| label[*row as usize]).collect();
        let on = |threads: usize, sample: Sample<'_>| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&sample, &[true], &[], Params { n_trees: 20, ..Params::default() }).unwrap())
        };
        prop_assert_eq!(on(1, sample(&features, &label)), on(threads, sample(&shuffled, &shuffled_label)));
    }

    /// Along a monotone column the risk never falls, whatever the other columns and however noisy the labels.
    #[test]
    fn a_monotone_column_never_lowers_the_risk(seed in 0..1_000_usize, b in 0..10_u32, c in proptest::option::of(0.0..1.0_f64)) {
        let (features, mut label) = example(2_000);
        (0..2_000).filter(|row| (row * 31 + seed) % 3 == 0).for_each(|row| label[row] = !label[row]);
        let params = Params { n_trees: 60, depth: 4, learning_rate: 0.3, l2: 0.1, min_leaf: 0.5, patience: 0 };
        let mut along = Matrix::new(200);
        along.push((0..200).map(|i| Some(f64::from(i) / 200.0)));
        along.push((0..200).map(|_| Some(f64::from(b))));
        along.push((0..200).map(|_| c));
        let risks = |monotone: &[bool]| fit(&sample(&features, &label), monotone, &[], params).unwrap().probabilities(&along);
        prop_assert!(risks(&[true]).is_sorted());
        // The same labels without the constraint do fall somewhere.
        prop_assert!(!risks(&[]).is_sorted());
    }
}
