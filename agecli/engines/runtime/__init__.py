"""What Trino's functions mean, value by value, in Python, and the door through which DuckDB calls them.

The modules here are the exact reference: `json_text`, `json_functions`, `json_cast`, `json_path`, `numbers`,
`double_digits`, `regexp`, `regexp_syntax`, `characters`, `text`, `dates`. They know nothing of SQL. The
`dialect/functions_*.py` modules register them (`arrow.udf`) as `ag_*` functions, nearly always behind a native form
(`dialect/native.py`): DuckDB does the rows that a cheap test proves plain, and only the rest come here.

Errors: `errors.TrinoError` (Trino fails too; NULL inside TRY), `errors.GuardError` (not known to agree; always
stops the query).
"""
