"""Values out of JSON that may be anything: what is not of the kind asked for is as good as absent."""

from __future__ import annotations

import orjson

from sbomkit.catalogers.base import ParseError


def json_value(raw: bytes) -> object:
    """Raises ParseError for what is no JSON. A byte order mark is passed over."""
    try:
        value: object = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error}") from None
    return value


def mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """A string without the space around it; a number as its digits; "" for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def texts(value: object) -> list[str]:
    """The strings of a list; of a single string, that one."""
    found = [text(item) for item in entries(value)] if isinstance(value, list) else [text(value)]
    return [item for item in found if item]


def kept(**pairs: str) -> tuple[tuple[str, str], ...]:
    """Extras: those that are not empty, sorted; `_` in a key is the colon after the ecosystem."""
    return tuple(sorted((key.replace("_", ":", 1).replace("_", "-"), value) for key, value in pairs.items() if value))
