"""Small inventories for tests of the diff."""

from __future__ import annotations

from collections.abc import Iterable

from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, Inventory, LayerInfo, Subject
from sbomkit.model.package import License, Location, Package, Relationship

FULL = Coverage("full")


def package(
    purl: str,
    *,
    licenses: Iterable[str] = (),
    paths: Iterable[str] = (),
    hashes: Iterable[str] = (),
    layer: str = "",
    source: str = "",
    supplier: str = "",
    cataloger: str = "",
) -> Package:
    """A package by its (unescaped) purl, `pkg:type/namespace/name@version?qualifiers`."""
    body = purl.removeprefix("pkg:").partition("?")[0]
    kind, _, rest = body.partition("/")
    full, _, version = rest.rpartition("@") if "@" in rest[1:] else (rest, "", "")
    namespace, _, name = full.rpartition("/")
    return Package(
        purl,
        kind,
        name,
        version,
        namespace=namespace,
        licenses=tuple(License(value) for value in licenses),
        locations=tuple(Location(path, layer) for path in paths),
        introduced_by=layer,
        hashes=tuple(Digest.of(text.encode()) for text in hashes),
        source_name=source,
        supplier=supplier,
        cataloger=cataloger,
    )


def nameless(name: str, version: str, kind: str = "library") -> Package:
    """A package without a purl, as some documents have it."""
    return Package("", kind, name, version)


def inventory(
    *packages: Package | str,
    edges: Iterable[tuple[str, str]] = (),
    name: str = "app",
    layers: Iterable[LayerInfo] = (),
    config: Iterable[tuple[str, str]] = (),
    distro: Distro | None = None,
    coverage: Coverage = FULL,
    platform: str = "linux/amd64",
) -> Inventory:
    found = tuple(package(p) if isinstance(p, str) else p for p in packages)
    return Inventory(
        Subject(name, platform=platform, layers=tuple(layers), config=tuple(sorted(config))),
        found,
        tuple(Relationship(source, "depends-on", target) for source, target in edges),
        distro or Distro(),
        coverage,
    )


def layer(text: str, instruction: str = "", size: int | None = 100) -> LayerInfo:
    return LayerInfo(str(Digest.of(text.encode())), size=size, created_by=instruction)
