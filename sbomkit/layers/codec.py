"""Layer records as bytes and back, without pickle: JSON in which every fact says which dataclass it is.

A fact's type must be a dataclass of this package; its module is imported when a record that holds one is read.
Fields go by their names, so that a record of another version's dataclass is refused rather than misread.

    scalar -> itself        tuple -> [...]             dataclass -> {"t": index into types, "v": [fields]}
    bytes -> {"b": hex}     frozenset -> {"s": [...]}  mapping -> {"m": [[key, value], ...]}
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import re
from collections.abc import Callable, Mapping
from typing import cast

import orjson

from sbomkit.layers.record import Entry, Facts, LayerRecord
from sbomkit.layers.select import Fact
from sbomkit.model.inventory import Issue

_MODULE = re.compile(r"sbomkit(\.[a-z_][a-z0-9_]*)+\Z")


class NotStorable(Exception):
    """The value has no place in the format, or the bytes are not a record of this version."""


def encode(record: LayerRecord) -> bytes:
    """Raises NotStorable for facts that hold other things than plain values and dataclasses."""
    packer = _Packer()
    facts = [
        [path, [[name, [packer.pack(fact) for fact in learned]] for name, learned in sorted(by.items())]]
        for path, by in record.facts.items()
    ]
    value = {
        "diff_id": record.diff_id,
        "entries": [[*entry] for entry in record.entries],
        "whiteouts": record.whiteouts,
        "opaques": record.opaques,
        "issues": [[issue.path, issue.reason, issue.layer, issue.cataloger] for issue in record.issues],
        "facts": facts,
        "types": packer.described,
    }
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise NotStorable(str(error)) from None


def decode(raw: bytes) -> LayerRecord:
    """Raises NotStorable for anything that `encode` of this version did not make."""
    try:
        value = orjson.loads(raw)
        makers = [_maker(name, tuple(fields)) for name, fields in value["types"]]
        facts: dict[str, Facts] = {
            path: {name: tuple(cast(Fact, _unpack(fact, makers)) for fact in learned) for name, learned in by}
            for path, by in value["facts"]
        }
        return LayerRecord(
            _text(value["diff_id"]),
            tuple(Entry(*entry) for entry in value["entries"]),
            tuple(value["whiteouts"]),
            tuple(value["opaques"]),
            facts,
            tuple(Issue(*issue) for issue in value["issues"]),
        )
    except (
        orjson.JSONDecodeError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise NotStorable(f"{type(error).__name__}: {error}") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NotStorable("a text was expected")
    return value


class _Packer:
    def __init__(self) -> None:
        self.described: list[tuple[str, list[str]]] = []
        self._known: dict[type, tuple[int, tuple[str, ...]]] = {}

    def pack(self, value: object) -> object:
        kind = type(value)
        if value is None or kind in (str, bool, int):
            return value
        if kind is float and math.isfinite(cast(float, value)):
            return value
        if kind is tuple:
            return [self.pack(item) for item in cast(tuple[object, ...], value)]
        if kind is bytes:
            return {"b": cast(bytes, value).hex()}
        if kind is frozenset:
            packed = [self.pack(item) for item in cast(frozenset[object], value)]
            return {"s": sorted(packed, key=lambda item: orjson.dumps(item))}
        if isinstance(value, Mapping):
            return {"m": [[self.pack(key), self.pack(item)] for key, item in value.items()]}
        index, fields = self._type(kind)
        return {"t": index, "v": [self.pack(getattr(value, field)) for field in fields]}

    def _type(self, kind: type) -> tuple[int, tuple[str, ...]]:
        known = self._known.get(kind)
        if known is None:
            name = f"{kind.__module__}:{kind.__qualname__}"
            if not dataclasses.is_dataclass(kind) or not _MODULE.match(kind.__module__) or "." in kind.__qualname__:
                raise NotStorable(f"a {name} cannot be stored")
            fields = tuple(field.name for field in dataclasses.fields(kind) if field.init)
            known = self._known[kind] = (len(self.described), fields)
            self.described.append((name, list(fields)))
        return known


def _maker(name: str, fields: tuple[str, ...]) -> Callable[..., object]:
    module, _, attribute = name.partition(":")
    if not _MODULE.match(module):
        raise NotStorable(f"{name} is not of this package")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except ImportError:
        raise NotStorable(f"there is no {name}") from None
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind) or kind.__module__ != module:
        raise NotStorable(f"{name} is no dataclass")
    if fields != tuple(field.name for field in dataclasses.fields(kind) if field.init):
        raise NotStorable(f"{name} has other fields now")
    keywords = any(field.kw_only for field in dataclasses.fields(kind))
    if keywords:
        return lambda *values: kind(**dict(zip(fields, values, strict=True)))
    return kind


def _unpack(value: object, makers: list[Callable[..., object]]) -> object:
    if isinstance(value, list):
        return tuple(item if type(item) is str else _unpack(item, makers) for item in value)
    if not isinstance(value, dict):
        return value
    if "t" in value:
        return makers[value["t"]](*(item if type(item) is str else _unpack(item, makers) for item in value["v"]))
    if "b" in value:
        return bytes.fromhex(value["b"])
    if "s" in value:
        return frozenset(_unpack(item, makers) for item in value["s"])
    return {_unpack(key, makers): _unpack(item, makers) for key, item in value["m"]}
