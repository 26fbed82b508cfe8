"""Which package of one inventory is which of the other.

Exact purls cancel. What is left is grouped by key, each key holding a set of versions: equal versions cancel, the rest
pair by architecture and place, then by nearest version. What is still left may have changed its vendor, lost its purl,
or been renamed. Every step is symmetric and independent of input order, and costs O(n log n) at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sbomkit.diff import versions
from sbomkit.diff.identity import (
    DISTRO_TYPES,
    architecture_of,
    has_purl,
    identity,
    key_of,
    type_of,
    version_of,
)
from sbomkit.diff.rename import renamed
from sbomkit.model.package import Package


@dataclass(frozen=True, slots=True)
class Pair:
    """Two packages taken for one, or one that has no other."""

    old: Package | None
    new: Package | None
    reason: str = ""
    by_name: bool = False
    renamed: bool = False


SAME = "same purl"


def match(before: Iterable[Package], after: Iterable[Package]) -> list[Pair]:
    """Every package of both sides, each in exactly one pair. Each side must hold each identity once."""
    old = {identity(package): package for package in before}
    new = {identity(package): package for package in after}
    pairs = [
        Pair(package, new[key], SAME if has_purl(package) else "same type, name and version", not has_purl(package))
        for key, package in old.items()
        if key in new
    ]
    rest = _Rest(
        [old[key] for key in sorted(old.keys() - new.keys())],
        [new[key] for key in sorted(new.keys() - old.keys())],
    )
    rest.pair_groups(key_of, "")
    if rest.both:
        rest.pair_groups(_without_vendor, "; the vendor differs")
    if rest.both:
        rest.pair_by_name()
    pairs += rest.pairs
    if rest.both:
        moved = renamed(rest.old, rest.new, lambda: (old.values(), new.values()))
        for one, other, reason in moved:
            pairs.append(Pair(one, other, reason, not (has_purl(one) and has_purl(other)), renamed=True))
        rest.drop({identity(one) for one, _, _ in moved}, {identity(other) for _, other, _ in moved})
    pairs += [Pair(package, None, "", not has_purl(package)) for package in rest.old]
    pairs += [Pair(None, package, "", not has_purl(package)) for package in rest.new]
    return pairs


def _without_vendor(package: Package) -> Hashable:
    """Distributions' packages may be known without their vendor, or have changed it together with the base image."""
    kind, _, stable = key_of(package)
    return (kind, package.name.lower(), stable) if kind in DISTRO_TYPES else None


class _Rest:
    """What is not paired yet."""

    def __init__(self, old: list[Package], new: list[Package]) -> None:
        self.old, self.new = old, new
        self.pairs: list[Pair] = []

    @property
    def both(self) -> bool:
        return bool(self.old and self.new)

    def drop(self, old: set[str], new: set[str]) -> None:
        self.old = [package for package in self.old if identity(package) not in old]
        self.new = [package for package in self.new if identity(package) not in new]

    def pair_groups(self, key: Callable[[Package], Hashable], suffix: str) -> None:
        groups: dict[Hashable, tuple[list[Package], list[Package]]] = defaultdict(lambda: ([], []))
        for side, packages in enumerate((self.old, self.new)):
            for package in packages:
                group = key(package)
                if group is not None:
                    groups[group][side].append(package)
        self._take(pair for one, other in groups.values() if one and other for pair in _pair_group(one, other, suffix))

    def pair_by_name(self) -> None:
        """Where one side has no purl: the same name, and either the same version or no second candidate."""
        groups: dict[str, tuple[list[Package], list[Package]]] = defaultdict(lambda: ([], []))
        for side, packages in enumerate((self.old, self.new)):
            for package in packages:
                groups[package.name.lower()][side].append(package)
        found: list[Pair] = []
        for old, new in groups.values():
            if not any(not has_purl(package) for package in (*old, *new)) or not (old and new):
                continue
            for pair in _pair_group(old, new, "; no purl on one side"):
                one, other = pair.old, pair.new
                if one is None or other is None or has_purl(one) == has_purl(other):
                    continue
                if version_of(one) == version_of(other) or len(old) == len(new) == 1:
                    found.append(Pair(one, other, pair.reason, by_name=True))
        self._take(found)

    def _take(self, pairs: Iterable[Pair]) -> None:
        taken = list(pairs)
        self.pairs += taken
        self.drop({identity(p.old) for p in taken if p.old}, {identity(p.new) for p in taken if p.new})


def _pair_group(old: list[Package], new: list[Package], suffix: str) -> list[Pair]:
    """Pairs within one key."""
    found: list[Pair] = []

    def take(reason: str, buckets: Callable[[Package], Hashable]) -> None:
        nonlocal old, new
        paired, old, new = _zip_buckets(old, new, buckets)
        found.extend(
            Pair(one, other, reason + suffix, not (has_purl(one) and has_purl(other))) for one, other in paired
        )

    if len(old) == len(new) == 1:
        same = version_of(old[0]) == version_of(new[0])
        take("same name and version" if same else "same name, one version on each side", lambda _: ())
        return found
    take("same name, version and architecture", lambda p: (version_of(p), architecture_of(p)))
    if old and new:
        take("same name and version", version_of)
    if old and new:
        by_place, old, new = _pair_by_place(old, new)
        found.extend(
            Pair(one, other, f"same name, at the same place: {place}{suffix}") for one, other, place in by_place
        )
    near: Sequence[Callable[[Package], Hashable]] = (
        lambda p: (architecture_of(p), versions.numbers(p.version)),
        lambda p: (architecture_of(p), versions.numbers(p.version)[:2]),
        lambda p: (architecture_of(p), versions.numbers(p.version)[:1]),
        architecture_of,
        lambda p: versions.numbers(p.version)[:1],
        lambda _: (),
    )
    for bucket in near:
        if old and new:
            take("same name, nearest version", bucket)
    return found


def _rank(package: Package, mixed: bool) -> tuple[Any, ...]:
    """Highest version last; those without an order before all, by their text, only so that the outcome is the same."""
    key = None if mixed else versions.sort_key(type_of(package), version_of(package))
    return (key is not None, key if key is not None else (), package.version, identity(package))


Couple = tuple[Package, Package]


def _zip_buckets(
    old: list[Package], new: list[Package], bucket: Callable[[Package], Hashable]
) -> tuple[list[Couple], list[Package], list[Package]]:
    """Within each bucket the highest with the highest, and so on down."""
    mixed = len({type_of(package) for package in (*old, *new)}) > 1
    buckets: dict[Hashable, tuple[list[Package], list[Package]]] = defaultdict(lambda: ([], []))
    for side, packages in enumerate((old, new)):
        for package in packages:
            buckets[bucket(package)][side].append(package)
    paired: list[Couple] = []
    for one, other in buckets.values():
        if one and other:
            one.sort(key=lambda p: _rank(p, mixed), reverse=True)
            other.sort(key=lambda p: _rank(p, mixed), reverse=True)
            paired += zip(one, other, strict=False)
    gone = {identity(one) for one, _ in paired}
    come = {identity(other) for _, other in paired}
    return (
        paired,
        [package for package in old if identity(package) not in gone],
        [package for package in new if identity(package) not in come],
    )


def _places(packages: list[Package]) -> dict[str, Package | None]:
    """Where each package stands, with the version taken out of the path; None where several stand."""
    places: dict[str, Package | None] = {}
    for package in packages:
        for path in {location.path for location in package.locations}:
            if len(package.version) > 1:
                path = path.replace(package.version, "*")
            places[path] = None if path in places else package
    return places


def _pair_by_place(
    old: list[Package], new: list[Package]
) -> tuple[list[tuple[Package, Package, str]], list[Package], list[Package]]:
    before, after = _places(old), _places(new)
    paired: list[tuple[Package, Package, str]] = []
    gone: set[str] = set()
    come: set[str] = set()
    for place in sorted(before.keys() & after.keys()):
        one, other = before[place], after[place]
        if one is None or other is None or identity(one) in gone or identity(other) in come:
            continue
        gone.add(identity(one))
        come.add(identity(other))
        paired.append((one, other, place))
    return (
        paired,
        [package for package in old if identity(package) not in gone],
        [package for package in new if identity(package) not in come],
    )
