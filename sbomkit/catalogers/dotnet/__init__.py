"""NuGet packages: what `*.deps.json` lists, and assemblies that no such list names.

Formats: https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md (deps.json) and the
version resource of PE files, https://learn.microsoft.com/windows/win32/menurc/version-information
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sbomkit.catalogers.base import (
    Cataloger,
    Fact,
    Finding,
    LayerFile,
    Package,
    ParseError,
    Relationship,
    Selector,
    View,
    located,
    packages_as_found,
)
from sbomkit.catalogers.dotnet.resource import version_strings
from sbomkit.catalogers.reading.edges import Edges
from sbomkit.catalogers.reading.executable import PE, executable
from sbomkit.catalogers.reading.values import json_value, kept, mapping, text
from sbomkit.model import purl

_VERSION = re.compile(r"\d+(?:[.,]\s?\d+)+(?:-[\w.]+)?")


@dataclass(frozen=True, slots=True)
class Assets:
    """File names that a deps.json accounts for."""

    names: tuple[str, ...]
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Assembly:
    """A library or program with a version resource."""

    name: str
    version: str
    company: str
    product: str
    managed: bool

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.version}"


def parse(file: LayerFile) -> Iterable[Fact]:
    if file.path.endswith(".deps.json"):
        yield from _deps(mapping(json_value(file.read())))
        return
    found = executable(file)
    said = version_strings(found) if found and found.format == "pe" else {}
    stem = file.path.rpartition("/")[2].rpartition(".")[0]
    name = said.get("InternalName", "") or said.get("OriginalFilename", "") or stem
    name = re.sub(r"\.(?:dll|exe)\Z", "", name, flags=re.IGNORECASE) or stem
    version = _version(said)
    if version and name:
        managed = found is not None and found.data.find(b"BSJB") >= 0  # the signature of .NET's metadata
        yield Assembly(name, version, said.get("CompanyName", ""), said.get("ProductName", ""), managed)


def _version(said: dict[str, str]) -> str:
    """The product's version without its build hash, else the file's."""
    for key in ("ProductVersion", "FileVersion", "Assembly Version"):
        match = _VERSION.match(said.get(key, "").strip())
        if match:
            return re.sub(r",\s?", ".", match[0])
    return ""


def _deps(document: dict[str, object]) -> Iterator[Fact]:
    libraries = mapping(document.get("libraries"))
    if not libraries:
        raise ParseError("a deps.json without libraries")
    packages: dict[str, Package] = {}
    for key in sorted(libraries):
        name, _, version = key.partition("/")
        item = mapping(libraries[key])
        kind = text(item.get("type")).lower()
        if name and version:
            packages[key] = Package(
                purl.make("nuget", name, version),
                "nuget",
                name,
                version,
                kind="application" if kind == "project" else "library",
                cataloger="dotnet",
                extra=kept(nuget_type=kind, nuget_sha512=text(item.get("sha512")).removeprefix("sha512-")),
            )
    yield from packages.values()
    edges: set[Relationship] = set()
    names: set[str] = set()
    for target in mapping(document.get("targets")).values():
        for key, value in mapping(target).items():
            item = mapping(value)
            for needed, exact in mapping(item.get("dependencies")).items():
                other = packages.get(f"{needed}/{text(exact)}")
                if key in packages and other:
                    edges.add(Relationship(packages[key].purl, "depends-on", other.purl))
            for assets in ("runtime", "native", "runtimeTargets", "resources"):
                names.update(path.rpartition("/")[2].lower() for path in mapping(item.get(assets)))
    yield Edges(tuple(sorted(edges)))
    yield Assets(tuple(sorted(names)))


def assemble(view: View) -> Iterable[Finding]:
    """Lists lead: an assembly whose file name one of them has in the same folder is accounted for."""
    yield from packages_as_found(view)
    for edges in view.facts(Edges):
        yield from edges.fact.relationships
    listed: dict[str, set[str]] = {}
    for assets in view.facts(Assets):
        listed.setdefault(assets.path.rpartition("/")[0], set()).update(assets.fact.names)
    for seen in view.facts(Assembly):
        folder, _, name = seen.path.rpartition("/")
        parts = folder.split("/")
        nearby = ["/".join(parts[:at]) for at in range(max(len(parts) - 4, 0), len(parts) + 1)]
        if any(name.lower() in listed.get(place, ()) for place in nearby):
            continue
        found = seen.fact
        type_ = "nuget" if found.managed else "generic"
        package = Package(
            purl.make(type_, found.name, found.version),
            type_,
            found.name,
            found.version,
            cataloger="dotnet",
            supplier=found.company,
            technique="binary-analysis",
            confidence=0.6,
            extra=kept(pe_product=found.product),
        )
        yield located(package, seen)


CATALOGER = Cataloger(
    name="dotnet",
    version=1,
    selects=Selector(globs=("**/*.deps.json",), magics=(PE,), max_size=512 << 20, min_size=1024),
    parse=parse,
    assemble=assemble,
    ecosystem=".NET packages and PE files",
)
