"""Boolean dependencies: `(a and b)`, `(a or b)`, `(a if b else c)`, `(a unless b)`, `(a with b)`, `(a without b)`.

https://rpm-software-management.github.io/rpm/manual/boolean_dependencies.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_OPERATORS = frozenset({"and", "or", "if", "else", "unless", "with", "without"})
_COMPARISONS = frozenset({"<", "<=", "=", ">=", ">"})
_MAX_DEPTH = 32
_MAX_LENGTH = 1 << 16


class _Malformed(Exception):
    pass


Needs = list[tuple[str, str]]
"""Capabilities, with the version where exactly that one is asked for."""


def needed(expression: str, installed: Callable[[str], bool]) -> Needs:
    """The capabilities that this expression leans on, given what is installed; none where it is malformed."""
    if len(expression) > _MAX_LENGTH:
        return []
    words = iter(_words(expression))
    try:
        if next(words, "") != "(":
            return []
        needs, _ = _group(words, installed, 1)
    except _Malformed:
        return []
    return needs


def _words(expression: str) -> Iterator[str]:
    """Parentheses, operators, names and versions; a name may hold balanced parentheses itself: `perl(Carp)`."""
    at, end = 0, len(expression)
    while at < end:
        c = expression[at]
        if c in " ,\t":
            at += 1
        elif c in "()":
            yield c
            at += 1
        else:
            start, depth = at, 0
            while at < end and (depth or expression[at] not in " ,\t)"):
                depth += {"(": 1, ")": -1}.get(expression[at], 0)
                at += 1
            yield expression[start:at]


def _group(words: Iterator[str], installed: Callable[[str], bool], depth: int) -> tuple[Needs, bool]:
    """What one pair of parentheses needs, and whether that is there."""
    if depth > _MAX_DEPTH:
        raise _Malformed
    terms: list[tuple[Needs, bool]] = []
    operators: list[str] = []
    for word in words:
        if word == ")":
            return _combined(terms, operators)
        if word == "(":
            terms.append(_group(words, installed, depth + 1))
        elif word in _OPERATORS:
            operators.append(word)
        elif word in _COMPARISONS:
            version = next(words, "")
            if word == "=" and terms:
                needs, there = terms.pop()
                terms.append(([(name, version) for name, _ in needs], there))
        else:
            terms.append(([(word, "")], installed(word)))
    raise _Malformed


def _combined(terms: list[tuple[Needs, bool]], operators: list[str]) -> tuple[Needs, bool]:
    if not terms or len(operators) != len(terms) - 1:
        raise _Malformed
    first, there = terms[0]
    kind = operators[0] if operators else "and"
    if kind in ("if", "unless"):
        if operators[1:] not in ([], ["else"]):
            raise _Malformed
        if terms[1][1] == (kind == "if"):
            return first, there
        return terms[2] if len(terms) > 2 else ([], True)
    if kind == "without":
        return first, there and not terms[1][1]
    present = [flag for _, flag in terms]
    # Of alternatives, those that are there are what the package leans on.
    needs = [need for term, flag in terms if flag or kind != "or" for need in term]
    return needs, any(present) if kind == "or" else all(present)
