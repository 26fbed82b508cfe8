"""Coverage and issues in words, so that no format is silent about what was not seen."""

from __future__ import annotations

from sbomkit.model.inventory import Inventory
from sbomkit.sbom.text import one_line

_MEANING = {
    "full": "everything that sbomkit can read was read",
    "partial": "some of what is inside could not be read",
    "none": "nothing can be said about what is inside",
}
_ISSUES_SHOWN = 20


def lines(inventory: Inventory) -> list[str]:
    """The coverage with its reasons, then the issues; the first line stands for the whole."""
    coverage = inventory.coverage
    result = [f"Coverage: {coverage.status}: {_MEANING[coverage.status]}."]
    result += [f"Reason: {one_line(reason)}" for reason in coverage.reasons]
    for ecosystem in coverage.ecosystems:
        if ecosystem.status != "full" or ecosystem.reasons:
            why = "; ".join(map(one_line, ecosystem.reasons)) or "no reason given"
            result.append(f"{ecosystem.cataloger}: {ecosystem.status}: {why}")
    result += [
        f"Issue: {one_line(i.path) or '(image)'}: {one_line(i.reason)}" for i in inventory.issues[:_ISSUES_SHOWN]
    ]
    if len(inventory.issues) > _ISSUES_SHOWN:
        result.append(f"and {len(inventory.issues) - _ISSUES_SHOWN} more issues")
    return result


def has_gaps(inventory: Inventory) -> bool:
    """Whether a reader must be told that something is missing."""
    return inventory.coverage.status != "full" or bool(inventory.issues)
