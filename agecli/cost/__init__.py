"""What a pipeline will cost, before it is spent, and what it did cost.

    columns, pruning      which columns a query needs, which row groups its predicates certainly leave out
    footers               Parquet footers of many files, in parallel, cached; `objects` finds them on disk or S3
    reading               the bytes that a reader like Athena's fetches for some columns of a file
    scan                  the three together: `estimate(sql, tables)`

Every figure says whether it is exact, an upper bound or an estimate, and what it rests on.
"""
