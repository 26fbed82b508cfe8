"""Arch Linux packages: pacman's local database.

Format: `var/lib/pacman/local/NAME-VERSION/{desc,files}`, `%KEY%` and its values a line each;
https://gitlab.archlinux.org/pacman/pacman/-/blob/master/lib/libalpm/be_local.c
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.catalogers.base import (
    Cataloger,
    Fact,
    Finding,
    LayerFile,
    Ownership,
    Package,
    ParseError,
    Relationship,
    Seen,
    Selector,
    View,
    located,
)
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_NAME = re.compile(r"[^<>=:\s]+")


@dataclass(frozen=True, slots=True)
class Record:
    """A package's `desc`."""

    folder: str
    fields: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def identity(self) -> str:
        return self.folder

    def first(self, key: str) -> str:
        return next(iter(self.all(key)), "")

    def all(self, key: str) -> tuple[str, ...]:
        return next((values for name, values in self.fields if name == key), ())


@dataclass(frozen=True, slots=True)
class Files:
    folder: str
    paths: tuple[str, ...]
    identity: str = ""


def parse(file: LayerFile) -> Iterable[Fact]:
    folder, _, name = file.path.rpartition("/")
    fields = _fields(file.read().decode(errors="replace"))
    if name == "files":
        yield Files(folder, tuple("/" + path for path in fields.get("FILES", ()) if not path.endswith("/")))
        return
    if not fields.get("NAME") or not fields.get("VERSION"):
        raise ParseError("a package record without a name or version")
    yield Record(folder, tuple(sorted((key, tuple(values)) for key, values in fields.items())))


def _fields(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in text.split("\n"):
        if len(line) > 2 and line[0] == line[-1] == "%" and line[1:-1].isupper():
            values = found.setdefault(line[1:-1], [])
        elif line.strip():
            values.append(line.strip())
    return found


def assemble(view: View) -> Iterable[Finding]:
    records = list(view.facts(Record))
    purls = {seen.fact.folder: _purl(seen.fact, view) for seen in records}
    for seen in records:
        yield _package(seen, purls[seen.fact.folder], view)
    provided: dict[str, list[str]] = defaultdict(list)
    for seen in records:
        for name in (seen.fact.first("NAME"), *seen.fact.all("PROVIDES")):
            match = _NAME.match(name)
            if match:
                provided[match[0]].append(purls[seen.fact.folder])
    for seen in records:
        for wanted in seen.fact.all("DEPENDS"):
            match = _NAME.match(wanted)
            for target in provided.get(match[0], ()) if match else ():
                yield Relationship(purls[seen.fact.folder], "depends-on", target)
    for files in view.facts(Files):
        if files.fact.folder in purls:
            yield Ownership(purls[files.fact.folder], files.fact.paths)


def _purl(record: Record, view: View) -> str:
    base = record.first("BASE")
    name = record.first("NAME")
    return purl.make_distro_package(
        "alpm",
        name,
        record.first("VERSION"),
        view.distro,
        arch=record.first("ARCH"),
        upstream=base if base != name else "",
    )


def _package(seen: Seen[Record], url: str, view: View) -> Package:
    record = seen.fact
    package = Package(
        url,
        "alpm",
        record.first("NAME"),
        record.first("VERSION"),
        namespace=purl.vendor("alpm", view.distro),
        cataloger="alpm",
        licenses=tuple(License(value) for value in record.all("LICENSE")),
        supplier=record.first("PACKAGER"),
        homepage=record.first("URL"),
        description=record.first("DESC"),
        source_name=record.first("BASE") or record.first("NAME"),
        source_version=record.first("VERSION"),
        extra=kept(alpm_architecture=record.first("ARCH"), alpm_validation=record.first("VALIDATION")),
    )
    return located(package, seen)


CATALOGER = Cataloger(
    name="alpm",
    version=1,
    selects=Selector(globs=("var/lib/pacman/local/*/desc", "var/lib/pacman/local/*/files")),
    parse=parse,
    assemble=assemble,
    ecosystem="Arch Linux packages",
)
