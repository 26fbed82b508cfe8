"""OpenWrt and Yocto packages: opkg's status file and lists of files.

Format: a Debian control file with `Status: install user installed`;
https://openwrt.org/docs/guide-user/additional-software/opkg
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
    Selector,
    View,
    located,
)
from sbomkit.catalogers.reading.text import control_fields, paragraphs
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_NAME = re.compile(r"\s*([\w.+-]+)")


@dataclass(frozen=True, slots=True)
class Stanza:
    name: str
    version: str
    arch: str
    depends: str
    provides: str
    license: str
    supplier: str
    description: str
    homepage: str

    @property
    def identity(self) -> str:
        return f"{self.name}:{self.arch}={self.version}"


@dataclass(frozen=True, slots=True)
class FileList:
    name: str
    paths: tuple[str, ...]
    identity: str = ""


def parse(file: LayerFile) -> Iterable[Fact]:
    name = file.path.rpartition("/")[2]
    text = file.read().decode(errors="replace")
    if name.endswith(".list"):
        yield FileList(name.removesuffix(".list"), tuple(line.partition("\t")[0] for line in text.split("\n") if line))
        return
    bad = 0
    for paragraph in paragraphs(text):
        fields = control_fields(paragraph)
        status = fields.get("status", "install ok installed").split()
        if not fields or status[-1:] != ["installed"]:
            continue
        if not fields.get("package") or not fields.get("version"):
            bad += 1
            continue
        keys = (
            "package",
            "version",
            "architecture",
            "depends",
            "provides",
            "license",
            "maintainer",
            "description",
            "homepage",
        )
        yield Stanza(*[fields.get(key, "") for key in keys])
    if bad:
        raise ParseError(f"{bad} package record(s) without a name or version")


def assemble(view: View) -> Iterable[Finding]:
    installed = list(view.facts(Stanza))
    by_name: dict[str, list[str]] = defaultdict(list)
    purls = []
    for seen in installed:
        stanza = seen.fact
        url = purl.make_distro_package("opkg", stanza.name, stanza.version, view.distro, arch=stanza.arch)
        purls.append(url)
        for name in (stanza.name, *stanza.provides.split(",")):
            match = _NAME.match(name)
            if match:
                by_name[match[1]].append(url)
        package = Package(
            url,
            "opkg",
            stanza.name,
            stanza.version,
            namespace=purl.vendor("opkg", view.distro),
            cataloger="opkg",
            licenses=(License(stanza.license),) if stanza.license else (),
            supplier=stanza.supplier,
            homepage=stanza.homepage,
            description=stanza.description,
            extra=kept(opkg_architecture=stanza.arch),
        )
        yield located(package, seen)
    for url, seen in zip(purls, installed, strict=True):
        for clause in re.split(r"[,|]", seen.fact.depends):
            match = _NAME.match(clause)
            for target in sorted(set(by_name.get(match[1], ()))) if match else ():
                if target != url:
                    yield Relationship(url, "depends-on", target)
    for listed in view.facts(FileList):
        for url in by_name.get(listed.fact.name, ()):
            yield Ownership(url, listed.fact.paths)


CATALOGER = Cataloger(
    name="opkg",
    version=1,
    selects=Selector(
        globs=(
            "usr/lib/opkg/status",
            "var/lib/opkg/status",
            "opt/lib/opkg/status",
            "usr/lib/opkg/info/*.list",
            "var/lib/opkg/info/*.list",
        )
    ),
    parse=parse,
    assemble=assemble,
    ecosystem="OpenWrt and Yocto packages (opkg)",
)
