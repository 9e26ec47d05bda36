#!/usr/bin/env python3
"""The floor: DuckDB reads the same files and groups them by customer and day, then by customer. Nothing else.

Usage: duckdb_floor.py PATTERN
"""

import sys

import duckdb

pattern = sys.argv[1]
lines = f"read_parquet('{pattern}')" if pattern.endswith("parquet") else f"read_csv('{pattern}')"
query = f"""
select count(*), sum(n_days), sum(revenue), min(first_day), max(last_day) from (
  select customer_id, count(*) as n_days, min(day) as first_day, max(day) as last_day, sum(revenue) as revenue from (
    select customer_id, cast(date as date) as day, sum(amount) as revenue from {lines} group by 1, 2
  ) group by 1
)"""
duckdb.sql("set threads = 2")
print(duckdb.sql(query).fetchall())
