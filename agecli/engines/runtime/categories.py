"""Unicode's general categories as Joni has them: those of Unicode 6, found by asking Trino for every character.

Python's `unicodedata` knows more characters and has moved some; the ranges here say which. Beyond them the two agree.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from agecli.engines.runtime.characters import LAST, SPACE, Ranges, merged


def _read(text: str) -> Ranges:
    ends = (part.partition("-") for part in text.split())
    return tuple((int(low, 16), int(high or low, 16)) for low, _, high in ends)


_NEWER = _read("""
    378-379 37f-383 38b 38d 3a2 528-530 557-558 560 588 58b-58e 590 5c8-5cf 5eb-5ef 5f5-5ff 61d 70e 74b-74c 7b2-7bf
    7fb-7ff 82e-82f 83f 85c-85d 85f-89f 8a1 8ad-8e3 8ff 978 980 984 98d-98e 991-992 9a9 9b1 9b3-9b5 9ba-9bb 9c5-9c6
    9c9-9ca 9cf-9d6 9d8-9db 9de 9e4-9e5 9fc-a00 a04 a0b-a0e a11-a12 a29 a31 a34 a37 a3a-a3b a3d a43-a46 a49-a4a
    a4e-a50 a52-a58 a5d a5f-a65 a76-a80 a84 a8e a92 aa9 ab1 ab4 aba-abb ac6 aca ace-acf ad1-adf ae4-ae5 af2-b00 b04
    b0d-b0e b11-b12 b29 b31 b34 b3a-b3b b45-b46 b49-b4a b4e-b55 b58-b5b b5e b64-b65 b78-b81 b84 b8b-b8d b91 b96-b98
    b9b b9d ba0-ba2 ba5-ba7 bab-bad bba-bbd bc3-bc5 bc9 bce-bcf bd1-bd6 bd8-be5 bfb-c00 c04 c0d c11 c29 c34 c3a-c3c
    c45 c49 c4e-c54 c57 c5a-c5f c64-c65 c70-c77 c80-c81 c84 c8d c91 ca9 cb4 cba-cbb cc5 cc9 cce-cd4 cd7-cdd cdf
    ce4-ce5 cf0 cf3-d01 d04 d0d d11 d3b-d3c d45 d49 d4f-d56 d58-d5f d64-d65 d76-d78 d80-d81 d84 d97-d99 db2 dbc dbe-
    dbf dc7-dc9 dcb-dce dd5 dd7 de0-df1 df5-e00 e3b-e3e e5c-e80 e83 e85-e86 e89 e8b-e8c e8e-e93 e98 ea0 ea4 ea6
    ea8-ea9 eac eba ebe-ebf ec5 ec7 ece-ecf eda-edb ee0-eff f48 f6d-f70 f98 fbd fcd fdb-fff 10c6 10c8-10cc 10ce-10cf
    1249 124e-124f 1257 1259 125e-125f 1289 128e-128f 12b1 12b6-12b7 12bf 12c1 12c6-12c7 12d7 1311 1316-1317
    135b-135c 137d-137f 139a-139f 13f5-13ff 169d-169f 16f1-16ff 170d 1715-171f 1737-173f 1754-175f 176d 1771
    1774-177f 17de-17df 17ea-17ef 17fa-17ff 180f 181a-181f 1878-187f 18ab-18af 18f6-18ff 191d-191f 192c-192f
    193c-193f 1941-1943 196e-196f 1975-197f 19ac-19af 19ca-19cf 19db-19dd 1a1c-1a1d 1a5f 1a7d-1a7e 1a8a-1a8f
    1a9a-1a9f 1aae-1aff 1b4c-1b4f 1b7d-1b7f 1bf4-1bfb 1c38-1c3a 1c4a-1c4c 1c80-1cbf 1cc8-1ccf 1cf7-1cff 1de7-1dfb
    1f16-1f17 1f1e-1f1f 1f46-1f47 1f4e-1f4f 1f58 1f5a 1f5c 1f5e 1f7e-1f7f 1fb5 1fc5 1fd4-1fd5 1fdc 1ff0-1ff1 1ff5
    1fff 2065 2072-2073 208f 209d-209f 20ba-20cf 20f1-20ff 218a-218f 23f4-23ff 2427-243f 244b-245f 2700 2b4d-2b4f
    2b5a-2bff 2c2f 2c5f 2cf4-2cf8 2d26 2d28-2d2c 2d2e-2d2f 2d68-2d6e 2d71-2d7e 2d97-2d9f 2da7 2daf 2db7 2dbf 2dc7
    2dcf 2dd7 2ddf 2e3c-2e7f 2e9a 2ef4-2eff 2fd6-2fef 2ffc-2fff 3040 3097-3098 3100-3104 312e-3130 318f 31bb-31bf
    31e4-31ef 321f 32ff 4db6-4dbf 9fcd-9fff a48d-a48f a4c7-a4cf a62c-a63f a698-a69e a6f8-a6ff a78f a794-a79f
    a7ab-a7f7 a82c-a82f a83a-a83f a878-a87f a8c5-a8cd a8da-a8df a8fc-a8ff a954-a95e a97d-a97f a9ce a9da-a9dd
    a9e0-a9ff aa37-aa3f aa4e-aa4f aa5a-aa5b aa7c-aa7f aac3-aada aaf7-ab00 ab07-ab08 ab0f-ab10 ab17-ab1f ab27
    ab2f-abbf abee-abef abfa-abff d7a4-d7af d7c7-d7ca d7fc-d7ff fa6e-fa6f fada-faff fb07-fb12 fb18-fb1c fb37 fb3d
    fb3f fb42 fb45 fbc2-fbd2 fd40-fd4f fd90-fd91 fdc8-fdef fdfe-fdff fe1a-fe1f fe27-fe2f fe53 fe67 fe6c-fe6f fe75
    fefd-ff00 ffbf-ffc1 ffc8-ffc9 ffd0-ffd1 ffd8-ffd9 ffdd-ffdf ffe7 ffef-fff8 fffe-ffff 1000c 10027 1003b 1003e
    1004e-1004f 1005e-1007f 100fb-100ff 10103-10106 10134-10136 1018b-1018f 1019c-101cf 101fe-1027f 1029d-1029f
    102d1-102ff 1031f 10324-1032f 1034b-1037f 1039e 103c4-103c7 103d6-103ff 1049e-1049f 104aa-107ff 10806-10807
    10809 10836 10839-1083b 1083d-1083e 10856 10860-108ff 1091c-1091e 1093a-1093e 10940-1097f 109b8-109bd
    109c0-109ff 10a04 10a07-10a0b 10a14 10a18 10a34-10a37 10a3b-10a3e 10a48-10a4f 10a59-10a5f 10a80-10aff
    10b36-10b38 10b56-10b57 10b73-10b77 10b80-10bff 10c49-10e5f 10e7f-10fff 1104e-11051 11070-1107f 110c2-110cf
    110e9-110ef 110fa-110ff 11135 11144-1117f 111c9-111cf 111da-1167f 116b8-116bf 116ca-11fff 1236f-123ff
    12463-1246f 12474-12fff 1342f-167ff 16a39-16eff 16f45-16f4f 16f7f-16f8e 16fa0-1afff 1b002-1cfff 1d0f6-1d0ff
    1d127-1d128 1d1de-1d1ff 1d246-1d2ff 1d357-1d35f 1d372-1d3ff 1d455 1d49d 1d4a0-1d4a1 1d4a3-1d4a4 1d4a7-1d4a8
    1d4ad 1d4ba 1d4bc 1d4c4 1d506 1d50b-1d50c 1d515 1d51d 1d53a 1d53f 1d545 1d547-1d549 1d551 1d6a6-1d6a7
    1d7cc-1d7cd 1d800-1edff 1ee04 1ee20 1ee23 1ee25-1ee26 1ee28 1ee33 1ee38 1ee3a 1ee3c-1ee41 1ee43-1ee46 1ee48
    1ee4a 1ee4c 1ee50 1ee53 1ee55-1ee56 1ee58 1ee5a 1ee5c 1ee5e 1ee60 1ee63 1ee65-1ee66 1ee6b 1ee73 1ee78 1ee7d
    1ee7f 1ee8a 1ee9c-1eea0 1eea4 1eeaa 1eebc-1eeef 1eef2-1efff 1f02c-1f02f 1f094-1f09f 1f0af-1f0b0 1f0bf-1f0c0
    1f0d0 1f0e0-1f0ff 1f10b-1f10f 1f12f 1f16c-1f16f 1f19b-1f1e5 1f203-1f20f 1f23b-1f23f 1f249-1f24f 1f252-1f2ff
    1f321-1f32f 1f336 1f37d-1f37f 1f394-1f39f 1f3c5 1f3cb-1f3df 1f3f1-1f3ff 1f43f 1f441 1f4f8 1f4fd-1f4ff
    1f53e-1f53f 1f544-1f54f 1f568-1f5fa 1f641-1f644 1f650-1f67f 1f6c6-1f6ff 1f774-1ffff 2a6d7-2a6ff 2b735-2b73f
    2b81e-2f7ff 2fa1e-e00ff e01f0-10ffff
""")
"""letters, marks, numbers and punctuation in these ranges are later than Joni's Unicode"""
_MOVED = {
    "Lo": _read("10d0-10fa 10fd-10ff 13a0-13f4 1885-1886"),
    "P": _read("166d"),
    "Mn": _read("1734"),
    "Z": _read("180e"),
    "M": _read("19b0-19c0 19c8-19c9 1a1b 1bac-1bad 1cf2-1cf3 a9bd"),
    "S": _read("2308-230b"),
}
"""the category that characters had then"""
_OTHER_UPPER = _read("""
    2160-216f 24b6-24cf
""")
"""[[:upper:]] beyond Lu"""
_OTHER_LOWER = _read("""
    aa ba 2b0-2b8 2c0-2c1 2e0-2e4 345 37a 1d2c-1d6a 1d78 1d9b-1dbf 2071 207f 2090-209c 2170-217f 24d0-24e9 2c7c-2c7d
    a770 a7f8-a7f9
""")
"""[[:lower:]] beyond Ll"""
_OTHER_ALPHA = _read("""
    16ee-16f0 2160-2182 2185-2188 24b6-24e9 3007 3021-3029 3038-303a a6e6-a6ef 10140-10174 10341 1034a 103d1-103d5
    12400-12462
""")
"""[[:alpha:]] beyond letters and marks"""
_NOT_ALPHA = _read("""
    300-344 346-5af 658 6df-6e0 6ea-6ec 740-74a 7eb-7f3 818-819 82d-85b 8ea-8ef 93c 94d 951-954 9bc 9cd a3c a4d abc
    acd b3c b4d bcd c4d cbc ccd d4d dca e47-e4c e4e ec8-ecc f18-f3f f82-f87 fc6 1037 1039-103a 1063-1064 1069-106d
    1087-109b 135d-135e 1714 1734 17b4-17b5 17c9-180d 1939-193b 1a60 1a75-1a7f 1b34 1b44-1b73 1baa-1bab 1be6
    1bf2-1bf3 1c36-1ced 1cf4-2d7f 302a-a672 a67c-a67d a6f0-a80b a8c4-a8f1 a92b-a92d a953 a9b3 a9c0 aa7b aabf-aac1
    aaf6 abec-abed fe00-101fd 10a38-10a3f 11046-11081 110b9-110ba 11133-11134 111c0 116b6-116b7 16f8f-e01ef
""")
"""marks in these ranges are not [[:alpha:]]"""
_SPACES = _read("""
    9-d 20 85 a0 1680 180e 2000-200a 2028-2029 202f 205f 3000
""")
"""[[:space:]]"""


def _spread(ranges: Ranges) -> set[int]:
    return {code for low, high in ranges for code in range(low, high + 1)}


@cache
def _categories() -> dict[str, set[int]]:
    """Characters by category (two letters), without those that Joni does not know."""
    found: dict[str, set[int]] = {}
    moved = {code: kind for kind, ranges in _MOVED.items() for code in _spread(ranges)}
    newer = _spread(_NEWER)
    for code in range(LAST + 1):
        kind = moved.get(code) or unicodedata.category(chr(code))
        if kind[0] in "LMNP" and (code in moved or code not in newer):
            found.setdefault(kind, set()).add(code)
    return found


def _category(name: str) -> set[int]:
    return set().union(*(codes for kind, codes in _categories().items() if kind.startswith(name)))


PROPERTIES = frozenset(("L", "Lu", "Ll", "M", "N", "Nd", "P"))
BRACKETS = frozenset(("alpha", "digit", "alnum", "upper", "lower", "punct", "space"))


@cache
def of_property(name: str) -> Ranges:
    r"""The characters of `\p{name}`, a name of PROPERTIES."""
    return merged((code, code) for code in _category(name))


@cache
def of_bracket(name: str) -> Ranges:
    """The characters of `[:name:]`, a name of BRACKETS."""
    if name == "space":
        return merged((*SPACE, *_SPACES))
    if name == "punct":
        return of_property("P")
    if name == "digit":
        return of_property("Nd")
    if name in ("upper", "lower"):
        upper = name == "upper"
        return merged((*of_property("Lu" if upper else "Ll"), *(_OTHER_UPPER if upper else _OTHER_LOWER)))
    marks = _category("M") - _spread(_NOT_ALPHA)
    alpha = merged((*of_property("L"), *((code, code) for code in marks), *_OTHER_ALPHA))
    return alpha if name == "alpha" else merged((*alpha, *of_property("Nd")))
