"""Base image or application: which layers are the base's, what came with them, and whether the base changed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sbomkit.diff.identity import DISTRO_TYPES, type_of
from sbomkit.diff.types import BaseChange, Origin
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package

BASE_NAME = "Label:org.opencontainers.image.base.name"
BASE_DIGEST = "Label:org.opencontainers.image.base.digest"
"""https://github.com/opencontainers/image-spec/blob/main/annotations.md"""


@dataclass(frozen=True, slots=True)
class Base:
    """The base of one image, and how it is known."""

    layers: frozenset[str]
    """diffIDs."""
    how: str
    by_type: bool = False
    """No layers: a distribution's packages are taken for the base's."""

    def origin(self, package: Package | None) -> Origin:
        if package is None:
            return "unknown"
        if self.by_type:
            return "base" if type_of(package) in DISTRO_TYPES else "app"
        if not package.introduced_by:
            return "unknown"
        return "base" if package.introduced_by in self.layers else "app"


def base_of(inventory: Inventory, base: Inventory | None = None) -> Base:
    """By the base image's own layers where they are given and fit; else the bottom layer, which holds the system."""
    ids = [layer.diff_id for layer in inventory.subject.layers]
    if not ids:
        return Base(
            frozenset(), "no layers are known: a distribution's packages are taken for the base's", by_type=True
        )
    below = [layer.diff_id for layer in base.subject.layers] if base is not None else []
    if below and ids[: len(below)] == below:
        return Base(frozenset(below), f"the layers of the base image, {len(below)} of {len(ids)}")
    return Base(frozenset(ids[:1]), "the bottom layer is taken for the base's")


def base_change(before: Inventory, after: Inventory) -> BaseChange | None:
    """By the labels that name the base, then by os-release, then by the bottom layer."""
    old, new = dict(before.subject.config), dict(after.subject.config)
    old_name, new_name = _text(old.get(BASE_NAME)), _text(new.get(BASE_NAME))
    old_digest, new_digest = _text(old.get(BASE_DIGEST)), _text(new.get(BASE_DIGEST))
    if old_name and new_name and old_name != new_name:
        return BaseChange("changed", old_name, new_name, "org.opencontainers.image.base.name")
    one, other = before.distro, after.distro
    if one.id and other.id and (one.id, _release(one.version_id)) != (other.id, _release(other.version_id)):
        return BaseChange("changed", one.qualifier, other.qualifier, "os-release")
    if old_digest and new_digest:
        if old_digest == new_digest:
            return None
        return BaseChange("refreshed", old_digest, new_digest, "org.opencontainers.image.base.digest")
    below, above = before.subject.layers[:1], after.subject.layers[:1]
    if below and above and below[0].diff_id != above[0].diff_id:
        return BaseChange("refreshed", below[0].diff_id, above[0].diff_id, "the bottom layer")
    if one.id and other.id and one.version_id != other.version_id:
        return BaseChange("refreshed", one.qualifier, other.qualifier, "os-release")
    return None


def _release(version: str) -> str:
    """The release line: patch levels (alpine's 3.19.4) are refreshes of it."""
    return ".".join(version.split(".")[:2])


def _text(value: str | None) -> str:
    if not value:
        return ""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, str) else ""
