"""Dates and times: parsing, formatting, parts, differences and truncation, as Trino means them."""
