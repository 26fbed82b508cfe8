"""The order of versions, by purl type. Never string order: where an ecosystem has no order, versions are incomparable.

Every order is a sort key of its own, made from the ecosystem's specification: importing a library for it costs 0.13 s,
a quarter of a whole diff's budget, and rejects versions that are in use. The tests hold each key against the
ecosystems' own orderings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from sbomkit.diff.versions import distro, language, maven, pypi

Key = Callable[[str], Any]
"""From a version to something that sorts, or None where the version says nothing of an order."""

Direction = Literal["up", "down", "same", "incomparable"]
Level = Literal["major", "minor", "patch", "prerelease", "upstream", "revision", ""]
"""How far apart two versions are; `upstream` and `revision` are for distributions' packages, which promise no more."""

MAX_LENGTH = 1024
"""Characters; a longer version is no version, and is incomparable."""

_KEYS: dict[str, Key] = {
    "alpm": distro.rpm,
    "apk": distro.apk,
    "cargo": language.semver,
    "cocoapods": language.gem,
    "composer": language.php,
    "cpan": language.perl,
    "cran": language.numbers,
    "deb": distro.deb,
    "gem": language.gem,
    "golang": language.semver,
    "hackage": language.numbers,
    "hex": language.semver,
    "maven": maven.key,
    "npm": language.semver,
    "nuget": language.nuget,
    "opam": distro.deb,
    "opkg": distro.deb,
    "pub": language.semver,
    "pypi": pypi.key,
    "rpm": distro.rpm,
    "swift": language.semver,
}
_SEMANTIC = frozenset(
    {"cargo", "cocoapods", "composer", "gem", "golang", "hex", "maven", "npm", "nuget", "pub", "pypi", "swift"}
)
_REVISED = frozenset({"alpm", "apk", "deb", "opkg", "rpm"})


@lru_cache(maxsize=65536)
def sort_key(type: str, version: str) -> Any:
    """A key that sorts versions of one purl type; None where this version has no place in the order."""
    if not version or len(version) > MAX_LENGTH:
        return None
    return _KEYS.get(type, language.lenient)(version)


def direction(type: str, old: str, new: str) -> Direction:
    """Which way from `old` to `new`; `same` is the ecosystem's own equality, as of `1.0` and `1.0.0`."""
    if old == new:
        return "same"
    before, after = sort_key(type, old), sort_key(type, new)
    if before is None or after is None:
        return "incomparable"
    if before == after:
        return "same"
    return "up" if before < after else "down"


def level(type: str, old: str, new: str) -> Level:
    """How big the step is, in the ecosystem's own terms; empty where it has none."""
    if old == new or sort_key(type, old) is None or sort_key(type, new) is None:
        return ""
    if type in _REVISED:
        return "revision" if distro.upstream(type, old) == distro.upstream(type, new) else "upstream"
    if type not in _SEMANTIC:
        return ""
    before, after = language.release(old), language.release(new)
    steps: tuple[Level, ...] = ("major", "minor", "patch")
    for step, one, other in zip(steps, before, after, strict=True):
        if one != other:
            return step
    if sort_key(type, old) == sort_key(type, new):
        return ""
    return "prerelease" if language.is_prerelease(old) or language.is_prerelease(new) else "patch"


def numbers(version: str) -> tuple[tuple[int, str], ...]:
    """The first three numbers of any version, for telling which versions are near."""
    return language.release(version)
