"""Variables in values of compose files.

https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md

`$$` is a dollar; `$NAME` and `${NAME}` are values; inside braces `:-` `-` give a default, `:?` `?` demand a value, and
`:+` `+` replace one. The word after an operator is interpolated itself. A dollar before anything else stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sbomkit.policy.marked import Mapping, MarkedError, Node, Scalar, Sequence

MAX_DEPTH = 32
MAX_LENGTH = 1 << 20
"""Characters that one value may become."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":[-?+]|[-?+]")

Lookup = Callable[[str], str | None]


class TemplateError(ValueError):
    """A value that cannot be interpolated."""


@dataclass(slots=True)
class Names:
    """What was asked for on the way."""

    used: set[str] = field(default_factory=set)
    unset: set[str] = field(default_factory=set)
    """Names without a value and without a default: compose warns, and puts nothing there."""


def interpolate(text: str, lookup: Lookup, names: Names | None = None) -> str:
    """Replace the variables of one value. Raises TemplateError."""
    if "$" not in text:
        return text
    return _Template(text, lookup, Names() if names is None else names).run()


class _Template:
    def __init__(self, text: str, lookup: Lookup, names: Names) -> None:
        self._text, self._lookup, self._names = text, lookup, names
        self._length = 0

    def run(self) -> str:
        value, _ = self._piece(0, "", 0)
        return value

    def _piece(self, at: int, stop: str, depth: int) -> tuple[str, int]:
        """Everything up to `stop`, and where that stands."""
        if depth > MAX_DEPTH:
            raise TemplateError(f"variables nested deeper than {MAX_DEPTH}")
        text, parts = self._text, []
        while True:
            dollar = text.find("$", at)
            end = text.find(stop, at) if stop else len(text)
            if end == -1:
                raise TemplateError(f"invalid interpolation format: no closing brace in {text[:80]!r}")
            if dollar == -1 or dollar > end:
                parts.append(text[at:end])
                return "".join(parts), end
            parts.append(text[at:dollar])
            value, at = self._variable(dollar + 1, depth)
            parts.append(value)
            self._length += len(value)
            if self._length > MAX_LENGTH:
                raise TemplateError(f"more than {MAX_LENGTH} characters after interpolation")

    def _variable(self, at: int, depth: int) -> tuple[str, int]:
        """What stands after a dollar, and where the text goes on."""
        following = self._text[at : at + 1]
        if following == "$":
            return "$", at + 1
        if following == "{":
            return self._braced(at + 1, depth)
        name = _NAME.match(self._text, at)
        if name is None:
            return "$", at
        return self._value(name.group()), name.end()

    def _braced(self, at: int, depth: int) -> tuple[str, int]:
        text = self._text
        name = _NAME.match(text, at)
        if name is None:
            raise TemplateError(f"invalid interpolation format: {text[max(at - 2, 0) : at + 40]!r}")
        if text[name.end() : name.end() + 1] == "}":
            return self._value(name.group()), name.end() + 1
        operator = _OPERATOR.match(text, name.end())
        if operator is None:
            raise TemplateError(f"invalid interpolation format: {text[at - 2 : at + 40]!r}")
        # a branch that is not taken asks for nothing: what it lacks is no lack
        before = set(self._names.unset)
        word, end = self._piece(operator.end(), "}", depth + 1)
        value, taken = self._choose(name.group(), operator.group(), word)
        if not taken:
            self._names.unset.intersection_update(before)
        return value, end + 1

    def _choose(self, name: str, operator: str, word: str) -> tuple[str, bool]:
        """The value, and whether the word is (part of) it."""
        self._names.used.add(name)
        found = self._lookup(name)
        there = bool(found) if operator[0] == ":" else found is not None
        if operator[-1] == "+":
            return (word, True) if there else ("", False)
        if there:
            return found or "", False
        if operator[-1] == "?":
            raise TemplateError(f"required variable {name} is missing a value" + (f": {word}" if word else ""))
        return word, True

    def _value(self, name: str) -> str:
        self._names.used.add(name)
        found = self._lookup(name)
        if found is None:
            self._names.unset.add(name)
        return found or ""


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A tree after interpolation, and which values lack something, by the offset where they begin."""

    node: Node
    unset: dict[tuple[str, int], tuple[str, ...]]


def interpolate_tree(root: Node, lookup: Lookup) -> Interpolated:
    """Interpolate all values, and no keys. Raises MarkedError at the value's place."""
    unset: dict[tuple[str, int], tuple[str, ...]] = {}
    # a node that aliases repeat is interpolated once
    done: dict[int, Node] = {}

    def walk(node: Node) -> Node:
        key = id(node)
        if key not in done:
            done[key] = convert(node)
        return done[key]

    def convert(node: Node) -> Node:
        if isinstance(node, Mapping):
            return replace(node, entries=tuple((key, walk(value)) for key, value in node.entries))
        if isinstance(node, Sequence):
            return replace(node, items=tuple(walk(item) for item in node.items))
        return scalar(node)

    def scalar(node: Scalar) -> Scalar:
        if "$" not in node.value:
            return node
        names = Names()
        try:
            value = interpolate(node.value, lookup, names)
        except TemplateError as error:
            raise MarkedError(node.mark, str(error)) from error
        if names.unset:
            unset[node.mark.file, node.mark.start] = tuple(sorted(names.unset))
        return replace(node, value=value)

    return Interpolated(walk(root), unset)
