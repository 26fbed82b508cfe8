"""Descriptors, manifests and indexes, read strictly from their raw bytes.

https://github.com/opencontainers/image-spec/blob/main/manifest.md (and descriptor.md, image-index.md, config.md)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import orjson

from sbomkit.errors import CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.oci.platform import Platform

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MAX_MANIFEST = 4 << 20
"""Bytes; what registries agree to take at least, and none takes much more."""
MAX_CONFIG = 16 << 20

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob by its digest."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: Platform | None = None
    artifact_type: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = MANIFEST
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Index:
    manifests: tuple[Descriptor, ...]
    media_type: str = INDEX
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    created_by: str
    empty_layer: bool


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The parts of an image's config that matter here."""

    platform: Platform
    created: str
    diff_ids: tuple[Digest, ...]
    history: tuple[HistoryEntry, ...]
    config: Json = field(default_factory=dict, hash=False)
    """The run-time part (`User`, `Env`, `Entrypoint`, ...) as written."""


def load_object(raw: bytes, name: str) -> Json:
    """A JSON object. Raises CorruptInput."""
    return as_object(load_json(raw, name), name)


def load_json(raw: bytes, name: str) -> object:
    """Any JSON value. Raises CorruptInput, also for nesting beyond any honest document."""
    try:
        return cast(object, orjson.loads(raw))
    except orjson.JSONDecodeError as error:
        raise CorruptInput(f"{name}: not valid JSON: {error}") from None


def parse(raw: bytes, name: str) -> Index | Manifest:
    """An image index or manifest, in OCI's or Docker's words. Raises CorruptInput."""
    value = load_object(raw, name)
    media_type = text(value, "mediaType", name)
    if "manifests" in value and "layers" not in value:
        found = tuple(descriptor(item, name) for item in array(value, "manifests", name))
        return Index(found, media_type or INDEX, strings(value, "annotations", name))
    if "config" in value:
        layers = tuple(descriptor(item, name) for item in array(value, "layers", name))
        config = descriptor(value["config"], name)
        return Manifest(config, layers, media_type or MANIFEST, strings(value, "annotations", name))
    raise CorruptInput(f"{name}: neither an image index nor an image manifest")


def parse_config(raw: bytes, name: str) -> ImageConfig:
    """An image config. Raises CorruptInput."""
    value = load_object(raw, name)
    rootfs = mapping(value, "rootfs", name)
    history = tuple(
        HistoryEntry(text(item, "created_by", name), item.get("empty_layer") is True)
        for item in (as_object(entry, name) for entry in array(value, "history", name))
    )
    platform = Platform(
        text(value, "os", name) or "linux", text(value, "architecture", name), text(value, "variant", name)
    )
    diff_ids = tuple(digest(item, name) for item in array(rootfs, "diff_ids", name))
    return ImageConfig(platform, text(value, "created", name), diff_ids, history, mapping(value, "config", name))


def descriptor(value: object, name: str) -> Descriptor:
    item = as_object(value, name)
    size = item.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise CorruptInput(f"{name}: a descriptor without a proper size")
    platform = None
    if item.get("platform") is not None:
        words = mapping(item, "platform", name)
        platform = Platform(text(words, "os", name), text(words, "architecture", name), text(words, "variant", name))
    return Descriptor(
        text(item, "mediaType", name),
        digest(item.get("digest"), name),
        size,
        strings(item, "annotations", name),
        platform,
        text(item, "artifactType", name),
    )


def digest(value: object, name: str) -> Digest:
    """A digest strong enough to stand on. Raises CorruptInput."""
    try:
        found = Digest.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise CorruptInput(f"{name}: {error}") from None
    if found.algorithm not in ("sha256", "sha384", "sha512"):
        raise CorruptInput(f"{name}: {found.algorithm} is too weak a digest to trust")
    return found


def as_object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise CorruptInput(f"{name}: a JSON object was expected where there is {type(value).__name__}")
    return cast(Json, value)


def mapping(value: Json, key: str, name: str) -> Json:
    return as_object(value.get(key) or {}, f"{name}: {key}")


def strings(value: Json, key: str, name: str) -> Mapping[str, str]:
    return {k: v for k, v in mapping(value, key, name).items() if isinstance(v, str)}


def array(value: Json, key: str, name: str) -> list[object]:
    found = value.get(key) or []
    if not isinstance(found, list):
        raise CorruptInput(f"{name}: {key} should be an array")
    return found


def text(value: Json, key: str, name: str) -> str:
    found = value.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise CorruptInput(f"{name}: {key} should be a string")
    return found
