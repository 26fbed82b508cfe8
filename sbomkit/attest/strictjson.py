"""JSON that every parser reads the same way: no duplicate keys, no NaN, no trailing data, UTF-8 only.

Two parsers that disagree about a document are how a verifier is made to check one thing and a consumer to use another.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from sbomkit.attest.collector import paused_for


class JsonError(ValueError):
    """The bytes are not strict JSON."""


class DuplicateKey(JsonError):
    """An object holds the same key twice."""


class CaseVariant(JsonError):
    """A key differs from a known one by case only; a case-insensitive parser would take it for that one."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise DuplicateKey(f"key {twice[:80]!r} occurs twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise JsonError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def parse(raw: bytes) -> Any:
    """Read one JSON value. Raises JsonError; DuplicateKey for a key that occurs twice, at any depth."""
    try:
        with paused_for(len(raw)):
            return _DECODER.decode(raw.decode("utf-8"))
    except JsonError:
        raise
    except UnicodeDecodeError as error:
        raise JsonError(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise JsonError("nested too deeply") from error
    except ValueError as error:
        raise JsonError(str(error)[:200]) from error


def refuse_case_variants(found: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise CaseVariant when a key folds to a known key without being it. https://pkg.go.dev/encoding/json#Unmarshal"""
    folded = {name.casefold(): name for name in known}
    for key in found:
        name = folded.get(key.casefold())
        if name is not None and name != key:
            raise CaseVariant(f"key {key[:80]!r} is a case variant of {name!r}")


def refuse_unknown(found: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise JsonError for a key that a format does not have, as protobuf's JSON demands of its readers."""
    unknown = next((key for key in found if key not in known), None)
    if unknown is not None:
        raise JsonError(f"there is no field {unknown[:80]!r} here")


def unbase64(text: object, what: str, *, url_safe: bool = False) -> bytes:
    """Decode canonical base64. `url_safe` also takes the URL alphabet, as DSSE demands. Raises JsonError."""
    if not isinstance(text, str):
        raise JsonError(f"{what} is not a base64 string")
    if url_safe and ("-" in text or "_" in text):
        if "+" in text or "/" in text:
            raise JsonError(f"{what} mixes two base64 alphabets")
        text = text.replace("-", "+").replace("_", "/")
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise JsonError(f"{what} is not base64: {error}") from error
    # several texts decode to the same bytes when the last character has spare bits: only one of them is the encoding
    last = raw[-(len(raw) % 3 or 3) :]
    if len(text) != (len(raw) + 2) // 3 * 4 or base64.b64encode(last).decode() != text[-4:]:
        raise JsonError(f"{what} is not canonical base64")
    return raw
