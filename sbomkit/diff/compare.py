"""The diff of two inventories: pure, symmetric, and the same for any order of input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

from sbomkit.diff import versions
from sbomkit.diff.config import config_changes
from sbomkit.diff.fields import (
    Known,
    classify,
    field_changes,
    is_unchanged,
    known_fields,
    license_names,
    same_version_kind,
)
from sbomkit.diff.identity import identity, type_of, version_of
from sbomkit.diff.layers import layer_changes
from sbomkit.diff.match import Pair, match
from sbomkit.diff.notes import notes_of, unseen
from sbomkit.diff.origin import Base, base_change, base_of
from sbomkit.diff.reach import Graph, targets_of
from sbomkit.diff.types import Diff, FieldChange, PackageChange, Side
from sbomkit.model.files import FileDrift
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package


def diff(
    before: Inventory,
    after: Inventory,
    *,
    files: FileDrift | None = None,
    old_base: Inventory | None = None,
    new_base: Inventory | None = None,
) -> Diff:
    """What changed from `before` to `after`.

    `files` is what the caller found in the images' files, where it could see them; `old_base` and `new_base` are the
    images that the two were built on, where they are known.
    """
    old, doubled = _each_once(before)
    new, doubled_new = _each_once(after)
    known = known_fields(old) & known_fields(new)
    bases = base_of(old, old_base), base_of(new, new_base)
    changes, unchanged = _packages(old, new, known, bases)
    comparable = old.subject.layers and new.subject.layers
    layers, kept = layer_changes(old.subject.layers, new.subject.layers) if comparable else ((), 0)
    config = config_changes(old.subject.config, new.subject.config) if _both_configured(old, new) else ()
    return Diff(
        _side(old),
        _side(new),
        tuple(sorted(changes, key=lambda change: change.sort_key)),
        unchanged,
        base_change(old, new),
        layers,
        kept,
        config,
        _sorted_files(files),
        notes_of(old, new, known, bases, (doubled, doubled_new)),
    )


def _sorted_files(files: FileDrift | None) -> FileDrift:
    return replace(files, changes=tuple(sorted(set(files.changes)))) if files else FileDrift()


def _both_configured(old: Inventory, new: Inventory) -> bool:
    """Images, or documents that tell the config; where only one side can know it, nothing was set or unset."""
    sides = (old.subject, new.subject)
    return all(side.config or (side.image_id is not None and side.layers) for side in sides)


def _each_once(inventory: Inventory) -> tuple[Inventory, int]:
    """The same inventory with every identity once, what was said twice put together; how many were too many."""
    groups: dict[str, list[Package]] = {}
    for package in inventory.packages:
        groups.setdefault(identity(package), []).append(package)
    if len(groups) == len(inventory.packages):
        return inventory, 0
    packages = tuple(_united(group) if len(group) > 1 else group[0] for group in groups.values())
    return replace(inventory, packages=packages), len(inventory.packages) - len(packages)


def _united(group: list[Package]) -> Package:
    first = min(group, key=repr)
    return replace(
        first,
        licenses=tuple(sorted(set(chain.from_iterable(p.licenses for p in group)))),
        locations=tuple(sorted(set(chain.from_iterable(p.locations for p in group)))),
        hashes=tuple(sorted(set(chain.from_iterable(p.hashes for p in group)))),
    )


def _packages(
    old: Inventory, new: Inventory, known: Known, bases: tuple[Base, Base]
) -> tuple[list[PackageChange], int]:
    pairs = match(old.packages, new.packages)
    targets = targets_of(old), targets_of(new)
    edges = _Edges(old, new, pairs, targets) if "dependencies" in known else None
    changes: list[PackageChange] = []
    for pair in pairs:
        change = _change(pair, known, edges)
        if change is not None:
            changes.append(change)
    unchanged = sum(1 for pair in pairs if pair.old and pair.new) - sum(1 for c in changes if c.old and c.new)
    if not changes:
        return [], unchanged
    graphs = Graph(old, targets[0]), Graph(new, targets[1])
    return [
        replace(
            change,
            old_reach=graphs[0].reach(change.old),
            new_reach=graphs[1].reach(change.new),
            old_origin=bases[0].origin(change.old),
            new_origin=bases[1].origin(change.new),
            uncertain=_uncertain(change, old, new),
        )
        for change in changes
    ], unchanged


def _uncertain(change: PackageChange, old: Inventory, new: Inventory) -> str:
    if change.new is None:
        return unseen(change.old, new)
    return unseen(change.new, old) if change.old is None else ""


def _change(pair: Pair, known: Known, edges: _Edges | None) -> PackageChange | None:
    old, new = pair.old, pair.new
    if old is None or new is None:
        return PackageChange("added" if old is None else "removed", old, new, by_name=pair.by_name)
    dependencies = edges.change(old, new) if edges else None
    if dependencies is None and not pair.renamed and (old is new or is_unchanged(old, new)):
        return None
    kind, incomparable = classify(pair, old, new)
    fields = field_changes(old, new, known, same_version=version_of(old) == version_of(new))
    if dependencies is not None:
        fields = sorted([*fields, dependencies])
    if kind is None:
        if not fields:
            return None
        kind = same_version_kind(fields)
    step = versions.level(type_of(new), version_of(old), version_of(new)) if type_of(old) == type_of(new) else ""
    return PackageChange(
        kind,
        old,
        new,
        pair.reason,
        step,
        incomparable,
        tuple(sorted(fields)),
        by_name=pair.by_name,
    )


Targets = Mapping[str, list[str]]


class _Edges:
    """Dependency edges, in which a package and what it became are one."""

    def __init__(self, old: Inventory, new: Inventory, pairs: Iterable[Pair], targets: tuple[Targets, Targets]) -> None:
        self._became = {identity(p.old): identity(p.new) for p in pairs if p.old and p.new}
        self._old, self._new = targets
        self._packages: Mapping[str, Package] = {
            identity(package): package for package in chain(old.packages, new.packages)
        }

    def change(self, old: Package, new: Package) -> FieldChange | None:
        mine, theirs = self._old.get(identity(old)), self._new.get(identity(new))
        if mine == theirs:  # exact names pair with themselves
            return None
        before = {self._became.get(ref, ref): ref for ref in mine or ()}
        after = set(theirs or ())
        if before.keys() == after:
            return None
        removed = {self._name(ref) for slot, ref in before.items() if slot not in after}
        added = {self._name(ref) for ref in after if ref not in before}
        return FieldChange("dependencies", tuple(sorted(removed)), tuple(sorted(added)))

    def _name(self, ref: str) -> str:
        package = self._packages.get(ref)
        return f"{package.name}@{package.version}" if package is not None else ref


def _side(inventory: Inventory) -> Side:
    subject = inventory.subject
    sizes = [layer.size for layer in subject.layers]
    known = [size for size in sizes if size is not None]
    return Side(
        subject.name,
        subject.kind,
        subject.version,
        str(subject.digest or ""),
        str(subject.image_id or ""),
        subject.platform,
        subject.created,
        inventory.distro.qualifier,
        len(inventory.packages),
        len(subject.layers),
        sum(known) if known and len(known) == len(sizes) else None,
        inventory.coverage.status,
        tuple(sorted(inventory.coverage.reasons)),
    )


def new_licenses(change: PackageChange) -> tuple[str, ...]:
    """Licences that the newer side brings: all of a package that was added, the new ones of one that was there."""
    if change.new is None:
        return ()
    if change.old is None:
        return license_names(change.new.licenses)
    return next((field.added for field in change.fields if field.name == "licenses"), ())
