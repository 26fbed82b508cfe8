"""A package found in an image, and how packages relate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sbomkit.model.digest import Digest

Kind = Literal[
    "library", "application", "framework", "operating-system", "machine-learning-model", "file", "container", "firmware"
]
"""What the package is, in CycloneDX's words for component types."""

RelationshipKind = Literal["depends-on", "owned-by", "contains"]

Technique = Literal["manifest-analysis", "binary-analysis", "filename", "attestation", "other"]
"""How it was identified, in CycloneDX's words (evidence.identity.methods.technique)."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place where the evidence for a package stands."""

    path: str
    """Absolute in the image."""
    layer: str = ""
    """diffID of the layer that holds this file as the container sees it; empty where there are no layers."""


@dataclass(frozen=True, slots=True, order=True)
class License:
    """A licence as some record states it; turning it into an SPDX expression is the document's work."""

    value: str
    concluded: bool = False
    """False: declared by the package's authors or packagers. True: concluded from texts."""
    text: str = ""
    """The licence's own text, where the value alone does not name a known licence."""
    source: str = ""
    """The file (absolute in the image) that says so, when it is not the package's own record."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package: its identity is its purl, and an inventory holds each purl once."""

    purl: str
    type: str
    name: str
    version: str
    namespace: str = ""
    kind: Kind = "library"
    cataloger: str = ""
    licenses: tuple[License, ...] = ()
    locations: tuple[Location, ...] = ()
    introduced_by: str = ""
    """diffID of the layer from which on this very version has been there without a gap."""
    supplier: str = ""
    homepage: str = ""
    description: str = ""
    source_name: str = ""
    """The source package it was built from, where the ecosystem tells them apart."""
    source_version: str = ""
    hashes: tuple[Digest, ...] = ()
    cpes: tuple[str, ...] = ()
    technique: Technique = "manifest-analysis"
    confidence: float = 1.0
    extra: tuple[tuple[str, str], ...] = ()
    """What only this ecosystem has, as sorted (key, value) pairs; keys are `ecosystem:name`, e.g. `rpm:modularity`."""

    @property
    def identity(self) -> str:
        """What makes this fact the same package in the same file of another layer."""
        return self.purl


@dataclass(frozen=True, slots=True, order=True)
class Relationship:
    """`source` kind `target`, both purls (or an inventory's root reference)."""

    source: str
    kind: RelationshipKind
    target: str
