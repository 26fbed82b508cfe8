"""Versions of languages' packages that are numbers with a pre-release: SemVer and its relatives.

SemVer: https://semver.org/ (npm, cargo, golang, hex, pub, swift)
RubyGems: https://docs.ruby-lang.org/en/master/Gem/Version.html
NuGet: https://learn.microsoft.com/nuget/concepts/package-versioning
Composer: https://www.php.net/version_compare
Perl: https://metacpan.org/pod/version
"""

from __future__ import annotations

import re
from typing import Any

from sbomkit.diff.versions.distro import Number, number

_ZERO: Number = (0, "")
_RELEASE = re.compile(r"(?:[0-9]+[!:])?[vV=]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?")
_SEMVER = re.compile(r"[vV=]?([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.\-]+))?(?:\+.*)?\Z", re.DOTALL)


def release(version: str) -> tuple[Number, Number, Number]:
    """The first three numbers: major, minor, patch."""
    match = _RELEASE.match(version)
    if match is None:
        return _ZERO, _ZERO, _ZERO
    major, minor, patch = match.groups("")
    return number(major), number(minor), number(patch)


_AFTER_RELEASE = re.compile(
    r"(?:[0-9]+[!:])?[vV=]?[0-9]+(?:\.[0-9]+)*(?:\+.*|[-_.]?(?:post|rev|r|patch|pl|p|sp)?[-_.]?[0-9]*)\Z", re.DOTALL
)


def is_prerelease(version: str) -> bool:
    """Whether something other than numbers, a build or a post-release follows the numbers."""
    return _AFTER_RELEASE.match(version) is None


def _trimmed(numbers: list[Number]) -> tuple[Number, ...]:
    while numbers and numbers[-1] == _ZERO:
        numbers.pop()
    return tuple(numbers)


def _identifiers(pre: str) -> tuple[Any, ...]:
    """Numbers before words; a longer list after its own beginning; no pre-release after any."""
    return tuple((0, number(part)) if part.isdigit() else (1, (0, part)) for part in pre.split("."))


_RELEASED = ((2, _ZERO),)


def semver(version: str) -> Any:
    match = _SEMVER.match(version)
    if match is None:
        return None
    digits, pre = match.groups()
    return _trimmed([number(part) for part in digits.split(".")]), _identifiers(pre) if pre else _RELEASED


def nuget(version: str) -> Any:
    """SemVer with up to four numbers, without regard to case."""
    return semver(version.lower())


def lenient(version: str) -> Any:
    """For types without an order of their own: only what reads as numbers, with a pre-release at most."""
    return semver(version)


_DOTTED = re.compile(r"[0-9]+(?:[.\-][0-9]+)*\Z")


def numbers(version: str) -> Any:
    """Numbers only, where a longer list comes after its own beginning (Hackage, CRAN)."""
    if _DOTTED.match(version) is None:
        return None
    return tuple(number(part) for part in re.split(r"[.\-]", version))


_GEM = re.compile(r"\s*[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?\s*\Z")
_GEM_SEGMENT = re.compile(r"[0-9]+|[a-z]+", re.IGNORECASE)


def gem(version: str) -> Any:
    """Words are lower than numbers and than the end; zeros before a word or the end do not count."""
    if _GEM.match(version) is None:
        return None
    kept: list[tuple[int, Any]] = []
    zeros = 0
    for segment in _GEM_SEGMENT.findall(version.replace("-", ".pre.")):
        if not segment.isdigit():
            zeros = 0
            kept.append((0, (0, segment)))
        elif number(segment) == _ZERO:
            zeros += 1
        else:
            kept += [(2, _ZERO)] * zeros
            zeros = 0
            kept.append((2, number(segment)))
    return (*kept, (1, _ZERO))


_PHP_PART = re.compile(r"[0-9]+|[a-zA-Z]+")
_PHP_RANK = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "rc": 3, "p": 6, "pl": 6, "patch": 6}
_PHP_END, _PHP_NUMBER = 4, 5


def php(version: str) -> Any:
    """Composer: stages before the release, patches after it; branches (`dev-main`) have no order."""
    text = version.lower().removeprefix("v").partition("+")[0]
    if not text[:1].isdigit():
        return None
    found: list[tuple[int, Number]] = []
    for part in _PHP_PART.findall(text):
        if part.isdigit():
            found.append((_PHP_NUMBER, number(part)))
        elif part in _PHP_RANK:
            _trim_zeros(found)
            found.append((_PHP_RANK[part], _ZERO))
        else:
            return None
    _trim_zeros(found)
    return (*found, (_PHP_END, _ZERO))


def _trim_zeros(found: list[tuple[int, Number]]) -> None:
    while found and found[-1] == (_PHP_NUMBER, _ZERO):
        found.pop()


_PERL_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9_]+))?\Z")
_PERL_DOTTED = re.compile(r"v?[0-9]+(?:\.[0-9_]+)*\Z")


def perl(version: str) -> Any:
    """A decimal's fraction is read in threes: 1.10 is v1.100, and lower than 1.9, which is v1.900."""
    match = _PERL_DECIMAL.match(version)
    if match is not None:
        whole, fraction = match.group(1), (match.group(2) or "").replace("_", "")
        fraction += "0" * (-len(fraction) % 3)
        return _trimmed([number(whole), *(number(fraction[at : at + 3]) for at in range(0, len(fraction), 3))])
    if _PERL_DOTTED.match(version) is None:
        return None
    return _trimmed([number(part) for part in version.removeprefix("v").replace("_", "").split(".")])
