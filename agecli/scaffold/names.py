"""Names between a stranger's file and SQL: quoting what is there, and safe names for what comes out.

Output names match `[a-z_][a-z0-9_]*` and are never a word that SQL keeps for itself, so nobody has to quote them.
Trino and Athena fold the case of every name, quoted or not: two columns that differ in case alone cannot both be
read there.
"""

from __future__ import annotations

import re
import unicodedata

# what Trino, Athena's DDL (Hive) and DuckDB keep for themselves, as far as it is likely as the name of a column
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
        all alter analyse analyze and any array as asc asymmetric authorization between both by case
        cast check collate collation column concurrently constraint create cross cube
        current_catalog current_date current_path current_role current_schema current_time
        current_timestamp current_user database date deallocate default deferrable delete desc
        describe distinct do double drop else end escape except exchange execute exists extended
        external extract false fetch filter first following for foreign freeze from full function
        generated glob grant group grouping having if ilike import in initially inner insert int
        integer intersect interval into is isnull join json_array json_exists json_object json_query
        json_table json_value lambda lateral leading left less like limit listagg local localtime
        localtimestamp location macro map match more natural none normalize not notnull null of
        offset on only or order outer over overlaps pivot placing positional precision preceding
        prepare primary procedure qualify range reads recursive reduce references regexp returning
        revoke right rlike rollup row rows select semi session_user set show similar skip smallint
        some start summarize symmetric table tablesample then timestamp to trailing transform
        trigger trim true truncate unbounded unbound union unique unnest unpivot update user using
        utc_timestamp values variadic varchar verbose view when where window with year month day
        hour
        """,
    )
)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LONGEST = 50


def quoted(name: str) -> str:
    """A column of the source as SQL: bare where that is safe, in double quotes elsewhere."""
    if _PLAIN.match(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal."""
    return "'" + text.replace("'", "''") + "'"


def comment(text: str, longest: int = 160) -> str:
    """Text from the data, fit for one line of comment: no control characters, no placeholder, bounded."""
    flat = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text)
    flat = flat.replace("${", "$ {")
    return flat if len(flat) <= longest else flat[: longest - 3] + "..."


def safe(name: str) -> str:
    """The nearest safe name: `Miles per Gallon` becomes `miles_per_gallon`, `order` becomes `order_`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    ascii_only = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode()
    word = re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_")[:_LONGEST].strip("_")
    if not word:
        return "field"
    if word[0].isdigit():
        return f"n{word}"
    return f"{word}_" if word in RESERVED else word


class Names:
    """Hands out safe names, each once. `id`, `known_label` and `label_source` are taken from the start.

    Names that begin with `bad_` are kept for the columns that count what is malformed.
    """

    def __init__(self) -> None:
        self._taken = {"id", "known_label", "label_source", "label_outside", "bad_label"}

    def take(self, name: str) -> str:
        """A safe name near `name` that nobody has yet."""
        base = safe(name)
        return self._first_free(f"is_{base}" if base.startswith("bad_") else base)

    def take_bad(self, name: str) -> str:
        """The name of the column that counts where `name` is malformed."""
        return self._first_free(f"bad_{name}")

    def _first_free(self, base: str) -> str:
        found, number = base, 2
        while found in self._taken:
            found, number = f"{base}_{number}", number + 1
        self._taken.add(found)
        return found
