"""What one file says about how its packages relate, and the `assemble` that passes it on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.catalogers.base import Finding, Relationship, View, packages_as_found


@dataclass(frozen=True, slots=True)
class Edges:
    """Relationships that stand in one file, between packages that stand in it too."""

    relationships: tuple[Relationship, ...]
    identity: str = ""


def packages_and_edges(view: View) -> Iterable[Finding]:
    """Every visible fact that is a package, and every relationship."""
    yield from packages_as_found(view)
    for seen in view.facts(Edges):
        yield from seen.fact.relationships
