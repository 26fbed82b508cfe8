"""What one layer says: its facts, its whiteouts and its file index.

It depends on the diffID and the parsers' versions only, so it can be kept, shared and computed in parallel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sbomkit.layers.select import Fact
from sbomkit.model.inventory import Issue

FILE, DIRECTORY, SYMLINK, HARDLINK, OTHER = "f", "d", "l", "h", "o"


class Entry(NamedTuple):
    """One member of a layer's tar, or one file of a root directory."""

    path: str
    """Relative to the root, normalised: no leading slash, no `.` or `..`."""
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    link: str = ""
    """Target: as written for a symlink, relative to the root for a hardlink."""
    capabilities: str = ""
    """The `security.capability` attribute in hex, where there is one."""


Facts = Mapping[str, tuple[Fact, ...]]
"""What each parser (by name) learned from one file."""


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """The outcome of reading a layer once."""

    diff_id: str
    """Empty for a root directory, which has no layers."""
    entries: tuple[Entry, ...] = ()
    """In tar order; a later entry replaces an earlier one."""
    whiteouts: tuple[str, ...] = ()
    """Paths of lower layers that this one removes."""
    opaques: tuple[str, ...] = ()
    """Directories whose lower contents this layer hides."""
    facts: Mapping[str, Facts] = field(default_factory=dict)
    """By path as in the entries."""
    issues: tuple[Issue, ...] = ()
