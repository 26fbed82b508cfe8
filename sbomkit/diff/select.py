"""Which part of a diff is wanted: by subject, by origin, without what is ignored. Pure; what is left out is counted."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import unquote

from sbomkit.diff.types import Diff, Origin, PackageChange
from sbomkit.errors import UsageError
from sbomkit.model.files import FileDrift
from sbomkit.model.package import Package

PARTS = ("packages", "config", "layers", "files", "licenses")
ORIGINS: tuple[Origin, ...] = ("app", "base")


def only(diff: Diff, words: Iterable[str]) -> Diff:
    """The named parts and origins only. Raises UsageError for a word that is neither."""
    wanted = {word.strip().lower() for word in words} - {""}
    unknown = sorted(wanted - {*PARTS, *ORIGINS})
    if unknown:
        raise UsageError(f"--only: unknown: {', '.join(unknown)}", hint=f"Known: {', '.join((*PARTS, *ORIGINS))}.")
    parts = wanted & set(PARTS) or set(PARTS)
    packages = diff.packages
    if "packages" not in parts:
        packages = tuple(change for change in packages if "licenses" in parts and _touches_licenses(change))
    origins = wanted & set(ORIGINS)
    if origins == {"base"}:
        packages = tuple(change for change in packages if change.origin == "base")
    elif origins == {"app"}:
        packages = tuple(change for change in packages if change.origin != "base")
    return replace(
        diff,
        packages=packages,
        base=diff.base if "app" not in origins or "base" in origins else None,
        layers=diff.layers if "layers" in parts else (),
        config=diff.config if "config" in parts else (),
        files=diff.files if "files" in parts else FileDrift(),
        ignored=diff.ignored + len(diff.packages) - len(packages),
    )


def _touches_licenses(change: PackageChange) -> bool:
    sides = [side for side in (change.old, change.new) if side is not None]
    return any(field.name == "licenses" for field in change.fields) or (len(sides) == 1 and bool(sides[0].licenses))


def ignore(diff: Diff, globs: Iterable[str]) -> Diff:
    """Without the packages whose purl, on either side, fits a glob; a glob without a version fits every version."""
    fits = [_glob(glob) for glob in globs if glob]
    if not fits:
        return diff
    packages = tuple(
        change
        for change in diff.packages
        if not any(fit(side) for fit in fits for side in (change.old, change.new) if side is not None)
    )
    return replace(diff, packages=packages, ignored=diff.ignored + len(diff.packages) - len(packages))


def _glob(glob: str) -> Callable[[Package], bool]:
    pattern = re.compile(fnmatch.translate(unquote(glob)))

    def fits(package: Package) -> bool:
        purl = unquote(package.purl) or f"{package.type}/{package.name}@{package.version}"
        short = purl.partition("?")[0].partition("#")[0]
        bare = short[: short.rindex("@")] if "@" in short[short.rfind("/") + 2 :] else short
        return any(pattern.match(text) is not None for text in (purl, short, bare))

    return fits
