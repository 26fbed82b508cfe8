"""Rust crates, from the list that cargo-auditable leaves in a binary.

Format: https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md - a section `.dep-v0` with zlib
compressed JSON; https://github.com/rust-secure-code/cargo-auditable/blob/master/cargo-auditable.schema.json
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Relationship, Selector
from sbomkit.catalogers.reading.edges import Edges, packages_and_edges
from sbomkit.catalogers.reading.executable import MAGICS, executable
from sbomkit.catalogers.reading.values import entries, json_value, mapping, text
from sbomkit.model import purl

_MAX_JSON = 8 << 20
"""The bound that the format's own description recommends."""


def parse(file: LayerFile) -> Iterable[Fact]:
    found = executable(file)
    raw = found.section(".dep-v0", _MAX_JSON) if found else b""
    if not raw:
        return
    try:
        inflate = zlib.decompressobj()
        plain = inflate.decompress(raw, _MAX_JSON)
    except zlib.error as error:
        raise ParseError(f"a list of crates that cannot be decompressed: {error}") from None
    if inflate.unconsumed_tail or not inflate.eof:
        raise ParseError("a list of crates that is cut off or impossibly large")
    listed = [mapping(item) for item in entries(mapping(json_value(plain)).get("packages"))]
    packages = [_package(crate) for crate in listed]
    yield from [p for p in packages if p]
    edges = set()
    for crate, package in zip(listed, packages, strict=True):
        for index in entries(crate.get("dependencies")):
            target = packages[index] if isinstance(index, int) and 0 <= index < len(packages) else None
            if package and target:
                edges.add(Relationship(package.purl, "depends-on", target.purl))
    yield Edges(tuple(sorted(edges)))


def _package(crate: dict[str, object]) -> Package | None:
    name, version = text(crate.get("name")), text(crate.get("version"))
    if not name:
        return None
    root = crate.get("root") is True
    kept = {
        "cargo:source": text(crate.get("source")),
        "cargo:kind": text(crate.get("kind")),
        "cargo:root": "true" if root else "",
    }
    return Package(
        purl.make("cargo", name, version),
        "cargo",
        name,
        version,
        kind="application" if root else "library",
        cataloger="rust",
        extra=tuple(sorted((key, value) for key, value in kept.items() if value)),
        technique="binary-analysis",
    )


CATALOGER = Cataloger(
    name="rust",
    version=1,
    selects=Selector(magics=MAGICS, max_size=2 << 30, min_size=512),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Rust binaries (cargo-auditable)",
)
