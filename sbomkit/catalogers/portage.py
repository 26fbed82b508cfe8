"""Gentoo packages: portage's database of what is installed, one folder a package, one file a variable.

Format: https://projects.gentoo.org/pms/8/pms.html and `var/db/pkg/CATEGORY/NAME-VERSION/` as portage writes it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sbomkit.catalogers.base import (
    Cataloger,
    Fact,
    Finding,
    Issue,
    LayerFile,
    Ownership,
    Package,
    Relationship,
    Seen,
    Selector,
    View,
    located,
)
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_DIRECTORY = re.compile(
    r"(?P<name>[\w+][\w+-]*?)-(?P<version>\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)\d*)*(?:-r\d+)?)\Z"
)
_ATOM = re.compile(r"(?<![!\w])[<>=~]*([a-z0-9][\w+.-]*/[\w+-]+?)(?=-\d|[:\s\[)]|\Z)")
_FILES = "{PF,CONTENTS,LICENSE,RDEPEND,SLOT,HOMEPAGE,DESCRIPTION,repository}"


@dataclass(frozen=True, slots=True)
class Variable:
    """One file of a package's folder."""

    folder: str
    name: str
    value: str

    @property
    def identity(self) -> str:
        return f"{self.folder}/{self.name}" if self.name == "PF" else ""


@dataclass(frozen=True, slots=True)
class Contents:
    folder: str
    paths: tuple[str, ...]
    identity: str = ""


def parse(file: LayerFile) -> Iterable[Fact]:
    folder, _, name = file.path.rpartition("/")
    text = file.read().decode(errors="replace")
    if name == "CONTENTS":
        yield Contents(folder, tuple(_paths(text)))
    else:
        yield Variable(folder, name, text.strip())


def _paths(text: str) -> Iterator[str]:
    """`obj PATH MD5 MTIME`, `sym PATH -> TARGET MTIME`; directories belong to nobody."""
    for line in text.split("\n"):
        if line.startswith("obj "):
            yield line[4:].rsplit(" ", 2)[0]
        elif line.startswith("sym "):
            yield line[4:].partition(" -> ")[0]


def assemble(view: View) -> Iterable[Finding]:
    folders: dict[str, dict[str, Seen[Variable]]] = defaultdict(dict)
    contents = {seen.fact.folder: seen for seen in view.facts(Contents)}
    for seen in view.facts(Variable):
        folders[seen.fact.folder][seen.fact.name] = seen
    purls: dict[str, str] = {}
    by_atom: dict[str, list[str]] = defaultdict(list)
    for folder in sorted({*folders, *contents}):
        category, name, version = _identity(folder, folders[folder])
        if not version:
            yield Issue("/" + folder, "a package folder whose name has no version", "", "portage")
            continue
        package = _package(category, name, version, folders[folder])
        purls[folder] = package.purl
        by_atom[f"{category}/{name}"].append(package.purl)
        anchor = folders[folder].get("PF") or contents.get(folder) or next(iter(folders[folder].values()))
        yield located(package, anchor)
        if folder in contents:
            yield Ownership(package.purl, contents[folder].fact.paths)
    for folder, url in purls.items():
        needs = folders[folder].get("RDEPEND")
        for atom in sorted(set(_ATOM.findall(needs.fact.value))) if needs else ():
            for target in by_atom.get(atom, ()):
                yield Relationship(url, "depends-on", target)


def _identity(folder: str, variables: dict[str, Seen[Variable]]) -> tuple[str, str, str]:
    category, last = folder.split("/")[-2:]
    stated = variables["PF"].fact.value if "PF" in variables else last
    match = _DIRECTORY.match(stated) or _DIRECTORY.match(last)
    return (category, match["name"], match["version"]) if match else (category, last, "")


def _package(category: str, name: str, version: str, variables: dict[str, Seen[Variable]]) -> Package:
    said = {key: seen.fact.value for key, seen in variables.items()}
    license = " ".join(said.get("LICENSE", "").split())
    return Package(
        purl.make("ebuild", name, version, namespace=category),
        "ebuild",
        name,
        version,
        namespace=category,
        cataloger="portage",
        licenses=(License(license),) if license else (),
        homepage=said.get("HOMEPAGE", "").partition(" ")[0],
        description=said.get("DESCRIPTION", ""),
        extra=kept(portage_slot=said.get("SLOT", ""), portage_repository=said.get("repository", "")),
    )


CATALOGER = Cataloger(
    name="portage",
    version=1,
    selects=Selector(globs=(f"var/db/pkg/*/*/{_FILES}",)),
    parse=parse,
    assemble=assemble,
    ecosystem="Gentoo packages",
)
