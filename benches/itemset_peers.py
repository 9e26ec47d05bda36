#!/usr/bin/env python3
"""Finds itemsets, or counts pairs, with one of klientel's peers; prints one line of JSON a run.

Usage:
    itemset_peers.py fim|rusket|mlxtend FILE SUPPORT RUNS      one basket a line, items apart by spaces
    itemset_peers.py duckdb FILE COUNT RUNS                    `basket,item` lines

Reading is not timed; what a library makes of Python lists, or of its own sparse form, is, as a user would wait for it. DuckDB joins a table in
memory to itself; `prefilter` drops rare items first.
"""

import json
import resource
import sys
import time


def baskets(path):
    with open(path, encoding="utf-8") as lines:
        return [sorted({int(item) for item in line.split()}) for line in lines]


def fim(path, support):
    import fim

    rows = baskets(path)
    # Above 0 a percentage, below a count: the count is exact.
    count = -(-int(round(support * 1e9)) * len(rows) // 10**9)
    return lambda: len(fim.fpgrowth(rows, target="s", supp=-count, zmin=1, report="a"))


def sparse(rows):
    import numpy
    import scipy.sparse

    n_items = max(item for row in rows for item in row) + 1
    starts = numpy.cumsum([0] + [len(row) for row in rows])
    items = numpy.concatenate([numpy.array(row) for row in rows if row])
    return scipy.sparse.csr_matrix((numpy.ones(len(items), dtype=bool), items, starts), shape=(len(rows), n_items))


def rusket(path, support):
    import rusket

    # Its quickest way in: a sparse matrix needs no conversion.
    matrix = sparse(baskets(path))
    return lambda: len(rusket.FPGrowth(matrix, min_support=support, use_colnames=False).mine())


def mlxtend(path, support):
    import pandas
    from mlxtend.frequent_patterns import fpgrowth

    frame = pandas.DataFrame.sparse.from_spmatrix(sparse(baskets(path)))
    frame.columns = frame.columns.astype(str)
    return lambda: len(fpgrowth(frame, min_support=support))


def duckdb(path, count):
    import duckdb

    database = duckdb.connect()
    database.sql("set threads = 2")
    database.sql(f"create table lines as select * from read_csv('{path}', header = false, columns = {{'basket': 'INTEGER', 'item': 'INTEGER'}})")
    frequent = f"(select * from lines where item in (select item from lines group by item having count(*) >= {int(count)}))"
    join = "select a.item, b.item, count(*) from {0} a join {0} b on a.basket = b.basket and a.item < b.item group by all having count(*) >= " + str(int(count))
    database.sql(f"create temp table warm as {join.format(frequent)} limit 0")
    return lambda: len(database.sql(join.format(frequent)).fetchall())


def main():
    tool, path, threshold, runs = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    work = {"fim": fim, "rusket": rusket, "mlxtend": mlxtend, "duckdb": duckdb}[tool](path, threshold)
    for _ in range(runs):
        start = time.perf_counter()
        found = work()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"seconds": seconds, "found": found, "peak_mib": peak}), flush=True)


if __name__ == "__main__":
    main()
