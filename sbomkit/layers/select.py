"""Which files of a layer a parser wants to see, decided in well under a microsecond each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, Protocol, TypeVar

MIB = 1 << 20
T = TypeVar("T")


class Fact(Protocol):
    """What a parser learned from one file: a frozen dataclass of plain values, so that records can be kept.

    `identity` tells the same thing in another layer's version of the same file; "" where that has no meaning.
    """

    @property
    def identity(self) -> str: ...


class LayerFile(Protocol):
    """A regular file of a layer, as a parser gets it: only for the time of the call."""

    @property
    def path(self) -> str:
        """Relative to the image's root, no leading slash: `var/lib/dpkg/status`."""

    @property
    def size(self) -> int: ...

    @property
    def mode(self) -> int:
        """Permission bits."""

    def read(self) -> bytes: ...

    def open(self) -> BinaryIO:
        """The content, seekable."""


def shared(file: LayerFile, key: str, make: Callable[[LayerFile], T]) -> T:
    """`make(file)`, worked out once for all the parsers of one file. It must depend on the bytes alone."""
    memo = getattr(file, "memo", None)
    if not isinstance(memo, dict):
        return make(file)
    if key not in memo:
        memo[key] = make(file)
    kept: T = memo[key]
    return kept


@dataclass(frozen=True, slots=True)
class Selector:
    """Files by glob (relative to the root; `*` stays within a segment, `**/` is any depth) or by their first bytes."""

    globs: tuple[str, ...] = ()
    magics: tuple[bytes, ...] = ()
    """Leading bytes, at most 16; with `magics` the file must be larger than `min_size`."""
    max_size: int = 64 * MIB
    """Bytes; a larger file is not read and becomes an issue."""
    min_size: int = 0
    head: int = 0
    """Bytes at the beginning that suffice; the file is handed over cut to them (its `size` stays). 0: all of it."""

    def needs(self, size: int) -> int:
        """How many bytes of a file of this size must be read."""
        return min(size, self.head) if self.head else size


class ParseError(Exception):
    """The file is not what its name promises. What was yielded before stays; the reason becomes an issue."""


@dataclass(frozen=True, slots=True)
class Parser:
    """The layer's half of a cataloger: pure, once per file per layer."""

    name: str
    version: int
    """Bump when `parse` changes: it is part of the cache key."""
    selects: Selector
    parse: Callable[[LayerFile], Iterable[Fact]]


@cache
def compile_glob(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression for whole paths; `{a,b}` are alternatives."""
    out, i = [], 0
    while i < len(glob):
        c = glob[i]
        if glob.startswith("**/", i):
            out.append("(?:[^/]+/)*")
            i += 3
            continue
        if glob[i:] == "**":
            out.append(".+")
            break
        if c == "*":
            out.append("[^/]*")
        elif c == "?":
            out.append("[^/]")
        elif c == "{":
            end = glob.index("}", i)
            out.append("(?:" + "|".join(re.escape(part) for part in glob[i + 1 : end].split(",")) + ")")
            i = end
        else:
            out.append(re.escape(c))
        i += 1
    return re.compile("".join(out) + r"\Z", re.DOTALL)


def literal_directory(glob: str) -> str:
    """The longest leading directory without a wildcard: `var/lib/dpkg/info` of `var/lib/dpkg/info/*.list`."""
    segments = glob.split("/")[:-1]
    for at, segment in enumerate(segments):
        if any(c in segment for c in "*?{"):
            return "/".join(segments[:at])
    return "/".join(segments)


_Glob = tuple[str, re.Pattern[str], Parser]
"""What every matching path contains, the glob, and who asks."""


def _needle(glob: str) -> str:
    """The longest literal part of a glob: ten times cheaper to look for than the glob is to match."""
    return max(re.split(r"\*\*/|[*?]|\{[^}]*\}", glob), key=len)


_NONE: list[_Glob] = []


class Matcher:
    """Selectors of many parsers, indexed so that most paths cost two dictionary look-ups."""

    def __init__(self, parsers: Sequence[Parser]) -> None:
        self.parsers = tuple(parsers)
        self._by_name: dict[str, list[_Glob]] = {}
        self._by_suffix: dict[str, list[_Glob]] = {}
        self._rest: list[_Glob] = []
        self._magics: dict[bytes, list[tuple[bytes, Parser]]] = {}
        for parser in self.parsers:
            for glob in _alternatives(parser.selects.globs):
                self._index(glob, parser)
            for magic in parser.selects.magics:
                self._magics.setdefault(magic[:2], []).append((magic, parser))

    def _index(self, glob: str, parser: Parser) -> None:
        item = (_needle(glob), compile_glob(glob), parser)
        last = glob.rpartition("/")[2]
        if not any(c in last for c in "*?{"):
            self._by_name.setdefault(last, []).append(item)
            return
        dot = last.rfind(".")
        if dot >= 0 and not any(c in last[dot:] for c in "*?{"):
            self._by_suffix.setdefault(last[dot:], []).append(item)
        else:
            self._rest.append(item)

    def match(self, path: str) -> list[Parser]:
        """The parsers whose globs match, each once, in their order."""
        name = path[path.rfind("/") + 1 :]
        candidates = self._by_name.get(name, _NONE)
        dot = name.rfind(".")
        if dot >= 0 and name[dot:] in self._by_suffix:
            candidates = candidates + self._by_suffix[name[dot:]]
        if self._rest:
            candidates = candidates + self._rest
        found: list[Parser] = []
        for needle, pattern, parser in candidates:
            if needle in path and parser not in found and pattern.match(path):
                found.append(parser)
        return found

    @property
    def wants_magic(self) -> bool:
        return bool(self._magics)

    def match_magic(self, head: bytes, size: int) -> list[Parser]:
        """The parsers that want a file which begins with these bytes."""
        found: list[Parser] = []
        for magic, parser in self._magics.get(head[:2], ()):
            if head.startswith(magic) and size >= parser.selects.min_size and parser not in found:
                found.append(parser)
        return found


def _alternatives(globs: Iterable[str]) -> list[str]:
    """Globs with a `{a,b}` in their last segment, spelled out, so that each can be indexed."""
    out: list[str] = []
    for glob in globs:
        last = glob.rpartition("/")[2]
        if "{" in last:
            at = glob.rindex("{")
            end = glob.index("}", at)
            out += _alternatives(glob[:at] + part + glob[end + 1 :] for part in glob[at + 1 : end].split(","))
        else:
            out.append(glob)
    return out
