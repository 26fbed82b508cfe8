"""Environment markers, answered for the image: yes, no, or not known.

https://packaging.python.org/en/latest/specifications/dependency-specifiers/ . The library `packaging` answers only
for an environment that is known in full; of an image we know the system and mostly the Python, not the machine's rest.
So each comparison is True, False or None, and None counts as a yes at the end: a doubtful edge is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_NESTING = 32
"""Parentheses; people write two."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<literal>'[^']*'|"[^"]*")|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)|(?P<op>===|[<>=!~]=|[<>]|[()]))"""
)
_ALIASES = {
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.version": "platform_version",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)", re.DOTALL)
_VERSION = re.compile(r"\s*v?(\d{1,9}(?:\.\d{1,9}){0,9})(\.\*)?\s*\Z")

Answer = bool | None


@dataclass(frozen=True, slots=True)
class Environment:
    """What an image tells of the interpreter that will see a directory of packages."""

    python: tuple[int, int] | None = None
    implementation: str = ""
    """`cpython`, `pypy`, or "" where unknown."""


Marker = Callable[[Environment, str], Answer]
"""Asked with the environment and the one extra that is wanted ("" for none)."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A Requires-Dist without its version constraint: what counts is what is installed."""

    name: str
    """Normalised."""
    extras: tuple[str, ...] = ()
    """Extras of that distribution that are asked for, normalised."""
    marker: Marker | None = None
    mentions: frozenset[str] = frozenset()
    """Extras of our own that the marker speaks of, normalised."""

    def applies(self, environment: Environment, extra: str = "") -> bool:
        return self.marker is None or self.marker(environment, extra) is not False


def normalised(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirement(text: str) -> Requirement | None:
    """None where there is not even a name. A marker that cannot be read is no marker."""
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    name, extras, rest = match.groups()
    # The semicolon after a URL needs a space before it, for a URL may contain one.
    _, _, marker_text = rest.partition(" ;" if rest.startswith("@") else ";")
    wanted = tuple(sorted({normalised(extra.strip()) for extra in (extras or "").split(",")} - {""}))
    parser = _Parser(marker_text)
    return Requirement(normalised(name), wanted, parser.marker(), frozenset(parser.extras))


class _Parser:
    """marker = and_group ("or" and_group)*; and_group = item ("and" item)*; item = "(" marker ")" | value op value."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self.extras: set[str] = set()

    def marker(self) -> Marker | None:
        if not self._tokens:
            return None
        try:
            found = self._any(0)
        except SyntaxError:
            found = None
        if found is None or self._at != len(self._tokens):
            self.extras.clear()
            return None
        return found

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise SyntaxError
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, kind: str, text: str) -> bool:
        here = self._at < len(self._tokens) and self._tokens[self._at] == (kind, text)
        self._at += here
        return here

    def _any(self, depth: int) -> Marker:
        parts = [self._all(depth)]
        while self._take("word", "or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else _joined(parts, True)

    def _all(self, depth: int) -> Marker:
        parts = [self._item(depth)]
        while self._take("word", "and"):
            parts.append(self._item(depth))
        return parts[0] if len(parts) == 1 else _joined(parts, False)

    def _item(self, depth: int) -> Marker:
        if self._take("op", "("):
            if depth >= MAX_NESTING:
                raise SyntaxError
            inner = self._any(depth + 1)
            if not self._take("op", ")"):
                raise SyntaxError
            return inner
        left = self._next()
        kind, op = self._next()
        if (kind, op) == ("word", "not") and self._take("word", "in"):
            op = "not in"
        elif (kind, op) != ("word", "in") and (kind != "op" or op in "()"):
            raise SyntaxError
        right = self._next()
        if {left[0], right[0]} != {"word", "literal"}:
            raise SyntaxError
        return self._comparison(left, op, right)

    def _comparison(self, left: tuple[str, str], op: str, right: tuple[str, str]) -> Marker:
        swapped = left[0] == "literal"
        variable, literal = (right[1], left[1]) if swapped else (left[1], right[1])
        variable = _ALIASES.get(variable, variable)
        if variable == "extra":
            extra = normalised(literal)
            self.extras.add(extra)
            if op in ("!=", "not in"):
                return lambda _, wanted: wanted != extra
            return lambda _, wanted: wanted == extra
        if variable == "python_version":
            flipped = _FLIPPED.get(op, op) if swapped else op
            return lambda environment, _: _python_version(environment, flipped, literal, swapped)
        if variable == "python_full_version":
            flipped = _FLIPPED.get(op, op) if swapped else op
            return lambda environment, _: _python_full_version(environment, flipped, literal)
        return lambda environment, _: _text(_value(variable, environment), op, literal, swapped)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            yield "junk", ""
            return
        at = match.end()
        kind = match.lastgroup or ""
        yield kind, match[kind][1:-1] if kind == "literal" else match[kind]


def _joined(parts: list[Marker], decisive: bool) -> Marker:
    """Kleene's or (decided by a True) and and (decided by a False)."""

    def answer(environment: Environment, extra: str) -> Answer:
        unknown = False
        for part in parts:
            told = part(environment, extra)
            if told is decisive:
                return decisive
            unknown |= told is None
        return None if unknown else not decisive

    return answer


def _value(variable: str, environment: Environment) -> str | None:
    """Images hold Linux; what depends on the machine that will run them is not known."""
    if variable == "implementation_name":
        return environment.implementation or None
    if variable == "platform_python_implementation":
        return {"cpython": "CPython", "pypy": "PyPy"}.get(environment.implementation)
    return {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}.get(variable)


def _text(value: str | None, op: str, literal: str, swapped: bool) -> Answer:
    if value is None:
        return None
    if op in ("==", "==="):
        return value == literal
    if op == "!=":
        return value != literal
    if op in ("in", "not in"):
        return (literal in value if swapped else value in literal) is (op == "in")
    return None


def _python_version(environment: Environment, op: str, literal: str, swapped: bool) -> Answer:
    if environment.python is None:
        return None
    if op in ("in", "not in", "==="):
        return _text(".".join(map(str, environment.python)), op, literal, swapped)
    return _compare(environment.python, op, literal)


def _python_full_version(environment: Environment, op: str, literal: str) -> Answer:
    """Of X.Y.Z only X.Y is known: sure is what holds for the first and the last Z alike."""
    match = _VERSION.match(literal)
    if environment.python is None or match is None:
        return None
    numbers = _numbers(match)
    if len(numbers) > 2 and numbers[:2] == environment.python and op in ("==", "!=", "~=", "==="):
        return None
    first, last = (_compare((*environment.python, patch), op, literal) for patch in (0, 10**9))
    return first if first is last else None


def _compare(version: tuple[int, ...], op: str, literal: str) -> Answer:
    """PEP 440 for plain releases; None for whatever has more to it."""
    match = _VERSION.match(literal)
    if match is None:
        return None
    numbers = _numbers(match)
    if match[2]:
        same = version[: len(numbers)] == numbers
        return {"==": same, "!=": not same}.get(op)
    length = max(len(version), len(numbers))
    ours, theirs = (v + (0,) * (length - len(v)) for v in (version, numbers))
    if op == "~=":
        return ours >= theirs and version[: len(numbers) - 1] == numbers[:-1] if len(numbers) > 1 else None
    answers = {
        "==": ours == theirs,
        "===": ours == theirs,
        "!=": ours != theirs,
        "<": ours < theirs,
        "<=": ours <= theirs,
        ">": ours > theirs,
        ">=": ours >= theirs,
    }
    return answers.get(op)


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in match[1].split("."))
