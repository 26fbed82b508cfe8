"""Headers, files and views for the rpm tests."""

from __future__ import annotations

import io
import os
import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from sbomkit.catalogers import rpm
from sbomkit.catalogers.base import ParseError, View
from sbomkit.catalogers.rpm.installed import Installed
from sbomkit.layers.record import DIRECTORY, FILE, SYMLINK, Entry, LayerRecord
from sbomkit.layers.tree import Tree
from sbomkit.model.distro import Distro
from tests.conftest import PROJECT

FIXTURES = PROJECT / "fixtures" / "catalogers" / "rpm"

INT8, INT16, INT32, STRING, BINARY, STRINGS, I18N = 2, 3, 4, 6, 7, 8, 9

Value = str | bytes | Sequence[str] | Sequence[int]
Tags = Mapping[int, tuple[int, Value]]


@dataclass(frozen=True)
class MemoryFile:
    """A LayerFile with its content at hand."""

    path: str
    content: bytes
    mode: int = 0o644

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self) -> bytes:
        return self.content

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)


def fixture(path: str) -> bytes:
    return (FIXTURES / path).read_bytes()


def shared(path: str) -> bytes:
    """A file of ../shared/data; skips the test where that is not there."""
    base = Path(os.environ.get("SBOMKIT_SHARED_DATA", PROJECT.parent / "shared" / "data"))
    if not (base / path).is_file():
        pytest.skip(f"no {path} in ../shared/data")
    return (base / path).read_bytes()


def parsed(content: bytes, path: str = "var/lib/rpm/Packages") -> tuple[list[Installed], str]:
    """What the parser gives, and the reason of its ParseError ("" where it is content)."""
    facts: list[Installed] = []
    try:
        for fact in rpm.CATALOGER.parse(MemoryFile(path, content)):
            assert isinstance(fact, Installed)
            facts.append(fact)
    except ParseError as error:
        return facts, str(error)
    return facts, ""


def view_of(facts: Mapping[str, Iterable[Installed]], distro: Distro, extra: Iterable[Entry] = ()) -> View:
    """The view of an image with one layer, in which these files (by path) say these things."""
    entries = [*extra, *(Entry(path, FILE, 0o644, 0, 0, 1) for path in facts)]
    tree = Tree()
    tree.apply(0, LayerRecord("sha256:1", tuple(entries), facts={p: {"rpm": tuple(f)} for p, f in facts.items()}))
    return View(tree, ["sha256:1"], "rpm", distro)


def view_of_root(root: Path, distro: Distro) -> View:
    """The view of a root directory, with the facts that the parser learns from it."""
    entries: list[Entry] = []
    facts: dict[str, list[Installed]] = {}
    for found in sorted(root.rglob("*")):
        path = found.relative_to(root).as_posix()
        if found.is_symlink():
            entries.append(Entry(path, SYMLINK, 0o777, 0, 0, 0, str(found.readlink())))
        elif found.is_dir():
            entries.append(Entry(path, DIRECTORY, 0o755, 0, 0, 0))
        elif path in rpm.CATALOGER.selects.globs:
            facts[path] = parsed(found.read_bytes(), path)[0]
    return view_of(facts, distro, entries)


def header(tags: Tags) -> bytes:
    """A header blob with these tags: number to (type, value)."""
    index, store = b"", b""
    for tag, (type, value) in tags.items():
        size = {INT16: 2, INT32: 4}.get(type, 1)
        store += b"\0" * (-len(store) % size)
        count, raw = _encoded(type, value)
        index += struct.pack(">IIII", tag, type, len(store), count)
        store += raw
    return struct.pack(">II", len(index) // 16, len(store)) + index + store


def _encoded(type: int, value: Value) -> tuple[int, bytes]:
    if isinstance(value, bytes):
        return (len(value), value) if type == BINARY else (1, value + b"\0")
    if isinstance(value, str):
        return 1, value.encode() + b"\0"
    raw = b""
    for item in value:
        raw += item.encode() + b"\0" if isinstance(item, str) else struct.pack({2: ">B", 3: ">H", 4: ">I"}[type], item)
    return len(value), raw


def package(name: str = "demo", more: Tags | None = None) -> bytes:
    """The header of a small package."""
    return header({1000: (STRING, name), 1001: (STRING, "1.0"), 1002: (STRING, "2"), **(more or {})})


def sqlite_database(blobs: Iterable[bytes], *pragmas: str) -> bytes:
    """What the SQLite library makes of these headers."""
    with sqlite3.connect(":memory:") as database:
        for pragma in pragmas:
            database.execute("PRAGMA " + pragma)
        database.execute("VACUUM")
        database.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)")
        database.execute("CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", ((blob,) for blob in blobs))
        database.commit()
        return database.serialize()
