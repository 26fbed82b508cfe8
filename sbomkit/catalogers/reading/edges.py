"""What one file says about how its packages relate, and the `assemble` that passes it on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sbomkit.catalogers.base import Finding, Ownership, Package, Relationship, View, packages_as_found


@dataclass(frozen=True, slots=True)
class Edges:
    """Relationships that stand in one file, between packages that stand in it too."""

    relationships: tuple[Relationship, ...]
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """A package's dependencies by name alone: which package that is, the image's others tell."""

    source: str
    """The purl of the package that depends."""
    names: tuple[str, ...]
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Owns:
    """Files that a record lists as a package's own, absolute in the image."""

    purl: str
    paths: tuple[str, ...]
    identity: str = ""


def packages_and_edges(view: View) -> Iterable[Finding]:
    """Every visible fact that is a package, every relationship, and those that names stand for."""
    packages = list(packages_as_found(view))
    yield from packages
    for seen in view.facts(Edges):
        yield from seen.fact.relationships
    yield from _by_name(view, [p for p in packages if isinstance(p, Package)])
    for owned in view.facts(Owns):
        yield Ownership(owned.fact.purl, owned.fact.paths)


def _by_name(view: View, packages: list[Package]) -> Iterator[Relationship]:
    """A name stands for every package in the image that is called so: versions were checked at installation."""
    known: dict[str, set[str]] = defaultdict(set)
    for package in packages:
        full = f"{package.namespace}/{package.name}" if package.namespace else package.name
        known[full.lower()].add(package.purl)
    for seen in view.facts(Needs):
        for name in seen.fact.names:
            for target in sorted(known.get(name.lower(), ())):
                if target != seen.fact.source:
                    yield Relationship(seen.fact.source, "depends-on", target)
