#!/usr/bin/env python3
"""The floor: DuckDB reads the same files and groups them by customer and day, then by customer. Nothing else.

Usage: duckdb_floor.py PATTERN
"""

import sys

import duckdb

pattern = sys.argv[1]
lines = f"read_parquet('{pattern}')" if pattern.endswith("parquet") else f"read_csv('{pattern}')"
query = f"""
select count(*), sum(days), sum(revenue) from (
  select customer_id, count(*) days, min(day) first, max(day) last, sum(revenue) revenue from (
    select customer_id, cast(date as date) day, sum(amount) revenue from {lines} group by 1, 2
  ) group by 1
)"""
duckdb.sql("set threads = 2")
print(duckdb.sql(query).fetchall())
