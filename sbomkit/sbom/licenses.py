"""Licence statements: which are SPDX ids, which are SPDX expressions, and which are just text.

Expressions follow SPDX 2.3 annex D (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/), with two
mercies for what package records hold: operators in lower case, and the short names of Debian and of older RPM
records (`GPL-2+`, `Expat`, `ASL 2.0`), which are turned into the SPDX ids that they mean. Names that may mean several
licences (`BSD`, `GPL`, `Artistic`) stay text.

A check of our own, because importing license-expression with its index costs 0.1 s; this one costs a millisecond.
It is a flat state machine, so nesting costs nothing but its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import orjson

from sbomkit.sbom import schemas

_CACHED_LENGTH = 256
_TOKEN = re.compile(r"\s*(?:([()])|([^\s()]+))")
_REF = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+\Z")
_ADDITION = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?AdditionRef-[A-Za-z0-9.-]+\Z")

_GNU = re.compile(r"(A?GPL|LGPL|GFDL)[- ]?v?(\d(?:\.\d)?)(?:\.0)?(\+|-only|-or-later)?\Z", re.IGNORECASE)
"""`GPL-2+`, `GPLv2`, `LGPLv2.1+`, `AGPL-3`: family, version, and the plus."""

_SHORT = {
    "expat": "MIT",
    "mit license": "MIT",
    "the mit license": "MIT",
    "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "asl 1.1": "Apache-1.1",
    "mplv1.1": "MPL-1.1",
    "mplv2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "mpl-2": "MPL-2.0",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "isc license": "ISC",
    "boost": "BSL-1.0",
    "openldap": "OLDAP-2.8",
    "psf-2": "PSF-2.0",
    "cc0": "CC0-1.0",
    "unlicense": "Unlicense",
}
_SPACED = re.compile(r"\b(ASL|MPL|Apache) (\d(?:\.\d)?)\b")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A licence statement, understood as far as it can be."""

    kind: Literal["id", "expression", "name"]
    value: str
    """The SPDX id or expression in its official spelling; for a name the statement as it stands."""
    refs: tuple[str, ...] = ()
    """The LicenseRefs that the expression names, sorted."""
    compound: bool = False
    """An expression whose outermost operator may be OR: it needs parentheses inside another."""


@cache
def _known() -> tuple[dict[str, str], dict[str, str]]:
    """Licence and exception ids, each by its lower-case spelling."""
    lists = orjson.loads(schemas.read("spdx/license-ids.json"))
    return {i.lower(): i for i in lists["licenses"]}, {i.lower(): i for i in lists["exceptions"]}


@cache
def list_version() -> str:
    """The version of the SPDX License List that ids are checked against, as `major.minor`."""
    lists = orjson.loads(schemas.read("spdx/license-ids.json"))
    return ".".join(str(lists["version"]).rsplit("-", 1)[-1].split(".")[:2])


def recognise(statement: str) -> Recognised:
    """What a licence statement says. Never fails: what is not understood is a name."""
    return _recognise_cached(statement) if len(statement) <= _CACHED_LENGTH else _recognise(statement)


@lru_cache(maxsize=8192)
def _recognise_cached(statement: str) -> Recognised:
    return _recognise(statement)


def _recognise(statement: str) -> Recognised:
    text = statement.strip()
    single = _license_id(text)
    if single:
        return Recognised("id", single)
    return _expression(_SPACED.sub(r"\1-\2", text)) or Recognised("name", statement)


def _license_id(word: str) -> str:
    """The official id that a word (or a well-known phrase) means, or nothing."""
    if len(word) > _CACHED_LENGTH:
        return ""
    licenses, _ = _known()
    lower = word.lower()
    known = licenses.get(lower)
    if known:
        return known
    short = _SHORT.get(lower) or _SHORT.get(lower.replace("-", " "))
    if short:
        return short
    gnu = _GNU.match(word)
    if not gnu:
        return ""
    family, version, suffix = gnu.group(1).upper(), gnu.group(2), gnu.group(3) or ""
    number = version if "." in version else f"{version}.0"
    if family == "GFDL" and "." not in version:
        return ""
    ending = "-or-later" if suffix in ("+", "-or-later") else "-only"
    return licenses.get(f"{family}-{number}{ending}".lower(), "")


def _operand(word: str, refs: set[str]) -> str:
    """A simple expression in its official spelling: an id, an id with `+`, or a LicenseRef."""
    known = _license_id(word)
    if known:
        return known
    if _REF.match(word):
        refs.add(word)
        return word
    if word.endswith("+"):
        base = _license_id(word[:-1])
        return f"{base}+" if base else ""
    return ""


def _expression(text: str) -> Recognised | None:
    """The expression in its official spelling, or None where it is not one."""
    _, exceptions = _known()
    parts: list[str] = []
    refs: set[str] = set()
    depth, position, operators = 0, 0, 0
    state: Literal["operand", "operator", "exception"] = "operand"
    may_except = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            break
        position = match.end()
        bracket, word = match.group(1), match.group(2)
        upper = word.upper() if word and (word.isupper() or word.islower()) else ""
        if state == "operand" and bracket == "(":
            depth += 1
            parts.append("(")
        elif state == "operand" and word:
            operand = _operand(word, refs)
            if not operand:
                return None
            parts.append(operand)
            state, may_except = "operator", True
        elif state == "exception" and word:
            exception = exceptions.get(word.lower()) or (word if _ADDITION.match(word) else "")
            if not exception:
                return None
            parts.append(exception)
            state, may_except = "operator", False
        elif state == "operator" and bracket == ")" and depth:
            depth -= 1
            parts.append(")")
            may_except = False
        elif state == "operator" and (upper in ("AND", "OR") or (upper == "WITH" and may_except)):
            parts.append(upper)
            operators += upper != "WITH"
            state = "exception" if upper == "WITH" else "operand"
        else:
            return None
    if depth or state != "operator":
        return None
    return Recognised("expression", _spaced(parts), tuple(sorted(refs)), compound=operators > 0)


def _spaced(parts: list[str]) -> str:
    return " ".join(parts).replace("( ", "(").replace(" )", ")")


def conjunction(expressions: list[tuple[str, bool]]) -> str:
    """All of these hold: `A AND (B OR C)`. Each comes with whether it is compound; order is kept, doubles are not."""
    unique = dict(expressions)
    if len(unique) == 1:
        return next(iter(unique))
    return " AND ".join(f"({value})" if compound else value for value, compound in unique.items())
