"""Bottlerocket's own inventory of its packages.

Format: https://bottlerocket.dev/en/os/latest/#/concepts/application-inventory/ - the same as `apiclient report`
gives: `Content`, a list of Name, Publisher, Version, Release, Epoch, ApplicationType, Architecture, Url, Summary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.catalogers.base import Cataloger, Fact, Finding, LayerFile, Package, ParseError, Selector, View, located
from sbomkit.catalogers.reading.values import entries, json_value, kept, mapping, text
from sbomkit.model import purl
from sbomkit.model.distro import Distro

_FIELDS = ("Name", "Version", "Release", "Epoch", "Architecture", "Publisher", "Url", "Summary", "ApplicationType")


@dataclass(frozen=True, slots=True)
class Item:
    name: str
    version: str
    release: str
    epoch: str
    arch: str
    publisher: str
    url: str
    summary: str
    kind: str

    @property
    def identity(self) -> str:
        return f"{self.name}:{self.arch}={self.epoch}:{self.version}-{self.release}"


def parse(file: LayerFile) -> Iterable[Fact]:
    bad = 0
    for value in entries(mapping(json_value(file.read())).get("Content")):
        fields = [text(mapping(value).get(key)) for key in _FIELDS]
        if fields[0] and fields[1]:
            yield Item(*fields)
        else:
            bad += 1
    if bad:
        raise ParseError(f"{bad} item(s) without a name or version")


def assemble(view: View) -> Iterable[Finding]:
    distro = view.distro if view.distro.id else Distro("bottlerocket")
    for seen in view.facts(Item):
        item = seen.fact
        version = f"{item.version}-{item.release}" if item.release else item.version
        epoch = item.epoch if item.epoch not in ("0", "(none)") else ""
        package = Package(
            purl.make_distro_package("rpm", item.name, version, distro, arch=item.arch, epoch=epoch),
            "rpm",
            item.name,
            f"{epoch}:{version}" if epoch else version,
            namespace=purl.vendor("rpm", distro),
            cataloger="bottlerocket",
            supplier=item.publisher,
            homepage=item.url,
            description=item.summary,
            extra=kept(bottlerocket_type=item.kind),
        )
        yield located(package, seen)


CATALOGER = Cataloger(
    name="bottlerocket",
    version=1,
    selects=Selector(globs=("usr/share/bottlerocket/application-inventory.json",)),
    parse=parse,
    assemble=assemble,
    ecosystem="Bottlerocket packages",
)
