"""What limits a diff's word, said at its top: missing is not removed."""

from __future__ import annotations

from typing import Literal

from sbomkit.diff.fields import Known, known_fields
from sbomkit.diff.identity import has_purl
from sbomkit.diff.origin import Base
from sbomkit.diff.types import Note
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package

Which = Literal["before", "after"]
_SIDES: tuple[Which, Which] = ("before", "after")
_SHOWN_REASONS = 3
_COMPARED = ("dependencies", "hashes", "licenses", "locations", "supplier")


def unseen(package: Package | None, other: Inventory) -> str:
    """Why the package may be in the other inventory after all; empty where it would have been seen."""
    if package is None:
        return ""
    coverage = other.coverage
    if not other.packages and coverage.status == "none":
        return "nothing was read on the other side"
    for ecosystem in coverage.ecosystems:
        if ecosystem.cataloger == package.cataloger and ecosystem.status != "full":
            return f"{ecosystem.cataloger} was read only in part on the other side"
    return ""


def notes_of(
    old: Inventory, new: Inventory, known: Known, bases: tuple[Base, Base], doubled: tuple[int, int]
) -> tuple[Note, ...]:
    notes: list[Note] = []
    for side, inventory, extra in zip(_SIDES, (old, new), doubled, strict=True):
        notes += _coverage(side, inventory)
        if extra:
            notes.append(Note("duplicates", side, f"{extra} packages are listed more than once, and count once"))
        nameless = sum(1 for package in inventory.packages if not has_purl(package))
        if nameless:
            notes.append(
                Note("no-purl", side, f"{nameless} packages have no purl, and are known by type and name only")
            )
    one, other = old.subject, new.subject
    if one.platform and other.platform and one.platform != other.platform:
        first, second = sorted((one.platform, other.platform))
        notes.append(Note("platform", "both", f"the platforms differ: {first} and {second}"))
    notes += _formats(old, new)
    notes += _unknown_fields(old, new, known)
    if old.packages and new.packages:
        for side, base in zip(_SIDES, bases, strict=True):
            notes.append(Note("attribution", side, f"base and app: {base.how}"))
    return tuple(sorted(notes))


def _coverage(side: Which, inventory: Inventory) -> list[Note]:
    coverage = inventory.coverage
    if coverage.status == "full":
        return []
    reasons = sorted(coverage.reasons)
    why = "; ".join(reasons[:_SHOWN_REASONS]) + (
        f"; and {len(reasons) - _SHOWN_REASONS} more" if len(reasons) > _SHOWN_REASONS else ""
    )
    word = "partial" if coverage.status == "partial" else "not told" if inventory.packages else "none"
    return [
        Note(
            "coverage", side, f"coverage is {word}{': ' + why if why else ''}: what is missing here may not be removed"
        )
    ]


def _formats(old: Inventory, new: Inventory) -> list[Note]:
    found: list[Note] = []
    for side, mine, theirs in (("before", old, new), ("after", new, old)):
        which: Which = "before" if side == "before" else "after"
        if theirs.subject.layers and not mine.subject.layers:
            found.append(Note("format", which, "has no layers to compare"))
        if theirs.subject.config and not mine.subject.config and mine.subject.image_id is None:
            found.append(Note("format", which, "has no image config to compare"))
    return found


def _unknown_fields(old: Inventory, new: Inventory, known: Known) -> list[Note]:
    found: list[Note] = []
    for side, mine, theirs in zip(_SIDES, (old, new), (new, old), strict=True):
        if not (mine.packages and theirs.packages):
            continue
        missing = [
            name for name in _COMPARED if name not in known and name in known_fields(theirs) - known_fields(mine)
        ]
        if missing:
            found.append(Note("unknown-field", side, f"tells no {', '.join(missing)}: not compared"))
    return found
