"""What a cataloger is. One module (or package) here per ecosystem, each with a `CATALOGER`; nothing else lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sbomkit.layers.select import Fact, LayerFile, ParseError, Parser, Selector
from sbomkit.layers.view import Seen, View
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Issue
from sbomkit.model.package import Location, Package, Relationship

__all__ = [
    "Cataloger", "Distro", "Fact", "Finding", "Issue", "LayerFile", "Location", "Ownership", "Package", "ParseError",
    "Parser", "Relationship", "Seen", "Selector", "View", "located", "packages_as_found",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ownership:
    """The files that a package's own record says it installed. Not a finding of the inventory by itself."""

    purl: str
    paths: tuple[str, ...]
    """Absolute, as recorded; the scan resolves links."""


Finding = Package | Relationship | Ownership | Issue


def located(package: Package, seen: Seen[Fact]) -> Package:
    """The package with the place and the layer of the fact that it was made from."""
    where = Location("/" + seen.path, seen.layer)
    return replace(package, locations=(*package.locations, where), introduced_by=seen.introduced)


def packages_as_found(view: View) -> Iterable[Finding]:
    """The default `assemble`: every visible fact that already is a package."""
    for seen in view.facts(Package):
        yield located(seen.fact, seen)


@dataclass(frozen=True, slots=True)
class Cataloger(Parser):
    """A parser with its image half: `assemble` is pure, once per image, over what the container would see."""

    assemble: Callable[[View], Iterable[Finding]] = packages_as_found
    ecosystem: str = ""
    """What people call it, for tables: "Debian packages"."""
