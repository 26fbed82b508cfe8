"""What a format does not hold, measured: the inventory is written, read back, and compared field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields

from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package
from sbomkit.sbom.format import Format, Meta
from sbomkit.sbom.text import printable


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """One field that did not come back as it was."""

    field: str
    """`packages.licenses`, `subject.config`, `relationships`, ..."""
    count: int
    """How many packages (or entries) it concerns."""
    example: str
    """One of them."""


def losses(inventory: Inventory, format: Format, meta: Meta, version: str | None = None) -> tuple[Loss, ...] | None:
    """What would be lost by writing this inventory in that format; None where the format cannot be read back."""
    if format.read is None:
        return None
    return compare(inventory, format.decode(format.encode(inventory, meta, version)))


def compare(before: Inventory, after: Inventory) -> tuple[Loss, ...]:
    """The fields of `before` that are not the same in `after`."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for field, example in _differences(before, after):
        counts[field] += 1
        examples.setdefault(field, printable(example[:200]))
    return tuple(sorted(Loss(field, count, examples[field]) for field, count in counts.items()))


def _differences(before: Inventory, after: Inventory) -> Iterator[tuple[str, str]]:
    packages = {package.purl: package for package in after.packages}
    for package in before.packages:
        other = packages.get(package.purl)
        if other is None:
            yield "packages", package.purl
        elif other != package:
            for field in fields(Package):
                if getattr(package, field.name) != getattr(other, field.name):
                    yield f"packages.{field.name}", package.purl
    kept = set(after.relationships)
    for relationship in before.relationships:
        if relationship not in kept:
            yield "relationships", f"{relationship.source} {relationship.kind} {relationship.target}"
    for part in ("subject", "distro", "coverage"):
        one, two = getattr(before, part), getattr(after, part)
        for field in fields(one):
            if getattr(one, field.name) != getattr(two, field.name):
                yield f"{part}.{field.name}", str(getattr(one, field.name))
    remaining = set(after.issues)
    for issue in before.issues:
        if issue not in remaining:
            yield "issues", issue.reason
