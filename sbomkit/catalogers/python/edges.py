"""Edges: which installed distribution each Requires-Dist means, with the extras that others ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sbomkit.catalogers.base import Relationship
from sbomkit.catalogers.python.markers import Requirement, parse_requirement
from sbomkit.catalogers.python.visibility import Site, Visible


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution, as far as edges are concerned."""

    purl: str
    name: str
    """Normalised."""
    site: Site
    requires: tuple[str, ...]


def edges(distributions: Sequence[Distribution]) -> Iterator[Relationship]:
    """Sorted. An extra counts where an installed distribution asks for it; what a person asked for is not recorded."""
    visible = Visible((distribution.site, distribution.name) for distribution in distributions)
    parse = lru_cache(1 << 14)(parse_requirement)
    requirements = [[one for text in distribution.requires if (one := parse(text))] for distribution in distributions]
    optional = [_by_extra(wanted) for wanted in requirements]
    pending = [(number, "") for number in range(len(distributions))]
    done = set(pending)
    found: set[tuple[str, str]] = set()
    while pending:
        number, extra = pending.pop()
        distribution = distributions[number]
        for requirement in optional[number].get(extra, ()) if extra else requirements[number]:
            if not requirement.applies(distribution.site.environment, extra):
                continue
            target = visible.find(distribution.site, requirement.name)
            if target is None:
                continue
            found.add((distribution.purl, distributions[target].purl))
            asked = {(target, wanted) for wanted in requirement.extras if wanted in optional[target]} - done
            done |= asked
            pending += asked
    for source, target_purl in sorted(found):
        if source != target_purl:
            yield Relationship(source, "depends-on", target_purl)


def _by_extra(requirements: Sequence[Requirement]) -> dict[str, list[Requirement]]:
    """Only what speaks of an extra can change with it."""
    out: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        for extra in requirement.mentions:
            out.setdefault(extra, []).append(requirement)
    return out
