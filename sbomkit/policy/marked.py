"""YAML as a tree whose every node knows its file, line, column and place in the text.

Built from the parser's events with a stack of its own, so that depth, size and the work hidden in aliases are bounded
before anybody walks the tree. JSON is YAML here. https://yaml.org/spec/1.2.2/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from sbomkit.errors import CannotCheck

MAX_BYTES = 16 << 20
MAX_DEPTH = 200
MAX_NODES = 1_000_000
"""Nodes of one text, each counted as often as aliases repeat it."""

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
_INT = re.compile(r"[-+]?[0-9]{1,300}\Z|0o[0-7]{1,300}\Z|0x[0-9a-fA-F]{1,300}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file. Lines and columns count from 1, `start` and `end` are offsets in characters."""

    file: str = ""
    line: int = 0
    column: int = 0
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


NOWHERE = Mark()


class MarkedError(CannotCheck):
    """Something is wrong at a place in a file; the message begins with it."""

    def __init__(self, mark: Mark, message: str, *, hint: str = "") -> None:
        super().__init__(f"{mark}: {message}" if str(mark) else message, hint=hint)
        self.mark = mark
        self.reason = message


@dataclass(frozen=True, slots=True)
class Scalar:
    value: str
    mark: Mark = field(default=NOWHERE, compare=False)
    tag: str = field(default="", compare=False)
    plain: bool = False
    """Written without quotes, so that it may be null, a boolean or a number."""

    @property
    def is_null(self) -> bool:
        return self.plain and self.value in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...] = ()
    mark: Mark = field(default=NOWHERE, compare=False)
    tag: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys are unique; merge keys (`<<`) are resolved."""

    entries: tuple[tuple[Scalar, Node], ...] = ()
    mark: Mark = field(default=NOWHERE, compare=False)
    tag: str = field(default="", compare=False)

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.entries if name.value == key), None)

    def key(self, key: str) -> Scalar | None:
        return next((name for name, _ in self.entries if name.value == key), None)


Node = Scalar | Sequence | Mapping
NULL = Scalar("null", plain=True)


def decode(raw: bytes, file: str) -> str:
    """Text of a file. Raises MarkedError for what is too large or no UTF-8 (or UTF-16 with a byte order mark)."""
    if len(raw) > MAX_BYTES:
        raise MarkedError(Mark(file), f"{len(raw)} bytes, and at most {MAX_BYTES} are read")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise MarkedError(Mark(file, line, 1), f"not {encoding} text at byte {error.start}") from error


def read_documents(text: str, file: str) -> list[Node]:
    """All documents of a text, empty ones left out. Raises MarkedError with line and column."""
    return list(_Builder(text, file).documents())


def read_one(text: str, file: str) -> Node:
    """The only document of a text; an empty text is null."""
    found = read_documents(text, file)
    if len(found) > 1:
        raise MarkedError(found[1].mark, "a second document begins here, and only one is read")
    return found[0] if found else Scalar("", Mark(file, 1, 1), plain=True)


@dataclass(slots=True)
class _Open:
    """A sequence or mapping whose end has not been seen."""

    event: Any
    items: list[Node] = field(default_factory=list)
    weight: int = 1


class _Builder:
    def __init__(self, text: str, file: str) -> None:
        if len(text) > MAX_BYTES:
            raise MarkedError(Mark(file), f"{len(text)} characters, and at most {MAX_BYTES} are read")
        # a byte order mark is no content, but offsets into the text count it
        self._shift = 1 if text.startswith("\ufeff") else 0
        self._text, self._file = text[self._shift :], file
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}

    def documents(self) -> Iterator[Node]:
        try:
            for event in yaml.parse(self._text, Loader=_LOADER):
                if isinstance(event, yaml.DocumentStartEvent):
                    self._anchors.clear()
                done = self._take(event)
                if done is not None and not (isinstance(done, Scalar) and done.is_null):
                    yield done
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            mark = Mark(self._file, at.line + 1, at.column + 1) if at else Mark(self._file)
            raise MarkedError(mark, f"not YAML: {error.problem or error.context}") from error
        except (yaml.YAMLError, ValueError) as error:
            raise MarkedError(Mark(self._file), f"not YAML: {str(error).splitlines()[0][:200]}") from error

    def _mark(self, event: Any) -> Mark:
        start, end = event.start_mark, event.end_mark
        return Mark(self._file, start.line + 1, start.column + 1, start.index + self._shift, end.index + self._shift)

    def _take(self, event: Any) -> Node | None:
        """One event; the document's root once it is whole."""
        if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise MarkedError(self._mark(event), f"nested deeper than {MAX_DEPTH}")
            if event.anchor:
                self._anchors[event.anchor] = None
            self._open.append(_Open(event))
            return None
        if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            frame = self._open.pop()
            return self._place(self._close(frame, event), frame.weight, frame.event.anchor)
        if isinstance(event, yaml.ScalarEvent):
            return self._place(self._scalar(event), 1, event.anchor)
        if isinstance(event, yaml.AliasEvent):
            return self._place(*self._alias(event), None)
        return None

    def _alias(self, event: Any) -> tuple[Node, int]:
        mark = self._mark(event)
        if event.anchor not in self._anchors:
            raise MarkedError(mark, f"alias *{event.anchor} has no anchor before it")
        found = self._anchors[event.anchor]
        if found is None:
            raise MarkedError(mark, f"alias *{event.anchor} stands inside its own anchor: an endless loop")
        return found

    def _place(self, node: Node, weight: int, anchor: str | None) -> Node | None:
        if anchor:
            self._anchors[anchor] = (node, weight)
        parent = self._open[-1] if self._open else None
        total = weight if parent is None else parent.weight + weight
        if total > MAX_NODES:
            raise MarkedError(node.mark, f"more than {MAX_NODES} nodes, counting what aliases repeat")
        if parent is None:
            return node
        parent.weight = total
        parent.items.append(node)
        return None

    def _scalar(self, event: Any) -> Scalar:
        mark = self._mark(event)
        tag = event.tag or ""
        if event.anchor or tag:
            # the event begins at its anchor or tag; what can be replaced begins after them
            skipped = _PROPERTIES.match(self._text, event.start_mark.index, event.end_mark.index)
            if skipped:
                mark = Mark(mark.file, mark.line, mark.column, skipped.end() + self._shift, mark.end)
        plain = event.style is None or event.style == ""
        return Scalar(event.value, mark, tag, plain and tag != "!")

    def _close(self, frame: _Open, event: Any) -> Node:
        begin, end = self._mark(frame.event), self._mark(event)
        mark = Mark(begin.file, begin.line, begin.column, begin.start, end.end)
        tag = frame.event.tag or ""
        if isinstance(frame.event, yaml.SequenceStartEvent):
            return Sequence(tuple(frame.items), mark, tag)
        own: dict[str, tuple[Scalar, Node]] = {}
        merged: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(frame.items[::2], frame.items[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise MarkedError(key.mark, "a key that is a list or a mapping")
            if key.value == "<<" and key.plain:
                for name, entry in self._merge(value):
                    merged.setdefault(name, entry)
                    frame.weight += 1
            elif key.value in own:
                raise MarkedError(key.mark, f"key {key.value[:80]!r} stands here twice")
            else:
                own[key.value] = (key, value)
        entries = (*(entry for name, entry in merged.items() if name not in own), *own.values())
        return Mapping(entries, mark, tag)

    def _merge(self, value: Node) -> Iterable[tuple[str, tuple[Scalar, Node]]]:
        """https://yaml.org/type/merge.html: of several mappings the first wins."""
        sources = value.items if isinstance(value, Sequence) else (value,)
        for source in sources:
            if not isinstance(source, Mapping):
                raise MarkedError(value.mark, "the merge key << takes a mapping or a list of mappings")
            for key, node in source.entries:
                yield key.value, (key, node)


def plain_value(node: Node) -> Any:
    """The node as Python values, by YAML 1.2's core schema: `yes` and `on` are words."""
    if isinstance(node, Mapping):
        return {key.value: plain_value(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain_value(item) for item in node.items]
    return _resolved(node)


def _resolved(node: Scalar) -> Any:
    text = node.value
    if not node.plain or node.tag in ("tag:yaml.org,2002:str", "!!str"):
        return text
    if node.is_null:
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.match(text):
        return float(text)
    return text
