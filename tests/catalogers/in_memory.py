"""Files and root filesystems for the tests of catalogers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sbomkit.catalogers.base import Cataloger, Fact, Finding, Package, ParseError, Relationship
from sbomkit.layers.directory import read_directory
from sbomkit.layers.select import Matcher
from sbomkit.layers.tree import Tree
from sbomkit.layers.view import View
from sbomkit.model.distro import Distro


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


def parsed(cataloger: Cataloger, path: str, content: bytes | str) -> tuple[list[Fact], str]:
    """The facts of one file, and the reason why there are not more ("" where there is none)."""
    file = MemoryFile(path, content.encode() if isinstance(content, str) else content)
    facts: list[Fact] = []
    try:
        facts.extend(cataloger.parse(file))
    except ParseError as error:
        return facts, str(error) or "no reason given"
    return facts, ""


def write(root: Path, files: Mapping[str, bytes | str]) -> Path:
    """Files by path; a text that begins with `-> ` is a symlink."""
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            place.symlink_to(content.removeprefix("-> "))
        else:
            place.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def findings(cataloger: Cataloger, root: Path, distro: Distro | None = None) -> list[Finding]:
    """What the cataloger makes of a root filesystem."""
    tree = Tree()
    record = read_directory(root, Matcher([cataloger]))
    tree.apply(0, record)
    return [*record.issues, *cataloger.assemble(View(tree, [record.diff_id], cataloger.name, distro or Distro()))]


def packages(found: list[Finding]) -> dict[str, Package]:
    return {item.purl: item for item in found if isinstance(item, Package)}


def edges(found: list[Finding]) -> set[tuple[str, str]]:
    """Without type and qualifiers: `a@1`, `b@2`."""

    def short(purl: str) -> str:
        return purl.partition("/")[2].partition("?")[0]

    return {(short(item.source), short(item.target)) for item in found if isinstance(item, Relationship)}
