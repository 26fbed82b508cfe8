"""Reads sbomkit's own inventory from plain values, fast: types are checked in bulk while the values are made.

Whatever does not fit gives None; whoever called then lets the schema say what is wrong, and where. It is as strict as
the schema, and takes a fifth of the time that the schema and an object at a time take together.
"""

from __future__ import annotations

from typing import Any, get_args

from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, CoverageStatus, EcosystemCoverage, Inventory, Issue, LayerInfo, Subject
from sbomkit.model.package import Kind, License, Location, Package, Relationship, RelationshipKind, Technique

Json = dict[str, Any]
Known = dict[str, tuple[object, Package]]
"""What was read before, by purl: an equal entry of another document becomes the same package, at no cost."""

_TEXT = {str}
_TOP = frozenset(("format", "version", "subject", "distro", "coverage", "packages", "relationships", "issues"))
_MAY = _TOP | {"$schema", "tool", "timestamp"}
_KINDS = frozenset(get_args(Kind))
_TECHNIQUES = frozenset(get_args(Technique))
_EDGES = frozenset(get_args(RelationshipKind))
_STATUS = frozenset(get_args(CoverageStatus))
_SUBJECTS = frozenset(("container", "filesystem"))


class _Misfit(Exception):
    """Not as the schema wants it."""


def read(document: object, known: Known | None = None) -> Inventory | None:
    """The inventory; None where the document is not as the schema wants it."""
    try:
        return _Reading(known).inventory(document)
    except (_Misfit, TypeError, ValueError, AttributeError, KeyError):
        return None


def _need(holds: bool) -> None:
    if not holds:
        raise _Misfit


def _texts(entry: Json) -> Json:
    """The entry, all of whose values are strings."""
    _need(type(entry) is dict and set(map(type, entry.values())) <= _TEXT)
    return entry


def _list(value: object) -> list[Any]:
    if type(value) is not list:
        raise _Misfit
    return value


def _strings(value: object) -> tuple[str, ...]:
    found = tuple(_list(value))
    _need(set(map(type, found)) <= _TEXT)
    return found


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    found = tuple([(key, text) for key, text in _list(value)])
    for key, text in found:
        _need(type(key) is str and type(text) is str)
    return found


class _Reading:
    def __init__(self, known: Known | None) -> None:
        self._known = known
        self._licenses: dict[tuple[object, ...], License] = {}
        self._locations: dict[tuple[str, str], Location] = {}

    def inventory(self, document: object) -> Inventory:
        if type(document) is not dict or not _TOP <= document.keys() <= _MAY:
            raise _Misfit
        _need(document["format"] == "sbomkit-inventory" and document["version"] == "1")
        tool = _texts(document.get("tool", {"name": "", "version": ""}))
        _need(tool.keys() == {"name", "version"})
        _texts({key: document[key] for key in ("$schema", "timestamp") if key in document})
        return Inventory(
            _subject(document["subject"]),
            self._packages(_list(document["packages"])),
            _relationships(_list(document["relationships"])),
            _distro(document["distro"]),
            _coverage(document["coverage"]),
            tuple([Issue(**_texts(entry)) for entry in _list(document["issues"])]),
        )

    def _packages(self, entries: list[Json]) -> tuple[Package, ...]:
        known = self._known
        if known is None:
            return tuple([self._package(entry) for entry in entries])
        found = []
        for entry in entries:
            before = known.get(entry["purl"])
            if before is not None and before[0] == entry:
                found.append(before[1])
                continue
            package = self._package(entry)
            known[package.purl] = entry, package
            found.append(package)
        return tuple(found)

    def _package(self, entry: Json) -> Package:
        fields: Json = {}
        for key, value in entry.items():
            if type(value) is str:
                fields[key] = value
            elif key == "locations":
                fields[key] = tuple([self._location(item) for item in _list(value)])
            elif key == "licenses":
                fields[key] = tuple([self._license(item) for item in _list(value)])
            elif key == "extra":
                fields[key] = _pairs(value)
            elif key == "cpes":
                fields[key] = _strings(value)
            elif key == "hashes":
                fields[key] = tuple([Digest.parse(text) for text in _strings(value)])
            else:
                _need(key == "confidence" and type(value) in (float, int) and 0 <= value <= 1)
                fields[key] = value
        for key in fields.keys() & _NO_TEXTS:
            _need(type(fields[key]) is not str)
        _need(fields.get("kind", "library") in _KINDS and fields.get("technique", "other") in _TECHNIQUES)
        return Package(**fields)

    def _license(self, entry: Json) -> License:
        key = tuple(entry.items())
        found = self._licenses.get(key)
        if found is None:
            fields = dict(entry)
            concluded = fields.pop("concluded", False)
            _texts(fields)
            _need(type(concluded) is bool)
            found = self._licenses[key] = License(**fields, concluded=concluded)
        return found

    def _location(self, entry: Json) -> Location:
        key = entry["path"], entry.get("layer", "")
        found = self._locations.get(key)
        if found is None:
            found = self._locations[key] = Location(**_texts(entry))
        _need(len(entry) == (2 if "layer" in entry else 1))
        return found


_NO_TEXTS = frozenset(("locations", "licenses", "extra", "cpes", "hashes", "confidence"))


def _relationships(entries: list[Json]) -> tuple[Relationship, ...]:
    found = tuple([Relationship(entry["source"], entry["kind"], entry["target"]) for entry in entries])
    _need({edge.kind for edge in found} <= _EDGES)
    _need(set(map(len, entries)) <= {3})
    _need({type(edge.source) for edge in found} | {type(edge.target) for edge in found} <= _TEXT)
    return found


def _subject(entry: Json) -> Subject:
    fields = dict(entry)
    layers = tuple([_layer(layer) for layer in _list(fields.pop("layers", []))])
    config = _pairs(fields.pop("config", []))
    _texts(fields)
    _need(fields.get("kind") in _SUBJECTS)
    for key in fields.keys() & {"digest", "image_id"}:
        fields[key] = Digest.parse(fields[key])
    return Subject(**fields, layers=layers, config=config)


def _layer(entry: Json) -> LayerInfo:
    fields = dict(entry)
    size = fields.pop("size", None)
    _need("size" not in entry or (type(size) is int and size >= 0))
    return LayerInfo(**_texts(fields), size=size)


def _distro(entry: Json) -> Distro:
    fields = dict(entry)
    like = _strings(fields.pop("id_like", []))
    return Distro(**_texts(fields), id_like=like)


def _coverage(entry: Json) -> Coverage:
    _need(entry.keys() <= {"status", "reasons", "ecosystems"} and entry["status"] in _STATUS)
    ecosystems = tuple([_ecosystem(item) for item in _list(entry.get("ecosystems", []))])
    return Coverage(entry["status"], _strings(entry.get("reasons", [])), ecosystems)


def _ecosystem(entry: Json) -> EcosystemCoverage:
    fields = dict(entry)
    packages = fields.pop("packages")
    reasons = _strings(fields.pop("reasons", []))
    _need(type(packages) is int and packages >= 0 and fields.get("status") in _STATUS)
    return EcosystemCoverage(**_texts(fields), packages=packages, reasons=reasons)
