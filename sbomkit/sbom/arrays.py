"""JSON documents with long arrays, written a few entries at a time.

A document of 50,000 packages as plain values is some millions of dicts: hundreds of megabytes, which the garbage
collector walks again and again. Turned into JSON in small groups, the values die young, and the bytes are copied once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from sbomkit.sbom.text import plain_without_surrogates

_GROUP = 16
"""Few enough that the next group reuses the memory of the last: measured, from 1 to 200."""


def dump(document: dict[str, Any]) -> bytes:
    """An object in JSON with a line end; members that are iterators become arrays. Raises TypeError for surrogates."""
    return b"".join(_pieces(document))


def _pieces(document: dict[str, Any]) -> Iterator[bytes]:
    mark = b"{"
    for key, value in document.items():
        yield mark + orjson.dumps(key) + b":"
        if isinstance(value, Iterator):
            yield b"["
            for index, group in enumerate(groups(value)):
                yield (b"," if index else b"") + orjson.dumps(group)[1:-1]
            yield b"]"
        else:
            yield orjson.dumps(value)
        mark = b","
    yield b"}\n" if mark == b"," else b"{}\n"


def text_of(value: Any) -> str:
    """A small value in JSON, as the text of a field; lone surrogates are written out."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return orjson.dumps(plain_without_surrogates(value)).decode()


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """The same with lists instead of iterators."""
    return {key: list(value) if isinstance(value, Iterator) else value for key, value in document.items()}


def groups(entries: Iterable[Any]) -> Iterator[list[Any]]:
    """The entries in lists that are short enough to be forgotten soon."""
    rest = iter(entries)
    while group := list(islice(rest, _GROUP)):
        yield group
