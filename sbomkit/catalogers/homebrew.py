"""Homebrew formulae: the receipt in each keg of the Cellar, and the formula kept beside it.

Format: https://docs.brew.sh/Formula-Cookbook; a formula is Ruby code: read by pattern, never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    located,
)
from sbomkit.catalogers.reading.values import entries, json_value, kept, mapping, text
from sbomkit.model import purl
from sbomkit.model.package import License

_FIELD = re.compile(r"""^\s*(desc|homepage|license)\s+["']([^"'\n]*)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Keg:
    folder: str
    name: str
    version: str
    tap: str
    needs: tuple[str, ...]

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Formula:
    folder: str
    description: str
    homepage: str
    license: str
    identity: str = ""


def parse(file: LayerFile) -> Iterable[Fact]:
    raw = file.read()
    if file.path.endswith(".rb"):
        found = {match[1]: match[2] for match in _FIELD.finditer(raw.decode(errors="replace"))}
        folder = file.path.rpartition("/.brew/")[0]
        yield Formula(folder, found.get("desc", ""), found.get("homepage", ""), found.get("license", ""))
        return
    folder = file.path.rpartition("/")[0]
    name, version = folder.split("/")[-2:]
    receipt = mapping(json_value(raw))
    needs = [text(mapping(item).get("full_name")) for item in entries(receipt.get("runtime_dependencies"))]
    tap = text(mapping(receipt.get("source")).get("tap"))
    yield Keg(folder, name, version, tap, tuple(sorted({need.rpartition("/")[2] for need in needs if need})))


def assemble(view: View) -> Iterable[Finding]:
    formulae = {seen.fact.folder: seen.fact for seen in view.facts(Formula)}
    kegs = list(view.facts(Keg))
    purls: dict[str, list[str]] = {}
    for seen in kegs:
        keg, said = seen.fact, formulae.get(seen.fact.folder)
        url = purl.make("brew", keg.name, keg.version)
        purls.setdefault(keg.name, []).append(url)
        package = Package(
            url,
            "brew",
            keg.name,
            keg.version,
            cataloger="homebrew",
            licenses=(License(said.license),) if said and said.license else (),
            homepage=said.homepage if said else "",
            description=said.description if said else "",
            extra=kept(brew_tap=keg.tap),
        )
        yield located(package, seen)
    for seen in kegs:
        for target in (url for need in seen.fact.needs for url in purls.get(need, ())):
            yield Relationship(purl.make("brew", seen.fact.name, seen.fact.version), "depends-on", target)


CATALOGER = Cataloger(
    name="homebrew",
    version=1,
    selects=Selector(globs=("**/Cellar/*/*/INSTALL_RECEIPT.json", "**/Cellar/*/*/.brew/*.rb"), max_size=4 << 20),
    parse=parse,
    assemble=assemble,
    ecosystem="Homebrew formulae",
)
