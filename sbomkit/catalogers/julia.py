"""Julia packages: those unpacked in a depot, the standard library's, and what a Manifest.toml pins.

Formats: https://pkgdocs.julialang.org/v1/toml-files/
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Relationship, Selector
from sbomkit.catalogers.reading.edges import Edges, Needs, packages_and_edges
from sbomkit.catalogers.reading.values import entries, kept, mapping, text, texts
from sbomkit.model import purl


def parse(file: LayerFile) -> Iterable[Fact]:
    try:
        value = tomllib.loads(file.read().decode(errors="replace"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ParseError(f"not TOML: {str(error)[:200]}") from None
    if file.path.endswith("Manifest.toml"):
        yield from _manifest(value)
        return
    name, uuid, version = (text(value.get(key)) for key in ("name", "uuid", "version"))
    if name and uuid and version:
        package = _package(name, version, uuid, "")
        yield package
        needs = sorted(mapping(value.get("deps")))
        if needs:
            yield Needs(package.purl, tuple(needs))


def _manifest(value: dict[str, object]) -> Iterator[Fact]:
    """Format 1 has the packages at the top, format 2 below `deps`; each name has a list of entries."""
    listed = mapping(value.get("deps")) if "manifest_format" in value else value
    packages: dict[str, Package] = {}
    needs: dict[str, list[str]] = {}
    for name in sorted(listed):
        for item in map(mapping, entries(listed[name])):
            version, uuid = text(item.get("version")), text(item.get("uuid"))
            if version and uuid:
                packages[name] = _package(name, version, uuid, text(item.get("git-tree-sha1")))
                deps = item.get("deps")
                needs[name] = sorted(deps) if isinstance(deps, dict) else texts(deps)
    yield from packages.values()
    yield Edges(
        tuple(
            Relationship(packages[name].purl, "depends-on", packages[target].purl)
            for name in sorted(needs)
            for target in needs[name]
            if target in packages
        )
    )


def _package(name: str, version: str, uuid: str, tree: str) -> Package:
    url = purl.make("julia", name, version, qualifiers={"uuid": uuid})
    return Package(url, "julia", name, version, cataloger="julia", extra=kept(julia_uuid=uuid, julia_tree_sha1=tree))


CATALOGER = Cataloger(
    name="julia",
    version=1,
    selects=Selector(
        globs=(
            "**/packages/*/*/Project.toml",
            "**/julia/stdlib/*/*/Project.toml",
            "**/Manifest.toml",
        ),
        max_size=8 << 20,
    ),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Julia packages",
)
