#!/usr/bin/env python3
"""The nightly job as a strong analyst writes it today: polars, lifetimes, scipy and implicit.

It is the other side of klientel's benchmark: same exports in, same kind of files out. Each step uses the fastest way that the
library offers (streaming polars, likelihoods on distinct (x, t_x, T) with weights, item similarity in C++ on all cores).

Usage:
    klientel generate --customers 100000 --out DATA
    python benches/python_stack.py --out OUT 'DATA/transactions-*.csv'
    python benches/python_stack.py --out OUT DATA/transactions.parquet

Input: clean transactions with customer_id, order_id, date, product_id, quantity, amount (`klientel generate` without --german).
Output: scores.parquet, scores.csv, segment_win_back.parquet, segment_win_back.csv in OUT.
Prints one JSON line: seconds by stage, sizes, parameters, peak memory.

Needs: pip install polars lifetimes scipy implicit
"""

import argparse
import glob
import json
import os
import resource
import sys
import time
import warnings

# implicit runs one C++ thread a core; a threaded BLAS below it only costs time, and it must be told before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402
import scipy.sparse as sp  # noqa: E402
from implicit.nearest_neighbours import CosineRecommender  # noqa: E402
from lifetimes.utils import ConvergenceError
from lifetimes import GammaGammaFitter, ModifiedBetaGeoFitter  # noqa: E402
from scipy.special import betaln, gammaln  # noqa: E402

NOT_MERCHANDISE = ["VERSAND", "GUTSCHEIN"]
ABC_CUTS = (0.80, 0.95)
DAYS_PER_WEEK = 7.0
WEEKS_PER_MONTH = 365.2425 / 12 / DAYS_PER_WEEK
CHURN_HORIZON_WEEKS = 90 / DAYS_PER_WEEK
MONTHS = 12
DISCOUNT_PER_YEAR = 0.10
NEIGHBOURS = 50
OFFERS = 3

# First match over the pair of scores "RF".
SEGMENTS = [
    ("^5[45]", "champions"),
    ("^[34][45]", "loyal customers"),
    ("^51", "new customers"),
    ("^41", "promising"),
    ("^[45][23]", "potential loyalists"),
    ("^33", "need attention"),
    ("^3[12]", "about to sleep"),
    ("^[12]5", "cannot lose them"),
    ("^[12][34]", "at risk"),
    ("^[12][12]", "hibernating"),
]


class Stopwatch:
    """Collects the seconds of consecutive stages."""

    def __init__(self):
        self.seconds = {}
        self._start = self._last = time.perf_counter()

    def lap(self, stage):
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 3)
        self._last = now

    def total(self):
        return round(time.perf_counter() - self._start, 3)


def read(patterns):
    """Reads the lines of all files, ids as categories, money as float."""
    paths = sorted(path for pattern in patterns for path in glob.glob(pattern))
    if not paths:
        sys.exit(f"no file matches {patterns}")
    if paths[0].endswith(".parquet"):
        lines = pl.scan_parquet(paths)
    else:
        text = {"customer_id": pl.String, "order_id": pl.String, "product_id": pl.String, "date": pl.Date}
        lines = pl.scan_csv(paths, schema_overrides=text)
    return lines.select(
        pl.col("customer_id").cast(pl.Categorical),
        "order_id",
        "date",
        pl.col("product_id").cast(pl.Categorical),
        pl.col("quantity").cast(pl.Int32),
        pl.col("amount").cast(pl.Float64),
    ).collect(engine="streaming")


def summarise(lines, as_of):
    """Net money, orders, and the x, t_x, T of every customer with a purchase; returns are net, guests left out."""
    known = lines.lazy().filter(pl.col("customer_id").is_not_null())
    money = known.group_by("customer_id").agg(revenue=pl.col("amount").sum())
    sales = known.filter(pl.col("quantity") > 0)
    orders = sales.group_by("customer_id").agg(n_orders=pl.col("order_id").n_unique())
    days = sales.group_by("customer_id", "date").agg(spend=pl.col("amount").sum())
    purchases = days.group_by("customer_id").agg(
        first=pl.col("date").min(),
        last=pl.col("date").max(),
        x=pl.len().cast(pl.Int32) - 1,
        spend=pl.col("spend").sum(),
        first_spend=pl.col("spend").sort_by("date").first(),
    )
    summary = purchases.join(orders, on="customer_id").join(money, on="customer_id")
    as_of = pl.lit(as_of)
    return (
        summary.with_columns(
            recency_days=(as_of - pl.col("last")).dt.total_days().cast(pl.Int32),
            t_x=(pl.col("last") - pl.col("first")).dt.total_days().cast(pl.Int32),
            T=(as_of - pl.col("first")).dt.total_days().cast(pl.Int32),
            repeat_spend=pl.when(pl.col("x") > 0).then((pl.col("spend") - pl.col("first_spend")) / pl.col("x")),
        )
        .with_columns(pl.col("customer_id").cast(pl.String))
        .sort("customer_id")
        .collect(engine="streaming")
    )


def abc(revenue):
    """Class by the share of the positive total before the customer; equal values share a class."""
    order = np.argsort(-revenue, kind="stable")
    value = revenue[order]
    positive = np.clip(value, 0, None)
    before = (np.cumsum(positive) - positive) / max(positive.sum(), 1e-9)
    first_of_ties = np.searchsorted(-value, -value, side="left")
    before = before[first_of_ties]
    classes = np.where(value <= 0, "N", np.where(before < ABC_CUTS[0], "A", np.where(before < ABC_CUTS[1], "B", "C")))
    result = np.empty_like(classes)
    result[order] = classes
    return result


def quintile(values, best_is_high):
    """Scores 1 to 5 by type-7 quantiles, ties together, 5 is best."""
    if not best_is_high:
        values = -values
    cuts = np.quantile(values, [0.2, 0.4, 0.6, 0.8])
    return (1 + np.searchsorted(cuts, values, side="left")).astype(np.int8)


def log_likelihood(parameters, x, t_x, age, n):
    """Log-likelihood of MBG/NBD in weeks (Batislam, Denizel, Filiztekin 2007); lifetimes reports it in its own scaled time."""
    r, alpha, a, b = (parameters[name] for name in ("r", "alpha", "a", "b"))
    purchases = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    alive = betaln(a, b + x + 1) - (r + x) * np.log(alpha + age)
    gone = betaln(a + 1, b + x) - (r + x) * np.log(alpha + t_x)
    return float(np.sum(n * (purchases + np.logaddexp(alive, gone))))


def lifetime_value(summary):
    """P(alive), churn risk and discounted value of a year, by MBG/NBD and Gamma-Gamma."""
    keys = ["x", "t_x", "T"]
    unique = summary.group_by(keys).agg(n=pl.len()).sort(keys)
    x = unique["x"].to_numpy().astype(float)
    t_x = unique["t_x"].to_numpy() / DAYS_PER_WEEK
    age = unique["T"].to_numpy() / DAYS_PER_WEEK
    n = unique["n"].to_numpy().astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ModifiedBetaGeoFitter(penalizer_coef=0.0).fit(x, t_x, age, weights=n)
        r, alpha = model.params_["r"], model.params_["alpha"]
        p_alive = np.asarray(model.conditional_probability_alive(x, t_x, age), dtype=float)
        none_if_alive = ((alpha + age) / (alpha + age + CHURN_HORIZON_WEEKS)) ** (r + x)
        churn_risk = 1.0 - p_alive * (1.0 - none_if_alive)
        expected, discounted = np.zeros_like(x), np.zeros_like(x)
        for month in range(1, MONTHS + 1):
            until = model.conditional_expected_number_of_purchases_up_to_time(month * WEEKS_PER_MONTH, x, t_x, age)
            until = np.asarray(until, dtype=float)
            discounted += (until - expected) / (1.0 + DISCOUNT_PER_YEAR) ** (month / MONTHS)
            expected = until

        repeaters = summary.filter((pl.col("x") > 0) & (pl.col("repeat_spend") > 0))
        repeats, value = repeaters["x"].to_numpy().astype(float), repeaters["repeat_spend"].to_numpy()
        try:
            spend = GammaGammaFitter(penalizer_coef=0.0).fit(repeats, value)
        except ConvergenceError:
            # Happens now and then on sums that differ in the last bit; the message itself advises a penalizer.
            spend = GammaGammaFitter(penalizer_coef=0.01).fit(repeats, value)
    per_key = unique.select(keys).with_columns(
        p_alive=pl.Series(p_alive),
        churn_risk=pl.Series(churn_risk),
        expected_orders=pl.Series(expected),
        discounted_orders=pl.Series(discounted),
    )
    scored = summary.join(per_key, on=keys, how="left", maintain_order="left")
    p, q, v = (spend.params_[name] for name in "pqv")
    spent = pl.col("repeat_spend") > 0
    repeats = pl.when(spent).then(pl.col("x")).otherwise(0)
    total = pl.when(spent).then(pl.col("x") * pl.col("repeat_spend")).otherwise(0.0)
    # Fader and Hardie 2013, equation 5; a customer without repeat spend gets the mean of the base.
    scored = scored.with_columns(order_value=p * (v + total) / (p * repeats + q - 1.0)).with_columns(
        clv=pl.col("discounted_orders") * pl.col("order_value")
    )
    finite = [pl.when(pl.col(c).is_finite()).then(pl.col(c)) for c in ("p_alive", "churn_risk", "expected_orders", "clv")]
    parameters = {
        "mbg_nbd": {name: float(value) for name, value in model.params_.items()},
        "log_likelihood": log_likelihood(model.params_, x, t_x, age, n),
        "gamma_gamma": {name: float(value) for name, value in spend.params_.items()},
        "n_distinct": unique.height,
    }
    return scored.with_columns(finite), parameters


def offers(lines, customers):
    """The best products a customer has not bought yet, by cosine of products over customers."""
    pairs = (
        lines.lazy()
        .filter(pl.col("customer_id").is_not_null() & (pl.col("quantity") > 0))
        .select(pl.col("customer_id").cast(pl.String), pl.col("product_id").cast(pl.String))
        .filter(~pl.col("product_id").is_in(NOT_MERCHANDISE))
        .unique()
        .collect(engine="streaming")
    )
    products = pairs.select(pl.col("product_id").unique().sort()).with_row_index("column")
    rows = customers.select("customer_id").with_row_index("row")
    pairs = pairs.join(rows, on="customer_id").join(products, on="product_id").select("row", "column").sort("row", "column")
    shape = (customers.height, products.height)
    bought = sp.csr_matrix(
        (np.ones(pairs.height), (pairs["row"].to_numpy(), pairs["column"].to_numpy())), shape=shape, dtype=np.float64
    )
    model = CosineRecommender(K=NEIGHBOURS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(bought, show_progress=False)
    best = np.full((customers.height, OFFERS), -1, dtype=np.int64)
    # One call a customer into the C++ scorer: `model.recommend` does the same, but cuts a sparse matrix apart for each, which takes most of its time.
    for row, (start, end) in enumerate(zip(bought.indptr[:-1], bought.indptr[1:])):
        span = np.array([0, end - start], dtype=np.int32)
        ids, _ = model.scorer.recommend(
            span, bought.indices[start:end], bought.data[start:end], K=OFFERS, remove_own_likes=True
        )
        best[row, : len(ids)] = ids
    names = products["product_id"]
    columns = {}
    for place in range(OFFERS):
        found = pl.Series(best[:, place])
        columns[f"offer_{place + 1}"] = names.gather(found.set(found < 0, None).cast(pl.UInt32))
    return customers.with_columns(**columns), pairs.height


def write(scores, out):
    """Writes all scores and the win-back segment, Parquet and CSV each."""
    os.makedirs(out, exist_ok=True)
    win_back = scores.filter(
        (pl.col("abc_class") == "A") & (pl.col("churn_risk") >= 0.6) & (pl.col("recency_days") > 90)
    )
    for name, table in (("scores", scores), ("segment_win_back", win_back)):
        table.write_parquet(os.path.join(out, f"{name}.parquet"), compression="zstd", compression_level=1)
        table.write_csv(os.path.join(out, f"{name}.csv"), float_precision=6)
    return win_back.height


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("transactions", nargs="+", help="CSV or Parquet files, patterns allowed")
    parser.add_argument("--out", required=True, help="directory for the results")
    arguments = parser.parse_args()

    watch = Stopwatch()
    lines = read(arguments.transactions)
    watch.lap("read")
    summary = summarise(lines, lines["date"].max())
    watch.lap("summary")
    revenue = summary["revenue"].to_numpy()
    rfm = {
        "rfm_r": quintile(summary["recency_days"].to_numpy(), best_is_high=False),
        "rfm_f": quintile(summary["n_orders"].to_numpy(), best_is_high=True),
        "rfm_m": quintile(revenue, best_is_high=True),
    }
    summary = summary.with_columns(abc_class=pl.Series(abc(revenue)), **{k: pl.Series(v) for k, v in rfm.items()})
    pair = pl.concat_str("rfm_r", "rfm_f")
    segment = pl.lit(None, dtype=pl.String)
    for pattern, name in reversed(SEGMENTS):
        segment = pl.when(pair.str.contains(pattern)).then(pl.lit(name)).otherwise(segment)
    summary = summary.with_columns(rfm_segment=segment)
    watch.lap("abc_rfm")
    scores, parameters = lifetime_value(summary)
    watch.lap("lifetime_value")
    scores, n_pairs = offers(lines, scores)
    watch.lap("offers")
    n_win_back = write(scores, arguments.out)
    watch.lap("write")
    print(
        json.dumps(
            {
                "seconds": watch.seconds,
                "seconds_total": watch.total(),
                "n_lines": lines.height,
                "n_customers": scores.height,
                "n_customer_products": n_pairs,
                "n_win_back": n_win_back,
                "n_without_score": scores.select(pl.col("clv").null_count()).item(),
                "n_without_offer": scores.select(pl.col("offer_1").null_count()).item(),
                "parameters": parameters,
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
