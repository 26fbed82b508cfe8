"""Findings into the parts of an inventory: each package once, relationships between packages that are there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from sbomkit.model.package import Package, Relationship

T = TypeVar("T")


def merged(packages: Iterable[Package], order: Mapping[str, int]) -> dict[str, Package]:
    """By purl, sorted; what was found twice becomes one with both places. `order` is the position of each diffID."""
    groups: dict[str, list[Package]] = defaultdict(list)
    for package in packages:
        groups[package.purl].append(package)
    return {purl: _united(groups[purl], order) for purl in sorted(groups)}


def _united(group: list[Package], order: Mapping[str, int]) -> Package:
    """The one with the best evidence leads; the others fill its gaps."""
    if len(group) == 1:
        return group[0]
    group.sort(key=lambda p: (-p.confidence, p.cataloger, p.locations))
    first = group[0]
    return replace(
        first,
        locations=_all(p.locations for p in group),
        licenses=_all(p.licenses for p in group),
        hashes=_all(p.hashes for p in group),
        cpes=_all(p.cpes for p in group),
        supplier=_first(p.supplier for p in group),
        homepage=_first(p.homepage for p in group),
        description=_first(p.description for p in group),
        source_name=_first(p.source_name for p in group),
        source_version=_first(p.source_version for p in group),
        introduced_by=min((p.introduced_by for p in group), key=lambda diff_id: order.get(diff_id, -1)),
        extra=tuple(sorted({pair[0]: pair for p in reversed(group) for pair in p.extra}.values())),
    )


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _all(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(sorted({item for part in parts for item in part}, key=repr))


def related(relationships: Iterable[Relationship], packages: Mapping[str, Package]) -> tuple[Relationship, ...]:
    """Sorted, without duplicates, loops on itself, or ends that are not there."""
    return tuple(
        sorted({r for r in relationships if r.source != r.target and r.source in packages and r.target in packages})
    )
