"""JSON as packages carry it: one object, from bytes that nobody vouches for."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from sbomkit.catalogers.base import ParseError


def load_object(raw: bytes) -> Mapping[str, object]:
    """The object in the file: a byte order mark and foreign encodings are forgiven, of double keys the last counts.

    Raises ParseError for anything else; orjson refuses more than 1,024 levels of nesting.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as first:
        try:
            content = orjson.loads(raw.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            raise ParseError(f"not JSON: {first}") from None
    if not isinstance(content, dict):
        raise ParseError("JSON, but not an object")
    return content
