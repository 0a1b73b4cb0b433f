"""Coverage beyond one machine: days exported as Parquet, computed by many workers with the same pure functions.

    database ──export──▶ fixes by day, ground ──work──▶ parts (some people's day) ──▶ figures by day ──loading──▶ database

A worker reads and writes files alone. Whatever is written is whole or not there, and each step's file says what it was made
from: a run that was killed, or started again, does only what is missing or made from something else.
"""
