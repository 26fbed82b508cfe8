"""SBOM documents inside of the image, taken for what they are: claims, each with the level of trust it deserves.

Levels, in `extra` as `claim:level`: `distribution` (built with the packages: Wolfi, Chainguard), `vendor` (Bitnami,
Docker Hardened Images), `vendored` (PEP 770: parts inside of a wheel, never installed by themselves), `document`
(any other *.spdx.json or *.cdx.json). A claim about a package that a database records is folded into it by the scan.
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
    Relationship,
    Selector,
    View,
    packages_as_found,
)
from sbomkit.catalogers.claims.read import claimed
from sbomkit.catalogers.reading.edges import Edges
from sbomkit.catalogers.reading.values import json_value, kept, mapping, text
from sbomkit.model import purl

_LEVELS = {"distribution": 0.9, "vendor": 0.85, "vendored": 0.6, "document": 0.5}
"""Confidence by level: below every database's."""
_DISTRIBUTION = ("var/lib/db/sbom/", "usr/lib/db/sbom/")
_WHEEL = re.compile(r"([^/]+)-([^-/]+)\.dist-info/sboms/")
_BITNAMI = re.compile(r"opt/bitnami/")
_HARDENED = re.compile(r"opt/docker/sbom/")


@dataclass(frozen=True, slots=True)
class _Source:
    level: str
    wheel: str = ""
    """The purl of the wheel that has the parts inside."""


def parse(file: LayerFile) -> Iterable[Fact]:
    source = _source(file.path)
    value = json_value(file.read())
    if file.path.endswith("/.bitnami_components.json"):
        yield from _bitnami_components(mapping(value))
        return
    confidence = _LEVELS[source.level]
    packages = list(claimed(value, "claims", level=source.level, technique="attestation", confidence=confidence))
    yield from packages
    if source.wheel:
        yield Edges(tuple(sorted(Relationship(source.wheel, "contains", p.purl) for p in packages)))


def _source(path: str) -> _Source:
    if path.startswith(_DISTRIBUTION):
        return _Source("distribution")
    wheel = _WHEEL.search(path)
    if wheel:
        name = re.sub(r"[-_.]+", "-", wheel[1]).lower()
        return _Source("vendored", purl.make("pypi", name, wheel[2]))
    return _Source("vendor" if _BITNAMI.match(path) or _HARDENED.match(path) else "document")


def _bitnami_components(document: dict[str, object]) -> Iterator[Package]:
    """`.bitnami_components.json`: by component its arch, distro, type and version."""
    for name in sorted(document):
        item = mapping(document[name])
        version, arch = text(item.get("version")), text(item.get("arch"))
        if not version:
            continue
        url = purl.make("bitnami", name, version, qualifiers={"arch": arch, "distro": text(item.get("distro"))})
        yield Package(
            url,
            "bitnami",
            name,
            version,
            kind="application",
            cataloger="claims",
            technique="attestation",
            confidence=_LEVELS["vendor"],
            extra=kept(claim_level="vendor"),
        )


def assemble(view: View) -> Iterable[Finding]:
    yield from packages_as_found(view)
    for seen in view.facts(Edges):
        yield from seen.fact.relationships


CATALOGER = Cataloger(
    name="claims",
    version=1,
    selects=Selector(
        globs=(
            "var/lib/db/sbom/*.json",
            "usr/lib/db/sbom/*.json",
            "opt/bitnami/**/.spdx-*.spdx",
            "opt/bitnami/**/.bitnami_components.json",
            "opt/bitnami/.bitnami_components.json",
            "opt/docker/sbom/**/.spdx*.json",
            "opt/docker/sbom/.spdx*.json",
            "**/*.dist-info/sboms/**/*.json",
            "**/*.dist-info/sboms/*.json",
            "**/*.spdx.json",
            "**/*.cdx.json",
            "**/bom.json",
        )
    ),
    parse=parse,
    assemble=assemble,
    ecosystem="Embedded SBOMs (claims)",
)
