"""The inventory: what is inside an image, how sure we are, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.package import Package, Relationship

CoverageStatus = Literal["full", "partial", "none"]


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One layer of the subject, bottom first."""

    diff_id: str
    """Digest of the uncompressed tar."""
    digest: str = ""
    """Digest of the blob as stored; empty where the source does not know it (docker archives)."""
    media_type: str = ""
    size: int | None = None
    """Bytes of the blob as stored; None where the source does not know it."""
    created_by: str = ""
    """The instruction that made it, from the image's history."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the inventory is about."""

    name: str
    kind: Literal["container", "filesystem"] = "container"
    version: str = ""
    digest: Digest | None = None
    """Digest of the image manifest, over its raw bytes; None where the source has no manifest."""
    media_type: str = ""
    image_id: Digest | None = None
    """Digest of the image config."""
    platform: str = ""
    """os/architecture[/variant]"""
    created: str = ""
    """RFC 3339 time, UTC, from the image config."""
    layers: tuple[LayerInfo, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    """The config that matters at run time, flat and sorted: `User`, `Entrypoint`, `Label:org...`; values are JSON."""


@dataclass(frozen=True, slots=True, order=True)
class Issue:
    """Something in the image that could not be read or believed. Never fatal, never silent."""

    path: str
    """Absolute in the image; empty when it concerns the whole."""
    reason: str
    layer: str = ""
    cataloger: str = ""


@dataclass(frozen=True, slots=True)
class EcosystemCoverage:
    """How much of one ecosystem was seen."""

    cataloger: str
    packages: int
    status: CoverageStatus
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How complete the inventory is, with the reasons why it is not full."""

    status: CoverageStatus
    reasons: tuple[str, ...] = ()
    ecosystems: tuple[EcosystemCoverage, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """Packages and relationships are sorted and free of duplicates: by purl, and by (source, kind, target)."""

    subject: Subject
    packages: tuple[Package, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    distro: Distro = field(default_factory=Distro)
    coverage: Coverage = Coverage("none")
    issues: tuple[Issue, ...] = ()
