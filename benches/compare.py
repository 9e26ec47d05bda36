#!/usr/bin/env python3
"""Times klientel beside its peers on the same generated files, in turn: A B C A B C …

Usage:
    cargo build --release
    python -m venv stack && stack/bin/pip install polars lifetimes scipy implicit duckdb
    python benches/compare.py run --python stack/bin/python --customers 100000 1000000 5000000 --runs 3
    python benches/compare.py ingest --python stack/bin/python --customers 1000000
    python benches/compare.py night --customers 1000000
    python benches/compare.py lifetime --python stack/bin/python --customers 23570 1000000
    stack/bin/pip install pyfim rusket mlxtend pyarrow
    python benches/compare.py cross-sell --python stack/bin/python --runs 3 --baskets T10I4D100K.dat
    python benches/compare.py offers --python stack/bin/python --customers 100000 1000000

`run` is the whole nightly run (ingest cache off) beside the Python stack that does the same job (python_stack.py) and DuckDB that
only groups by customer (duckdb_floor.py). `ingest` is reading alone: the stage `read` of the manifest (decoding, hashing, dictionary
encoding, rejects) beside DuckDB and polars reading the same columns with the same types. `night` is a second night: 730 daily files, one
of them new. `lifetime` is the fit of MBG/NBD and the whole analysis of lifetime values, all columns included, beside the BG/NBD fit of
lifetimes on the same histories. `cross-sell` finds the itemsets of a sparse generated base (and of a file of baskets, if one is named) beside
Borgelt's fim, rusket and mlxtend, and counts the pairs of ten million lines beside DuckDB's self-join.

Output folders are removed before each run, the page cache is warm (one round goes uncounted). Wall and processor time and the
largest resident memory are those that the operating system accounts to the finished process. Figures are medians, ratios the medians of
the ratios round by round.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIPELINE = """version = 1
[input.transactions.{format}]
path = "{path}"
[[segment]]
name = "win-back"
where = "abc_class = 'A' and churn_risk >= 0.6 and rfm_recency_days > 90"
[output]
directory = "klientel-out"
"""
TYPES = {"customer_id": "VARCHAR", "order_id": "VARCHAR", "product_id": "VARCHAR", "date": "DATE", "quantity": "DECIMAL(18,3)", "amount": "DECIMAL(18,2)", "cost": "DECIMAL(18,2)"}
DUCKDB = "import duckdb; duckdb.sql('set threads = {threads}'); duckdb.sql(\"create table t as select * from read_csv('{path}', columns = {types})\")"
POLARS = (
    "import polars as pl; s = pl.{text}; d = pl.Float64; "
    "pl.read_csv('{path}', schema=dict(customer_id=s, order_id=s, date=pl.Date, product_id=s, quantity=d, amount=d, cost=d))"
)


def measure(command, folder, environment=None):
    """Runs a command to its end; returns wall seconds, processor seconds, peak memory in MiB and what it wrote to stdout."""
    for output in ("klientel-out", "python-out"):
        if not (folder / "keep").exists():
            shutil.rmtree(folder / output, ignore_errors=True)
    start = time.perf_counter()
    with open(folder / "out", "wb") as out, open(folder / "log", "wb") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=log, env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if child.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {child.returncode}:\n{(folder / 'log').read_text()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, (folder / "out").read_text()


def generate(arguments, customers, form, folder):
    base = folder / "base"
    shutil.rmtree(base, ignore_errors=True)
    products = min(max(customers // 50, 500), 20_000)
    sizes = ["--customers", str(customers), "--products", str(products), "--format", form]
    subprocess.run([arguments.klientel, "generate", *sizes, "--out", str(base)], check=True, capture_output=True)
    (folder / "pipeline.toml").write_text(PIPELINE.format(format=form, path=f"base/transactions*.{form}"))
    return sum(file.stat().st_size for file in base.glob(f"transactions*.{form}")) / 2**20


def rounds(commands, folder, runs):
    """Runs all commands in turn; returns for each the columns of its figures."""
    rows = [[measure(command, folder, environment)[:3] for command, environment in commands] for _ in range(runs + 1)][1:]
    return [[list(column) for column in zip(*(row[ix] for row in rows))] for ix in range(len(commands))]


def compare_run(arguments, customers, form, folder):
    mib = generate(arguments, customers, form, folder)
    files = f"base/transactions*.{form}"
    commands = [
        ([arguments.klientel, "run", "pipeline.toml", "--quiet", "--no-cache"], None),
        ([arguments.python, str(ROOT / "benches" / "duckdb_floor.py"), files], None),
    ]
    if customers <= arguments.stack_up_to:
        commands.append(([arguments.python, str(ROOT / "benches" / "python_stack.py"), "--out", "python-out", files], None))
    figures = rounds(commands, folder, arguments.runs)
    cells = [f"{statistics.median(wall):.2f} / {statistics.median(cpu):.2f} | {statistics.median(peak):,.0f}" for wall, cpu, peak in figures]
    ours = figures[0][0]
    ratio = lambda a, b: statistics.median(x / y for x, y in zip(a, b))
    cells += ["– | –"] * (3 - len(cells))
    faster = f"{ratio(figures[2][0], ours):.1f}" if len(figures) > 2 else "–"
    print(f"| {customers:,} | {form} | {mib:,.0f} | {' | '.join(cells)} | {ratio(ours, figures[1][0]):.1f} | {faster} |", flush=True)


def run(arguments, folder):
    print("| customers | format | MiB | klientel wall / CPU s | MiB | DuckDB group-by | MiB | Python stack | MiB | × DuckDB | × faster than Python |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for customers in arguments.customers:
        for form in arguments.formats:
            compare_run(arguments, customers, form, folder)


def ingest(arguments, folder):
    """Prints MB a second of reading, on one thread and on two."""
    print("| customers | threads | MB | klientel | DuckDB, plain text | polars, plain text | polars, dictionary (Categorical) |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    startup = {"duckdb": "import duckdb; duckdb.sql('select 1')", "polars": "import polars as pl; pl.DataFrame({'a': [1]})"}
    for customers in arguments.customers:
        mb = generate(arguments, customers, "csv", folder) * 2**20 / 1e6
        ordered = next(csv.reader(open(next((folder / "base").glob("transactions*.csv")), encoding="utf-8")))
        types = "{" + ", ".join(f"'{name}': '{TYPES[name]}'" for name in ordered) + "}"
        for threads in (1, 2):
            duck = DUCKDB.format(threads=threads, path="base/transactions*.csv", types=types)
            plain, coded = (POLARS.format(path="base/transactions*.csv", text=text) for text in ("String", "Categorical"))
            environment = {"POLARS_MAX_THREADS": str(threads)}
            rates = {"klientel": [], "duckdb": [], "plain": [], "coded": []}
            for turn in range(arguments.runs + 1):
                command = [arguments.klientel, "run", "pipeline.toml", "--json", "--no-cache", "--threads", str(threads)]
                stages = json.loads(measure(command, folder)[3])["stages"]
                seconds = {"klientel": next(stage["seconds"] for stage in stages if stage["name"] == "read")}
                for peer, code in (("duckdb", duck), ("plain", plain), ("coded", coded)):
                    # Starting Python and importing the peer is not reading.
                    start = startup["duckdb" if peer == "duckdb" else "polars"]
                    idle = measure([arguments.python, "-c", start], folder, environment)[0]
                    seconds[peer] = measure([arguments.python, "-c", code], folder, environment)[0] - idle
                if turn > 0:
                    for peer, taken in seconds.items():
                        rates[peer].append(mb / taken)
            cells = " | ".join(f"{statistics.median(rates[peer]):.0f}" for peer in rates)
            print(f"| {customers:,} | {threads} | {mb:,.0f} | {cells} |", flush=True)


def night(arguments, folder):
    """Prints what reading costs on a cold night and on one with a new file."""
    print("| customers | daily files | cold: read s | second night: read s | ratio | cold: run s | second night: run s |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for customers in arguments.customers:
        generate(arguments, customers, "csv", folder)
        split_by_day(folder)
        days = sorted((folder / "daily").glob("*.csv"))
        (folder / "pipeline.toml").write_text(PIPELINE.format(format="csv", path="daily/*.csv"))
        colds, warms = [], []
        for turn in range(arguments.runs + 1):
            shutil.rmtree(folder / "klientel-out", ignore_errors=True)
            (folder / "keep").touch()
            days[-1].rename(folder / "tomorrow")
            first = figures(arguments, folder)
            (folder / "tomorrow").rename(days[-1])
            second = figures(arguments, folder)
            (folder / "keep").unlink()
            if turn > 0:
                colds.append(first)
                warms.append(second)
        median = lambda rows, ix: statistics.median(row[ix] for row in rows)
        ratio = statistics.median(warm[0] / cold[0] for warm, cold in zip(warms, colds))
        print(
            f"| {customers:,} | {len(days)} | {median(colds, 0):.2f} | {median(warms, 0):.2f} | {ratio:.2f} "
            f"| {median(colds, 1):.2f} | {median(warms, 1):.2f} |",
            flush=True,
        )


IMPLICIT = """
import sys, time
import numpy, scipy.sparse
from implicit.nearest_neighbours import CosineRecommender
pairs = numpy.fromfile(sys.argv[1], dtype="<u4").reshape(-1, 2)
owned = scipy.sparse.csr_matrix((numpy.ones(len(pairs), dtype=numpy.float32), (pairs[:, 0], pairs[:, 1])))
owned.data[:] = 1
start = time.perf_counter()
model = CosineRecommender(K=50)
model.fit(owned, show_progress=False)
learnt = time.perf_counter()
model.recommend(numpy.arange(owned.shape[0]), owned, N=3)
print(learnt - start, time.perf_counter() - learnt)
"""


def offers(arguments, folder):
    """Prints seconds for neighbours and lists beside implicit on the same histories, and for the whole step with its proof."""
    print("| customers | neighbours s | lists s | implicit: neighbours s | lists s | whole step with windows and proof s |")
    print("|---:|---:|---:|---:|---:|---:|")
    for customers in arguments.customers:
        pairs = folder / "pairs.bin"
        command = ["cargo", "bench", "--quiet", "--bench", "offers", "--", str(customers), str(arguments.runs + 1), str(pairs)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        ours = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")][1:]
        peers = []
        for _ in range(arguments.runs + 1):
            peer = subprocess.run([arguments.python, "-c", IMPLICIT, str(pairs)], check=True, capture_output=True, text=True)
            peers.append([float(seconds) for seconds in peer.stdout.split()])
        peers = peers[1:]
        median = lambda key: statistics.median(run[key] for run in ours)
        learnt, listed = (statistics.median(peer[ix] for peer in peers) for ix in (0, 1))
        print(
            f"| {customers:,} | {median('neighbours'):.2f} | {median('lists'):.2f} | {learnt:.2f} | {listed:.2f} "
            f"| {median('whole'):.2f} |",
            flush=True,
        )


LIFETIMES = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import pandas
from lifetimes import BetaGeoFitter
base = pandas.read_csv(sys.argv[1])
start = time.perf_counter()
BetaGeoFitter().fit(base.frequency, base.recency, base["T"])
print(time.perf_counter() - start)
"""


def lifetime(arguments, folder):
    """Prints seconds of the fits on the same histories, and of everything that is said of every customer."""
    print("| customers | klientel: fit MBG/NBD s | klientel: fits, evidence and all columns s | lifetimes: fit BG/NBD s | × faster fit | all columns ÷ peer's fit |")
    print("|---:|---:|---:|---:|---:|---:|")
    for customers in arguments.customers:
        rows = []
        for _ in range(arguments.runs):
            bench = ["cargo", "bench", "--quiet", "--bench", "lifetime_value", "--", str(customers), "2", str(folder / "histories.csv")]
            out = subprocess.run(bench, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            ours = json.loads(out.splitlines()[-1])
            peer = float(measure([arguments.python, "-c", LIFETIMES, str(folder / "histories.csv")], folder)[3])
            rows.append((ours["fit"], ours["all"], peer, peer / ours["fit"], ours["all"] / peer))
        fit, everything, peer, faster, share = (statistics.median(column) for column in zip(*rows))
        print(f"| {customers:,} | {fit:.3f} | {everything:.2f} | {peer:.2f} | {faster:.0f} | {share:.2f} |", flush=True)


SCIKIT_LEARN = """
import sys, time
import numpy
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
n = int(sys.argv[2])
raw = numpy.fromfile(sys.argv[1], dtype=numpy.uint8)
cells = raw[:-n].view("<f4").reshape(-1, n).T.astype(numpy.float64)
label = raw[-n:].astype(bool)
start = time.perf_counter()
model = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression(C=1 / 30, max_iter=200))
calibrated = CalibratedClassifierCV(model, method="isotonic", cv=5, ensemble=False, n_jobs=2)
risk = calibrated.fit(cells, label).predict_proba(cells)[:, 1]
print(time.perf_counter() - start, roc_auc_score(label, risk), brier_score_loss(label, risk))
"""


def churn(arguments, folder):
    """Prints seconds of fit, isotonic calibration on five folds and scores; ours gives three reasons a customer as well."""
    print("| customers | klientel: fit, calibrate, score, reasons s | scikit-learn: fit, calibrate, score s | × faster | AUC | AUC of peer | Brier | Brier of peer |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for customers in arguments.customers:
        rows = []
        for _ in range(arguments.runs):
            file = str(folder / "features.bin")
            bench = ["cargo", "bench", "--quiet", "--bench", "churn", "--", str(customers), "2", file]
            out = subprocess.run(bench, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            ours = json.loads(out.splitlines()[-1])
            seconds, auc, brier = map(float, measure([arguments.python, "-c", SCIKIT_LEARN, file, str(customers)], folder)[3].split())
            rows.append((ours["all"], seconds, seconds / ours["all"], ours["auc"], auc, ours["brier"], brier))
        ours, peer, faster, *quality = (statistics.median(column) for column in zip(*rows))
        print(f"| {customers:,} | {ours:.2f} | {peer:.2f} | {faster:.1f} | " + " | ".join(f"{figure:.4f}" for figure in quality) + " |", flush=True)


def cross_sell(arguments, folder):
    """Prints seconds and memory of itemsets and of pair counts, peers in turn with klientel."""
    bench = ["cargo", "bench", "--quiet", "--bench", "cross_sell", "--"]
    ours = lambda *task: json.loads(subprocess.run([*bench, *task, "2"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    peers = str(ROOT / "benches" / "itemset_peers.py")
    theirs = lambda tool, *task: json.loads(measure([arguments.python, peers, tool, *task, "1"], folder)[3].splitlines()[-1])

    retail, lines = str(folder / "retail.dat"), str(folder / "lines.csv")
    subprocess.run([*bench, "retail", retail], cwd=ROOT, check=True)
    subprocess.run([*bench, "lines", "10000000", lines], cwd=ROOT, check=True)
    tools = ["fim", "rusket", "mlxtend"]
    print("| baskets | least support | sets | klientel s | fim s | rusket s | mlxtend s | × fim | × rusket | × mlxtend |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    files = [("retail-like", retail, "0.001")] + [(Path(file).stem, str(Path(file).resolve()), "0.005") for file in arguments.baskets]
    for name, file, support in files:
        rows = []
        for _ in range(arguments.runs):
            row = [ours("itemsets", file, support), *(theirs(tool, file, support) for tool in tools)]
            if len({run["found"] for run in row}) > 1:
                raise SystemExit(f"not the same sets: {row}")
            rows.append([run["seconds"] for run in row])
        seconds = [statistics.median(column) for column in zip(*rows)]
        ratios = [statistics.median(row[ix] / row[0] for row in rows) for ix in range(1, len(tools) + 1)]
        cells = [f"{second:.3f}" for second in seconds] + [f"{ratio:.1f}" for ratio in ratios]
        print(f"| {name} | {float(support):.1%} | {row[0]['found']:,} | {' | '.join(cells)} |", flush=True)
    print("\n| lines | pairs of at least | found | klientel s | MiB | DuckDB self-join s | MiB | × faster | memory ÷ |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for count in ["5", "100"]:
        rows = [(ours("pairs", lines, count), theirs("duckdb", lines, count)) for _ in range(arguments.runs)]
        if any(a["found"] != b["found"] for a, b in rows):
            raise SystemExit(f"not the same pairs: {rows}")
        cells = [statistics.median(run[ix][what] for run in rows) for ix in (0, 1) for what in ("seconds", "peak_mib")]
        faster = statistics.median(b["seconds"] / a["seconds"] for a, b in rows)
        smaller = statistics.median(b["peak_mib"] / a["peak_mib"] for a, b in rows)
        print(f"| 10,195,191 | {count} | {rows[0][0]['found']:,} | {cells[0]:.2f} | {cells[1]:,.0f} | {cells[2]:.2f} | {cells[3]:,.0f} | {faster:.1f} | {smaller:.1f} |", flush=True)


def figures(arguments, folder):
    """Returns seconds of reading and of the whole run."""
    wall, _, _, out = measure([arguments.klientel, "run", "pipeline.toml", "--json"], folder)
    stages = json.loads(out)["stages"]
    return next(stage["seconds"] for stage in stages if stage["name"] == "read"), wall


def split_by_day(folder):
    """Cuts the monthly files into daily ones, lines as they are."""
    (folder / "daily").mkdir(exist_ok=True)
    for file in (folder / "daily").glob("*"):
        file.unlink()
    for month in sorted((folder / "base").glob("transactions*.csv")):
        with open(month, encoding="utf-8") as lines:
            header = next(lines)
            position = header.strip().split(",").index("date")
            days = {}
            for line in lines:
                days.setdefault(line.split(",")[position][:10], []).append(line)
        for day, of_day in days.items():
            with open(folder / "daily" / f"{day}.csv", "a", encoding="utf-8") as out:
                if out.tell() == 0:
                    out.write(header)
                out.writelines(of_day)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "ingest", "night", "lifetime", "churn", "cross-sell", "offers"])
    parser.add_argument("--klientel", default=str(ROOT / "target" / "release" / "klientel"))
    parser.add_argument("--python", default="python3")
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", default=["csv", "parquet"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--baskets", nargs="*", default=[], help="files of baskets, one a line, for `cross-sell`")
    parser.add_argument("--stack-up-to", type=int, default=5_000_000, help="customers above which the Python stack is left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts = {"run": run, "ingest": ingest, "night": night, "lifetime": lifetime, "churn": churn, "cross-sell": cross_sell, "offers": offers}
        parts[arguments.what](arguments, Path(folder))


if __name__ == "__main__":
    main()
