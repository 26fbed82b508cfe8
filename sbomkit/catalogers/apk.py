"""Alpine's packages, and those of its relatives (Wolfi, postmarketOS, ...): the text database of apk.

Records are blocks of `X:value` lines that end with an empty line; `F:` opens a directory, `R:` a file in it.
https://wiki.alpinelinux.org/wiki/Apk_spec and `apk_db_index_read` in apk-tools are the format's sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sbomkit.catalogers.base import (
    Cataloger,
    Fact,
    Finding,
    Issue,
    LayerFile,
    Ownership,
    Package,
    ParseError,
    Relationship,
    Selector,
    View,
    located,
)
from sbomkit.model import purl
from sbomkit.model.package import License

_WORLD = "world"
MAX_RECORDS = 200_000
MAX_LINES = 4_000_000
"""In one database, four for a file at most; far beyond any distribution, so that no flood fills the memory."""
MAX_PROVIDERS = 16
"""Edges for one dependency; real ones have one to three, and a database made to hurt has no say in how many."""

_CONSTRAINT = re.compile(r"[<>=~@]")


@dataclass(frozen=True, slots=True)
class ApkRecord:
    """One installed package, as its record says."""

    name: str
    version: str
    fields: tuple[tuple[str, str], ...] = ()
    """The other one-letter fields, as written, each once."""
    files: tuple[tuple[str, str, str], ...] = ()
    """Path from the root; checksum (`Q1` and a sha1 in base64; "" where none); `uid:gid:mode`, "" where usual."""

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.version}/{dict(self.fields).get('A', '')}"


@dataclass(frozen=True, slots=True)
class World:
    """What was asked for by name; the other packages came as dependencies."""

    names: tuple[str, ...]

    @property
    def identity(self) -> str:
        return ""


def parse(file: LayerFile) -> Iterator[Fact]:
    """The installed packages, or the world file's names (told apart by the path)."""
    raw = file.read()
    if file.path.endswith(_WORLD):
        yield World(tuple(sorted({_bare(word) for word in raw.decode("utf-8", "replace").split()} - {""})))
        return
    # Bytes that are not UTF-8 are spelled \xNN, as in the tree's names, so that files are found again.
    blocks = raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n").split("\n\n")
    cut = blocks.pop()
    nameless, records, lines = 0, 0, cut.count("\n")
    for block in blocks:
        if not block.strip("\n"):
            continue
        records, lines = records + 1, lines + block.count("\n")
        if records > MAX_RECORDS or lines > MAX_LINES:
            raise ParseError(f"more than {MAX_RECORDS} packages or {MAX_LINES} lines in one database")
        record = _record(block)
        if record is None:
            nameless += 1
        else:
            yield record
    if cut.strip():
        whole = cut.rstrip("\0")  # what a file system leaves of a file that was not written out
        # A record that ends at a line's end may lack files, but it names its package for sure.
        if lines <= MAX_LINES and whole.endswith("\n") and (record := _record(whole)) is not None:
            yield record
        raise ParseError("the database is cut off: its last record has no end")
    if nameless:
        raise ParseError(f"{nameless} records without a package name or version")


def _record(block: str) -> ApkRecord | None:
    """One record; None where it does not say what package it is about."""
    fields: dict[str, str] = {}
    files: list[tuple[str, str, str]] = []
    directory, name, checksum, acl = "", "", "", ""
    for line in block.split("\n"):
        key, value = line[:2], line[2:]
        if key == "R:":
            if name:
                files.append((directory + name, checksum, acl))
            name, checksum, acl = value, "", ""
        elif key == "Z:":
            checksum = value
        elif key == "F:":
            if name:
                files.append((directory + name, checksum, acl))
            directory, name = (value.strip("/") + "/" if value.strip("/") else ""), ""
        elif key == "a:":
            acl = value
        elif key[1:] == ":" and key != "M:":
            fields.setdefault(key[0], value.strip())
    if name:
        files.append((directory + name, checksum, acl))
    package, version = fields.pop("P", ""), fields.pop("V", "")
    if not package or not version:
        return None
    return ApkRecord(package, version, tuple(sorted(fields.items())), tuple(files))


def _bare(word: str) -> str:
    """The name in a dependency or a provide, without version constraint and repository tag; "" for a conflict."""
    return "" if word.startswith("!") else _CONSTRAINT.split(word, maxsplit=1)[0]


@dataclass(slots=True)
class _Installed:
    """The database while it is turned into findings."""

    package: Package
    record: ApkRecord
    fields: Mapping[str, str]


def assemble(view: View) -> Iterator[Finding]:
    """Packages, what they own, and edges from their dependencies to those that provide them."""
    world = {name for seen in view.facts(World) for name in seen.fact.names}
    installed: list[_Installed] = []
    for seen in view.facts(ApkRecord):
        fields = dict(seen.fact.fields)
        try:
            package = located(_package(seen.fact, fields, view, seen.fact.name in world), seen)
        except ValueError as error:
            yield Issue("/" + seen.path, f"package {seen.fact.name!r}: {error}", seen.layer, "apk")
            continue
        installed.append(_Installed(package, seen.fact, fields))
        yield package
        if seen.fact.files:
            yield Ownership(package.purl, tuple("/" + path for path, _, _ in seen.fact.files))
    yield from _edges(installed, view)


def _package(record: ApkRecord, fields: Mapping[str, str], view: View, asked_for: bool) -> Package:
    origin = fields.get("o", "")
    extra = {
        "apk:checksum": fields.get("C", ""),  # of the package's control part, so not a hash of the package
        "apk:commit": fields.get("c", ""),
        "apk:installed-size": fields.get("I", ""),
        "apk:build-time": fields.get("t", ""),
        "apk:repository-tag": fields.get("s", ""),
        "apk:broken": fields.get("f", ""),
        "apk:world": "true" if asked_for else "",
    }
    return Package(
        purl=purl.make_distro_package(
            "apk", record.name, record.version, view.distro, arch=fields.get("A", ""),
            upstream=origin if origin != record.name else "",
        ),
        type="apk",
        name=record.name,
        version=record.version,
        namespace=purl.vendor("apk", view.distro),
        cataloger="apk",
        licenses=(License(fields["L"]),) if fields.get("L") else (),
        supplier=fields.get("m", ""),
        homepage=fields.get("U", ""),
        description=fields.get("T", ""),
        source_name=origin,
        source_version=record.version if origin else "",
        extra=tuple(sorted((key, value) for key, value in extra.items() if value)),
    )  # fmt: skip


def _edges(installed: Iterable[_Installed], view: View) -> Iterator[Relationship]:
    """Every installed provider of a dependency: as apk does, a package of that very name comes before all others."""
    named: dict[str, list[str]] = {}
    provided: dict[str, list[str]] = {}
    for item in installed:
        _add(named, item.record.name, item.package.purl)
        for word in item.fields.get("p", "").split():
            _add(provided, _bare(word), item.package.purl)
    wanted = {item.package.purl: {_bare(w) for w in item.fields.get("D", "").split()} - {""} for item in installed}
    paths = {name for names in wanted.values() for name in names if name.startswith("/") and name not in provided}
    provided |= _owners(paths, installed, view)
    for source, names in sorted(wanted.items()):
        targets = {target for name in names for target in named.get(name) or provided.get(name) or ()}
        for target in sorted(targets - {source}):
            yield Relationship(source, "depends-on", target)


def _add(providers: dict[str, list[str]], name: str, package: str) -> None:
    known = providers.setdefault(name, [])
    if len(known) < MAX_PROVIDERS and package not in known:
        known.append(package)


def _owners(paths: set[str], installed: Iterable[_Installed], view: View) -> dict[str, list[str]]:
    """Who installed the file that a dependency names by its path, itself or what it links to."""
    real = {path: {path.strip("/"), view.resolve(path) or ""} for path in paths}
    asked = set().union(*real.values()) - {""}
    owners: dict[str, list[str]] = {}
    for item in installed if asked else ():
        for path, _, _ in item.record.files:
            if path in asked:
                _add(owners, path, item.package.purl)
    return {path: [owner for name in sorted(names) for owner in owners.get(name, ())] for path, names in real.items()}


CATALOGER = Cataloger(
    name="apk",
    version=1,
    selects=Selector(globs=("lib/apk/db/installed", "usr/lib/apk/db/installed", "etc/apk/world"), max_size=32 << 20),
    parse=parse,
    assemble=assemble,
    ecosystem="Alpine packages",
)
