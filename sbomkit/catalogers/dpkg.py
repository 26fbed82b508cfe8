"""Debian packages: the status database, distroless' status.d, and the lists of installed files.

Formats: deb-control(5), deb822(5); https://www.debian.org/doc/debian-policy/ch-relationships.html
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
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
    ParseError,
    Relationship,
    Seen,
    Selector,
    View,
    located,
)  # fmt: skip
from sbomkit.model import purl

STATUS = "var/lib/dpkg/status"
_STATUS_D = "var/lib/dpkg/status.d"
_FIELDS = frozenset(
    (
        "package", "version", "architecture", "status", "source", "depends", "pre-depends", "provides", "maintainer",
        "homepage", "description", "section", "essential", "multi-arch",
    )
)  # fmt: skip
_MAX_PROVIDERS = 16
"""Edges for one dependency: no honest virtual package has more providers installed."""
_SOURCE = re.compile(r"(\S+)(?:\s+\((.+)\))?")
_NAME = re.compile(r"\s*([a-zA-Z0-9][a-zA-Z0-9+.\-]*)(?::([a-z0-9-]+))?")


@dataclass(frozen=True, slots=True)
class Stanza:
    """One package as dpkg records it, installed or not."""

    name: str
    version: str
    arch: str
    installed: bool
    fields: tuple[tuple[str, str], ...]
    """The other fields of interest, names in lower case, first lines only of multi-line texts."""

    @property
    def identity(self) -> str:
        return f"{self.name}:{self.arch}={self.version}"

    def field(self, name: str) -> str:
        return next((value for key, value in self.fields if key == name), "")


@dataclass(frozen=True, slots=True)
class FileList:
    """What `info/NAME[:ARCH].list`, or distroless' `status.d/NAME.md5sums`, says a package installed."""

    name: str
    arch: str
    """Empty where the file name has none."""
    paths: tuple[str, ...]
    identity: str = ""


def parse(file: LayerFile) -> Iterable[Fact]:
    name = file.path.rpartition("/")[2]
    text = file.read().decode(errors="replace")
    if name.endswith(".list"):
        package, _, arch = name.removesuffix(".list").partition(":")
        yield FileList(package, arch, tuple(line for line in text.split("\n") if line not in ("", "/.")))
    elif name.endswith(".md5sums"):
        package, _, arch = name.removesuffix(".md5sums").partition(":")
        yield FileList(package, arch, tuple(_md5sums_paths(text)))
    else:
        yield from _stanzas(text, whole=file.path.endswith("/status"))


def _md5sums_paths(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        path = line[32:].lstrip(" *")
        if path:
            yield "/" + path.removeprefix("./").lstrip("/")


def _stanzas(text: str, *, whole: bool) -> Iterator[Stanza]:
    """Paragraphs of a control file; every one of them, also of packages that are no longer installed."""
    bad = 0
    for paragraph in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = _fields(paragraph)
        if not fields:
            continue
        name, version = fields.pop("package", ""), fields.pop("version", "")
        status = fields.pop("status", "install ok installed").split()
        installed = len(status) == 3 and status[2] == "installed"
        if not name or (installed and not version):
            bad += 1
            continue
        yield Stanza(name, version, fields.pop("architecture", ""), installed, tuple(sorted(fields.items())))
    if whole and text and not text.endswith("\n"):
        raise ParseError("the database ends in the middle of a line: it was cut off, packages are missing")
    if bad:
        raise ParseError(f"{bad} package record(s) without a name or version")


def _fields(paragraph: str) -> dict[str, str]:
    found: dict[str, str] = {}
    last = ""
    for line in paragraph.split("\n"):
        if line[:1] in (" ", "\t"):
            if last and last not in ("description", "maintainer"):
                found[last] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        key = key.lower()
        last = key if colon and key in _FIELDS else ""
        if last:
            found[last] = value.strip()
    return found


def assemble(view: View) -> Iterable[Finding]:
    stanzas = list(view.facts(Stanza))
    installed = [seen for seen in stanzas if seen.fact.installed]
    purls = {id(seen): _purl(seen.fact, view) for seen in installed}
    for seen in installed:
        yield _package(seen, purls[id(seen)], view)
    yield from _edges(installed, purls)
    lists = list(view.facts(FileList))
    yield from _ownership(installed, purls, lists)
    yield from _unrecorded({seen.fact.name for seen in stanzas}, lists)


def _source(stanza: Stanza) -> tuple[str, str]:
    """The source package and its version; the package's own where the record names no other."""
    match = _SOURCE.match(stanza.field("source"))
    return (match[1], match[2] or stanza.version) if match else (stanza.name, stanza.version)


def _purl(stanza: Stanza, view: View) -> str:
    name, version = _source(stanza)
    upstream = "" if name == stanza.name and version == stanza.version else name
    if upstream and version != stanza.version:
        upstream += f"@{version}"
    return purl.make_distro_package(
        "deb", stanza.name, stanza.version, view.distro, arch=stanza.arch, upstream=upstream
    )


def _package(seen: Seen[Stanza], url: str, view: View) -> Package:
    stanza = seen.fact
    source_name, source_version = _source(stanza)
    kept = (("deb:section", "section"), ("deb:essential", "essential"), ("deb:multi-arch", "multi-arch"))
    extra = [(key, stanza.field(name)) for key, name in kept if stanza.field(name)]
    package = Package(
        url,
        "deb",
        stanza.name,
        stanza.version,
        namespace=purl.vendor("deb", view.distro),
        cataloger="dpkg",
        supplier=stanza.field("maintainer"),
        homepage=stanza.field("homepage"),
        description=stanza.field("description"),
        source_name=source_name,
        source_version=source_version,
        extra=tuple(sorted([*extra, ("deb:architecture", stanza.arch)])),
    )
    return located(package, seen)


def _edges(installed: list[Seen[Stanza]], purls: dict[int, str]) -> Iterator[Relationship]:
    """Depends and Pre-Depends: every installed package that satisfies a clause, by name or by what it provides."""
    by_name: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for seen in installed:
        here = (seen.fact.arch, purls[id(seen)])
        by_name[seen.fact.name].append(here)
        for provided, _ in _names(seen.fact.field("provides")):
            by_name[provided].append(here)
    native = Counter(seen.fact.arch for seen in installed if seen.fact.arch != "all").most_common(1)
    for seen in installed:
        arch = seen.fact.arch if seen.fact.arch != "all" or not native else native[0][0]
        for name, wanted in _names(f"{seen.fact.field('pre-depends')}, {seen.fact.field('depends')}"):
            for target in _satisfying(by_name.get(name, []), arch if wanted in ("", "native") else wanted):
                if target != purls[id(seen)]:
                    yield Relationship(purls[id(seen)], "depends-on", target)


def _names(relations: str) -> Iterator[tuple[str, str]]:
    """(name, architecture or "") of each alternative of each clause; the versions dpkg has checked already."""
    for clause in re.split(r"[,|]", relations):
        match = _NAME.match(clause)
        if match:
            yield match[1], match[2] or ""


def _satisfying(candidates: list[tuple[str, str]], arch: str) -> list[str]:
    """Packages of the same architecture (or of none); of any where there are no such."""
    same = [url for there, url in candidates if there in (arch, "all")]
    return sorted(same or [url for _, url in candidates])[:_MAX_PROVIDERS]


def _ownership(
    installed: list[Seen[Stanza]], purls: dict[int, str], lists: list[Seen[FileList]]
) -> Iterator[Ownership]:
    by_name: dict[str, list[Seen[Stanza]]] = defaultdict(list)
    for seen in installed:
        by_name[seen.fact.name].append(seen)
    for listed in lists:
        for seen in by_name.get(listed.fact.name, ()):
            if listed.fact.arch in ("", seen.fact.arch):
                yield Ownership(purls[id(seen)], listed.fact.paths)


def _unrecorded(known: set[str], lists: list[Seen[FileList]]) -> Iterator[Issue]:
    """Packages whose files are listed but whose record is gone: the sign of a cut or doctored database."""
    lost = {seen.fact.name for seen in lists} - known
    if lost:
        names = ", ".join(sorted(lost)[:5]) + (", ..." if len(lost) > 5 else "")
        reason = f"{len(lost)} package(s) have a file list but no record: {names}; the database is incomplete"
        yield Issue("/" + STATUS, reason, "", "dpkg")


CATALOGER = Cataloger(
    name="dpkg",
    version=1,
    selects=Selector(
        globs=(STATUS, f"{_STATUS_D}/*", "var/lib/dpkg/info/*.list"),
    ),
    parse=parse,
    assemble=assemble,
    ecosystem="Debian packages",
)
