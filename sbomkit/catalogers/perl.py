"""Perl distributions that a CPAN client installed.

Records: `.meta/DIST/{install,MYMETA}.json` (cpanminus), `auto/**/.packlist` (ExtUtils::Install) and `perllocal.pod`
(ExtUtils::MakeMaker). Format of MYMETA.json: https://metacpan.org/pod/CPAN::Meta::Spec
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sbomkit.catalogers.base import Cataloger, Fact, Finding, LayerFile, Ownership, Package, Selector, View, located
from sbomkit.catalogers.reading.edges import packages_and_edges
from sbomkit.catalogers.reading.values import json_value, kept, mapping, text, texts
from sbomkit.model import purl
from sbomkit.model.package import License

_HEADING = re.compile(r"^=head2 .*?L<([\w:]+)\|", re.MULTILINE)
_VERSION = re.compile(r"C<VERSION: ([\w.]+)>")
_PATHNAME = re.compile(r"[A-Z0-9-]/[A-Z0-9-]+/([A-Z0-9-]+)/")


@dataclass(frozen=True, slots=True)
class Packlist:
    """A distribution's files. Its version stands elsewhere, or nowhere."""

    name: str
    paths: tuple[str, ...]

    @property
    def identity(self) -> str:
        return self.name


def parse(file: LayerFile) -> Iterable[Fact]:
    name = file.path.rpartition("/")[2]
    raw = file.read()
    if name == ".packlist":
        folder = file.path.rpartition("/auto/")[2].removesuffix("/.packlist")
        paths = (line.partition(" ")[0] for line in raw.decode(errors="replace").split("\n"))
        yield Packlist(folder.replace("/", "-"), tuple(sorted(path for path in paths if path.startswith("/"))))
    elif name == "perllocal.pod":
        yield from _local(raw.decode(errors="replace"))
    else:
        record = mapping(json_value(raw))
        distribution, version = text(record.get("name")).replace("::", "-"), text(record.get("version"))
        if distribution and version:
            yield _package(distribution, version, record)


def _local(pod: str) -> Iterator[Package]:
    """One heading for each installation, the version in its list; the last one of a name counts."""
    found: dict[str, str] = {}
    for heading in _HEADING.finditer(pod):
        version = _VERSION.search(pod, heading.end(), heading.end() + 2000)
        if version:
            found[heading[1].replace("::", "-")] = version[1]
    for name in sorted(found):
        yield _package(name, found[name], {})


def _package(name: str, version: str, record: dict[str, object]) -> Package:
    by_author = _PATHNAME.match(text(record.get("pathname")))
    licenses = [value for value in texts(record.get("license")) if value != "unknown"]
    return Package(
        purl.make("cpan", name, version),
        "cpan",
        name,
        version,
        cataloger="perl",
        licenses=tuple(License(_LICENSES.get(value, value)) for value in licenses),
        supplier=", ".join(texts(record.get("author"))) or (by_author[1] if by_author else ""),
        description=text(record.get("abstract")),
        homepage=text(mapping(record.get("resources")).get("homepage")),
        extra=kept(cpan_author=by_author[1] if by_author else ""),
    )


_LICENSES = {
    "perl_5": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "apache_2_0": "Apache-2.0",
    "artistic_2": "Artistic-2.0",
    "bsd": "BSD-3-Clause",
    "freebsd": "BSD-2-Clause",
    "gpl_2": "GPL-2.0-only",
    "gpl_3": "GPL-3.0-only",
    "lgpl_2_1": "LGPL-2.1-only",
    "mit": "MIT",
}
"""CPAN::Meta::Spec's own words for licences."""


def assemble(view: View) -> Iterable[Finding]:
    findings = list(packages_and_edges(view))
    yield from findings
    known = {finding.name: finding.purl for finding in findings if isinstance(finding, Package)}
    for seen in view.facts(Packlist):
        name = seen.fact.name
        if name == "" or "/" in name or name.startswith("perl5"):
            continue  # the packlist of perl itself
        if name not in known:
            package = Package(purl.make("cpan", name), "cpan", name, "", cataloger="perl", confidence=0.5)
            yield located(package, seen)
        if seen.fact.paths:
            yield Ownership(known.get(name) or purl.make("cpan", name), seen.fact.paths)


CATALOGER = Cataloger(
    name="perl",
    version=1,
    selects=Selector(
        globs=(
            "**/.meta/*/install.json",
            "**/.meta/*/MYMETA.json",
            "**/auto/**/.packlist",
            "**/perllocal.pod",
        ),
        max_size=8 << 20,
    ),
    parse=parse,
    assemble=assemble,
    ecosystem="Perl distributions (CPAN)",
)
