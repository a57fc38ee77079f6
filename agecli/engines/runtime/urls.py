"""The url_ functions, by the rules of java.net.URI for the plain URLs that it and this reader take alike."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from agecli.engines.runtime.errors import GuardError, TrinoError
from agecli.engines.runtime.json_text import as_text

_plain = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?"
    r"(?://(?:(?P<user>[A-Za-z0-9._~!$&'()*+,;=:-]*)@)?(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.?)(?::(?P<port>[0-9]{1,9})?)?(?=[/?#]|\Z))?"
    r"(?P<path>(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])*)"
    r"(?:\?(?P<query>(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])*))?"
    r"(?:\#(?P<fragment>(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])*))?"
).fullmatch
_BAD_CHARACTERS = re.compile(
    r'[\x00-\x20"<>\\^`{|}\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|%(?![0-9A-Fa-f]{2})'
).search


def _parts(url: str) -> dict[str, str | None] | None:
    """The parts of a URL, still encoded; None where Java finds no URI either."""
    found = _plain(url)
    if found:
        parts = found.groupdict()
        host = parts["host"]
        if host is None and parts["scheme"] is None and ":" in (parts["path"] or "").split("/")[0]:
            return None  # Java takes what stands before the colon for a scheme, and it is none
        if host is None and (parts["path"] or "").startswith("//"):
            return _without_host(parts)
        if host is not None and not _java_host(host):
            return {**parts, "host": None, "port": None}
        if parts["scheme"] and host is None and not (parts["path"] or "").startswith("/"):
            return _opaque(parts)
        return parts
    if _BAD_CHARACTERS(url) or ("[" in url and "//[" not in url):
        return None
    raise GuardError("a URL whose parts are not known to be found alike")


_registry_name = re.compile(r"[A-Za-z0-9._\-\u00c0-\u024f]*").fullmatch


def _without_host(parts: dict[str, str | None]) -> dict[str, str | None] | None:
    """`file:///a`, and `http://a_b/c`, whose authority is no host for Java: only the path is left of it."""
    authority, slash, rest = (parts["path"] or "")[2:].partition("/")
    if not authority and not slash:
        return None
    if not _registry_name(authority):
        raise GuardError("a URL whose parts are not known to be found alike")
    return {**parts, "path": slash + rest}


def _opaque(parts: dict[str, str | None]) -> dict[str, str | None] | None:
    """`mailto:a@b`: a scheme and nothing that the url_ functions show."""
    if not parts["path"]:
        return None
    return {**parts, "path": None, "query": None}


def _java_host(host: str) -> bool:
    """Labels of letters, digits and inner hyphens, the last one beginning with a letter; or four small numbers."""
    labels = host.removesuffix(".").split(".")
    if re.fullmatch(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", host):
        return all(int(label) < 256 for label in labels)
    return all(re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", label) for label in labels) and (
        labels[-1][0].isalpha()
    )


def _part(url: str, name: str) -> str | None:
    parts = _parts(url)
    return None if parts is None else parts[name]


def host(url: str) -> str | None:
    parts = _parts(url)
    return None if parts is None else parts["host"] or ""


def protocol(url: str) -> str | None:
    parts = _parts(url)
    return None if parts is None else parts["scheme"] or ""


def path(url: str) -> str | None:
    parts = _parts(url)
    return None if parts is None else _decoded(parts["path"] or "")


def query(url: str) -> str | None:
    parts = _parts(url)
    return None if parts is None else _decoded(parts["query"] or "")


def fragment(url: str) -> str | None:
    parts = _parts(url)
    return None if parts is None else _decoded(parts["fragment"] or "")


def port(url: str) -> int | None:
    text = _part(url, "port")
    if not text:
        return None
    if int(text) >= 1 << 31:
        raise GuardError("a URL with a port beyond 31 bits")
    return int(text)


def parameter(url: str, name: str) -> str | None:
    parts = _parts(url)
    if parts is None or parts["query"] is None:
        return None
    for pair in parts["query"].split("&"):
        key, equals, value = pair.partition("=")
        if key == name:
            return _form_decoded(value) if equals else ""
    return None


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.*")


def encode(text: str) -> str:
    """application/x-www-form-urlencoded, space as +."""
    return "".join(chr(b) if b in _SAFE else "+" if b == 0x20 else f"%{b:02X}" for b in as_text(text).encode("utf-8"))


def decode(text: str) -> str:
    """java.net.URLDecoder: + is a space; a broken escape is an error."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise TrinoError("Illegal hex characters in escape (%) pattern")
    return _form_decoded(text)


def _form_decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")
