"""Container-Optimized OS: the list of its packages, which are Gentoo's by origin.

Format: https://cloud.google.com/container-optimized-os/docs/concepts/security#package_info -
`installedPackages` with category, name, version, revision; `buildTimePackages` are not in the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.catalogers.base import Cataloger, Fact, Finding, LayerFile, Package, ParseError, Selector, View, located
from sbomkit.catalogers.reading.values import entries, json_value, mapping, text
from sbomkit.model import purl


@dataclass(frozen=True, slots=True)
class Installed:
    category: str
    name: str
    version: str

    @property
    def identity(self) -> str:
        return f"{self.category}/{self.name}@{self.version}"


def parse(file: LayerFile) -> Iterable[Fact]:
    bad = 0
    for value in entries(mapping(json_value(file.read())).get("installedPackages")):
        item = mapping(value)
        category, name, version, revision = (text(item.get(key)) for key in ("category", "name", "version", "revision"))
        if not name or not version:
            bad += 1
            continue
        yield Installed(category, name, f"{version}-r{revision}" if revision not in ("", "0") else version)
    if bad:
        raise ParseError(f"{bad} package(s) without a name or version")


def assemble(view: View) -> Iterable[Finding]:
    for seen in view.facts(Installed):
        item = seen.fact
        url = purl.make(
            "cos", item.name, item.version, namespace=item.category, qualifiers={"distro": view.distro.qualifier}
        )
        yield located(Package(url, "cos", item.name, item.version, namespace=item.category, cataloger="cos"), seen)


CATALOGER = Cataloger(
    name="cos",
    version=1,
    selects=Selector(globs=("etc/cos-package-info.json",)),
    parse=parse,
    assemble=assemble,
    ecosystem="Container-Optimized OS packages",
)
