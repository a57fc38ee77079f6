"""Digests and byte encodings that DuckDB lacks or spells otherwise."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib

from agecli.engines.runtime.errors import TrinoError

_P1, _P2, _P3, _P4, _P5 = (
    11400714785074694791,
    14029467366897019727,
    1609587929392839161,
    9650029242287828579,
    2870177450012600261,
)
_MASK = (1 << 64) - 1


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(lane: int, word: int) -> int:
    return _rotate((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def xxhash64(value: bytes) -> bytes:
    """XXH64 with seed 0, big-endian."""
    size, at = len(value), 0
    if size >= 32:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        while at + 32 <= size:
            for lane in range(4):
                word = int.from_bytes(value[at + 8 * lane : at + 8 * lane + 8], "little")
                lanes[lane] = _round(lanes[lane], word)
            at += 32
        state = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            state = ((state ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        state = _P5
    return _finish((state + size) & _MASK, value[at:]).to_bytes(8, "big")


def _finish(state: int, rest: bytes) -> int:
    at = 0
    while at + 8 <= len(rest):
        word = int.from_bytes(rest[at : at + 8], "little")
        state = (_rotate(state ^ _round(0, word), 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= len(rest):
        word = int.from_bytes(rest[at : at + 4], "little")
        state = (_rotate(state ^ (word * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in rest[at:]:
        state = _rotate(state ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    state = (state ^ (state >> 33)) * _P2 & _MASK
    state = (state ^ (state >> 29)) * _P3 & _MASK
    return state ^ (state >> 32)


def crc32(value: bytes) -> int:
    """CRC-32 as a non-negative number."""
    return zlib.crc32(value)


def sha512(value: bytes) -> bytes:
    """SHA-512."""
    return hashlib.sha512(value).digest()


def hmac_of(value: bytes, key: bytes, digest: str) -> bytes:
    """HMAC with a digest of hashlib's name."""
    return hmac.new(key, value, digest).digest()


def from_base64(text: str) -> bytes:
    """java.util.Base64: padding may be missing, nothing else may stand between."""
    return _from_base64(text, url=False)


def from_base64url(text: str) -> bytes:
    """As `from_base64`, with - and _."""
    return _from_base64(text, url=True)


def _from_base64(text: str, *, url: bool) -> bytes:
    body = text.rstrip("=")
    padding = len(text) - len(body)
    allowed = "-_" if url else "+/"
    if (
        padding > 2
        or (padding and (len(text) % 4 or len(body) % 4 == 0))
        or len(body) % 4 == 1
        or not all((c.isascii() and c.isalnum()) or c in allowed for c in body)
    ):
        raise TrinoError("not base64")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=allowed.encode())
    except binascii.Error as bad:
        raise TrinoError("not base64") from bad


def from_hex(text: str) -> bytes:
    """Pairs of hexadecimal digits."""
    if len(text) % 2 or not all(c in "0123456789abcdefABCDEF" for c in text):
        raise TrinoError("not hexadecimal")
    return bytes.fromhex(text)


def from_big_endian(value: bytes, size: int) -> int:
    """A signed integer from exactly `size` bytes."""
    if len(value) != size:
        raise TrinoError(f"expected {size} bytes")
    return int.from_bytes(value, "big", signed=True)
