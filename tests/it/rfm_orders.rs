//! The orders that the R package rfm documents: 4,906 of them, 995 customers, analysed as of 2006-12-31.

use std::collections::BTreeMap;

use super::support::{Project, assert_close, data};

#[test]
fn the_r_package_gives_these_cut_points_and_segments() {
    let Some(path) = data("rfm_orders/rfm_data_orders.csv") else { return };
    let project = Project::new(&[]);
    let text = format!(
        "version = 1\nas-of = 2006-12-31\nanalyses = ['rfm']\n[input.transactions.csv]\npath = '{}'\n\
         [rfm]\ncuts = 'r-package'\nsegments = 'r-package'\n[output]\ndirectory = 'out'\n",
        path.display()
    );
    let run = project.run(&text).unwrap();
    let points = |dimension: &str| -> Vec<f64> {
        let points = run.manifest["rfm"]["cut_points"][dimension].as_array().unwrap();
        points.iter().map(|point| point.as_f64().unwrap()).collect()
    };
    for (dimension, expected) in [
        ("recency_days", [115.0, 181.0, 297.4, 482.0]),
        ("frequency", [4.0, 5.0, 6.0, 8.0]),
        ("monetary", [255.8, 382.0, 506.4, 666.0]),
    ] {
        for (point, expected) in points(dimension).into_iter().zip(expected) {
            assert_close(point, expected, 6);
        }
    }
    let expected = BTreeMap::from(
        [
            ("Potential Loyalist", 342),
            ("Loyal Customers", 170),
            ("Lost", 148),
            ("New Customers", 104),
            ("About To Sleep", 102),
            ("Can't Lose Them", 47),
            ("Champions", 35),
            ("At Risk", 28),
            ("Need Attention", 10),
            ("Promising", 9),
        ]
        .map(|(name, n)| (name.to_owned(), n)),
    );
    assert_eq!(run.count_by("rfm_segment"), expected);
}
