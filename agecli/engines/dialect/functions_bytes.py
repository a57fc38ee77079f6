"""Functions of varbinary: encodings, digests, and the texts they are made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agecli.engines.dialect.registry import Call, provide, register
from agecli.engines.runtime import hashing, text
from agecli.engines.runtime.arrow import udf


def _exact(name: str, body: Callable[..., Any], parameters: list[str], result: str, *, fails: bool = False) -> None:
    """A function that only the runtime has."""
    places = ", ".join(f"{{{i}}}" for i in range(len(parameters)))
    loud = provide(udf(f"ag_{name}", body, parameters, result))
    quiet = provide(udf(f"ag_try_{name}", body, parameters, result, quiet=True)) if fails else loud
    register(name, parameters, result, f"{loud}({places})", quiet=f"{quiet}({places})", fails=fails)


def _joined(call: Call) -> str:
    return "(" + " || ".join(a.sql for a in call.args) + ")"


def _part(call: Call) -> str:
    """Bytes from a position: two hexadecimal digits each."""
    start, length = call.integer(1), call.integer(2) if len(call) == 3 else None
    if start < 1 or (length is not None and length < 0):
        raise call.refusal("the start has to be positive, the length not negative")
    more = "" if length is None else f", {2 * length}"
    return f"unhex(substr(hex({call[0]}), {2 * start - 1}{more}))"


def _encodings() -> None:
    register("concat", ["varbinary", "varbinary..."], "varbinary", emit=_joined)
    for parameters in (["varbinary", "bigint"], ["varbinary", "bigint", "bigint"]):
        for name in ("substr", "substring"):
            register(name, parameters, "varbinary", emit=_part)
    register("to_utf8", ["varchar"], "varbinary", "encode({0})")
    _exact("from_utf8", _from_utf8, ["varbinary"], "varchar")
    register("to_hex", ["varbinary"], "varchar", "hex({0})")
    register("to_base64", ["varbinary"], "varchar", "to_base64({0})")
    register("to_base64url", ["varbinary"], "varchar", "translate(to_base64({0}), '+/', '-_')")
    for name in ("from_hex", "from_base64", "from_base64url"):
        _exact(name, getattr(hashing, name), ["varchar"], "varbinary", fails=True)
    _exact("from_big_endian_64", _signed(8), ["varbinary"], "bigint", fails=True)
    _exact("from_big_endian_32", _signed(4), ["varbinary"], "integer", fails=True)
    _exact("to_big_endian_64", _unsigned(8), ["bigint"], "varbinary")
    _exact("to_big_endian_32", _unsigned(4), ["integer"], "varbinary")


def _from_utf8(value: bytes) -> str:
    return text.from_utf8(value)


def _signed(size: int) -> Callable[[bytes], int]:
    def read(value: bytes) -> int:
        return hashing.from_big_endian(value, size)

    return read


def _unsigned(size: int) -> Callable[[int], bytes]:
    def write(value: int) -> bytes:
        return value.to_bytes(size, "big", signed=True)

    return write


def _digests() -> None:
    for name in ("md5", "sha1", "sha256"):
        register(name, ["varbinary"], "varbinary", f"unhex({name}({{0}}))")
    _exact("sha512", hashing.sha512, ["varbinary"], "varbinary")
    _exact("xxhash64", hashing.xxhash64, ["varbinary"], "varbinary")
    _exact("crc32", hashing.crc32, ["varbinary"], "bigint")
    for digest in ("md5", "sha1", "sha256", "sha512"):
        _exact(f"hmac_{digest}", _hmac(digest), ["varbinary", "varbinary"], "varbinary")


def _hmac(digest: str) -> Callable[[bytes, bytes], bytes]:
    def body(value: bytes, key: bytes) -> bytes:
        return hashing.hmac_of(value, key, digest)

    return body


_encodings()
_digests()
