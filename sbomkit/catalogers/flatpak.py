"""Flatpak applications and runtimes, as deployed.

Formats: https://docs.flatpak.org/en/latest/flatpak-command-reference.html#flatpak-metadata (a key file) and
https://www.freedesktop.org/software/appstream/docs/ for the version, which only the metainfo has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.catalogers.base import Cataloger, Fact, Finding, LayerFile, Package, ParseError, Selector, View, located
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_ID = re.compile(r"<id>\s*([\w.-]+?)(?:\.desktop)?\s*</id>")
_RELEASE = re.compile(r"<release\s[^>]*?version=[\"']([^\"']+)[\"']")
_LICENSE = re.compile(r"<project_license>\s*([^<]+?)\s*</project_license>")
_SUMMARY = re.compile(r"<summary>\s*([^<]+?)\s*</summary>")


@dataclass(frozen=True, slots=True)
class Deployed:
    """`metadata` of app|runtime/ID/ARCH/BRANCH/COMMIT."""

    folder: str
    name: str
    arch: str
    branch: str
    kind: str
    runtime: str

    @property
    def identity(self) -> str:
        return f"{self.name}/{self.arch}/{self.branch}"


@dataclass(frozen=True, slots=True)
class Metainfo:
    folder: str
    name: str
    version: str
    license: str
    summary: str
    identity: str = ""


def parse(file: LayerFile) -> Iterable[Fact]:
    text = file.read().decode(errors="replace")
    if file.path.endswith("/metadata"):
        folder = file.path.rpartition("/")[0]
        kind, name, arch, branch = folder.split("/")[-5:-1]
        stated = re.search(r"^name=(\S+)", text, re.MULTILINE)
        runtime = re.search(r"^runtime=(\S+)", text, re.MULTILINE)
        if not re.search(r"^\[(?:Application|Runtime)\]", text, re.MULTILINE):
            raise ParseError("neither an application nor a runtime")
        yield Deployed(folder, stated[1] if stated else name, arch, branch, kind, runtime[1] if runtime else "")
        return
    name_match, version = _ID.search(text), _RELEASE.search(text)
    license, summary = _LICENSE.search(text), _SUMMARY.search(text)
    if name_match:
        yield Metainfo(
            file.path.rpartition("/files/")[0],
            name_match[1],
            version[1] if version else "",
            license[1] if license else "",
            summary[1] if summary else "",
        )


def assemble(view: View) -> Iterable[Finding]:
    said = {(seen.fact.folder, seen.fact.name): seen.fact for seen in view.facts(Metainfo)}
    for seen in view.facts(Deployed):
        what = seen.fact
        info = said.get((what.folder, what.name))
        version = info.version if info and info.version else what.branch
        package = Package(
            purl.make("flatpak", what.name, version, qualifiers={"arch": what.arch, "branch": what.branch}),
            "flatpak",
            what.name,
            version,
            kind="application" if what.kind == "app" else "framework",
            cataloger="flatpak",
            licenses=(License(info.license),) if info and info.license else (),
            description=info.summary if info else "",
            extra=kept(flatpak_branch=what.branch, flatpak_runtime=what.runtime, flatpak_arch=what.arch),
        )
        yield located(package, seen)


CATALOGER = Cataloger(
    name="flatpak",
    version=1,
    selects=Selector(
        globs=(
            "**/flatpak/app/*/*/*/*/metadata",
            "**/flatpak/runtime/*/*/*/*/metadata",
            "**/flatpak/app/*/*/*/*/files/share/metainfo/*.xml",
            "**/flatpak/app/*/*/*/*/files/share/appdata/*.xml",
            "**/flatpak/runtime/*/*/*/*/files/share/metainfo/*.xml",
        ),
        max_size=8 << 20,
    ),
    parse=parse,
    assemble=assemble,
    ecosystem="Flatpaks",
)
