"""What two images' files say that packages do not: tampering, new privileges, files that nobody owns, secrets.

Files are compared as the containers would see them. Content is read only where it has to be: a file that stands at the
same place of a layer that both images have is the same; one whose size changed has changed; for the rest, and for
secrets, the layers are read that are not in both (and a layer that is in both, where an upper layer of one image
replaced a file by another of the same size).
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from sbomkit.layers.record import FILE, SYMLINK
from sbomkit.layers.tree import Directory, Leaf, Node
from sbomkit.model.files import FileChange, FileDrift, FileStatus
from sbomkit.model.package import Package
from sbomkit.scan.capabilities import told
from sbomkit.scan.content import Content, Place, contents
from sbomkit.scan.holders import Holders, same_package
from sbomkit.scan.scan import Examined
from sbomkit.scan.secrets import MAX_SIZE

_COMPILED = "/__pycache__/"


@dataclass(frozen=True, slots=True)
class _File:
    """A path that is not the same on both sides; a side is None where there is nothing."""

    path: str
    old: Leaf | Directory | None
    new: Leaf | Directory | None


def file_drift(before: Examined, after: Examined) -> FileDrift:
    """The findings and numbers. Raises CorruptInput where a layer is not what it was when it was examined."""
    return _Comparison(before, after).drift()


class _Comparison:
    def __init__(self, before: Examined, after: Examined) -> None:
        self.sides = before, after
        self._ids = tuple([record.diff_id for record in side.records] for side in self.sides)
        self._common = (set(self._ids[0]) & set(self._ids[1])) - {""}
        self.files = self._differing()
        self._contents = tuple(dict(contents(side, self._places(at))) for at, side in enumerate(self.sides))
        changed = [file for file in self.files if self._is_changed(file)]
        self.files = changed
        self._read_counterparts()
        paths = [f"/{file.path}" for file in changed]
        self._holders = tuple(Holders(side, paths) for side in self.sides)

    def drift(self) -> FileDrift:
        changes = {change for file in self.files for change in self._findings(file)}
        leaves = [file for file in self.files if isinstance(file.old, Leaf) or isinstance(file.new, Leaf)]
        added = [file.new for file in leaves if isinstance(file.new, Leaf) and not isinstance(file.old, Leaf)]
        removed = [file.old for file in leaves if isinstance(file.old, Leaf) and not isinstance(file.new, Leaf)]
        return FileDrift(
            tuple(sorted(changes)),
            added=len(added),
            removed=len(removed),
            changed=len(leaves) - len(added) - len(removed),
            bytes_added=sum(leaf.entry.size for leaf in added),
            bytes_removed=sum(leaf.entry.size for leaf in removed),
        )

    def _differing(self) -> list[_File]:
        """By path, all that is not plainly the same: the same place of the same layer, or alike without a content."""
        old, new = (dict(side.tree.walk()) for side in self.sides)
        found = [_File(path, old.get(path), node) for path, node in new.items() if not self._alike(old.get(path), node)]
        found += [_File(path, node, None) for path, node in old.items() if path not in new]
        return sorted(found, key=lambda file: file.path)

    def _alike(self, old: Node | None, new: Node) -> bool:
        if old is None or _attributes(old) != _attributes(new):
            return False
        if isinstance(old, Directory) or isinstance(new, Directory) or old.entry.kind != FILE:
            return True
        return self._place_in_layer(0, old) == self._place_in_layer(1, new) is not None

    def _place_in_layer(self, side: int, leaf: Leaf) -> tuple[str, str] | None:
        layer, path = leaf.source
        diff_id = self._ids[side][layer]
        return (diff_id, path) if diff_id else None

    def _places(self, side: int) -> Iterator[Place]:
        """What has to be read of one side."""
        for file in self.files:
            nodes = file.old, file.new
            mine, other = nodes[side], nodes[1 - side]
            if not _is_file(mine):
                continue
            fresh = self._ids[side][mine.source[0]] not in self._common
            same_size = _is_file(other) and other.entry.size == mine.entry.size
            same_place = _is_file(other) and self._place_in_layer(side, mine) == self._place_in_layer(1 - side, other)
            if (same_size and not same_place) or (fresh and mine.entry.size <= MAX_SIZE):
                yield mine.source

    def _read_counterparts(self) -> None:
        """Where a secret was found in what replaced a file of a common layer: was it there before?"""
        for side, image in enumerate(self.sides):
            missing = []
            for file in self.files:
                mine, other = (file.old, file.new)[:: -1 if side else 1]
                found = self.content(1 - side, other)
                if found and found.secrets and _is_file(mine) and self.content(side, mine) is None:
                    missing.append(mine.source)
            self._contents[side].update(contents(image, missing))

    def content(self, side: int, node: Node | None) -> Content | None:
        return self._contents[side].get(node.source) if _is_file(node) else None

    def _is_changed(self, file: _File) -> bool:
        if file.old is None or file.new is None:
            return True
        return _attributes(file.old) != _attributes(file.new) or self.content_changed(file)

    def content_changed(self, file: _File, *, compiled: bool = False) -> bool:
        """Of two files, or two links. `compiled`: the time in a compiled Python module is no change."""
        old, new = file.old, file.new
        if not isinstance(old, Leaf) or not isinstance(new, Leaf):
            return False
        if (old.entry.kind, old.entry.link) != (new.entry.kind, new.entry.link) or old.entry.size != new.entry.size:
            return True
        one, other = self.content(0, old), self.content(1, new)
        if one is None or other is None:  # at the same place; or a file that could not be read, of which nobody knows
            return False
        return one.body != other.body if compiled else one.sha256 != other.sha256

    def _findings(self, file: _File) -> Iterator[FileChange]:
        owners = [holders.of(f"/{file.path}") for holders in self._holders]
        yield from self._tampered(file, owners[0], owners[1])
        owner = _purl(owners[1] or owners[0])
        yield from self._privileges(file, owner)
        yield from self._orphan(file, owners[0] is not None, owners[1] is not None)
        yield from self._secrets(file, owner)

    def _tampered(self, file: _File, old: Package | None, new: Package | None) -> Iterator[FileChange]:
        if not same_package(old, new) or not self.content_changed(file, compiled=_COMPILED in file.path):
            return
        layer = self._layer_of(file)
        detail = "content changed, its owner's version did not"
        if file.path.startswith("etc/"):
            detail += "; below /etc, so it may be configuration"
        yield FileChange(f"/{file.path}", "tamper", "changed", *self._shown(file), _purl(new), layer, detail)

    def _shown(self, file: _File) -> tuple[str, str]:
        """Digests where both contents were read, else sizes; of a link its target."""
        found = self.content(0, file.old), self.content(1, file.new)
        if found[0] and found[1]:
            return f"sha256:{found[0].sha256}", f"sha256:{found[1].sha256}"
        return _size(file.old), _size(file.new)

    def _privileges(self, file: _File, owner: str) -> Iterator[FileChange]:
        old, new = (_Privileges.of(node) for node in (file.old, file.new))
        path, layer = f"/{file.path}", self._layer_of(file)
        mode = (_mode(file.old), _mode(file.new))
        if old.setuid != new.setuid:
            yield FileChange(path, "setuid", _status(new.setuid), *mode, owner, layer)
        if old.setgid != new.setgid:
            yield FileChange(path, "setgid", _status(new.setgid), *mode, owner, layer)
        if old.writable != new.writable:
            yield FileChange(path, "world-writable", _status(new.writable), *mode, owner, layer)
        if old.capabilities != new.capabilities:
            shown = told(old.capabilities), told(new.capabilities)
            changed = bool(old.capabilities and new.capabilities)
            status = "changed" if changed else _status(bool(new.capabilities))
            yield FileChange(path, "capability", status, *shown, owner, layer)

    def _orphan(self, file: _File, old_owned: bool, new_owned: bool) -> Iterator[FileChange]:
        """An executable that nobody owns, where there was none before."""
        old = _is_executable(file.old) and not old_owned
        new = _is_executable(file.new) and not new_owned
        if old != new and not (_is_executable(file.old) and _is_executable(file.new)):
            mode = (_mode(file.old), _mode(file.new))
            yield FileChange(f"/{file.path}", "unowned-executable", _status(new), *mode, "", self._layer_of(file))

    def _secrets(self, file: _File, owner: str) -> Iterator[FileChange]:
        old, new = self.content(0, file.old), self.content(1, file.new)
        before, after = set(old.secrets if old else ()), set(new.secrets if new else ())
        for kind in sorted(before ^ after):
            status = _status(kind in after)
            yield FileChange(f"/{file.path}", "secret", status, "", "", owner, self._layer_of(file), kind)

    def _layer_of(self, file: _File) -> str:
        """The layer that did it: the newer file's; of a file that went, the one that had it."""
        if file.new is not None:
            return self._ids[1][file.new.layer] if self._ids[1] else ""
        return self._ids[0][file.old.layer] if file.old is not None and self._ids[0] else ""


@dataclass(frozen=True, slots=True)
class _Privileges:
    setuid: bool = False
    setgid: bool = False
    writable: bool = False
    """By everybody; of a directory only without the sticky bit, which keeps what is in it its owner's."""
    capabilities: str = ""

    @classmethod
    def of(cls, node: Node | None) -> _Privileges:
        if isinstance(node, Directory):
            mode = node.entry.mode
            return cls(writable=bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX)
        if not _is_file(node):
            return cls()
        mode = node.entry.mode
        writable = bool(mode & stat.S_IWOTH)
        return cls(bool(mode & stat.S_ISUID), bool(mode & stat.S_ISGID), writable, node.entry.capabilities)


def _attributes(node: Node) -> tuple[object, ...]:
    """What of a file counts besides its content. Not its user: an unpacked root has whoever unpacked it."""
    entry = node.entry
    if isinstance(node, Directory):
        return (entry.kind, entry.mode)
    return (entry.kind, 0 if entry.kind == SYMLINK else entry.mode, entry.size, entry.link, entry.capabilities)


def _is_file(node: Node | None) -> TypeGuard[Leaf]:
    return isinstance(node, Leaf) and node.entry.kind == FILE


def _is_executable(node: Node | None) -> bool:
    return _is_file(node) and bool(node.entry.mode & 0o111)


def _mode(node: Node | None) -> str:
    return f"{node.entry.mode:04o}" if node is not None else ""


def _size(node: Node | None) -> str:
    if not isinstance(node, Leaf):
        return ""
    return f"-> {node.entry.link}" if node.entry.kind == SYMLINK else f"{node.entry.size} bytes"


def _status(is_there_now: bool) -> FileStatus:
    return "appeared" if is_there_now else "gone"


def _purl(package: Package | None) -> str:
    return package.purl if package is not None else ""
