"""Versions of distributions' packages: deb, rpm (and alpm), apk.

deb: https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
rpm: https://rpm.org/docs/latest/man/rpm-version.7
apk: https://wiki.alpinelinux.org/wiki/APKBUILD_Reference#pkgver and apk-package(5)
"""

from __future__ import annotations

import re
from typing import Any

Number = tuple[int, str]
"""A decimal of any length as (digits, text): int() refuses long ones, and needs quadratic time."""


def number(digits: str) -> Number:
    bare = digits.lstrip("0")
    return len(bare), bare


_DEB_PART = re.compile(r"([^0-9]*)([0-9]*)")


def _deb_weights(text: str) -> tuple[int, ...]:
    """`~` before the end, the end before letters, letters before the rest."""
    weights = [
        -1 if char == "~" else ord(char) if char.isascii() and char.isalpha() else ord(char) + 256 for char in text
    ]
    return (*weights, 0)


_DEB_END = (_deb_weights(""), number(""))


def _deb_parts(text: str) -> tuple[Any, ...]:
    """An empty part and `0` are the same, at the end too."""
    parts = [(_deb_weights(word), number(digits)) for word, digits in _DEB_PART.findall(text)]
    while parts and parts[-1] == _DEB_END:
        parts.pop()
    return (*parts, _DEB_END)


def deb(version: str) -> Any:
    epoch, colon, rest = version.partition(":")
    if not colon or not (epoch.isascii() and epoch.isdigit()):
        epoch, rest = "", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return number(epoch), _deb_parts(upstream), _deb_parts(revision)


_RPM_SEGMENT = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^")
_RPM_TILDE, _RPM_END, _RPM_CARET, _RPM_WORD, _RPM_NUMBER = range(5)


def _rpm_segments(text: str) -> tuple[Any, ...]:
    found: list[tuple[int, Any]] = []
    for segment in _RPM_SEGMENT.findall(text):
        if segment == "~":
            found.append((_RPM_TILDE, ""))
        elif segment == "^":
            found.append((_RPM_CARET, ""))
        elif segment[0].isdigit():
            found.append((_RPM_NUMBER, number(segment)))
        else:
            found.append((_RPM_WORD, segment))
    return (*found, (_RPM_END, ""))


def rpm(version: str) -> Any:
    """A missing epoch is 0; a missing release is lower than any."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, release = rest.partition("-")
    return _rpm_segments(epoch), _rpm_segments(upstream), _rpm_segments(release) if dash else ()


# At any place in an apk version these tokens may stand, lowest first. A version that ends (or goes on in a way that
# apk does not know) is higher than one that goes on as a pre-release, and lower than one that goes on otherwise.
_APK_PRE, _APK_ODD, _APK_END, _APK_REVISION, _APK_HASH, _APK_COUNT, _APK_POST, _APK_LETTER, _APK_DIGIT = range(9)
_APK_PRE_SUFFIXES = ("alpha", "beta", "pre", "rc")
_APK_POST_SUFFIXES = ("cvs", "svn", "git", "hg", "p")
_APK = re.compile(
    r"(?P<digits>[0-9]+(?:\.[0-9]+)*)(?P<letter>[a-z])?(?P<suffixes>(?:_[a-z]+[0-9]*)*)(?P<hash>~[0-9a-f]+)?(?P<revision>-r[0-9]*\Z)?"
)
_APK_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")


def _apk_suffixes(text: str) -> tuple[list[Any], int]:
    """The known suffixes as tokens, and where the first unknown one starts."""
    tokens: list[Any] = []
    for match in _APK_SUFFIX.finditer(text):
        name, count = match.groups()
        if name in _APK_PRE_SUFFIXES:
            tokens.append((_APK_PRE, (_APK_PRE_SUFFIXES.index(name), "")))
        elif name in _APK_POST_SUFFIXES:
            tokens.append((_APK_POST, (_APK_POST_SUFFIXES.index(name), "")))
        else:
            return tokens, match.start()
        if count:
            tokens.append((_APK_COUNT, number(count)))
    return tokens, len(text)


def apk(version: str) -> Any:
    """As apk compares: numbers, a letter, suffixes, a commit hash, a revision.

    Numbers after the first are compared as text when one of them starts with 0, so all of those come first.
    """
    match = _APK.match(version)
    if match is None:
        return ((_APK_ODD, (0, version)),)
    first, *others = match["digits"].split(".")
    tokens: list[Any] = [(_APK_DIGIT, number(first))]
    tokens += [(_APK_DIGIT, (0, digits) if digits.startswith("0") else number(digits)) for digits in others]
    if match["letter"]:
        tokens.append((_APK_LETTER, (ord(match["letter"]), "")))
    suffixes, known = _apk_suffixes(match["suffixes"])
    tokens += suffixes
    if known < len(match["suffixes"]):
        return (*tokens, (_APK_ODD, (0, "")))
    if match["hash"]:
        tokens.append((_APK_HASH, (0, match["hash"])))
    if match["revision"]:
        tokens.append((_APK_REVISION, number(match["revision"][2:])))
    rest = version[match.end() :]
    if not rest:
        return (*tokens, (_APK_END, (0, "")))
    # All that apk does not know after a dash is alike; the rest is ordered as text.
    return (*tokens, (_APK_ODD, (0, "" if rest.startswith(("-", "_")) else rest)))


_APK_REVISION_END = re.compile(r"-r[0-9]+\Z")


def upstream(type: str, version: str) -> str:
    """The part that the upstream project gave: without the packager's epoch and revision."""
    if type == "apk":
        return _APK_REVISION_END.sub("", version)
    rest = version.partition(":")[2] if ":" in version else version
    return rest.rpartition("-")[0] if "-" in rest else rest
