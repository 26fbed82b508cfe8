"""What differs between two packages taken for one, field by field, and what kind of change that makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sbomkit.diff import versions
from sbomkit.diff.identity import DISTRO_TYPES, architecture_of, type_of, vendor_of, version_of
from sbomkit.diff.match import Pair
from sbomkit.diff.types import FieldChange, PackageKind
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import License, Package

Known = frozenset[str]
"""The fields that an inventory tells of at least one package; where one side tells none, nothing was lost or won."""


def known_fields(inventory: Inventory) -> Known:
    packages = inventory.packages
    found = {
        "licenses": any(p.licenses for p in packages),
        "supplier": any(p.supplier for p in packages),
        "hashes": any(p.hashes for p in packages),
        "locations": any(p.locations for p in packages),
        "dependencies": any(edge.kind == "depends-on" for edge in inventory.relationships),
        "architecture": any("arch=" in p.purl for p in packages),
        "vendor": True,
        "source": any(p.source_name for p in packages),
    }
    return frozenset(name for name, known in found.items() if known)


_DEPRECATED = re.compile(r"\b((?:A|L)?GPL-[0-9.]+|GFDL-[0-9.]+)(\+|-only|-or-later)?(?![\w.-])", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


def license_name(value: str) -> str:
    """As SPDX writes it now: `GPL-2.0` is `GPL-2.0-only`, `GPL-2.0+` is `GPL-2.0-or-later`."""
    if "GPL" in value.upper() or "GFDL" in value.upper():
        value = _DEPRECATED.sub(
            lambda m: m.group(1) + {"+": "-or-later", None: "-only"}.get(m.group(2), m.group(2) or ""), value
        )
    return _SPACES.sub(" ", value).strip()


_WORDS = re.compile(r"\b(?:the|licen[cs]e|version|v(?=[0-9]))\b|[^a-z0-9+]")


def license_key(value: str) -> str:
    """For comparing: `Apache License, Version 2.0`, `Apache 2.0` and `Apache-2.0` are one."""
    return _WORDS.sub("", license_name(value).casefold()) or value.casefold()


def license_names(licenses: Iterable[License]) -> tuple[str, ...]:
    """Each once, without regard to how it is spelled."""
    found = {license_key(item.value): license_name(item.value) for item in sorted(licenses)}
    return tuple(sorted(value for value in found.values() if value))


def _fold(old: Iterable[str], new: Iterable[str], name: str) -> FieldChange | None:
    before, after = set(old), set(new)
    if before == after:
        return None
    return FieldChange(name, tuple(sorted(before - after)), tuple(sorted(after - before)))


def _licenses(old: Package, new: Package) -> FieldChange | None:
    if old.licenses == new.licenses:
        return None
    before, after = license_names(old.licenses), license_names(new.licenses)
    keys_before, keys_after = {license_key(v) for v in before}, {license_key(v) for v in after}
    if keys_before == keys_after:
        return None
    return FieldChange(
        "licenses",
        tuple(value for value in before if license_key(value) not in keys_after),
        tuple(value for value in after if license_key(value) not in keys_before),
    )


def _supplier(old: Package, new: Package) -> FieldChange | None:
    if old.supplier == new.supplier:
        return None
    before, after = _SPACES.sub(" ", old.supplier).strip(), _SPACES.sub(" ", new.supplier).strip()
    return _fold([before] if before else [], [after] if after else [], "supplier")


def _hashes(old: Package, new: Package) -> FieldChange | None:
    """Only digests of the same algorithm can disagree."""
    both = {digest.algorithm for digest in old.hashes} & {digest.algorithm for digest in new.hashes}
    before = {str(digest) for digest in old.hashes if digest.algorithm in both}
    after = {str(digest) for digest in new.hashes if digest.algorithm in both}
    return _fold(before, after, "hashes")


def _locations(old: Package, new: Package) -> FieldChange | None:
    if not (old.locations and new.locations):
        return None
    return _fold({p.path for p in old.locations}, {p.path for p in new.locations}, "locations")


def _architecture(old: Package, new: Package) -> FieldChange | None:
    before, after = architecture_of(old), architecture_of(new)
    return _fold([before], [after], "architecture") if before and after else None


def _vendor(old: Package, new: Package) -> FieldChange | None:
    if type_of(old) not in DISTRO_TYPES or type_of(new) not in DISTRO_TYPES:
        return None
    before, after = vendor_of(old), vendor_of(new)
    return _fold([before], [after], "vendor") if before and after else None


def _source(old: Package, new: Package) -> FieldChange | None:
    before, after = old.source_name or old.name, new.source_name or new.name
    return _fold([before], [after], "source") if old.source_name and new.source_name else None


_ALWAYS: tuple[tuple[str, Callable[[Package, Package], FieldChange | None]], ...] = (
    ("architecture", _architecture),
    ("licenses", _licenses),
    ("source", _source),
    ("supplier", _supplier),
    ("vendor", _vendor),
)
_SAME_VERSION: tuple[tuple[str, Callable[[Package, Package], FieldChange | None]], ...] = (
    ("hashes", _hashes),
    ("locations", _locations),
)


def field_changes(old: Package, new: Package, known: Known, *, same_version: bool) -> list[FieldChange]:
    """Content and places are expected to differ with the version, so they count only for the same one."""
    if old is new:
        return []
    checks = (*_ALWAYS, *_SAME_VERSION) if same_version else _ALWAYS
    found = [check(old, new) for name, check in checks if name in known]
    return [change for change in found if change is not None]


def is_unchanged(old: Package, new: Package) -> bool:
    """A quick look that settles most pairs: nothing that is compared here differs."""
    return (
        old.purl == new.purl
        and old.version == new.version
        and old.licenses == new.licenses
        and old.supplier == new.supplier
        and old.hashes == new.hashes
        and old.source_name == new.source_name
        and (old.locations == new.locations or {p.path for p in old.locations} == {p.path for p in new.locations})
    )


_TOLERANT = DISTRO_TYPES | {"pypi", "golang"}
"""Ecosystems whose equal versions are one version, however written: a tool may have normalised it."""


def classify(pair: Pair, old: Package, new: Package) -> tuple[PackageKind | None, bool]:
    """The kind that the versions alone make (None: the same version), and whether there is no order between them."""
    one, other = version_of(old), version_of(new)
    kind: PackageKind | None = None
    way = versions.direction(type_of(new), one, other) if type_of(old) == type_of(new) else "incomparable"
    if one == other:
        way = "same"
    if way == "up":
        kind = "upgraded"
    elif way == "down":
        kind = "downgraded"
    elif way == "incomparable":
        kind = "changed"
    elif one != other and not {type_of(old), type_of(new)} <= _TOLERANT:
        kind = "rebuilt" if "+" in one or "+" in other else "changed"
    if pair.renamed:
        kind = "renamed"
    return kind, way == "incomparable"


def same_version_kind(changes: list[FieldChange]) -> PackageKind:
    names = {change.name: change for change in changes}
    if "hashes" in names:
        return "rebuilt"
    return "moved" if "locations" in names and names.keys() == {"locations"} else "changed"
