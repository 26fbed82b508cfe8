"""Maven versions.

https://maven.apache.org/pom.html#version-order-specification
"""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Any

from sbomkit.diff.versions.distro import number

_TOKEN = re.compile(r"[0-9]+|[^0-9.\-]+|[.\-]")
_DIGITS = "0123456789"
_ALIAS = {"ga": "", "final": "", "release": "", "cr": "rc"}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_KNOWN = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RELEASE = _KNOWN.index("")
_UNKNOWN = len(_KNOWN)

# What a token is, lowest first. Since Maven 3.9 words after a dot and after a dash are alike; in the versions that
# people ordered with older ones (`1.5.9.RC1 < 1.5.9-RC0`) the dot came first, and `_` was a letter (`2.0GA < 2.0_rc9`):
# the repositories' orderings follow those, so this does.
_DOTTED_WORD, _DASHED_WORD, _DASHED, _DOTTED = range(4)
_NULL = {_DOTTED_WORD: (_RELEASE, ""), _DASHED_WORD: (_RELEASE, ""), _DASHED: (0, ""), _DOTTED: (0, "")}
Token = tuple[int, Any]


def _word(text: str, numbered: bool, dotted: bool) -> Token:
    if numbered:
        text = _SHORT.get(text, text)
    text = _ALIAS.get(text, text)
    kind = _DOTTED_WORD if dotted else _DASHED_WORD
    return kind, ((_KNOWN.index(text), "") if text in _KNOWN else (_UNKNOWN, text))


def _tokens(version: str) -> list[tuple[str, Token]]:
    """(separator, token) for every token; no separator between a digit and a letter is a dash."""
    found: list[tuple[str, Token]] = []
    separator, after = "", False
    parts = _TOKEN.findall(version.lower())
    for at, part in enumerate(parts):
        if part in ".-":
            if not after:
                found.append((separator, (_DASHED if separator == "-" else _DOTTED, (0, ""))))
            separator, after = part, False
            continue
        if after:
            separator = "-"
        if part[0] in _DIGITS:
            found.append((separator, (_DASHED if separator == "-" else _DOTTED, number(part))))
        else:
            numbered = at + 1 < len(parts) and parts[at + 1][0] in _DIGITS
            found.append((separator, _word(part, numbered, separator == ".")))
        after = True
    return found


def _trim(tokens: list[tuple[str, Token]]) -> tuple[Token, ...]:
    """Without the tokens that say nothing, at the end and before each dash."""
    kept: list[tuple[str, Token]] = []
    for separator, token in tokens:
        if separator == "-":
            while kept and _is_null(kept[-1][1]):
                kept.pop()
        kept.append((separator, token))
    while kept and _is_null(kept[-1][1]):
        kept.pop()
    return tuple(token for _, token in kept)


def _is_null(token: Token) -> bool:
    return bool(token[1] == _NULL[token[0]])


@total_ordering
class _Maven:
    """Compares token by token, the shorter one filled with tokens that say nothing."""

    __slots__ = ("tokens",)

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Maven) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)

    def __lt__(self, other: _Maven) -> bool:
        for mine, theirs in zip(self.tokens, other.tokens, strict=False):
            if mine != theirs:
                return mine < theirs
        if len(self.tokens) < len(other.tokens):
            return next(
                (_NULL[kind] < value for kind, value in other.tokens[len(self.tokens) :] if value != _NULL[kind]), False
            )
        return next(
            (value < _NULL[kind] for kind, value in self.tokens[len(other.tokens) :] if value != _NULL[kind]), False
        )


def key(version: str) -> Any:
    return _Maven(_trim(_tokens(version)))
