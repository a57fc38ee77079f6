"""What Trino's functions mean, value by value, in Python, and the door through which DuckDB calls them.

The modules here are the exact reference: `json_text`, `json_functions`, `json_cast`, `json_path`, `numbers`,
`regexp`, `text`, `hashing`, `urls`, `formatting`, `dates`. They know nothing of SQL. The `dialect/functions_*.py` modules register
them (`arrow.udf`) as `ag_*` functions, nearly always behind a native form: DuckDB does the rows that a cheap test
proves plain, and only the rest come here.

    CASE WHEN <plain(v)> THEN <DuckDB's own function> ELSE ag_...(v) END

Macros that other modules of the dialect may use (each with a quiet twin that is NULL where this one raises):

    ag_text_to_tinyint/smallint/integer/bigint(v)   ag_try_text_to_...(v)
    ag_text_to_double/real/boolean(v)               ag_try_text_to_...(v)
    ag_text_to_date(v)   ag_text_to_timestamp(v)    ag_try_text_to_...(v)
    ag_double_text(x)    ag_real_text(x)            CAST(double/real AS varchar)
    ag_date_text(d)      ag_timestamp_text(t, p)    CAST(date/timestamp(p) AS varchar)

Errors: `errors.TrinoError` (Trino fails too; NULL inside TRY), `errors.GuardError` (not known to agree; always
stops the query).
"""
