"""What a comparison of two images' files found. Made by whoever can see files (the scan), told by the diff."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

FileKind = Literal[
    "tamper",
    "setuid",
    "setgid",
    "capability",
    "world-writable",
    "unowned-executable",
    "secret",
    "added",
    "removed",
    "changed",
]
"""`tamper`: the content is not what its owner's record says, though the owner's version stayed."""

FileStatus = Literal["appeared", "gone", "changed"]

_MIRRORED_STATUS: dict[FileStatus, FileStatus] = {"appeared": "gone", "gone": "appeared", "changed": "changed"}
_MIRRORED_KIND: dict[FileKind, FileKind] = {"added": "removed", "removed": "added"}


@dataclass(frozen=True, slots=True, order=True)
class FileChange:
    """One finding about one file."""

    path: str
    """Absolute in the image."""
    kind: FileKind
    status: FileStatus = "appeared"
    old: str = ""
    """What it was: a mode (`0755`), a digest, capabilities; empty where there was nothing. Never a secret itself."""
    new: str = ""
    owner: str = ""
    """purl of the package that owns it."""
    layer: str = ""
    """diffID of the layer that did it."""
    detail: str = ""

    def mirrored(self) -> FileChange:
        return replace(
            self,
            kind=_MIRRORED_KIND.get(self.kind, self.kind),
            status=_MIRRORED_STATUS[self.status],
            old=self.new,
            new=self.old,
        )


@dataclass(frozen=True, slots=True)
class FileDrift:
    """The findings, and how many files and bytes differ in all."""

    changes: tuple[FileChange, ...] = ()
    added: int = 0
    removed: int = 0
    changed: int = 0
    bytes_added: int = 0
    bytes_removed: int = 0

    def mirrored(self) -> FileDrift:
        return FileDrift(
            tuple(sorted(change.mirrored() for change in self.changes)),
            added=self.removed,
            removed=self.added,
            changed=self.changed,
            bytes_added=self.bytes_removed,
            bytes_removed=self.bytes_added,
        )
