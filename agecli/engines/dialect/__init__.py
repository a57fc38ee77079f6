"""Athena's dialect on DuckDB: a typed translator that allows only what is known to mean the same."""
