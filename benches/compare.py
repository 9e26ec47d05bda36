#!/usr/bin/env python3
"""Times the whole nightly run beside the Python stack on the same generated base, in turn: A B A B …

Usage:
    cargo build --release
    python -m venv stack && stack/bin/pip install polars lifetimes scipy implicit
    python benches/compare.py --python stack/bin/python --customers 10000 100000 1000000 --runs 3

Both programs read the same files and write scores and one segment as Parquet and CSV; see python_stack.py for what the other side
does. Output folders are removed before each run, the page cache is warm (one run of each goes uncounted). Wall and processor time
and the largest resident memory are those that the operating system accounts to the finished process. Prints a Markdown table with
medians and the median of the ratios pair by pair.
"""

import argparse
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
path = "base/transactions*.{format}"
[[segment]]
name = "win-back"
where = "abc_class = 'A' and churn_risk >= 0.6 and rfm_recency_days > 90"
[output]
directory = "klientel-out"
"""


def measure(command, folder, output):
    """Runs a command to its end; returns wall seconds, processor seconds and peak memory in MiB."""
    shutil.rmtree(folder / output, ignore_errors=True)
    start = time.perf_counter()
    with open(folder / "log", "wb") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if child.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {child.returncode}:\n{(folder / 'log').read_text()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(arguments, customers, form, folder):
    base = folder / "base"
    shutil.rmtree(base, ignore_errors=True)
    products = min(max(customers // 50, 500), 20_000)
    sizes = ["--customers", str(customers), "--products", str(products), "--format", form]
    subprocess.run([arguments.klientel, "generate", *sizes, "--out", str(base)], check=True, capture_output=True)
    (folder / "pipeline.toml").write_text(PIPELINE.format(format=form))
    ours = [arguments.klientel, "run", "pipeline.toml", "--quiet"]
    script = ROOT / "benches" / "python_stack.py"
    theirs = [arguments.python, str(script), "--out", "python-out", f"base/transactions*.{form}"]
    rows = []
    for turn in range(arguments.runs + 1):
        pair = measure(ours, folder, "klientel-out"), measure(theirs, folder, "python-out")
        if turn > 0:
            rows.append(pair)
    ours, theirs = ([tuple(column) for column in zip(*side)] for side in zip(*rows))
    median = [statistics.median(column) for column in ours + theirs]
    ratio = statistics.median(b[0] / a[0] for a, b in rows)
    mib = sum(file.stat().st_size for file in base.glob(f"transactions*.{form}")) / 2**20
    print(
        f"| {customers:,} | {form} | {mib:,.0f} | {median[0]:.2f} / {median[1]:.2f} | {median[2]:,.0f} "
        f"| {median[3]:.2f} / {median[4]:.2f} | {median[5]:,.0f} | {ratio:.1f} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--klientel", default=str(ROOT / "target" / "release" / "klientel"))
    parser.add_argument("--python", default="python3")
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", default=["csv", "parquet"])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    print("| customers | format | MiB | klientel wall / CPU s | MiB | Python stack wall / CPU s | MiB | ratio |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for customers in arguments.customers:
            for form in arguments.formats:
                compare(arguments, customers, form, Path(folder))


if __name__ == "__main__":
    main()
