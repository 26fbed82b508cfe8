"""Chiselled Ubuntu: the manifest of packages, slices and paths that chisel cut.

Format: https://github.com/canonical/chisel - `manifest.wall`, zstandard over "jsonwall" 1.0: one JSON object a line,
the first a header, then kinds `package`, `slice`, `path` and `content`.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zstandard

from sbomkit.catalogers.base import (
    Cataloger,
    Fact,
    Finding,
    LayerFile,
    Ownership,
    Package,
    ParseError,
    Selector,
    View,
    located,
)
from sbomkit.catalogers.reading.values import json_value, mapping, text
from sbomkit.model import purl
from sbomkit.model.digest import Digest

_MAX_WALL = 256 << 20
_MAX_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Cut:
    """A package of which slices were installed."""

    name: str
    version: str
    arch: str
    sha256: str
    slices: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def identity(self) -> str:
        return f"{self.name}:{self.arch}={self.version}"


def parse(file: LayerFile) -> Iterable[Fact]:
    packages: dict[str, tuple[str, str, str]] = {}
    slices: dict[str, list[str]] = defaultdict(list)
    paths: dict[str, list[str]] = defaultdict(list)
    problem = ""
    try:
        for line in _lines(file):
            _take(mapping(json_value(line)), packages, slices, paths)
    except ParseError as error:
        problem = str(error)
    for name in sorted(packages):
        yield Cut(name, *packages[name], tuple(sorted(slices[name])), tuple(sorted(set(paths[name]))))
    if problem:
        raise ParseError(problem)
    if not packages:
        raise ParseError("a chisel manifest without a package")


def _take(
    item: dict[str, object],
    packages: dict[str, tuple[str, str, str]],
    slices: dict[str, list[str]],
    paths: dict[str, list[str]],
) -> None:
    kind, name = item.get("kind"), text(item.get("name"))
    if kind == "package" and name:
        packages[name] = (text(item.get("version")), text(item.get("arch")), text(item.get("sha256")))
    elif kind == "slice":
        slices[name.partition("_")[0]].append(name)
    elif kind == "content":
        path = text(item.get("path"))
        if not path.endswith("/"):
            paths[text(item.get("slice")).partition("_")[0]].append(path)


def _lines(file: LayerFile) -> Iterator[bytes]:
    """The lines of the wall, which may be larger than its file by much."""
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file.open(), closefd=False) as stream:
        wall = io.BufferedReader(stream)
        left = _MAX_WALL
        try:
            while line := wall.readline(_MAX_LINE):
                left -= len(line)
                if left < 0 or len(line) == _MAX_LINE:
                    raise ParseError("a chisel manifest that unpacks to more than any real one has")
                if line.strip():
                    yield line
        except zstandard.ZstdError as error:
            raise ParseError(f"a chisel manifest that cannot be decompressed: {error}") from None


def assemble(view: View) -> Iterable[Finding]:
    for seen in view.facts(Cut):
        cut = seen.fact
        url = purl.make_distro_package("deb", cut.name, cut.version, view.distro, arch=cut.arch)
        package = Package(
            url,
            "deb",
            cut.name,
            cut.version,
            namespace=purl.vendor("deb", view.distro),
            cataloger="chisel",
            hashes=tuple(_digest(cut.sha256)),
            extra=(("chisel:slices", ", ".join(cut.slices)), ("deb:architecture", cut.arch)),
        )
        yield located(package, seen)
        if cut.paths:
            yield Ownership(url, cut.paths)


def _digest(hex: str) -> Iterator[Digest]:
    """Of the .deb that was cut."""
    try:
        yield Digest("sha256", hex)
    except ValueError:
        return


CATALOGER = Cataloger(
    name="chisel",
    version=1,
    selects=Selector(globs=("var/lib/chisel/manifest.wall", "**/chisel/manifest.wall")),
    parse=parse,
    assemble=assemble,
    ecosystem="Chiselled Ubuntu packages",
)
