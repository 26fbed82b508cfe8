"""The diff as a value: frozen, sorted, and with a mirror image: `diff(b, a) == diff(a, b).mirrored()`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from sbomkit.diff.versions import Level
from sbomkit.model.files import FileDrift
from sbomkit.model.inventory import CoverageStatus, LayerInfo
from sbomkit.model.package import Package

PackageKind = Literal["added", "removed", "upgraded", "downgraded", "changed", "rebuilt", "renamed", "moved"]
"""`changed`: another version without an order between them, or the same version with other fields.
`rebuilt`: the same version with other content. `moved`: the same at other paths."""
PACKAGE_KINDS: tuple[PackageKind, ...] = (
    "added", "removed", "upgraded", "downgraded", "changed", "rebuilt", "renamed", "moved",
)  # fmt: skip

Relation = Literal["root", "direct", "transitive", ""]
Origin = Literal["base", "app", "unknown"]
LayerKind = Literal["added", "removed", "rebuilt"]
BaseKind = Literal["changed", "refreshed"]

_MIRRORED_PACKAGE: dict[PackageKind, PackageKind] = {
    "added": "removed",
    "removed": "added",
    "upgraded": "downgraded",
    "downgraded": "upgraded",
}
_MIRRORED_LAYER: dict[LayerKind, LayerKind] = {"added": "removed", "removed": "added", "rebuilt": "rebuilt"}


@dataclass(frozen=True, slots=True, order=True)
class FieldChange:
    """Values of one field that went and came, sorted."""

    name: str
    """`licenses`, `supplier`, `hashes`, `dependencies`, `locations`, `architecture`, `vendor`, `source`."""
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def mirrored(self) -> FieldChange:
        return FieldChange(self.name, self.added, self.removed)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a package hangs on the root."""

    relation: Relation = ""
    path: tuple[str, ...] = ()
    """Names along one shortest path, the root's first, its own last; a long one is cut in the middle by `…`."""


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One package that is not what it was."""

    kind: PackageKind
    old: Package | None
    new: Package | None
    reason: str = ""
    """Why these two are taken for one package; symmetric."""
    level: Level = ""
    incomparable: bool = False
    """The versions differ, and the ecosystem has no order between them."""
    fields: tuple[FieldChange, ...] = ()
    old_reach: Reach = Reach()
    new_reach: Reach = Reach()
    old_origin: Origin = "unknown"
    new_origin: Origin = "unknown"
    by_name: bool = False
    """There is no purl on one side at least: identified by name and type."""
    uncertain: str = ""
    """Why the missing side may only not have been seen: missing is not removed."""

    @property
    def package(self) -> Package:
        """The newer side, else the older."""
        found = self.new or self.old
        if found is None:
            raise ValueError("a change of nothing")
        return found

    @property
    def reach(self) -> Reach:
        return self.new_reach if self.new is not None else self.old_reach

    @property
    def origin(self) -> Origin:
        """`base` only where every side that is there comes from the base image."""
        sides = {
            origin for origin, side in ((self.old_origin, self.old), (self.new_origin, self.new)) if side is not None
        }
        if sides == {"base"}:
            return "base"
        return "app" if "app" in sides else "unknown"

    @property
    def sort_key(self) -> tuple[str, ...]:
        """The same for a change and its mirror image, up to the kind's own place."""
        sides = sorted(
            (side.purl or f"{side.type}/{side.name}@{side.version}") if side else "" for side in (self.old, self.new)
        )
        package = self.package
        return (package.type, package.namespace, package.name, *sides) if self.kind != "renamed" else (*sides,)

    def mirrored(self) -> PackageChange:
        return replace(
            self,
            kind=_MIRRORED_PACKAGE.get(self.kind, self.kind),
            old=self.new,
            new=self.old,
            fields=tuple(change.mirrored() for change in self.fields),
            old_reach=self.new_reach,
            new_reach=self.old_reach,
            old_origin=self.new_origin,
            new_origin=self.old_origin,
        )


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer that is not in both, by diffID; `rebuilt` where the same instruction made another layer."""

    kind: LayerKind
    old: LayerInfo | None = None
    new: LayerInfo | None = None
    old_index: int = -1
    """From the bottom, 0 first; -1 where there is none."""
    new_index: int = -1

    def mirrored(self) -> LayerChange:
        return LayerChange(_MIRRORED_LAYER[self.kind], self.new, self.old, self.new_index, self.old_index)

    @property
    def sort_key(self) -> tuple[int, int]:
        """From the bottom; of two at the same height the one that went comes first."""
        return max(self.old_index, self.new_index), self.new_index


@dataclass(frozen=True, slots=True, order=True)
class ConfigChange:
    """One setting of the image config. Values that look secret are redacted."""

    setting: str
    """`user`, `entrypoint`, `cmd`, `env`, `ports`, `volumes`, `workdir`, `healthcheck`, `stopsignal`, `labels`, or
    the field's own name in lower case."""
    key: str = ""
    """Which one, where the setting holds several: a variable, a port, a label."""
    old: str | None = None
    """As people write it; None where it was not set."""
    new: str | None = None
    redacted: bool = False

    def mirrored(self) -> ConfigChange:
        return replace(self, old=self.new, new=self.old)


@dataclass(frozen=True, slots=True)
class BaseChange:
    """`refreshed`: the same base under another digest; `changed`: another base."""

    kind: BaseKind
    old: str
    new: str
    reason: str

    def mirrored(self) -> BaseChange:
        return BaseChange(self.kind, self.new, self.old, self.reason)


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Something that limits what this diff can say."""

    code: Literal["coverage", "platform", "format", "duplicates", "no-purl", "attribution", "unknown-field"]
    side: Literal["before", "after", "both"]
    text: str

    def mirrored(self) -> Note:
        if self.side == "both":
            return self
        return replace(self, side="after" if self.side == "before" else "before")


@dataclass(frozen=True, slots=True)
class Side:
    """What was compared."""

    name: str
    kind: str = "container"
    version: str = ""
    digest: str = ""
    image_id: str = ""
    platform: str = ""
    created: str = ""
    distro: str = ""
    packages: int = 0
    layers: int = 0
    size: int | None = None
    """Bytes of all layers as stored; None where not every layer's size is known."""
    coverage: CoverageStatus = "none"
    coverage_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """All that changed, sorted."""

    before: Side
    after: Side
    packages: tuple[PackageChange, ...] = ()
    unchanged: int = 0
    """Packages that are the same on both sides."""
    base: BaseChange | None = None
    layers: tuple[LayerChange, ...] = ()
    layers_kept: int = 0
    config: tuple[ConfigChange, ...] = ()
    files: FileDrift = field(default_factory=FileDrift)
    notes: tuple[Note, ...] = ()
    ignored: int = 0
    """Changes that a filter left out."""

    @property
    def is_empty(self) -> bool:
        files = self.files
        return not (
            self.packages or self.base or self.layers or self.config
            or files.changes or files.added or files.removed or files.changed
        )  # fmt: skip

    def mirrored(self) -> Diff:
        return replace(
            self,
            before=self.after,
            after=self.before,
            packages=tuple(sorted((c.mirrored() for c in self.packages), key=lambda c: c.sort_key)),
            base=self.base.mirrored() if self.base else None,
            layers=tuple(sorted((c.mirrored() for c in self.layers), key=lambda c: c.sort_key)),
            config=tuple(c.mirrored() for c in self.config),
            files=self.files.mirrored(),
            notes=tuple(sorted(n.mirrored() for n in self.notes)),
        )

    def count(self, kind: PackageKind) -> int:
        """Packages of one kind, without those that may only not have been seen."""
        return sum(1 for change in self.packages if change.kind == kind and not change.uncertain)

    @property
    def uncertain(self) -> int:
        return sum(1 for change in self.packages if change.uncertain)
