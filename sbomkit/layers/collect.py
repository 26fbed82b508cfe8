"""Files into a LayerRecord: each goes to the parsers that select it, and into the file index."""

from __future__ import annotations

import io
import posixpath
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import BinaryIO

from sbomkit.layers.record import HARDLINK, Entry, Facts, LayerRecord
from sbomkit.layers.select import Fact, LayerFile, Matcher, ParseError, Parser
from sbomkit.model.inventory import Issue

SPOOL = 16 << 20
"""Bytes of a file that are held in memory; beyond it goes to an unnamed temporary file."""
MAX_PATH = 4096
"""PATH_MAX; no kernel makes a longer path, so no container can see one."""
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


class Content:
    """A LayerFile whose bytes are at hand."""

    __slots__ = ("_data", "_spooled", "memo", "mode", "path", "size")

    def __init__(self, path: str, size: int, mode: int, pieces: Iterable[bytes], needed: int | None = None) -> None:
        """`needed` bytes are taken of the pieces; all of them by default."""
        self.path, self.size, self.mode = path, size, mode
        needed = size if needed is None else needed
        self.memo: dict[str, object] = {}
        """What one parser worked out about the bytes (sections of a binary, say), for the next: see `shared`."""
        self._data = b""
        self._spooled: BinaryIO | None = None
        if needed < size:
            pieces = _first(pieces, needed)
        if needed <= SPOOL:
            self._data = b"".join(pieces)
            return
        self._spooled = tempfile.TemporaryFile(prefix="sbomkit-")
        for piece in pieces:
            self._spooled.write(piece)

    def read(self) -> bytes:
        if self._spooled is None:
            return self._data
        self._spooled.seek(0)
        return self._spooled.read()

    def open(self) -> BinaryIO:
        if self._spooled is None:
            return io.BytesIO(self._data)
        self._spooled.seek(0)
        return self._spooled


def _first(pieces: Iterable[bytes], size: int) -> Iterable[bytes]:
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size <= 0:
            return


def needed_by(parsers: Iterable[Parser], size: int) -> int:
    """Bytes that the most demanding of them wants of a file of this size."""
    return max((parser.selects.needs(size) for parser in parsers), default=0)


class Collector:
    """Builds the record of one layer."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.entries: list[Entry] = []
        self.whiteouts: list[str] = []
        self.opaques: list[str] = []
        self.facts: dict[str, Facts] = {}
        self.issues: list[Issue] = []

    def add(self, entry: Entry) -> bool:
        """Index a member. False when it is no file of the image (a whiteout, an impossible name)."""
        path = entry.path
        if ".wh." in path and self._whiteout(path):
            return False
        if len(path) > MAX_PATH or len(entry.link) > MAX_PATH:
            self.issue(
                path[:200] + "...", f"a path of {max(len(path), len(entry.link))} characters, which no kernel has"
            )
            return False
        if self.facts:
            self.facts.pop(path, None)  # replaced within the layer
        if entry.kind == HARDLINK and entry.link == path:
            self.issue(path, "a hardlink to itself")
            return False
        self.entries.append(entry)
        return True

    def _whiteout(self, path: str) -> bool:
        base, _, name = path.rpartition("/")
        if name == OPAQUE:
            self.opaques.append(base)
            return True
        if not name.startswith(WHITEOUT):
            return "/.wh..wh." in "/" + base  # inside AUFS' own directories
        if name.startswith(".wh..wh."):
            return True
        target = name[len(WHITEOUT) :]
        if target in ("", ".", ".."):
            self.issue(path, "a whiteout that names nothing")
        else:
            self.whiteouts.append(f"{base}/{target}" if base else target)
        return True

    def selected(self, entry: Entry, head: bytes) -> list[Parser]:
        """The parsers that want this file; one that may not have it for its size becomes an issue."""
        parsers = self.matcher.match(entry.path)
        if head and self.matcher.wants_magic:
            parsers = parsers + [p for p in self.matcher.match_magic(head, entry.size) if p not in parsers]
        return [p for p in parsers if self._fits(entry, p)] if parsers else parsers

    def _fits(self, entry: Entry, parser: Parser) -> bool:
        if entry.size <= parser.selects.max_size:
            return True
        reason = f"{entry.size} bytes, larger than the {parser.selects.max_size} that are read of such a file"
        self.issue(entry.path, reason, parser.name)
        return False

    def parse(self, file: LayerFile, parsers: Sequence[Parser]) -> None:
        """Let the parsers learn from a file; what they cannot read becomes an issue."""
        facts, issues = learn(file, parsers)
        self.issues += issues
        if facts:
            self.facts[file.path] = facts

    def issue(self, path: str, reason: str, parser: str = "") -> None:
        self.issues.append(Issue("/" + path, reason, "", parser))

    def record(self, diff_id: str) -> LayerRecord:
        return LayerRecord(
            diff_id,
            tuple(self.entries),
            tuple(self.whiteouts),
            tuple(self.opaques),
            self.facts,
            tuple(Issue(i.path, i.reason, diff_id, i.cataloger) for i in self.issues),
        )


def learn(file: LayerFile, parsers: Sequence[Parser]) -> tuple[Facts, list[Issue]]:
    """What each parser makes of one file."""
    facts: dict[str, tuple[Fact, ...]] = {}
    issues: list[Issue] = []
    for parser in parsers:
        learned: list[Fact] = []
        try:
            for fact in parser.parse(file):
                learned.append(fact)
        except ParseError as error:
            issues.append(Issue("/" + file.path, str(error), "", parser.name))
        except Exception as error:
            # the seam between hostile content and the rest: one parser's fault must not cost the inventory
            reason = f"could not be read: {type(error).__name__}: {str(error)[:200]}"
            issues.append(Issue("/" + file.path, reason, "", parser.name))
        facts[parser.name] = tuple(learned)
    return facts, issues


Wanted = Mapping[str, Sequence[tuple[str, Sequence[Parser]]]]
"""By path as it stands in the layer: the names under which to parse the file, and by whom."""


def learn_as(
    names: Sequence[tuple[str, Sequence[Parser]]],
    entry: Entry,
    pieces: Callable[[], Iterable[bytes]],
    facts: dict[str, Facts],
    issues: list[Issue],
) -> None:
    """Parse one file under other names than its own; add to `facts` by those names, and to `issues`."""
    fitting = [(name, [p for p in parsers if entry.size <= p.selects.max_size]) for name, parsers in names]
    if not any(parsers for _, parsers in fitting):
        issues += [Issue("/" + name, f"{entry.size} bytes, larger than what is read of it") for name, _ in fitting]
        return
    needed = needed_by([parser for _, parsers in fitting for parser in parsers], entry.size)
    content = Content(entry.path, entry.size, entry.mode, pieces(), needed)
    for name, parsers in fitting:
        content.path = name
        learned, found = learn(content, parsers)
        facts[name] = {**facts.get(name, {}), **learned}
        issues += found


def normalised(name: str) -> str:
    """A tar's name as a path relative to the root: no leading or trailing slash, no empty, `.` or `..` segments."""
    if name.startswith("./"):
        name = name[2:]
    if name.endswith("/"):
        name = name[:-1]
    if "//" in name or "/." in name or name[:1] in ("/", "."):
        name = posixpath.normpath("/" + name).lstrip("/")
    return name
