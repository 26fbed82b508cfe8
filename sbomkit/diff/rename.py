"""Packages that went on under another name: the same content, the same file, or the same source with another number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable

from sbomkit.diff.identity import DISTRO_TYPES, identity, name_of, type_of
from sbomkit.model.package import Package

Rename = tuple[Package, Package, str]
Everything = Callable[[], tuple[Iterable[Package], Iterable[Package]]]

# Files that list other packages: standing in one says nothing of who somebody is.
_LISTS = re.compile(r"(?:lock|requirements|go\.(?:mod|sum)|pom\.xml|deps\.json|installed)", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9][0-9.]*(?:t64)?")
_GO_MAJOR = re.compile(r"(?:/|\.)v[0-9]+\Z")


def renamed(old: list[Package], new: list[Package], everything: Everything) -> list[Rename]:
    """Renames among what was removed and added; only where there is exactly one candidate on each side."""
    found: list[Rename] = []
    steps: tuple[tuple[str, Callable[[Package], list[Hashable]]], ...] = (
        ("same content", _hashes),
        ("same file", _files(old, new, everything)),
        ("same source package", _sources),
        ("same module, another major version", _modules),
    )
    for what, keys in steps:
        if not (old and new):
            break
        pairs = _unique_pairs(old, new, keys)
        found += [(one, other, f"{what}: {shown}") for one, other, shown in pairs]
        gone = {identity(one) for one, _, _ in pairs}
        come = {identity(other) for _, other, _ in pairs}
        old = [package for package in old if identity(package) not in gone]
        new = [package for package in new if identity(package) not in come]
    return found


def _unique_pairs(
    old: list[Package], new: list[Package], keys: Callable[[Package], list[Hashable]]
) -> list[tuple[Package, Package, str]]:
    sides: list[dict[Hashable, Package | None]] = [{}, {}]
    for index, packages in zip(sides, (old, new), strict=True):
        for package in packages:
            for key in set(keys(package)):
                index[key] = None if key in index else package
    paired: list[tuple[Package, Package, str]] = []
    gone: set[str] = set()
    come: set[str] = set()
    for key in sorted(sides[0].keys() & sides[1].keys(), key=str):
        one, other = sides[0][key], sides[1][key]
        if one is None or other is None or identity(one) in gone or identity(other) in come:
            continue
        gone.add(identity(one))
        come.add(identity(other))
        shown = key[1] if isinstance(key, tuple) else key
        paired.append((one, other, str(shown)))
    return paired


def _hashes(package: Package) -> list[Hashable]:
    return [(type_of(package), str(digest)) for digest in package.hashes]


def _files(old: list[Package], new: list[Package], everything: Everything) -> Callable[[Package], list[Hashable]]:
    """Keys for files that belong to one package on each side."""

    def candidates(package: Package) -> list[str]:
        if type_of(package) in DISTRO_TYPES:
            return []
        paths = {location.path for location in package.locations}
        return [path for path in paths if not _LISTS.search(path.rpartition("/")[2])]

    shared = {path for package in old for path in candidates(package)}
    shared &= {path for package in new for path in candidates(package)}
    crowded: set[str] = set()
    if shared:
        for side in everything():
            counts = Counter(
                path for package in side for path in {place.path for place in package.locations} if path in shared
            )
            crowded |= {path for path, count in counts.items() if count > 1}

    def keys(package: Package) -> list[Hashable]:
        return [(type_of(package), path) for path in candidates(package) if path in shared and path not in crowded]

    return keys


def _stem(name: str) -> str:
    return _NUMBERS.sub("*", name.lower())


def _sources(package: Package) -> list[Hashable]:
    """`libssl1.1` and `libssl3t64` of openssl; `gcc-12-base` and `gcc-14-base` of gcc-12 and gcc-14."""
    if type_of(package) not in DISTRO_TYPES:
        return []
    return [(type_of(package), _stem(package.source_name or package.name), _bare(package.name))]


def _bare(name: str) -> str:
    return _NUMBERS.sub("", name.lower())


def _modules(package: Package) -> list[Hashable]:
    """`github.com/a/b` and `github.com/a/b/v2`: https://go.dev/ref/mod#major-version-suffixes"""
    if type_of(package) != "golang":
        return []
    return [("golang", _GO_MAJOR.sub("", name_of(package)))]
